#include "tui/tui.h"

#include <curses.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/str.h"
#include "serial/console_client.h"
#include "tui/app.h"
#include "tui/draw.h"
#include "tui/foreground.h"
#include "tui/view_console.h"
#include "tui/view_list.h"
#include "tui/view_text.h"
#include "tui/view_wall.h"

#define FRAME_SMALL \
	2048 /* bytes; a frame as small as the echo of a key may be followed by another soon */
#define FRAME_SMALL_MS 8
#define FRAME_MS 40         /* 25 frames a second is all that a flood gets */
#define ERROR_STAYS_MS 1500 /* a key that was on its way does not wipe an error away unread */

/* --- frames --- */

/* False: what the last frame left cannot be built upon. */
static bool draw_changes(struct app *app)
{
	struct view *v = app->top;
	if (app->whole || !v || !v->ops->draw_changes)
		return false;
	draw_again(&app->theme, tty_rows(app->tty), tty_cols(app->tty));
	return v->ops->draw_changes(v) && !draw_stale();
}

static void draw_frame(struct app *app)
{
	int row, col;
	bool cursor;
	if (app->quitting || foreground_away(app) || !tty_ready(app->tty))
		return; /* still dirty: drained comes */
	app->dirty = app->keyed = false;
	if (!draw_changes(app)) {
		draw_begin(&app->theme, tty_rows(app->tty), tty_cols(app->tty));
		view_draw_all(app);
	}
	app->whole = draw_stale();
	cursor = draw_cursor_wanted(&row, &col);
	curs_set(cursor ? 1 : 0);
	leaveok(stdscr, !cursor);
	if (cursor)
		move(row, col);
	app->frame_bytes = tty_frame(app->tty);
	app->frame_ms = loop_now_ms();
}

static void on_frame(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	draw_frame(arg);
}

void app_dirty(struct app *app)
{
	app->whole = true;
	app_dirty_rows(app);
}

void app_dirty_rows(struct app *app)
{
	bool small = app->frame_bytes < FRAME_SMALL;
	uint64_t gap = !small ? FRAME_MS : app->keyed ? 0 : FRAME_SMALL_MS;
	uint64_t since = loop_now_ms() - app->frame_ms;
	struct timeval tv = {.tv_usec = since >= gap ? 0 : (suseconds_t)(gap - since) * 1000};
	if (app->dirty && !app->keyed && evtimer_pending(app->frame_timer, NULL))
		return;
	app->dirty = true;
	if (tv.tv_usec)
		event_add(app->frame_timer, &tv);
	else
		event_active(
		    app->frame_timer, EV_TIMEOUT, 0); /* without another look at the clock */
}

static void on_drained(void *arg)
{
	struct app *app = arg;
	if (app->dirty)
		app_dirty_rows(app);
}

static void on_resized(void *arg)
{
	struct app *app = arg;
	view_resized_all(app);
	app_dirty(app);
}

/* --- messages --- */

void app_message(struct app *app, enum style st, const char *fmt, ...)
{
	va_list ap;
	free(app->message);
	va_start(ap, fmt);
	app->message = xvasprintf(fmt, ap);
	va_end(ap);
	app->message_style = st;
	app->message_ms = loop_now_ms();
	app_dirty(app);
}

static void message_clear(struct app *app)
{
	if (!app->message ||
	    (app->message_style == STYLE_ERROR && loop_now_ms() - app->message_ms < ERROR_STAYS_MS))
		return;
	free(app->message);
	app->message = NULL;
	app_dirty(app);
}

bool app_draw_message(struct app *app, int row)
{
	if (!app->message)
		return false;
	draw_field(row, 0, 1, app->message_style, " ");
	draw_field(row, 1, draw_cols() - 1, app->message_style, app->message);
	return true;
}

/* --- keys --- */

static bool on_key(void *arg, const struct vt_key *k)
{
	struct app *app = arg;
	struct vt_key plain;
	bool took, behind_esc;
	if (!app->top || app->quitting || foreground_key(app))
		return true;
	app->keyed = true;
	message_clear(app);
	behind_esc = console_keys_behind_esc(&app->keys, k, &plain);
	/* Esc and a key after it may arrive as one packet, which looks like Alt and that key. To a guest that is Alt, but
	 * who leaves vi's insert mode and then its console is not to be kept. */
	if ((k->mods & VT_MOD_ALT) && (!app->top->ops->guest || behind_esc)) {
		struct vt_key esc = {.sym = VT_KEY_ESCAPE};
		app->top->ops->key(app->top, &esc);
		return app->top ? app->top->ops->key(app->top, &plain) : true;
	}
	took = app->top->ops->key(app->top, k);
	if (!took)
		tty_pause_input(app->tty, true);
	return took;
}

static bool on_paste(void *arg, const char *p, size_t n)
{
	struct app *app = arg;
	bool took = true;
	if (!app->top || app->quitting || foreground_away(app))
		return true;
	if (app->top->ops->paste)
		took = app->top->ops->paste(app->top, p, n);
	else
		app_message(app, STYLE_NOTE, "pasted text is not taken here");
	if (!took)
		tty_pause_input(app->tty, true);
	return took;
}

static void on_pasted(void *arg)
{
	struct app *app = arg;
	if (app->top && !app->quitting && app->top->ops->pasted)
		app->top->ops->pasted(app->top);
}

static void on_mouse(void *arg, const struct vt_mouse *e)
{
	struct app *app = arg;
	if (app->top && !app->quitting && !foreground_away(app) && app->top->ops->mouse)
		app->top->ops->mouse(app->top, e);
}

static void on_input(void *arg, const uint8_t *p, size_t n)
{
	struct app *app = arg;
	input_feed(app->input, p, n);
}

static void continue_deferred(void *arg)
{
	struct app *app = arg;
	input_continue(app->input);
	if (!input_blocked(app->input))
		tty_pause_input(app->tty, false);
}

void app_input_continue(struct app *app)
{
	if (input_blocked(app->input))
		loop_defer(app->loop, continue_deferred, app);
}

/* --- what happens by itself --- */

static void on_vm_changed(void *arg, const struct vm_entry *e, const char *before)
{
	struct app *app = arg;
	bool bad = e->state == VM_CRASHED || e->silent || e->reason == VM_REASON_FAILED ||
	           e->reason == VM_REASON_LOST;
	jobs_note(app->jobs, bad, "%s: %s, was %s%s%s", e->name, vm_entry_state(e), before,
	    *e->detail && bad ? ": " : "", bad ? e->detail : "");
}

void app_refresh(struct app *app)
{
	struct err err = {0};
	if (!app->model) {
		view_tick_all(app);
		app_dirty(app);
		return;
	}
	if (model_refresh(app->model, &err) < 0)
		app_message(app, STYLE_ERROR, "%s", err.msg);
	app_dirty(app);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct app *app = arg;
	(void)fd, (void)what;
	if (app->model) {
		host_tick(&app->host);
		app_refresh(app);
	}
	view_tick_all(app);
}

static void on_job_changed(void *arg, struct job *j)
{
	(void)j;
	app_dirty(arg);
}

static void on_job_ended(void *arg, struct job *j)
{
	struct app *app = arg;
	if (j->quiet) {
		app_dirty(app);
		view_news_all(app);
		return;
	}
	CLEANUP_FREE char *words = job_words(j);
	if (j->state == JOB_DONE && j->show && j->out.len) {
		message_clear(app); /* "… runs" would stand where the keys are told */
		view_text_open(app, j->command, j->out.data, j->out.len);
	} else if (j->state == JOB_DONE)
		app_message(app, STYLE_NOTE, "%s: %s", j->command, *words ? words : "done");
	else if (j->state == JOB_CANCELLED)
		app_message(app, STYLE_NOTE, "%s: cancelled", j->command);
	else
		app_message(app, STYLE_ERROR, "%s: %s", j->command, *words ? words : "failed");
	app_refresh(app);
	view_news_all(app);
}

struct offload *app_offload(struct app *app)
{
	if (!app->offload)
		app->offload = offload_new(app->loop);
	return app->offload;
}

/* --- signals --- */

void app_quit(struct app *app, int status)
{
	app->status = status;
	app->quitting = true;
	loop_stop(app->loop);
}

static void on_gone(void *arg)
{
	struct app *app = arg;
	app->signal = SIGHUP;
	app_quit(app, 1);
}

static void on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct app *app = arg;
	(void)what;
	switch ((int)sig) {
	case SIGWINCH:
		tty_measure(app->tty);
		break;
	case SIGTSTP:
		tty_suspend(app->tty);
		break;
	case SIGCONT:
		tty_resume(app->tty);
		break;
	default:
		app->signal = (int)sig;
		app_quit(app, 1);
	}
}

static const int watched[] = {SIGWINCH, SIGTSTP, SIGCONT, SIGTERM, SIGHUP, SIGINT};

/* --- life --- */

static int choose_keys(struct app *app, const char *escape, struct err *err)
{
	char words[256];
	if (console_keys_choose(&app->keys, app->home, escape, words, err) < 0)
		return -1;
	if (words[0])
		app_message(app, STYLE_ERROR, "%s", words);
	return 0;
}

static const struct tty_ops tty_ops = {
    .input = on_input, .resized = on_resized, .drained = on_drained, .gone = on_gone};
static const struct input_ops input_ops = {
    .key = on_key, .paste = on_paste, .pasted = on_pasted, .mouse = on_mouse};
static const struct jobs_ops jobs_ops = {.changed = on_job_changed, .ended = on_job_ended};

static int app_open(struct app *app, const char *escape, struct err *err)
{
	struct timeval second = {.tv_sec = 1};
	setlocale(LC_CTYPE, ""); /* only this: a comma in a figure would be a different figure */
	signal(SIGPIPE, SIG_IGN);
	app->loop = loop_new();
	/* Before ncurses, which would otherwise bring handlers of its own. */
	for (size_t i = 0; i < ARRAY_LEN(watched); i++) {
		app->signals[i] = evsignal_new(loop_base(app->loop), watched[i], on_signal, app);
		event_add(app->signals[i], NULL);
	}
	app->frame_timer = evtimer_new(loop_base(app->loop), on_frame, app);
	event_priority_set(app->frame_timer, 0);
	app->tick_timer = event_new(loop_base(app->loop), -1, EV_PERSIST, on_tick, app);
	event_add(app->tick_timer, &second);
	if (choose_keys(app, escape, err) < 0)
		return -1;
	app->input = input_new(app->loop, &input_ops, app);
	if (!app->input)
		return err_set(err, ERR_FAIL, "cannot read keys of this terminal");
	app->tty = tty_open(app->loop, &tty_ops, app, err);
	if (!app->tty)
		return -1;
	theme_detect(&app->theme);
	return 0;
}

static void app_close(struct app *app)
{
	foreground_close(app);
	if (app->tty)
		view_close_all(app);
	tty_close(app->tty);
	input_free(app->input);
	for (size_t i = 0; i < ARRAY_LEN(watched); i++)
		event_free(app->signals[i]);
	event_free(app->frame_timer);
	event_free(app->tick_timer);
	jobs_free(app->jobs);
	offload_free(app->offload);
	model_free(app->model);
	loop_free(app->loop);
	free(app->selected);
	free(app->message);
	if (app->signal && app->signal != SIGHUP) {
		/* Whoever sent it sees that it was obeyed. */
		signal(app->signal, SIG_DFL);
		raise(app->signal);
	}
}

static const char *self_path(char path[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
	path[n < 0 ? 0 : n] = '\0';
	return path;
}

/* NULL where a child finds the same home by itself. */
static const char *child_uri(const struct home *h)
{
	struct home plain;
	const char *uri = home_uri(h);
	if (home_init(&plain, NULL, NULL) < 0)
		return uri;
	if (plain.mode == h->mode)
		uri = NULL;
	home_fini(&plain);
	return uri;
}

int tui_run(const struct home *h, const struct tui_options *o, struct err *err)
{
	struct app app = {.home = h, .options = o};
	int status = -1;
	host_init(&app.host);
	if (app_open(&app, NULL, err) == 0) {
		app.model = model_new(h, o->readonly);
		model_on_change(app.model, on_vm_changed, &app);
		app.jobs = jobs_new(app.loop, o->self, child_uri(h), &jobs_ops, &app);
		view_list_open(&app);
		app_refresh(&app);
		draw_frame(&app);
		status = loop_run(app.loop) < 0 ? 1 : app.status;
	}
	app_close(&app);
	host_fini(&app.host);
	return status;
}

int tui_console(
    const struct home *h, const char *name, const struct tui_console_options *o, struct err *err)
{
	char self[PATH_MAX];
	const struct tui_options options = {
	    .readonly = o->readonly, .self = o->self ? o->self : self_path(self)};
	struct app app = {.home = h, .options = &options};
	struct vm vm;
	int rc = -1;
	bool live;
	if (vm_probe(h, name, &vm, err) < 0)
		return -1;
	live = vm.live;
	vm_fini(&vm);
	if (!live)
		return err_set(err, ERR_STATE,
		    "domain '%s' is not running: 'hvmux screen %s' prints its last screen", name,
		    name);
	if (app_open(&app, o->escape, err) == 0) {
		app.jobs = jobs_new(app.loop, options.self, child_uri(h), &jobs_ops, &app);
		view_console_open(&app, name, o->index, o->flags);
		draw_frame(&app);
		loop_run(app.loop);
		rc = 0;
	}
	app_close(&app);
	return rc;
}

int tui_wall(const struct home *h, char *const *names, unsigned n, bool readonly, struct err *err)
{
	char self[PATH_MAX];
	const struct tui_options options = {.readonly = readonly, .self = self_path(self)};
	struct app app = {.home = h, .options = &options};
	int rc = -1;
	if (app_open(&app, NULL, err) == 0) {
		app.jobs = jobs_new(app.loop, options.self, child_uri(h), &jobs_ops, &app);
		view_wall_open(&app, names, n);
		draw_frame(&app);
		loop_run(app.loop);
		rc = 0;
	}
	app_close(&app);
	return rc;
}
