#include "core/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/file.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/str.h"

#define WORDS_MAX 500u /* bytes of its complaint in a message */
#define KILL_WAIT_MS 500

extern char **environ;

struct child {
	const char *name;
	pid_t pid;
	int pidfd, out, err;
	uint64_t end_ms;
};

static char *find(const char *name)
{
	static const char *const folders[] = {"/usr/sbin", "/sbin", "/usr/local/sbin"};
	char *path = strchr(name, '/') != NULL ? xstrdup(name) : file_find_program(name);
	for (size_t i = 0; path == NULL && i < ARRAY_LEN(folders); i++) {
		path = xasprintf("%s/%s", folders[i], name);
		if (access(path, X_OK) < 0)
			free(TAKE_PTR(path));
	}
	return path;
}

static char **make_environment(void)
{
	/* The second: LVM complains of descriptors that our caller left open. */
	static char locale[] = "LC_ALL=C", lvm[] = "LVM_SUPPRESS_FD_WARNINGS=1";
	size_t n = 0, kept = 0;
	while (environ[n] != NULL)
		n++;
	char **env = xcalloc(n + 3, sizeof *env);
	for (size_t i = 0; i < n; i++)
		if (!str_prefix(environ[i], "LC_") && !str_prefix(environ[i], "LANG"))
			env[kept++] = environ[i];
	env[kept++] = locale;
	env[kept++] = lvm;
	env[kept] = NULL;
	return env;
}

static int spawn(const char *path, const char *const *argv, int in, int out, int err, pid_t *pid)
{
	sigset_t none, all;
	posix_spawnattr_t at;
	posix_spawn_file_actions_t fa;
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&at);
	posix_spawn_file_actions_init(&fa);
	if (in >= 0)
		posix_spawn_file_actions_adddup2(&fa, in, 0);
	else
		posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&fa, out, 1);
	posix_spawn_file_actions_adddup2(&fa, err, 2);
	posix_spawnattr_setflags(
	    &at, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&at, &none);
	posix_spawnattr_setsigdefault(&at, &all);
	char **env = make_environment();
	int rc = posix_spawn(pid, path, &fa, &at, (char *const *)argv, env);
	free(env);
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&at);
	return rc;
}

/* Reads what there is; false: nothing more will come. */
static bool take(int fd, struct buf *out, size_t max)
{
	char *to = buf_reserve(out, 65536);
	ssize_t n = read(fd, to, 65536);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	out->len += (size_t)n;
	to[n] = '\0';
	return n > 0 && out->len <= max;
}

static int left_ms(const struct child *c)
{
	uint64_t now = loop_now_ms();
	return now < c->end_ms ? (int)(c->end_ms - now) : 0;
}

/* Until both are at their end, or the time is over (false). */
static bool collect(struct child *c, struct buf *out, struct buf *err)
{
	while (c->out >= 0 || c->err >= 0) {
		struct pollfd p[2] = {
		    {.fd = c->out, .events = POLLIN}, {.fd = c->err, .events = POLLIN}};
		int ms = left_ms(c);
		if (ms == 0 || (poll(p, 2, ms) < 0 && errno != EINTR))
			return false;
		if (p[0].revents != 0 && !take(c->out, out, PROGRAM_OUT_MAX))
			cleanup_close(&c->out), c->out = -1;
		if (p[1].revents != 0 && !take(c->err, err, PROGRAM_OUT_MAX))
			cleanup_close(&c->err), c->err = -1;
	}
	return fd_wait(c->pidfd, left_ms(c));
}

static int tell(const struct child *c, int status, const struct buf *words, struct err *err)
{
	size_t n = words->len;
	while (n > 0 && (words->data[n - 1] == '\n' || words->data[n - 1] == ' '))
		n--;
	CLEANUP_FREE char *text = xstrndup(n > 0 ? words->data : "", n < WORDS_MAX ? n : WORDS_MAX);
	CLEANUP_FREE char *said = str_printable_lines(text);
	return err_set(err, ERR_FAIL, "%s failed (%s %d)%s%s", c->name,
	    WIFEXITED(status) ? "exit status" : "signal",
	    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), n > 0 ? ": " : "", said);
}

static int finish(struct child *c, bool ended, const struct buf *words, struct err *err)
{
	int status = 0;
	if (!ended)
		kill(-c->pid, SIGKILL);
	if (ended || fd_wait(c->pidfd, KILL_WAIT_MS))
		while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
			;
	if (!ended)
		return err_set(err, ERR_TIMEOUT, "%s has not ended in time", c->name);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : tell(c, status, words, err);
}

/* A file in memory: a program that does not read it blocks nobody. */
static int make_input(const char *input, struct err *err)
{
	CLEANUP_CLOSE int fd = memfd_create("input", MFD_CLOEXEC);
	if (fd < 0 || fd_write_all(fd, input, strlen(input)) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_errno(err, errno, "cannot make a file in memory");
	return TAKE_FD(fd);
}

static int run(
    const char *path, const char *const *argv, int in, int ms, struct buf *out, struct err *err)
{
	int o[2], e[2];
	CLEANUP_BUF struct buf words = BUF_INIT;
	if (pipe2(o, O_CLOEXEC) < 0)
		return err_errno(err, errno, "cannot run '%s'", path);
	if (pipe2(e, O_CLOEXEC) < 0) {
		close(o[0]), close(o[1]);
		return err_errno(err, errno, "cannot run '%s'", path);
	}
	struct child c = {.name = argv[0],
	    .out = o[0],
	    .err = e[0],
	    .pidfd = -1,
	    .end_ms = loop_now_ms() + (uint64_t)ms};
	int rc = spawn(path, argv, in, o[1], e[1], &c.pid);
	close(o[1]), close(e[1]);
	if (rc != 0) {
		err_errno(err, rc, "cannot run '%s'", path);
	} else {
		c.pidfd = (int)syscall(SYS_pidfd_open, c.pid, 0);
		rc = finish(&c, collect(&c, out, &words), &words, err);
	}
	cleanup_close(&c.out);
	cleanup_close(&c.err);
	cleanup_close(&c.pidfd);
	return rc == 0 ? 0 : -1;
}

int program_run_input(
    const char *const *argv, const char *input, int ms, struct buf *out, struct err *err)
{
	CLEANUP_BUF struct buf unwanted = BUF_INIT;
	CLEANUP_FREE char *path = find(argv[0]);
	if (path == NULL)
		return err_set(err, ERR_NOT_FOUND, "the program '%s' is not installed", argv[0]);
	CLEANUP_CLOSE int in = input != NULL ? make_input(input, err) : -1;
	if (input != NULL && in < 0)
		return -1;
	return run(path, argv, in, ms, out != NULL ? out : &unwanted, err);
}

int program_run(const char *const *argv, int ms, struct buf *out, struct err *err)
{
	return program_run_input(argv, NULL, ms, out, err);
}
