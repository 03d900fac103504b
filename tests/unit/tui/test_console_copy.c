/* console_copy: what a selection holds as text. */
#include "unit/cm.h"

#include "tui/console_copy.h"

static struct vt_screen *screen;

static struct vt_place at(unsigned line, unsigned col)
{
	struct vt_place p = {0};
	assert_true(vt_screen_place(screen, vt_screen_first_line(screen) + line, col, &p));
	return p;
}

static void expect(struct vt_place a, struct vt_place b, bool whole, const char *want)
{
	struct buf out = BUF_INIT;
	console_copy_text(screen, a, b, whole, &out);
	assert_string_equal(out.data ? out.data : "", want);
	buf_clear(&out);
	console_copy_text(screen, b, a, whole, &out);
	assert_string_equal(out.data ? out.data : "", want);
	buf_fini(&out);
}

static int setup(void **state)
{
	static const char text[] = "one two\r\n1234567890wrapped\r\n\r\n"
	                           "\xe6\xbc\xa2\xe5\xad\x97 e\xcc\x81nd  \r\nlast";
	(void)state;
	screen = vt_screen_new(3, 10, 100, NULL, NULL);
	vt_screen_feed(screen, (const uint8_t *)text, sizeof(text) - 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vt_screen_free(screen);
	return 0;
}

static void characters(void **state)
{
	(void)state;
	expect(at(0, 4), at(0, 6), false, "two");
	expect(at(0, 4), at(0, 4), false, "t");
	expect(at(0, 4), at(0, 9), false, "two"); /* behind the line's end */
	expect(at(0, 4), at(1, 1), false, "two\n12");
	expect(at(1, 8), at(2, 2), false, "90wra"); /* one line that was wrapped */
	expect(at(3, 0), at(3, 9), false, "");
	expect(at(2, 4), at(4, 1), false, "ped\n\n\xe6\xbc\xa2");
	expect(at(4, 5), at(5, 9), false, "e\xcc\x81nd\nlast");
}

static void whole_lines(void **state)
{
	(void)state;
	expect(at(0, 4), at(0, 4), true, "one two\n");
	expect(at(2, 3), at(2, 3), true, "1234567890wrapped\n");
	expect(at(0, 9), at(3, 0), true, "one two\n1234567890wrapped\n\n");
}

static void lines_that_went(void **state)
{
	struct vt_place first = at(0, 4);
	(void)state;
	for (int i = 0; i < 200; i++)
		vt_screen_feed(screen, (const uint8_t *)"x\r\n", 3);
	struct buf out = BUF_INIT;
	console_copy_text(screen, first, at(1, 0), false, &out);
	assert_string_equal(out.data, "x\nx");
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(characters, setup, teardown),
	    cmocka_unit_test_setup_teardown(whole_lines, setup, teardown),
	    cmocka_unit_test_setup_teardown(lines_that_went, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
