#include "unit/cm.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

static int entries(const char *dir)
{
	int n = 0;
	DIR *d = opendir(dir);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void test_write_and_read(void **state)
{
	(void)state;
	char *dir = cm_mkdtemp();
	CLEANUP_FREE char *path = xasprintf("%s/a.xml", dir);
	struct err err = {0};
	struct buf b = BUF_INIT;
	struct stat st;
	assert_int_equal(file_write_atomic(path, "one", 3, 0600, &err), 0);
	assert_int_equal(file_write_atomic(path, "two!", 4, 0600, &err), 0);
	assert_int_equal(file_write_new(path, "three", 5, 0600, &err), -1);
	assert_int_equal(err.code, ERR_EXISTS);
	assert_int_equal(file_read(path, 4, &b, &err), 0);
	assert_string_equal(b.data, "two!");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(entries(dir), 1);
	buf_fini(&b);
	cm_rmdir(dir);
}

static void test_read_refuses(void **state)
{
	(void)state;
	char *dir = cm_mkdtemp();
	CLEANUP_FREE char *path = xasprintf("%s/a", dir);
	CLEANUP_FREE char *fifo = xasprintf("%s/f", dir);
	struct err err = {0};
	struct buf b = BUF_INIT;
	assert_int_equal(file_read(path, 10, &b, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_int_equal(file_write_atomic(path, "12345", 5, 0600, &err), 0);
	assert_int_equal(file_read(path, 4, &b, &err), -1);
	assert_non_null(strstr(err.msg, "larger than 4 bytes"));
	assert_int_equal(file_read(dir, 10, &b, &err), -1);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(file_read(fifo, 10, &b, &err), -1);
	assert_non_null(strstr(err.msg, "not a regular file"));
	buf_fini(&b);
	cm_rmdir(dir);
}

/* A file system without room: the old content stays, no temporary file is left. */
static void test_no_space(void **state)
{
	(void)state;
	char *dir = cm_mkdtemp();
	CLEANUP_FREE char *path = xasprintf("%s/a", dir);
	CLEANUP_FREE char *big = xcalloc(1, 65536);
	struct err err = {0};
	struct rlimit was, small;
	assert_int_equal(file_write_atomic(path, "old", 3, 0600, &err), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	small = was;
	small.rlim_cur = 4096;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	int rc = file_write_atomic(path, big, 65536, 0600, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(rc, -1);
	struct buf b = BUF_INIT;
	assert_int_equal(file_read(path, 100, &b, &err), 0);
	assert_string_equal(b.data, "old");
	assert_int_equal(entries(dir), 1);
	buf_fini(&b);
	cm_rmdir(dir);
}

static void test_remove_tree(void **state)
{
	(void)state;
	char *dir = cm_mkdtemp();
	CLEANUP_FREE char *sub = xasprintf("%s/sub", dir);
	CLEANUP_FREE char *link = xasprintf("%s/sub/etc", dir);
	struct err err = {0};
	assert_int_equal(mkdir(sub, 0700), 0);
	assert_int_equal(symlink("/etc", link), 0);
	assert_int_equal(file_remove_tree(sub, &err), 0);
	assert_int_equal(access(sub, F_OK), -1);
	assert_int_equal(access("/etc/passwd", F_OK), 0);
	assert_int_equal(file_remove_tree(sub, &err), 0);
	cm_rmdir(dir);
}

/* Whoever may write to the tree puts a link in the place of a folder, again and again, while it is removed. */
static void test_remove_tree_race(void **state)
{
	(void)state;
	char *dir = cm_mkdtemp();
	CLEANUP_FREE char *victim = xasprintf("%s/victim", dir);
	CLEANUP_FREE char *kept = xasprintf("%s/victim/kept", dir);
	CLEANUP_FREE char *tree = xasprintf("%s/tree", dir);
	CLEANUP_FREE char *sub = xasprintf("%s/tree/sub", dir);
	CLEANUP_FREE char *link = xasprintf("%s/tree/link", dir);
	struct err err = {0};
	assert_int_equal(mkdir(victim, 0700), 0);
	assert_int_equal(file_write_atomic(kept, "x", 1, 0600, &err), 0);
	pid_t pid = fork();
	if (pid == 0)
		for (;;)
			renameat2(AT_FDCWD, sub, AT_FDCWD, link, RENAME_EXCHANGE);
	for (int i = 0; i < 2000 && access(kept, F_OK) == 0; i++) {
		assert_true(mkdir(tree, 0700) == 0 || errno == EEXIST);
		assert_true(mkdir(sub, 0700) == 0 || errno == EEXIST);
		assert_true(symlink(victim, link) == 0 || errno == EEXIST);
		(void)file_remove_tree(tree, &err);
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(access(kept, F_OK), 0);
	assert_int_equal(file_remove_tree(tree, &err), 0);
	assert_int_equal(file_remove_tree(victim, &err), 0);
	cm_rmdir(dir);
}

/* Of the tree and of what a link at its place points to: the link alone goes. */
static void test_remove_link(void **state)
{
	(void)state;
	char *dir = cm_mkdtemp();
	CLEANUP_FREE char *sub = xasprintf("%s/sub", dir);
	CLEANUP_FREE char *deep = xasprintf("%s/sub/a/b", dir);
	CLEANUP_FREE char *a = xasprintf("%s/sub/a", dir);
	CLEANUP_FREE char *link = xasprintf("%s/link", dir);
	struct err err = {0};
	assert_int_equal(mkdir(sub, 0700), 0);
	assert_int_equal(mkdir(a, 0700), 0);
	assert_int_equal(mkdir(deep, 0700), 0);
	assert_int_equal(symlink(sub, link), 0);
	assert_int_equal(file_remove_tree(link, &err), 0);
	assert_int_equal(access(link, F_OK), -1);
	assert_int_equal(access(deep, F_OK), 0);
	assert_int_equal(file_remove_tree(sub, &err), 0);
	assert_int_equal(access(sub, F_OK), -1);
	cm_rmdir(dir);
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void test_wait(void **state)
{
	(void)state;
	int fds[2];
	const struct sigaction act = {.sa_handler = on_alarm};
	const struct itimerval often = {{0, 5000}, {0, 5000}}, never = {0};
	struct timespec a, b;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(sigaction(SIGALRM, &act, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	clock_gettime(CLOCK_MONOTONIC, &a);
	bool early = fd_wait(fds[0], 100);
	clock_gettime(CLOCK_MONOTONIC, &b);
	setitimer(ITIMER_REAL, &never, NULL);
	assert_false(early);
	assert_true((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 >= 99);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_true(fd_wait(fds[0], 10000));
	assert_false(fd_wait(-1, 0));
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_write_and_read),
	    cmocka_unit_test(test_read_refuses),
	    cmocka_unit_test(test_no_space),
	    cmocka_unit_test(test_remove_tree),
	    cmocka_unit_test(test_remove_tree_race),
	    cmocka_unit_test(test_remove_link),
	    cmocka_unit_test(test_wait),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
