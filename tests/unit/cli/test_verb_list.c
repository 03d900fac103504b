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
	    " Id   Name   State     Title\n------------------------------\n 1    vm1    running   \n\n",
	    "", "list", "--title");
	strcpy(status_begin(&w)->title, "The title");
	status_end(&w);
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
	    "    \"uuid\": \"00112233-4455-6677-8899-aabbccddeeff\",\n    \"title\": null\n"
	    "  }\n]\n");
	run_free(&r);
	run_end(&w, l);
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
	    T(test_wrong_words)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
