#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/rate.h"

#define SECOND 1000000000ull

static void test_row(void **state)
{
	struct rate r = {0};
	uint64_t now = 5;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		assert_true(rate_take(&r, now, 3, SECOND));
	assert_false(rate_take(&r, now, 3, SECOND));
	assert_false(rate_take(&r, now + SECOND - 1, 3, SECOND));
	assert_int_equal(r.left_out, 2);
	assert_true(rate_take(&r, now + SECOND, 3, SECOND));
	assert_false(rate_take(&r, now + SECOND, 3, SECOND));
	/* Parts of a period are not lost. */
	assert_false(rate_take(&r, now + 3 * SECOND / 2 + SECOND / 4, 3, SECOND));
	assert_true(rate_take(&r, now + 2 * SECOND, 3, SECOND));
}

/* Rest gives all of them back, and no more. */
static void test_rest(void **state)
{
	struct rate r = {0};

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		assert_true(rate_take(&r, 1, 3, SECOND));
	for (unsigned i = 0; i < 3; i++)
		assert_true(rate_take(&r, 1000 * SECOND, 3, SECOND));
	assert_false(rate_take(&r, 1000 * SECOND, 3, SECOND));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_row),
	    cmocka_unit_test(test_rest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
