/* pattern: what is refused, which literals a match must hold, and that no literal is one too many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "core/pattern.h"

static void test_literals(void **state)
{
	static const struct {
		const char *pattern, *literals; /* separated by '/' */
		bool plain;
	} cases[] = {
	    {"Kernel panic - not syncing", "Kernel panic - not syncing", true},
	    {"login:$", "login:", false},
	    {"^boot: $", "boot: ", false},
	    {"I/O error, dev [^f]|EXT4", "I/O error, dev /EXT4", false},
	    {"(a|b)longer", "longer", false},
	    {"abc?def", "def", false},
	    {"abcd*", "abc", false},
	    {"abcd+xy", "abcd", false},
	    {"abcd{0,3}xy", "abc", false},
	    {"a\\.b\\[c", "a.b[c", true},
	    {"x[]abc]yyy", "yyy", false},
	    {"x[[:alpha:]]yyy", "yyy", false},
	    {"foo\\wbarr", "barr", false},
	    {"(panic)?", "", false},
	    {"abc|", "", false},
	    {"ab|abc", "", false},
	    {".*", "", false},
	    {"\xc3\xa9t\xc3\xa9?abc", "\xc3\xa9t", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pattern p;
		struct err err = {0};
		char all[512] = "";

		if (pattern_compile(&p, cases[i].pattern, &err) < 0)
			fail_msg("%s", err.msg);
		for (unsigned k = 0; k < p.n_literals; k++) {
			strcat(all, k ? "/" : "");
			strcat(all, p.literals[k]);
		}
		assert_string_equal(all, cases[i].literals);
		assert_int_equal(p.plain, cases[i].plain);
		pattern_fini(&p);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *pattern, *says;
	} cases[] = {
	    {"", "cannot be empty"},
	    {"(a", "Unmatched"},
	    {"[a", "nmatched ["},
	    {"(a*)\\1", "compare parts"},
	    {"x{20}{20}", "too costly"},
	    /* A line of 512 bytes took 4 s and 255 MB; making the second one took minutes. */
	    {"(a|b)*a(a|b){250}c", "too costly"},
	    {"(.?.?.?.?.?.?.?.?){255}z", "too costly"},
	    {"(((a?){6}){6}){6}", "too costly"},
	    {"x.*a................................................................................"
	     ".................................................b",
	        "too costly"},
	    {"a\033b", "control characters"},
	    {"caf\xe9", "control characters"},
	};
	char many[PATTERN_MAX + 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = {0};

		assert_int_equal(pattern_check(cases[i].pattern, &err), -1);
		if (!strstr(err.msg, cases[i].says))
			fail_msg("'%s' does not say '%s'", err.msg, cases[i].says);
	}
	memset(many, 'x', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	assert_int_equal(pattern_check(many, NULL), -1);
	many[PATTERN_MAX] = '\0';
	assert_int_equal(pattern_check(many, NULL), 0);
}

/* What people write is not called costly. */
static void test_taken(void **state)
{
	static const char *const usual[] = {"([0-9]{1,3}\\.){3}[0-9]{1,3}", "[0-9a-f]{64}",
	    "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
	    "I/O error, dev [^f]|Buffer I/O error on |EXT4-fs error |XFS .*I/O error|BTRFS error ",
	    "blocked for more than [0-9]+ seconds", "panic.{0,80}$", ")("};
	struct err err;

	(void)state;
	for (size_t i = 0; i + 1 < ARRAY_LEN(usual); i++)
		if (pattern_check(usual[i], &err) < 0)
			fail_msg("%s", err.msg);
	assert_int_equal(pattern_check(usual[ARRAY_LEN(usual) - 1], &err), -1);
	assert_null(strstr(err.msg, "costly"));
}

/* Whatever a pattern matches holds one of its literals: small patterns against all small texts. */
static void test_literals_hold(void **state)
{
	static const char signs[] = "abc(|)*?+.[]{}12,^$\\";
	uint32_t seed = 1;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		char text[12], word[9];
		struct pattern p;
		size_t n = 0;

		for (; n < 11; n++) {
			seed = seed * 1664525u + 1013904223u;
			text[n] = signs[(seed >> 16) % (round % 2 ? 8 : sizeof(signs) - 1)];
		}
		text[n] = '\0';
		if (pattern_compile(&p, text, NULL) < 0)
			continue;
		for (unsigned k = 0; k < 40 && p.n_literals; k++) {
			bool held = false;

			for (n = 0; n < sizeof(word) - 1; n++) {
				seed = seed * 1664525u + 1013904223u;
				word[n] = "abc"[(seed >> 16) % 3];
			}
			word[n] = '\0';
			for (unsigned l = 0; l < p.n_literals; l++)
				held |= strstr(word, p.literals[l]) != NULL;
			if (pattern_matches(&p, word) && !held)
				fail_msg("'%s' matches '%s' without its literals", text, word);
		}
		pattern_fini(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_literals),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_taken),
	    cmocka_unit_test(test_literals_hold),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
