/* console_client: replay, live, who, keys, pause, the end; and what a broken hub may send. */
#include "unit/serial/rig.h"

#include "core/loop.h"

static void test_replay_then_live(void **state)
{
	struct rig *r = *state;
	struct watcher w;

	rig_say(r, "boot messages\r\n");
	RIG_UNTIL(r, ({
		struct hub_facts f;
		hub_facts(r->hub, &f);
		f.bytes == 15;
	}));
	watcher_open(r, &w, 0);
	rig_say(r, "login: ");
	RIG_UNTIL(r, WATCHER_HAS(&w, "login: "));
	assert_string_equal(w.data.data, "boot messages\r\nlogin: ");
	assert_int_equal(w.replayed, 15);
	assert_int_equal(w.first, 0);
	assert_int_equal(w.gaps, 0);
	watcher_close(&w);
	watcher_open(r, &w, CONSOLE_NO_REPLAY);
	rig_say(r, "x");
	RIG_UNTIL(r, WATCHER_HAS(&w, "x"));
	assert_string_equal(w.data.data, "x");
	assert_int_equal(w.first, 22);
	watcher_close(&w);
}

static void test_keys_need_the_keyboard(void **state)
{
	struct rig *r = *state;
	struct watcher w;
	struct buf b = BUF_INIT;

	watcher_open(r, &w, 0);
	assert_false(w.who.mine);
	assert_int_equal(console_client_keys(w.c, "no", 2), 0);
	console_client_take(w.c);
	RIG_UNTIL(r, w.who.mine);
	assert_int_equal(console_client_keys(w.c, "ls\r", 3), 3);
	RIG_UNTIL(r, (rig_hear(r, &b), b.len == 3));
	assert_string_equal(b.data, "ls\r");
	console_client_size(w.c, 50, 132);
	RIG_UNTIL(r, w.who.rows == 50 && w.who.cols == 132);
	console_client_release(w.c);
	RIG_UNTIL(r, !w.who.mine);
	assert_string_equal(w.who.holder, "");
	buf_fini(&b);
	watcher_close(&w);
}

static void test_pause(void **state)
{
	struct rig *r = *state;
	struct watcher w;
	struct buf b = BUF_INIT;

	watcher_open(r, &w, 0);
	console_client_pause(w.c, true);
	for (unsigned i = 0; i < 4u << 20; i += 16)
		buf_addf(&b, "%015u\n", i);
	rig_say_n(r, b.data, b.len);
	for (int i = 0; i < 5; i++)
		rig_turn(r);
	assert_int_equal(w.data.len, 0);
	console_client_pause(w.c, false);
	RIG_UNTIL(r, w.data.len + w.gap == b.len);
	assert_int_equal(w.gaps, 1);
	/* What came is the beginning (in sockets' buffers) and the ring's end. */
	size_t tail = 1u << 20;
	assert_true(w.data.len >= tail);
	assert_memory_equal(w.data.data + w.data.len - tail, b.data + b.len - tail, tail);
	assert_memory_equal(w.data.data, b.data, w.data.len - tail);
	buf_fini(&b);
	watcher_close(&w);
}

static void test_the_end(void **state)
{
	struct rig *r = *state;
	struct watcher w;
	struct err err = {0};
	static const struct console_client_ops none;

	watcher_open(r, &w, CONSOLE_KEYBOARD);
	rig_say(r, "reboot: Power down\r\n");
	hub_drain(r->hub);
	hub_free(r->hub);
	r->hub = NULL;
	RIG_UNTIL(r, w.closed);
	assert_string_equal(w.why, "the console was closed");
	assert_string_equal(w.data.data, "reboot: Power down\r\n");
	assert_int_equal(console_client_keys(w.c, "x", 1), 0);
	watcher_close(&w);
	assert_null(console_client_open(r->loop, &r->home, "web1", 0, 0, NULL, &none, NULL, &err));
	assert_int_equal(err.code, ERR_STATE);
	assert_string_equal(err.msg, "domain 'web1' is not running");
	/* The history is still there. */
	struct buf b = BUF_INIT;
	assert_int_equal(console_history(&r->home, "web1", 0, 1u << 20, &b, &err), 0);
	assert_string_equal(b.data, "reboot: Power down\r\n");
	buf_clear(&b);
	assert_int_equal(console_history(&r->home, "web1", 0, 6, &b, &err), 0);
	assert_int_equal(b.len, 6);
	assert_memory_equal(b.data, "down\r\n", 6);
	assert_int_equal(console_history(&r->home, "web2", 0, 6, &b, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	buf_fini(&b);
}

static void test_free_inside_callback(void **state)
{
	struct rig *r = *state;
	struct watcher w;
	struct hub_facts f;

	watcher_open(r, &w, 0);
	w.free_in_data = true;
	rig_say(r, "x");
	RIG_UNTIL(r, !w.c);
	RIG_UNTIL(r, (hub_facts(r->hub, &f), f.clients == 0));
	watcher_close(&w);
}

#define WELCOME(version)                                                                \
	"\x02\0\0\0\x20\0\0\0" version "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" \
	"\1\0\0\0\0\0\0\0"

/* A peer that is no hub: the client says so once and is safe to free. */
static void test_broken_hub(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} bad[] = {
	    {"SSH-2.0-OpenSSH", 15},
	    {"\x03\0\0\0\xff\xff\xff\xff", 8},
	    {"\x05\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0", 16}, /* WHO before WELCOME */
	    {WELCOME("\x07"), 40},                        /* another version */
	    {WELCOME("\x02") WELCOME("\x02"), 80},
	    {WELCOME("\x02") "\x05\0\0\0\x08\0\0\0\x41\0\0\0\0\0\0\0", 56}, /* 65 of them */
	    {WELCOME("\x02") "\x0e\0\0\0\x01\0\0\0x", 49}, /* a WATCHER whom no WHO counted */
	    {WELCOME("\x02") "\x0b\0\0\0\x18\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0",
	        72},
	    {"\x06\0\0\0\x01\0\0\0x", 9},
	    {"\x0a\0\0\0\x03\0\0\0\x1b[m", 11},
	    {"", 0},
	};
	struct rig *r = *state;
	CLEANUP_FREE char *path = home_run_file(&r->home, "web1", "console1.sock");
	struct err err = {0};
	int listener = sock_listen(path, 0600, &err);

	assert_true(listener >= 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		static const struct console_client_ops ops = {.closed = watcher_closed};
		struct watcher w = {0};

		w.c = console_client_open(r->loop, &r->home, "web1", 1, 0, NULL, &ops, &w, &err);
		assert_non_null(w.c);
		int fd = accept(listener, NULL, NULL);
		assert_true(fd >= 0);
		assert_int_equal(send(fd, bad[i].bytes, bad[i].n, MSG_NOSIGNAL), (ssize_t)bad[i].n);
		if (bad[i].n < 12)
			shutdown(fd, SHUT_WR);
		RIG_UNTIL(r, w.closed);
		assert_true(w.why[0]);
		assert_null(strchr(w.why, 0x1b));
		close(fd);
		watcher_close(&w);
	}
	close(listener);
}

/* Lost and back: what came meanwhile follows, and no byte, mark or time twice. */
static void test_resume(void **state)
{
	struct rig *r = *state;
	struct console_place place;
	struct watcher w;

	rig_say(r, "one ");
	watcher_open(r, &w, 0);
	RIG_UNTIL(r, WATCHER_HAS(&w, "one "));
	assert_false(w.resumed);
	place = console_client_place(w.c);
	assert_int_equal(place.offset, 4);
	assert_true(place.noted_ns != 0);
	watcher_close(&w);
	rig_say(r, "two ");
	hub_drain(r->hub);
	watcher_open_from(r, &w, 0, &place);
	assert_true(w.resumed);
	RIG_UNTIL(r, w.data.len == 4);
	assert_string_equal(w.data.data, "two ");
	assert_int_equal(w.first, 4);
	assert_int_equal(w.replayed, 4); /* history: no query in it may be answered */
	place = console_client_place(w.c);
	watcher_close(&w);
	watcher_open_from(r, &w, 0, &place); /* nothing new */
	assert_true(w.resumed);
	rig_say(r, "three");
	RIG_UNTIL(r, w.data.len == 5);
	assert_int_equal(w.replayed, 0);
	watcher_close(&w);
	place.offset = 1000; /* a place that never was */
	watcher_open_from(r, &w, 0, &place);
	assert_false(w.resumed);
	RIG_UNTIL(r, w.data.len == 13);
	watcher_close(&w);
	place.offset = 4; /* another run's */
	place.run ^= 2;
	watcher_open_from(r, &w, CONSOLE_NO_REPLAY, &place);
	assert_false(w.resumed);
	rig_say(r, "!");
	RIG_UNTIL(r, w.data.len == 1);
	watcher_close(&w);
}

/* What the ring has lost meanwhile is a gap. */
static void test_resume_gap(void **state)
{
	struct rig *r = *state;
	struct console_place place;
	struct watcher w;
	struct buf b = BUF_INIT;

	rig_say(r, "one ");
	watcher_open(r, &w, 0);
	RIG_UNTIL(r, WATCHER_HAS(&w, "one "));
	place = console_client_place(w.c);
	watcher_close(&w);
	for (unsigned i = 0; i < 3u << 20; i += 16)
		buf_addf(&b, "%015u\n", i);
	rig_say_n(r, b.data, b.len);
	hub_drain(r->hub);
	watcher_open_from(r, &w, 0, &place);
	assert_true(w.resumed);
	RIG_UNTIL(r, w.data.len + w.gap == b.len);
	assert_int_equal(w.gaps, 1);
	assert_int_equal(w.data.len, 1u << 20);
	assert_memory_equal(w.data.data, b.data + b.len - w.data.len, w.data.len);
	buf_fini(&b);
	watcher_close(&w);
}

/* A place outlives the supervisor, and not the VM's run. */
static void test_resume_after_kill(void **state)
{
	struct rig *r = *state;
	struct console_place place;
	struct watcher w;

	rig_say(r, "one ");
	watcher_open(r, &w, 0);
	RIG_UNTIL(r, WATCHER_HAS(&w, "one "));
	place = console_client_place(w.c);
	rig_say(r, "two ");
	hub_free(r->hub);
	r->hub = NULL;
	RIG_UNTIL(r, w.closed);
	watcher_close(&w);
	close(r->guest);
	rig_hub(r, true);
	rig_say(r, "three");
	watcher_open_from(r, &w, 0, &place);
	assert_true(w.resumed);
	RIG_UNTIL(r, WATCHER_HAS(&w, "three"));
	assert_int_equal(w.first, 4);
	watcher_close(&w);
	hub_free(r->hub);
	close(r->guest);
	rig_hub(r, false);
	watcher_open_from(r, &w, 0, &place);
	assert_false(w.resumed);
	watcher_close(&w);
}

/* Who is there, which of them types, and which is oneself. */
static void test_watchers(void **state)
{
	struct rig *r = *state;
	struct watcher a, b;

	setenv("SSH_CONNECTION", "192.0.2.7 51034 198.51.100.1 22", 1);
	watcher_open(r, &a, CONSOLE_KEYBOARD);
	setenv("SSH_CONNECTION", "2001:db8::7%eth0\033[m 51034 198.51.100.1 22", 1);
	watcher_open(r, &b, CONSOLE_KEYBOARD);
	unsetenv("SSH_CONNECTION");
	RIG_UNTIL(r, a.who.clients == 2);
	assert_int_equal(a.who.n_watchers, 2);
	assert_true(a.watchers[0].you && a.watchers[0].keyboard && !a.watchers[0].reader);
	assert_false(a.watchers[1].you || a.watchers[1].keyboard);
	assert_true(b.watchers[1].you && b.watchers[0].keyboard);
	assert_non_null(strstr(a.watchers[0].name, " from 192.0.2.7"));
	assert_non_null(strstr(a.watchers[1].name, " from 2001:db8::7%eth0??m"));
	watcher_close(&b);
	RIG_UNTIL(r, a.who.clients == 1);
	watcher_close(&a);
}

/* The holder hears who asks, once a second at most; where nobody types, asking is enough. */
static void test_ask(void **state)
{
	struct rig *r = *state;
	struct watcher a, b;

	watcher_open(r, &a, CONSOLE_KEYBOARD);
	watcher_open(r, &b, 0);
	for (int i = 0; i < 5; i++)
		console_client_ask(b.c);
	RIG_UNTIL(r, a.asks > 0);
	for (int i = 0; i < 5; i++)
		rig_turn(r);
	assert_int_equal(a.asks, 1);
	assert_int_equal(b.asks, 0);
	assert_non_null(strchr(a.asker, '@'));
	assert_non_null(strstr(r->audit.data, " for the keyboard of console 0"));
	assert_true(a.who.mine);
	console_client_release(a.c);
	console_client_ask(b.c);
	RIG_UNTIL(r, b.who.mine);
	watcher_close(&a);
	watcher_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_replay_then_live, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_keys_need_the_keyboard, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_pause, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_the_end, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_free_inside_callback, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_broken_hub, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_resume, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_resume_gap, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_resume_after_kill, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_watchers, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_ask, rig_setup, rig_teardown),
	};
	return cmocka_run_group_tests_name("console_client", tests, NULL, NULL);
}
