/* bench_console ROUNDS MIB KEYS: the console hub between a guest that floods its serial socket and clients that read it, all in
 * processes of their own. Medians over the rounds, in which the cases take turns, one "name value" a line:
 *   floor_mb_s            the same flood into a program that only reads
 *   record_mb_s           hub without clients: ring, log, default triggers
 *   clients1_mb_s         with one client: what that one received
 *   clients8_mb_s         with eight: what all of them received together
 *   stopped_mb_s          one client that reads and one that is stopped (SIGSTOP): the first one's share
 *   echo_p50_us, echo_p99_us   KEYS → guest → DATA, over KEYS keys
 *   socket_p50_us         a round trip over a socket pair without a hub */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/file.h"
#include "core/mem.h"
#include "core/sock.h"
#include "serial/frame.h"
#include "serial/hub.h"
#include "serial/trigger.h"

#define ROUNDS_MAX 99
#define CLIENTS_MAX 9
#define BLOCK 65536u
#define HUB_DEADLINE_S 30

static struct home home;
static size_t flood_bytes;

/* Shared with the children. */
struct shared {
	uint64_t received[CLIENTS_MAX];
	uint64_t guest_ns; /* that the guest needed to get rid of its bytes */
	unsigned attached;
};
static struct shared *shared;
static int ours = -1; /* the guest's end: nobody else may keep it open */

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static pid_t child(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		alarm(HUB_DEADLINE_S);
		cleanup_close(&ours);
	}
	return pid;
}

static void pair(int sv[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
		die("socketpair");
	ours = sv[0];
}

struct hub_run {
	struct loop *loop;
	struct hub *hub;
};

static void on_changed(void *arg)
{
	struct hub_run *r = arg;
	struct hub_facts f;

	hub_facts(r->hub, &f);
	__atomic_store_n(&shared->attached, f.clients, __ATOMIC_RELEASE);
	if (!hub_guest_attached(r->hub))
		loop_stop(r->loop);
}

/* The default triggers look at what the guest says, as in a supervisor. */
static bool ignore_match(void *arg, unsigned rule, const char *line)
{
	(void)arg, (void)rule, (void)line;
	return true;
}

static void feed_triggers(void *arg, const void *p, size_t n)
{
	trigger_watch_feed(arg, p, n);
}

static void watch_triggers(struct hub *hub)
{
	struct trigger_set *set = trigger_set_new();

	for (unsigned i = 0; i < trigger_n_defaults; i++)
		trigger_set_add(set, &trigger_defaults[i], NULL);
	hub_set_tap(hub, feed_triggers, trigger_watch_new(set, "serial0", ignore_match, NULL));
}

static pid_t start_hub(int guest)
{
	static const struct hub_ops ops = {.changed = on_changed};
	pid_t pid = child();
	struct hub_run r;
	struct err err;

	if (pid != 0)
		return pid;
	r.loop = loop_new();
	r.hub = hub_new(r.loop, &home, "bench", 0, false, &ops, &r, &err);
	if (!r.hub) {
		fprintf(stderr, "bench_console: %s\n", err.msg);
		_exit(1);
	}
	watch_triggers(r.hub);
	hub_attach_guest(r.hub, guest);
	loop_run(r.loop);
	hub_free(r.hub);
	loop_free(r.loop);
	_exit(0);
}

static int connect_hub(unsigned want)
{
	struct frame f = {.type = FRAME_HELLO, .version = FRAME_VERSION, .want = want};
	CLEANUP_FREE char *path = home_run_file(&home, "bench", "console0.sock");
	uint8_t bytes[FRAME_SMALL_MAX];
	uint64_t until = loop_now_ms() + 10000;
	int fd = -1;

	while (fd < 0 && loop_now_ms() < until) {
		fd = sock_connect(path, NULL);
		if (fd < 0)
			poll(NULL, 0, 1);
	}
	if (fd < 0)
		die("no hub");
	fd_set_nonblock(fd, false);
	if (fd_write_all(fd, bytes, frame_encode(&f, bytes)) < 0)
		die("hello");
	return fd;
}

static pid_t start_client(unsigned slot)
{
	static char buf[BLOCK];
	pid_t pid = child();
	ssize_t n;
	int fd;

	if (pid != 0)
		return pid;
	fd = connect_hub(0);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		shared->received[slot] += (uint64_t)n;
	_exit(0);
}

static void flood(int fd)
{
	static char line[BLOCK];
	uint64_t t0 = loop_now_ns();

	for (size_t i = 0; i < sizeof(line); i++)
		line[i] = i % 80 == 79 ? '\n' : (char)('a' + i % 23);
	for (size_t done = 0; done < flood_bytes; done += sizeof(line))
		if (fd_write_all(fd, line, sizeof(line)) < 0)
			die("guest");
	shared->guest_ns = loop_now_ns() - t0;
}

static void reap(pid_t pid, const char *what)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status != 0) {
		fprintf(stderr, "bench_console: %s failed (status %d)\n", what, status);
		exit(1);
	}
}

static void wait_attached(unsigned n)
{
	uint64_t until = loop_now_ms() + 10000;

	while (__atomic_load_n(&shared->attached, __ATOMIC_ACQUIRE) < n) {
		if (loop_now_ms() > until)
			die("clients");
		poll(NULL, 0, 1);
	}
}

/* n clients, of which the last `stopped` ones are. MB/s: of the guest (n 0) or received by those that read. */
static double run_flood(unsigned n, unsigned stopped)
{
	pid_t hub, clients[CLIENTS_MAX];
	uint64_t sum = 0;
	int sv[2];

	memset(shared, 0, sizeof(*shared));
	pair(sv);
	hub = start_hub(sv[1]);
	close(sv[1]);
	for (unsigned i = 0; i < n; i++)
		clients[i] = start_client(i);
	wait_attached(n);
	for (unsigned i = n - stopped; i < n; i++)
		kill(clients[i], SIGSTOP);
	flood(ours);
	cleanup_close(&ours);
	ours = -1;
	reap(hub, "hub");
	for (unsigned i = n - stopped; i < n; i++)
		kill(clients[i], SIGCONT);
	for (unsigned i = 0; i < n; i++) {
		reap(clients[i], "client");
		sum += i < n - stopped ? shared->received[i] : 0;
	}
	return (double)(n ? sum : flood_bytes) * 1e3 / (double)shared->guest_ns;
}

static double run_floor(void)
{
	static char buf[BLOCK];
	pid_t pid;
	int sv[2];

	pair(sv);
	pid = child();
	if (pid == 0) {
		while (read(sv[1], buf, sizeof(buf)) > 0)
			;
		_exit(0);
	}
	close(sv[1]);
	flood(ours);
	cleanup_close(&ours);
	ours = -1;
	reap(pid, "reader");
	return (double)flood_bytes * 1e3 / (double)shared->guest_ns;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double percentile(double *v, unsigned n, unsigned p)
{
	qsort(v, n, sizeof(*v), by_size);
	return v[(n - 1) * p / 100];
}

/* A guest that answers each byte with itself. */
static pid_t start_echo(int fd)
{
	pid_t pid = child();
	char c;

	if (pid != 0)
		return pid;
	while (read(fd, &c, 1) == 1 && write(fd, &c, 1) == 1)
		;
	_exit(0);
}

static void read_exactly(int fd, uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t k = read(fd, p, n);

		if (k <= 0)
			die("echo");
		p += k;
		n -= (size_t)k;
	}
}

/* Skips frames until one DATA has come. */
static void await_data(int fd)
{
	uint8_t head[FRAME_HEADER], payload[FRAME_SMALL_MAX];

	do {
		read_exactly(fd, head, sizeof(head));
		if (head[5] || head[6] || head[7])
			die("frame");
		read_exactly(fd, payload, head[4]);
	} while (head[0] != FRAME_DATA);
}

static void bench_echo(unsigned keys)
{
	double *us = xcalloc(keys, sizeof(*us));
	uint8_t key[FRAME_HEADER + 1] = {0};
	int sv[2], fd;
	pid_t hub, echo;

	memset(shared, 0, sizeof(*shared));
	pair(sv);
	hub = start_hub(sv[1]);
	close(sv[1]);
	fd = connect_hub(FRAME_WANT_KEYBOARD);
	ours = fd;
	echo = start_echo(sv[0]);
	close(sv[0]);
	ours = -1;
	frame_keys_head(key, 1);
	key[FRAME_HEADER] = 'k';
	for (unsigned i = 0; i < keys; i++) {
		uint64_t t0 = loop_now_ns();

		if (fd_write_all(fd, key, sizeof(key)) < 0)
			die("key");
		await_data(fd);
		us[i] = (double)(loop_now_ns() - t0) / 1e3;
	}
	printf("echo_p50_us %.1f\n", percentile(us, keys, 50));
	printf("echo_p99_us %.1f\n", percentile(us, keys, 99));
	kill(echo, SIGTERM);
	waitpid(echo, NULL, 0);
	close(fd);
	reap(hub, "hub");
	pair(sv);
	echo = start_echo(sv[1]);
	close(sv[1]);
	for (unsigned i = 0; i < keys; i++) {
		uint64_t t0 = loop_now_ns();

		if (fd_write_all(sv[0], "k", 1) < 0)
			die("key");
		read_exactly(sv[0], key, 1);
		us[i] = (double)(loop_now_ns() - t0) / 1e3;
	}
	printf("socket_p50_us %.1f\n", percentile(us, keys, 50));
	cleanup_close(&ours);
	ours = -1;
	reap(echo, "echo");
	free(us);
}

static unsigned number(const char *s, unsigned min, unsigned max)
{
	char *end;
	unsigned long v = strtoul(s, &end, 10);

	if (*end || v < min || v > max) {
		fprintf(stderr, "bench_console: %s: must be %u to %u\n", s, min, max);
		exit(2);
	}
	return (unsigned)v;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		unsigned clients, stopped;
	} cases[] = {
	    {"record_mb_s", 0, 0},
	    {"clients1_mb_s", 1, 0},
	    {"clients8_mb_s", 8, 0},
	    {"stopped_mb_s", 2, 1},
	};
	static double v[ARRAY_LEN(cases) + 1][ROUNDS_MAX];
	char dir[] = "/tmp/hvmux-bench.XXXXXX";
	unsigned rounds;

	if (argc != 4) {
		fprintf(stderr, "usage: bench_console ROUNDS MIB KEYS\n");
		return 2;
	}
	rounds = number(argv[1], 1, ROUNDS_MAX);
	flood_bytes = (size_t)number(argv[2], 1, 4096) << 20;
	signal(SIGPIPE, SIG_IGN);
	shared =
	    mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || !mkdtemp(dir) || setenv("HVMUX_HOME", dir, 1) < 0 ||
	    home_init(&home, NULL, NULL) < 0)
		die(dir);
	for (unsigned i = 0; i < rounds; i++) {
		v[ARRAY_LEN(cases)][i] = run_floor();
		for (size_t k = 0; k < ARRAY_LEN(cases); k++)
			v[k][i] = run_flood(cases[k].clients, cases[k].stopped);
	}
	printf("floor_mb_s %.0f\n", percentile(v[ARRAY_LEN(cases)], rounds, 50));
	for (size_t k = 0; k < ARRAY_LEN(cases); k++)
		printf("%s %.0f\n", cases[k].name, percentile(v[k], rounds, 50));
	bench_echo(number(argv[3], 1, 1000000));
	home_fini(&home);
	return file_remove_tree(dir, NULL) < 0;
}
