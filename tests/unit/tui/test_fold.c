/* fold: long lines in several rows. */
#include "unit/cm.h"

#include <string.h>

#include "tui/fold.h"

static void expect(const char *text, unsigned width, unsigned hang, const char *want)
{
	struct buf out = BUF_INIT;
	fold_text(text, strlen(text), width, hang, &out);
	buf_addc(&out, '\0');
	assert_string_equal(out.data, want);
	buf_fini(&out);
}

static void short_lines_stay(void **state)
{
	(void)state;
	expect("  a   one\n\nHeading\n", 20, 6, "  a   one\n\nHeading\n");
	expect("12345678901234567890", 20, 6, "12345678901234567890");
}

static void long_lines_go_on_under_their_words(void **state)
{
	(void)state;
	expect("  a   one two three four", 20, 6, "  a   one two three\n      four");
	expect("one two three four five\n", 20, 6, "one two three four\nfive\n");
}

static void a_word_that_is_wider_stays_whole(void **state)
{
	(void)state;
	expect("  a   1234567890123456789012345 b", 20, 6,
	    "  a\n      1234567890123456789012345\n      b");
	expect("1234567890123456789012345", 20, 6, "1234567890123456789012345");
}

/* Columns, not bytes. */
static void characters_count_by_their_width(void **state)
{
	(void)state;
	expect("↑↑↑↑↑↑↑↑↑↑ ↑↑↑↑↑↑↑↑↑", 20, 6, "↑↑↑↑↑↑↑↑↑↑ ↑↑↑↑↑↑↑↑↑");
	expect("漢字漢字漢字 漢字漢字", 20, 6, "漢字漢字漢字\n漢字漢字");
}

/* A terminal of a few columns gets rows that can be scrolled sideways. */
static void no_narrower_than_a_minimum(void **state)
{
	(void)state;
	expect("one two three four five", 3, 6, "one two three four\nfive");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(short_lines_stay),
	    cmocka_unit_test(long_lines_go_on_under_their_words),
	    cmocka_unit_test(a_word_that_is_wider_stays_whole),
	    cmocka_unit_test(characters_count_by_their_width),
	    cmocka_unit_test(no_narrower_than_a_minimum),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
