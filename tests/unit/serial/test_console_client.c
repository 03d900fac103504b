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
	    {"\x02\0\0\0\x18\0\0\0\x07\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32},
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_replay_then_live, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_keys_need_the_keyboard, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_pause, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_the_end, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_free_inside_callback, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_broken_hub, rig_setup, rig_teardown),
	};
	return cmocka_run_group_tests_name("console_client", tests, NULL, NULL);
}
