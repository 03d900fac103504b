/* log_match: the fast way finds exactly the lines that the slow one finds. */
#include <locale.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "serial/line_text.h"
#include "serial/log_literal.h"
#include "serial/log_match.h"

static const struct {
	const char *pattern, *literals; /* with '|' between */
} literals[] = {
    {"oom-killer", "oom-killer"},
    {"a.c", ""},
    {"panic|oom|I/O error", "panic|oom|I/O error"},
    {"panic|.*", ""},
    {"^Kernel panic", "Kernel panic"},
    {"errors?", "error"},
    {"ab*cdef", "cdef"},
    {"colou?rful", "colo|"},
    {"xy+z", "xy"},
    {"foo{0,3}bar", "bar"},
    {"[Ff]ail(ed|ure) now", " now"},
    {"(one|two)", ""},
    {"\\[ *OK *\\] Started", " ] Started|"},
    {"\\bword\\b", "word"},
    {"a\\.b\\*c", "a.b*c"},
    {"[]|a]xyz", "xyz"},
    {"[[:digit:]|]+ ms", " ms"},
    {"x", ""},
    {"caf\xc3\xa9 ole", " ole"},
};

static void test_literals(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(literals); i++) {
		char *found[LOG_LITERALS_MAX];
		size_t n = log_literal_find(literals[i].pattern, found);
		struct buf all = BUF_INIT;

		for (size_t k = 0; k < n; k++) {
			buf_addf(&all, "%s%s", k ? "|" : "", found[k]);
			free(found[k]);
		}
		buf_add(&all, "", 0);
		/* What is wanted may end in '|' where any of several is right. */
		if (literals[i].literals[0] &&
		    literals[i].literals[strlen(literals[i].literals) - 1] == '|')
			assert_true(n == 1);
		else if (strcmp(all.data ? all.data : "", literals[i].literals) != 0)
			fail_msg("'%s': '%s'", literals[i].pattern, all.data);
		buf_fini(&all);
	}
}

/* Pieces of lines: words that patterns look for, whole, cut by colours, overwritten, in other forms. */
static const char *const pieces[] = {"oom-killer", "oom-kil\033[31mler", "Out of memory", "panic",
    "pa\b\bpanic", "PANIC", "error", " ", "\t", "word", "\r", "x\r\n", "\n", "\r\n", "1234",
    "\xc3\xa9", "I/O err\u200bor", "\033[2;1H", "K\u212a", "I/O error", "colourful", "colorful",
    "12 ms", "o", "\x80"};

static void block_make(struct buf *b, uint64_t *seed)
{
	buf_clear(b);
	for (unsigned i = 0; i < 400; i++) {
		*seed = *seed * 6364136223846793005u + 1442695040888963407u;
		buf_adds(b, pieces[(*seed >> 33) % ARRAY_LEN(pieces)]);
	}
	buf_addc(b, '\n');
}

/* Every line cleaned and given to regexec(3). */
static void slow(const char *pattern, unsigned flags, const struct buf *b, struct buf *out)
{
	struct line_text t = {0};
	regex_t re;

	assert_int_equal(
	    regcomp(&re, pattern, REG_EXTENDED | (flags & LOG_MATCH_ICASE ? REG_ICASE : 0)), 0);
	for (const char *p = b->data, *end = b->data + b->len; p < end;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		struct buf text = BUF_INIT;
		char *save = NULL;

		line_text_clean(&t, (const uint8_t *)p, (size_t)(nl - p), &text);
		buf_add(&text, "", 0);
		text.data[text.len] = '\0';
		if (text.len == 0 &&
		    (regexec(&re, "", 0, NULL, 0) == 0) != !!(flags & LOG_MATCH_INVERT))
			buf_addc(out, '\n');
		for (char *line = strtok_r(text.data, "\n", &save); line;
		     line = strtok_r(NULL, "\n", &save))
			if ((regexec(&re, line, 0, NULL, 0) == 0) != !!(flags & LOG_MATCH_INVERT))
				buf_addf(out, "%s\n", line);
		buf_fini(&text);
		p = nl + 1;
	}
	regfree(&re);
	line_text_fini(&t);
}

static void fast(const char *pattern, unsigned flags, const struct buf *b, struct buf *out)
{
	struct err err = {0};
	struct log_match *m = log_match_new(pattern, flags, &err);
	struct buf text = BUF_INIT;
	struct log_line line;
	size_t at = 0;

	if (!m)
		fail_msg("%s", err.msg);
	while (log_match_next(m, (const uint8_t *)b->data, b->len, &at, &line, &text))
		buf_addf(out, "%s\n", text.data);
	buf_fini(&text);
	log_match_free(m);
}

static void test_same_lines(void **state)
{
	static const char *const patterns[] = {"oom-killer", "panic|I/O error", "colou?rful",
	    "^panic", "error$", "[0-9]+ ms", "memory *panic", "KK", "o{2}m", "word\\b",
	    "Out of|word", ".", "^$", "\xc3\xa9", "(panic|error) *word"};
	struct buf b = BUF_INIT, want = BUF_INIT, got = BUF_INIT;
	uint64_t seed = 99;

	(void)state;
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	for (unsigned round = 0; round < 60; round++) {
		block_make(&b, &seed);
		for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
			for (unsigned flags = 0; flags < 4; flags++) {
				buf_clear(&want);
				buf_clear(&got);
				slow(patterns[i], flags, &b, &want);
				fast(patterns[i], flags, &b, &got);
				if (want.len != got.len ||
				    memcmp(want.data, got.data, got.len) != 0)
					fail_msg(
					    "round %u: '%s', flags %u", round, patterns[i], flags);
			}
		}
	}
	buf_fini(&b);
	buf_fini(&want);
	buf_fini(&got);
}

static void test_wrong_pattern(void **state)
{
	struct err err = {0};

	(void)state;
	assert_null(log_match_new("(open", 0, &err));
	assert_int_equal(err.code, ERR_INVALID);
	assert_non_null(strstr(err.msg, "invalid regular expression '(open'"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_literals),
	    cmocka_unit_test(test_same_lines),
	    cmocka_unit_test(test_wrong_pattern),
	};
	return cmocka_run_group_tests_name("log_match", tests, NULL, NULL);
}
