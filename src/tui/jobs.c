#include "tui/jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/file.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"

#define PROGRESS_FD 3
#define PROGRESS_LINE_MAX 4096
#define WORDS_MAX 400 /* bytes of a job's one line */

extern char **environ;

struct jobs {
	struct loop *loop;
	const char *self, *uri;
	const struct jobs_ops *ops;
	void *arg;
	struct job *list[JOBS_KEPT]; /* oldest first */
	unsigned n, next_id;
	struct event *child;
};

/* --- life of one --- */

static void job_free(struct job *j)
{
	for (int i = 0; i < 3; i++) {
		if (j->events[i])
			event_free(j->events[i]);
		if (j->fds[i] >= 0)
			close(j->fds[i]);
	}
	buf_fini(&j->out);
	buf_fini(&j->err);
	buf_fini(&j->progress_in);
	free(j->progress);
	free(j->command);
	free(j);
}

static void forget(struct job *j)
{
	struct jobs *jobs = j->jobs;
	unsigned i = 0;
	while (jobs->list[i] != j)
		i++;
	memmove(&jobs->list[i], &jobs->list[i + 1], (jobs->n - i - 1) * sizeof(jobs->list[0]));
	jobs->n--;
	job_free(j);
}

/* The oldest that has ended makes room; running ones stay. */
static bool make_room(struct jobs *jobs)
{
	if (jobs->n < JOBS_KEPT)
		return true;
	for (unsigned i = 0; i < jobs->n; i++) {
		if (jobs->list[i]->state == JOB_RUNNING || jobs->list[i]->quiet)
			continue;
		forget(jobs->list[i]);
		return true;
	}
	return false;
}

static struct job *job_add(struct jobs *jobs, char *command)
{
	struct job *j = xcalloc(1, sizeof(*j));
	j->jobs = jobs;
	j->id = ++jobs->next_id;
	j->when = time(NULL);
	j->command = command;
	j->fds[0] = j->fds[1] = j->fds[2] = -1;
	jobs->list[jobs->n++] = j;
	return j;
}

static void check_end(struct job *j)
{
	struct jobs *jobs = j->jobs;
	if (!j->reaped || j->fds[0] >= 0 || j->fds[1] >= 0 || j->state != JOB_RUNNING)
		return;
	if (WIFEXITED(j->status) && WEXITSTATUS(j->status) == 0)
		j->state = JOB_DONE;
	else if (WIFSIGNALED(j->status) &&
	         (WTERMSIG(j->status) == SIGINT || WTERMSIG(j->status) == SIGKILL))
		j->state = JOB_CANCELLED;
	else
		j->state = JOB_FAILED;
	if (j->dropped)
		forget(j);
	else
		jobs->ops->ended(jobs->arg, j);
}

/* --- what it says --- */

static void progress_line(struct job *j, const char *line)
{
	struct json_object *o = json_tokener_parse(line);
	const char *text = json_get_str(o, "text");
	int64_t done = json_get_int(o, "done", 0), total = json_get_int(o, "total", 0);
	j->done = done > 0 ? (uint64_t)done : 0;
	j->total = total > 0 ? (uint64_t)total : 0;
	free(j->progress);
	j->progress = text ? str_printable(text, strlen(text), 200) : NULL;
	json_object_put(o);
}

static void progress_add(struct job *j, const char *p, size_t n)
{
	char *nl;
	buf_add(&j->progress_in, p, n);
	while ((nl = memchr(j->progress_in.data, '\n', j->progress_in.len)) != NULL) {
		*nl = '\0';
		progress_line(j, j->progress_in.data);
		buf_consume(&j->progress_in, (size_t)(nl - j->progress_in.data) + 1);
	}
	if (j->progress_in.len > PROGRESS_LINE_MAX)
		buf_clear(&j->progress_in);
}

static void on_output(evutil_socket_t fd, short what, void *arg)
{
	struct job *j = arg;
	char data[4096];
	ssize_t n = read(fd, data, sizeof(data));
	int i = fd == j->fds[0] ? 0 : fd == j->fds[1] ? 1 : 2;
	struct buf *to = i == 0 ? &j->out : &j->err;
	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		event_free(j->events[i]);
		j->events[i] = NULL;
		close(fd);
		j->fds[i] = -1;
		check_end(j);
		return;
	}
	if (i == 2)
		progress_add(j, data, (size_t)n);
	else if (to->len + (size_t)n <= JOBS_OUTPUT_MAX)
		buf_add(to, data, (size_t)n);
	if (!j->quiet)
		j->jobs->ops->changed(j->jobs->arg, j);
}

static void on_child(evutil_socket_t sig, short what, void *arg)
{
	struct jobs *jobs = arg;
	(void)sig, (void)what;
	/* Backwards: what is told of an end may drop jobs, and the list moves down. */
	for (unsigned i = jobs->n; i-- > 0;) {
		struct job *j = i < jobs->n ? jobs->list[i] : NULL;
		if (!j || j->state != JOB_RUNNING || j->reaped ||
		    waitpid(j->pid, &j->status, WNOHANG) != j->pid)
			continue;
		j->reaped = true;
		check_end(j);
	}
}

/* --- starting --- */

char *jobs_quote(const char *const *words)
{
	static const char plain[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,+@%";
	struct buf b = BUF_INIT;
	for (size_t i = 0; words[i]; i++) {
		const char *w = words[i];
		if (i)
			buf_addc(&b, ' ');
		if (*w && w[strspn(w, plain)] == '\0') {
			buf_adds(&b, w);
			continue;
		}
		buf_addc(&b, '\'');
		for (; *w; w++) {
			if (*w == '\'')
				buf_adds(&b, "'\\''");
			else
				buf_addc(&b, *w);
		}
		buf_addc(&b, '\'');
	}
	return buf_take(&b);
}

static int spawn(const char *self, char *const *argv, int fds[3], pid_t *pid)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t at;
	sigset_t none, dfl;
	int rc;
	sigemptyset(&none);
	sigfillset(&dfl);
	posix_spawn_file_actions_init(&fa);
	posix_spawnattr_init(&at);
	posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&fa, fds[0], 1);
	posix_spawn_file_actions_adddup2(&fa, fds[1], 2);
	posix_spawn_file_actions_adddup2(&fa, fds[2], PROGRESS_FD);
	/* A session of its own: a hang-up of the terminal must not cut an operation in half. */
	posix_spawnattr_setflags(
	    &at, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&at, &none);
	posix_spawnattr_setsigdefault(&at, &dfl);
	rc = posix_spawn(pid, self, &fa, &at, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&at);
	return rc;
}

static int start(struct job *j, char *const *argv, struct err *err)
{
	int p[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}}, child[3], rc = 0;
	for (int i = 0; i < 3 && rc == 0; i++) {
		if (pipe2(p[i], O_CLOEXEC) < 0)
			rc = errno;
		/* Above the numbers that the child's are moved to, or one move would overwrite another. */
		child[i] = rc ? -1 : fcntl(p[i][1], F_DUPFD_CLOEXEC, 10);
		if (!rc && child[i] < 0)
			rc = errno;
		if (p[i][1] >= 0)
			close(p[i][1]);
	}
	if (rc == 0)
		rc = spawn(j->jobs->self, argv, child, &j->pid);
	for (int i = 0; i < 3; i++) {
		if (p[i][1] >= 0 && child[i] >= 0)
			close(child[i]);
		if (rc && p[i][0] >= 0)
			close(p[i][0]);
		if (rc)
			continue;
		j->fds[i] = p[i][0];
		fd_set_nonblock(j->fds[i], true);
		j->events[i] = event_new(
		    loop_base(j->jobs->loop), j->fds[i], EV_READ | EV_PERSIST, on_output, j);
		event_add(j->events[i], NULL);
	}
	return rc ? err_errno(err, rc, "cannot run '%s'", j->jobs->self) : 0;
}

static struct job *run(
    struct jobs *jobs, const char *const *words, bool show, bool quiet, struct err *err)
{
	const char *argv[2048] = {jobs->self};
	const char *shown[2048] = {"hvmux"};
	char progress[16];
	size_t n = 1, s = 1;
	struct job *j;
	snprintf(progress, sizeof(progress), "%d", PROGRESS_FD);
	argv[n++] = "--progress-fd";
	argv[n++] = progress;
	if (jobs->uri) {
		argv[n++] = shown[s++] = "--connect";
		argv[n++] = shown[s++] = jobs->uri;
	}
	for (size_t i = 0; words[i]; i++) {
		if (n + 1 >= ARRAY_LEN(argv)) {
			err_set(
			    err, ERR_USAGE, "too many words in one command: mark fewer domains");
			return NULL;
		}
		argv[n++] = shown[s++] = words[i];
	}
	if (!make_room(jobs)) {
		err_set(err, ERR_BUSY, "too many commands run already: wait for some to end");
		return NULL;
	}
	j = job_add(jobs, jobs_quote(shown));
	j->show = show;
	j->quiet = quiet;
	j->state = JOB_RUNNING;
	if (start(j, (char *const *)(uintptr_t)argv, err) == 0)
		return j;
	j->state = JOB_FAILED;
	buf_adds(&j->err, err->msg);
	if (quiet)
		forget(j);
	return NULL;
}

struct job *jobs_run(struct jobs *jobs, const char *const *words, bool show, struct err *err)
{
	return run(jobs, words, show, false, err);
}

struct job *jobs_run_quiet(struct jobs *jobs, const char *const *words, struct err *err)
{
	return run(jobs, words, false, true, err);
}

void jobs_drop(struct jobs *jobs, struct job *j)
{
	(void)jobs;
	j->dropped = true;
	if (j->state != JOB_RUNNING)
		forget(j);
	else if (!j->reaped)
		kill(-j->pid, SIGTERM);
}

void jobs_note(struct jobs *jobs, bool bad, const char *fmt, ...)
{
	struct job *j;
	va_list ap;
	if (!make_room(jobs))
		return;
	va_start(ap, fmt);
	j = job_add(jobs, xvasprintf(fmt, ap));
	va_end(ap);
	j->state = JOB_NOTE;
	j->bad = bad;
}

struct job *jobs_cancel(struct jobs *jobs)
{
	for (unsigned i = jobs->n; i-- > 0;) {
		struct job *j = jobs->list[i];
		if (j->state != JOB_RUNNING || j->reaped || j->quiet)
			continue;
		kill(-j->pid, SIGINT); /* it leads a session, so a group, of its own */
		return j;
	}
	return NULL;
}

/* --- reading --- */

unsigned jobs_count(const struct jobs *jobs)
{
	unsigned n = 0;
	for (unsigned i = 0; i < jobs->n; i++)
		n += !jobs->list[i]->quiet;
	return n;
}

unsigned jobs_running(const struct jobs *jobs)
{
	unsigned n = 0;
	for (unsigned i = 0; i < jobs->n; i++)
		n += jobs->list[i]->state == JOB_RUNNING && !jobs->list[i]->quiet;
	return n;
}

const struct job *jobs_get(const struct jobs *jobs, unsigned i)
{
	for (unsigned k = jobs->n; k-- > 0;)
		if (!jobs->list[k]->quiet && i-- == 0)
			return jobs->list[k];
	return NULL;
}

const struct job *jobs_find(const struct jobs *jobs, unsigned id)
{
	for (unsigned i = 0; i < jobs->n; i++)
		if (jobs->list[i]->id == id && !jobs->list[i]->dropped)
			return jobs->list[i];
	return NULL;
}

bool jobs_interrupt(struct jobs *jobs, unsigned id)
{
	const struct job *j = jobs_find(jobs, id);
	if (!j || j->state != JOB_RUNNING || j->reaped)
		return false;
	kill(-j->pid, SIGINT);
	return true;
}

/* "error: Failed to start domain 'a'\nerror: no space" → "Failed to start domain 'a': no space". */
static char *error_words(const struct buf *b, size_t end)
{
	CLEANUP_BUF struct buf out = BUF_INIT;
	for (size_t at = 0; at < end && out.len < WORDS_MAX;) {
		const char *line = b->data + at, *nl = memchr(line, '\n', end - at);
		size_t n = nl ? (size_t)(nl - line) : end - at;
		at += n + 1;
		if (n >= 7 && !memcmp(line, "error: ", 7)) {
			line += 7;
			n -= 7;
		}
		if (!n)
			continue;
		if (out.len)
			buf_adds(&out, ": ");
		buf_add(&out, line, n);
	}
	return out.len ? str_printable(out.data, out.len, WORDS_MAX) : xstrdup("");
}

char *job_words(const struct job *j)
{
	const struct buf *b = j->err.len ? &j->err : &j->out;
	size_t end = b->len, from;
	while (end &&
	       (b->data[end - 1] == '\n' || b->data[end - 1] == '\r' || b->data[end - 1] == ' '))
		end--;
	if (!end)
		return xstrdup("");
	if (b == &j->err)
		return error_words(b, end);
	for (from = end; from && b->data[from - 1] != '\n';)
		from--;
	return str_printable(b->data + from, end - from, WORDS_MAX);
}

struct jobs *jobs_new(
    struct loop *l, const char *self, const char *uri, const struct jobs_ops *ops, void *arg)
{
	struct jobs *jobs = xcalloc(1, sizeof(*jobs));
	jobs->loop = l;
	jobs->self = self;
	jobs->uri = uri;
	jobs->ops = ops;
	jobs->arg = arg;
	jobs->child = evsignal_new(loop_base(l), SIGCHLD, on_child, jobs);
	event_add(jobs->child, NULL);
	return jobs;
}

void jobs_free(struct jobs *jobs)
{
	if (!jobs)
		return;
	for (unsigned i = 0; i < jobs->n; i++)
		job_free(jobs->list[i]);
	event_free(jobs->child);
	free(jobs);
}
