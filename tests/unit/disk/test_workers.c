#include "disk/workers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/mem.h"

#define ITEMS 5
#define MANY 2000

struct item {
	unsigned number, value;
};
static struct item items[ITEMS];
static unsigned placed, fails_at;
static atomic_uint finished, in_place, seen[MANY];
static unsigned order_broken;

static int work(void *arg, unsigned thread, struct err *err)
{
	struct item *i = arg;
	assert_true(thread < 4);
	/* Of very different length, so that the order has to be kept by somebody. */
	volatile unsigned v = 0;
	for (unsigned k = 0; k < (i->number * 7919u) % 20000; k++)
		v = v + k;
	i->value = i->number * 2;
	if (i->number == fails_at)
		return err_set(err, ERR_IO, "item %u", i->number);
	return 0;
}

static int place(void *arg, struct err *err)
{
	struct item *i = arg;
	(void)err;
	if (atomic_fetch_add(&in_place, 1) != 0 || i->number != placed || i->value != 2 * placed)
		order_broken++;
	placed++;
	atomic_fetch_sub(&in_place, 1);
	return 0;
}

static int finish(void *arg, struct err *err)
{
	struct item *i = arg;
	(void)err;
	atomic_fetch_add(&seen[i->number], 1);
	atomic_fetch_add(&finished, 1);
	return 0;
}

static int run(unsigned threads, unsigned fails, struct err *err)
{
	static const struct workers_steps steps = {work, place, finish};
	void *list[ITEMS];
	placed = order_broken = 0;
	fails_at = fails;
	atomic_store(&finished, 0);
	for (unsigned i = 0; i < MANY; i++)
		atomic_store(&seen[i], 0);
	for (unsigned i = 0; i < ITEMS; i++)
		list[i] = &items[i];
	struct workers *w = workers_new(&steps, threads, list, ITEMS);
	for (unsigned i = 0; i < MANY; i++) {
		struct item *item = workers_take(w);
		if (!item)
			break;
		item->number = i;
		workers_give(w);
	}
	int r = workers_end(w, err);
	workers_free(w);
	return r;
}

static void order_is_kept(void **state)
{
	(void)state;
	struct err err = {0};
	for (unsigned threads = 1; threads <= 4; threads++) {
		assert_int_equal(run(threads, MANY, &err), 0);
		assert_int_equal(order_broken, 0);
		assert_int_equal(placed, MANY);
		for (unsigned i = 0; i < MANY; i++)
			assert_int_equal(atomic_load(&seen[i]), 1);
	}
}

static void the_first_error_ends_it(void **state)
{
	(void)state;
	for (unsigned threads = 1; threads <= 4; threads++) {
		struct err err = {0};
		assert_int_equal(run(threads, 1000, &err), -1);
		assert_string_equal(err.msg, "item 1000");
		assert_int_equal(err.code, ERR_IO);
		assert_true(placed <= 1001 && atomic_load(&finished) <= 1000);
		assert_int_equal(order_broken, 0);
	}
}

static void nothing_to_do(void **state)
{
	(void)state;
	static const struct workers_steps steps = {work, place, finish};
	void *list[] = {&items[0]};
	struct workers *w = workers_new(&steps, 1, list, 1);
	assert_int_equal(workers_end(w, NULL), 0);
	workers_free(w);
	w = workers_new(&steps, 1, list, 1);
	assert_non_null(workers_take(w)); /* taken and not given */
	workers_free(w);
	workers_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(order_is_kept),
	    cmocka_unit_test(the_first_error_ends_it),
	    cmocka_unit_test(nothing_to_do),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
