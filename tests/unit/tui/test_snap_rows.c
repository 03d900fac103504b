/* snap_rows and snap_draw: documents on disk as a tree that a person reads. */
#include "unit/cm.h"
#include "unit/golden.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tui/snap_draw.h"

#define NOW 1763800000ull

static char root[] = "/tmp/snap_rowsXXXXXX";
static struct home home;

static void document(const char *name, const char *parent, const char *state, const char *words,
    unsigned at, const char *more)
{
	CLEANUP_FREE char *path = xasprintf("%s/data/snapshots/web1/%s.xml", root, name);
	CLEANUP_FREE char *up =
	    *parent ? xasprintf("<parent><name>%s</name></parent>", parent) : xstrdup("");
	CLEANUP_FREE char *xml =
	    xasprintf("<domainsnapshot><name>%s</name><description>%s</description>"
	              "<state>%s</state>%s<creationTime>%llu</creationTime>%s"
	              "</domainsnapshot>",
	        name, words, state, up, NOW - at, more);
	assert_int_equal(file_write_atomic(path, xml, strlen(xml), 0600, NULL), 0);
}

#define INSIDE "<memory snapshot='internal'/><disks><disk name='vda' snapshot='internal'/></disks>"

static int open_home(void **state)
{
	(void)state;
	strcpy(root, "/tmp/snap_rowsXXXXXX");
	assert_non_null(mkdtemp(root));
	setenv("HVMUX_HOME", root, 1);
	setenv("TZ", "UTC", 1);
	assert_int_equal(home_init(&home, NULL, NULL), 0);
	CLEANUP_FREE char *folder = xasprintf("mkdir -p %s/data/snapshots/web1", root);
	assert_int_equal(system(folder), 0);
	return 0;
}

static int close_home(void **state)
{
	(void)state;
	CLEANUP_FREE char *rm = xasprintf("rm -rf %s", root);
	assert_int_equal(system(rm), 0);
	home_fini(&home);
	return 0;
}

static void a_tree(void)
{
	CLEANUP_FREE char *memory = xasprintf("%s/memory", root);
	CLEANUP_FREE char *external = xasprintf(
	    "<memory snapshot='external' file='%s'/><disks><disk name='vda' snapshot='external' type='file'>"
	    "<driver type='qcow2'/><source file='%s/absent.qcow2'/></disk></disks>",
	    memory, root);
	CLEANUP_FREE char *data = xcalloc(1, 65536);
	memset(data, 'x', 65536);
	assert_int_equal(file_write_atomic(memory, data, 65536, 0600, NULL), 0);
	document("base", "", "shutoff", "fresh install", 200000, INSIDE);
	document("upgraded", "base", "running", "apt full-upgrade", 100000, INSIDE);
	document("try-a", "upgraded", "running", "kernel 6.12", 90000, INSIDE);
	document("try-a2", "try-a", "disk-snapshot", "", 80000, "");
	document("try-b", "upgraded", "running", "with a memory file", 70000, external);
	document("auto-1", "try-b", "paused", "", 3600,
	    INSIDE
	    "<hvmux:snapshot xmlns:hvmux='urn:hvmux:snapshot:1'><hvmux:schedule name='nightly'/>"
	    "</hvmux:snapshot>");
	CLEANUP_FREE char *link = xasprintf("%s/data/snapshots/web1/.current", root);
	assert_int_equal(symlink("auto-1.xml", link), 0);
}

static void order_and_branches(void **state)
{
	struct snap_rows r;
	static const char *const names[] = {
	    "base", "upgraded", "try-a", "try-a2", "try-b", "auto-1"};
	(void)state;
	a_tree();
	snap_rows_read(&r, &home, "web1");
	assert_int_equal(r.n, 6);
	for (size_t i = 0; i < r.n; i++)
		assert_string_equal(r.row[i].name, names[i]);
	assert_int_equal(r.row[1].level, 0);
	assert_int_equal(r.row[2].level, 1);
	assert_int_equal(r.row[3].level, 1);
	assert_int_equal(r.row[3].more, 1); /* try-b follows */
	assert_true(r.row[4].last);
	assert_int_equal(r.row[0].below, 5);
	assert_int_equal(r.row[1].children, 2);
	assert_int_equal(r.current, 5);
	assert_true(r.row[5].current);
	assert_string_equal(r.row[5].schedule, "nightly");
	assert_true(r.row[4].size >= 65536);
	assert_true(r.row[4].external);
	assert_int_equal(r.row[0].size, 0);
	assert_int_equal(snap_rows_find(&r, "try-b"), 4);
	assert_int_equal(snap_rows_find(&r, "none"), 6);
	snap_rows_fini(&r);
}

static void none_and_broken_ones(void **state)
{
	struct snap_rows r;
	(void)state;
	snap_rows_read(&r, &home, "other");
	assert_int_equal(r.n, 0);
	assert_string_equal(r.trouble, "");
	snap_rows_fini(&r);
	document("one", "gone", "running", "its parent is not here", 10, INSIDE);
	document("bad", "", "running", "<", 10, "");
	snap_rows_read(&r, &home, "web1");
	assert_int_equal(r.n, 1);
	assert_non_null(strstr(r.trouble, "bad"));
	snap_rows_fini(&r);
}

static void see(const struct snap_rows *r, const char *file, int rows, int cols, bool utf8)
{
	CLEANUP_FREE char *name = xasprintf("dialog/%s.txt", file);
	CLEANUP_FREE char *path = golden_path(name);
	struct sheet s = {0};
	sheet_init(&s, rows, cols, utf8);
	snap_table_draw(r, 0, 4, NOW, &s, 0, rows < 14 ? rows : rows - 7);
	if (rows >= 14)
		snap_details_draw(&r->row[5], NOW, &s, rows - 6, 6);
	CLEANUP_FREE char *got = sheet_dump(&s, false);
	golden_check(path, got);
	sheet_fini(&s);
}

static void looks(void **state)
{
	struct snap_rows r, none = {.looked = true};
	(void)state;
	a_tree();
	snap_rows_read(&r, &home, "web1");
	r.row[4].size = 65536; /* whatever blocks a file system takes */
	see(&r, "snapshots-80x24", 20, 80, true);
	see(&r, "snapshots-160x48", 16, 160, true);
	see(&r, "snapshots-ascii", 8, 80, false);
	see(&r, "snapshots-20x5", 5, 20, true);
	see(&none, "snapshots-none", 5, 80, true);
	struct sheet s = {0};
	for (int rows = 0; rows < 20; rows++)
		for (int cols = 0; cols < 120; cols++) {
			sheet_init(&s, rows, cols, true);
			snap_table_draw(&r, 0, 2, NOW, &s, 0, rows);
			snap_details_draw(&r.row[2], NOW, &s, 0, rows);
		}
	sheet_fini(&s);
	snap_rows_fini(&r);
}

/* A thousand that each stand on the one before: one column. And as many branches: no more columns than there are. */
static void many(void **state)
{
	struct snap_rows r;
	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		char name[16], parent[16] = "";
		snprintf(name, sizeof(name), "s%03u", i);
		if (i)
			snprintf(parent, sizeof(parent), "s%03u", i % 2 ? i - 1 : i / 2);
		document(name, parent, "running", "", 1000 - i, INSIDE);
	}
	snap_rows_read(&r, &home, "web1");
	assert_int_equal(r.n, 300);
	assert_int_equal(r.row[0].below, 299);
	for (size_t i = 0; i < r.n; i++)
		assert_true(r.row[i].level < SNAP_LEVELS);
	snap_rows_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(order_and_branches, open_home, close_home),
	    cmocka_unit_test_setup_teardown(none_and_broken_ones, open_home, close_home),
	    cmocka_unit_test_setup_teardown(looks, open_home, close_home),
	    cmocka_unit_test_setup_teardown(many, open_home, close_home),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
