/* screen_part: which part of a guest's screen is shown where not all of it fits. */
#include "unit/cm.h"

#include "tui/screen_part.h"

static struct vt_screen *screen_of(const char *text)
{
	struct vt_screen *s = vt_screen_new(24, 80, 0, NULL, NULL);
	vt_screen_feed(s, (const uint8_t *)text, strlen(text));
	return s;
}

static void expect(const char *text, unsigned height, unsigned width, unsigned row, unsigned col,
    unsigned rows, unsigned cols)
{
	struct vt_screen *s = screen_of(text);
	struct screen_part p;
	screen_part_find(s, height, width, &p);
	assert_int_equal(p.row, row);
	assert_int_equal(p.col, col);
	assert_int_equal(p.rows, rows);
	assert_int_equal(p.cols, cols);
	vt_screen_free(s);
}

static void all_where_it_fits(void **state)
{
	(void)state;
	expect("hello", 24, 80, 0, 0, 24, 80);
	expect("hello", 40, 100, 0, 0, 24, 80);
}

static void the_end_of_the_text(void **state)
{
	(void)state;
	expect("a\r\nb\r\nc\r\nd\r\n$ ", 3, 40, 2, 0, 3, 40);
	expect("a", 3, 40, 0, 0, 3, 40);
	/* Text below the cursor counts, too, as long as the cursor is in sight. */
	expect("\033[20;1Hstatus\033[18;1H", 4, 40, 16, 0, 4, 40);
	expect("\033[24;1H-- INSERT --\033[3;1H", 4, 40, 2, 0, 4, 40);
	/* A coloured bar is text. */
	expect("\033[24;1H\033[44m \033[m\033[22;1H", 5, 40, 19, 0, 5, 40);
}

static void the_columns_with_the_cursor(void **state)
{
	(void)state;
	expect("\033[1;40H", 24, 40, 0, 0, 24, 40);
	expect("\033[1;41H", 24, 40, 0, 20, 24, 40);
	expect("\033[1;60H", 24, 40, 0, 20, 24, 40);
	expect("\033[1;61H", 24, 40, 0, 40, 24, 40);
	expect("\033[1;80H", 24, 30, 0, 50, 24, 30);
	expect("\033[1;80H", 24, 1, 0, 79, 24, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_where_it_fits),
	    cmocka_unit_test(the_end_of_the_text),
	    cmocka_unit_test(the_columns_with_the_cursor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
