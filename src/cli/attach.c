#include "cli/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "cli/out.h"
#include "core/buf.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/sock.h"
#include "core/str.h"
#include "core/vm.h"
#include "serial/console_client.h"
#include "tui/tui.h"

#define PIECE (64u << 10)
#define DETACH 0x1d /* Ctrl+] */
#define AHEAD_MAX \
	(8u << 20) /* typed or pasted while the guest takes nothing: read on, so that Ctrl+] is seen */

/* --- bytes as they are --- */

struct flow {
	int from, to;
	bool from_sock, detach,
	    drop; /* detach: Ctrl+] ends it; drop: a spectator's keys go nowhere */
	bool ended;
	size_t at, len; /* what is still to be written: data[at, at + len) */
	char data[PIECE];
	struct buf ahead; /* a terminal's input behind data */
};

static bool again(void)
{
	return errno == EAGAIN || errno == EINTR;
}

/* true: the connection is over. */
static bool flow_read(struct flow *f)
{
	ssize_t n = read(f->from, f->data, sizeof(f->data));
	if (n < 0 && again())
		return false;
	if (n <= 0) {
		f->ended = true;
		return f->from_sock;
	}
	f->at = 0;
	f->len = (size_t)n;
	const char *stop = f->detach ? memchr(f->data, DETACH, f->len) : NULL;
	if (stop) {
		f->len = (size_t)(stop - f->data);
		f->ended = true;
	}
	if (f->drop)
		f->len = 0;
	return stop && f->len == 0;
}

/* -1: the other side is gone. */
static int flow_write(struct flow *f)
{
	ssize_t n = f->from_sock ? write(f->to, f->data + f->at, f->len)
	                         : send(f->to, f->data + f->at, f->len, MSG_NOSIGNAL);
	if (n < 0)
		return again() ? 0 : -1;
	f->at += (size_t)n;
	f->len -= (size_t)n;
	return 0;
}

/* Reads on while data waits for a guest that takes nothing. true: Ctrl+] was among it; what waits is given up. */
static bool flow_read_ahead(struct flow *f)
{
	char *to = buf_reserve(&f->ahead, PIECE);
	ssize_t n = read(f->from, to, PIECE);
	if (n <= 0)
		return false;
	f->ahead.len += (size_t)n;
	return memchr(to, DETACH, (size_t)n) != NULL;
}

/* The next piece of what was read ahead. */
static void flow_refill(struct flow *f)
{
	size_t n = f->ahead.len < PIECE ? f->ahead.len : PIECE;
	if (f->len > 0 || n == 0)
		return;
	memcpy(f->data, f->ahead.data, n);
	buf_consume(&f->ahead, n);
	f->at = 0;
	f->len = n;
}

static bool flow_may_read(const struct flow *f)
{
	if (f->ended)
		return false;
	return f->len == 0 || (f->detach && f->ahead.len < AHEAD_MAX);
}

/* One turn: a flow is read only when what it holds has been written, so that neither side is read faster than the
 * other takes it; but a terminal is, for Ctrl+]. 1: over. */
static int pump_turn(struct flow *up, struct flow *down, struct err *err)
{
	struct pollfd p[4] = {
	    {flow_may_read(up) ? up->from : -1, POLLIN, 0},
	    {up->len ? up->to : -1, POLLOUT, 0},
	    {down->len ? -1 : down->from, POLLIN, 0},
	    {down->len ? down->to : -1, POLLOUT, 0},
	};
	if (poll(p, 4, -1) < 0)
		return errno == EINTR ? 0 : err_errno(err, errno, "cannot wait for the console");
	if (p[2].revents && flow_read(down))
		return 1;
	if (p[0].revents && (up->len ? flow_read_ahead(up) : flow_read(up)))
		return 1;
	/* Written at once where there is room: half the wake-ups. */
	if (up->len && flow_write(up) < 0)
		return 1;
	flow_refill(up);
	if (down->len && flow_write(down) < 0)
		return err_errno(err, errno, "cannot write to standard output");
	/* Input that ended by Ctrl+] ends everything once it is delivered; input that ended by itself does not. */
	return up->ended && up->detach && up->len == 0;
}

int attach_pump(int in, int out, int sock, bool watch, struct err *err)
{
	struct flow *up = xcalloc(1, sizeof(*up)), *down = xcalloc(1, sizeof(*down));
	up->from = in;
	up->to = sock;
	up->detach = isatty(in);
	up->drop = watch;
	down->from = sock;
	down->to = out;
	down->from_sock = true;
	int rc;
	while ((rc = pump_turn(up, down, err)) == 0)
		;
	buf_fini(&up->ahead);
	free(up);
	free(down);
	return rc < 0 ? -1 : 0;
}

/* --- the terminal in raw mode, given back on every way out --- */

static struct termios saved;
static volatile sig_atomic_t saved_valid;

static void restore_terminal(void)
{
	if (saved_valid)
		/* Not TCSADRAIN: on a terminal that takes no output it would wait for ever. */
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
	saved_valid = 0;
}

static void die_restored(int sig)
{
	restore_terminal();
	signal(sig, SIG_DFL);
	raise(sig);
}

static void make_raw(void)
{
	static const int deadly[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE};
	struct termios t;
	if (tcgetattr(STDIN_FILENO, &t) < 0)
		return;
	saved = t;
	saved_valid = 1;
	for (size_t i = 0; i < ARRAY_LEN(deadly); i++)
		signal(deadly[i], die_restored);
	atexit(restore_terminal);
	cfmakeraw(&t);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &t);
}

/* A descriptor of our own for a terminal or a pipe, which never blocks: a terminal that has stopped taking output must not
 * keep Ctrl+] from being read, and the shell's descriptor must not be left non-blocking. */
static int open_output(int fd)
{
	struct stat st;
	char path[32];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fstat(fd, &st) < 0 || !(isatty(fd) || S_ISFIFO(st.st_mode)))
		return -1;
	return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static int attach_raw(struct cli *c, const char *name, unsigned index, struct err *err)
{
	CLEANUP_FREE char *file = xasprintf("console%u.raw", index);
	CLEANUP_FREE char *path = home_run_file(&c->home, name, file);
	CLEANUP_CLOSE int sock = sock_connect(path, err);
	if (sock < 0)
		return err_wrap(err, "cannot attach to console%u", index);
	bool tty = isatty(STDIN_FILENO);
	if (tty) {
		fprintf(
		    stderr, "Connected to domain '%s'\nEscape character is ^] (Ctrl + ])\n", name);
		make_raw();
	}
	CLEANUP_CLOSE int out = open_output(STDOUT_FILENO);
	int rc = attach_pump(STDIN_FILENO, out < 0 ? STDOUT_FILENO : out, sock, c->readonly, err);
	restore_terminal();
	return rc;
}

/* ERR_STATE unless there is a live VM with that console. */
static int check_console(struct cli *c, const char *name, unsigned index, struct err *err)
{
	struct vm vm;
	if (vm_probe(&c->home, name, &vm, err) < 0)
		return -1;
	int rc = 0;
	if (!vm.live)
		rc = err_set(err, ERR_STATE, "The domain is not running");
	else if (vm.head && index >= vm.head->consoles && vm.state != VM_STARTING)
		rc = vm.head->consoles == 0
		         ? err_set(err, ERR_NOT_FOUND,
		               "'%s' has no console: add <serial type='pty'/> to its <devices>",
		               name)
		         : err_set(err, ERR_NOT_FOUND,
		               "cannot find character device console%u: '%s' has %u", index, name,
		               vm.head->consoles);
	else if (vm.orphan && vm_spawn_supervisor(&c->home, name, VM_SPAWN_ADOPT, err) < 0 &&
	         err->code != ERR_BUSY)
		rc = -1;
	vm_fini(&vm);
	return rc;
}

static int attach_screen(
    struct cli *c, const char *name, unsigned index, unsigned flags, struct err *err)
{
	const struct tui_console_options o = {
	    .index = index, .flags = flags, .readonly = c->readonly};
	return tui_console(&c->home, name, &o, err);
}

int attach_console(struct cli *c, const char *word, unsigned index, unsigned flags, bool raw)
{
	struct err err = {0};
	CLEANUP_FREE char *name = vm_resolve(&c->home, word, &err);
	c->bare = true;
	raw |= !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO);
	if (!c->readonly)
		flags |= CONSOLE_KEYBOARD;
	fflush(stdout);
	int rc = name ? check_console(c, name, index, &err) : -1;
	if (rc == 0)
		rc = raw ? attach_raw(c, name, index, &err)
		         : attach_screen(c, name, index, flags, &err);
	if (rc == 0)
		return CLI_DONE;
	out_error("%s", err.msg);
	return out_status(&err);
}
