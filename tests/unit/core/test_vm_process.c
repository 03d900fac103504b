#include "unit/cm.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/status.h"
#include "core/vm_process.h"

struct world {
	char *dir;
	struct home home;
	struct err err;
	char *run, *file, *page;
	int fd;
};

static void setup(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->dir = cm_mkdtemp();
	setenv("HVMUX_HOME", w->dir, 1);
	assert_int_equal(home_init(&w->home, NULL, &w->err), 0);
	w->run = home_run_dir(&w->home, "a");
	w->file = home_run_file(&w->home, "a", "process");
	w->page = home_run_file(&w->home, "a", "status");
	assert_int_equal(home_mkdir(&w->home, w->run, &w->err), 0);
	w->fd = vm_process_open(&w->home, "a", &w->err);
	assert_true(w->fd >= 0);
}

static void teardown(struct world *w)
{
	close(w->fd);
	free(w->run);
	free(w->file);
	free(w->page);
	home_fini(&w->home);
	cm_rmdir(w->dir);
}

static void write_text(const struct world *w, const char *text)
{
	char whole[VM_PROCESS_SIZE];
	memset(whole, ' ', sizeof(whole));
	memcpy(whole, text, strlen(text));
	assert_int_equal(pwrite(w->fd, whole, sizeof(whole), 0), sizeof(whole));
}

/* The form that every version reads and writes: it must not change. */
static void test_form(void **state)
{
	(void)state;
	struct world w;
	struct buf b = BUF_INIT;
	struct vm_process p = {
	    .qemu = 4711, .qemu_start = 1234567, .sup = 4700, .sup_start = 99, .id = 12};
	setup(&w);
	memset(p.boot_id, 0x1b, sizeof(p.boot_id));
	assert_int_equal(vm_process_write(w.fd, &p), 0);
	assert_int_equal(file_read(w.file, 4096, &b, &w.err), 0);
	assert_int_equal(b.len, VM_PROCESS_SIZE);
	static const char form[] = "hvmux process 1\nqemu 4711 1234567\nsupervisor 4700 99\nid 12\n"
	                           "boot 1b1b1b1b-1b1b-1b1b-1b1b-1b1b1b1b1b1b\n ";
	assert_memory_equal(b.data, form, sizeof(form) - 1);
	assert_int_equal(b.data[VM_PROCESS_SIZE - 1], '\n');
	/* The largest numbers fit, and nothing of a longer text before is left. */
	struct vm_process most = {.qemu = INT32_MAX,
	    .qemu_start = UINT64_MAX,
	    .sup = INT32_MAX,
	    .sup_start = UINT64_MAX,
	    .id = UINT32_MAX};
	struct vm_process back;
	assert_int_equal(vm_process_write(w.fd, &most), 0);
	assert_true(vm_process_read(&w.home, "a", &back));
	assert_memory_equal(&back, &most, sizeof(most));
	assert_int_equal(vm_process_write(w.fd, &p), 0);
	assert_true(vm_process_read(&w.home, "a", &back));
	assert_memory_equal(&back, &p, sizeof(p));
	buf_fini(&b);
	teardown(&w);
}

/* What a later version adds is passed over; what is not ours is nothing. */
static void test_of_others(void **state)
{
	(void)state;
	struct world w;
	struct vm_process p;
	setup(&w);
	assert_false(vm_process_read(&w.home, "a", &p)); /* made, not written yet */
	write_text(&w, "hvmux process 1\nhelper 3 4\nqemu 7 8\nmood good\n");
	assert_true(vm_process_read(&w.home, "a", &p));
	assert_int_equal(p.qemu, 7);
	assert_int_equal(p.qemu_start, 8);
	assert_int_equal(p.sup, 0);
	write_text(&w, "something else\nqemu 7 8\n");
	assert_false(vm_process_read(&w.home, "a", &p));
	assert_int_equal(p.qemu, 0);
	assert_false(vm_process_read(&w.home, "b", &p));
	teardown(&w);
}

static void test_exists(void **state)
{
	(void)state;
	uint8_t other[16] = {1};
	struct vm_process p = {.qemu = getpid(), .qemu_start = vm_process_start(getpid())};
	assert_true(vm_process_qemu_exists(&p)); /* the boot is not known */
	vm_process_boot_id(p.boot_id);
	assert_true(vm_process_qemu_exists(&p));
	p.qemu_start++;
	assert_false(vm_process_qemu_exists(&p));
	p.qemu_start--;
	memcpy(p.boot_id, other, 16);
	assert_false(vm_process_qemu_exists(&p));
}

/* Version 1 of the program wrote its pids into the page alone. */
static void test_stopped(void **state)
{
	pid_t pid = fork();
	int status;
	(void)state;
	if (pid == 0) {
		raise(SIGSTOP);
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(vm_process_stopped(pid));
	assert_false(vm_process_stopped(getpid()));
	assert_false(vm_process_stopped(0));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	assert_false(vm_process_stopped(pid));
}

static void test_first_version(void **state)
{
	(void)state;
	struct world w;
	struct vm_process p;
	struct status_writer sw;
	setup(&w);
	unlink(w.file);
	assert_int_equal(status_writer_open(&sw, w.page, false, &w.err), 0);
	struct status_page *page = status_begin(&sw);
	page->version = 1;
	page->qemu_pid = 70;
	page->qemu_start = 71;
	page->sup_pid = 72;
	page->sup_start = 73;
	page->id = 5;
	status_end(&sw);
	assert_true(vm_process_read(&w.home, "a", &p));
	assert_int_equal(p.qemu, 70);
	assert_int_equal(p.qemu_start, 71);
	assert_int_equal(p.sup, 72);
	assert_int_equal(p.sup_start, 73);
	assert_int_equal(p.id, 5);
	/* A later one may have them elsewhere. */
	status_begin(&sw)->version = STATUS_VERSION + 1;
	status_end(&sw);
	assert_false(vm_process_read(&w.home, "a", &p));
	status_writer_close(&sw);
	teardown(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_form),
	    cmocka_unit_test(test_of_others),
	    cmocka_unit_test(test_exists),
	    cmocka_unit_test(test_stopped),
	    cmocka_unit_test(test_first_version),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
