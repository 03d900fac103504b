#include "tui/foreground.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/mem.h"

extern char **environ;

struct foreground {
	struct app *app;
	char *command;
	pid_t pid; /* 0: it has ended, its last words are on the screen */
	struct event *child;
};

static void finish(struct foreground *f)
{
	struct app *app = f->app;
	app->foreground = NULL;
	event_free(f->child);
	free(f->command);
	free(f);
	tty_take(app->tty);
	app_refresh(app);
}

static void on_child(evutil_socket_t sig, short what, void *arg)
{
	struct foreground *f = arg;
	int status;
	(void)sig, (void)what;
	if (f->pid == 0 || waitpid(f->pid, &status, WNOHANG | WUNTRACED) != f->pid)
		return;
	if (WIFSTOPPED(status)) {
		/* There is no shell to go to: it goes on. */
		kill(-f->pid, SIGCONT);
		return;
	}
	f->pid = 0;
	tty_foreground(f->app->tty, getpgrp());
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		app_message(f->app, STYLE_NOTE, "%s: done", f->command);
		jobs_note(f->app->jobs, false, "%s: done", f->command);
		finish(f);
		return;
	}
	jobs_note(f->app->jobs, true, "%s: failed, or was given up", f->command);
	tty_words(f->app->tty, "\r\nPress a key to go back to hvmux.\r\n");
}

static int spawn(struct foreground *f, const char *const *words)
{
	struct app *app = f->app;
	const char *argv[64] = {app->options->self};
	size_t n = 1;
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t at;
	sigset_t none, dfl;
	int rc;
	for (size_t i = 0; words[i] && n + 1 < ARRAY_LEN(argv); i++)
		argv[n++] = words[i];
	sigemptyset(&none);
	sigfillset(&dfl);
	posix_spawn_file_actions_init(&fa);
	posix_spawnattr_init(&at);
	/* A group of its own, which gets the terminal's Ctrl+C; we do not. */
	posix_spawnattr_setflags(
	    &at, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&at, 0);
	posix_spawnattr_setsigmask(&at, &none);
	posix_spawnattr_setsigdefault(&at, &dfl);
	rc = posix_spawn(
	    &f->pid, app->options->self, &fa, &at, (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&at);
	return rc;
}

void foreground_run(struct app *app, const char *const *words)
{
	struct foreground *f;
	int rc;
	if (app->foreground)
		return;
	f = xcalloc(1, sizeof(*f));
	f->app = app;
	CLEANUP_FREE char *line = jobs_quote(words);
	f->command = xasprintf("hvmux %s", line);
	f->child = evsignal_new(loop_base(app->loop), SIGCHLD, on_child, f);
	event_add(f->child, NULL);
	app->foreground = f;
	tty_give(app->tty);
	rc = spawn(f, words);
	if (rc) {
		app_message(app, STYLE_ERROR, "cannot run '%s': %s", f->command, strerror(rc));
		finish(f);
		return;
	}
	tty_foreground(app->tty, f->pid);
}

bool foreground_away(const struct app *app)
{
	return app->foreground != NULL;
}

bool foreground_key(struct app *app)
{
	if (!app->foreground)
		return false;
	if (app->foreground->pid == 0)
		finish(app->foreground);
	return true;
}

void foreground_close(struct app *app)
{
	struct foreground *f = app->foreground;
	if (!f)
		return;
	if (f->pid > 0) {
		kill(-f->pid, SIGHUP);
		kill(-f->pid, SIGCONT);
	}
	app->foreground = NULL;
	event_free(f->child);
	free(f->command);
	free(f);
}
