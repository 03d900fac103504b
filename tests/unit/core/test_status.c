#include "unit/cm.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "core/status.h"

/* A reader of a larger page of another version has it mapped: it must not be cut under its hands. */
static void test_other_version(void **state)
{
	(void)state;
	char *dir = cm_mkdtemp();
	CLEANUP_FREE char *path = xasprintf("%s/status", dir);
	struct err err = {0};
	struct status_writer w;
	struct stat st;
	off_t size = 2 * (off_t)sizeof(struct status_page);
	CLEANUP_CLOSE int old = open(path, O_RDWR | O_CREAT, 0600);
	assert_int_equal(ftruncate(old, size), 0);
	assert_int_equal(status_writer_open(&w, path, true, &err), 0);
	assert_int_equal(fstat(old, &st), 0);
	assert_true(st.st_size == size);
	const struct status_page *p = status_map(path, &err);
	assert_non_null(p);
	status_unmap(p);
	status_writer_close(&w);
	cm_rmdir(dir);
}

/* A child is killed between begin and end: what its parent writes next is whole for readers. */
static void test_child_dies_writing(void **state)
{
	(void)state;
	char *dir = cm_mkdtemp();
	CLEANUP_FREE char *path = xasprintf("%s/status", dir);
	CLEANUP_FREE struct status_page *got = xmalloc(STATUS_HEAD_SIZE);
	struct status_writer w;
	assert_int_equal(status_writer_open(&w, path, false, NULL), 0);
	const struct status_page *p = status_map(path, NULL);
	pid_t pid = fork();
	if (pid == 0) {
		status_begin(&w);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	status_begin(&w)->id = 7;
	assert_int_equal(status_read_head(p, got), -1); /* being written */
	status_end(&w);
	assert_int_equal(status_read_head(p, got), 0);
	assert_int_equal(got->id, 7);
	status_unmap(p);
	status_writer_close(&w);
	cm_rmdir(dir);
}

/* The brief part ends where the devices begin: not a byte behind it is touched. */
static void test_brief(void **state)
{
	(void)state;
	char *dir = cm_mkdtemp();
	CLEANUP_FREE char *path = xasprintf("%s/status", dir);
	CLEANUP_FREE struct status_page *got = xmalloc(STATUS_BRIEF_SIZE);
	struct err err = {0};
	struct status_writer w;
	assert_int_equal(status_pread_brief(-100, path, got, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_int_equal(status_writer_open(&w, path, false, &err), 0);
	struct status_page *p = status_begin(&w);
	p->state = VM_PAUSED;
	p->consoles = 99; /* rubbish is cut down to what there is room for */
	memset(p->detail, 'x', sizeof(p->detail));
	status_end(&w);
	assert_int_equal(status_pread_brief(-100, path, got, &err), 0);
	assert_int_equal(got->state, VM_PAUSED);
	assert_int_equal(got->consoles, STATUS_CONSOLES_MAX);
	assert_int_equal(strlen(got->detail), sizeof(got->detail) - 1);
	status_writer_close(&w);
	cm_rmdir(dir);
}

/* However many disks there are, all of them and what stands behind them are read, and no disk more. */
static void test_disks(void **state)
{
	(void)state;
	char *dir = cm_mkdtemp();
	CLEANUP_FREE char *path = xasprintf("%s/status", dir);
	CLEANUP_FREE struct status_page *got = xmalloc(STATUS_HEAD_SIZE);
	struct err err = {0};
	struct status_writer w;
	assert_int_equal(status_writer_open(&w, path, false, &err), 0);
	for (unsigned n = 0; n <= STATUS_DISKS_MAX + 1; n++) {
		unsigned want = n < STATUS_DISKS_MAX ? n : STATUS_DISKS_MAX;
		struct status_page *p = status_begin(&w);
		p->disks = n; /* one too many at last: cut down to what there is room for */
		for (unsigned i = 0; i < want; i++) {
			p->disk[i].rd_ops = n * 100 + i;
			memset(p->disk[i].path, 'p', sizeof(p->disk[i].path));
		}
		p->net[STATUS_NETS_MAX - 1].rx_bytes = n;
		p->job_total = n;
		status_end(&w);
		memset(got, 0x5a, STATUS_HEAD_SIZE);
		assert_int_equal(status_pread_head(-100, path, got, &err), 0);
		assert_int_equal(got->disks, want);
		for (unsigned i = 0; i < want; i++) {
			assert_int_equal(got->disk[i].rd_ops, n * 100 + i);
			assert_int_equal(strlen(got->disk[i].path), sizeof(p->disk[i].path) - 1);
		}
		assert_int_equal(got->net[STATUS_NETS_MAX - 1].rx_bytes, n);
		assert_int_equal(got->job_total, n);
	}
	status_writer_close(&w);
	cm_rmdir(dir);
}

static void test_write_and_read(void **state)
{
	(void)state;
	char *dir = cm_mkdtemp();
	CLEANUP_FREE char *path = xasprintf("%s/status", dir);
	CLEANUP_FREE struct status_page *got = xmalloc(STATUS_HEAD_SIZE);
	struct err err = {0};
	struct status_writer w;
	assert_int_equal(status_pread_head(-100, path, got, &err), -1);
	assert_int_equal(status_writer_open(&w, path, false, &err), 0);
	struct status_page *p = status_begin(&w);
	p->state = VM_RUNNING;
	strcpy(p->name, "web1");
	for (unsigned i = 0; i < STATUS_SECONDS + 5; i++)
		p->seconds[p->seconds_count++ % STATUS_SECONDS].cpu_permille = i;
	status_end(&w);
	assert_int_equal(status_pread_head(-100, path, got, &err), 0);
	assert_int_equal(got->state, VM_RUNNING);
	assert_string_equal(got->name, "web1");
	const struct status_page *m = status_map(path, &err);
	assert_non_null(m);
	struct status_sample s[3];
	assert_int_equal(status_seconds(m, s, 3), 3);
	assert_int_equal(s[2].cpu_permille, STATUS_SECONDS + 4);
	assert_int_equal(s[0].cpu_permille, STATUS_SECONDS + 2);
	assert_int_equal(status_minutes(m, s, 3), 0);
	status_unmap(m);
	status_writer_close(&w);
	/* Adoption keeps it, a new start does not. */
	assert_int_equal(status_writer_open(&w, path, true, &err), 0);
	assert_string_equal(w.page->name, "web1");
	status_writer_close(&w);
	assert_int_equal(status_writer_open(&w, path, false, &err), 0);
	assert_string_equal(w.page->name, "");
	status_writer_close(&w);
	cm_rmdir(dir);
}

static void test_rubbish(void **state)
{
	(void)state;
	char *dir = cm_mkdtemp();
	CLEANUP_FREE char *path = xasprintf("%s/status", dir);
	CLEANUP_FREE char *noise = xmalloc(sizeof(struct status_page));
	CLEANUP_FREE struct status_page *got = xmalloc(STATUS_HEAD_SIZE);
	struct err err = {0};
	memset(noise, 0xff, sizeof(struct status_page));
	assert_int_equal(file_write_atomic(path, noise, 100, 0600, &err), 0);
	assert_null(status_map(path, &err));
	assert_int_equal(status_pread_head(-100, path, got, &err), -1);
	/* A page with the right head and rubbish behind it: strings still end, counts stay in
	 * range. */
	struct status_page *p = (struct status_page *)noise;
	p->magic = STATUS_MAGIC;
	p->version = STATUS_VERSION;
	p->size = sizeof(*p);
	p->seq = 2;
	assert_int_equal(file_write_atomic(path, noise, sizeof(*p), 0600, &err), 0);
	assert_int_equal(status_pread_head(-100, path, got, &err), 0);
	assert_true(strlen(got->name) < sizeof(got->name));
	assert_true(got->disks <= STATUS_DISKS_MAX && got->nets <= STATUS_NETS_MAX);
	assert_string_not_equal(vm_state_name((enum vm_state)got->state), "");
	cm_rmdir(dir);
}

/* A writer killed between begin and end: readers come back, and the next writer repairs the
 * counter. */
static void test_torn(void **state)
{
	(void)state;
	char *dir = cm_mkdtemp();
	CLEANUP_FREE char *path = xasprintf("%s/status", dir);
	CLEANUP_FREE struct status_page *got = xmalloc(STATUS_HEAD_SIZE);
	struct err err = {0};
	struct status_writer w;
	assert_int_equal(status_writer_open(&w, path, false, &err), 0);
	status_begin(&w);
	const struct status_page *m = status_map(path, &err);
	assert_int_equal(status_read_head(m, got), -1);
	assert_int_equal(status_pread_head(-100, path, got, &err), 0);
	status_writer_close(&w);
	assert_int_equal(status_writer_open(&w, path, true, &err), 0);
	assert_int_equal(status_read_head(m, got), 0);
	status_unmap(m);
	status_writer_close(&w);
	cm_rmdir(dir);
}

/* One process writes pairs that must agree, another reads: never a torn copy. */
static void test_concurrent(void **state)
{
	(void)state;
	char *dir = cm_mkdtemp();
	CLEANUP_FREE char *path = xasprintf("%s/status", dir);
	CLEANUP_FREE struct status_page *got = xmalloc(STATUS_HEAD_SIZE);
	struct err err = {0};
	struct status_writer w;
	assert_int_equal(status_writer_open(&w, path, false, &err), 0);
	pid_t pid = fork();
	if (pid == 0) {
		for (uint64_t i = 0; i < 20000; i++) {
			struct status_page *p = status_begin(&w);
			p->cpu_ns = i;
			p->console[7].bytes = i;
			status_end(&w);
		}
		_exit(0);
	}
	const struct status_page *m = status_map(path, &err);
	int whole = 0, status = 1;
	do {
		if (status_read_head(m, got) == 0) {
			assert_true(got->cpu_ns == got->console[7].bytes);
			whole++;
		}
	} while (waitpid(pid, &status, WNOHANG) == 0);
	assert_int_equal(status, 0);
	assert_true(whole > 0);
	status_unmap(m);
	status_writer_close(&w);
	cm_rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_other_version),
	    cmocka_unit_test(test_child_dies_writing),
	    cmocka_unit_test(test_brief),
	    cmocka_unit_test(test_disks),
	    cmocka_unit_test(test_write_and_read),
	    cmocka_unit_test(test_rubbish),
	    cmocka_unit_test(test_torn),
	    cmocka_unit_test(test_concurrent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
