#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/numset.h"

static void test_good(void **state)
{
	(void)state;
	static const struct {
		const char *text, *same;
		unsigned count, last;
	} cases[] = {
	    {"0", "0", 1, 0},
	    {" 3 , 1-2\n", "1-3", 3, 3},
	    {"0-3,^2,8", "0-1,3,8", 4, 8},
	    {"63,64,65-66", "63-66", 4, 66},
	    {"5,5,4-6", "4-6", 3, 6},
	    {"1-4,8-20,525", "1-4,8-20,525", 18, 525},
	    {"0,16383", "0,16383", 2, 16383},
	    {"^5,5", "5", 1, 5},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct numset s;
		struct err err = {0};
		if (numset_parse(cases[i].text, NUMSET_MAX, &s, &err) < 0)
			fail_msg("%s: %s", cases[i].text, err.msg);
		char *text = numset_format(&s, ",");
		assert_string_equal(text, cases[i].same);
		assert_int_equal(numset_count(&s), cases[i].count);
		assert_int_equal(numset_last(&s), cases[i].last);
		free(text);
		numset_fini(&s);
	}
}

static void test_bad(void **state)
{
	(void)state;
	static const char *const cases[] = {"", ",", "1,", "a", "-1", "3-1", "0-", "1 2", "0,^0",
	    "^0", "64", "0-64", "99999999999999999999", "1--2"};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct numset s;
		struct err err = {0};
		if (numset_parse(cases[i], 64, &s, &err) == 0)
			fail_msg("'%s' was accepted", cases[i]);
		assert_null(s.words);
		assert_int_equal(err.code, ERR_INVALID);
	}
}

static void test_walk(void **state)
{
	(void)state;
	struct numset a = {0}, b = {0};
	assert_true(numset_empty(&a));
	assert_int_equal(numset_last(&a), NUMSET_MAX);
	numset_add(&a, 3);
	numset_add(&a, 700);
	numset_add(&b, 4);
	assert_int_equal(numset_next(&a, 0), 3);
	assert_int_equal(numset_next(&a, 4), 700);
	assert_int_equal(numset_next(&a, 701), NUMSET_MAX);
	assert_int_equal(numset_common(&a, &b), NUMSET_MAX);
	numset_add_all(&b, &a);
	assert_int_equal(numset_common(&a, &b), 3);
	assert_true(numset_has(&b, 700));
	assert_false(numset_has(&b, 16000));
	numset_fini(&a);
	numset_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),
	    cmocka_unit_test(test_bad),
	    cmocka_unit_test(test_walk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
