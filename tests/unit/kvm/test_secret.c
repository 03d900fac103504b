#include "unit/cm.h"

#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/mem.h"
#include "kvm/secret.h"

static void reads_back(void **state)
{
	struct err err;
	char path[64], text[32] = "";
	(void)state;
	CLEANUP_CLOSE int fd = secret_memfd("vnc", "s3cret,=x", 9, &err);
	assert_true(fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CLEANUP_CLOSE int again = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(again, text, sizeof(text)), 9);
	assert_string_equal(text, "s3cret,=x");
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(write(fd, "y", 1), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
}

/* As the process that QEMU becomes: another user, and the file is root's. */
static void another_user_reads_it(void **state)
{
	struct err err;
	(void)state;
	if (getuid() != 0)
		skip();
	CLEANUP_CLOSE int fd = secret_memfd("vnc", "s3cret", 6, &err);
	assert_true(fd >= 0);
	pid_t pid = fork();
	if (pid == 0) {
		char path[64], text[32] = "";
		snprintf(path, sizeof(path), "/proc/thread-self/fd/%d", fd);
		int ok = setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0;
		int again = open(path, O_RDONLY | O_CLOEXEC);
		_exit(ok && read(again, text, sizeof(text)) == 6 && strcmp(text, "s3cret") == 0
		          ? 0
		          : 1);
	}
	int status = -1;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_back), cmocka_unit_test(another_user_reads_it)};
	return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
