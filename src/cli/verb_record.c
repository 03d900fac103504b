/* record: a console as an asciicast. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/attach.h"
#include "cli/out.h"
#include "cli/port.h"
#include "core/file.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/vm.h"
#include "serial/asciicast.h"
#include "serial/console_client.h"
#include "serial/console_port.h"
#include "serial/paint.h"
#include "serial/vt_screen.h"

#define FRAME_MS 33       /* 30 pictures a second are the most */
#define SCROLLBACK 20000u /* lines between two pictures that are not lost */
#define RETRY_MS 200      /* between looks for the supervisor that follows one that was killed */
#define ROWS_DEFAULT 24
#define COLS_DEFAULT 80

struct recording {
	struct cli *c;
	char *name;
	unsigned index;
	struct loop *loop;
	struct console_client *client;
	struct console_place place;
	int fd;
	bool raw, since_boot, fixed; /* fixed: the size was given */
	bool begun;
	unsigned rows, cols;
	struct vt_screen *screen;
	struct paint *paint;
	struct asciicast_text text;
	uint64_t t0, last; /* of the events, in ns; t0: since when */
	uint64_t noted;    /* of history: when what is fed now came, CLOCK_REALTIME; 0 not known */
	uint64_t noted_from; /* … and what was the first */
	struct buf out;
	struct event *frame, *again, *late, *signals[3];
	int rc;
	struct err *err;
};

static void over(struct recording *r, int rc)
{
	r->rc = rc;
	loop_stop(r->loop);
}

static void flush(struct recording *r)
{
	if (r->out.len && fd_write_all(r->fd, r->out.data, r->out.len) < 0 && r->rc == 0) {
		err_errno(r->err, errno, "cannot write the recording");
		over(r, -1);
	}
	buf_clear(&r->out);
}

/* Of an event that happens now. History has the times of its notes. */
static uint64_t event_time(struct recording *r)
{
	uint64_t t = loop_now_ns() - r->t0;
	if (r->noted)
		t = r->noted > r->noted_from ? r->noted - r->noted_from : 0;
	if (t < r->last) /* the wall clock was set back */
		t = r->last;
	r->last = t;
	return t;
}

/* --- the file --- */

static void begin(struct recording *r)
{
	char port[STATUS_PORT_NAME_MAX] = "";
	struct timespec now;
	struct vm vm;
	if (r->begun)
		return;
	r->begun = true;
	r->t0 = loop_now_ns();
	clock_gettime(CLOCK_REALTIME, &now);
	if (vm_probe(&r->c->home, r->name, &vm, NULL) == 0) {
		console_port_name(vm.head, r->index, port);
		vm_fini(&vm);
	}
	CLEANUP_FREE char *title = xasprintf("%s %s", r->name, port);
	uint64_t began = r->noted ? r->noted / 1000000000u : (uint64_t)now.tv_sec;
	asciicast_header(&r->out, r->rows, r->cols, began, title);
}

/* The screen as it is now, if it is another than the last one. */
static void picture(struct recording *r)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	if (r->raw)
		return;
	paint_update(r->paint, r->screen, &b);
	if (b.len == 0)
		return;
	begin(r);
	asciicast_output(&r->out, &r->text, event_time(r), b.data, b.len);
}

static void on_frame(evutil_socket_t fd, short what, void *arg)
{
	struct recording *r = arg;
	(void)fd, (void)what;
	picture(r);
	flush(r);
}

static void resize(struct recording *r, unsigned rows, unsigned cols)
{
	if (r->fixed || rows < 1 || cols < 1 || rows > VT_ROWS_MAX || cols > VT_COLS_MAX ||
	    (rows == r->rows && cols == r->cols))
		return;
	r->rows = rows;
	r->cols = cols;
	if (r->begun)
		asciicast_resize(&r->out, event_time(r), rows, cols);
	if (r->screen)
		vt_screen_resize(r->screen, rows, cols);
}

/* --- from the console --- */

/* All before it was history: it makes the first picture, unless it is wanted itself. */
static void go_live(struct recording *r)
{
	if (!console_client_live(r->client))
		return;
	if (r->since_boot)
		picture(r);
	if (r->noted && r->begun) { /* from here on our own clock, without a step back */
		r->t0 = loop_now_ns() - r->last;
		r->noted = 0;
	}
	r->since_boot = false;
	if (!r->begun) {
		r->noted = 0;
		begin(r);
		picture(r);
	}
	flush(r);
}

static void on_data(void *arg, uint64_t offset, const uint8_t *p, size_t n, bool live)
{
	struct recording *r = arg;
	struct timeval tv = {.tv_usec = FRAME_MS * 1000};
	(void)offset;
	if (live && !r->begun)
		go_live(r);
	if (r->screen)
		vt_screen_feed(r->screen, p, n);
	if (r->raw && (live || r->since_boot)) {
		begin(r);
		asciicast_output(&r->out, &r->text, event_time(r), p, n);
		flush(r);
	}
	if (!live)
		go_live(r);
	else if (!evtimer_pending(r->frame, NULL))
		evtimer_add(r->frame, &tv);
}

static void on_gap(void *arg, uint64_t from, uint64_t to)
{
	static const char words[] = "\r\n[... output is missing here ...]\r\n";
	(void)from, (void)to;
	on_data(arg, from, (const uint8_t *)words, sizeof(words) - 1,
	    console_client_live(((struct recording *)arg)->client));
}

/* Forgets what was before the guest's last start. */
static void restart(struct recording *r)
{
	buf_clear(&r->out);
	r->begun = false;
	r->text.n = 0;
	r->last = 0;
	r->noted_from = 0;
	if (r->screen)
		vt_screen_reset(r->screen);
	if (r->paint)
		paint_forget(r->paint);
}

static void on_note(void *arg, const struct ring_note *n)
{
	struct recording *r = arg;
	bool history = r->since_boot;
	if (history && r->noted)
		picture(r);
	if (history && n->kind == RING_NOTE_BOOT)
		restart(r);
	if (history) {
		r->noted = n->time_ns;
		if (r->noted_from == 0)
			r->noted_from = n->time_ns;
	}
}

static void on_who(void *arg, const struct console_who *w)
{
	struct recording *r = arg;
	if (w->rows && w->cols)
		resize(r, w->rows, w->cols);
	go_live(r);
}

static void on_closed(void *arg, const char *why)
{
	struct recording *r = arg;
	struct timeval tv = {.tv_usec = RETRY_MS * 1000};
	struct vm vm;
	bool live = false, refused = r->client && console_client_refused(r->client);
	CLEANUP_FREE char *words = xstrdup(why); /* the client's */
	if (r->client)
		r->place = console_client_place(r->client);
	console_client_free(r->client);
	r->client = NULL;
	if (vm_probe(&r->c->home, r->name, &vm, NULL) == 0) {
		live = vm.live;
		if (vm.orphan)
			vm_adopt_all(&r->c->home, &vm, 1);
		vm_fini(&vm);
	}
	if (live && refused)
		over(r, err_set(r->err, ERR_BUSY, "the console of '%s' cannot be had: %s", r->name,
		            words));
	else if (live)
		event_add(r->again, &tv);
	else
		over(r, 0);
}

static int attach(struct recording *r, struct err *err)
{
	static const struct console_client_ops ops = {
	    .data = on_data, .gap = on_gap, .note = on_note, .who = on_who, .closed = on_closed};
	r->client = console_client_open(r->loop, &r->c->home, r->name, r->index, CONSOLE_READ_ONLY,
	    r->place.run ? &r->place : NULL, &ops, r, err);
	return r->client ? 0 : -1;
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	struct recording *r = arg;
	(void)fd, (void)what;
	if (attach(r, NULL) < 0)
		on_closed(r, "");
}

static void on_stop(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	over(arg, 0);
}

/* --- the command line --- */

static int take_size(struct recording *r, struct err *err)
{
	uint64_t rows = cli_number(r->c, "rows", 0), cols = cli_number(r->c, "cols", 0);
	r->fixed = cli_value(r->c, "rows") || cli_value(r->c, "cols");
	r->rows = rows ? (unsigned)rows : ROWS_DEFAULT;
	r->cols = cols ? (unsigned)cols : COLS_DEFAULT;
	if (r->fixed &&
	    (r->rows > VT_ROWS_MAX || r->cols > VT_COLS_MAX || (cli_value(r->c, "rows") && !rows) ||
	        (cli_value(r->c, "cols") && !cols)))
		return err_set(err, ERR_USAGE, "--rows is a number from 1 to %u, --cols one to %u",
		    VT_ROWS_MAX, VT_COLS_MAX);
	return 0;
}

static int open_file(struct recording *r, struct err *err)
{
	const char *path = cli_value(r->c, "file");
	int how = cli_flag(r->c, "force") ? O_TRUNC : O_EXCL;
	if (!path || str_eq(path, "-")) {
		if (isatty(STDOUT_FILENO))
			return err_set(
			    err, ERR_USAGE, "a recording is no text for a terminal: name a FILE");
		r->fd = dup(STDOUT_FILENO);
	} else
		r->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | how, 0600);
	if (r->fd >= 0)
		return 0;
	if (errno == EEXIST)
		return err_set(
		    err, ERR_EXISTS, "'%s' is there already; --force writes over it", path);
	return err_errno(err, errno, "cannot write '%s'", path ? path : "standard output");
}

static int prepare(struct recording *r, struct err *err)
{
	r->raw = cli_flag(r->c, "raw-bytes");
	r->since_boot = cli_flag(r->c, "since-boot");
	if (take_size(r, err) < 0)
		return -1;
	r->name = vm_resolve(&r->c->home, cli_value(r->c, "domain"), err);
	if (!r->name || port_option(r->c, r->name, &r->index, err) < 0 ||
	    attach_check(r->c, r->name, r->index, err) < 0 || open_file(r, err) < 0)
		return -1;
	if (!r->raw) {
		r->screen = vt_screen_new(r->rows, r->cols, SCROLLBACK, NULL, NULL);
		r->paint = paint_new(&(struct paint_options){.scrolls = true});
	}
	if (attach(r, err) < 0)
		on_closed(r, err->msg); /* its supervisor has just been made */
	return 0;
}

static void run(struct recording *r)
{
	static const int stops[] = {SIGINT, SIGTERM, SIGHUP};
	struct event_base *base = loop_base(r->loop);
	struct timeval tv = {.tv_sec = (time_t)cli_number(r->c, "duration", 0)};
	for (size_t i = 0; i < ARRAY_LEN(stops); i++) {
		r->signals[i] = evsignal_new(base, stops[i], on_stop, r);
		event_add(r->signals[i], NULL);
	}
	if (tv.tv_sec)
		event_add(r->late, &tv);
	signal(SIGPIPE, SIG_IGN);
	if (r->rc == 0)
		loop_run(r->loop);
	if (r->rc < 0)
		return;
	picture(r);
	if (r->begun)
		asciicast_output_end(&r->out, &r->text, event_time(r));
	flush(r);
}

int verb_record(struct cli *c)
{
	struct err err = {0};
	struct recording r = {.c = c, .loop = loop_new(), .fd = -1, .err = &err};
	struct event_base *base = loop_base(r.loop);
	c->bare = true;
	r.frame = evtimer_new(base, on_frame, &r);
	r.again = evtimer_new(base, on_again, &r);
	r.late = evtimer_new(base, on_stop, &r);
	if (prepare(&r, &err) == 0)
		run(&r);
	else
		r.rc = -1;
	if (r.fd >= 0 && close(r.fd) < 0 && r.rc == 0)
		r.rc = err_errno(&err, errno, "cannot write the recording");
	if (r.rc < 0)
		out_error("%s", err.msg);
	console_client_free(r.client);
	event_free(r.frame);
	event_free(r.again);
	event_free(r.late);
	for (size_t i = 0; i < ARRAY_LEN(r.signals); i++)
		if (r.signals[i])
			event_free(r.signals[i]);
	vt_screen_free(r.screen);
	paint_free(r.paint);
	buf_fini(&r.out);
	loop_free(r.loop);
	free(r.name);
	return r.rc < 0 ? out_status(&err) : CLI_DONE;
}
