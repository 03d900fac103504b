/* Lines by number: the history beside a screen that is high enough to need none, through resizes, with marks of ours and
 * times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <malloc.h>
#include <cmocka.h>

#include "core/buf.h"
#include "core/mem.h"
#include "serial/vt_history.h"
#include "serial/vt_screen.h"

static struct vt_screen *with_text(
    unsigned rows, unsigned cols, unsigned scrollback, const char *text)
{
	struct vt_screen *s = vt_screen_new(rows, cols, scrollback, NULL, NULL);
	vt_screen_feed(s, (const uint8_t *)text, strlen(text));
	return s;
}

static void feed(struct vt_screen *s, const char *text)
{
	vt_screen_feed(s, (const uint8_t *)text, strlen(text));
}

static void add_line(const struct vt_screen *s, uint64_t line, struct buf *out)
{
	char text[VT_CELL_UTF8_MAX];
	const struct vt_cell *c = vt_screen_line(s, line);
	assert_non_null(c);
	size_t start = out->len, end = start;
	for (unsigned i = 0; i < vt_screen_cols(s); i++) {
		buf_add(out, text, vt_screen_cell_text(s, &c[i], text));
		if (c[i].fg || c[i].bg || c[i].attrs || c[i].underline)
			buf_addf(
			    out, "{%x %x %x %x}", c[i].fg, c[i].bg, c[i].attrs, c[i].underline);
		if (strcmp(text, " ") != 0)
			end = out->len;
	}
	out->len = end;
	buf_addc(out, '\n');
}

/* All lines that are kept, one a row, without the blank ones at the end. */
static char *all_lines(const struct vt_screen *s)
{
	struct buf out = BUF_INIT;
	for (uint64_t l = vt_screen_first_line(s); l <= vt_screen_last_line(s); l++)
		add_line(s, l, &out);
	while (out.len > 1 && out.data[out.len - 1] == '\n' && out.data[out.len - 2] == '\n')
		out.len--;
	buf_addc(&out, 0);
	return out.data;
}

static void expect_line(const struct vt_screen *s, uint64_t line, const char *want)
{
	struct buf b = BUF_INIT;
	add_line(s, line, &b);
	b.data[b.len - 1] = 0;
	assert_string_equal(b.data, want);
	buf_fini(&b);
}

static void expect_text(const struct vt_screen *s, uint64_t line, const char *want)
{
	struct vt_text t = {0};
	assert_true(vt_screen_line_text(s, line, &t));
	assert_string_equal(t.text, want);
	assert_int_equal(t.len, strlen(want));
	vt_text_fini(&t);
}

/* --- the same output on a low and on a high screen --- */

static unsigned random_next(unsigned *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return *seed >> 16 & 0x7FFF;
}

/* Text with colours, wide and combining characters and tabs, in lines of all lengths; nothing that moves the cursor. */
static char *random_text(unsigned seed, size_t bytes)
{
	static const char *const words[] = {"a", "word", "你好", "e\xcc\x81", "👩\xcc\x88",
	    "\033[31m", "\033[38;2;9;8;7m", "\033[m", " ", "\t", "\r\n", "\r\n", "\033[4:3;58;5;9m",
	    "longer-words-than-others", "é", "\033[1;7;38;5;200m"};
	struct buf b = BUF_INIT;
	while (b.len < bytes)
		buf_adds(&b, words[random_next(&seed) % ARRAY_LEN(words)]);
	return b.data;
}

static void test_history_is_what_a_high_screen_shows(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 30; seed++) {
		unsigned cols = 5 + seed;
		CLEANUP_FREE char *text = random_text(seed, 1500);
		struct vt_screen *low = with_text(3, cols, 1000, text),
		                 *high = with_text(500, cols, 0, text);
		CLEANUP_FREE char *have = all_lines(low), *want = all_lines(high);
		assert_string_equal(have, want);
		assert_true(vt_screen_history(low) > 10);
		vt_screen_free(low);
		vt_screen_free(high);
	}
}

static void test_a_resized_history_is_what_it_would_have_been(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 60; seed++) {
		unsigned cols = 4 + seed % 30, other = 4 + seed * 7 % 40, rows = 2 + seed % 5;
		/* A tab stops at the margin, so what it makes depends on the width. */
		CLEANUP_FREE char *text = random_text(seed, 1500);
		for (char *p = text; *p; p++)
			if (*p == '\t')
				*p = '-';
		struct vt_screen *s = with_text(rows, cols, 1000, text),
		                 *fresh = with_text(rows, other, 1000, text);
		vt_screen_resize(s, rows + seed % 3, other);
		CLEANUP_FREE char *have = all_lines(s), *want = all_lines(fresh);
		assert_string_equal(have, want);
		vt_screen_free(s);
		vt_screen_free(fresh);
	}
}

static void test_there_and_back_again(void **state)
{
	(void)state;
	CLEANUP_FREE char *text = random_text(7, 4000);
	struct vt_screen *s = with_text(6, 40, 1000, text);
	CLEANUP_FREE char *before = all_lines(s);
	for (unsigned cols = 2; cols < 90; cols += 3)
		vt_screen_resize(s, 1 + cols % 9, cols);
	vt_screen_resize(s, 6, 40);
	CLEANUP_FREE char *after = all_lines(s);
	assert_string_equal(after, before);
	vt_screen_free(s);
}

/* --- numbers --- */

static void test_numbers_stay_while_output_comes(void **state)
{
	(void)state;
	struct vt_screen *s = with_text(3, 10, 5, "one\r\ntwo\r\nthree\r\n");
	assert_int_equal(vt_screen_first_line(s), 0);
	assert_int_equal(vt_screen_top_line(s), 1);
	assert_int_equal(vt_screen_last_line(s), 3);
	expect_line(s, 1, "two");
	feed(s, "four\r\nfive\r\nsix\r\n");
	expect_line(s, 1, "two");
	assert_int_equal(vt_screen_top_line(s), 4);
	feed(s, "seven\r\neight\r\n");
	assert_int_equal(vt_screen_first_line(s), 1);
	expect_line(s, 1, "two");
	feed(s, "nine\r\n");
	assert_null(vt_screen_line(s, 1));
	assert_null(vt_screen_line(s, vt_screen_last_line(s) + 1));
	expect_line(s, 2, "three");
	vt_screen_free(s);
}

static void test_numbers_go_on_after_the_history_was_erased(void **state)
{
	(void)state;
	struct vt_screen *s = with_text(2, 10, 5, "1\r\n2\r\n3\r\n4\033[3J");
	assert_int_equal(vt_screen_history(s), 0);
	assert_int_equal(vt_screen_first_line(s), 2);
	expect_line(s, 2, "3");
	vt_screen_free(s);
}

static void test_logical_lines(void **state)
{
	struct vt_line_info i;
	struct vt_screen *s = with_text(2, 5, 100, "abcdefghijkl\r\nx\r\nmnopqrs");
	(void)state;
	/* abcde fghij kl x | mnopq rs */
	assert_int_equal(vt_screen_top_line(s), 4);
	for (uint64_t l = 0; l < 3; l++) {
		assert_true(vt_screen_line_info(s, l, &i));
		assert_int_equal(i.first, 0);
		assert_int_equal(i.lines, 3);
		assert_int_equal(i.wrapped, l < 2);
		expect_text(s, l, "abcdefghijkl");
	}
	expect_text(s, 3, "x");
	expect_text(s, 5, "mnopqrs");
	/* one that is half in the history */
	feed(s, "tuvwxyz");
	assert_true(vt_screen_line_info(s, 6, &i));
	assert_int_equal(i.first, 4);
	assert_int_equal(i.lines, 3);
	expect_text(s, 4, "mnopqrstuvwxyz");
	expect_text(s, 6, "mnopqrstuvwxyz");
	vt_screen_free(s);
}

static void test_text_says_where_its_bytes_stand(void **state)
{
	struct vt_text t = {0};
	struct vt_screen *s = with_text(2, 4, 100, "a你e\xcc\x81好b  \r\n\r\n\r\n");
	(void)state;
	assert_true(vt_screen_line_text(s, 0, &t));
	assert_string_equal(t.text, "a你e\xcc\x81好b");
	/* a, three bytes of 你 in cell 1, e and its mark in 3, 好 in 4 */
	static const uint32_t cells[] = {0, 1, 1, 1, 3, 3, 3, 4, 4, 4, 6, 7};
	assert_int_equal(t.len + 1, ARRAY_LEN(cells));
	assert_memory_equal(t.cell, cells, sizeof(cells));
	assert_false(vt_screen_line_text(s, 1000, &t));
	vt_text_fini(&t);
	vt_screen_free(s);
}

static void test_places_outlive_a_resize(void **state)
{
	struct vt_place p, q;
	uint64_t line;
	unsigned col;
	struct vt_screen *s = with_text(
	    2, 10, 100, "first\r\nabcdefghijklmnopqrstuvwxyz\r\n1\r\n2\r\nABCDEFGHIJKLMNO");
	(void)state;
	assert_true(vt_screen_place(s, 2, 5, &p));                      /* p of the alphabet */
	assert_true(vt_screen_place(s, vt_screen_last_line(s), 3, &q)); /* N, on the screen */
	vt_screen_resize(s, 3, 7);
	assert_true(vt_screen_find_place(s, &p, &line, &col));
	assert_int_equal(vt_screen_line(s, line)[col].cp, 'p');
	assert_true(vt_screen_find_place(s, &q, &line, &col));
	assert_int_equal(vt_screen_line(s, line)[col].cp, 'N');
	vt_screen_resize(s, 20, 40);
	assert_true(vt_screen_find_place(s, &p, &line, &col));
	assert_int_equal(vt_screen_line(s, line)[col].cp, 'p');
	assert_true(vt_screen_find_place(s, &q, &line, &col));
	assert_int_equal(vt_screen_line(s, line)[col].cp, 'N');
	vt_screen_reset(s);
	assert_false(vt_screen_find_place(s, &p, &line, &col));
	vt_screen_free(s);
}

/* --- times --- */

static void test_lines_know_when_they_were_written(void **state)
{
	(void)state;
	struct vt_screen *s = vt_screen_new(2, 10, 100, NULL, NULL);
	vt_screen_set_time(s, 100);
	feed(s, "one\r\n\r\ntw");
	assert_int_equal(vt_screen_line_time(s, 0), 100);
	assert_int_equal(vt_screen_line_time(s, 1), 100);
	vt_screen_set_time(s, 250);
	feed(s, "o");
	assert_int_equal(vt_screen_line_time(s, 2), 250);
	vt_screen_set_time(s, 300);
	feed(s, "\r\nabcdefghijklm\r\n\r\n\r\n");
	assert_int_equal(vt_screen_line_time(s, 0), 100);
	assert_int_equal(vt_screen_line_time(s, 1), 100);
	assert_int_equal(vt_screen_line_time(s, 2), 250);
	assert_int_equal(vt_screen_line_time(s, 3), 300);
	vt_screen_resize(s, 2, 5);
	struct vt_line_info i;
	assert_true(vt_screen_line_info(s, 4, &i));
	assert_int_equal(i.first, 3);
	assert_int_equal(i.lines, 3);
	assert_int_equal(i.time, 300);
	assert_int_equal(vt_screen_line_time(s, 999), 0);
	vt_screen_free(s);
}

/* --- marks --- */

static bool is_mark(const struct vt_screen *s, uint64_t line)
{
	struct vt_line_info i;
	assert_true(vt_screen_line_info(s, line, &i));
	assert_int_equal(i.mark, (vt_screen_line(s, line)[0].attrs & VT_MARKED) != 0);
	return i.mark;
}

static void test_a_mark_stands_after_the_output(void **state)
{
	(void)state;
	struct vt_screen *s = with_text(4, 20, 100, "boot\r\n# ");
	vt_screen_mark(s, "── boot 2 ──\n\033[31m");
	feed(s, "BIOS\r\n");
	expect_line(s, 1, "#");
	assert_true(is_mark(s, 2));
	expect_text(s, 2, "── boot 2 ──[31m");
	expect_line(s, 3, "BIOS");
	assert_false(is_mark(s, 3));
	vt_screen_free(s);
}

static void test_a_guest_cannot_take_a_mark_away(void **state)
{
	static const char *const attempts[] = {"\033[2J", "\033[H\033[J", "\033c", "\033[1;1Hover",
	    "\033[H\033[M", "\033[H\033[L\033[L\033[L", "\033[H\033[2K", "\033#8", "\033[1;1;1;9$z",
	    "\033[1;1;1;9;1;2;1$v", "\033[1;1;1;9;7$r", "\033[H\033[4@",
	    "\033[3;3H\xcc\x81\033[H\xcc\x81", "\033[1;2Hx", "\033[?69h\033[2;4s\033[H\033[M"};
	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(attempts); k++) {
		struct vt_screen *s = vt_screen_new(3, 20, 100, NULL, NULL);
		unsigned marks = 0;
		vt_screen_mark(s, "-- ours --");
		feed(s, attempts[k]);
		feed(s, "\033[?69l\033[r\033[3;1Hx\r\ny\r\nz\r\n"); /* all goes up */
		for (uint64_t l = vt_screen_first_line(s); l <= vt_screen_last_line(s); l++) {
			const struct vt_cell *c = vt_screen_line(s, l);
			if (is_mark(s, l)) {
				expect_text(s, l, "-- ours --");
				marks++;
			} else
				for (unsigned i = 0; i < 20; i++)
					assert_false(c[i].attrs & VT_MARKED);
		}
		assert_int_equal(marks, 1);
		vt_screen_free(s);
	}
}

static void test_marks_flow_and_never_join(void **state)
{
	(void)state;
	struct vt_screen *s = with_text(2, 20, 100, "before");
	vt_screen_mark(s, "-- a mark of twenty-");
	feed(s, "after\r\n1\r\n2\r\n");
	vt_screen_resize(s, 2, 8);
	expect_text(s, 0, "before");
	expect_text(s, 1, "-- a mark of twenty-");
	assert_true(is_mark(s, 1) && is_mark(s, 2) && is_mark(s, 3));
	vt_screen_resize(s, 9, 30);
	expect_line(s, 0, "before");
	assert_true(is_mark(s, 1));
	expect_text(s, 1, "-- a mark of twenty-");
	expect_line(s, 2, "after");
	vt_screen_free(s);
}

static void test_a_mark_beside_the_alternate_screen(void **state)
{
	(void)state;
	struct vt_screen *s = with_text(3, 20, 100, "shell\033[?1049hvi");
	vt_screen_mark(s, "-- ours --");
	feed(s, "m");
	assert_true(is_mark(s, 0));
	expect_line(s, 1, "     vim");
	feed(s, "\033[?1049l");
	expect_line(s, 1, "shell");
	vt_screen_free(s);
}

static void test_a_restart_keeps_what_was_on_the_screen(void **state)
{
	struct vt_modes m;
	(void)state;
	struct vt_screen *s = with_text(3, 20, 100, "old\r\nlast words\033[?1h\033[31m\033[");
	vt_screen_restart(s);
	vt_screen_mark(s, "-- boot 2 --");
	feed(s, "\033[2J\033[Hnew");
	expect_line(s, 0, "old");
	expect_line(s, 1, "last words");
	assert_true(is_mark(s, 2));
	expect_line(s, 3, "new");
	vt_screen_modes(s, &m);
	assert_false(m.app_cursor);
	vt_screen_free(s);
}

/* --- limits --- */

static void test_the_oldest_lines_go(void **state)
{
	(void)state;
	struct vt_screen *s = vt_screen_new(2, 20, 10000, NULL, NULL);
	char line[32];
	for (unsigned i = 0; i < 35000; i++) {
		snprintf(line, sizeof(line), "line %u\r\n", i);
		feed(s, line);
	}
	assert_int_equal(vt_screen_history(s), 10000);
	assert_int_equal(vt_screen_first_line(s), 34999 - 10000);
	expect_line(s, 24999, "line 24999");
	expect_line(s, 30000, "line 30000");
	expect_line(s, 25500, "line 25500");
	expect_line(s, 34998, "line 34998");
	vt_screen_free(s);
}

static void test_a_line_without_end_is_cut(void **state)
{
	struct vt_line_info i;
	(void)state;
	struct vt_screen *s = vt_screen_new(2, 80, 100, NULL, NULL);
	for (unsigned n = 0; n < 3 * VT_LOGICAL_MAX / 10; n++)
		feed(s, "0123456789");
	assert_true(vt_screen_line_info(s, 0, &i));
	assert_int_equal(i.lines, VT_LOGICAL_MAX / 80);
	assert_true(vt_screen_line_info(s, i.lines - 1, &i));
	assert_true(i.wrapped);
	assert_true(vt_screen_line_info(s, vt_screen_last_line(s), &i));
	assert_true(i.first > VT_LOGICAL_MAX / 80);
	for (uint64_t l = 0; l < vt_screen_last_line(s); l++)
		assert_int_equal(vt_screen_line(s, l)[79].cp, '9');
	vt_screen_resize(s, 2, 40);
	for (uint64_t l = 0; l < vt_screen_last_line(s); l++)
		assert_int_equal(vt_screen_line(s, l)[0].cp, '0');
	vt_screen_free(s);
}

static size_t heap_used(void)
{
	struct mallinfo2 m = mallinfo2();
	return m.uordblks + m.hblkhd;
}

/* 400 MB of cells in other colours each: what is kept stays under the limit. */
static void test_memory_is_bounded(void **state)
{
	struct buf row = BUF_INIT;
	(void)state;
	for (unsigned i = 0; i < VT_COLS_MAX; i++)
		buf_addf(&row, "\033[38;2;%u;1;2;48;2;3;%u;4m\xf0\x9f\x98\x80", i % 256, i / 4);
	buf_adds(&row, "\r\n");
	size_t before = heap_used();
	struct vt_screen *s = vt_screen_new(2, VT_COLS_MAX, VT_SCROLLBACK_MAX, NULL, NULL);
	for (unsigned i = 0; i < 8000; i++)
		vt_screen_feed(s, (const uint8_t *)row.data, row.len);
	assert_true(heap_used() - before < VT_HISTORY_BYTES_MAX + (2u << 20));
	assert_true(vt_screen_history(s) > 2000);
	vt_screen_free(s);
	buf_fini(&row);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_history_is_what_a_high_screen_shows),
	    cmocka_unit_test(test_a_resized_history_is_what_it_would_have_been),
	    cmocka_unit_test(test_there_and_back_again),
	    cmocka_unit_test(test_numbers_stay_while_output_comes),
	    cmocka_unit_test(test_numbers_go_on_after_the_history_was_erased),
	    cmocka_unit_test(test_logical_lines),
	    cmocka_unit_test(test_text_says_where_its_bytes_stand),
	    cmocka_unit_test(test_places_outlive_a_resize),
	    cmocka_unit_test(test_lines_know_when_they_were_written),
	    cmocka_unit_test(test_a_mark_stands_after_the_output),
	    cmocka_unit_test(test_a_guest_cannot_take_a_mark_away),
	    cmocka_unit_test(test_marks_flow_and_never_join),
	    cmocka_unit_test(test_a_mark_beside_the_alternate_screen),
	    cmocka_unit_test(test_a_restart_keeps_what_was_on_the_screen),
	    cmocka_unit_test(test_the_oldest_lines_go),
	    cmocka_unit_test(test_a_line_without_end_is_cut),
	    cmocka_unit_test(test_memory_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
