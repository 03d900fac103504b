/* console_search: matches in a console's lines, wherever they were wrapped, however long the lines are. */
#include "unit/cm.h"

#include <locale.h>

#include "tui/console_search.h"

struct rig {
	struct vt_screen *screen;
	struct console_search s;
	struct vt_place at;
};

static void put(struct rig *r, const char *text)
{
	vt_screen_feed(r->screen, (const uint8_t *)text, strlen(text));
}

static void rig_open(struct rig *r, unsigned rows, unsigned cols)
{
	memset(r, 0, sizeof(*r));
	r->screen = vt_screen_new(rows, cols, 10000, NULL, NULL);
}

static void rig_close(struct rig *r)
{
	console_search_fini(&r->s);
	vt_screen_free(r->screen);
}

static void at_line(struct rig *r, uint64_t line, unsigned col)
{
	assert_true(vt_screen_place(r->screen, line, col, &r->at));
}

/* In slices of no time at all. */
static void finish(struct rig *r)
{
	while (console_search_step(&r->s, r->screen, 0))
		;
}

/* Line and column of the next match, counted from the oldest line; "none". */
static void expect(struct rig *r, bool backward, const char *want)
{
	char text[64] = "none";
	uint64_t line;
	unsigned col;
	console_search_start(&r->s, r->screen, r->at, backward);
	finish(r);
	if (r->s.state == SEARCH_FOUND) {
		assert_true(vt_screen_find_place(r->screen, &r->s.match.from, &line, &col));
		snprintf(text, sizeof(text), "%u,%u%s",
		    (unsigned)(line - vt_screen_first_line(r->screen)), col,
		    r->s.wrapped ? " wrapped" : "");
		r->at = r->s.match.from;
	}
	assert_string_equal(text, want);
}

static void count(struct rig *r, unsigned total, unsigned before)
{
	console_search_count(&r->s, r->screen);
	finish(r);
	assert_true(r->s.counted);
	assert_int_equal(r->s.total, total);
	assert_int_equal(r->s.before, before);
}

static void on_and_back(void **state)
{
	struct rig r;
	(void)state;
	rig_open(&r, 3, 20);
	put(&r, "one oom\r\ntwo\r\noom three oom\r\nfour\r\nfive OOM");
	at_line(&r, vt_screen_first_line(r.screen), 0);
	assert_int_equal(console_search_set(&r.s, "oom", NULL), 0);
	expect(&r, false, "0,4");
	count(&r, 4, 0);
	expect(&r, false, "2,0");
	expect(&r, false, "2,10");
	count(&r, 4, 2);
	expect(&r, false, "4,5");
	expect(&r, false, "0,4 wrapped");
	expect(&r, true, "4,5 wrapped");
	expect(&r, true, "2,10");
	expect(&r, true, "2,0");
	assert_int_equal(console_search_set(&r.s, "OOM", NULL), 0);
	expect(&r, true, "4,5 wrapped");
	expect(&r, true, "4,5 wrapped");
	expect(&r, false, "4,5 wrapped");
	assert_int_equal(console_search_set(&r.s, "^f[a-z]+$", NULL), 0);
	expect(&r, false, "3,0 wrapped");
	assert_int_equal(console_search_set(&r.s, "nowhere", NULL), 0);
	expect(&r, false, "none");
	count(&r, 0, 0);
	rig_close(&r);
}

static void across_a_wrap(void **state)
{
	unsigned from[4], to[4];
	struct rig r;
	uint64_t first;
	(void)state;
	rig_open(&r, 3, 10);
	put(&r, "12345678error here\r\nx\r\ny");
	first = vt_screen_first_line(r.screen);
	at_line(&r, first, 0);
	assert_int_equal(console_search_set(&r.s, "error", NULL), 0);
	expect(&r, false, "0,8");
	assert_int_equal(console_search_spans(&r.s, r.screen, first, from, to, 4), 1);
	assert_int_equal(from[0], 8);
	assert_int_equal(to[0], 10);
	assert_int_equal(console_search_spans(&r.s, r.screen, first + 1, from, to, 4), 1);
	assert_int_equal(from[0], 0);
	assert_int_equal(to[0], 3);
	assert_int_equal(console_search_spans(&r.s, r.screen, first + 2, from, to, 4), 0);
	rig_close(&r);
}

static void wide_characters(void **state)
{
	unsigned from[4], to[4];
	struct rig r;
	(void)state;
	rig_open(&r, 2, 20);
	put(&r, "\xe6\xbc\xa2\xe5\xad\x97 e\xcc\x81nd");
	at_line(&r, vt_screen_first_line(r.screen), 0);
	setlocale(LC_CTYPE, "C.UTF-8");
	assert_int_equal(console_search_set(&r.s, "\xe5\xad\x97 .*n", NULL), 0);
	assert_int_equal(
	    console_search_spans(&r.s, r.screen, vt_screen_first_line(r.screen), from, to, 4), 1);
	assert_int_equal(from[0], 2);
	assert_int_equal(to[0], 7);
	rig_close(&r);
}

/* One logical line of 200 KiB: a match in the middle of it, and one where two windows meet. */
static void a_line_without_end(void **state)
{
	struct rig r;
	CLEANUP_FREE char *text = xmalloc(200001);
	(void)state;
	rig_open(&r, 4, 100);
	memset(text, '.', 200000);
	text[200000] = '\0';
	memcpy(text + SEARCH_WINDOW - 3, "needle", 6);
	memcpy(text + 150000, "needle", 6);
	put(&r, text);
	at_line(&r, vt_screen_first_line(r.screen), 0);
	assert_int_equal(console_search_set(&r.s, "need+le", NULL), 0);
	expect(&r, false, "163,81");
	expect(&r, false, "1500,0");
	count(&r, 2, 1);
	expect(&r, true, "163,81");
	rig_close(&r);
}

static void wrong_expressions(void **state)
{
	static const char *const cases[][2] = {{"a[", "invalid regular expression 'a[': "},
	    {"(a", "invalid regular expression"}, {"(a)\\1", "can take hours"},
	    {"((a{9}){9}){9}{9}", "too costly"}};
	struct rig r;
	(void)state;
	rig_open(&r, 2, 20);
	put(&r, "keep");
	at_line(&r, vt_screen_first_line(r.screen), 3);
	assert_int_equal(console_search_set(&r.s, "ke", NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = {0};
		assert_int_equal(console_search_set(&r.s, cases[i][0], &err), -1);
		if (!strstr(err.msg, cases[i][1]))
			fail_msg("%s: %s", cases[i][0], err.msg);
	}
	expect(&r, true, "0,0"); /* the last good one */
	assert_int_equal(console_search_set(&r.s, "x*", NULL), 0);
	expect(&r, false, "none"); /* of nothing */
	rig_close(&r);
}

/* What is searched scrolls away meanwhile. */
static void lines_that_go(void **state)
{
	struct rig r;
	(void)state;
	rig_open(&r, 2, 20);
	vt_screen_free(r.screen);
	r.screen = vt_screen_new(2, 20, 100, NULL, NULL);
	for (unsigned i = 0; i < 100; i++)
		put(&r, "first\r\n");
	at_line(&r, vt_screen_first_line(r.screen), 0);
	assert_int_equal(console_search_set(&r.s, "second", NULL), 0);
	console_search_start(&r.s, r.screen, r.at, false);
	console_search_step(&r.s, r.screen, 0);
	console_search_count(&r.s, r.screen);
	for (unsigned i = 0; i < 150; i++)
		put(&r, "second\r\n");
	finish(&r);
	assert_int_equal(r.s.state, SEARCH_FOUND);
	assert_false(r.s.counting);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(on_and_back),
	    cmocka_unit_test(across_a_wrap),
	    cmocka_unit_test(wide_characters),
	    cmocka_unit_test(a_line_without_end),
	    cmocka_unit_test(wrong_expressions),
	    cmocka_unit_test(lines_that_go),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
