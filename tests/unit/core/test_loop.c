#include "unit/cm.h"

#include "core/loop.h"

struct world {
	struct loop *loop;
	struct event *busy;
	int turns, freed, freed_at;
};

static void free_it(void *arg)
{
	struct world *w = arg;
	w->freed++;
	w->freed_at = w->turns;
}

static void on_busy(evutil_socket_t fd, short what, void *arg)
{
	struct world *w = arg;
	(void)fd;
	(void)what;
	if (w->turns++ == 0)
		loop_defer(w->loop, free_it, w);
	assert_int_equal(
	    w->freed, w->turns > 1); /* never inside the callback, always by the next */
	if (w->turns == 5)
		loop_stop(w->loop);
}

/* A descriptor that is always ready must not keep the dead from being reaped. */
static void test_reaps_under_load(void **state)
{
	(void)state;
	struct world w = {.loop = loop_new()};
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	w.busy = event_new(loop_base(w.loop), fds[0], EV_READ | EV_PERSIST, on_busy, &w);
	event_add(w.busy, NULL);
	loop_run(w.loop);
	assert_int_equal(w.freed, 1);
	assert_int_equal(w.freed_at, 1);
	event_free(w.busy);
	loop_free(w.loop);
	close(fds[0]);
	close(fds[1]);
}

static void chain(void *arg)
{
	struct world *w = arg;
	if (++w->freed < 3)
		loop_defer(w->loop, chain, w);
}

static void test_deferred_may_defer(void **state)
{
	(void)state;
	struct world w = {.loop = loop_new()};
	loop_defer(w.loop, chain, &w);
	loop_free(w.loop);
	assert_int_equal(w.freed, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_reaps_under_load),
	    cmocka_unit_test(test_deferred_may_defer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
