/* Keys typed without staying: the keyboard is taken for them alone. */
#include "unit/serial/rig.h"

#include "core/loop.h"
#include "serial/console_type.h"

struct typed {
	unsigned times;
	bool failed;
	struct err why;
};

static void on_typed(void *arg, const struct err *why)
{
	struct typed *t = arg;
	t->times++;
	t->failed = why != NULL;
	if (why)
		t->why = *why;
}

static struct console_typist *type(struct rig *r, const struct console_keys *k, struct typed *t)
{
	struct err err = {0};
	memset(t, 0, sizeof(*t));
	struct console_typist *c = console_type(r->loop, &r->home, "web1", 0, k, on_typed, t, &err);
	assert_non_null(c);
	RIG_UNTIL(r, t->times > 0);
	return c;
}

static void test_free_keyboard(void **state)
{
	struct rig *r = *state;
	struct buf b = BUF_INIT;
	struct typed t;
	struct hub_facts f;
	CLEANUP_FREE char *much = xcalloc(1, 60000);
	memset(much, 'k', 60000);
	struct console_typist *c = type(r, &(struct console_keys){.p = much, .n = 60000}, &t);
	assert_false(t.failed);
	RIG_UNTIL(r, (rig_hear(r, &b), b.len == 60000));
	hub_facts(r->hub, &f);
	assert_string_equal(f.holder, "");
	console_typist_free(c);
	rig_turn(r);
	assert_int_equal(t.times, 1);
	buf_fini(&b);
}

static int ready_calls;

static int refuse(void *arg, struct err *err)
{
	struct rig *r = arg;
	struct hub_facts f;
	ready_calls++;
	hub_facts(r->hub, &f);
	assert_string_not_equal(f.holder, "");
	return err_set(err, ERR_FAIL, "not now");
}

static void test_held_keyboard(void **state)
{
	struct rig *r = *state;
	struct buf b = BUF_INIT;
	struct typed t;
	struct watcher w;
	const struct console_keys keys = {.p = "b", .n = 1, .ready = refuse, .arg = r};
	ready_calls = 0;
	watcher_open(r, &w, CONSOLE_KEYBOARD);
	struct console_typist *c = type(r, &keys, &t);
	assert_true(t.failed);
	assert_int_equal(t.why.code, ERR_BUSY);
	assert_non_null(strstr(t.why.msg, "the keyboard of 'web1' is held by "));
	assert_non_null(strstr(t.why.msg, w.who.holder));
	assert_non_null(strstr(t.why.msg, "--force"));
	assert_int_equal(ready_calls, 0); /* nothing happens before the keyboard is ours */
	assert_true(w.who.mine);
	console_typist_free(c);

	c = type(r, &(struct console_keys){.p = "x", .n = 1, .force = true}, &t);
	assert_false(t.failed);
	RIG_UNTIL(r, (rig_hear(r, &b), b.len > 0));
	assert_string_equal(b.data, "x");
	RIG_UNTIL(r, !w.who.mine);
	console_typist_free(c);

	c = type(r, &keys, &t);
	assert_true(t.failed);
	assert_string_equal(t.why.msg, "not now");
	assert_int_equal(ready_calls, 1);
	console_typist_free(c);
	rig_turn(r);
	rig_hear(r, &b);
	assert_string_equal(b.data, "x");
	watcher_close(&w);
	buf_fini(&b);
}

static void test_no_console(void **state)
{
	struct rig *r = *state;
	struct typed t = {0};
	struct err err = {0};
	const struct console_keys keys = {.p = "x", .n = 1};
	assert_null(console_type(r->loop, &r->home, "web2", 0, &keys, on_typed, &t, &err));
	assert_int_equal(err.code, ERR_STATE);
	struct console_typist *c =
	    console_type(r->loop, &r->home, "web1", 0, &keys, on_typed, &t, &err);
	hub_free(r->hub);
	r->hub = NULL;
	RIG_UNTIL(r, t.times > 0);
	assert_true(t.failed);
	assert_int_equal(t.why.code, ERR_STATE);
	console_typist_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_free_keyboard, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_held_keyboard, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_no_console, rig_setup, rig_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
