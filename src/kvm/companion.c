#include "kvm/companion.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/spawn.h"

#define LABEL_MAX 32
#define LIST_MAX (COMPANIONS_MAX * 64u) /* bytes of run/NAME/companions */
#define LOG_MAX (256u << 10)            /* a log that is longer begins anew at the next start */
#define WORDS_MAX 300                   /* bytes of its last words in a message */
#define PREPARING "."                   /* label of a process that only prepares */
#define END_MS 3000                     /* between the question and the order to end */

struct companion {
	struct companion_set *set;
	char label[LABEL_MAX];
	char *what;
	pid_t pid;
	int pidfd;
	bool ours; /* our child: its exit status can be had */
	off_t log_from;
	struct event *death;
	char *words; /* it ended by itself: how */
};

/* The program of companion_run_later. */
struct preparing {
	struct companion_spec spec; /* label and what alone, of static storage */
	pid_t pid;
	int pidfd, ms;
	off_t log_from;
	bool late, aborted;
	struct event *death, *timer;
	companion_done_fn *done;
	void *arg;
};

struct companion_set {
	struct loop *loop;
	const struct home *home;
	const char *name;
	const struct companion_ops *ops;
	void *arg;
	struct companion *list[COMPANIONS_MAX];
	size_t n;
	bool ending;
	struct event *kill;          /* those that did not end when asked */
	struct preparing *preparing; /* NULL: nothing is */
};

/* --- the file --- */

static char *list_path(const struct companion_set *s)
{
	return home_run_file(s->home, s->name, "companions");
}

static char *log_path(const struct companion_set *s, const char *label)
{
	CLEANUP_FREE char *file = xasprintf("%s.log", label);
	return home_log_file(s->home, s->name, file);
}

static int open_log(const struct companion_set *s, const char *label, off_t *from, struct err *err)
{
	CLEANUP_FREE char *path = log_path(s, label);
	struct stat st;
	CLEANUP_CLOSE int fd =
	    open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, errno, "cannot write '%s'", path);
	if (st.st_size > (off_t)LOG_MAX && ftruncate(fd, 0) == 0)
		st.st_size = 0;
	*from = st.st_size;
	return TAKE_FD(fd);
}

/* --- ends --- */

/* The last line that it wrote since it was started. */
static char *last_words(const struct companion_set *s, const char *label, off_t log_from)
{
	CLEANUP_FREE char *path = log_path(s, label);
	char text[WORDS_MAX * 2 + 1];
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return NULL;
	off_t from = st.st_size - (off_t)(sizeof(text) - 1);
	ssize_t n = pread(fd, text, sizeof(text) - 1, from > log_from ? from : log_from);
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
		n--;
	if (n <= 0)
		return NULL;
	text[n] = '\0';
	const char *line = strrchr(text, '\n');
	line = line == NULL ? text : line + 1;
	return str_printable(line, strlen(line), WORDS_MAX);
}

/* status: as waitpid gives it, -1 unknown. */
static char *end_words(
    const struct companion_set *s, const char *label, const char *what, off_t log_from, int status)
{
	char how[96] = "ended";
	if (status >= 0 && WIFSIGNALED(status))
		snprintf(how, sizeof(how), "was killed by signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else if (status >= 0)
		snprintf(how, sizeof(how), "ended with exit status %d", WEXITSTATUS(status));
	CLEANUP_FREE char *words = last_words(s, label, log_from);
	return xasprintf(
	    "%s %s%s%s", what, how, words == NULL ? "" : ": ", words == NULL ? "" : words);
}

/* It is gone: its descriptor and its event go, its words stay. */
static void settle(struct companion *c)
{
	int status = -1;
	if (c->ours && waitpid(c->pid, &status, WNOHANG) != c->pid)
		status = -1;
	if (!c->set->ending) {
		free(c->words);
		c->words = end_words(c->set, c->label, c->what, c->log_from, status);
	}
	event_free(c->death);
	c->death = NULL;
	close(c->pidfd);
	c->pidfd = -1;
}

static bool is_gone(const struct companion *c)
{
	return c->pidfd < 0 || fd_wait(c->pidfd, 0);
}

static void on_death(evutil_socket_t fd, short what, void *arg)
{
	struct companion *c = arg;
	(void)fd, (void)what;
	settle(c);
	if (c->set->ending)
		return;
	log_warn("%s", c->words);
	c->set->ops->died(c->set->arg, c->label, c->words);
}

static void signal_all(struct companion_set *s, int sig)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->list[i]->pidfd >= 0)
			spawn_signal(s->list[i]->pidfd, sig);
}

static void on_kill(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	signal_all(arg, SIGKILL);
}

void companion_end(struct companion_set *s)
{
	struct timeval tv = {END_MS / 1000, END_MS % 1000 * 1000};
	if (s->ending || s->n == 0)
		return;
	s->ending = true;
	signal_all(s, SIGTERM);
	evtimer_add(s->kill, &tv);
}

static void forget(struct companion_set *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct companion *c = s->list[i];
		if (c->death != NULL)
			event_free(c->death);
		if (c->pidfd >= 0)
			close(c->pidfd);
		free(c->what);
		free(c->words);
		free(c);
	}
	s->n = 0;
}

static void wait_for(struct companion *c, int ms)
{
	if (c->pidfd >= 0 && fd_wait(c->pidfd, ms))
		settle(c);
}

/* Waiting is bounded: END_MS for all together, then what SIGKILL takes. */
void companion_end_all(struct companion_set *s)
{
	companion_end(s);
	uint64_t end = loop_now_ms() + END_MS;
	for (size_t i = 0; i < s->n; i++) {
		uint64_t now = loop_now_ms();
		wait_for(s->list[i], now < end ? (int)(end - now) : 0);
		if (s->list[i]->pidfd >= 0) {
			spawn_signal(s->list[i]->pidfd, SIGKILL);
			wait_for(s->list[i], END_MS);
		}
	}
	evtimer_del(s->kill);
	forget(s);
	s->ending = false;
	CLEANUP_FREE char *path = list_path(s);
	unlink(path);
}

/* --- beginnings --- */

static void watch(struct companion_set *s, const char *label, const char *what, pid_t pid,
    int pidfd, bool ours, off_t log_from)
{
	struct companion *c = xcalloc(1, sizeof(*c));
	c->set = s;
	snprintf(c->label, sizeof(c->label), "%s", label);
	c->what = xstrdup(what);
	c->pid = pid;
	c->pidfd = pidfd;
	c->ours = ours;
	c->log_from = log_from;
	c->death = event_new(loop_base(s->loop), pidfd, EV_READ, on_death, c);
	if (c->death == NULL)
		abort(); /* out of memory */
	event_add(c->death, NULL);
	s->list[s->n++] = c;
}

/* The new process; *pidfd and *log_from are set. */
static pid_t spawn_one(struct companion_set *s, const struct companion_spec *spec,
    const char *label, int *pidfd, off_t *log_from, struct err *err)
{
	CLEANUP_FREE char *path = list_path(s);
	CLEANUP_CLOSE int list =
	    open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (list < 0)
		return err_errno(err, errno, "cannot write '%s'", path);
	CLEANUP_CLOSE int log = open_log(s, spec->label, log_from, err);
	if (log < 0)
		return -1;
	const struct spawn what = {.argv = spec->argv,
	    .fds = &spec->fd,
	    .n_fds = spec->fd >= 0,
	    .log_fd = log,
	    .dir = spec->dir == NULL ? "/" : spec->dir,
	    .process_fd = list,
	    .label = label,
	    .confine = spec->confine,
	    .cgroups = spec->cgroups,
	    .n_cgroups = spec->n_cgroups};
	pid_t pid = spawn_process(&what, pidfd, err);
	return pid < 0 ? err_wrap(err, "%s", spec->what) : pid;
}

int companion_start(struct companion_set *s, const struct companion_spec *spec, struct err *err)
{
	off_t from = 0;
	int pidfd = -1;
	if (s->n == COMPANIONS_MAX)
		return err_set(err, ERR_UNSUPPORTED, "more than %d side processes for one domain",
		    COMPANIONS_MAX);
	pid_t pid = spawn_one(s, spec, spec->label, &pidfd, &from, err);
	if (pid < 0)
		return -1;
	s->ending = false;
	watch(s, spec->label, spec->what, pid, pidfd, true, from);
	return 0;
}

/* It is gone: how it was. */
static int judge(struct companion_set *s, const struct preparing *p, struct err *err)
{
	int status = -1;
	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		;
	close(p->pidfd);
	if (p->late)
		return err_set(
		    err, ERR_TIMEOUT, "%s did not end within %d s", p->spec.what, p->ms / 1000);
	if (p->aborted)
		return err_set(err, ERR_STATE, "ended while %s ran", p->spec.what);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	CLEANUP_FREE char *how = end_words(s, p->spec.label, p->spec.what, p->log_from, status);
	return err_set(err, ERR_FAIL, "%s", how);
}

static int begin_preparing(struct companion_set *s, struct preparing *p,
    const struct companion_spec *spec, int ms, struct err *err)
{
	*p = (struct preparing){.spec = {.label = spec->label, .what = spec->what}, .ms = ms};
	p->pid = spawn_one(s, spec, PREPARING, &p->pidfd, &p->log_from, err);
	return p->pid < 0 ? -1 : 0;
}

int companion_run(
    struct companion_set *s, const struct companion_spec *spec, int ms, struct err *err)
{
	struct preparing p;
	if (begin_preparing(s, &p, spec, ms, err) < 0)
		return -1;
	p.late = !fd_wait(p.pidfd, ms);
	if (p.late)
		spawn_signal(p.pidfd, SIGKILL);
	return judge(s, &p, err);
}

static void on_prepared(evutil_socket_t fd, short what, void *arg)
{
	struct companion_set *s = arg;
	struct err err;
	(void)fd, (void)what;
	CLEANUP_FREE struct preparing *p = TAKE_PTR(s->preparing);
	event_free(p->death);
	event_free(p->timer);
	p->done(p->arg, judge(s, p, &err) == 0 ? NULL : &err);
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
	struct companion_set *s = arg;
	(void)fd, (void)what;
	s->preparing->late = !s->preparing->aborted;
	spawn_signal(s->preparing->pidfd, SIGKILL);
}

int companion_run_later(struct companion_set *s, const struct companion_spec *spec, int ms,
    companion_done_fn *done, void *arg, struct err *err)
{
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};
	CLEANUP_FREE struct preparing *p = xcalloc(1, sizeof(*p));
	if (s->preparing != NULL)
		return err_set(err, ERR_STATE, "%s still runs", s->preparing->spec.what);
	if (begin_preparing(s, p, spec, ms, err) < 0)
		return -1;
	p->done = done;
	p->arg = arg;
	p->death = event_new(loop_base(s->loop), p->pidfd, EV_READ, on_prepared, s);
	p->timer = evtimer_new(loop_base(s->loop), on_late, s);
	if (p->death == NULL || p->timer == NULL)
		abort(); /* out of memory */
	event_add(p->death, NULL);
	evtimer_add(p->timer, &tv);
	s->preparing = TAKE_PTR(p);
	return 0;
}

bool companion_run_abort(struct companion_set *s)
{
	if (s->preparing == NULL)
		return false;
	s->preparing->aborted = true;
	spawn_signal(s->preparing->pidfd, SIGKILL);
	return true;
}

static void drop_preparing(struct companion_set *s)
{
	struct err err;
	if (!companion_run_abort(s))
		return;
	CLEANUP_FREE struct preparing *p = TAKE_PTR(s->preparing);
	event_free(p->death);
	event_free(p->timer);
	(void)judge(s, p, &err);
}

void companion_adopt(struct companion_set *s)
{
	CLEANUP_FREE char *path = list_path(s);
	CLEANUP_BUF struct buf text = BUF_INIT;
	char label[LABEL_MAX];
	int pid, used;
	uint64_t start;
	if (s->n > 0 || file_read(path, LIST_MAX, &text, NULL) < 0 || text.data == NULL)
		return;
	for (const char *p = text.data;
	     s->n < COMPANIONS_MAX &&
	     sscanf(p, "%31s %d %" SCNu64 "%n", label, &pid, &start, &used) == 3;
	     p += used) {
		int pidfd = spawn_open_pidfd(pid, start);
		CLEANUP_FREE char *what = xasprintf("side process '%s' (%d)", label, pid);
		if (pidfd >= 0 && strcmp(label, PREPARING) == 0) {
			/* Nobody waits for it any more. */
			spawn_signal(pidfd, SIGKILL);
			close(pidfd);
		} else if (pidfd >= 0)
			watch(s, label, what, pid, pidfd, false, 0);
		else if (strcmp(label, PREPARING) != 0)
			log_warn("%s has ended", what);
	}
}

char *companion_words(struct companion_set *s)
{
	struct buf b = BUF_INIT;
	for (size_t i = 0; i < s->n; i++) {
		struct companion *c = s->list[i];
		if (c->pidfd >= 0 && !s->ending && is_gone(c))
			settle(c);
		if (c->words != NULL)
			buf_addf(&b, "%s%s", b.len > 0 ? "; " : "", c->words);
	}
	return b.len > 0 ? buf_take(&b) : NULL;
}

struct companion_set *companion_set_new(struct loop *l, const struct home *h, const char *name,
    const struct companion_ops *ops, void *arg)
{
	struct companion_set *s = xcalloc(1, sizeof(*s));
	s->loop = l;
	s->home = h;
	s->name = name;
	s->ops = ops;
	s->arg = arg;
	s->kill = evtimer_new(loop_base(l), on_kill, s);
	if (s->kill == NULL)
		abort(); /* out of memory */
	return s;
}

void companion_set_free(struct companion_set *s)
{
	if (s == NULL)
		return;
	drop_preparing(s);
	forget(s);
	event_free(s->kill);
	free(s);
}
