#include "unit/cm.h"

#include "disk/twice.h"

static void test_find(void **state)
{
	(void)state;
	static const struct {
		uint64_t words[6], mask, says;
	} cases[] = {
	    {{0, 0, 0, 0, 0, 0}, UINT64_MAX, 0},
	    {{1, 2, 0, 3, 4, 5}, UINT64_MAX, 0},
	    {{5, 4, 3, 2, 1, 0}, UINT64_MAX, 0},
	    {{7, 0, 7, 0, 0, 0}, UINT64_MAX, 7},
	    {{9, 1, 8, 2, 9, 3}, UINT64_MAX, 9},
	    {{0x100, 0x201, 0x101, 0, 0, 0}, 0xf00, 0x100},
	    {{1, 2, 3, 0, 0, 0}, 0xf00, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(twice_find(cases[i].words, 6, cases[i].mask), cases[i].says);
	assert_int_equal(twice_find(NULL, 0, UINT64_MAX), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_find)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
