#include "unit/cm.h"

#include "cli/clone_document.h"

static const char original[] =
    "<domain type='qemu' id='3'><name>web1</name><uuid>00112233-4455-6677-8899-aabbccddeeff</uuid>"
    "<genid>11112222-3333-4444-5555-666677778888</genid><memory>65536</memory>"
    "<os firmware='efi'><type>hvm</type><nvram>/nv/web1.fd</nvram></os>"
    "<sysinfo type='smbios'><system><entry name='uuid'>00112233-4455-6677-8899-aabbccddeeff</entry>"
    "<entry name='serial'>7</entry></system></sysinfo><devices>"
    "<disk type='block'><driver name='qemu' type='vmdk' cache='none'/><source dev='/dev/x'/>"
    "<backingStore type='file'><format type='raw'/><source file='/b'/></backingStore>"
    "<target dev='vda'/><serial>S1</serial><wwn>5000c50015ea71ac</wwn></disk>"
    "<disk type='file' device='cdrom'><source file='/cd.iso'/><target dev='sda'/><readonly/></disk>"
    "<interface type='network'><mac address='52:54:00:00:00:01'/><source network='d'/>"
    "<target dev='tap7'/></interface>"
    "<interface type='network'><mac address='52:54:00:00:00:02'/><source network='d'/></interface>"
    "<serial type='unix'><source mode='bind' path='/run/x.sock'/></serial>"
    "<serial type='file'><source path='/var/log/web1.txt'/></serial>"
    "<graphics type='vnc' port='5901'/><vsock><cid auto='no' address='5'/></vsock>"
    "<custom:keep xmlns:custom='urn:x'>me</custom:keep></devices></domain>";

static char *clone(const struct clone_identity *id, struct buf *notes)
{
	struct err err = {0};
	struct domain_disk vda = {.target = (char *)(uintptr_t) "vda"},
	                   sda = {.target = (char *)(uintptr_t) "sda"};
	struct clone_disk disks[] = {{.way = CLONE_COPY,
	                                 .disk = &vda,
	                                 .format = DISK_QCOW2,
	                                 .path = (char *)(uintptr_t) "/new/<&>.qcow2"},
	    {.way = CLONE_SHARE, .disk = &sda}};
	const struct clone_plan p = {disks, 2};
	size_t n;
	char *xml = clone_document(original, sizeof(original) - 1, "web1", &p, id, &n, notes, &err);
	if (!xml)
		fail_msg("%s", err.msg);
	return xml;
}

#define HAS(text) assert_non_null(strstr(xml, text))
#define LACKS(text) assert_null(strstr(xml, text))

static void test_document(void **state)
{
	(void)state;
	static const char *const macs[] = {"52:54:00:09:09:09"};
	const struct clone_identity id = {
	    .name = "web2", .macs = macs, .n_macs = 1, .nvram = "/nv/web2.fd"};
	CLEANUP_BUF struct buf notes = BUF_INIT;
	CLEANUP_FREE char *xml = clone(&id, &notes);
	HAS("<name>web2</name>");
	LACKS("00112233");
	LACKS("11112222");
	LACKS("id=\"3\"");
	HAS("<entry name=\"serial\">7</entry>");
	HAS("<nvram>/nv/web2.fd</nvram>");
	HAS("<disk type=\"file\">");
	HAS("type=\"qcow2\"");
	HAS("cache=\"none\"");
	HAS("<source file=\"/new/&lt;&amp;&gt;.qcow2\"/>");
	LACKS("/dev/x");
	LACKS("backingStore");
	LACKS("wwn");
	HAS("<serial>S1</serial>");
	HAS("/cd.iso");
	HAS("52:54:00:09:09:09");
	LACKS("52:54:00:00:00:0");
	LACKS("tap7");
	LACKS("/run/x.sock");
	LACKS("5901");
	HAS("autoport=\"yes\"");
	HAS("<cid auto=\"yes\"/>");
	HAS("<custom:keep xmlns:custom=\"urn:x\">me</custom:keep>");
	buf_addc(&notes, '\0');
	assert_string_equal(notes.data,
	    "<serial>: '/var/log/web1.txt' is used by both; 'hvmux edit' changes that\n");
}

static void test_uuid(void **state)
{
	(void)state;
	const struct clone_identity id = {
	    .name = "a&b", .uuid = "99999999-4455-6677-8899-aabbccddeeff"};
	CLEANUP_BUF struct buf notes = BUF_INIT;
	CLEANUP_FREE char *xml = clone(&id, &notes);
	HAS("<name>a&amp;b</name>");
	HAS("<uuid>99999999-4455-6677-8899-aabbccddeeff</uuid>");
	HAS("<nvram>/nv/web1.fd</nvram>");
}

static void expect_path(const char *path, const char *extension, const char *want)
{
	CLEANUP_FREE char *got = clone_path(path, "web1", "web2", extension);
	assert_string_equal(got, want);
}

static void test_path(void **state)
{
	(void)state;
	expect_path("/nowhere/web1.qcow2", NULL, "/nowhere/web2.qcow2");
	expect_path("/nowhere/x-web1-data.img", NULL, "/nowhere/x-web2-data.img");
	expect_path("/nowhere/disk.img", NULL, "/nowhere/disk-web2.img");
	expect_path("/nowhere/disk", NULL, "/nowhere/disk-web2");
	expect_path("/nowhere/disk", ".qcow2", "/nowhere/disk-web2.qcow2");
	expect_path("/web1/d.web1", NULL, "/web1/d-web2.web1");
	expect_path("/nowhere/.hidden", NULL, "/nowhere/.hidden-web2");
	expect_path("/nowhere/web1.raw", ".qcow2", "/nowhere/web2.qcow2");
	char *dir = cm_mkdtemp();
	CLEANUP_FREE char *from = xasprintf("%s/web1.img", dir),
	                  *taken = xasprintf("%s/web2.img", dir),
	                  *want = xasprintf("%s/web2-1.img", dir);
	assert_int_equal(file_write_atomic(taken, "x", 1, 0600, NULL), 0);
	expect_path(from, NULL, want);
	cm_rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_document),
	    cmocka_unit_test(test_uuid),
	    cmocka_unit_test(test_path),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
