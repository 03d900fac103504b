#include "unit/cm.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "core/buf.h"
#include "core/loop.h"
#include "core/vm_process.h"
#include "kvm/companion.h"
#include "kvm/companion_fs.h"
#include "kvm/companion_tpm.h"

static char *dir;
static struct home home;
static struct loop *loop;
static const struct confine as_we_are = {.max_files = 1024};
static char died[512];

static void on_died(void *arg, const char *label, const char *words)
{
	(void)arg;
	snprintf(died, sizeof(died), "%s: %s", label, words);
	loop_stop(loop);
}
static const struct companion_ops ops = {.died = on_died};

static struct companion_set *new_set(void)
{
	return companion_set_new(loop, &home, "x", &ops, NULL);
}

static int run_shell(struct companion_set *s, const char *label, const char *script, int fd)
{
	struct err err = {0};
	char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)script, NULL};
	const struct companion_spec spec = {
	    .label = label, .what = "the shell", .argv = argv, .fd = fd, .confine = &as_we_are};
	int rc = companion_start(s, &spec, &err);
	if (rc < 0)
		fail_msg("%s", err.msg);
	return rc;
}

static bool read_pid(int *pid, uint64_t *start)
{
	char label[32];
	CLEANUP_BUF struct buf b = BUF_INIT;
	CLEANUP_FREE char *path = home_run_file(&home, "x", "companions");
	return file_read(path, 4096, &b, NULL) == 0 && b.len > 0 &&
	       sscanf(b.data, "%31s %d %ju", label, pid, (uintmax_t *)start) == 3;
}

static void a_death_is_told(void **state)
{
	struct companion_set *s = new_set();
	(void)state;
	died[0] = '\0';
	run_shell(s, "tpm", "echo first; echo 'no more keys' >&2; exit 3", -1);
	loop_run(loop);
	assert_string_equal(died, "tpm: the shell ended with exit status 3: no more keys");
	char *words = companion_words(s);
	assert_string_equal(words, "the shell ended with exit status 3: no more keys");
	free(words);
	companion_end_all(s);
	assert_null(companion_words(s));
	companion_set_free(s);
}

/* What it said in an earlier life is not its last word now. */
static void only_its_own_words(void **state)
{
	struct companion_set *s = new_set();
	(void)state;
	died[0] = '\0';
	run_shell(s, "tpm", "kill -9 $$", -1);
	loop_run(loop);
	assert_string_equal(died, "tpm: the shell was killed by signal 9 (Killed)");
	companion_end_all(s);
	companion_set_free(s);
}

static void an_end_is_not(void **state)
{
	struct companion_set *s = new_set();
	int pid = 0;
	uint64_t start = 0;
	(void)state;
	died[0] = '\0';
	run_shell(s, "fs0", "exec sleep 600", -1);
	assert_true(read_pid(&pid, &start));
	assert_true(vm_process_exists(pid, start));
	companion_end_all(s);
	assert_false(vm_process_exists(pid, start));
	assert_string_equal(died, "");
	assert_false(read_pid(&pid, &start));
	companion_set_free(s);
}

static void one_that_does_not_listen(void **state)
{
	struct companion_set *s = new_set();
	int pid = 0, pipe_fd[2];
	uint64_t start = 0;
	char c;
	(void)state;
	assert_int_equal(pipe2(pipe_fd, O_CLOEXEC), 0);
	run_shell(s, "fs0", "trap '' TERM; echo y >&3; while :; do sleep 600; done", pipe_fd[1]);
	assert_true(read_pid(&pid, &start));
	assert_int_equal(read(pipe_fd[0], &c, 1), 1);
	companion_end_all(s);
	assert_false(vm_process_exists(pid, start));
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	companion_set_free(s);
}

/* Its supervisor is gone: the next one finds it by its line, and ends it. */
static void adopted(void **state)
{
	struct companion_set *s = new_set();
	int pid = 0;
	uint64_t start = 0;
	(void)state;
	run_shell(s, "tpm", "exec sleep 600", -1);
	assert_true(read_pid(&pid, &start));
	companion_set_free(s);
	assert_true(vm_process_exists(pid, start));
	s = new_set();
	companion_adopt(s);
	died[0] = '\0';
	kill(pid, SIGKILL);
	loop_run(loop);
	assert_non_null(strstr(died, "tpm: side process 'tpm'"));
	companion_end_all(s);
	companion_set_free(s);
	waitpid(pid, NULL, 0);
}

static void prepared(void **state)
{
	struct companion_set *s = new_set();
	struct err err = {0};
	char *argv[] = {(char *)"/bin/sh", (char *)"-c", NULL, NULL};
	struct companion_spec spec = {
	    .label = "tpm", .what = "setup", .argv = argv, .fd = -1, .confine = &as_we_are};
	(void)state;
	argv[2] = (char *)"exit 0";
	assert_int_equal(companion_run(s, &spec, 10000, &err), 0);
	argv[2] = (char *)"echo why; exit 1";
	assert_int_equal(companion_run(s, &spec, 10000, &err), -1);
	assert_string_equal(err.msg, "setup ended with exit status 1: why");
	argv[2] = (char *)"exec sleep 600";
	assert_int_equal(companion_run(s, &spec, 50, &err), -1);
	assert_int_equal(err.code, ERR_TIMEOUT);
	argv[0] = (char *)"/no/such/program";
	assert_int_equal(companion_run(s, &spec, 50, &err), -1);
	assert_non_null(strstr(err.msg, "setup: cannot run '/no/such/program'"));
	companion_end_all(s);
	companion_set_free(s);
}

static struct err made;
static void on_made(void *arg, const struct err *err)
{
	(void)arg;
	made = err == NULL ? (struct err){0} : *err;
	loop_stop(loop);
}

/* While it runs the loop does, too; it can be ended. */
static void prepared_later(void **state)
{
	struct companion_set *s = new_set();
	struct err err = {0};
	char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)"exit 0", NULL};
	struct companion_spec spec = {
	    .label = "tpm", .what = "setup", .argv = argv, .fd = -1, .confine = &as_we_are};
	(void)state;
	assert_false(companion_run_abort(s));
	made.code = ERR_FAIL;
	assert_int_equal(companion_run_later(s, &spec, 10000, on_made, NULL, &err), 0);
	loop_run(loop);
	assert_int_equal(made.code, ERR_NONE);
	argv[2] = (char *)"echo why; exit 1";
	assert_int_equal(companion_run_later(s, &spec, 10000, on_made, NULL, &err), 0);
	loop_run(loop);
	assert_string_equal(made.msg, "setup ended with exit status 1: why");
	argv[2] = (char *)"exec sleep 600";
	assert_int_equal(companion_run_later(s, &spec, 50, on_made, NULL, &err), 0);
	loop_run(loop);
	assert_int_equal(made.code, ERR_TIMEOUT);
	assert_int_equal(companion_run_later(s, &spec, 60000, on_made, NULL, &err), 0);
	assert_int_equal(companion_run_later(s, &spec, 60000, on_made, NULL, &err), -1);
	assert_string_equal(err.msg, "setup still runs");
	assert_true(companion_run_abort(s));
	loop_run(loop);
	assert_string_equal(made.msg, "ended while setup ran");
	assert_int_equal(companion_run_later(s, &spec, 60000, on_made, NULL, &err), 0);
	companion_set_free(s); /* nothing is left of it */
}

/* -1: err says why not. */
static int make_tpm(struct companion_set *s, const struct companion_tpm *t, struct err *err)
{
	const struct companion_spec as = {.confine = &as_we_are};
	if (!companion_tpm_is_new(&home, t))
		return 0;
	if (companion_tpm_make(s, &home, t, &as, on_made, NULL, err) < 0)
		return -1;
	loop_run(loop);
	*err = made;
	return made.code != ERR_NONE ? -1 : companion_tpm_keep(&home, t, err);
}

/* CMD_GET_CAPABILITY of swtpm's control channel: its manual, swtpm_ioctls(3). */
static void a_real_tpm(void **state)
{
	static const unsigned char uuid[16] = {1, 2, 3}, ask[4] = {0, 0, 0, 1};
	struct companion_set *s = new_set();
	struct err err = {0};
	unsigned char answer[8];
	int pid = 0;
	uint64_t start = 0;
	(void)state;
	CLEANUP_FREE char *program = file_find_program("swtpm");
	if (program == NULL) {
		companion_set_free(s);
		skip();
	}
	const struct companion_tpm t = {.uuid = uuid};
	const struct companion_spec as = {.confine = &as_we_are};
	if (make_tpm(s, &t, &err) < 0)
		fail_msg("%s", err.msg);
	assert_false(companion_tpm_is_new(&home, &t));
	int fd = companion_tpm_start(s, &home, &t, &as, &err);
	if (fd < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(write(fd, ask, sizeof(ask)), sizeof(ask));
	assert_int_equal(read(fd, answer, sizeof(answer)), 8);
	assert_memory_equal(answer, "\0\0\0\0", 4);
	CLEANUP_FREE char *top = companion_tpm_dir(&home, uuid);
	CLEANUP_FREE char *permall = xasprintf("%s/tpm2/tpm2-00.permall", top);
	assert_int_equal(access(permall, F_OK), 0);
	assert_true(read_pid(&pid, &start));
	companion_end_all(s);
	assert_false(vm_process_exists(pid, start));
	close(fd);
	companion_set_free(s);
}

/* Keys that were begun are no TPM: the next start must not take them for one. */
static void half_a_tpm(void **state)
{
	static const unsigned char uuid[16] = {4, 5, 6};
	static const char setup[] = "#!/bin/sh\n: >tpm2-00.permall && echo begun && exit 1\n";
	struct companion_set *s = new_set();
	struct err err = {0};
	(void)state;
	CLEANUP_FREE char *before = xstrdup(getenv("PATH"));
	CLEANUP_FREE char *path = xasprintf("%s:%s", dir, before);
	CLEANUP_FREE char *program = xasprintf("%s/swtpm_setup", dir);
	assert_int_equal(file_write_atomic(program, setup, sizeof(setup) - 1, 0700, &err), 0);
	setenv("PATH", path, 1);
	const struct companion_tpm t = {.uuid = uuid};
	const struct companion_spec as = {.confine = &as_we_are};
	int rc = make_tpm(s, &t, &err);
	assert_true(companion_tpm_is_new(&home, &t));
	assert_int_equal(rc, -1);
	assert_non_null(strstr(err.msg, "begun"));
	assert_int_equal(companion_tpm_start(s, &home, &t, &as, &err), -1);
	/* One that ends well: what the first left is not in its way. */
	static const char well[] =
	    "#!/bin/sh\n[ ! -e tpm2-00.permall ] && echo whole >tpm2-00.permall\n";
	assert_int_equal(file_write_atomic(program, well, sizeof(well) - 1, 0700, &err), 0);
	rc = make_tpm(s, &t, &err);
	setenv("PATH", before, 1);
	unlink(program);
	assert_int_equal(rc, 0);
	CLEANUP_FREE char *top = companion_tpm_dir(&home, uuid);
	CLEANUP_FREE char *permall = xasprintf("%s/tpm2/tpm2-00.permall", top);
	CLEANUP_FREE char *fresh = xasprintf("%s/tpm2.new", top);
	assert_int_equal(access(permall, F_OK), 0);
	assert_int_equal(access(fresh, F_OK), -1);
	companion_end_all(s);
	companion_set_free(s);
}

static void a_real_virtiofsd(void **state)
{
	struct companion_set *s = new_set();
	struct err err = {0};
	(void)state;
	const struct companion_fs f = {
	    .index = 1, .source = dir, .sandbox = "chroot", .xattr = SWITCH_ON};
	const struct companion_spec as = {.confine = &as_we_are};
	CLEANUP_FREE char *path = home_run_file(&home, "x", "fs1.sock");
	/* VHOST_USER_GET_FEATURES, version 1: the answer is the same header with 8 bytes. */
	static const uint32_t ask[3] = {1, 1, 0};
	uint32_t answer[5] = {0};
	int fd = companion_fs_start(s, &f, path, &as, &err);
	if (fd < 0 && err.code == ERR_NOT_FOUND) {
		companion_set_free(s);
		skip();
	}
	if (fd < 0)
		fail_msg("%s", err.msg);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	assert_int_equal(send(fd, ask, sizeof(ask), 0), sizeof(ask));
	assert_int_equal(poll(&p, 1, 20000), 1);
	fd_set_nonblock(fd, false);
	ssize_t n = recv(fd, answer, sizeof(answer), MSG_WAITALL);
	char *words = companion_words(s);
	if (n != sizeof(answer))
		fail_msg("%zd bytes: %s", n, words == NULL ? "it lives" : words);
	assert_null(words);
	assert_int_equal(answer[0], 1);
	assert_int_equal(answer[2], 8);
	close(fd);
	companion_end_all(s);
	companion_set_free(s);
}

static void a_bad_folder(void **state)
{
	struct companion_set *s = new_set();
	struct err err = {0};
	(void)state;
	struct companion_fs f = {.source = "/no/such/folder"};
	const struct companion_spec as = {.confine = &as_we_are};
	assert_int_equal(companion_fs_start(s, &f, "/tmp/x", &as, &err), -1);
	assert_non_null(strstr(err.msg, "cannot use '/no/such/folder'"));
	f.source = dir;
	f.program = "/no/such/program";
	CLEANUP_FREE char *path = home_run_file(&home, "x", "fs1.sock");
	assert_int_equal(companion_fs_start(s, &f, path, &as, &err), -1);
	assert_non_null(strstr(err.msg, "cannot run its <binary> '/no/such/program'"));
	companion_set_free(s);
}

static int set_up(void **state)
{
	(void)state;
	dir = cm_mkdtemp();
	home = (struct home){.mode = HOME_PRIVATE,
	    .conf = xasprintf("%s/etc", dir),
	    .data = xasprintf("%s/data", dir),
	    .log = xasprintf("%s/log", dir),
	    .run = xasprintf("%s/run", dir)};
	CLEANUP_FREE char *run = home_run_dir(&home, "x"), *log = home_log_dir(&home, "x");
	loop = loop_new();
	return home_mkdir(&home, run, NULL) < 0 || home_mkdir(&home, log, NULL) < 0;
}

static int tear_down(void **state)
{
	(void)state;
	loop_free(loop);
	home_fini(&home);
	cm_rmdir(dir);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_death_is_told),
	    cmocka_unit_test(only_its_own_words), cmocka_unit_test(an_end_is_not),
	    cmocka_unit_test(one_that_does_not_listen), cmocka_unit_test(adopted),
	    cmocka_unit_test(prepared), cmocka_unit_test(prepared_later),
	    cmocka_unit_test(half_a_tpm), cmocka_unit_test(a_real_tpm),
	    cmocka_unit_test(a_real_virtiofsd), cmocka_unit_test(a_bad_folder)};
	return cmocka_run_group_tests_name("companion", tests, set_up, tear_down);
}
