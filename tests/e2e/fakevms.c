/* fakevms N [busy] [hostile] [consoles K] [chatter BYTES] [called NAME]: what N supervisors leave under $HVMUX_HOME,
 * without a QEMU: definitions, run directories, held locks, status pages with a beat every second. busy: the figures of
 * every VM change each second; else they idle. hostile: every text of their pages is made of what must not reach a
 * terminal. called: NAME1 and so on in place of vm1. The first VM (the first K) has a real console hub; the guest behind
 * it echoes, says what it got line by line, and answers the lines "flood", "style", "quiet" (it echoes no more until
 * another line), "off" and "bye". chatter: each guest prints that many bytes a second. Lines on its standard input make
 * the first guest speak: "pour FILE" the file's bytes, "storm SEED BYTES" so many of what a guest should not say, then
 * "storm SEED is over", and it hears nothing from then on. Prints "ready" and runs until its standard input ends. */
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
#include "core/file.h"
#include "core/home.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/status.h"
#include "core/store.h"
#include "core/vm.h"
#include "serial/hub.h"

#define FAKES_MAX 2000
#define GUEST_LINE_MAX (8u << 20)

/* Behind a console. */
struct guest {
	struct hub *hub;
	int fd;
	struct buf line, to_host;
	struct event *writable;
	const char *name;
	bool quiet;
	unsigned long said;
};

struct fake {
	char name[32];
	struct status_writer w;
	int lock;
	enum vm_state state;
	struct guest *guest; /* NULL: no console that works */
};

static struct fake fakes[FAKES_MAX];
static unsigned n_fakes;
static bool busy, hostile;
static bool deaf; /* a storm asks much: what the terminal answers is not echoed */
static struct home home;
static struct loop *loop;
static unsigned n_consoles = 1;
static const char *called = "vm";
static unsigned long chatter; /* bytes a second of each guest */

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

static void console_facts(const struct guest *g, struct status_console *c)
{
	struct hub_facts hf;
	hub_facts(g->hub, &hf);
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
	if (f->guest)
		console_facts(f->guest, &p->console[0]);
	status_end(&f->w);
}

/* Where a supervisor puts what guests, agents and QEMU say: another program, or a broken one, may have written it. */
static void poison(struct status_page *p)
{
	static const char bad[] =
	    "\033]52;c;cHduZWQ=\007\033]0;pwned\007\033[5n\033[2J\033P$qm\033\\\302\233\061m\233\061m\342\200\256evil\r\n\b\177"
	    "\033(0\016\033[?1000h";
	char *const texts[] = {p->title, p->address, p->guest_os, p->guest_filesystems,
	    p->guest_users, p->guest_name, p->job, p->job_words, p->job_who, p->badge_name,
	    p->badge_line, p->detail, p->disk[0].path, p->console[0].line, p->console[0].holder,
	    p->console[0].log_trouble};
	const size_t sizes[] = {sizeof(p->title), sizeof(p->address), sizeof(p->guest_os),
	    sizeof(p->guest_filesystems), sizeof(p->guest_users), sizeof(p->guest_name),
	    sizeof(p->job), sizeof(p->job_words), sizeof(p->job_who), sizeof(p->badge_name),
	    sizeof(p->badge_line), sizeof(p->detail), sizeof(p->disk[0].path),
	    sizeof(p->console[0].line), sizeof(p->console[0].holder),
	    sizeof(p->console[0].log_trouble)};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		snprintf(texts[i], sizes[i], "%s", bad);
	snprintf(p->disk[0].target, sizeof(p->disk[0].target), "\033[7mvda");
	snprintf(p->net[0].target, sizeof(p->net[0].target), "\033[7mtap");
	snprintf(p->net[0].mac, sizeof(p->net[0].mac), "\342\200\256\0335n");
	p->agent = STATUS_AGENT_READY;
	p->badge = STATUS_BADGE_BAD;
	p->badge_count = 1;
	p->badge_ns = realtime();
	p->job_total = 10;
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
	if (hostile)
		poison(p);
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
	snprintf(f->name, sizeof(f->name), "%.20s%u", called, k + 1);
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

/* --- the guests behind the consoles --- */

static void push(struct guest *g)
{
	while (g->to_host.len) {
		ssize_t n = write(g->fd, g->to_host.data, g->to_host.len);
		if (n <= 0) {
			event_add(g->writable, NULL);
			return;
		}
		buf_consume(&g->to_host, (size_t)n);
	}
}

static void on_guest_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	push(arg);
}

/* Order and completeness both decide it. */
static unsigned long sum(const struct buf *b)
{
	unsigned long h = 5381;
	for (size_t i = 0; i < b->len; i++)
		h = h * 33 + (unsigned char)b->data[i];
	return h & 0xffffffff;
}

static bool line_is(const struct guest *g, const char *word)
{
	return g->line.len == strlen(word) && !memcmp(g->line.data, word, g->line.len);
}

/* Powers off: the page says so, and nobody holds the lock. */
static void power_off(struct guest *g)
{
	for (unsigned k = 0; k < n_fakes; k++) {
		struct fake *f = &fakes[k];
		if (f->guest != g)
			continue;
		struct status_page *p = status_begin(&f->w);
		p->state = f->state = VM_OFF;
		p->reason = VM_REASON_SHUTDOWN;
		p->ended_ns = realtime();
		status_end(&f->w);
		f->guest = NULL;
		close(f->lock);
	}
	hub_free(g->hub);
	g->hub = NULL;
}

static void guest_line(struct guest *g)
{
	if (line_is(g, "flood")) {
		for (int i = 0; i < 20000; i++)
			buf_addf(&g->to_host, "\033[3%dmflood line %d of 20000\033[0m\r\n", i % 8,
			    i + 1);
	} else if (line_is(g, "style")) {
		/* Colours, a wide character, a title and a clipboard that must not reach the operator's terminal. */
		buf_adds(&g->to_host,
		    "\033[1;31mbold red\033[0m \033[7mreverse\033[0m \033[38;5;208morange\033[0m "
		    "\033[38;2;1;2;250mblue\033[0m \xe6\xbc\xa2\xe5\xad\x97 \033]0;pwned\007"
		    "\033]52;c;cHduZWQ=\007end-of-style\r\n");
	} else if (line_is(g, "bye")) {
		exit(0);
	} else if (line_is(g, "off")) {
		power_off(g);
	} else if (g->line.len) {
		buf_addf(&g->to_host, "got %zu bytes, sum %08lx\r\n", g->line.len, sum(&g->line));
	}
	g->quiet = line_is(g, "quiet");
	buf_clear(&g->line);
	buf_addf(&g->to_host, "%s$ ", g->name);
}

static void guest_byte(struct guest *g, unsigned char c)
{
	if (c == '\r') {
		buf_adds(&g->to_host, "\r\n");
		guest_line(g);
	} else if (c < 0x20 || c == 0x7f) {
		buf_addf(&g->to_host, "<%02x>", c);
	} else if (g->line.len < GUEST_LINE_MAX) {
		buf_addc(&g->line, (char)c);
		if (g->line.len < 4096 && !g->quiet)
			buf_addc(&g->to_host, (char)c);
	}
}

static void on_guest(evutil_socket_t fd, short what, void *arg)
{
	struct guest *g = arg;
	unsigned char data[4096];
	ssize_t n = read(fd, data, sizeof(data));
	(void)what;
	for (ssize_t i = 0; i < n && g->hub && !deaf; i++)
		guest_byte(g, data[i]);
	if (g->hub)
		push(g);
}

static void no_change(void *arg)
{
	(void)arg;
}

static void no_audit(void *arg, const char *what)
{
	(void)arg, (void)what;
}

static void start_guest(struct fake *f)
{
	static const struct hub_ops ops = {.changed = no_change, .audit = no_audit};
	struct guest *g = xcalloc(1, sizeof(*g));
	struct err err = {0};
	int sv[2];
	g->name = f->name;
	g->hub = hub_new(loop, &home, f->name, 0, false, &ops, NULL, &err);
	if (!g->hub)
		die("hub", &err);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) < 0)
		die("socketpair", NULL);
	hub_attach_guest(g->hub, sv[0]);
	g->fd = sv[1];
	f->guest = g;
	event_add(event_new(loop_base(loop), g->fd, EV_READ | EV_PERSIST, on_guest, g), NULL);
	g->writable = event_new(loop_base(loop), g->fd, EV_WRITE, on_guest_writable, g);
	buf_addf(&g->to_host, "Fake GNU/Linux 1.0 %s ttyS0\r\n\r\n%s$ ", f->name, f->name);
	push(g);
}

/* As a boot does: lines of different lengths, some in colour. One that is not read is not written. */
static void on_chatter(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	for (unsigned k = 0; k < n_fakes; k++) {
		struct guest *g = fakes[k].guest;
		size_t end = g ? g->to_host.len + chatter / 100 : 0;
		while (g && g->to_host.len < end && end < 1u << 20) {
			g->said++;
			buf_addf(&g->to_host, "[%9lu.%06lu] \033[3%lumunit %lu\033[0m: %.*s\r\n",
			    g->said / 10, g->said * 7919 % 1000000, g->said % 8, g->said * 31 % 977,
			    (int)(g->said * 17 % 50),
			    "a message as kernels and services of all kinds print them");
		}
		if (g)
			push(g);
	}
}

/* --- time --- */

static void on_second(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	for (unsigned k = 0; k < n_fakes; k++)
		sample(&fakes[k], k);
}

static void pour(struct guest *g, const char *path)
{
	struct err err;
	if (file_read(path, GUEST_LINE_MAX, &g->to_host, &err) < 0)
		die(path, &err);
	push(g);
}

/* Whole sequences, and beginnings of some: what comes next ends them or not. */
static const char *const hostile_words[] = {"\033]52;c;cHduZWQ=\007", "\033]0;pwned\007",
    "\033]2;pwned\033\\", "\033]1337;File=name=eA==:eA==\007",
    "\033]8;;http://x/\033\\link\033]8;;\007", "\033]4;1;rgb:00/00/00\007", "\033]10;?\007",
    "\033]104\007", "\033]", "\033]52;c;", "\033P", "\033P$qm\033\\", "\033P+q544e\033\\",
    "\033Pq#0;2;0;0;0#0~~@@vv\033\\", "\033_Ga=T,f=24,s=1,v=1;AAAA\033\\", "\033^pm\033\\",
    "\033Xsos\033\\", "\033[c", "\033[>c", "\033[=c", "\033[5n", "\033[6n", "\033[?6n",
    "\033[?996n", "\033[21t", "\033[22;0t", "\033[8;1;1t", "\033[14t", "\033[>q", "\033[?1049h",
    "\033[?1049l", "\033[?1000h\033[?1006h", "\033[?1003h", "\033[?2004h", "\033[?1004h",
    "\033[?2026h", "\033[?2026l", "\033[?25l", "\033[?3h", "\033[?5h", "\033[?7l", "\033[?45h",
    "\033[?69h\033[5;9s", "\033[5;7r", "\033[9;2r", "\033[r", "\033[s", "\033[u", "\0337", "\0338",
    "\033c", "\033[!p", "\033#8", "\033#3", "\033#6", "\033(0", "\033)0\016", "\033*<", "\033n",
    "\033o", "\033N", "\033%G", "\033%@", "\033 G", "\033[4h", "\033[20h", "\033[2h", "\033[5i",
    "\033[4i", "\033[99999999999b", "x\033[1000b", "\033[65535;65535H", "\033[2J", "\033[3J",
    "\033[1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18;19;20;21;22;23;24;25;26;27;28;29;30;31;32;33;34m",
    "\033[38;2;1;2;3m", "\033[48:2::1:2:3m", "\033[4:3m\033[58;5;9m", "\033[8m", "\033[5;7m",
    "\033[0 q", "\033[7 q", "\033[$z", "\033[1;1;9;9$x", "\033[>4;2m", "\033[?u", "\033[>1u",
    "\033=", "\033>", "\016", "\017", "\005", "\007", "\b\b\b", "\013\014", "\t\t", "\177", "\030",
    "\032", "\233\065n", "\23552;c;eA==\234", "\220$qm\234", "\302\233\061;1H",
    "\302\2350;pwned\302\234", "\302\220x\302\234", "\342\200\256evil", "\342\201\246x\342\201\251",
    "\342\200\217", "\330\234", "\342\200\250", "\357\273\277", "\363\240\201\201",
    "\314\201\314\202\314\203\314\204\314\205\314\206", "\346\274\242",
    "\360\237\221\250\342\200\215\360\237\221\251", "\360\237\207\251\360\237\207\252", "\300\257",
    "\355\240\200", "\364\220\200\200", "\342\202", "\360\237", "\376\377", "\n", "\r\n", "word ",
    "vm1$ ", "\033[", "\033", "\033[?", "\033[1;"};

static void storm(struct guest *g, unsigned long seed, unsigned long bytes)
{
	uint64_t r = seed * 2685821657736338717ull + 88172645463325252ull;
	size_t end = g->to_host.len + bytes;
	deaf = true;
	while (g->to_host.len < end) {
		r ^= r << 13, r ^= r >> 7, r ^= r << 17; /* xorshift64 */
		if (r >> 60 == 0)
			buf_addc(&g->to_host, (char)(r >> 20));
		else
			buf_adds(&g->to_host, hostile_words[(r >> 20) % ARRAY_LEN(hostile_words)]);
	}
	/* Whatever is open is cut off, and the screen is new. */
	buf_addf(&g->to_host, "\030\033\\\033cstorm %lu is over\r\n", seed);
	push(g);
}

static void obey(const char *order)
{
	unsigned long seed, bytes;
	struct guest *g = fakes[0].guest;
	if (!g || !g->hub)
		return;
	if (strncmp(order, "pour ", 5) == 0)
		pour(g, order + 5);
	else if (sscanf(order, "storm %lu %lu", &seed, &bytes) == 2 && bytes <= GUEST_LINE_MAX)
		storm(g, seed, bytes);
}

static void on_stdin(evutil_socket_t fd, short what, void *arg)
{
	static char order[4096];
	static size_t n;
	(void)what, (void)arg;
	ssize_t got = read(fd, order + n, sizeof(order) - 1 - n);
	if (got <= 0 || n + (size_t)got == sizeof(order) - 1)
		exit(0);
	n += (size_t)got;
	order[n] = '\0';
	for (char *end; (end = strchr(order, '\n')) != NULL;) {
		*end = '\0';
		obey(order);
		n -= (size_t)(end + 1 - order);
		memmove(order, end + 1, n + 1);
	}
}

int main(int argc, char **argv)
{
	struct err err = {0};
	struct timeval second = {.tv_sec = 1}, hundredth = {.tv_usec = 10000};
	if (argc < 2 || !getenv("HVMUX_HOME")) {
		fputs(
		    "usage: HVMUX_HOME=DIR fakevms N [busy] [hostile] [consoles K] [chatter BYTES] [called NAME]\n",
		    stderr);
		return 2;
	}
	n_fakes = (unsigned)strtoul(argv[1], NULL, 10);
	for (int i = 2; i < argc; i++) {
		if (!strcmp(argv[i], "busy"))
			busy = true;
		else if (!strcmp(argv[i], "hostile"))
			hostile = true;
		else if (!strcmp(argv[i], "consoles") && i + 1 < argc)
			n_consoles = (unsigned)strtoul(argv[++i], NULL, 10);
		else if (!strcmp(argv[i], "chatter") && i + 1 < argc)
			chatter = strtoul(argv[++i], NULL, 10);
		else if (!strcmp(argv[i], "called") && i + 1 < argc)
			called = argv[++i];
		else
			die("no such word", NULL);
	}
	if (!n_fakes || n_fakes > FAKES_MAX || home_init(&home, NULL, &err) < 0)
		die("start", &err);
	CLEANUP_FREE char *domains = home_domains_dir(&home);
	if (home_mkdir(&home, domains, &err) < 0)
		die(domains, &err);
	loop = loop_new();
	signal(SIGPIPE, SIG_IGN);
	for (unsigned k = 0; k < n_fakes; k++)
		make(k);
	/* Those that run, from the first. */
	for (unsigned k = 0, made = 0; k < n_fakes && made < n_consoles; k++) {
		if (fakes[k].state != VM_RUNNING)
			continue;
		start_guest(&fakes[k]);
		made++;
	}
	event_add(event_new(loop_base(loop), -1, EV_PERSIST, on_second, NULL), &second);
	if (chatter)
		event_add(event_new(loop_base(loop), -1, EV_PERSIST, on_chatter, NULL), &hundredth);
	event_add(event_new(loop_base(loop), 0, EV_READ | EV_PERSIST, on_stdin, NULL), NULL);
	puts("ready");
	fflush(stdout);
	return loop_run(loop);
}
