#include "unit/cm.h"

#include "core/home.h"
#include "core/osinfo.h"

static struct home nobody = {.mode = HOME_PRIVATE};

static void put(const char *dir, const char *file, const char *inside)
{
	CLEANUP_FREE char *folder = xasprintf("%s/os/example.org", dir);
	CLEANUP_FREE char *path = xasprintf("%s/%s", folder, file);
	CLEANUP_FREE char *text =
	    xasprintf("<?xml version='1.0'?>\n<libosinfo version='0.0.1'>%s</libosinfo>", inside);
	assert_int_equal(home_mkdir(&nobody, folder, NULL), 0);
	assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, NULL), 0);
}

static void test_read(void **state)
{
	(void)state;
	char *a = cm_mkdtemp(), *b = cm_mkdtemp();
	const char *const dirs[] = {a, b, NULL};
	struct osinfo_db db;
	struct err err = {0};
	put(a, "one.xml",
	    "<os id='http://e/1'><short-id>one</short-id><short-id>eins</short-id>"
	    "<name xml:lang='de'>Eins</name><name>One</name><version>1</version>"
	    "<resources arch='all'><minimum><ram>1000</ram><n-cpus>2</n-cpus></minimum>"
	    "<recommended><ram>2000</ram></recommended></resources>"
	    "<resources arch='aarch64'><recommended><ram>9</ram></recommended></resources>"
	    "<devices><device id='http://pcisig.com/pci/1af4/1042'/><device id='http://pcisig.com/pci/1af4/1041'/>"
	    "<device id='http://unknown/'/></devices></os>");
	/* Inherits one device and has lost the other. */
	put(a, "two.xml",
	    "<os id='http://e/2'><short-id>two</short-id><derives-from id='http://e/1'/>"
	    "<devices><device id='http://pcisig.com/pci/1af4/1041' removed='true'/>"
	    "<device id='http://qemu.org/chipset/x86/q35'/></devices></os>");
	/* A ring, nameless ones, no XML, numbers that are none. */
	put(a, "ring.xml",
	    "<os id='http://e/3'><short-id>aring</short-id><derives-from id='http://e/4'/></os>"
	    "<os id='http://e/4'><short-id>bring</short-id><derives-from id='http://e/3'/>"
	    "<resources arch='all'><minimum><ram>-1</ram><n-cpus>99999</n-cpus></minimum></resources></os>"
	    "<os id='http://e/5'/><os><short-id>x</short-id></os>");
	put(a, "broken.xml", "<os id='http://e/6'>");
	assert_int_equal(osinfo_read(dirs, &db, &err), 0);
	assert_int_equal(db.n, 4);
	assert_string_equal(db.oses[0].short_ids[0], "aring");
	const struct osinfo_os *one = osinfo_find(&db, "eins"),
	                       *two = osinfo_find(&db, "http://e/2");
	assert_string_equal(one->name, "One");
	assert_int_equal(one->ram, 2000);
	assert_int_equal(one->cpus, 2);
	assert_int_equal(one->devices, OSINFO_VIRTIO_BLK | OSINFO_VIRTIO_NET);
	assert_int_equal(two->devices, OSINFO_VIRTIO_BLK | OSINFO_Q35);
	assert_int_equal(osinfo_find(&db, "bring")->ram, 0);
	assert_int_equal(osinfo_find(&db, "bring")->cpus, 0);
	assert_null(osinfo_find(&db, "eleven"));
	osinfo_fini(&db);
	/* The administrator's entry replaces the package's. */
	put(b, "one.xml", "<os id='http://e/1'><short-id>one</short-id><name>Mine</name></os>");
	assert_int_equal(osinfo_read(dirs, &db, &err), 0);
	assert_int_equal(db.n, 4);
	assert_string_equal(osinfo_find(&db, "one")->name, "Mine");
	assert_int_equal(osinfo_find(&db, "two")->devices, OSINFO_Q35);
	osinfo_fini(&db);
	cm_rmdir(a);
	cm_rmdir(b);
}

static void test_not_installed(void **state)
{
	(void)state;
	static const char *const dirs[] = {"/nonexistent/osinfo", NULL};
	struct osinfo_db db;
	struct err err = {0};
	assert_int_equal(osinfo_read(dirs, &db, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_non_null(strstr(err.msg, "install the package osinfo-db"));
	osinfo_fini(&db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_read), cmocka_unit_test(test_not_installed)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
