/* replay: an asciicast on this terminal, through our emulator: what stands in the file never reaches the terminal as it is.
 * Or its text, into a pipe. */
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/dispatch.h"
#include "cli/out.h"
#include "cli/rawtty.h"
#include "core/file.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/str.h"
#include "serial/asciicast.h"
#include "serial/paint.h"
#include "serial/vt_screen.h"

#define FRAME_MS 33
#define SEEK_S 5.0
#define SPEED_MIN 0.0625
#define SPEED_MAX 1024.0
#define TEXT_SCROLLBACK 20000u

struct player {
	struct asciicast cast;
	double *times; /* of the events, with pauses cut to --idle-limit */
	size_t at;     /* the next event */
	double now, speed;
	bool playing, quit;
	struct vt_screen *screen;
	struct paint *paint;
	unsigned rows, cols; /* of the terminal */
	char status[256];    /* as it is shown */
	unsigned key;        /* of an arrow key: how much of it has come */
	struct buf out;
};

static double length(const struct player *p)
{
	return p->cast.n_events ? p->times[p->cast.n_events - 1] : 0;
}

/* --- the recording's course --- */

static void feed(struct player *p)
{
	const struct asciicast_event *e = &p->cast.events[p->at++];
	if (e->text)
		vt_screen_feed(p->screen, (const uint8_t *)e->text, e->n);
	else
		vt_screen_resize(p->screen, e->rows, e->cols);
}

static void feed_until(struct player *p, double t)
{
	while (p->at < p->cast.n_events && p->times[p->at] <= t)
		feed(p);
	p->now = t;
}

static void seek(struct player *p, double t)
{
	t = t < 0 ? 0 : t > length(p) ? length(p) : t;
	if (t < p->now) {
		p->at = 0;
		vt_screen_reset(p->screen);
		vt_screen_resize(p->screen, p->cast.rows, p->cast.cols);
	}
	feed_until(p, t);
}

static void step(struct player *p)
{
	p->playing = false;
	if (p->at < p->cast.n_events)
		feed_until(p, p->times[p->at]);
}

static int load(struct player *p, const char *path, double idle_limit, struct err *err)
{
	CLEANUP_BUF struct buf data = BUF_INIT;
	if (file_read(path, ASCIICAST_FILE_MAX, &data, err) < 0 ||
	    asciicast_parse(data.data ? data.data : "", data.len, path, &p->cast, err) < 0)
		return -1;
	double last = 0, shown = 0;
	p->times = xcalloc(p->cast.n_events + 1, sizeof(*p->times));
	for (size_t i = 0; i < p->cast.n_events; i++) {
		double pause = p->cast.events[i].time - last;
		last = p->cast.events[i].time;
		shown += pause > idle_limit ? idle_limit : pause;
		p->times[i] = shown;
	}
	if (p->cast.cut)
		out_warning("'%s' ends in the middle of a line, which is left out", path);
	return 0;
}

/* --- as text --- */

static uint64_t print_lines(struct player *p, uint64_t from, uint64_t until)
{
	struct vt_text text = {0};
	if (from < vt_screen_first_line(p->screen))
		from = vt_screen_first_line(p->screen);
	while (from < until && vt_screen_line_text(p->screen, from, &text) &&
	       text.info.first + text.info.lines <= until) {
		puts(text.text);
		from = text.info.first + text.info.lines;
	}
	vt_text_fini(&text);
	return from;
}

/* The last row that something stands on, and one. */
static uint64_t end_of_text(const struct vt_screen *s)
{
	uint64_t n = vt_screen_last_line(s) + 1;
	struct vt_text text = {0};
	while (n > vt_screen_top_line(s) && vt_screen_line_text(s, n - 1, &text) && text.len == 0)
		n--;
	vt_text_fini(&text);
	return n;
}

static void print_text(struct player *p)
{
	uint64_t next = vt_screen_first_line(p->screen);
	while (p->at < p->cast.n_events) {
		struct vt_place place;
		unsigned col;
		bool kept = vt_screen_place(p->screen, next, 0, &place);
		bool size = !p->cast.events[p->at].text;
		feed(p);
		if (size && (!kept || !vt_screen_find_place(p->screen, &place, &next, &col)))
			next = vt_screen_top_line(p->screen);
		next = print_lines(p, next, vt_screen_top_line(p->screen));
	}
	print_lines(p, next, end_of_text(p->screen));
}

/* --- on the terminal --- */

static void time_format(double s, char out[16])
{
	unsigned long long n = (unsigned long long)s;
	if (n >= 3600)
		snprintf(out, 16, "%llu:%02llu:%02llu", n / 3600 % 1000000, n / 60 % 60, n % 60);
	else
		snprintf(out, 16, "%02llu:%02llu", n / 60, n % 60);
}

static void put_status(struct player *p)
{
	char text[sizeof(p->status)], at[16], all[16];
	time_format(p->now, at);
	time_format(length(p), all);
	snprintf(text, sizeof(text), " %s / %s  x%g  %-6s  %s", at, all, p->speed,
	    p->playing                  ? "plays"
	    : p->at == p->cast.n_events ? "end"
	                                : "paused",
	    "Space pause  Left Right 5 s  . step  + - speed  g start  q quit");
	if (p->out.len == 0 && str_eq(text, p->status))
		return;
	snprintf(p->status, sizeof(p->status), "%s", text);
	buf_addf(&p->out, "\0337\033[%u;1H\033[0;7m%-*.*s\033[0m\0338", p->rows, (int)p->cols,
	    (int)p->cols, text);
}

static void measure(struct player *p)
{
	struct winsize w = {0};
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) < 0 || w.ws_row < 2 || w.ws_col < 2)
		w = (struct winsize){.ws_row = 24, .ws_col = 80};
	if (p->rows == w.ws_row && p->cols == w.ws_col)
		return;
	p->rows = w.ws_row;
	p->cols = w.ws_col;
	p->status[0] = '\0';
	paint_resize(p->paint, p->rows - 1, p->cols);
}

static int draw(struct player *p, struct err *err)
{
	measure(p);
	paint_update(p->paint, p->screen, &p->out);
	put_status(p);
	int rc = p->out.len && fd_write_all(STDOUT_FILENO, p->out.data, p->out.len) < 0
	             ? err_errno(err, errno, "cannot write to the terminal")
	             : 0;
	buf_clear(&p->out);
	return rc;
}

static void faster(struct player *p, double by)
{
	double s = p->speed * by;
	if (s >= SPEED_MIN && s <= SPEED_MAX)
		p->speed = s;
}

static void on_key(struct player *p, char c)
{
	/* ESC [ C, ESC O C and the like. */
	if (c == '\033' || (p->key == 1 && (c == '[' || c == 'O'))) {
		p->key = c == '\033' ? 1 : 2;
		return;
	}
	if (p->key == 2)
		seek(p, p->now + (c == 'C' ? SEEK_S : c == 'D' ? -SEEK_S : 0));
	else if (c == ' ')
		p->playing = !p->playing && p->at < p->cast.n_events;
	else if (c == '.')
		step(p);
	else if (c == '+' || c == '=')
		faster(p, 2);
	else if (c == '-')
		faster(p, 0.5);
	else if (c == 'g')
		seek(p, 0);
	else if (c == 'q' || c == 0x03 || c == 0x1d)
		p->quit = true;
	p->key = 0;
}

static void read_keys(struct player *p, int ms)
{
	char keys[64];
	struct pollfd f = {.fd = STDIN_FILENO, .events = POLLIN};
	if (poll(&f, 1, ms) <= 0)
		return;
	ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));
	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		p->quit = true;
	for (ssize_t i = 0; i < n; i++)
		on_key(p, keys[i]);
}

/* Until the next event, and no oftener than a picture each FRAME_MS; -1 a key alone goes on. */
static int wait_ms(const struct player *p)
{
	if (!p->playing)
		return 1000; /* the terminal's size */
	double s = p->at < p->cast.n_events ? (p->times[p->at] - p->now) / p->speed : 0;
	return s > 0.5 ? 500 : s < FRAME_MS / 1e3 ? FRAME_MS : (int)(s * 1e3);
}

static int play(struct player *p, struct err *err)
{
	uint64_t last = loop_now_ns();
	int rc = 0;
	while (!p->quit && (rc = draw(p, err)) == 0) {
		read_keys(p, wait_ms(p));
		uint64_t now = loop_now_ns();
		if (p->playing)
			feed_until(p, p->now + (double)(now - last) / 1e9 * p->speed);
		last = now;
		if (p->playing && p->at == p->cast.n_events) {
			p->playing = false;
			p->now = length(p);
		}
	}
	return rc;
}

static int on_terminal(struct player *p, struct err *err)
{
	setlocale(LC_CTYPE, "");
	p->paint =
	    paint_new(&(struct paint_options){.ascii = !str_eq(nl_langinfo(CODESET), "UTF-8")});
	p->playing = p->cast.n_events > 0;
	rawtty_enter("\033[0m\033[?25h\033[?1049l");
	buf_adds(&p->out, "\033[?1049h");
	int rc = play(p, err);
	rawtty_leave();
	paint_free(p->paint);
	return rc;
}

/* --- the command line --- */

/* A plain decimal number, whatever the locale. */
static int take_number(
    struct cli *c, const char *opt, double min, double max, double *n, struct err *err)
{
	const char *word = cli_value(c, opt);
	double v = 0, place = 1;
	bool dot = false, any = false;
	if (!word)
		return 0;
	for (const char *s = word; *s; s++) {
		if (*s == '.' && !dot) {
			dot = true;
		} else if (*s >= '0' && *s <= '9' && strlen(word) < 20) {
			place /= dot ? 10 : 1;
			v = dot ? v + place * (*s - '0') : v * 10 + (*s - '0');
			any = true;
		} else {
			any = false;
			break;
		}
	}
	if (!any || v < min || v > max)
		return err_set(err, ERR_USAGE,
		    "invalid value '%s' for --%s: a number from %g to %g is needed", word, opt, min,
		    max);
	*n = v;
	return 0;
}

int verb_replay(struct cli *c)
{
	struct err err = {0};
	struct player p = {.speed = 1};
	double idle_limit = INFINITY;
	const char *term = getenv("TERM");
	c->bare = true;
	int rc = take_number(c, "speed", SPEED_MIN, SPEED_MAX, &p.speed, &err);
	if (rc == 0)
		rc = take_number(c, "idle-limit", 0, 86400, &idle_limit, &err);
	if (rc == 0)
		rc = load(&p, cli_value(c, "file"), idle_limit, &err);
	if (rc == 0) {
		bool text = !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || !term ||
		            str_eq(term, "dumb") || cli_flag(c, "text");
		p.screen =
		    vt_screen_new(p.cast.rows, p.cast.cols, text ? TEXT_SCROLLBACK : 0, NULL, NULL);
		if (text)
			print_text(&p);
		else
			rc = on_terminal(&p, &err);
	}
	if (rc < 0)
		out_error("%s", err.msg);
	vt_screen_free(p.screen);
	asciicast_fini(&p.cast);
	free(p.times);
	buf_fini(&p.out);
	return rc < 0 ? out_status(&err) : CLI_DONE;
}
