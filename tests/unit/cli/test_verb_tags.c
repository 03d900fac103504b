#include "unit/cli/run_cli.h"

#define XML \
	"<domain type='qemu'>\n  <name>%s</name>\n  <memory>65536</memory>\n  <os><type>hvm</type></os>\n</domain>\n"

static void define(const char *name)
{
	CLEANUP_FREE char *xml = xasprintf(XML, name);
	run_define(name, xml);
}

static void test_tags(void **state)
{
	(void)state;
	define("t1");
	define("t2");
	EXPECT(0, "", "", "tags", "t1");
	EXPECT(0, "Domain 't1' tagged\n", "", "tag", "t1", "web", "eu");
	EXPECT(0, "Domain 't1' was tagged so already\n", "", "tag", "t1", "eu");
	EXPECT(0, "Domain 't2' tagged\n", "", "tag", "t2", "eu");
	EXPECT(0, "web\neu\n", "", "tags", "t1");
	EXPECT(0, "Domain 't2' is in group 'prod/web'\n", "", "group", "t2", "prod/web");
	EXPECT(0, "prod/web\n", "", "group", "t2");
	EXPECT(0, "-\n", "", "group", "t1");
	EXPECT(0,
	    " Kind    Name       Domains\n-----------------------------\n tag     eu         2\n"
	    " tag     web        1\n group   prod/web   1\n",
	    "", "tags");
	EXPECT(0, "Domain 't1' untagged\n", "", "untag", "t1", "web", "no");
	EXPECT(0, "Domain 't1' has no such tag\n", "", "untag", "t1", "web");
	EXPECT(0, "eu\n", "", "tags", "t1");
	EXPECT(0, "Domain 't2' is in no group\n", "", "group", "t2", "--remove");
	EXPECT(0, "Domain 't2' is in no group\n", "", "group", "t2", "");
	EXPECT(1, "",
	    "error: tag 'a b': spaces, commas, slashes and control characters cannot be in a tag\n",
	    "tag", "t1", "a b");
	EXPECT(1, "", "error: failed to get domain 'no'\n", "tag", "no", "x");
	EXPECT(1, "", "error: operation group forbidden for read only access\n", "-r", "group",
	    "t1", "x");
	EXPECT(0, "-\n", "", "-r", "group", "t1");
}

/* A running domain's document has them, too, so that what is seen of it is true. */
static void test_live(void **state)
{
	(void)state;
	struct status_writer w;
	int lock;
	define("l1");
	run_live("l1", 3, VM_RUNNING, VM_REASON_BOOTED, &w, &lock);
	CLEANUP_FREE char *live = home_run_file(&run_paths, "l1", "live.xml");
	CLEANUP_FREE char *xml = xasprintf(XML, "l1");
	assert_int_equal(file_write_new(live, xml, strlen(xml), 0600, NULL), 0);
	EXPECT(0, "Domain 'l1' tagged\n", "", "tag", "l1", "web");
	CLEANUP_FREE char *text = run_slurp(live);
	assert_non_null(strstr(text, "<hvmux:tag>web</hvmux:tag>"));
	run_end(&w, lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_tags, run_setup, run_teardown),
	    cmocka_unit_test_setup_teardown(test_live, run_setup, run_teardown)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
