/* What patterns match, when texts are typed, and what an echo is. */
#include "unit/cm.h"

#include "core/buf.h"
#include "serial/expect.h"

static struct buf told; /* what happened, in words */

static void on_matched(void *arg, unsigned step, const char *line)
{
	(void)arg;
	buf_addf(&told, "%u:%s|", step, line);
}

static void on_send(void *arg, const char *p, size_t n)
{
	(void)arg;
	buf_adds(&told, "send:");
	for (size_t i = 0; i < n; i++)
		buf_addf(&told, p[i] >= ' ' && p[i] < 0x7f ? "%c" : "<%02x>", (unsigned char)p[i]);
	buf_adds(&told, "|");
}

static const struct expect_ops ops = {.matched = on_matched, .send = on_send};

/* words: patterns; those that begin with '!' are texts. */
static struct expect *make(const char *const *words)
{
	struct expect *e = expect_new(&ops, NULL);
	struct err err = {0};
	for (; *words; words++)
		assert_int_equal(**words == '!' ? expect_add_text(e, *words + 1, &err)
		                                : expect_add(e, *words, &err),
		    0);
	buf_clear(&told);
	return e;
}
#define MAKE(...) make((const char *const[]){__VA_ARGS__, NULL})

static void feed(struct expect *e, const char *s)
{
	expect_feed(e, s, strlen(s));
}

#define TOLD(want) assert_string_equal(told.len ? told.data : "", want)

static int teardown(void **state)
{
	(void)state;
	buf_fini(&told);
	return 0;
}

static void test_lines_and_prompts(void **state)
{
	(void)state;
	struct expect *e = MAKE("^Welcome", "login: $", "a+b");
	expect_begin(e, EXPECT_NEW);
	feed(e, "no Welcome\r\nWelc");
	TOLD("");
	feed(e, "ome to \033[1mGRUB\033[0m!\r\n\r\nweb1 log");
	TOLD("0:Welcome to GRUB!|");
	feed(e, "in: ");
	TOLD("0:Welcome to GRUB!|1:web1 login: |");
	assert_false(expect_done(e));
	assert_string_equal(expect_pattern(e), "a+b");
	assert_string_equal(expect_last_line(e), "web1 login: ");
	feed(e, "xaa");
	feed(e, "b");
	TOLD("0:Welcome to GRUB!|1:web1 login: |2:web1 login: xaab|");
	assert_true(expect_done(e));
	assert_null(expect_pattern(e));
	expect_free(e);
}

/* One after the other within a line, and never the same text twice. */
static void test_behind_the_match_before(void **state)
{
	(void)state;
	struct expect *e = MAKE("b", "a", "^c", "c");
	expect_begin(e, EXPECT_NEW);
	feed(e, "a b\r\n");
	TOLD("0:a b|");
	feed(e, "ac\r\n");
	TOLD("0:a b|1:ac|"); /* ^ is the line's beginning, not the rest's */
	feed(e, "cc\r\n");
	TOLD("0:a b|1:ac|2:cc|3:cc|");
	expect_free(e);
}

static void history(struct expect *e)
{
	feed(e, "old login: \r\n");
	expect_break(e, true);
	feed(e, "booting\r\nweb1 login: [1.0] late words\r\n\r\n");
}

static void test_where_it_begins(void **state)
{
	(void)state;
	struct expect *e = MAKE("login:");
	history(e);
	expect_begin(e, EXPECT_LAST_LINE);
	TOLD("0:web1 login: [1.0] late words|");
	expect_free(e);

	e = MAKE("boot");
	history(e);
	expect_begin(e, EXPECT_LAST_LINE);
	TOLD("");
	assert_string_equal(expect_last_line(e), "web1 login: [1.0] late words");
	expect_free(e);

	e = MAKE("old|boot", "login");
	history(e);
	expect_begin(e, EXPECT_ALL);
	TOLD("0:booting|1:web1 login: [1.0] late words|");
	expect_free(e);

	e = MAKE("login");
	history(e);
	expect_begin(e, EXPECT_NEW);
	TOLD("");
	feed(e, "login");
	TOLD("0:login|");
	expect_free(e);

	/* The line that has begun is not new. */
	e = MAKE("login:", "x");
	feed(e, "login: ");
	expect_begin(e, EXPECT_NEW);
	feed(e, "x\r\n");
	TOLD("");
	expect_free(e);

	/* Nor is anything that was there before the first text was typed. */
	e = MAKE("!\\r", "login:");
	history(e);
	expect_begin(e, EXPECT_ALL);
	TOLD("send:<0d>|");
	feed(e, "\r\nweb1 login: ");
	TOLD("send:<0d>|0:web1 login: |");
	expect_free(e);

	e = MAKE("x");
	expect_begin(e, EXPECT_LAST_LINE); /* nothing there at all */
	feed(e, "x");
	TOLD("0:x|");
	expect_free(e);
}

static void test_typed_when_matched(void **state)
{
	(void)state;
	struct expect *e =
	    MAKE("login:", "!root", "!\\n", "# ", "!echo done\\n", "done", "login:", "!again");
	expect_begin(e, EXPECT_NEW);
	/* What the guest said before it was answered is no answer. */
	feed(e, "login: # \r\n# ");
	TOLD("0:login: #|send:root<0a>|");
	feed(e, "root\r\n");
	feed(e, "\r\n# ");
	TOLD("0:login: #|send:root<0a>|1:# |send:echo done<0a>|");
	buf_clear(&told);
	feed(e, "echo d");
	feed(e, "one");
	TOLD(""); /* the echo */
	feed(e, "\r\n");
	TOLD("");
	feed(e, "done\r\n");
	TOLD("2:done|");
	assert_false(expect_done(e));
	feed(e, "login: ");
	TOLD("2:done|3:login: |send:again|");
	assert_true(expect_done(e));
	expect_free(e);
}

static void test_what_is_no_echo(void **state)
{
	(void)state;
	/* A guest that does not echo. */
	struct expect *e = MAKE("!y\\n", "yes");
	expect_begin(e, EXPECT_NEW);
	feed(e, "yes");
	TOLD("send:y<0a>|0:yes|");
	expect_free(e);
	/* Without a line end in it the echo is over when it is complete. */
	e = MAKE("!y", "y");
	expect_begin(e, EXPECT_NEW);
	feed(e, "y");
	TOLD("send:y|");
	feed(e, " y");
	TOLD("send:y|0:y y|");
	expect_free(e);
	/* Held back for an echo that never becomes complete. */
	e = MAKE("!halt\\n", "halt");
	expect_begin(e, EXPECT_NEW);
	feed(e, "halt");
	TOLD("send:halt<0a>|");
	expect_end(e);
	TOLD("send:halt<0a>|0:halt|");
	expect_free(e);
	/* Blanks at a line's end. */
	e = MAKE("!ls  \\n", "ls");
	expect_begin(e, EXPECT_NEW);
	feed(e, "ls  ");
	feed(e, "\r\nls.txt\r\n");
	TOLD("send:ls  <0a>|0:ls.txt|");
	expect_free(e);
	/* Several lines. */
	e = MAKE("!a\\rb\\r", "b");
	expect_begin(e, EXPECT_NEW);
	feed(e, "a\r\nb\r\n");
	TOLD("send:a<0d>b<0d>|");
	feed(e, "b\r\n");
	TOLD("send:a<0d>b<0d>|0:b|");
	expect_free(e);
}

static void test_breaks(void **state)
{
	(void)state;
	struct expect *e = MAKE("login");
	expect_begin(e, EXPECT_NEW);
	feed(e, "log");
	expect_break(e, false); /* something is missing here */
	feed(e, "in");
	TOLD("");
	feed(e, "\033]0;log"); /* nor does a string reach across */
	expect_break(e, true);
	feed(e, "login");
	TOLD("0:login|");
	expect_free(e);
}

/* Without line ends, with more of everything than anybody means. */
static void test_hostile(void **state)
{
	char much[5000];
	(void)state;
	struct expect *e = MAKE("zzzz$", "end");
	memset(much, 'x', sizeof(much));
	expect_begin(e, EXPECT_NEW);
	for (int i = 0; i < 40; i++)
		expect_feed(e, much, sizeof(much));
	static const char odd[] = "\b\b\r\033[999999999C\033]zzzz\033Pzz\xff\xfe\0\033\\zz";
	expect_feed(e, odd, sizeof(odd) - 1);
	TOLD("");
	feed(e, "\033[5mzz\nend");
	TOLD("0:zzzz|1:end|");
	expect_free(e);
}

static void test_escapes(void **state)
{
	static const char *const bad[] = {"\\", "\\q", "a\\xg", "\\x", "\\8"};
	struct buf b = BUF_INIT;
	struct err err = {0};
	(void)state;
	assert_int_equal(
	    expect_unescape("a\\n\\r\\t\\e\\\\\\x1b\\x4a\\x4Jz\\101\\0\\7x\\\"\\'", &b, &err), 0);
	assert_int_equal(b.len, 17);
	assert_memory_equal(b.data, "a\n\r\t\033\\\033J\004JzA\0\007x\"'", 17);
	buf_fini(&b);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(expect_unescape(bad[i], &b, &err), -1);
		assert_int_equal(err.code, ERR_INVALID);
		buf_fini(&b);
	}
	struct expect *e = expect_new(&ops, NULL);
	assert_int_equal(expect_add(e, "", &err), -1);
	assert_int_equal(expect_add(e, "a(", &err), -1);
	assert_non_null(strstr(err.msg, "invalid regular expression 'a(': "));
	assert_int_equal(expect_add(e, "(a*)\\1", &err), -1);
	assert_non_null(strstr(err.msg, "can take hours"));
	expect_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lines_and_prompts),
	    cmocka_unit_test(test_behind_the_match_before),
	    cmocka_unit_test(test_where_it_begins),
	    cmocka_unit_test(test_typed_when_matched),
	    cmocka_unit_test(test_what_is_no_echo),
	    cmocka_unit_test(test_breaks),
	    cmocka_unit_test(test_hostile),
	    cmocka_unit_test(test_escapes),
	};
	return cmocka_run_group_tests(tests, NULL, teardown);
}
