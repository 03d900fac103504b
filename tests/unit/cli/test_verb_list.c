/* list: virsh's bytes. The tables were printed by virsh 9.0 for the same domains, state words aside. */
#include "unit/cli/run_cli.h"

static const char xml_a[] =
    "<domain type='qemu'><name>a</name><uuid>ef86123d-22b8-4b5f-9b4d-c4f7b7ebdf8b</uuid>"
    "<title>The title</title><memory>8388608</memory><vcpu>1</vcpu>"
    "<os><type>hvm</type></os></domain>";

static void test_empty(void **state)
{
	(void)state;
	EXPECT(0, " Id   Name   State\n--------------------\n\n", "", "list");
	EXPECT(0, " Id   Name   State\n--------------------\n\n", "", "list", "--all");
	EXPECT(0, "", "", "-q", "list", "--all");
	EXPECT(0, "\n", "", "list", "--all", "--name");
	struct run r;
	RUN(&r, "list", "--json");
	/* json-c 0.18 writes "[]", older ones "[\n]". */
	json_object *none = json_tokener_parse(r.out);
	assert_true(json_object_is_type(none, json_type_array));
	assert_int_equal(json_object_array_length(none), 0);
	json_object_put(none);
	run_free(&r);
}

static void test_active_by_id_then_inactive_by_name(void **state)
{
	struct status_writer w1, w2;
	int l1, l2;
	(void)state;
	run_define("b", xml_a);
	run_define("B1", xml_a);
	run_define("fc4", xml_a);
	run_define("a\xc3\xb1"
	           "ejo-l\xc3\xa4ngere",
	    xml_a);
	run_live("fc4", 7, VM_RUNNING, VM_REASON_BOOTED, &w1, &l1);
	run_live("a\xc3\xb1"
	         "ejo-l\xc3\xa4ngere",
	    12, VM_PAUSED, VM_REASON_USER, &w2, &l2);
	EXPECT(0,
	    " Id   Name            State\n"
	    "--------------------------------\n"
	    " 7    fc4             running\n"
	    " 12   a\xc3\xb1"
	    "ejo-l\xc3\xa4ngere   paused\n"
	    " -    b               shut off\n"
	    " -    B1              shut off\n"
	    "\n",
	    "", "list", "--all");
	EXPECT(0,
	    " 7    fc4             running\n 12   a\xc3\xb1"
	    "ejo-l\xc3\xa4ngere   paused\n",
	    "", "-q", "list");
	EXPECT(0, "fc4\n\n", "", "list", "--name", "--state-running");
	EXPECT(0, "b\nB1\n\n", "", "list", "--name", "--inactive");
	EXPECT(0, "b\nB1\n\n", "", "list", "--name", "--state-shutoff");
	EXPECT(0, "7\n12\n\n", "", "list", "--all", "--id");
	EXPECT(0,
	    "7 fc4\n12 a\xc3\xb1"
	    "ejo-l\xc3\xa4ngere\n- b\n- B1\n\n",
	    "", "list", "--all", "--id", "--name");
	EXPECT(0, "00112233-4455-6677-8899-aabbccddeeff fc4\n\n", "", "list", "--state-running",
	    "--uuid", "--name");
	run_end(&w1, l1);
	run_end(&w2, l2);
}

static void test_a_transient_domain(void **state)
{
	struct status_writer w;
	int l;
	(void)state;
	run_live("gone", 1, VM_RUNNING, VM_REASON_BOOTED, &w, &l);
	EXPECT(0, "gone\n\n", "", "list", "--transient", "--name");
	EXPECT(0, "\n", "", "list", "--persistent", "--name");
	run_end(&w, l);
}

static void test_who_does_not_answer_is_marked(void **state)
{
	struct status_writer w;
	int l;
	(void)state;
	run_define("vm1", xml_a);
	run_live("vm1", 1, VM_RUNNING, VM_REASON_BOOTED, &w, &l);
	status_begin(&w)->qmp_wait_ns = 1;
	status_end(&w);
	EXPECT(0, " 1    vm1    not answering\n", "", "-q", "list");
	run_end(&w, l);
}

static void test_titles(void **state)
{
	struct status_writer w;
	int l;
	(void)state;
	run_define("vm1", xml_a);
	run_live("vm1", 1, VM_RUNNING, VM_REASON_BOOTED, &w, &l);
	EXPECT(0,
	    " Id   Name   State     Title\n----------------------------------\n 1    vm1    running   The title\n\n",
	    "", "list", "--title");
	run_end(&w, l);
}

static void test_json(void **state)
{
	struct status_writer w;
	int l;
	struct run r;
	(void)state;
	run_live("vm1", 3, VM_RUNNING, VM_REASON_BOOTED, &w, &l);
	RUN(&r, "list", "--json");
	assert_string_equal(r.out,
	    "[\n  {\n    \"name\": \"vm1\",\n    \"id\": 3,\n    \"state\": \"running\",\n"
	    "    \"reason\": \"booted\",\n    \"detail\": null,\n    \"active\": true,\n"
	    "    \"answering\": true,\n    \"persistent\": false,\n"
	    "    \"badge\": null,\n    \"uuid\": \"00112233-4455-6677-8899-aabbccddeeff\",\n    \"title\": null,\n"
	    "    \"autostart\": false,\n    \"tags\": [\n    ],\n    \"group\": null,\n"
	    "    \"protected\": false\n  }\n]\n");
	run_free(&r);
	run_end(&w, l);
}

static void test_filters(void **state)
{
	(void)state;
	struct run r;
	static const char doc[] =
	    "<domain type='qemu'><name>%s</name><memory>65536</memory><os><type>hvm</type>"
	    "</os></domain>";
	static const char *const names[] = {"f1", "f2", "f3"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CLEANUP_FREE char *xml = xasprintf(doc, names[i]);
		run_define(names[i], xml);
	}
	RUN(&r, "tag", "f1", "web", "eu");
	run_free(&r);
	RUN(&r, "tag", "f2", "web");
	run_free(&r);
	RUN(&r, "group", "f2", "prod/web");
	run_free(&r);
	RUN(&r, "autostart", "f3");
	run_free(&r);
	EXPECT(0, "f1\nf2\n\n", "", "list", "--all", "--name", "--tag", "web");
	EXPECT(0, "f1\n\n", "", "list", "--all", "--name", "--tag", "web", "--tag", "eu");
	EXPECT(0, "f2\n\n", "", "list", "--all", "--name", "--group", "prod");
	EXPECT(0, "\n", "", "list", "--all", "--name", "--group", "web");
	EXPECT(1, "\n",
	    "error: group 'prod/': a level is empty; levels are separated by one '/', as in prod/web\n",
	    "list", "--all", "--group", "prod/");
	EXPECT(0, "f3\n\n", "", "list", "--all", "--name", "--autostart");
	EXPECT(0, "f1\nf2\n\n", "", "list", "--all", "--name", "--no-autostart");
	EXPECT(0, "f1\nf2\nf3\n\n", "", "list", "--all", "--name", "--no-autostart", "--autostart");
	EXPECT(0, "\n", "", "list", "--all", "--name", "--with-snapshot");
	EXPECT(0,
	    " Id   Name   State      Group      Tags\n-------------------------------------------\n"
	    " -    f1     shut off   -          web,eu\n -    f2     shut off   prod/web   web\n"
	    " -    f3     shut off   -          \n\n",
	    "", "list", "--all", "--tags");
}

static void test_wrong_words(void **state)
{
	(void)state;
	EXPECT(2, "", "error: Options --table and --name are mutually exclusive\n", "list",
	    "--table", "--name");
	EXPECT(2, "", "error: unexpected data 'vm1'; see 'hvmux help list'\n", "list", "vm1");
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) /* nobody may take this program for hvmux and start a supervisor with it */
		return 1;
#define T(f) cmocka_unit_test_setup_teardown(f, run_setup, run_teardown)
	const struct CMUnitTest tests[] = {T(test_empty),
	    T(test_active_by_id_then_inactive_by_name), T(test_a_transient_domain),
	    T(test_who_does_not_answer_is_marked), T(test_titles), T(test_json),
	    T(test_wrong_words), T(test_filters)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
