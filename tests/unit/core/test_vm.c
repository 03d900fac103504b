#include "unit/cm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "core/loop.h"
#include "core/store.h"
#include "core/str.h"
#include "core/vm.h"

struct world {
	char *dir;
	struct home home;
	struct err err;
};

static void setup(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->dir = cm_mkdtemp();
	setenv("HVMUX_HOME", w->dir, 1);
	assert_int_equal(home_init(&w->home, NULL, &w->err), 0);
}

static void teardown(struct world *w)
{
	home_fini(&w->home);
	cm_rmdir(w->dir);
}

/* A page as a supervisor of this process would have written it. */
static void write_page(struct world *w, const char *name, enum vm_state s, pid_t qemu, bool beats)
{
	struct status_writer sw;
	CLEANUP_FREE char *dir = home_run_dir(&w->home, name);
	CLEANUP_FREE char *path = home_run_file(&w->home, name, "status");
	assert_int_equal(home_mkdir(&w->home, dir, &w->err), 0);
	assert_int_equal(status_writer_open(&sw, path, false, &w->err), 0);
	struct status_page *p = status_begin(&sw);
	p->state = s;
	p->id = 7;
	p->qemu_pid = qemu;
	p->qemu_start = vm_process_start(qemu);
	p->beat_ns = beats ? loop_now_ns() : 1;
	memset(p->uuid, 0x11, sizeof(p->uuid));
	status_end(&sw);
	status_writer_close(&sw);
}

static void check(struct world *w, const char *name, enum vm_state s, bool live, bool orphan,
    bool unsettled, bool silent)
{
	struct vm vm;
	assert_int_equal(vm_probe(&w->home, name, &vm, &w->err), 0);
	assert_int_equal(vm.state, s);
	assert_int_equal(vm.live, live);
	assert_int_equal(vm.orphan, orphan);
	assert_int_equal(vm.unsettled, unsettled);
	assert_int_equal(vm.silent, silent);
	vm_fini(&vm);
}

static void test_truth(void **state)
{
	(void)state;
	struct world w;
	struct vm vm;
	setup(&w);
	assert_int_equal(vm_probe(&w.home, "none", &vm, &w.err), -1);
	assert_int_equal(w.err.code, ERR_NOT_FOUND);
	assert_int_equal(store_write(&w.home, "a", "<domain/>", 9, &w.err), 0);
	check(&w, "a", VM_OFF, false, false, false, false);
	/* No supervisor: a QEMU that exists is an orphan, one that does not is unsettled. */
	write_page(&w, "a", VM_RUNNING, getpid(), true);
	check(&w, "a", VM_RUNNING, true, true, false, false);
	write_page(&w, "a", VM_RUNNING, 0x3ffffff, true);
	check(&w, "a", VM_OFF, false, false, true, false);
	/* With its lock held. */
	int lock = vm_lock(&w.home, "a", &w.err);
	assert_true(lock >= 0);
	assert_true(vm_locked(&w.home, "a"));
	write_page(&w, "a", VM_RUNNING, getpid(), true);
	check(&w, "a", VM_RUNNING, true, false, false, false);
	write_page(&w, "a", VM_RUNNING, getpid(), false);
	check(&w, "a", VM_RUNNING, true, false, false, true);
	assert_int_equal(vm_lock(&w.home, "a", &w.err), -1);
	assert_int_equal(w.err.code, ERR_BUSY);
	close(lock);
	assert_false(vm_locked(&w.home, "a"));
	/* Who only reads its disks keeps a start away, and changes nothing else. */
	int readers[2] = {
	    vm_lock_shared(&w.home, "a", &w.err), vm_lock_shared(&w.home, "a", &w.err)};
	assert_true(readers[0] >= 0 && readers[1] >= 0);
	assert_false(vm_locked(&w.home, "a"));
	assert_int_equal(vm_lock(&w.home, "a", &w.err), -1);
	assert_int_equal(w.err.code, ERR_BUSY);
	assert_non_null(strstr(w.err.msg, "is being cloned"));
	close(readers[0]);
	close(readers[1]);
	/* The last word on a VM that ended. */
	write_page(&w, "a", VM_CRASHED, 0, false);
	check(&w, "a", VM_CRASHED, false, false, false, false);
	teardown(&w);
}

/* The lock goes with its holder's life, however that ends. */
static void test_lock_dies_with_holder(void **state)
{
	(void)state;
	struct world w;
	setup(&w);
	int fds[2];
	char c;
	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();
	if (pid == 0) {
		int lock = vm_lock(&w.home, "a", NULL);
		if (lock < 0 || write(fds[1], "x", 1) != 1)
			_exit(1);
		pause();
	}
	assert_int_equal(read(fds[0], &c, 1), 1);
	assert_true(vm_locked(&w.home, "a"));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_false(vm_locked(&w.home, "a"));
	close(fds[0]);
	close(fds[1]);
	teardown(&w);
}

/* A supervisor's claim on the page answers for its lock; without the claim the lock itself does. */
static void test_claim(void **state)
{
	(void)state;
	struct world w;
	struct status_writer sw;
	setup(&w);
	write_page(&w, "a", VM_RUNNING, getpid(), true);
	CLEANUP_FREE char *path = home_run_file(&w.home, "a", "status");
	CLEANUP_CLOSE int run = open(w.home.run, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_CLOSE int page = open(path, O_RDONLY | O_CLOEXEC);
	assert_false(vm_locked_at(run, "a", page));
	assert_false(vm_locked_at(-1, "a", -1));
	int lock = vm_lock(&w.home, "a", &w.err);
	assert_true(vm_locked_at(run, "a", -1));
	assert_true(vm_locked_at(run, "a", page));
	close(lock);
	assert_false(vm_locked_at(run, "a", page));
	assert_int_equal(status_writer_open(&sw, path, true, &w.err), 0);
	status_writer_claim(&sw);
	assert_true(vm_locked_at(run, "a", page));
	check(&w, "a", VM_RUNNING, true, false, false, false);
	status_writer_close(&sw);
	assert_false(vm_locked_at(run, "a", page));
	check(&w, "a", VM_RUNNING, true, true, false, false);
	teardown(&w);
}

static void test_list_and_resolve(void **state)
{
	(void)state;
	struct world w;
	struct vm *vms;
	size_t n;
	setup(&w);
	static const char xml[] =
	    "<domain>\n <uuid>\n22222222-2222-2222-2222-22222222222A</uuid></domain>";
	assert_int_equal(store_write(&w.home, "100", "<domain/>", 9, &w.err), 0);
	assert_int_equal(store_write(&w.home, "b", xml, sizeof(xml) - 1, &w.err), 0);
	write_page(&w, "b", VM_OFF, 0, false);
	write_page(&w, "c", VM_RUNNING, getpid(), true); /* running without a definition */
	write_page(&w, "d", VM_OFF, 0, false);           /* what an undefined one left */
	assert_int_equal(vm_list(&w.home, &vms, &n, &w.err), 0);
	assert_int_equal(n, 3);
	assert_string_equal(vms[0].name, "100");
	assert_string_equal(vms[1].name, "b");
	assert_string_equal(vms[2].name, "c");
	vm_list_free(vms, n);
	static const struct {
		const char *word, *name;
	} cases[] = {
	    {"b", "b"},
	    {"22222222-2222-2222-2222-22222222222a", "b"},
	    {"11111111-1111-1111-1111-111111111111", "b"},
	    {"7", "c"},
	    {"100", "100"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP_FREE char *name = vm_resolve(&w.home, cases[i].word, &w.err);
		assert_non_null(name);
		assert_string_equal(name, cases[i].name);
	}
	assert_null(vm_resolve(&w.home, "d", &w.err));
	assert_string_equal(w.err.msg, "failed to get domain 'd'");
	assert_null(vm_resolve(&w.home, "8", &w.err));
	assert_null(vm_resolve(&w.home, "../x", &w.err));
	teardown(&w);
}

/* Definitions that cannot be looked at are not the same as none. */
static void test_hidden(void **state)
{
	(void)state;
	struct world w;
	struct vm vm;
	setup(&w);
	close(open(w.home.conf, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	assert_int_equal(vm_probe(&w.home, "a", &vm, &w.err), -1);
	assert_true(str_prefix(w.err.msg, "failed to get domain 'a': cannot look at '"));
	assert_non_null(strstr(w.err.msg, strerror(ENOTDIR)));
	assert_null(vm_resolve(&w.home, "a", &w.err));
	assert_non_null(strstr(w.err.msg, strerror(ENOTDIR)));
	teardown(&w);
}

static void test_ids(void **state)
{
	(void)state;
	struct world w;
	setup(&w);
	assert_int_equal(home_mkdir(&w.home, w.home.run, &w.err), 0);
	assert_int_equal(vm_next_id(&w.home), 1);
	assert_int_equal(vm_next_id(&w.home), 2);
	CLEANUP_FREE char *path = xasprintf("%s/.next-id", w.home.run);
	assert_int_equal(file_write_atomic(path, "rubbish", 7, 0600, &w.err), 0);
	assert_int_equal(vm_next_id(&w.home), 1);
	teardown(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_truth),
	    cmocka_unit_test(test_lock_dies_with_holder),
	    cmocka_unit_test(test_claim),
	    cmocka_unit_test(test_list_and_resolve),
	    cmocka_unit_test(test_hidden),
	    cmocka_unit_test(test_ids),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
