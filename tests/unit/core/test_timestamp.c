#include "unit/cm.h"

#include <time.h>

#include "core/timestamp.h"

static void parsed(void **state)
{
	static const char *const bad[] = {"", "tomorrow", "2026-11-21", "2026-11-21T10:48",
	    "2026-02-31T00:00:00", "2026-11-21T10:48:00+01:00", "2026-11-21T10:48:00Zx",
	    "1969-01-01T00:00:00"};
	uint64_t s = 7;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(timestamp_from_xml(bad[i], &s), -1);
	assert_int_equal(s, 7);
	assert_int_equal(timestamp_from_xml("2026-11-21T10:48:00", &s), 0);
	assert_int_equal(s, 1795258080);
	assert_int_equal(timestamp_from_xml("1970-01-01T00:00:01Z", &s), 0);
	assert_int_equal(s, 1);
}

static void formatted(void **state)
{
	char text[TIMESTAMP_MAX];
	(void)state;
	timestamp_format(1795258080123456789u, text);
	assert_string_equal(text, "2026-11-21T10:48:00.123Z");
}

static void local(void **state)
{
	char text[32] = "x", small[4] = "x";
	(void)state;
	setenv("TZ", "XXX-2", 1);
	tzset();
	timestamp_local(1795258080, TIMESTAMP_LOCAL, text, sizeof(text));
	assert_string_equal(text, "2026-11-21 12:48:00");
	timestamp_local(1795258080, TIMESTAMP_LOCAL, small, sizeof(small));
	assert_string_equal(small, "");
	timestamp_local(UINT64_MAX >> 1, TIMESTAMP_LOCAL, text, sizeof(text));
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(parsed), cmocka_unit_test(formatted), cmocka_unit_test(local)};
	return cmocka_run_group_tests_name("timestamp", tests, NULL, NULL);
}
