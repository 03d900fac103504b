/* What the reading verbs print, against what virsh prints of the same tree. */
#include "unit/cli/run_cli.h"

#include <time.h>

#include "core/snapshots.h"

static void make(const char *name, const char *parent, enum snapshot_state state, uint64_t created)
{
	struct snapshot s = {.name = (char *)(uintptr_t)name,
	    .parent = (char *)(uintptr_t)parent,
	    .state = state,
	    .created = created};
	struct snapshot_disk disk = {.name = (char *)(uintptr_t) "vda",
	    .kind = state == SNAPSHOT_DISKS_ONLY ? SNAPSHOT_EXTERNAL : SNAPSHOT_INTERNAL};
	s.disks = &disk;
	s.n_disks = 1;
	assert_int_equal(snapshots_write(&run_paths, "test", &s, true, false, NULL), 0);
}

static int setup(void **state)
{
	run_setup(state);
	setenv("TZ", "UTC", 1);
	tzset();
	run_define("test", "<domain type='qemu'><name>test</name><memory>65536</memory>"
	                   "<os><type>hvm</type></os></domain>");
	return 0;
}

static int setup_tree(void **state)
{
	setup(state);
	make("s1", NULL, SNAPSHOT_RUNNING, 1795304725);
	make("s2", "s1", SNAPSHOT_RUNNING, 1795304725);
	make("s3", "s2", SNAPSHOT_SHUTOFF, 1795304725);
	make("s4", "s1", SNAPSHOT_DISKS_ONLY, 1795304725);
	make("s5", "s4", SNAPSHOT_RUNNING, 1795304725);
	assert_int_equal(snapshots_set_current(&run_paths, "test", "s3", NULL), 0);
	return 0;
}

static void test_empty(void **state)
{
	(void)state;
	EXPECT(0, " Name   Creation Time   State\n-------------------------------\n\n", "",
	    "snapshot-list", "test");
	EXPECT(0, "\n", "", "snapshot-list", "--domain", "test", "--tree");
	EXPECT(
	    1, "\n", "error: domain 'test' has no current snapshot\n", "snapshot-current", "test");
	EXPECT(1, "\n",
	    "error: Domain snapshot not found: the domain does not have a current snapshot\n",
	    "snapshot-info", "test", "--current");
	EXPECT(1, "\n", "error: failed to get domain 'no'\n", "snapshot-list", "no");
}

static void test_list(void **state)
{
	(void)state;
	EXPECT(0,
	    " Name   Creation Time               State\n"
	    "---------------------------------------------------\n"
	    " s1     2026-11-21 23:45:25 +0000   running\n"
	    " s2     2026-11-21 23:45:25 +0000   running\n"
	    " s3     2026-11-21 23:45:25 +0000   shutoff\n"
	    " s4     2026-11-21 23:45:25 +0000   disk-snapshot\n"
	    " s5     2026-11-21 23:45:25 +0000   running\n\n",
	    "", "snapshot-list", "test");
	EXPECT(0,
	    " Name   Creation Time               State     Parent\n"
	    "------------------------------------------------------\n"
	    " s3     2026-11-21 23:45:25 +0000   shutoff   s2\n\n",
	    "", "snapshot-list", "test", "--parent", "--inactive");
	EXPECT(0,
	    "s1\n  |\n  +- s2\n  |   |\n  |   +- s3\n  |     \n  +- s4\n      |\n      +- s5\n        \n\n",
	    "", "snapshot-list", "test", "--tree");
	EXPECT(
	    0, "s4\n  |\n  +- s5\n    \n\n", "", "snapshot-list", "test", "--tree", "--from", "s4");
	EXPECT(0, "s2\ns4\n\n", "", "snapshot-list", "test", "--name", "s1");
	EXPECT(0, "s2\ns3\ns4\ns5\n\n", "", "snapshot-list", "test", "--name", "--from", "s1",
	    "--descendants");
	EXPECT(0, "s3\ns5\n\n", "", "snapshot-list", "test", "--name", "--leaves");
	EXPECT(0, "s1\ns2\ns4\n\n", "", "snapshot-list", "test", "--name", "--no-leaves");
	EXPECT(0, "s4\n\n", "", "snapshot-list", "test", "--name", "--external");
	EXPECT(0, "s4\n\n", "", "snapshot-list", "test", "--name", "--disk-only");
	EXPECT(0, "s1\n\n", "", "snapshot-list", "test", "--name", "--roots");
	EXPECT(0, "\n", "", "snapshot-list", "test", "--name", "--no-metadata");
	EXPECT(2, "", "error: Options --tree and --name are mutually exclusive\n", "snapshot-list",
	    "test", "--tree", "--name");
	EXPECT(2, "", "error: --descendants requires either --from or --current\n", "snapshot-list",
	    "test", "--descendants");
}

static void test_one(void **state)
{
	(void)state;
	EXPECT(0,
	    "Name:           s1\nDomain:         test\nCurrent:        no\nState:          running\n"
	    "Location:       internal\nParent:         -\nChildren:       2\nDescendants:    4\n"
	    "Metadata:       yes\n\n",
	    "", "snapshot-info", "--domain", "test", "--snapshotname", "s1");
	EXPECT(0, "s1\n\n", "", "snapshot-parent", "test", "s2");
	EXPECT(0, "s2\n\n", "", "snapshot-parent", "test", "--current");
	EXPECT(1, "\n", "error: snapshot 's1' has no parent\n", "snapshot-parent", "test", "s1");
	EXPECT(0, "s3\n\n", "", "snapshot-current", "test", "--name");
	EXPECT(1, "\n", "error: operation snapshot-current forbidden for read only access\n", "-r",
	    "snapshot-current", "test", "s5");
	EXPECT(0, "Snapshot s5 set as current\n\n", "", "snapshot-current", "test", "s5");
	EXPECT(0, "s5\n\n", "", "-r", "snapshot-current", "test", "--name");
	EXPECT(0,
	    "<domainsnapshot>\n  <name>s3</name>\n  <state>shutoff</state>\n  <parent>\n    <name>s2</name>\n"
	    "  </parent>\n  <creationTime>1795304725</creationTime>\n  <disks>\n"
	    "    <disk name=\"vda\" snapshot=\"internal\"/>\n  </disks>\n</domainsnapshot>\n\n",
	    "", "snapshot-dumpxml", "test", "s3");
	EXPECT(0, "shutoff\n\n", "", "snapshot-dumpxml", "test", "s3", "--xpath",
	    "string(/domainsnapshot/state)");
	EXPECT(1, "\n",
	    "error: Domain snapshot not found: no domain snapshot with matching name 'nope'\n",
	    "snapshot-info", "test", "nope");
	EXPECT(2, "", "error: --snapshotname or --current is required\n", "snapshot-info", "test");
}

static void test_json(void **state)
{
	(void)state;
	struct run r;
	RUN(&r, "snapshot-list", "test", "--json");
	struct json_object *o = json_tokener_parse(r.out);
	assert_int_equal(json_object_array_length(o), 5);
	struct json_object *third = json_object_array_get_idx(o, 2), *v;
	assert_true(json_object_object_get_ex(third, "current", &v));
	assert_true(json_object_get_boolean(v));
	assert_true(json_object_object_get_ex(third, "created", &v));
	assert_int_equal(json_object_get_int64(v), 1795304725);
	json_object_put(o);
	run_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_empty, setup, run_teardown),
	    cmocka_unit_test_setup_teardown(test_list, setup_tree, run_teardown),
	    cmocka_unit_test_setup_teardown(test_one, setup_tree, run_teardown),
	    cmocka_unit_test_setup_teardown(test_json, setup_tree, run_teardown)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
