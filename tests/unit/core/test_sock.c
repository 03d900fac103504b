#include "unit/cm.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "core/access.h"
#include "core/sock.h"

static void check_round(const char *path)
{
	struct err err = {0};
	int l = sock_listen(path, 0600, &err);
	assert_true(l >= 0);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	int c = sock_connect(path, &err);
	assert_true(c >= 0);
	int a = accept(l, NULL, NULL);
	assert_true(a >= 0);
	assert_int_equal(write(c, "x", 1), 1);
	char got;
	assert_int_equal(read(a, &got, 1), 1);
	uid_t uid;
	pid_t pid;
	assert_int_equal(sock_peer(a, &uid, &pid), 0);
	assert_int_equal(uid, getuid());
	assert_int_equal(pid, getpid());
	assert_int_equal(access_of_peer(a), ACCESS_OPERATE);
	close(a);
	close(c);
	close(l);
	/* Now stale: connect says so, listen takes its place. */
	assert_int_equal(sock_connect(path, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	l = sock_listen(path, 0600, &err);
	assert_true(l >= 0);
	close(l);
	/* Something else of that name gives way, too; what a link points to stays. */
	CLEANUP_FREE char *other = xasprintf("%s.other", path);
	close(open(other, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(other, path), 0);
	l = sock_listen(path, 0600, &err);
	assert_true(l >= 0);
	assert_int_equal(access(other, F_OK), 0);
	close(l);
}

static void test_short_path(void **state)
{
	(void)state;
	char *dir = cm_mkdtemp();
	CLEANUP_FREE char *path = xasprintf("%s/s", dir);
	check_round(path);
	cm_rmdir(dir);
}

static void test_groups(void **state)
{
	(void)state;
	int fd[2];
	gid_t groups[256];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	int n = getgroups(256, groups);
	assert_true(n >= 0);
	assert_true(sock_peer_in_group(fd[0], getegid()));
	for (int i = 0; i < n; i++)
		assert_true(sock_peer_in_group(fd[0], groups[i]));
	assert_false(sock_peer_in_group(fd[0], (gid_t)4000000001u));
	close(fd[0]);
	close(fd[1]);
	/* A peer with a group beside its own, where we may make one. */
	if (geteuid() == 0 && setgroups(1, &(gid_t){4242}) == 0) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
		assert_true(sock_peer_in_group(fd[0], 4242));
		assert_false(sock_peer_in_group(fd[0], 4243));
		close(fd[0]);
		close(fd[1]);
		setgroups((size_t)n, groups);
	}
}

static void test_long_path(void **state)
{
	(void)state;
	char *dir = cm_mkdtemp();
	CLEANUP_FREE char *deep = xasprintf("%s/%0100d", dir, 0);
	CLEANUP_FREE char *path = xasprintf("%s/control.sock", deep);
	assert_int_equal(mkdir(deep, 0700), 0);
	assert_true(strlen(path) > 108);
	check_round(path);
	cm_rmdir(dir);
}

static void test_full_backlog(void **state)
{
	(void)state;
	char *dir = cm_mkdtemp();
	CLEANUP_FREE char *path = xasprintf("%s/s", dir);
	struct err err = {0};
	int l = sock_listen(path, 0600, &err), fds[200], n = 0;
	while (n < 200 && (fds[n] = sock_connect(path, &err)) >= 0)
		n++;
	assert_true(n < 200);
	assert_int_equal(err.code, ERR_TIMEOUT);
	while (n > 0)
		close(fds[--n]);
	close(l);
	cm_rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_short_path),
	    cmocka_unit_test(test_groups),
	    cmocka_unit_test(test_long_path),
	    cmocka_unit_test(test_full_backlog),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
