#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/units.h"

static void test_good(void **state)
{
	(void)state;
	static const struct {
		const char *number, *unit;
		uint64_t kib;
	} cases[] = {
	    {"1048576", NULL, 1048576},
	    {" 2\n", "GiB", 2u << 20},
	    {"2", "g", 2u << 20},
	    {"1", "b", 1},
	    {"1025", "bytes", 2},
	    {"0", "KiB", 0},
	    {"512", "m", 512u << 10},
	    {"1", "MB", 977},
	    {"1", "KB", 1},
	    {"3", "TiB", 3ull << 30},
	    {"1", "kib", 1},
	    {"16", "T", 16ull << 30},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint64_t kib = 99;
		struct err err = {0};
		if (units_kib(cases[i].number, cases[i].unit, 1ull << 40, &kib, &err) < 0)
			fail_msg("%s %s: %s", cases[i].number, cases[i].unit, err.msg);
		assert_true(kib == cases[i].kib);
	}
}

static void test_bad(void **state)
{
	(void)state;
	static const struct {
		const char *number, *unit, *words;
	} cases[] = {
	    {"-1", "KiB", "'-1' is not a whole positive number"},
	    {"", "KiB", "'' is not a whole positive number"},
	    {"1.5", "GiB", "'1.5' is not"},
	    {"1 2", NULL, "'1 2' is not"},
	    {"0x10", NULL, "'0x10' is not"},
	    {"1", "XiB", "unknown unit 'XiB'"},
	    {"1", "KIBI", "unknown unit"},
	    {"1", "k\x01", "unknown unit 'k\\x01'"},
	    {"18446744073709551615", "KiB", "too large"},
	    {"18446744073709551616", "b", "too large"},
	    {"17", "EiB", "too large"},
	    {"5", "GiB", "too large, at most 4294967296 bytes"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint64_t kib = 99;
		struct err err = {0};
		assert_int_equal(
		    units_kib(cases[i].number, cases[i].unit, 4u << 20, &kib, &err), -1);
		assert_true(kib == 99);
		if (strstr(err.msg, cases[i].words) == NULL)
			fail_msg("'%s' does not say '%s'", err.msg, cases[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),
	    cmocka_unit_test(test_bad),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
