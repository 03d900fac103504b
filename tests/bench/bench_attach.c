/* bench_attach: whole programs on a terminal of 40x120, between a guest made of a socket and whoever reads the terminal.
 *   guest flood|echo SOCKET    listens; each connection is sent lines for ever, or what it sent, byte by byte
 *   hub NAME SOCKET [BYTES]    a VM NAME under $HVMUX_HOME whose one console is that guest; BYTES: its ring is filled with so many first
 *   mirror                     sends its terminal's keys back to it: the guest inside another multiplexer
 *   drain MS COMMAND...        "MB/s, CPU ms per MB" of the command while it writes to its terminal
 *   keys N COMMAND...          "p50 p99 CPU": us from a key to its echo, and of its processor time per key
 *   first COMMAND...           "ms bytes CPU-ms" from the program's start to the last byte of what it draws first
 * What is killed at the end is what was started here. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include "core/file.h"
#include "core/mem.h"
#include "core/sock.h"
#include "core/str.h"
#include "core/vm.h"
#include "serial/hub.h"

#define BLOCK 65536u
#define SETTLE_MS 300 /* of silence: what was drawn first is complete */
#define DEADLINE_MS 20000
#define KEYS_MAX 20000u
#define RING_FILL 1024u

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* --- guests --- */

static void serve_flood(int fd)
{
	static char lines[BLOCK];
	for (size_t i = 0; i < sizeof(lines); i++)
		lines[i] = i % 80 == 78 ? '\r' : i % 80 == 79 ? '\n' : (char)('a' + i % 23);
	while (fd_write_all(fd, lines, sizeof(lines)) == 0)
		;
}

static void serve_echo(int fd)
{
	char c[64];
	ssize_t n;
	while ((n = read(fd, c, sizeof(c))) > 0 && fd_write_all(fd, c, (size_t)n) == 0)
		;
}

static int run_guest(const char *what, const char *path)
{
	struct err err = {0};
	int listener = sock_listen(path, 0600, &err), fd;
	if (listener < 0) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	fd_set_nonblock(listener, false);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (str_eq(what, "flood"))
				serve_flood(fd);
			else
				serve_echo(fd);
			_exit(0);
		}
		close(fd);
	}
	return 1;
}

static int run_mirror(void)
{
	struct termios t;
	char c[64];
	ssize_t n;
	tcgetattr(0, &t);
	cfmakeraw(&t);
	tcsetattr(0, TCSANOW, &t);
	fd_write_all(1, "ready\r\n", 7);
	while ((n = read(0, c, sizeof(c))) > 0 && fd_write_all(1, c, (size_t)n) == 0)
		;
	return 0;
}

/* --- a VM that is a hub alone --- */

static struct status_writer page;
static struct hub *hub;
static struct event *beat;

static void on_beat(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	status_begin(&page)->beat_ns = loop_now_ns();
	status_end(&page);
}

static void make_page(const struct home *h, const char *name)
{
	struct err err = {0};
	CLEANUP_FREE char *path = home_run_file(h, name, "status");
	if (vm_lock(h, name, &err) < 0 || status_writer_open(&page, path, false, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		exit(1);
	}
	struct status_page *p = status_begin(&page);
	snprintf(p->name, sizeof(p->name), "%s", name);
	p->id = 1;
	p->state = VM_RUNNING;
	p->sup_pid = p->qemu_pid = getpid();
	p->sup_start = p->qemu_start = vm_process_start(getpid());
	p->beat_ns = loop_now_ns();
	p->consoles = 1;
	status_end(&page);
}

static void fill_ring(struct loop *l, size_t bytes)
{
	int sv[2];
	char line[RING_FILL];
	for (size_t i = 0; i < sizeof(line); i++)
		line[i] = i % 80 == 78 ? '\r' : i % 80 == 79 ? '\n' : (char)('a' + i % 23);
	for (size_t done = 0; done < bytes; done += sizeof(line) * 64) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
			die("socketpair");
		hub_attach_guest(hub, sv[1]);
		for (int i = 0; i < 64; i++)
			fd_write_all(sv[0], line, sizeof(line));
		close(sv[0]);
		hub_drain(hub);
	}
	event_base_loop(loop_base(l), EVLOOP_NONBLOCK);
}

static int run_hub(const char *name, const char *path, size_t fill)
{
	static const struct hub_ops ops = {0};
	struct timeval second = {.tv_sec = 1};
	struct home h;
	struct err err = {0};
	struct loop *l = loop_new();
	if (home_init(&h, NULL, &err) < 0)
		die(err.msg);
	make_page(&h, name);
	hub = hub_new(l, &h, name, 0, false, &ops, NULL, &err);
	if (!hub) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	fill_ring(l, fill);
	int guest = sock_connect(path, &err);
	if (guest < 0)
		die(path);
	hub_attach_guest(hub, guest);
	beat = event_new(loop_base(l), -1, EV_PERSIST, on_beat, NULL);
	event_add(beat, &second);
	loop_run(l);
	return 0;
}

/* --- a program on a terminal --- */

static int master;

static pid_t start_on_terminal(char **argv)
{
	struct winsize size = {.ws_row = 40, .ws_col = 120};
	struct termios t;
	int slave;
	if (openpty(&master, &slave, NULL, NULL, &size) < 0)
		die("openpty");
	tcgetattr(slave, &t);
	cfmakeraw(&t);
	tcsetattr(slave, TCSANOW, &t);
	pid_t pid = fork();
	if (pid < 0)
		die("fork");
	if (pid > 0) {
		close(slave);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setenv("TERM", "xterm-256color", 1);
	login_tty(slave);
	close(master);
	execvp(argv[0], argv);
	die(argv[0]);
	return -1;
}

/* Bytes read within ms; 0 none, -1 the end. */
static ssize_t read_within(char *p, size_t n, int ms)
{
	struct pollfd f = {.fd = master, .events = POLLIN};
	if (poll(&f, 1, ms) <= 0)
		return 0;
	ssize_t k = read(master, p, n);
	return k > 0 ? k : -1;
}

static void stop(pid_t pid, struct rusage *usage)
{
	int status;
	kill(pid, SIGTERM);
	close(master);
	if (wait4(pid, &status, 0, usage) != pid)
		die("wait4");
}

static double cpu_ms(const struct rusage *u)
{
	return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1e3 +
	       (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e3;
}

static int run_drain(int ms, char **argv)
{
	static char buf[BLOCK * 4];
	struct rusage u;
	uint64_t total = 0, t0 = 0, now = 0, began = loop_now_ms();
	pid_t pid = start_on_terminal(argv);
	while (t0 == 0 || (now = loop_now_ns()) < t0 + (uint64_t)ms * 1000000u) {
		ssize_t n = read_within(buf, sizeof(buf), 1000);
		if (n < 0 || (n == 0 && loop_now_ms() - began > DEADLINE_MS)) {
			fprintf(stderr, "bench_attach: %s ended or is silent\n", argv[0]);
			return 1;
		}
		/* Not what it says before it begins. */
		if (t0 == 0 && n > 1000)
			t0 = loop_now_ns();
		else if (t0)
			total += (uint64_t)n;
	}
	stop(pid, &u);
	double mb = (double)total / 1e6;
	printf("%.1f %.2f\n", mb * 1e9 / (double)(now - t0), cpu_ms(&u) / mb);
	return 0;
}

static void settle(void)
{
	char buf[4096];
	ssize_t n;
	uint64_t began = loop_now_ms();
	do {
		n = read_within(buf, sizeof(buf), began + 5000 > loop_now_ms() ? SETTLE_MS : 0);
	} while (n > 0);
	if (n < 0) {
		fprintf(stderr, "bench_attach: it ended\n");
		exit(1);
	}
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Letters, so that each echo changes the screen; the end of a line by Enter would scroll it. */
static int run_keys(unsigned n, char **argv)
{
	static double us[KEYS_MAX];
	char buf[4096];
	struct rusage u;
	pid_t pid = start_on_terminal(argv);
	settle();
	for (unsigned i = 0; i < n; i++) {
		char key = (char)('a' + i % 26);
		uint64_t t0 = loop_now_ns();
		ssize_t k;
		if (write(master, &key, 1) != 1)
			die("key");
		do {
			k = read_within(buf, sizeof(buf), 5000);
			if (k <= 0) {
				fprintf(stderr, "bench_attach: no echo of key %u\n", i);
				return 1;
			}
		} while (!memchr(buf, key, (size_t)k));
		us[i] = (double)(loop_now_ns() - t0) / 1e3;
		/* What a program still draws for the last key must not count for the next. */
		while (read_within(buf, sizeof(buf), i % 16 ? 0 : 2) > 0)
			;
	}
	stop(pid, &u);
	qsort(us, n, sizeof(us[0]), by_size);
	printf("%.1f %.1f %.1f\n", us[(n - 1) / 2], us[(n - 1) * 99 / 100], cpu_ms(&u) * 1e3 / n);
	return 0;
}

static int run_first(char **argv)
{
	static char buf[BLOCK];
	struct rusage u;
	uint64_t t0 = loop_now_ns(), last = t0, total = 0;
	pid_t pid = start_on_terminal(argv);
	for (;;) {
		ssize_t n = read_within(buf, sizeof(buf), total > 1000 ? SETTLE_MS : DEADLINE_MS);
		if (n <= 0)
			break;
		last = loop_now_ns();
		total += (uint64_t)n;
	}
	stop(pid, &u);
	printf(
	    "%.2f %llu %.1f\n", (double)(last - t0) / 1e6, (unsigned long long)total, cpu_ms(&u));
	return 0;
}

static unsigned number(const char *s, unsigned max)
{
	uint64_t n;
	if (str_u64(s, max, &n) < 0 || n == 0) {
		fprintf(stderr, "bench_attach: '%s' is not a number from 1 to %u\n", s, max);
		exit(2);
	}
	return (unsigned)n;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	if (str_eq(what, "guest") && argc == 4)
		return run_guest(argv[2], argv[3]);
	if (str_eq(what, "hub") && (argc == 4 || argc == 5))
		return run_hub(argv[2], argv[3], argc == 5 ? number(argv[4], 1u << 30) : 0);
	if (str_eq(what, "mirror"))
		return run_mirror();
	if (str_eq(what, "drain") && argc > 3)
		return run_drain((int)number(argv[2], 60000), argv + 3);
	if (str_eq(what, "keys") && argc > 3)
		return run_keys(number(argv[2], KEYS_MAX), argv + 3);
	if (str_eq(what, "first") && argc > 2)
		return run_first(argv + 2);
	fprintf(stderr, "usage: see the head of bench_attach.c\n");
	return 2;
}
