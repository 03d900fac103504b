/* The runner of a job: the command's parent, its reader, and the only writer of its state. */
#include "core/job.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/file.h"
#include "core/jsonl.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/progress.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "core/vm_process.h"

#define PROGRESS_FD 3
#define PROGRESS_LINE_MAX 4096
#define WRITE_EVERY_MS 200 /* state; a command may tell of its progress much more often */

enum { OUTPUT, PROGRESS, SIGNALS, COMMAND, FDS };

struct runner {
	const struct home *h;
	struct job_info j;
	int state, output;
	int fds[FDS]; /* that are waited for; -1 closed */
	struct buf kept, line;
	bool dirty;
	uint64_t written_ms;
	unsigned asked;       /* how often it was asked to end, and how far that went */
	uint64_t patience_ms; /* when the next of `steps` is due; 0 never */
};

static const int steps[] = {SIGINT, SIGTERM, SIGKILL};

static void write_state(struct runner *r)
{
	char text[JOB_STATE_BYTES];
	job_state_format(&r->j, text);
	/* Where the disk is full, the next write may find room. */
	r->dirty = pwrite(r->state, text, sizeof(text), 0) != (ssize_t)sizeof(text);
	r->written_ms = loop_now_ms();
}

/* --- what the command says --- */

/* The end of what it printed says most: of too much, the first half goes. */
static void keep_output(struct runner *r, const char *p, size_t n)
{
	buf_add(&r->kept, p, n);
	if (r->kept.len <= JOB_OUTPUT_MAX) {
		(void)fd_write_all(r->output, p, n);
		return;
	}
	size_t cut = r->kept.len - JOB_OUTPUT_MAX / 2;
	const char *nl = memchr(r->kept.data + cut, '\n', r->kept.len - cut);
	buf_consume(&r->kept, nl ? (size_t)(nl - r->kept.data) + 1 : cut);
	if (ftruncate(r->output, 0) == 0 && lseek(r->output, 0, SEEK_SET) == 0)
		(void)fd_write_all(r->output, r->kept.data, r->kept.len);
}

static void progress_line(struct runner *r, const char *line)
{
	struct json_object *o = json_tokener_parse(line);
	const char *text = json_get_str(o, "text");
	int64_t done = json_get_int(o, "done", 0), total = json_get_int(o, "total", 0);
	r->j.done = done > 0 ? (uint64_t)done : 0;
	r->j.total = total > 0 ? (uint64_t)total : 0;
	r->j.told_ns = timestamp_ns();
	CLEANUP_FREE char *shown =
	    text ? str_printable(text, strlen(text), JOB_TEXT_MAX - 1) : NULL;
	snprintf(r->j.text, sizeof(r->j.text), "%s", shown ? shown : "");
	r->dirty = true;
	json_object_put(o);
}

static void progress_words(struct runner *r, const char *p, size_t n)
{
	char *nl;
	buf_add(&r->line, p, n);
	while (r->line.len && (nl = memchr(r->line.data, '\n', r->line.len)) != NULL) {
		*nl = '\0';
		progress_line(r, r->line.data);
		buf_consume(&r->line, (size_t)(nl - r->line.data) + 1);
	}
	if (r->line.len > PROGRESS_LINE_MAX)
		buf_clear(&r->line);
}

/* False: there is nothing more for now. */
static bool take_words(struct runner *r, int which)
{
	char data[8192];
	ssize_t n = r->fds[which] < 0 ? 0 : read(r->fds[which], data, sizeof(data));
	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		close(r->fds[which]);
		r->fds[which] = -1;
		return false;
	}
	if (which == PROGRESS)
		progress_words(r, data, (size_t)n);
	else
		keep_output(r, data, (size_t)n);
	return true;
}

/* --- ending it --- */

static void ask_to_end(struct runner *r)
{
	int sig = steps[r->asked < ARRAY_LEN(steps) ? r->asked : ARRAY_LEN(steps) - 1];
	r->asked++;
	r->patience_ms = loop_now_ms() + JOB_PATIENCE_MS;
	kill(-r->j.command, sig); /* it leads a group of its own */
}

static void take_signal(struct runner *r)
{
	struct signalfd_siginfo s;
	if (read(r->fds[SIGNALS], &s, sizeof(s)) == (ssize_t)sizeof(s) && s.ssi_signo != SIGHUP)
		ask_to_end(r);
}

static void end(struct runner *r)
{
	int status = 0;
	while (waitpid(r->j.command, &status, 0) < 0 && errno == EINTR)
		;
	while (take_words(r, PROGRESS) || take_words(r, OUTPUT))
		;
	r->j.exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	r->j.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	r->j.status = r->j.exit == 0 ? JOB_STATUS_DONE
	              : r->asked     ? JOB_STATUS_CANCELLED
	                             : JOB_STATUS_FAILED;
	r->j.ended_ns = timestamp_ns();
	write_state(r);
}

static int wait_ms(const struct runner *r)
{
	uint64_t now = loop_now_ms(), due = UINT64_MAX;
	if (r->dirty)
		due = r->written_ms + WRITE_EVERY_MS;
	if (r->patience_ms && r->patience_ms < due)
		due = r->patience_ms;
	return due == UINT64_MAX ? -1 : due > now ? (int)(due - now) : 0;
}

static void watch(struct runner *r)
{
	struct pollfd p[FDS];
	for (;;) {
		for (int i = 0; i < FDS; i++)
			p[i] = (struct pollfd){r->fds[i], POLLIN, 0};
		if (poll(p, FDS, wait_ms(r)) < 0 && errno != EINTR)
			return;
		if (p[OUTPUT].revents)
			take_words(r, OUTPUT);
		if (p[PROGRESS].revents)
			take_words(r, PROGRESS);
		if (p[SIGNALS].revents)
			take_signal(r);
		if (p[COMMAND].revents)
			return;
		if (r->patience_ms && loop_now_ms() >= r->patience_ms)
			ask_to_end(r);
		if (r->dirty && loop_now_ms() >= r->written_ms + WRITE_EVERY_MS)
			write_state(r);
	}
}

/* --- the beginning --- */

static _Noreturn void become_command(
    char *const *argv, const char *file, int output, int progress, pid_t runner)
{
	sigset_t none;
	sigemptyset(&none);
	setpgid(0, 0);
	/* Nobody could cancel it any more, nor tell what became of it. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != runner)
		_exit(127);
	dup2(output, 1);
	dup2(output, 2);
	dup2(progress, PROGRESS_FD);
	syscall(SYS_close_range, (unsigned)PROGRESS_FD + 1, ~0u, 0);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setenv(PROGRESS_FILE_ENV, file, 1);
	execv("/proc/self/exe", argv);
	_exit(127);
}

static char **command_line(const struct runner *r)
{
	size_t n = 0, at = 0;
	while (r->j.words[n])
		n++;
	char **argv = xcalloc(n + 6, sizeof(*argv));
	argv[at++] = (char *)"hvmux";
	argv[at++] = (char *)"-c";
	argv[at++] = (char *)(uintptr_t)home_uri(r->h);
	argv[at++] = (char *)"--progress-fd";
	argv[at++] = (char *)"3";
	for (size_t i = 0; i < n; i++)
		argv[at++] = r->j.words[i];
	return argv;
}

static int start_command(struct runner *r, struct err *err)
{
	int out[2] = {-1, -1}, progress[2] = {-1, -1};
	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(progress, O_CLOEXEC) < 0)
		return err_errno(err, errno, "cannot make a pipe");
	r->fds[OUTPUT] = out[0];
	r->fds[PROGRESS] = progress[0];
	/* Above the numbers that they become. */
	CLEANUP_CLOSE int o = fcntl(out[1], F_DUPFD_CLOEXEC, 10),
	                  p = fcntl(progress[1], F_DUPFD_CLOEXEC, 10);
	close(out[1]);
	close(progress[1]);
	CLEANUP_FREE char **argv = command_line(r);
	CLEANUP_FREE char *file = job_path(r->h, r->j.id, "progress");
	pid_t self = getpid(), pid = fork();
	if (pid < 0)
		return err_errno(err, errno, "cannot start the job's command");
	if (pid == 0)
		become_command(argv, file, o, p, self);
	setpgid(pid, pid);
	r->j.command = pid;
	r->j.command_start = vm_process_start(pid);
	r->fds[COMMAND] = (int)syscall(SYS_pidfd_open, pid, 0);
	fd_set_nonblock(r->fds[OUTPUT], true);
	fd_set_nonblock(r->fds[PROGRESS], true);
	return r->fds[COMMAND] < 0 ? err_errno(err, errno, "cannot watch the job's command") : 0;
}

static int open_file(const struct home *h, unsigned id, const char *name, struct err *err)
{
	CLEANUP_FREE char *path = job_path(h, id, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_errno(err, errno, "cannot make '%s'", path);
	home_share(h, path, 0640);
	return fd;
}

static int begin(struct runner *r, unsigned id, struct err *err)
{
	sigset_t asked;
	sigemptyset(&asked);
	sigaddset(&asked, SIGTERM);
	sigaddset(&asked, SIGINT);
	sigaddset(&asked, SIGHUP);
	sigprocmask(SIG_BLOCK, &asked, NULL);
	r->fds[SIGNALS] = signalfd(-1, &asked, SFD_CLOEXEC);
	if (r->fds[SIGNALS] < 0)
		return err_errno(err, errno, "cannot take signals");
	if (job_read(r->h, id, &r->j, err) < 0 ||
	    (r->state = open_file(r->h, id, "state", err)) < 0 ||
	    (r->output = open_file(r->h, id, "output", err)) < 0)
		return -1;
	r->j.runner = getpid();
	r->j.runner_start = vm_process_start(r->j.runner);
	if (start_command(r, err) < 0)
		return -1;
	write_state(r);
	return r->dirty ? err_set(err, ERR_IO, "cannot write the state of job %u", id) : 0;
}

static void tell(int ready, const char *words)
{
	if (ready < 0)
		return;
	CLEANUP_FREE char *line = xasprintf("%s\n", words);
	(void)fd_write_all(ready, line, strlen(line));
	close(ready);
}

int job_run(const struct home *h, unsigned id, int ready)
{
	struct err err = {0};
	struct runner r = {.h = h, .state = -1, .output = -1, .fds = {-1, -1, -1, -1}};
	signal(SIGPIPE, SIG_IGN);
	int rc = begin(&r, id, &err);
	tell(ready, rc == 0 ? "ok" : err.msg);
	if (rc == 0)
		watch(&r);
	else if (r.j.command > 0)
		kill(-r.j.command, SIGKILL);
	if (r.j.command > 0)
		end(&r);
	int status = rc == 0 ? r.j.exit : 1;
	for (int i = 0; i < FDS; i++)
		cleanup_close(&r.fds[i]);
	cleanup_close(&r.state);
	cleanup_close(&r.output);
	buf_fini(&r.kept);
	buf_fini(&r.line);
	job_info_fini(&r.j);
	return status;
}
