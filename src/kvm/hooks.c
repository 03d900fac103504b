#include "kvm/hooks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/str.h"

#define LINE_OVERHEAD 64u    /* of the log, for each line */
#define IDLE_MAX 400u        /* bytes of names in a message */
#define LINE_MAX_BYTES 1024u /* of output; longer ones are logged in parts */

struct job {
	TAILQ_ENTRY(job) entry;
	enum hook_op op;
	char *trigger, *port; /* of HOOK_MATCH */
	int xml;              /* a memory file: a program that does not read it holds nobody up */
	char **files;
	size_t n, next; /* next: the file that runs once the present one has ended */
	bool begun, aborted;
	struct err err; /* the first failure */
	hooks_done_fn *fn;
	void *arg;
};

struct hooks {
	struct loop *loop;
	const struct home *home;
	char *name;
	unsigned timeout_s;
	TAILQ_HEAD(jobs, job) jobs;
	bool deferred; /* step() is due */
	/* the program that runs */
	pid_t pid; /* 0 none */
	int pidfd, out;
	bool timed_out, muted;
	size_t logged;
	struct buf line, last; /* the line that is coming; the last whole one */
	struct event *death, *output, *timer;
};

static const struct {
	const char *name, *sub;
} ops[HOOK_OPS] = {
    [HOOK_PREPARE] = {"prepare", "begin"},
    [HOOK_STARTED] = {"started", "begin"},
    [HOOK_STOPPED] = {"stopped", "end"},
    [HOOK_RELEASED] = {"released", "end"},
    [HOOK_MATCH] = {"console-match", "-"},
};

const char *hook_op_name(enum hook_op op)
{
	return ops[op].name;
}

/* --- which programs --- */

/* Whoever may write the file, or its folder, decides what root runs. */
static bool safe(const struct stat *st)
{
	return (st->st_uid == 0 || st->st_uid == geteuid()) &&
	       (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* idle: gets the names of those that cannot be executed; NULL: nobody asks. */
static bool usable(int dir, const char *folder, const char *file, struct buf *idle)
{
	struct stat st;
	size_t n = strlen(file);
	if (file[0] == '.' || (n > 0 && file[n - 1] == '~') ||
	    fstatat(dir, file, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISDIR(st.st_mode))
		return false;
	if (S_ISREG(st.st_mode) && (st.st_mode & 0111) == 0) {
		if (idle != NULL)
			buf_addf(idle, "%s%s/%s", idle->len > 0 ? ", " : "", folder, file);
		return false;
	}
	if (S_ISREG(st.st_mode) && safe(&st))
		return true;
	log_warn(
	    "'%s/%s' is not run: hooks are regular files of root's or the user's own that nobody else "
	    "may write",
	    folder, file);
	return false;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void files_free(char **files, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(files[i]);
	free(files);
}

static size_t find_files(const struct home *h, char ***files, struct buf *idle)
{
	size_t n = 0;
	struct stat st;
	CLEANUP_FREE char *folder = xasprintf("%s/hooks.d", h->conf);
	*files = NULL;
	DIR *d = opendir(folder);
	if (d == NULL)
		return 0;
	bool trusted = fstat(dirfd(d), &st) == 0 && safe(&st);
	if (!trusted)
		log_warn("no hook is run: others may write to '%s'", folder);
	for (struct dirent *e; trusted && (e = readdir(d)) != NULL;) {
		if (!usable(dirfd(d), folder, e->d_name, idle))
			continue;
		*files = xreallocarray(*files, n + 1, sizeof(**files));
		(*files)[n++] = xasprintf("%s/%s", folder, e->d_name);
	}
	closedir(d);
	if (n > 0)
		qsort(*files, n, sizeof(**files), by_name);
	return n;
}

bool hooks_any(const struct home *h, char **idle)
{
	char **files;
	struct buf names = BUF_INIT;
	size_t n = find_files(h, &files, &names);
	files_free(files, n);
	*idle = names.len > 0 ? str_printable(names.data, names.len, IDLE_MAX) : NULL;
	buf_fini(&names);
	return n > 0;
}

/* --- one program --- */

static void step_later(struct hooks *k);

static const char *base_name(const char *path)
{
	return strrchr(path, '/') + 1;
}

static const char *running_file(const struct job *j)
{
	return j->files[j->next - 1];
}

static void log_line(struct hooks *k)
{
	const struct job *j = TAILQ_FIRST(&k->jobs);
	CLEANUP_FREE char *text = str_printable(k->line.data, k->line.len, LINE_MAX_BYTES * 4);
	k->logged += k->line.len + LINE_OVERHEAD;
	if (k->logged <= HOOKS_OUTPUT_MAX)
		log_info("hook %s %s: %s", base_name(running_file(j)), ops[j->op].name, text);
	else if (!k->muted)
		log_info("hook %s %s says more than is kept", base_name(running_file(j)),
		    ops[j->op].name);
	k->muted = k->logged > HOOKS_OUTPUT_MAX;
	if (k->line.len > 0) {
		buf_clear(&k->last);
		buf_adds(&k->last, text);
	}
	buf_clear(&k->line);
}

static void take_output(struct hooks *k, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (text[i] != '\n')
			buf_addc(&k->line, text[i]);
		if (text[i] == '\n' || k->line.len >= LINE_MAX_BYTES)
			log_line(k);
	}
}

/* Once around the loop at a time: a program that prints without end does not stop the others. */
static void on_output(evutil_socket_t fd, short what, void *arg)
{
	struct hooks *k = arg;
	char text[4096];
	(void)what;
	ssize_t n = read((int)fd, text, sizeof(text));
	if (n > 0)
		take_output(k, text, (size_t)n);
	else if (n == 0 || errno != EAGAIN)
		event_del(k->output);
}

static void drain(struct hooks *k)
{
	char text[4096];
	ssize_t n;
	for (int i = 0; i < 16 && (n = read(k->out, text, sizeof(text))) > 0; i++)
		take_output(k, text, (size_t)n);
	if (k->line.len > 0)
		log_line(k);
}

static void close_program(struct hooks *k)
{
	event_free(k->death);
	event_free(k->output);
	event_free(k->timer);
	close(k->out);
	close(k->pidfd);
	k->pid = 0;
}

static void judge(struct hooks *k, struct job *j, int status)
{
	struct err err;
	const char *file = running_file(j), *words = k->last.len > 0 ? k->last.data : NULL;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && !k->timed_out)
		return;
	if (j->aborted)
		err_set(&err, ERR_STATE, "ended while the hook '%s' prepared it", file);
	else if (k->timed_out)
		err_set(&err, ERR_TIMEOUT, "the hook '%s' was not done after %u s and was killed",
		    file, k->timeout_s);
	else if (words != NULL)
		err_set(&err, ERR_FAIL, "the hook '%s' says: %s", file, words);
	else if (WIFSIGNALED(status))
		err_set(&err, ERR_FAIL, "the hook '%s' was killed by signal %d", file,
		    WTERMSIG(status));
	else
		err_set(&err, ERR_FAIL, "the hook '%s' failed with exit status %d", file,
		    WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	log_warn("%s: %s", ops[j->op].name, err.msg);
	if (j->err.code == ERR_NONE)
		j->err = err;
}

static void on_death(evutil_socket_t fd, short what, void *arg)
{
	struct hooks *k = arg;
	int status = -1;
	(void)fd, (void)what;
	while (waitpid(k->pid, &status, 0) < 0 && errno == EINTR)
		;
	drain(k);
	close_program(k);
	judge(k, TAILQ_FIRST(&k->jobs), status);
	step_later(k);
}

/* Its whole group; itself where it has not made one yet. */
static void kill_program(const struct hooks *k)
{
	if (kill(-k->pid, SIGKILL) < 0)
		kill(k->pid, SIGKILL);
}

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct hooks *k = arg;
	(void)fd, (void)what;
	k->timed_out = true;
	kill_program(k);
}

#define ENV_MAX 10

static void fill_env(const struct hooks *k, const struct job *j, char *env[ENV_MAX])
{
	unsigned n = 0;
	env[n++] = xstrdup("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	env[n++] = xstrdup("LC_ALL=C.UTF-8");
	env[n++] = xstrdup("HOME=/");
	env[n++] = xasprintf("HVMUX_URI=%s", home_uri(k->home));
	if (k->home->mode == HOME_PRIVATE)
		env[n++] = xasprintf("HVMUX_HOME=%.*s",
		    (int)(strlen(k->home->conf) - strlen("/etc")), k->home->conf);
	if (j->op == HOOK_MATCH) {
		env[n++] = xasprintf("HVMUX_DOMAIN=%s", k->name);
		env[n++] = xasprintf("HVMUX_TRIGGER=%s", j->trigger);
		env[n++] = xasprintf("HVMUX_PORT=%s", j->port);
	}
	env[n] = NULL;
}

/* In the child: what it allocates goes with its image. */
static _Noreturn void become(const struct hooks *k, const struct job *j, const char *file, int out)
{
	char *env[ENV_MAX];
	bool match = j->op == HOOK_MATCH;
	char *argv[] = {(char *)(uintptr_t)file, k->name, (char *)(uintptr_t)ops[j->op].name,
	    match ? j->trigger : (char *)(uintptr_t)ops[j->op].sub, match ? j->port : (char *)"-",
	    NULL};
	sigset_t none;
	fill_env(k, j, env);
	setsid();
	if (match) {
		/* What happened is told also when the supervisor ends of it; nobody reads what it prints then. */
		alarm(k->timeout_s + 1);
	} else {
		/* Who would wait for it is gone then, and the next supervisor has hooks of its own to run. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	}
	for (int sig = 1; sig < 32; sig++)
		signal(sig, match && sig == SIGPIPE ? SIG_IGN : SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (lseek(j->xml, 0, SEEK_SET) < 0 || dup2(j->xml, 0) < 0 || dup2(out, 1) < 0 ||
	    dup2(out, 2) < 0)
		_exit(127);
	syscall(SYS_close_range, 3, ~0u, 0);
	if (chdir("/") == 0)
		execve(file, argv, env);
	dprintf(2, "cannot run it: %s\n", strerror(errno));
	_exit(127);
}

static struct event *watch(struct hooks *k, int fd, short what, event_callback_fn fn)
{
	struct event *e = event_new(loop_base(k->loop), fd, what, fn, k);
	if (e == NULL)
		abort(); /* out of memory */
	return e;
}

static int run_program(struct hooks *k, struct job *j, const char *file, struct err *err)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(err, errno, "cannot run the hook '%s'", file);
	pid_t pid = fork();
	if (pid == 0)
		become(k, j, file, fds[1]);
	int e = errno, pidfd = pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
	close(fds[1]);
	if (pidfd < 0) {
		e = pid < 0 ? e : errno;
		if (pid > 0 && kill(pid, SIGKILL) == 0)
			waitpid(pid, NULL, 0);
		close(fds[0]);
		return err_errno(err, e, "cannot run the hook '%s'", file);
	}
	struct timeval tv = {k->timeout_s, 0};
	fd_set_nonblock(fds[0], true);
	k->pid = pid;
	k->pidfd = pidfd;
	k->out = fds[0];
	k->timed_out = false;
	k->logged = 0;
	k->muted = false;
	buf_clear(&k->last);
	k->death = watch(k, pidfd, EV_READ, on_death);
	k->output = watch(k, fds[0], EV_READ | EV_PERSIST, on_output);
	k->timer = watch(k, -1, 0, on_timeout);
	event_add(k->death, NULL);
	event_add(k->output, NULL);
	event_add(k->timer, &tv);
	return 0;
}

/* --- one operation after the other --- */

static void job_free(struct job *j)
{
	files_free(j->files, j->n);
	close(j->xml);
	free(j->trigger);
	free(j->port);
	free(j);
}

static bool over(const struct job *j)
{
	return j->aborted || j->next == j->n || (j->op == HOOK_PREPARE && j->err.code != ERR_NONE);
}

static void finish_first(struct hooks *k)
{
	struct job *j = TAILQ_FIRST(&k->jobs);
	TAILQ_REMOVE(&k->jobs, j, entry);
	if (j->aborted && j->err.code == ERR_NONE)
		err_set(&j->err, ERR_STATE, "ended before its hooks had prepared it");
	if (j->fn != NULL)
		j->fn(j->arg, j->op, j->err.code == ERR_NONE ? NULL : &j->err);
	job_free(j);
}

/* files holds the one path; a program that is not safe to run is none. */
static void look_at_program(struct job *j)
{
	struct stat st;
	CLEANUP_FREE char *folder = xstrdup(j->files[0]);
	char *slash = strrchr(folder, '/');
	const char *file = base_name(j->files[0]);
	*(slash == folder ? slash + 1 : slash) = '\0';
	CLEANUP_CLOSE int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	j->n = 1;
	if (dir < 0 || fstatat(dir, file, &st, AT_SYMLINK_NOFOLLOW) < 0)
		err_errno(&j->err, errno, "the hook '%s' is not run", j->files[0]);
	else if (fstat(dir, &st) < 0 || !safe(&st))
		err_set(&j->err, ERR_DENIED, "the hook '%s' is not run: others may write to '%s'",
		    j->files[0], folder);
	else if (!usable(dir, folder, file, NULL))
		err_set(&j->err, ERR_DENIED,
		    "the hook '%s' is not run: an executable file of root's or the user's own is needed that nobody "
		    "else may write",
		    j->files[0]);
	if (j->err.code == ERR_NONE)
		return;
	log_warn("%s", j->err.msg);
	j->next = j->n;
}

static void step(void *arg)
{
	struct hooks *k = arg;
	struct job *j;
	k->deferred = false;
	while (k->pid == 0 && (j = TAILQ_FIRST(&k->jobs)) != NULL) {
		if (!j->begun && j->op == HOOK_MATCH)
			look_at_program(j);
		else if (!j->begun)
			j->n = find_files(k->home, &j->files, NULL);
		j->begun = true;
		if (over(j)) {
			finish_first(k);
			continue;
		}
		struct err err;
		const char *file = j->files[j->next++];
		if (run_program(k, j, file, &err) < 0 && j->err.code == ERR_NONE)
			j->err = err;
	}
}

static void step_later(struct hooks *k)
{
	if (k->deferred)
		return;
	k->deferred = true;
	loop_defer(k->loop, step, k);
}

struct hooks *hooks_new(struct loop *l, const struct home *h, const char *name, unsigned timeout_s)
{
	struct hooks *k = xcalloc(1, sizeof(*k));
	k->loop = l;
	k->home = h;
	k->name = xstrdup(name);
	k->timeout_s = timeout_s;
	TAILQ_INIT(&k->jobs);
	return k;
}

/* After the loop's last turn: nothing of ours is deferred any more. */
static void destroy(void *arg)
{
	struct hooks *k = arg;
	buf_fini(&k->line);
	buf_fini(&k->last);
	free(k->name);
	free(k);
}

/* A program that was told of a match goes on by itself (see become()). */
static void leave_program(struct hooks *k)
{
	if (TAILQ_FIRST(&k->jobs)->op != HOOK_MATCH) {
		kill_program(k);
		while (waitpid(k->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	close_program(k);
}

void hooks_free(struct hooks *k)
{
	struct job *j;
	if (k == NULL)
		return;
	if (k->pid > 0)
		leave_program(k);
	while ((j = TAILQ_FIRST(&k->jobs)) != NULL) {
		if (j->op == HOOK_MATCH && !j->begun) {
			look_at_program(j);
			if (j->next < j->n && run_program(k, j, j->files[j->next++], NULL) == 0)
				leave_program(k);
		}
		TAILQ_REMOVE(&k->jobs, j, entry);
		job_free(j);
	}
	loop_defer(k->loop, destroy, k);
}

void hooks_run(
    struct hooks *k, enum hook_op op, const char *xml, size_t n, hooks_done_fn *fn, void *arg)
{
	struct job *j = xcalloc(1, sizeof(*j));
	j->op = op;
	j->fn = fn;
	j->arg = arg;
	j->xml = memfd_create("hvmux-domain-xml", MFD_CLOEXEC);
	if (j->xml < 0 || fd_write_all(j->xml, xml, n) < 0)
		err_errno(&j->err, errno, "cannot hand the domain to its hooks");
	TAILQ_INSERT_TAIL(&k->jobs, j, entry);
	step_later(k);
}

int hooks_run_match(
    struct hooks *k, const char *file, const char *trigger, const char *port, const char *line)
{
	unsigned waiting = 0;
	struct job *j;
	TAILQ_FOREACH(j, &k->jobs, entry)
	waiting += j->op == HOOK_MATCH;
	if (waiting > HOOKS_MATCHES_MAX)
		return -1;
	CLEANUP_FREE char *text = xasprintf("%s\n", line);
	hooks_run(k, HOOK_MATCH, text, strlen(text), NULL, NULL);
	j = TAILQ_LAST(&k->jobs, jobs);
	j->trigger = xstrdup(trigger);
	j->port = xstrdup(port);
	j->files = xcalloc(1, sizeof(*j->files));
	j->files[0] = xstrdup(file);
	j->n = 1;
	return 0;
}

bool hooks_abort_prepare(struct hooks *k)
{
	bool any = false;
	struct job *j;
	TAILQ_FOREACH(j, &k->jobs, entry)
	{
		if (j->op != HOOK_PREPARE || j->aborted)
			continue;
		any = j->aborted = true;
		if (j == TAILQ_FIRST(&k->jobs) && k->pid > 0)
			kill_program(k);
	}
	if (any && k->pid == 0)
		step_later(k);
	return any;
}
