#include "cli/editor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/audit.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"

#define RANDOM_PART "-XXXXXX"
#define HANGUP_WAIT_MS 5000 /* for an editor to save what it has after a hang-up */

struct editor {
	const struct home *home;
	char *name, *path;
	struct buf first, text; /* as given; as last read back */
	struct sigaction old[4];
};

/* What ends a process that does not care; an editor's own Ctrl+C is not for us. */
static const int signals[4] = {SIGHUP, SIGTERM, SIGINT, SIGQUIT};
static volatile sig_atomic_t hung_up;

static void on_signal(int number)
{
	if (number == SIGHUP || number == SIGTERM)
		hung_up = 1;
}

static void catch_signals(struct editor *e)
{
	/* No SA_RESTART: waiting and reading end. */
	struct sigaction action = {.sa_handler = on_signal};
	hung_up = 0;
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaction(signals[i], &action, &e->old[i]);
}

static void release_signals(struct editor *e)
{
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaction(signals[i], &e->old[i], NULL);
}

static char *folder(const struct home *h)
{
	return xasprintf("%s/edit", h->data);
}

struct editor *editor_new(const struct home *h, const char *name, const char *suffix,
    const char *text, size_t n, struct err *err)
{
	CLEANUP_FREE char *dir = folder(h);
	if (home_mkdir(h, dir, err) < 0)
		return NULL;
	CLEANUP_FREE char *path = xasprintf("%s/%s" RANDOM_PART "%s", dir, name, suffix);
	CLEANUP_CLOSE int fd = mkostemps(path, (int)strlen(suffix), O_CLOEXEC);
	if (fd < 0 || fd_write_all(fd, text, n) < 0 || fsync(fd) < 0) {
		err_errno(err, errno, "cannot write '%s'", path);
		if (fd >= 0)
			unlink(path);
		return NULL;
	}
	struct editor *e = xcalloc(1, sizeof(*e));
	e->home = h;
	e->name = xstrdup(name);
	e->path = TAKE_PTR(path);
	buf_add(&e->first, text, n);
	buf_add(&e->text, text, n);
	catch_signals(e);
	return e;
}

static void editor_free(struct editor *e)
{
	release_signals(e);
	buf_fini(&e->first);
	buf_fini(&e->text);
	free(e->path);
	free(e->name);
	free(e);
}

const struct buf *editor_text(const struct editor *e)
{
	return &e->text;
}

static bool in_path(const char *program)
{
	const char *path = getenv("PATH");
	for (path = path ? path : "/usr/bin:/bin"; *path; path += *path == ':') {
		size_t n = strcspn(path, ":");
		CLEANUP_FREE char *file = xasprintf("%.*s/%s", (int)n, path, program);
		if (n && access(file, X_OK) == 0)
			return true;
		path += n;
	}
	return false;
}

/* A command of the shell: EDITOR="vim -f" is usual. */
static const char *choose(struct err *err)
{
	static const char *const known[] = {"sensible-editor", "editor", "vi", "nano"};
	const char *chosen = getenv("VISUAL");
	if (!chosen || !*chosen)
		chosen = getenv("EDITOR");
	if (chosen && *chosen)
		return chosen;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (in_path(known[i]))
			return known[i];
	err_set(err, ERR_NOT_FOUND, "no editor found: set EDITOR to one, or install vi or nano");
	return NULL;
}

static void run_child(const char *command, const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		signal(signals[i], SIG_DFL);
	CLEANUP_FREE char *script = xasprintf("%s \"$1\"", command);
	execl("/bin/sh", "sh", "-c", script, "sh", path, (char *)NULL);
	_exit(127);
}

/* -1: it did not end in time. */
static int wait_for(pid_t pid, unsigned ms, int *status)
{
	for (unsigned waited = 0; waited < ms; waited += 20) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return 0;
		nanosleep(&(struct timespec){0, 20000000}, NULL);
	}
	return -1;
}

static int wait_for_editor(pid_t pid, int *status)
{
	while (waitpid(pid, status, 0) < 0) {
		if (errno != EINTR)
			return -1;
		if (!hung_up)
			continue;
		/* Its terminal is gone, whether or not the kernel told it. */
		kill(pid, SIGHUP);
		return wait_for(pid, HANGUP_WAIT_MS, status);
	}
	return 0;
}

static int judge(const char *command, int status, struct err *err)
{
	if (hung_up)
		return err_set(err, ERR_FAIL, "the terminal hung up");
	if (WIFSIGNALED(status))
		return err_set(err, ERR_FAIL, "the editor '%s' was ended by a signal: %s", command,
		    strsignal(WTERMSIG(status)));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return err_set(err, ERR_NOT_FOUND,
		    "the editor '%s' was not found: set EDITOR to one that is installed", command);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(err, ERR_FAIL, "the editor '%s' failed with exit status %d", command,
		    WEXITSTATUS(status));
	return 0;
}

static int run_editor(struct editor *e, struct err *err)
{
	int status = 0;
	const char *command = choose(err);
	if (!command)
		return -1;
	fflush(stdout);
	pid_t pid = fork();
	if (pid < 0)
		return err_errno(err, errno, "cannot start the editor");
	if (pid == 0)
		run_child(command, e->path);
	if (wait_for_editor(pid, &status) < 0)
		return err_set(err, ERR_FAIL, "the terminal hung up");
	return judge(command, status, err);
}

static bool same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

int editor_edit(struct editor *e, struct err *err)
{
	CLEANUP_BUF struct buf fresh = BUF_INIT;
	struct err why = {0};
	int rc = run_editor(e, &why);
	/* Whatever became of the editor, what it saved counts. */
	int got = file_read(e->path, STORE_XML_MAX, &fresh, rc == 0 ? &why : NULL);
	bool differs = got == 0 && !same(&fresh, &e->text);
	if (got == 0) {
		buf_clear(&e->text);
		buf_add(&e->text, fresh.data ? fresh.data : "", fresh.len);
	}
	if (rc == 0 && got == 0)
		return differs;
	return err_set(err, why.code, "%s", why.msg);
}

/* A line from the terminal; false: it is gone, or there never was one. */
static bool read_answer(char *out, size_t max)
{
	size_t n = 0;
	for (char ch = 0; ch != '\n';) {
		ssize_t got = read(STDIN_FILENO, &ch, 1);
		if (got < 0 && errno == EINTR && !hung_up)
			continue;
		if (got <= 0)
			return false;
		if (ch != '\n' && n + 1 < max)
			out[n++] = ch;
	}
	out[n] = '\0';
	return true;
}

int editor_ask(struct editor *e, const char *question, const char *letters)
{
	(void)e;
	char answer[64];
	while (!hung_up && isatty(STDIN_FILENO)) {
		fflush(stdout);
		fprintf(stderr, "%s", question);
		if (!read_answer(answer, sizeof(answer)))
			break;
		const char *word = answer + strspn(answer, " \t");
		if (*word && strchr(letters, *word))
			return *word;
	}
	return -1;
}

void editor_done(struct editor *e)
{
	unlink(e->path);
	editor_free(e);
}

void editor_give_up(struct editor *e, struct err *err)
{
	struct err why = *err;
	if (same(&e->text, &e->first)) {
		editor_done(e);
		return;
	}
	err_set(err, why.code, "%s\nWhat was typed is kept in %s", why.msg, e->path);
	/* Nobody may be there to read it. */
	audit_write(e->home, e->name, "uid=%u pid=%d what=edit result=kept file=%s",
	    (unsigned)getuid(), (int)getpid(), e->path);
	editor_free(e);
}

void editor_leftovers(const struct home *h, const char *name, struct buf *out)
{
	CLEANUP_FREE char *dir = folder(h);
	size_t n = strlen(name);
	DIR *d = opendir(dir);
	if (!d)
		return;
	for (struct dirent *f; (f = readdir(d));)
		if (strncmp(f->d_name, name, n) == 0 && f->d_name[n] == '-' &&
		    strcspn(f->d_name + n, ".") == strlen(RANDOM_PART))
			buf_addf(out, "%s/%s\n", dir, f->d_name);
	closedir(d);
}
