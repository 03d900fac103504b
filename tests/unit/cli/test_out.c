#include "unit/cli/run_cli.h"

/* A file's name, a word of the command line: nothing that speaks to the terminal comes out. */
static void test_harmless(void **state)
{
	(void)state;
	struct run r;
	RUN(&r, "define", "/nowhere/\033]0;owned\007.xml");
	assert_int_equal(r.status, CLI_FAILED);
	assert_null(strpbrk(r.err, "\033\007"));
	assert_non_null(strstr(r.err, "/nowhere/\\x1b]0;owned\\x07.xml"));
	run_free(&r);
	RUN(&r, "start",
	    "a\xc2\x9b"
	    "31m");
	assert_int_equal(r.status, CLI_FAILED);
	assert_null(strstr(r.err, "\xc2\x9b"));
	run_free(&r);
	RUN(&r, "no\033such");
	assert_int_equal(r.status, CLI_USAGE);
	assert_null(strchr(r.err, '\033'));
	run_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_harmless)};
	return cmocka_run_group_tests(tests, run_setup, run_teardown);
}
