/* log_time: points in time as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "cli/log_time.h"
#include "core/mem.h"

#define NS 1000000000ull
/* 2026-11-21 10:48:05 in UTC. */
#define NOW 1795258085ull
#define MIDNIGHT (1795258085ull - 10 * 3600 - 48 * 60 - 5)

static void test_times(void **state)
{
	static const struct {
		const char *text;
		uint64_t seconds;
	} cases[] = {
	    {"now", NOW},
	    {"2h", NOW - 7200},
	    {"-2h", NOW - 7200},
	    {"90s", NOW - 90},
	    {"1d 12h", NOW - 36 * 3600},
	    {"1h30m", NOW - 5400},
	    {"2 hours ago", NOW - 7200},
	    {"3w", NOW - 21 * 86400},
	    {"today", MIDNIGHT},
	    {"yesterday", MIDNIGHT - 86400},
	    {"10:00", MIDNIGHT + 36000},
	    {"10:00:30", MIDNIGHT + 36030},
	    {"2026-11-20", MIDNIGHT - 86400},
	    {"2026-11-20 10:00", MIDNIGHT - 86400 + 36000},
	    {"2026-11-20T10:00:05Z", MIDNIGHT - 86400 + 36005},
	    {"2026-11-20T10:00:05.123Z", MIDNIGHT - 86400 + 36005},
	    {"@1000", 1000},
	    {"999w", NOW > 999 * 604800ull ? NOW - 999 * 604800ull : 0},
	};

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = {0};
		uint64_t ns = 1;

		if (log_time_parse(cases[i].text, NOW * NS, &ns, &err) < 0)
			fail_msg("%s", err.msg);
		if (ns != cases[i].seconds * NS)
			fail_msg("'%s': %llu", cases[i].text, (unsigned long long)(ns / NS));
	}
}

static void test_local(void **state)
{
	uint64_t ns = 0;

	(void)state;
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	assert_int_equal(log_time_parse("2026-11-20 10:00", NOW * NS, &ns, NULL), 0);
	assert_true(ns == (MIDNIGHT - 86400 + 9 * 3600) * NS);
	assert_int_equal(log_time_parse("2026-07-20 10:00", NOW * NS, &ns, NULL), 0);
	assert_int_equal(ns / NS % 86400, 8 * 3600);
}

static void test_refused(void **state)
{
	static const char *const words[] = {"", "soon", "2", "2x", "h", "2026-11-31", "2026-13-01",
	    "25:00", "10:00 tomorrow", "99999999999h", "@", "@x", "-", "ago", "2h ago ago"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct err err = {0};
		uint64_t ns;

		if (log_time_parse(words[i], NOW * NS, &ns, &err) == 0)
			fail_msg("'%s' was taken", words[i]);
		assert_int_equal(err.code, ERR_USAGE);
		assert_non_null(strstr(err.msg, "is no time"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_times),
	    cmocka_unit_test(test_local),
	    cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests_name("log_time", tests, NULL, NULL);
}
