/* screen --stdin, and a screen with its colours. */
#include "unit/cli/run_cli.h"

/* Runs with bytes on standard input. */
static void feed(const char *bytes, size_t n, const char *want, const char *const *words)
{
	char *path = xasprintf("%s/stdin", run_home);
	struct run r;
	assert_int_equal(file_write_atomic(path, bytes, n, 0600, NULL), 0);
	int kept = dup(0), fd = open(path, O_RDONLY);
	dup2(fd, 0);
	run_argv(&r, words);
	dup2(kept, 0);
	close(fd);
	close(kept);
	free(path);
	assert_string_equal(r.err, "");
	assert_string_equal(r.out, want);
	assert_int_equal(r.status, 0);
	run_free(&r);
}
#define FEED(bytes, want, ...)               \
	feed(bytes, sizeof(bytes) - 1, want, \
	    (const char *const[]){"screen", "--stdin", __VA_ARGS__, NULL})

static void test_text(void **state)
{
	(void)state;
	FEED("hello\r\n\x1b[3;5Hthere\x1b[1;1HH", "Hello\n\n    there\n", "--rows=5");
	FEED("a\r\nb\r\nc", "b\nc\n", "--rows", "2", "--cols", "10");
	FEED("", "", "--rows", "2");
}

static void test_more_than_a_piece(void **state)
{
	size_t n = 200000;
	char *much = xmalloc(n);
	(void)state;
	memset(much, 'x', n);
	memcpy(much + n - 8, "\r\n\x1b[Kend", 8);
	struct run r;
	char *path = xasprintf("%s/in", run_home);
	assert_int_equal(file_write_atomic(path, much, n, 0600, NULL), 0);
	int kept = dup(0), fd = open(path, O_RDONLY);
	dup2(fd, 0);
	RUN(&r, "screen", "--stdin", "--rows", "2", "--cols", "4");
	dup2(kept, 0);
	close(fd);
	close(kept);
	assert_string_equal(r.out, "xxxx\nend\n");
	run_free(&r);
	free(path);
	free(much);
}

static void test_json(void **state)
{
	(void)state;
	FEED("ab\x1b]0;T\x07",
	    "{\n  \"rows\": 2,\n  \"cols\": 10,\n  \"cursor\": {\n    \"row\": 0,\n    \"col\": 2,\n    \"visible\": true\n  },\n"
	    "  \"alternate\": false,\n  \"reverse\": false,\n  \"title\": \"T\",\n  \"text\": \"ab\",\n  \"cells\": [\n    [\n"
	    "      {\n        \"col\": 0,\n        \"width\": 2,\n        \"text\": \"ab\"\n      }\n    ],\n    [\n    ]\n  ]\n}\n",
	    "--json", "--rows", "2", "--cols", "10");
}

/* Runs of one look, wide characters with their width, colours as they were given. */
static void test_json_cells(void **state)
{
	(void)state;
	FEED("\x1b[?25l\x1b[1;4:3;38;5;9;58;5;4m\xe4\xbd\xa0x\x1b[m \x1b[48;2;1;2;3m\x1b[K",
	    "{\n  \"rows\": 1,\n  \"cols\": 8,\n  \"cursor\": {\n    \"row\": 0,\n    \"col\": 4,\n    \"visible\": false\n  },\n"
	    "  \"alternate\": false,\n  \"reverse\": false,\n  \"title\": \"\",\n  \"text\": \"\xe4\xbd\xa0x\",\n  \"cells\": [\n    [\n"
	    "      {\n        \"col\": 0,\n        \"width\": 3,\n        \"text\": \"\xe4\xbd\xa0x\",\n        \"fg\": 9,\n"
	    "        \"attributes\": [\n          \"bold\"\n        ],\n        \"underline\": \"curly\",\n"
	    "        \"underline_color\": 4\n      },\n"
	    "      {\n        \"col\": 3,\n        \"width\": 1,\n        \"text\": \" \"\n      },\n"
	    "      {\n        \"col\": 4,\n        \"width\": 4,\n        \"text\": \"    \",\n        \"bg\": \"#010203\"\n      }\n"
	    "    ]\n  ]\n}\n",
	    "--json", "--rows", "1", "--cols", "8");
}

static void test_colours(void **state)
{
	(void)state;
	FEED("\x1b[1;31mred\x1b[0m plain \x1b[94mx\x1b[38;5;200my\x1b[48;2;1;2;3mz\x1b[m",
	    "\x1b[0;1;31mred\x1b[0m plain \x1b[0;94mx\x1b[0;38;5;200my\x1b[0;38;5;200;48;2;1;2;3mz\x1b[0m\n",
	    "--ansi");
	FEED("\x1b[7m  \x1b[m  ", "\x1b[0;7m  \x1b[0m\n", "--ansi");
}

/* Whatever a guest sends, only SGR comes out. */
static void test_hostile_bytes(void **state)
{
	(void)state;
	FEED("\x1b]52;c;aGk=\x07\x1b[6n\x1bP$q m\x1b\\\x1b[5iok\x9b"
	     "6n",
	    "ok\xef\xbf\xbd"
	    "6n\n",
	    "--ansi");
}

static void test_wrong_words(void **state)
{
	(void)state;
	EXPECT(2, "", "error: invalid value '0' for --rows: a number from 1 to 500 is needed\n",
	    "screen", "--stdin", "--rows", "0");
	EXPECT(2, "", "error: invalid value '1001' for --cols: a number from 1 to 1000 is needed\n",
	    "screen", "--stdin", "--cols", "1001");
	EXPECT(2, "",
	    "error: command 'screen' requires a domain or --stdin; see 'hvmux help screen'\n",
	    "screen");
	EXPECT(2, "",
	    "error: command 'screen' requires a domain or --stdin, not both; see 'hvmux help screen'\n",
	    "screen", "vm1", "--stdin");
	EXPECT(1, "", "error: failed to get domain 'nope'\n", "screen", "nope");
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) /* nobody may take this program for hvmux and start a supervisor with it */
		return 1;
#define T(f) cmocka_unit_test_setup_teardown(f, run_setup, run_teardown)
	const struct CMUnitTest tests[] = {T(test_text), T(test_more_than_a_piece), T(test_json),
	    T(test_json_cells), T(test_colours), T(test_hostile_bytes), T(test_wrong_words)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
