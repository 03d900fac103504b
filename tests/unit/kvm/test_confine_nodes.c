#include "unit/cm.h"

#include <sys/stat.h>

#include "kvm/confine_nodes.h"

static char *dir;
static struct home home;

static void parse(const char *devices, struct domain *d)
{
	struct err err = {0};
	CLEANUP_FREE char *xml =
	    xasprintf("<domain type='qemu'><name>x</name><memory>8192</memory>"
	              "<os><type>hvm</type></os><devices>%s</devices></domain>",
	        devices);
	if (domain_parse(xml, strlen(xml), "x.xml", 0, d, NULL, &err) < 0)
		fail_msg("%s", err.msg);
}

static uid_t owner(const char *path)
{
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	return st.st_uid;
}

static void make(const char *path)
{
	CLEANUP_FREE char *whole = xasprintf("%s/%s", dir, path);
	assert_int_equal(mkdir(whole, 0700), 0);
}

#define PCI                                                           \
	"<hostdev mode='subsystem' type='pci' managed='yes'><source>" \
	"<address domain='0x0000' bus='0x06' slot='0x12' function='0x5'/></source></hostdev>"

static void a_group_is_given_and_taken_back(void **state)
{
	struct domain d;
	struct err err = {0};
	struct confine c = {.other_user = true, .uid = 65534, .gid = 65534, .user = "nobody"};
	(void)state;
	if (geteuid() != 0)
		skip();
	static const char *const folders[] = {"sys", "sys/bus", "sys/bus/pci",
	    "sys/bus/pci/devices", "sys/bus/pci/devices/0000:06:12.5", "dev", "dev/vfio"};
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		make(folders[i]);
	CLEANUP_FREE char *sys = xasprintf("%s/sys", dir), *dev = xasprintf("%s/dev", dir);
	CLEANUP_FREE char *link = xasprintf("%s/bus/pci/devices/0000:06:12.5/iommu_group", sys);
	CLEANUP_FREE char *node = xasprintf("%s/vfio/17", dev);
	assert_int_equal(symlink("../../../../kernel/iommu_groups/17", link), 0);
	parse(PCI, &d);
	assert_int_equal(confine_nodes_give(&c, sys, dev, &home, &d, &err), -1);
	assert_non_null(strstr(err.msg, "/vfio/17"));
	assert_int_equal(file_write_atomic(node, "", 0, 0600, NULL), 0);
	assert_int_equal(confine_nodes_give(&c, sys, dev, &home, &d, &err), 0);
	assert_true(c.lock_memory);
	assert_int_equal(owner(node), 65534);
	/* Given twice, as after a crash of everybody: the first owner is the one who gets it back. */
	assert_int_equal(confine_nodes_give(&c, sys, dev, &home, &d, &err), 0);
	confine_nodes_take_back(&home, "x");
	assert_int_equal(owner(node), 0);
	confine_nodes_take_back(&home, "x");
	c.other_user = false;
	assert_int_equal(confine_nodes_give(&c, sys, dev, &home, &d, &err), 0);
	assert_int_equal(owner(node), 0);
	domain_fini(&d);
}

static void a_usb_device(void **state)
{
	struct domain d;
	struct err err = {0};
	struct confine c = {.other_user = true, .uid = 65534, .gid = 65534, .user = "nobody"};
	(void)state;
	if (geteuid() != 0)
		skip();
	static const char *const folders[] = {"usb", "usb/bus", "usb/bus/usb", "usb/bus/usb/001"};
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		make(folders[i]);
	CLEANUP_FREE char *dev = xasprintf("%s/usb", dir);
	CLEANUP_FREE char *node = xasprintf("%s/bus/usb/001/014", dev);
	assert_int_equal(file_write_atomic(node, "", 0, 0600, NULL), 0);
	parse("<controller type='usb' index='0'/><hostdev mode='subsystem' type='usb'><source>"
	      "<address bus='1' device='14'/></source></hostdev>",
	    &d);
	assert_int_equal(confine_nodes_give(&c, "/sys", dev, &home, &d, &err), 0);
	assert_false(c.lock_memory);
	assert_int_equal(owner(node), 65534);
	confine_nodes_take_back(&home, "x");
	assert_int_equal(owner(node), 0);
	domain_fini(&d);
}

static void memory_is_locked_for_whom(void **state)
{
	struct domain d;
	struct err err = {0};
	struct confine c = {.other_user = false};
	(void)state;
	parse("", &d);
	assert_int_equal(confine_nodes_give(&c, "/sys", "/dev", &home, &d, &err), 0);
	assert_false(c.lock_memory);
	d.tune.locked = true;
	assert_int_equal(confine_nodes_give(&c, "/sys", "/dev", &home, &d, &err), 0);
	assert_true(c.lock_memory);
	domain_fini(&d);
}

static int set_up(void **state)
{
	(void)state;
	dir = cm_mkdtemp();
	home = (struct home){.mode = HOME_PRIVATE, .run = xasprintf("%s/run", dir)};
	make("run");
	make("run/x");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(home.run);
	cm_rmdir(dir);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_group_is_given_and_taken_back),
	    cmocka_unit_test(a_usb_device), cmocka_unit_test(memory_is_locked_for_whom)};
	return cmocka_run_group_tests_name("confine_nodes", tests, set_up, tear_down);
}
