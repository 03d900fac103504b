/* console_watch NAME: stays attached to the first console of a domain, over its supervisor's death, and writes what it is told,
 * a line each:
 *   welcome anew|resumed
 *   data FROM TO past|live
 *   gap FROM TO
 *   mark boot|reset|reconnect|end OFFSET
 *   who CLIENTS HOLDER
 *   closed WHY
 * The guest's bytes go to the file that HVMUX_WATCH_BYTES names. Ends when its standard input does.
 *
 * console_watch NAME COUNT: COUNT attachments that say HELLO, ask for the keyboard and never read. Says "there" and how many
 * were taken in.
 * console_watch NAME COUNT control: the same with control.sock. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/sock.h"
#include "serial/console_client.h"
#include "serial/frame.h"

#define AGAIN_MS 20
#define ANSWER_MS 20000

struct watch {
	struct loop *loop;
	struct home home;
	const char *name;
	struct console_client *client;
	struct console_place place;
	struct event *again;
	FILE *bytes;
};

static void on_data(void *arg, uint64_t offset, const uint8_t *p, size_t n, bool live)
{
	struct watch *w = arg;

	printf("data %" PRIu64 " %" PRIu64 " %s\n", offset, offset + n, live ? "live" : "past");
	if (w->bytes) {
		fwrite(p, 1, n, w->bytes);
		fflush(w->bytes);
	}
}

static void on_gap(void *arg, uint64_t from, uint64_t to)
{
	(void)arg;
	printf("gap %" PRIu64 " %" PRIu64 "\n", from, to);
}

static void on_note(void *arg, const struct ring_note *n)
{
	static const char *const words[] = {[RING_NOTE_BOOT] = "boot",
	    [RING_NOTE_RECONNECT] = "reconnect",
	    [RING_NOTE_END] = "end"};

	(void)arg;
	if (n->kind == RING_NOTE_BOOT && n->value)
		printf("mark reset %" PRIu64 "\n", n->offset);
	else if (n->kind != RING_NOTE_TIME)
		printf("mark %s %" PRIu64 "\n", words[n->kind], n->offset);
}

static void on_who(void *arg, const struct console_who *who)
{
	(void)arg;
	printf("who %u %s\n", who->clients, who->holder[0] ? who->holder : "-");
}

static void on_welcome(void *arg, bool resumed)
{
	(void)arg;
	printf("welcome %s\n", resumed ? "resumed" : "anew");
}

static void again(struct watch *w)
{
	evtimer_add(w->again, &(struct timeval){.tv_usec = AGAIN_MS * 1000});
}

static void on_closed(void *arg, const char *why)
{
	struct watch *w = arg;

	printf("closed %s\n", why);
	w->place = console_client_place(w->client);
	console_client_free(w->client);
	w->client = NULL;
	again(w);
}

static void attach(evutil_socket_t fd, short what, void *arg)
{
	static const struct console_client_ops ops = {.data = on_data,
	    .gap = on_gap,
	    .note = on_note,
	    .who = on_who,
	    .welcome = on_welcome,
	    .closed = on_closed};
	struct watch *w = arg;

	(void)fd;
	(void)what;
	w->client = console_client_open(w->loop, &w->home, w->name, 0, 0, &w->place, &ops, w, NULL);
	if (!w->client)
		again(w);
}

static void on_input(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;
	char c[64];

	(void)what;
	if (read(fd, c, sizeof(c)) <= 0)
		loop_stop(w->loop);
}

static int watch(struct watch *w)
{
	const char *path = getenv("HVMUX_WATCH_BYTES");
	struct event *in;

	setvbuf(stdout, NULL, _IOLBF, 0);
	w->bytes = path ? fopen(path, "w") : NULL;
	w->loop = loop_new();
	w->again = evtimer_new(loop_base(w->loop), attach, w);
	in = event_new(loop_base(w->loop), STDIN_FILENO, EV_READ | EV_PERSIST, on_input, w);
	event_add(in, NULL);
	attach(-1, 0, w);
	loop_run(w->loop);
	return 0;
}

/* What came first, which stays where it is. */
static ssize_t first_words(int fd, void *out, size_t max)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return fd >= 0 && poll(&p, 1, ANSWER_MS) == 1 ? recv(fd, out, max, MSG_PEEK) : -1;
}

/* Returns whether the hub took it in. */
static bool attach_deaf(const char *path)
{
	struct frame f = {
	    .type = FRAME_HELLO, .version = FRAME_VERSION, .want = FRAME_WANT_KEYBOARD};
	uint8_t bytes[FRAME_SMALL_MAX], type = 0;
	int fd = sock_connect(path, NULL);
	size_t n = frame_encode(&f, bytes);

	if (fd < 0 || send(fd, bytes, n, MSG_NOSIGNAL) != (ssize_t)n)
		return false;
	return first_words(fd, &type, 1) == 1 && type == FRAME_WELCOME;
}

static bool attach_control(const char *path)
{
	char line[512] = "";

	return first_words(sock_connect(path, NULL), line, sizeof(line) - 1) > 0 &&
	       strstr(line, "\"hello\"");
}

static int crowd(struct watch *w, unsigned long count, bool control)
{
	CLEANUP_FREE char *path =
	    home_run_file(&w->home, w->name, control ? "control.sock" : "console0.sock");
	unsigned long in = 0;
	char c;

	for (unsigned long i = 0; i < count; i++)
		in += control ? attach_control(path) : attach_deaf(path);
	printf("there %lu\n", in);
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	return 0;
}

int main(int argc, char **argv)
{
	struct watch w = {.name = argv[1]};
	struct err err = {0};

	if (argc < 2 || argc > 4) {
		fprintf(stderr, "usage: console_watch NAME [COUNT [control]]\n");
		return 2;
	}
	if (home_init(&w.home, NULL, &err) < 0) {
		fprintf(stderr, "console_watch: %s\n", err.msg);
		return 1;
	}
	return argc > 2 ? crowd(&w, strtoul(argv[2], NULL, 10), argc > 3) : watch(&w);
}
