#include "unit/cli/run_cli.h"

#include "cli/out.h"

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

/* What a guest returned: its control characters are escaped, and a parser gets the same value back. */
static void test_foreign_json(void **state)
{
	static const char text[] = "a\033\x7f\xc2\x9b\xe2\x80\xae \xc3\xa4\"\\";
	CLEANUP_FREE char *path = xasprintf("%s/out", run_home);
	struct json_object *o = json_object_new_object();
	int kept;
	(void)state;
	out_add_str(o, "return", text);
	fflush(stdout);
	run_redirect(STDOUT_FILENO, path, &kept);
	out_json_foreign(o, false);
	fflush(stdout);
	dup2(kept, STDOUT_FILENO);
	close(kept);
	CLEANUP_FREE char *shown = run_slurp(path);
	assert_string_equal(
	    shown, "{\"return\":\"a\\u001b\\u007f\\u009b\\u202e \xc3\xa4\\\"\\\\\"}\n");
	struct json_object *back = json_tokener_parse(shown);
	struct json_object *value = NULL;
	assert_true(json_object_object_get_ex(back, "return", &value));
	assert_string_equal(json_object_get_string(value), text);
	json_object_put(back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_harmless), cmocka_unit_test(test_foreign_json)};
	return cmocka_run_group_tests(tests, run_setup, run_teardown);
}
