#include "tui/tty.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/str.h"
#include "tui/tty_out.h"

#define FLUSH_MS 500
#define FRAME_READ 16384
#define FRAME_FILE_MAX (1 << 20) /* bytes of frames that were taken and are still in memory */
#define RESTORE_MAX 256
#define MOUSE_OFF "\033[?1003l\033[?1002l\033[?1000l\033[?1006l"
#define HELD_MS 60 /* what may be the beginning of an answer is a key when no more of it comes */
#define ANSWER_MAX_MS \
	500 /* ms that the way out waits for answers, which the shell would take for keys */

struct tty {
	const struct tty_ops *ops;
	void *arg;
	int fd; /* our own description of the terminal: O_NONBLOCK here does not reach the shell's */
	int frame_fd; /* where ncurses writes */
	FILE *frame_file;
	off_t frame_at; /* of it, taken */
	SCREEN *screen;
	int rows, cols;
	struct tty_out out;
	bool paused, modern; /* modern: knows how to ignore what it does not have */
	enum tty_mouse mouse;
	char enter[RESTORE_MAX]; /* what a return from suspension sends */
	struct event *readable, *held_timer;
};

/* What the way out needs, kept where a signal handler may look. */
static struct {
	volatile sig_atomic_t active;
	int fd;
	struct termios termios;
	char text[RESTORE_MAX];
	size_t n;
} saved;

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGQUIT};

/* Async-signal-safe. The CAN in front ends an escape sequence that was cut off half-way. */
static void restore_now(void)
{
	if (!saved.active)
		return;
	saved.active = 0;
	for (size_t at = 0; at < saved.n;) {
		struct pollfd p = {.fd = saved.fd, .events = POLLOUT};
		ssize_t n = write(saved.fd, saved.text + at, saved.n - at);
		if (n > 0)
			at += (size_t)n;
		else if (errno == EINTR)
			continue;
		else if (errno != EAGAIN || poll(&p, 1, FLUSH_MS) <= 0)
			break;
	}
	tcsetattr(saved.fd, TCSANOW, &saved.termios);
}

static void on_fatal(int sig)
{
	restore_now();
	raise(sig); /* SA_RESETHAND: the default action, core dump included */
}

static void fatal_install(void)
{
	static bool done;
	struct sigaction sa = {.sa_handler = on_fatal, .sa_flags = (int)SA_RESETHAND | SA_NODEFER};
	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(fatal_signals); i++)
		sigaction(fatal_signals[i], &sa, NULL);
	if (!done)
		atexit(restore_now);
	done = true;
}

/* A terminfo string without its padding ("$<2>"), which no terminal of this century needs. */
static void add_cap_text(char *out, size_t max, const char *s)
{
	size_t at = strlen(out);
	for (; *s && at + 1 < max; s++) {
		if (s[0] == '$' && s[1] == '<') {
			const char *e = strchr(s, '>');
			if (e) {
				s = e;
				continue;
			}
		}
		out[at++] = *s;
	}
	out[at] = '\0';
}

static void add_cap(char *out, size_t max, const char *cap)
{
	const char *s = tigetstr(cap);
	if (s && s != (char *)-1)
		add_cap_text(out, max, s);
}

static void add_text(char *out, size_t max, const char *s)
{
	strncat(out, s, max - strlen(out) - 1);
}

/* Bracketed paste, mouse and clipboard are asked for only where a terminal knows how to ignore what it does not have. */
static bool is_modern(void)
{
	static const char *const old[] = {
	    "vt", "linux", "ansi", "dumb", "cons", "unknown", "wy", "sun"};
	const char *term = getenv("TERM");
	for (size_t i = 0; term && i < ARRAY_LEN(old); i++)
		if (!strncmp(term, old[i], strlen(old[i])))
			return false;
	return term != NULL;
}

static void prepare_strings(struct tty *t)
{
	const char *rmcup = tigetstr("rmcup");
	t->modern = is_modern();
	saved.text[0] = t->enter[0] = '\0';
	add_text(saved.text, RESTORE_MAX, "\x18");
	if (t->modern)
		add_text(saved.text, RESTORE_MAX, "\033[?2004l" MOUSE_OFF);
	add_cap(saved.text, RESTORE_MAX, "sgr0");
	add_cap(saved.text, RESTORE_MAX, "rmacs");
	add_cap(saved.text, RESTORE_MAX, "cnorm");
	if (rmcup && rmcup != (char *)-1 && *rmcup) {
		add_cap(saved.text, RESTORE_MAX, "rmcup");
	} else {
		add_cap(saved.text, RESTORE_MAX, "clear");
		add_text(saved.text, RESTORE_MAX, "\r");
	}
	saved.n = strlen(saved.text);
	add_cap(t->enter, RESTORE_MAX, "smcup");
	if (t->modern)
		add_text(t->enter, RESTORE_MAX, "\033[?2004h");
}

static void raw_mode(void)
{
	struct termios raw = saved.termios;
	cfmakeraw(&raw);
	raw.c_cflag = saved.termios.c_cflag; /* parity and size are the line's business */
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	tcsetattr(saved.fd, TCSANOW, &raw);
}

/* --- output --- */

static void on_drained(void *arg)
{
	struct tty *t = arg;
	if (t->ops->drained)
		t->ops->drained(t->arg);
}

bool tty_ready(const struct tty *t)
{
	return tty_out_empty(&t->out) && saved.active;
}

/* Moves what ncurses wrote, behind what was taken before, into the queue. */
static size_t frame_take(struct tty *t)
{
	size_t all = 0;
	ssize_t got;
	do {
		char *p = buf_reserve(&t->out.queue, FRAME_READ);
		got = pread(t->frame_fd, p, FRAME_READ, t->frame_at);
		if (got <= 0)
			break;
		t->out.queue.len += (size_t)got;
		t->frame_at += got;
		all += (size_t)got;
	} while (got == FRAME_READ);
	if (all)
		t->out.frame = t->out.queue.len;
	if (t->frame_at > FRAME_FILE_MAX && ftruncate(t->frame_fd, 0) == 0) {
		lseek(t->frame_fd, 0, SEEK_SET);
		t->frame_at = 0;
	}
	return all;
}

size_t tty_frame(struct tty *t)
{
	size_t n;
	wnoutrefresh(stdscr);
	doupdate();
	n = frame_take(t);
	if (n)
		tty_out_flush(&t->out);
	return n;
}

void tty_repaint(struct tty *t)
{
	(void)t;
	clearok(curscr, TRUE);
}

void tty_supersede(struct tty *t)
{
	if (tty_out_supersede(&t->out))
		clearok(curscr, TRUE); /* curses believes that it was sent */
}

void tty_bell(struct tty *t)
{
	if (tty_ready(t)) {
		tty_out_words(&t->out, "\a");
		tty_out_flush(&t->out);
	}
}

static void mouse_text(const struct tty *t, char *out, size_t n)
{
	if (t->mouse)
		snprintf(out, n, "\033[?%dh\033[?1006h", (int)t->mouse);
	else
		snprintf(out, n, MOUSE_OFF);
}

void tty_mouse(struct tty *t, enum tty_mouse mode)
{
	char text[64];
	if (!t->modern || t->mouse == mode)
		return;
	if (t->mouse && mode)
		tty_out_words(&t->out, MOUSE_OFF);
	t->mouse = mode;
	mouse_text(t, text, sizeof(text));
	tty_out_words(&t->out, text);
	tty_out_flush(&t->out);
}

static void base64_add(struct buf *b, const unsigned char *p, size_t n)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < n; i += 3) {
		unsigned v = (unsigned)p[i] << 16 | (i + 1 < n ? (unsigned)p[i + 1] << 8 : 0u) |
		             (i + 2 < n ? p[i + 2] : 0u);
		buf_addc(b, digits[v >> 18]);
		buf_addc(b, digits[v >> 12 & 63]);
		buf_addc(b, i + 1 < n ? digits[v >> 6 & 63] : '=');
		buf_addc(b, i + 2 < n ? digits[v & 63] : '=');
	}
}

int tty_clipboard(struct tty *t, const char *text, size_t n, struct err *err)
{
	if (!t->modern)
		return err_set(
		    err, ERR_UNSUPPORTED, "this terminal (%s) has no clipboard", getenv("TERM"));
	if (n > TTY_CLIPBOARD_MAX)
		return err_set(err, ERR_INVALID,
		    "%zu bytes are more than a terminal's clipboard takes (%u)", n,
		    TTY_CLIPBOARD_MAX);
	tty_out_words(&t->out, "\033]52;c;");
	base64_add(&t->out.queue, (const unsigned char *)text, n);
	tty_out_words(&t->out, "\a");
	tty_out_flush(&t->out);
	return 0;
}

size_t tty_window(const struct tty *t)
{
	return t->out.pace.off ? SIZE_MAX : (size_t)t->out.pace.window;
}

/* --- input --- */

static void on_held(evutil_socket_t fd, short what, void *arg)
{
	struct tty *t = arg;
	unsigned n = t->out.held;
	(void)fd, (void)what;
	t->out.held = 0;
	if (n > 0)
		t->ops->input(t->arg, (const uint8_t *)TTY_PACE_ANSWER, n);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct tty *t = arg;
	struct timeval tv = {0, HELD_MS * 1000};
	uint8_t data[4096], keys[sizeof(data) + sizeof(TTY_PACE_ANSWER)];
	ssize_t n = read(t->fd, data, sizeof(data));
	(void)fd, (void)what;
	if (n > 0) {
		size_t n_keys = tty_out_answers(&t->out, data, (size_t)n, keys);
		if (t->out.held > 0)
			event_add(t->held_timer, &tv);
		if (n_keys > 0)
			t->ops->input(t->arg, keys, n_keys);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		t->ops->gone(t->arg);
	}
}

void tty_pause_input(struct tty *t, bool paused)
{
	if (paused == t->paused)
		return;
	t->paused = paused;
	if (paused)
		event_del(t->readable);
	else
		event_add(t->readable, NULL);
}

/* --- size --- */

int tty_rows(const struct tty *t)
{
	return t->rows;
}

int tty_cols(const struct tty *t)
{
	return t->cols;
}

static void size_read(struct tty *t)
{
	struct winsize w = {0};
	t->rows = t->cols = 0;
	if (ioctl(t->fd, TIOCGWINSZ, &w) == 0) {
		t->rows = w.ws_row;
		t->cols = w.ws_col;
	}
	if (t->rows <= 0)
		t->rows = 24;
	if (t->cols <= 0)
		t->cols = 80;
	t->rows = t->rows > TTY_ROWS_MAX ? TTY_ROWS_MAX : t->rows;
	t->cols = t->cols > TTY_COLS_MAX ? TTY_COLS_MAX : t->cols;
}

/* For what comes next is a repaint: it moves the cursor, too. */
static void margins_reset(struct tty *t)
{
	char text[RESTORE_MAX] = "";
	const char *csr = tigetstr("csr");
	if (!csr || csr == (char *)-1)
		return;
	add_cap_text(
	    text, sizeof(text), tparm(csr, 0L, (long)t->rows - 1, 0L, 0L, 0L, 0L, 0L, 0L, 0L));
	tty_out_words(&t->out, text);
}

void tty_measure(struct tty *t)
{
	int rows = t->rows, cols = t->cols;
	size_read(t);
	if (rows == t->rows && cols == t->cols)
		return;
	resizeterm(t->rows, t->cols);
	margins_reset(t);
	tty_out_flush(&t->out);
	clearok(curscr, TRUE); /* what the terminal did to its cells is its secret */
	t->ops->resized(t->arg);
}

/* --- suspension --- */

/* The shell has the terminal: to change its settings would stop us by SIGTTOU, with the SIGTERM that
 * woke us never heard. Not known (-1) where the terminal is not the session's. */
static bool in_background(const struct tty *t)
{
	pid_t group = tcgetpgrp(t->fd);
	return group >= 0 && group != getpgrp();
}

void tty_resume(struct tty *t)
{
	if (in_background(t))
		return; /* fg sends SIGCONT again */
	saved.active = 1;
	raw_mode();
	tty_out_clear(&t->out);
	tty_out_words(&t->out, t->enter);
	if (t->mouse) {
		char text[64];
		mouse_text(t, text, sizeof(text));
		tty_out_words(&t->out, text);
	}
	clearok(curscr, TRUE);
	margins_reset(t); /* who was in front may have left others */
	tty_measure(t);
	tty_out_flush(&t->out);
	t->ops->resized(t->arg);
}

void tty_suspend(struct tty *t)
{
	tty_out_settle(&t->out, ANSWER_MAX_MS);
	restore_now();
	raise(SIGSTOP);
	tty_resume(t);
}

/* --- a child in front --- */

void tty_give(struct tty *t)
{
	tty_out_settle(&t->out, ANSWER_MAX_MS);
	event_del(t->out.writable);
	event_del(t->readable);
	restore_now();
}

void tty_foreground(struct tty *t, pid_t group)
{
	sigset_t ttou, old;
	sigemptyset(&ttou);
	sigaddset(&ttou, SIGTTOU); /* what a group in the background gets for this call */
	sigprocmask(SIG_BLOCK, &ttou, &old);
	tcsetpgrp(t->fd, group);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

void tty_words(struct tty *t, const char *text)
{
	ssize_t n = write(t->fd, text, strlen(text));
	(void)n; /* a terminal that takes nothing now shows the dashboard later */
	saved.active = 1;
	raw_mode();
	if (!t->paused)
		event_add(t->readable, NULL);
}

void tty_take(struct tty *t)
{
	if (!t->paused)
		event_add(t->readable, NULL);
	tty_resume(t);
}

/* --- life --- */

static int open_tty(struct err *err)
{
	int fd;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return err_set(err, ERR_USAGE,
		    "standard input and output are not a terminal: run hvmux in one, or give a command (hvmux list)");
	fd = open("/proc/self/fd/0", O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) /* after su the device belongs to somebody else; this one is always ours */
		fd = open("/dev/tty", O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_errno(err, errno, "cannot open the terminal");
	return fd;
}

static void env_put(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

/* ncurses writes to memory, and cannot ask that for a size. With the one in terminfo it would set the margins to 24 lines,
 * and scroll within them what it takes for the whole screen. A stale LINES of the caller's is left to the children. */
static SCREEN *screen_new(struct tty *t, const char *name)
{
	static const char *const vars[] = {"LINES", "COLUMNS"};
	const int size[] = {t->rows, t->cols};
	char *were[ARRAY_LEN(vars)];
	for (size_t i = 0; i < ARRAY_LEN(vars); i++) {
		const char *was = getenv(vars[i]);
		char text[16];
		were[i] = was ? xstrdup(was) : NULL;
		snprintf(text, sizeof(text), "%d", size[i]);
		env_put(vars[i], text);
	}
	use_env(TRUE);
	SCREEN *screen = newterm(name, t->frame_file, stdin);
	for (size_t i = 0; i < ARRAY_LEN(vars); i++) {
		env_put(vars[i], were[i]);
		free(were[i]);
	}
	return screen;
}

static int screen_open(struct tty *t, struct err *err)
{
	const char *name = getenv("TERM");
	if (!name || !*name)
		return err_set(err, ERR_USAGE,
		    "TERM is not set: say what the terminal is, such as TERM=xterm");
	t->frame_fd = memfd_create("hvmux-frame", MFD_CLOEXEC);
	if (t->frame_fd < 0)
		return err_errno(err, errno, "cannot make the frame buffer");
	t->frame_file = fdopen(t->frame_fd, "w");
	size_read(t);
	t->screen = screen_new(t, name);
	if (!t->screen)
		return err_set(err, ERR_UNSUPPORTED,
		    "the terminal type '%s' is not known here: try TERM=vt100, or install the package ncurses-term",
		    name);
	if (!tigetstr("cup") || tigetstr("cup") == (char *)-1)
		return err_set(err, ERR_UNSUPPORTED,
		    "the terminal type '%s' cannot place its cursor: use another, or a command (hvmux list)",
		    name);
	typeahead(-1);
	noecho();
	nonl();
	intrflush(stdscr, FALSE);
	leaveok(stdscr, FALSE);
	resizeterm(t->rows, t->cols);
	return 0;
}

struct tty *tty_open(struct loop *l, const struct tty_ops *ops, void *arg, struct err *err)
{
	struct tty *t = xcalloc(1, sizeof(*t));
	t->ops = ops;
	t->arg = arg;
	t->frame_fd = -1;
	t->fd = open_tty(err);
	if (t->fd < 0 || tcgetattr(t->fd, &saved.termios) < 0) {
		if (t->fd >= 0)
			err_errno(err, errno, "cannot read the terminal's settings");
		tty_close(t);
		return NULL;
	}
	saved.fd = t->fd;
	if (screen_open(t, err) < 0) {
		tty_close(t);
		return NULL;
	}
	prepare_strings(t);
	tty_out_init(&t->out, l, t->fd, str_prefix(tigetstr("cup"), "\033["), on_drained, t);
	fatal_install();
	saved.active = 1;
	raw_mode();
	if (t->modern)
		tty_out_words(&t->out, "\033[?2004h");
	t->held_timer = evtimer_new(loop_base(l), on_held, t);
	t->readable = event_new(loop_base(l), t->fd, EV_READ | EV_PERSIST, on_readable, t);
	event_add(t->readable, NULL);
	tty_out_flush(&t->out);
	return t;
}

void tty_close(struct tty *t)
{
	if (!t)
		return;
	if (t->readable)
		event_free(t->readable);
	if (t->held_timer)
		event_free(t->held_timer);
	if (saved.active) {
		if (tty_out_finish(&t->out, FLUSH_MS)) /* nothing was cut: no need of the CAN */
			memmove(saved.text, saved.text + 1, --saved.n);
		tty_out_settle(&t->out, ANSWER_MAX_MS);
		restore_now();
	}
	if (t->screen) {
		endwin(); /* into the memory that nobody reads: the terminal was put back above */
		delscreen(t->screen);
	}
	if (t->frame_file)
		fclose(t->frame_file);
	else if (t->frame_fd >= 0)
		close(t->frame_fd);
	if (t->fd >= 0)
		close(t->fd);
	tty_out_fini(&t->out);
	free(t);
}
