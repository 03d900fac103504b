/* offload: looks on threads; one that is stuck holds nobody up. */
#include "unit/cm.h"

#include <stdlib.h>
#include <unistd.h>

#include "core/mem.h"
#include "tui/offload.h"

struct look {
	struct loop *loop;
	int wait; /* -1 no; else it reads from here before it ends */
	int *worked, *done, *dropped;
	unsigned last; /* the loop stops after so many */
	int told;      /* a byte when it was dropped; -1 nobody asks */
};

static void work(void *arg)
{
	struct look *l = arg;
	char c;
	if (l->wait >= 0)
		(void)!read(l->wait, &c, 1);
	__atomic_add_fetch(l->worked, 1, __ATOMIC_SEQ_CST);
}

static void done(void *arg)
{
	struct look *l = arg;
	if (++*l->done == (int)l->last)
		loop_stop(l->loop);
	free(l);
}

static void drop(void *arg)
{
	struct look *l = arg;
	__atomic_add_fetch(l->dropped, 1, __ATOMIC_SEQ_CST);
	if (l->told >= 0)
		(void)!write(l->told, "x", 1);
	free(l);
}

static const struct offload_ops ops = {work, done, drop};

static struct look *look(struct loop *l, int wait, int counts[3], unsigned last)
{
	struct look *k = xcalloc(1, sizeof(*k));
	*k = (struct look){l, wait, &counts[0], &counts[1], &counts[2], last, -1};
	return k;
}

static void results_come_back_on_the_loop(void **state)
{
	struct loop *l = loop_new();
	struct offload *o = offload_new(l);
	int counts[3] = {0};
	(void)state;
	for (int i = 0; i < 5; i++)
		assert_true(offload_run(o, &ops, look(l, -1, counts, 5)));
	loop_run(l);
	assert_int_equal(counts[0], 5);
	assert_int_equal(counts[1], 5);
	offload_free(o);
	loop_free(l);
	assert_int_equal(counts[2], 0);
}

static void what_is_stuck_holds_nobody_up(void **state)
{
	struct loop *l = loop_new();
	struct offload *o = offload_new(l);
	int counts[3] = {0}, p[2], told[2];
	struct look *more;
	char c;
	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(pipe(told), 0);
	for (int i = 0; i < OFFLOAD_MAX - 1; i++) {
		struct look *k = look(l, p[0], counts, 0);
		k->told = told[1];
		assert_true(offload_run(o, &ops, k));
	}
	assert_true(offload_run(o, &ops, look(l, -1, counts, 1)));
	loop_run(l);
	assert_int_equal(counts[1], 1);
	/* One more gets stuck: that is all there may be. */
	more = look(l, p[0], counts, 0);
	more->told = told[1];
	assert_true(offload_run(o, &ops, more));
	more = look(l, -1, counts, 0);
	assert_false(offload_run(o, &ops, more));
	free(more);
	/* The dashboard ends and does not wait. */
	offload_free(o);
	loop_free(l);
	assert_int_equal(counts[2], 0);
	close(p[1]);
	for (int i = 0; i < OFFLOAD_MAX; i++)
		assert_int_equal(read(told[0], &c, 1), 1);
	assert_int_equal(counts[2], OFFLOAD_MAX);
	close(p[0]);
	close(told[0]);
	close(told[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(results_come_back_on_the_loop),
	    cmocka_unit_test(what_is_stuck_holds_nobody_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
