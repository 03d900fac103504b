/* fakevms N [busy]: what N supervisors leave under $HVMUX_HOME, without a QEMU: definitions, run directories, held
 * locks, status pages with a beat every second. busy: the figures of every VM change each second; else they idle. The
 * first VM has a real console hub; the guest behind it echoes, says what it got line by line, and answers the lines
 * "flood", "style" and "bye". Prints "ready" and runs until its standard input ends. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/home.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/status.h"
#include "core/store.h"
#include "core/vm.h"
#include "serial/hub.h"

#define FAKES_MAX 2000
#define GUEST_LINE_MAX (8u << 20)

struct fake {
	char name[32];
	struct status_writer w;
	int lock;
	enum vm_state state;
};

static struct fake fakes[FAKES_MAX];
static unsigned n_fakes;
static bool busy;
static struct home home;
static struct loop *loop;
static struct hub *hub;
static int guest_fd = -1;
static struct buf line = BUF_INIT, to_host = BUF_INIT;
static struct event *writable;

static void die(const char *what, const struct err *err)
{
	fprintf(stderr, "fakevms: %s: %s\n", what, err ? err->msg : strerror(errno));
	exit(1);
}

static uint64_t realtime(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void console_facts(struct status_console *c)
{
	struct hub_facts hf;
	hub_facts(hub, &hf);
	c->bytes = hf.bytes;
	c->last_ns = hf.last_ns;
	c->clients = hf.clients;
	c->rows = hf.rows;
	c->cols = hf.cols;
	memcpy(c->holder, hf.holder, sizeof(c->holder));
	memcpy(c->line, hf.line, sizeof(c->line));
}

static void sample(struct fake *f, unsigned k)
{
	struct status_page *p = status_begin(&f->w);
	bool live = vm_state_live(f->state);
	struct status_sample s = {0};
	uint32_t wave = (uint32_t)(p->seconds_count * 37 + k * 13) % 1000;
	s.cpu_permille = !live || f->state == VM_PAUSED ? 0
	                 : busy                         ? wave
	                 : k % 7 == 3                   ? 400
	                                                : 1 + k % 3;
	s.mem_mib = live ? 300 + k % 200 : 0;
	if (busy && live) {
		s.rd_kib = wave * 7;
		s.wr_kib = wave;
		s.rx_kib = wave * 3;
		s.tx_kib = wave / 2;
	}
	p->seconds[p->seconds_count % STATUS_SECONDS] = s;
	p->seconds_count++;
	p->seconds_ns = realtime();
	p->beat_ns = loop_now_ns();
	if (busy && live && k % 3 == 0) {
		p->console[0].last_ns = realtime();
		snprintf(p->console[0].line, sizeof(p->console[0].line), "tick %llu of %.31s",
		    (unsigned long long)p->seconds_count, f->name);
	}
	if (hub && k == 0)
		console_facts(&p->console[0]);
	status_end(&f->w);
}

static void fill(struct fake *f, unsigned k)
{
	struct status_page *p = status_begin(&f->w);
	snprintf(p->name, sizeof(p->name), "%.31s", f->name);
	p->state = f->state;
	p->id = k + 1;
	p->reason = f->state == VM_RUNNING   ? VM_REASON_BOOTED
	            : f->state == VM_CRASHED ? VM_REASON_PANICKED
	                                     : VM_REASON_SHUTDOWN;
	if (f->state == VM_CRASHED)
		snprintf(p->detail, sizeof(p->detail),
		    "Kernel panic - not syncing: Attempted to kill init!");
	p->started_ns = realtime() - (uint64_t)(k + 1) * 4000 * 1000000000ull;
	p->sup_pid = getpid();
	p->vcpus = p->vcpus_max = 1 + k % 4;
	p->memory_kib = p->balloon_kib = 1u << 20 << (k % 3);
	p->rss_kib = (uint64_t)(300 + k % 200) * 1024;
	p->consoles = p->disks = p->nets = 1;
	snprintf(p->disk[0].target, sizeof(p->disk[0].target), "vda");
	snprintf(
	    p->disk[0].path, sizeof(p->disk[0].path), "/var/lib/hvmux/images/%.31s.qcow2", f->name);
	p->disk[0].capacity = 10ull << 30;
	snprintf(
	    p->net[0].mac, sizeof(p->net[0].mac), "52:54:00:00:%02x:%02x", k / 256 % 256, k % 256);
	snprintf(p->address, sizeof(p->address), "192.168.%u.%u", 122 + k / 250, 2 + k % 250);
	snprintf(p->console[0].line, sizeof(p->console[0].line), "%.31s login: ", f->name);
	p->console[0].last_ns = realtime() - (uint64_t)(k + 1) * 100 * 1000000000ull;
	status_end(&f->w);
	for (int i = 0; i < 90; i++)
		sample(f, k);
}

static void make(unsigned k)
{
	static const enum vm_state states[] = {VM_RUNNING, VM_RUNNING, VM_RUNNING, VM_PAUSED,
	    VM_RUNNING, VM_CRASHED, VM_RUNNING, VM_OFF};
	struct fake *f = &fakes[k];
	struct err err = {0};
	snprintf(f->name, sizeof(f->name), "vm%u", k + 1);
	f->state = states[k % ARRAY_LEN(states)];
	f->lock = vm_lock(&home, f->name, &err);
	if (f->lock < 0)
		die(f->name, &err);
	CLEANUP_FREE char *path = home_run_file(&home, f->name, "status");
	if (status_writer_open(&f->w, path, false, &err) < 0)
		die(path, &err);
	fill(f, k);
	CLEANUP_FREE char *xml =
	    xasprintf("<domain type='qemu'><name>%s</name></domain>\n", f->name);
	if (store_write(&home, f->name, xml, strlen(xml), &err) < 0)
		die(f->name, &err);
}

/* --- the guest behind the first VM's console --- */

static void push(void)
{
	while (to_host.len) {
		ssize_t n = write(guest_fd, to_host.data, to_host.len);
		if (n <= 0) {
			event_add(writable, NULL);
			return;
		}
		buf_consume(&to_host, (size_t)n);
	}
}

static void on_guest_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	push();
}

/* Order and completeness both decide it. */
static unsigned long sum(const struct buf *b)
{
	unsigned long h = 5381;
	for (size_t i = 0; i < b->len; i++)
		h = h * 33 + (unsigned char)b->data[i];
	return h & 0xffffffff;
}

static bool line_is(const char *word)
{
	return line.len == strlen(word) && !memcmp(line.data, word, line.len);
}

static void guest_line(void)
{
	if (line_is("flood")) {
		for (int i = 0; i < 20000; i++)
			buf_addf(
			    &to_host, "\033[3%dmflood line %d of 20000\033[0m\r\n", i % 8, i + 1);
	} else if (line_is("style")) {
		/* Colours, a wide character, a title and a clipboard that must not reach the operator's terminal. */
		buf_adds(&to_host,
		    "\033[1;31mbold red\033[0m \033[7mreverse\033[0m \033[38;5;208morange\033[0m "
		    "\033[38;2;1;2;250mblue\033[0m \xe6\xbc\xa2\xe5\xad\x97 \033]0;pwned\007"
		    "\033]52;c;cHduZWQ=\007end-of-style\r\n");
	} else if (line_is("bye")) {
		exit(0);
	} else if (line.len) {
		buf_addf(&to_host, "got %zu bytes, sum %08lx\r\n", line.len, sum(&line));
	}
	buf_clear(&line);
	buf_adds(&to_host, "vm1$ ");
}

static void guest_byte(unsigned char c)
{
	if (c == '\r') {
		buf_adds(&to_host, "\r\n");
		guest_line();
	} else if (c < 0x20 || c == 0x7f) {
		buf_addf(&to_host, "<%02x>", c);
	} else if (line.len < GUEST_LINE_MAX) {
		buf_addc(&line, (char)c);
		if (line.len < 4096)
			buf_addc(&to_host, (char)c);
	}
}

static void on_guest(evutil_socket_t fd, short what, void *arg)
{
	unsigned char data[4096];
	ssize_t n = read(fd, data, sizeof(data));
	(void)what, (void)arg;
	for (ssize_t i = 0; i < n; i++)
		guest_byte(data[i]);
	push();
}

static void no_change(void *arg)
{
	(void)arg;
}

static void no_audit(void *arg, const char *what)
{
	(void)arg, (void)what;
}

static void start_guest(void)
{
	static const struct hub_ops ops = {.changed = no_change, .audit = no_audit};
	struct err err = {0};
	int sv[2];
	hub = hub_new(loop, &home, fakes[0].name, 0, false, &ops, NULL, &err);
	if (!hub)
		die("hub", &err);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) < 0)
		die("socketpair", NULL);
	hub_attach_guest(hub, sv[0]);
	guest_fd = sv[1];
	event_add(event_new(loop_base(loop), guest_fd, EV_READ | EV_PERSIST, on_guest, NULL), NULL);
	writable = event_new(loop_base(loop), guest_fd, EV_WRITE, on_guest_writable, NULL);
	buf_adds(&to_host, "Fake GNU/Linux 1.0 vm1 ttyS0\r\n\r\nvm1$ ");
	push();
}

/* --- time --- */

static void on_second(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	for (unsigned k = 0; k < n_fakes; k++)
		sample(&fakes[k], k);
}

static void on_stdin(evutil_socket_t fd, short what, void *arg)
{
	char c;
	(void)what, (void)arg;
	if (read(fd, &c, 1) <= 0)
		exit(0);
}

int main(int argc, char **argv)
{
	struct err err = {0};
	struct timeval second = {.tv_sec = 1};
	if (argc < 2 || !getenv("HVMUX_HOME")) {
		fputs("usage: HVMUX_HOME=DIR fakevms N [busy]\n", stderr);
		return 2;
	}
	n_fakes = (unsigned)strtoul(argv[1], NULL, 10);
	busy = argc > 2 && !strcmp(argv[2], "busy");
	if (!n_fakes || n_fakes > FAKES_MAX || home_init(&home, NULL, &err) < 0)
		die("start", &err);
	CLEANUP_FREE char *domains = home_domains_dir(&home);
	if (home_mkdir(&home, domains, &err) < 0)
		die(domains, &err);
	loop = loop_new();
	signal(SIGPIPE, SIG_IGN);
	for (unsigned k = 0; k < n_fakes; k++)
		make(k);
	start_guest();
	event_add(event_new(loop_base(loop), -1, EV_PERSIST, on_second, NULL), &second);
	event_add(event_new(loop_base(loop), 0, EV_READ | EV_PERSIST, on_stdin, NULL), NULL);
	puts("ready");
	fflush(stdout);
	return loop_run(loop);
}
