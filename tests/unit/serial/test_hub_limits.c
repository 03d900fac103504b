/* hub: what clients may cost, and what they may not do: memory, half frames, keys of readers; and what is written down. */
#include "unit/serial/rig.h"

#include <malloc.h>

#define MEMORY_MAX (256u << 10) /* beside the ring, whatever clients do */

static unsigned clients_seen(struct rig *r)
{
	struct hub_facts f;

	hub_facts(r->hub, &f);
	return f.clients;
}

static bool audited(struct rig *r, const char *s)
{
	return r->audit.data && strstr(r->audit.data, s);
}

static bool ended(int fd)
{
	char buf[4096];
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		;
	return n == 0 || (n < 0 && errno == ECONNRESET);
}

static int hello(struct rig *r, unsigned want)
{
	struct frame f = {.type = FRAME_HELLO, .version = FRAME_VERSION, .want = want};
	uint8_t bytes[FRAME_SMALL_MAX];
	int fd = rig_connect(r, "console0.sock");
	size_t n = frame_encode(&f, bytes);

	assert_int_equal(send(fd, bytes, n, MSG_NOSIGNAL), (ssize_t)n);
	return fd;
}

/* Everything that a client can send of a KEYS without ending it, at once. */
static void send_half_keys(int fd)
{
	uint8_t bytes[FRAME_HEADER + FRAME_KEYS_MAX];

	frame_keys_head(bytes, FRAME_KEYS_MAX);
	memset(bytes + FRAME_HEADER, 'k', FRAME_KEYS_MAX);
	assert_int_equal(send(fd, bytes, sizeof(bytes) - 1, MSG_NOSIGNAL | MSG_DONTWAIT),
	    (ssize_t)sizeof(bytes) - 1);
}

static void send_keys(int fd)
{
	uint8_t bytes[FRAME_HEADER + 4096] = {0};

	frame_keys_head(bytes, 4096);
	send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void take(int fd)
{
	uint8_t bytes[FRAME_SMALL_MAX];
	size_t n = frame_encode(&(struct frame){.type = FRAME_TAKE}, bytes);

	assert_int_equal(send(fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT), (ssize_t)n);
}

#if !defined(__SANITIZE_ADDRESS__) /* its allocator keeps no figures of what is in use */
/* All places taken by clients that do not read, a guest that says much and does not read, everybody types: what the hub
 * holds beside the ring stays below the bound. */
static void test_memory(void **state)
{
	struct rig *r = *state;
	static char flood[1u << 20];
	int fds[HUB_CLIENTS_MAX];
	struct buf heard = BUF_INIT;
	size_t before, most = 0;

	buf_reserve(&r->audit, 1u << 20); /* the test's own */
	memset(flood, 'f', sizeof(flood));
	rig_say_n(r, flood, sizeof(flood));
	hub_drain(r->hub);
	before = mallinfo2().uordblks;
	for (unsigned i = 0; i < HUB_CLIENTS_MAX; i++)
		fds[i] = hello(r, FRAME_WANT_KEYBOARD);
	RIG_UNTIL(r, clients_seen(r) == HUB_CLIENTS_MAX);
	for (int round = 0; round < 4; round++) {
		for (unsigned i = 0; i < HUB_CLIENTS_MAX && round == 0; i++) {
			take(fds[i]);
			send_half_keys(fds[i]);
			rig_turn(r);
		}
		rig_say_n(r, flood, sizeof(flood));
		for (int i = 0; i < 10; i++) {
			size_t now;

			rig_turn(r);
			now = mallinfo2().uordblks;
			most = now > most ? now : most;
		}
	}
	printf("# %zu KiB for %u clients\n", (most - before) / 1024, HUB_CLIENTS_MAX);
	assert_true(most > before); /* it is looked at what it claims to */
	assert_true(most - before <= MEMORY_MAX);
	for (unsigned i = 0; i < HUB_CLIENTS_MAX; i++)
		close(fds[i]);
	RIG_UNTIL(r, (rig_hear(r, &heard), buf_clear(&heard), clients_seen(r) == 0));
	buf_fini(&heard);
}
#endif

/* Whoever left with keys on their way keeps its place only as long as nobody wants it. */
static void test_gone_make_room(void **state)
{
	struct rig *r = *state;
	int fds[HUB_CLIENTS_MAX];
	struct watcher w;

	for (unsigned i = 0; i < HUB_CLIENTS_MAX; i++) {
		fds[i] = hello(r, FRAME_WANT_TAKE);
		RIG_UNTIL(r, clients_seen(r) == i + 1);
		for (int k = 0; k < 100 && i == 0; k++) { /* more than the guest's socket holds */
			send_keys(fds[i]);
			rig_turn(r);
		}
	}
	close(fds[0]);
	rig_turn(r);
	assert_int_equal(clients_seen(r), HUB_CLIENTS_MAX);
	watcher_open(r, &w, 0);
	assert_false(w.closed);
	watcher_close(&w);
	for (unsigned i = 1; i < HUB_CLIENTS_MAX; i++)
		close(fds[i]);
	RIG_UNTIL(r, clients_seen(r) == 0);
}

/* Keys reach the guest before their frame is whole, each once and in order, whatever the cuts; so do those of the next. */
static void test_keys_in_pieces(void **state)
{
	struct rig *r = *state;
	struct buf want = BUF_INIT, got = BUF_INIT, wire = BUF_INIT;
	int fd = hello(r, FRAME_WANT_KEYBOARD);
	unsigned seed = 7;

	RIG_UNTIL(r, clients_seen(r) == 1);
	for (unsigned i = 0; i < 300; i++) {
		size_t n = 1 + (size_t)rand_r(&seed) % 700;
		uint8_t head[FRAME_HEADER];

		frame_keys_head(head, n);
		buf_add(&wire, head, sizeof(head));
		for (size_t k = 0; k < n; k++) {
			buf_addc(&want, (char)('a' + (want.len * 7 + want.len / 26) % 26));
			buf_addc(&wire, want.data[want.len - 1]);
		}
	}
	for (size_t at = 0; at < wire.len;) {
		size_t n = 1 + (size_t)rand_r(&seed) % 3000;
		ssize_t k = send(fd, wire.data + at, n < wire.len - at ? n : wire.len - at,
		    MSG_NOSIGNAL | MSG_DONTWAIT);

		at += k > 0 ? (size_t)k : 0;
		event_base_loop(loop_base(r->loop), EVLOOP_NONBLOCK);
		if (rand_r(&seed) % 4 == 0)
			rig_hear(r, &got);
	}
	RIG_UNTIL(r, (rig_hear(r, &got), got.len == want.len));
	assert_memory_equal(got.data, want.data, want.len);
	/* One that is never ended. */
	send_half_keys(fd);
	RIG_UNTIL(r, (rig_hear(r, &got), got.len == want.len + FRAME_KEYS_MAX - 1));
	close(fd);
	RIG_UNTIL(r, clients_seen(r) == 0);
	buf_fini(&want);
	buf_fini(&got);
	buf_fini(&wire);
}

/* What only a hub says is refused at its first byte: nothing is kept of it. */
static void test_not_for_clients(void **state)
{
	static const char types[] = {FRAME_WELCOME, FRAME_DATA, FRAME_GAP, FRAME_WHO, FRAME_BYE,
	    FRAME_NOTE, FRAME_ASKED, FRAME_WATCHER};
	struct rig *r = *state;

	for (size_t i = 0; i < sizeof(types); i++) {
		int fd = hello(r, 0);

		RIG_UNTIL(r, clients_seen(r) == 1);
		assert_int_equal(send(fd, &types[i], 1, MSG_NOSIGNAL), 1);
		RIG_UNTIL(r, ended(fd));
		RIG_UNTIL(r, clients_seen(r) == 0);
		close(fd);
	}
	assert_true(audited(r, "a frame that a client may not send"));
}

/* A reader types nothing and takes nothing, whatever its program sends. */
static void test_read_only(void **state)
{
	struct rig *r = *state;
	struct watcher w, h;
	struct buf b = BUF_INIT;
	int fd;

	watcher_open(r, &w, CONSOLE_KEYBOARD | CONSOLE_TAKE | CONSOLE_READ_ONLY);
	assert_false(w.who.mine);
	assert_string_equal(w.who.holder, "");
	assert_true(w.watchers[0].reader);
	console_client_take(w.c);
	console_client_ask(w.c);
	watcher_open(r, &h, CONSOLE_KEYBOARD); /* whom a reader does not disturb */
	assert_true(h.who.mine);
	console_client_take(w.c);
	console_client_ask(w.c);
	fd = hello(r, FRAME_WANT_TAKE | FRAME_WANT_READ_ONLY);
	take(fd);
	send_half_keys(fd);
	RIG_UNTIL(r, h.who.clients == 3);
	assert_int_equal(console_client_keys(h.c, "x", 1), 1);
	RIG_UNTIL(r, (rig_hear(r, &b), b.len > 0));
	for (int i = 0; i < 5; i++)
		rig_turn(r);
	rig_hear(r, &b);
	assert_string_equal(b.data, "x");
	assert_true(h.who.mine);
	assert_int_equal(h.asks, 0);
	close(fd);
	buf_fini(&b);
	watcher_close(&w);
	watcher_close(&h);
}

/* Who typed, when, how much; not what. */
static void test_typing_is_written_down(void **state)
{
	struct rig *r = *state;
	struct watcher a, b;
	struct buf heard = BUF_INIT;
	CLEANUP_FREE char *who = xasprintf(
	    "(%u) pid=%d via=console what=type detail=", (unsigned)getuid(), (int)getpid());

	watcher_open(r, &a, CONSOLE_KEYBOARD);
	for (size_t i = 1; i <= 10; i++) {
		console_client_keys(a.c, "secret", 6);
		RIG_UNTIL(r, (rig_hear(r, &heard), heard.len == i * 6));
	}
	assert_false(audited(r, "what=type")); /* one line for all of it */
	watcher_open(r, &b, CONSOLE_TAKE);
	RIG_UNTIL(r, audited(r, "typed 60 bytes at console 0 in "));
	assert_true(audited(r, who));
	assert_true(strstr(r->audit.data, "what=type") < strstr(r->audit.data, "over from"));
	console_client_keys(b.c, "y", 1);
	RIG_UNTIL(r, (rig_hear(r, &heard), heard.len == 61));
	hub_free(r->hub); /* the VM ends */
	r->hub = NULL;
	assert_true(audited(r, "typed 1 bytes at console 0 in "));
	assert_false(audited(r, "secret"));
	RIG_UNTIL(r, a.closed && b.closed);
	buf_fini(&heard);
	watcher_close(&a);
	watcher_close(&b);
}

/* Fifty come in one turn, one of them stopped: each is told of all of them, and of all output. */
static void test_fifty(void **state)
{
	enum { N = 50 };
	struct rig *r = *state;
	static struct watcher w[N];
	int stopped = hello(r, 0);
	static char flood[300000];

	for (unsigned i = 0; i < N; i++)
		watcher_open(r, &w[i], 0);
	for (unsigned i = 0; i < N; i++)
		RIG_UNTIL(r, w[i].who.clients == N + 1);
	for (size_t i = 0; i < sizeof(flood); i++)
		flood[i] = (char)('a' + i % 26);
	for (size_t at = 0; at < sizeof(flood); at += 30000)
		rig_say_n(r, flood + at, 30000);
	for (unsigned i = 0; i < N; i++) {
		RIG_UNTIL(r, w[i].data.len == sizeof(flood));
		assert_memory_equal(w[i].data.data, flood, sizeof(flood));
		watcher_close(&w[i]);
	}
	close(stopped);
	RIG_UNTIL(r, clients_seen(r) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#if !defined(__SANITIZE_ADDRESS__)
		cmocka_unit_test_setup_teardown(test_memory, rig_setup, rig_teardown),
#endif
		cmocka_unit_test_setup_teardown(test_gone_make_room, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_keys_in_pieces, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_not_for_clients, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_read_only, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
		    test_typing_is_written_down, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_fifty, rig_setup, rig_teardown),
	};
	return cmocka_run_group_tests_name("hub limits", tests, NULL, NULL);
}
