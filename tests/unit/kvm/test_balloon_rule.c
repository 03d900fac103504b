#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kvm/balloon_rule.h"

#define MIB 1024ull
#define GIB (1024ull * MIB)

/* A host of which 4 GiB are reserved, and a guest of 4 GiB that has 2 GiB to spare, the only one. */
static const struct balloon_in base = {.available_kib = 8 * GIB,
    .reserve_kib = 4 * GIB,
    .now_kib = 4 * GIB,
    .floor_kib = 1 * GIB,
    .ceiling_kib = 8 * GIB,
    .guest_available_kib = 2 * GIB,
    .spare_kib = 2 * GIB,
    .guests = 1};

static void test_content(void **state)
{
	(void)state;
	struct balloon_in in = base;
	assert_int_equal(balloon_wanted(&in), in.now_kib);
	in.reserve_kib = 0;
	in.available_kib = 0;
	assert_int_equal(balloon_wanted(&in), in.now_kib);
	in = base;
	in.guest_available_kib = 0; /* it does not tell */
	in.available_kib = 0;
	assert_int_equal(balloon_wanted(&in), in.now_kib);
}

static void test_shrinks(void **state)
{
	(void)state;
	struct balloon_in in = base;
	in.available_kib = 4 * GIB - 300 * MIB;
	assert_int_equal(balloon_wanted(&in), 4 * GIB - 300 * MIB);
	/* Others have as much to spare: half of it is theirs. */
	in.spare_kib = 4 * GIB;
	assert_int_equal(balloon_wanted(&in), 4 * GIB - 150 * MIB);
	/* No more than a step. */
	in = base;
	in.available_kib = 0;
	assert_int_equal(balloon_wanted(&in), 4 * GIB - 512 * MIB);
	/* Never below the floor. */
	in.floor_kib = 4 * GIB - 100 * MIB;
	assert_int_equal(balloon_wanted(&in), in.floor_kib);
	in.floor_kib = 5 * GIB;
	assert_int_equal(balloon_wanted(&in), in.now_kib);
	/* A guest that needs what it has keeps it. */
	in = base;
	in.available_kib = 0;
	in.guest_available_kib = 600 * MIB;
	assert_int_equal(balloon_wanted(&in), 4 * GIB - 88 * MIB);
	in.guest_available_kib = 512 * MIB;
	assert_int_equal(balloon_wanted(&in), in.now_kib);
	/* A little is nothing. */
	in = base;
	in.available_kib = 4 * GIB - 15 * MIB;
	assert_int_equal(balloon_wanted(&in), in.now_kib);
	/* The others' figures are older than its own. */
	in.available_kib = 4 * GIB - 300 * MIB;
	in.spare_kib = 1 * GIB;
	assert_int_equal(balloon_wanted(&in), 4 * GIB - 300 * MIB);
}

static void test_pressure(void **state)
{
	(void)state;
	struct balloon_in in = base;
	in.pressure = BALLOON_PRESSURE - 1;
	assert_int_equal(balloon_wanted(&in), in.now_kib);
	in.pressure = BALLOON_PRESSURE;
	assert_int_equal(balloon_wanted(&in), 4 * GIB - 512 * MIB);
}

static void test_grows(void **state)
{
	(void)state;
	struct balloon_in in = base;
	in.guest_available_kib = 200 * MIB;
	assert_int_equal(balloon_wanted(&in), 4 * GIB + 512 * MIB);
	/* Its part of what there is beyond the reserve and a margin, so that it does not shrink again at once. */
	in.available_kib = 4 * GIB + 512 * MIB + 200 * MIB;
	in.guests = 2;
	assert_int_equal(balloon_wanted(&in), 4 * GIB + 100 * MIB);
	in.available_kib = 4 * GIB + 512 * MIB;
	assert_int_equal(balloon_wanted(&in), in.now_kib);
	in = base;
	in.guest_available_kib = 200 * MIB;
	in.ceiling_kib = 4 * GIB + 100 * MIB;
	assert_int_equal(balloon_wanted(&in), in.ceiling_kib);
	in.ceiling_kib = 3 * GIB;
	assert_int_equal(balloon_wanted(&in), in.now_kib);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_content),
	    cmocka_unit_test(test_shrinks),
	    cmocka_unit_test(test_pressure),
	    cmocka_unit_test(test_grows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
