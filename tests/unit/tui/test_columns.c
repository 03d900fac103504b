/* columns, on a sheet: what stays where room is short. */
#include "unit/cm.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "tui/columns.h"

static const struct column table[] = {
    {.title = "NAME", .width = 6, .most = 20},
    {.title = "SIZE", .width = 5, .right = true, .rank = 1},
    {.title = "FORMAT", .width = 6, .rank = 3},
    {.title = "PATH", .width = 8, .most = 30, .rank = 2},
};
static const struct column_cell cells[] = {{.text = "web1.qcow2"}, {.text = "20G"},
    {.text = "qcow2"}, {.text = "/var/lib/hvmux/images/web1.qcow2", .tail = true}};

static char *drawn(int cols, bool utf8, int sorted)
{
	struct sheet s = {0};
	struct columns c;
	char *text;
	sheet_init(&s, 2, cols, utf8);
	columns_place(&c, table, ARRAY_LEN(table), cols, 1);
	columns_titles(&c, &s, 0, sorted, false);
	columns_row(&c, &s, 1, cells);
	text = sheet_dump(&s, false);
	sheet_fini(&s);
	return text;
}

static void check(int cols, bool utf8, const char *want)
{
	CLEANUP_FREE char *got = drawn(cols, utf8, -1);
	assert_string_equal(got, want);
}

static void the_least_goes_first(void **state)
{
	(void)state;
	check(64, true,
	    " NAME                  SIZE FORMAT PATH\n"
	    " web1.qcow2             20G qcow2  …lib/hvmux/images/web1.qcow2\n");
	check(30, true,
	    " NAME    SIZE FORMAT PATH\n"
	    " web1.…   20G qcow2  …1.qcow2\n");
	check(24, true, " NAME     SIZE PATH\n web1.q…   20G …1.qcow2\n");
	check(14, true, " NAME    SIZE\n web1.…   20G\n");
	check(4, true, " N…\n w…\n");
	check(0, true, "\n\n");
}

static void without_utf8(void **state)
{
	CLEANUP_FREE char *sorted = drawn(30, false, 1);
	(void)state;
	check(14, false, " NAME    SIZE\n web1.~   20G\n");
	assert_non_null(strstr(sorted, "SIZE^"));
}

static void wide_characters_keep_their_columns(void **state)
{
	struct sheet s = {0};
	(void)state;
	sheet_init(&s, 2, 6, true);
	sheet_field(&s, 0, 0, 5, STYLE_NORMAL, "漢字漢字");
	sheet_tail(&s, 1, 0, 4, STYLE_BAD, "漢字x");
	CLEANUP_FREE char *got = sheet_dump(&s, true);
	assert_string_equal(got, "漢字…\n…字x\n  1 BBBB\n");
	sheet_fini(&s);
}

static void nothing_is_drawn_outside(void **state)
{
	struct sheet s = {0};
	(void)state;
	sheet_init(&s, 1, 3, true);
	sheet_text(&s, 0, 2, 9, STYLE_NORMAL, "abc");
	sheet_text(&s, 1, 0, 9, STYLE_NORMAL, "abc");
	sheet_text(&s, -1, 0, 9, STYLE_NORMAL, "abc");
	sheet_bar(&s, 0, -2, 4, STYLE_NORMAL, 1, 1);
	sheet_reverse(&s, 7);
	CLEANUP_FREE char *got = sheet_dump(&s, false);
	assert_string_equal(got, "██a\n");
	sheet_init(&s, -1, 2000, true);
	assert_int_equal(s.rows, 0);
	sheet_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_least_goes_first),
	    cmocka_unit_test(without_utf8),
	    cmocka_unit_test(wide_characters_keep_their_columns),
	    cmocka_unit_test(nothing_is_drawn_outside),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
