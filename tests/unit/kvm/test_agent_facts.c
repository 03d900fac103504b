/* What a guest says of itself: reduced, bounded, printable. */
#include "unit/cm.h"

#include "core/buf.h"
#include "core/mem.h"
#include "kvm/agent_facts.h"

static char *clean(enum agent_fact f, const char *answer)
{
	struct json_object *o = json_tokener_parse(answer), *c = agent_fact_clean(f, o);
	char *s =
	    c == NULL ? NULL : xstrdup(json_object_to_json_string_ext(c, JSON_C_TO_STRING_PLAIN));
	json_object_put(o);
	json_object_put(c);
	return s;
}

static void check(enum agent_fact f, const char *answer, const char *want)
{
	CLEANUP_FREE char *got = clean(f, answer);
	if (want == NULL)
		assert_null(got);
	else
		assert_string_equal(got, want);
}

static void takes_what_it_knows(void **state)
{
	(void)state;
	check(FACT_HOSTNAME, "{\"host-name\":\"web1\",\"more\":[1]}", "{\"host-name\":\"web1\"}");
	check(FACT_USERS, "[{\"user\":\"root\",\"login-time\":1.5},7,{\"user\":[]}]",
	    "[{\"user\":\"root\",\"login-time\":1.5},{}]");
	check(FACT_FILESYSTEMS,
	    "[{\"name\":\"vda1\",\"mountpoint\":\"/\",\"disk\":[{\"bus\":0,\"pci-controller\":{\"slot\":4,"
	    "\"x\":{}}}],\"used-bytes\":\"1\"}]",
	    "[{\"name\":\"vda1\",\"mountpoint\":\"\\/\",\"disk\":[{\"bus\":0,\"pci-controller\":{\"slot\":4}}]}]");
	check(FACT_DISKS, "[{\"name\":\"d\",\"partition\":true,\"dependencies\":[\"a\",1,\"b\"]}]",
	    "[{\"name\":\"d\",\"partition\":true,\"dependencies\":[\"a\",\"b\"]}]");
}

static void other_shapes_are_nothing(void **state)
{
	(void)state;
	check(FACT_HOSTNAME, "[]", NULL);
	check(FACT_HOSTNAME, "\"web1\"", NULL);
	check(FACT_HOSTNAME, "{\"host-name\":{\"host-name\":\"a\"}}", "{}");
	check(FACT_USERS, "{}", NULL);
	check(FACT_USERS, "null", NULL);
	check(FACT_USERS, "[{\"login-time\":Infinity}]", "[{}]");
}

static void text_is_made_harmless(void **state)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	(void)state;
	check(FACT_HOSTNAME, "{\"host-name\":\"a\\u001b]0;x\\u0007\\u0000\\n\"}",
	    "{\"host-name\":\"a\\\\x1b]0;x\\\\x07\\\\x00\\\\x0a\"}");
	check(FACT_HOSTNAME, "{\"host-name\":\"\xff\"}", "{\"host-name\":\"\\\\xff\"}");
	buf_adds(&b, "{\"host-name\":\"");
	for (unsigned i = 0; i < 10000; i++)
		buf_adds(&b, "ä");
	buf_adds(&b, "\"}");
	CLEANUP_FREE char *got = clean(FACT_HOSTNAME, b.data);
	assert_true(strlen(got) < AGENT_FACT_TEXT + 32);
}

static void lists_end(void **state)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	(void)state;
	buf_adds(&b, "[{}");
	for (unsigned i = 0; i < 5000; i++)
		buf_adds(&b, ",{\"name\":\"eth\"}");
	buf_adds(&b, "]");
	struct json_object *o = json_tokener_parse(b.data),
	                   *c = agent_fact_clean(FACT_INTERFACES, o);
	assert_int_equal(json_object_array_length(c), 128);
	json_object_put(o);
	json_object_put(c);
}

static void first_address(void **state)
{
	static const char *const macs[] = {"52:54:00:aa:bb:cc"};
	static const struct {
		const char *interfaces, *want;
	} cases[] = {
	    {"[]", ""},
	    {"[{\"name\":\"lo\",\"ip-addresses\":[{\"ip-address\":\"127.0.0.1\"},{\"ip-address\":\"::1\"}]}]",
	        ""},
	    {"[{\"ip-addresses\":[{\"ip-address\":\"fe80::1\"},{\"ip-address\":\"169.254.1.1\"}]}]",
	        ""},
	    {"[{\"ip-addresses\":[{\"ip-address\":\"evil\"},{\"ip-address\":7},{\"ip-address\":\"10.0.0.1\"}]}]",
	        "10.0.0.1"},
	    {"[{\"hardware-address\":\"02:42:00:00:00:01\",\"ip-addresses\":[{\"ip-address\":\"172.17.0.1\"}]},"
	     "{\"hardware-address\":\"52:54:00:AA:BB:CC\",\"ip-addresses\":[{\"ip-address\":\"2001:db8::1\"},"
	     "{\"ip-address\":\"192.168.1.2\"}]}]",
	        "192.168.1.2"},
	    {"[{\"hardware-address\":\"52:54:00:aa:bb:cc\",\"ip-addresses\":[{\"ip-address\":\"2001:db8::1\"}]}]",
	        "2001:db8::1"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char out[64];
		struct json_object *o = json_tokener_parse(cases[i].interfaces);
		agent_fact_address(o, macs, 1, out, sizeof(out));
		assert_string_equal(out, cases[i].want);
		json_object_put(o);
	}
	char small[8] = "x";
	agent_fact_address(NULL, macs, 1, small, sizeof(small));
	assert_string_equal(small, "");
}

static void in_a_line(void **state)
{
	char out[24];
	(void)state;
	struct json_object *o = json_tokener_parse(
	    "[{\"user\":\"root\"},{\"user\":\"alice\"},{\"user\":\"root\"},{},{\"user\":\"a name that is "
	    "too long\"}]");
	agent_fact_users(o, out, sizeof(out));
	assert_string_equal(out, "root, alice");
	json_object_put(o);
	o = json_tokener_parse(
	    "[{\"mountpoint\":\"/home\",\"used-bytes\":12,\"total-bytes\":100},"
	    "{\"mountpoint\":\"/proc\"},{\"mountpoint\":\"/x\",\"used-bytes\":9,"
	    "\"total-bytes\":0},{\"mountpoint\":\"/y\",\"used-bytes\":-1,\"total-bytes\":9},"
	    "{\"mountpoint\":\"/\",\"used-bytes\":100,\"total-bytes\":100},"
	    "{\"mountpoint\":\"/far\",\"used-bytes\":1,\"total-bytes\":100}]");
	agent_fact_filesystems(o, out, sizeof(out));
	assert_string_equal(out, "/ 100%, /home 12%");
	json_object_put(o);
	agent_fact_filesystems(NULL, out, sizeof(out));
	assert_string_equal(out, "");
}

static void names(void **state)
{
	(void)state;
	for (unsigned f = 0; f < FACT_COUNT; f++) {
		assert_int_equal(agent_fact_find(agent_fact_name((enum agent_fact)f)), f);
		assert_non_null(agent_fact_command((enum agent_fact)f));
	}
	assert_int_equal(agent_fact_find("nothing"), FACT_COUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_what_it_knows),
	    cmocka_unit_test(other_shapes_are_nothing),
	    cmocka_unit_test(text_is_made_harmless),
	    cmocka_unit_test(lists_end),
	    cmocka_unit_test(first_address),
	    cmocka_unit_test(in_a_line),
	    cmocka_unit_test(names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
