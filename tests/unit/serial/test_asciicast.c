/* Recordings: what is written is read back; what is malformed is named by its line. */
#include "unit/cm.h"

#include "core/err.h"
#include "serial/asciicast.h"

static void test_written(void **state)
{
	struct buf b = BUF_INIT;
	struct asciicast_text t = {0};
	(void)state;
	asciicast_header(&b, 24, 80, 1700000000, "web1 \"se\033rial0\"");
	asciicast_output(&b, &t, 0, "a\r\n\033[1m\"\\\x7f\x01", 11);
	asciicast_output(&b, &t, 1234567890, "\xc3", 1);
	asciicast_output(&b, &t, 2000000000, "\xa4\xe2\x82", 3);
	asciicast_output(&b, &t, 2000000001, "\xac\xc2\x9b\xff", 4);
	asciicast_resize(&b, 3000000000, 50, 132);
	asciicast_output(&b, &t, 3600000000000, "\xf0\x9f", 2);
	asciicast_output(&b, &t, 3600000000000, "x\xed", 2);
	asciicast_output_end(&b, &t, 3600500000000);
	asciicast_output_end(&b, &t, 3600500000000);
	assert_string_equal(b.data,
	    "{\"version\": 2, \"width\": 80, \"height\": 24, \"timestamp\": 1700000000, "
	    "\"title\": \"web1 \\\"se\\u001brial0\\\"\", \"env\": {\"TERM\": \"xterm-256color\"}}\n"
	    "[0.000000, \"o\", \"a\\r\\n\\u001b[1m\\\"\\\\\\u007f\\u0001\"]\n"
	    "[2.000000, \"o\", \"\xc3\xa4\"]\n"
	    "[2.000000, \"o\", \"\xe2\x82\xac\\u009b\xef\xbf\xbd\"]\n"
	    "[3.000000, \"r\", \"132x50\"]\n"
	    "[3600.000000, \"o\", \"\xef\xbf\xbd\xef\xbf\xbdx\"]\n"
	    "[3600.500000, \"o\", \"\xef\xbf\xbd\"]\n");
	struct asciicast c;
	struct err err = {0};
	assert_int_equal(asciicast_parse(b.data, b.len, "x", &c, &err), 0);
	assert_int_equal(c.rows, 24);
	assert_int_equal(c.cols, 80);
	assert_int_equal(c.unix_s, 1700000000);
	assert_string_equal(c.title, "web1 \"se\\x1brial0\"");
	assert_int_equal(c.n_events, 6);
	assert_int_equal(c.events[0].n, 11);
	assert_memory_equal(c.events[0].text, "a\r\n\033[1m\"\\\x7f\x01", 11);
	assert_null(c.events[3].text);
	assert_int_equal(c.events[3].rows, 50);
	assert_int_equal(c.events[3].cols, 132);
	assert_true(c.events[5].time > 3600.49 && c.events[5].time < 3600.51);
	assert_false(c.cut);
	asciicast_fini(&c);
	buf_fini(&b);
}

/* No character is cut or lost, wherever the output is. */
static void test_every_cut(void **state)
{
	static const char text[] = "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xe0\x80\xc0z\xf4\x90\x80";
	char whole[256] = "";
	(void)state;
	for (size_t cut = 0; cut < sizeof(text); cut++) {
		struct buf b = BUF_INIT;
		struct asciicast c;
		struct asciicast_text t = {0};
		char got[256] = "";
		asciicast_header(&b, 1, 1, 0, NULL);
		asciicast_output(&b, &t, 0, text, cut);
		asciicast_output(&b, &t, 0, text + cut, sizeof(text) - 1 - cut);
		asciicast_output_end(&b, &t, 0);
		assert_int_equal(asciicast_parse(b.data, b.len, "x", &c, NULL), 0);
		for (size_t i = 0; i < c.n_events; i++)
			strcat(got, c.events[i].text);
		if (cut == 0)
			strcpy(whole, got);
		assert_string_equal(got, whole);
		asciicast_fini(&c);
		buf_fini(&b);
	}
	assert_memory_equal(whole, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbd", 12);
}

#define HEAD "{\"version\":2,\"width\":80,\"height\":24}\n"

static void test_malformed(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
	    {"", "f:1: this is no asciicast: it is empty"},
	    {"\n\n", "f:1: this is no asciicast: it is empty"},
	    {"hello\n", "f:1: no whole JSON value: "},
	    {"{\"version\":2", "f:1: no whole JSON value: it is cut off"},
	    {"[0,\"o\",\"x\"]\n", "f:1: this is no asciicast: its first line is no JSON object"},
	    {"{}\n", "f:1: this is no asciicast: its header has no version"},
	    {"{\"version\":\"2\"}\n", "f:1: this is no asciicast: its header has no version"},
	    {"{\"version\":3,\"term\":{}}\n", "f:1: asciicast version 3 is not known here: 2 is"},
	    {"{\"version\":2,\"width\":0,\"height\":24}\n",
	        "f:1: width and height are numbers from 1 to 1000 and 500"},
	    {"{\"version\":2,\"width\":80,\"height\":99999999999}\n", "f:1: width and height"},
	    {"{\"version\":2,\"width\":80.5,\"height\":24}\n", "f:1: width and height"},
	    {HEAD "{}\n", "f:2: an event is [seconds, code, text]"},
	    {HEAD "\n[1]\n", "f:3: an event is [seconds, code, text]"},
	    {HEAD "[-1,\"o\",\"x\"]\n", "f:2: an event begins with seconds since the start"},
	    {HEAD "[\"1\",\"o\",\"x\"]\n", "f:2: an event begins with seconds since the start"},
	    {HEAD "[1e300,\"o\",\"x\"]\n", "f:2: an event begins with seconds since the start"},
	    {HEAD "[NaN,\"o\",\"x\"]\n", "f:2: "},
	    {HEAD "[1,\"o\",7]\n", "f:2: an event's code and text are strings"},
	    {HEAD "[1,null,\"x\"]\n", "f:2: an event's code and text are strings"},
	    {HEAD "[1,\"r\",\"80\"]\n", "f:2: a size is COLSxROWS, 1x1 to 1000x500"},
	    {HEAD "[1,\"r\",\"0x24\"]\n", "f:2: a size is"},
	    {HEAD "[1,\"r\",\"80x24x\"]\n", "f:2: a size is"},
	    {HEAD "[1,\"r\",\"4294967376x24\"]\n", "f:2: a size is"},
	    {HEAD "[1,\"r\",\"-80x24\"]\n", "f:2: a size is"},
	    {HEAD "[0,\"o\",\"x\"]\n[1,\"o\",\"x\"\n[2,\"o\",\"x\"]\n",
	        "f:3: no whole JSON value: "},
	    {HEAD "[0,\"o\",\"x\"] x\n", "f:2: there is something behind the JSON value"},
	    {HEAD "[[[[[[[[[[[[[[]]]]]]]]]]]]]]\n", "f:2: no whole JSON value: "},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct asciicast c;
		struct err err = {0};
		if (asciicast_parse(cases[i].text, strlen(cases[i].text), "f", &c, &err) == 0)
			fail_msg("accepted: %s", cases[i].text);
		assert_int_equal(err.code, ERR_INVALID);
		if (strncmp(err.msg, cases[i].why, strlen(cases[i].why)) != 0)
			fail_msg("%s\n  said: %s", cases[i].text, err.msg);
	}
}

static void test_tolerated(void **state)
{
	static const char text[] = HEAD "\r\n[5, \"o\", \"a\"]\r\n[1, \"m\", \"mark\"]\n"
	                                "[2, \"i\", \"typed\"]\n[3.5, \"o\", \"\\u0000\\ud800b\"]\n"
	                                "[4, \"o\", \"half";
	struct asciicast c;
	struct err err = {0};
	(void)state;
	if (asciicast_parse(text, sizeof(text) - 1, "f", &c, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(c.n_events, 2);
	assert_true(c.events[1].time >= 5); /* time never goes back */
	assert_int_equal(c.events[1].text[0], 0);
	assert_true(c.cut);
	asciicast_fini(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_written),
	    cmocka_unit_test(test_every_cut),
	    cmocka_unit_test(test_malformed),
	    cmocka_unit_test(test_tolerated),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
