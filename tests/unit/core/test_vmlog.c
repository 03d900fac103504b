/* vmlog: three files as one story. */
#include "unit/cm.h"

#include <string.h>

#include "core/vmlog.h"

static const char qemu[] =
    "# 2026-11-21T10:00:02.000Z: start of 'a'\n/usr/bin/qemu \\\n-S \\\n-msg x\n# QEMU's own words:\n"
    "2026-11-21T10:00:03.500000Z qemu: warning: \x1b[31mred\n  and more\n";

static void test_story(void **state)
{
	(void)state;
	static const char audit[] = "cut\n2026-11-21T10:00:01.000Z who=root what=start\n\n"
	                            "2026-11-21T10:00:04.000Z who=root what=destroy\n";
	static const struct {
		const char *when;
		enum vmlog_source source;
		const char *text;
	} want[] = {
	    {"2026-11-21T10:00:01.000Z", VMLOG_AUDIT, "who=root what=start"},
	    {"2026-11-21T10:00:02.000Z", VMLOG_QEMU, "start of 'a'"},
	    {"2026-11-21T10:00:03.500000Z", VMLOG_QEMU, "qemu: warning: \\x1b[31mred"},
	    {"2026-11-21T10:00:03.500000Z", VMLOG_QEMU, "  and more"},
	    {"2026-11-21T10:00:04.000Z", VMLOG_AUDIT, "who=root what=destroy"},
	};
	struct vmlog log = {0};
	vmlog_add(&log, VMLOG_AUDIT, audit, sizeof audit - 1, 1);
	vmlog_add(&log, VMLOG_QEMU, qemu, sizeof qemu - 1, 0);
	vmlog_sort(&log);
	assert_int_equal(log.n, sizeof want / sizeof want[0]);
	for (size_t i = 0; i < log.n; i++) {
		assert_string_equal(log.lines[i].when, want[i].when);
		assert_int_equal(log.lines[i].source, want[i].source);
		assert_string_equal(log.lines[i].text, want[i].text);
	}
	vmlog_fini(&log);
}

static void test_odd_times(void **state)
{
	(void)state;
	static const char text[] =
	    "2026-11-21T10:00:01.\n2026-11-21T10:00:01.123\n"
	    "2026-11-21T10:00:01.99999999999999999999999999999999999999Z x\n";
	struct vmlog log = {0};
	vmlog_add(&log, VMLOG_SUPERVISOR, text, sizeof text - 1, 0);
	assert_int_equal(log.n, 3);
	for (size_t i = 0; i < log.n; i++)
		assert_string_equal(log.lines[i].when, "");
	vmlog_fini(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_story),
	    cmocka_unit_test(test_odd_times),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
