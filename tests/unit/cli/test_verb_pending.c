#include "unit/cli/run_cli.h"

#define HEAD \
	"<domain type='qemu'>\n<name>d1</name>\n<memory>65536</memory>\n<os><type>hvm</type></os>\n"
#define NIC(more) "<interface type='user'><mac address='52:54:00:00:00:01'/>" more "</interface>"

static void write_live(const char *devices)
{
	char *path = home_run_file(&run_paths, "d1", "live.xml");
	char *xml = xasprintf(HEAD "<devices>%s</devices></domain>", devices);
	assert_int_equal(file_write_atomic(path, xml, strlen(xml), 0600, NULL), 0);
	free(path);
	free(xml);
}

static void test_off(void **state)
{
	(void)state;
	run_define("d1", HEAD "<devices>" NIC("<link state='down'/>") "</devices></domain>");
	EXPECT(0, "Domain 'd1' is off: its next start is as it is defined\n", "", "pending", "d1");
	EXPECT(0, "[\n]\n", "", "pending", "--json", "d1");
	EXPECT(0, "52:54:00:00:00:01 down\n", "", "domif-getlink", "d1", "52:54:00:00:00:01");
	EXPECT(
	    1, "\n", "error: Interface (dev: vnet0) not found.\n", "domif-getlink", "d1", "vnet0");
}

static void test_live(void **state)
{
	(void)state;
	struct status_writer w;
	int lock;
	run_define("d1", HEAD "<devices>" NIC("<link state='down'/>") "</devices></domain>");
	run_live("d1", 1, VM_RUNNING, VM_REASON_BOOTED, &w, &lock);
	write_live(NIC("<link state='down'/><target dev='vnet0'/><alias name='net0'/>"));
	EXPECT(0, "Domain 'd1' runs as it is defined: nothing is pending\n", "", "pending", "d1");
	write_live(NIC("<target dev='vnet0'/><alias name='net0'/>") "<sound model='ich9'/>");
	EXPECT(0,
	    " Device                        What         Now    Next start\n"
	    "---------------------------------------------------------------\n"
	    " interface 52:54:00:00:00:01   link state   -      down\n"
	    " sound                         goes         ich9   -\n",
	    "", "pending", "d1");
	EXPECT(0, "vnet0 up\n", "", "domif-getlink", "d1", "vnet0");
	EXPECT(0, "net0 up\n", "", "domif-getlink", "d1", "net0");
	EXPECT(0, "52:54:00:00:00:01 down\n", "", "domif-getlink", "d1", "52:54:00:00:00:01",
	    "--config");
	struct run r;
	RUN(&r, "pending", "d1", "--json");
	struct json_object *all = json_tokener_parse(r.out);
	assert_int_equal(json_object_array_length(all), 2);
	assert_string_equal(json_object_get_string(json_object_object_get(
	                        json_object_array_get_idx(all, 1), "change")),
	    "goes");
	json_object_put(all);
	run_free(&r);
	run_end(&w, lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_off, run_setup, run_teardown),
	    cmocka_unit_test_setup_teardown(test_live, run_setup, run_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
