#include "unit/cli/run_cli.h"

#define XML \
	"<domain type='qemu'>\n  <name>d1</name>\n  <memory>65536</memory>\n  <os><type>hvm</type></os>\n</domain>\n"
#define UPDATED(what) "Domain " what " updated successfully\n"

static void test_desc(void **state)
{
	(void)state;
	run_define("d1", XML);
	EXPECT(0, "No description for domain: d1\n", "", "desc", "d1");
	EXPECT(0, "No title for domain: d1\n", "", "desc", "d1", "--title");
	EXPECT(0, UPDATED("description"), "", "desc", "d1", "two", "words");
	EXPECT(0, UPDATED("title"), "", "desc", "d1", "--title", "Größe <1>");
	EXPECT(0, "two words\n", "", "desc", "d1");
	EXPECT(0, "Größe <1>\n", "", "desc", "d1", "--title");
	CLEANUP_FREE char *path = home_domain_xml(&run_paths, "d1");
	CLEANUP_FREE char *text = run_slurp(path);
	assert_string_equal(text,
	    "<domain type=\"qemu\">\n  <name>d1</name>\n  <title>Größe &lt;1&gt;</title>\n"
	    "  <description>two words</description>\n  <memory>65536</memory>\n"
	    "  <os><type>hvm</type></os>\n</domain>\n");
	EXPECT(0, UPDATED("description"), "", "desc", "d1", "");
	EXPECT(0, "No description for domain: d1\n", "", "desc", "d1");
	EXPECT(1, "", "error: Domain title can't contain newlines: a title is one line\n", "desc",
	    "d1", "--title", "a\nb");
	EXPECT(1, "", "error: a description is UTF-8 text without control characters\n", "desc",
	    "d1", "a\x1b[2J");
	EXPECT(1, "", "error: Requested operation is not valid: domain is not running\n", "desc",
	    "d1", "--live", "x");
	EXPECT(2, "", "error: Options --current and --config are mutually exclusive\n", "desc",
	    "d1", "--current", "--config");
}

static void test_metadata(void **state)
{
	(void)state;
	run_define("d1", XML);
	EXPECT(1, "\n", "error: metadata not found: Requested metadata element is not present\n",
	    "metadata", "d1", "http://e/1");
	EXPECT(0, "Metadata modified\n\n", "", "metadata", "d1", "http://e/1", "--key", "e",
	    "--set", "<a x='1'>t<b/></a>");
	EXPECT(0, "<a x=\"1\">t<b/></a>\n\n", "", "metadata", "d1", "http://e/1");
	EXPECT(0, "Metadata modified\n\n", "", "metadata", "d1", "http://e/2", "--key", "f",
	    "--set", "<c/>");
	EXPECT(0, "Metadata modified\n\n", "", "metadata", "d1", "http://e/1", "--key", "g",
	    "--set", "<z/>");
	CLEANUP_FREE char *path = home_domain_xml(&run_paths, "d1");
	CLEANUP_FREE char *text = run_slurp(path);
	assert_non_null(strstr(text, "  <metadata>\n    <g:z xmlns:g=\"http://e/1\"/>\n"
	                             "    <f:c xmlns:f=\"http://e/2\"/>\n  </metadata>\n"));
	EXPECT(0, "Metadata removed\n\n", "", "metadata", "d1", "http://e/1", "--remove");
	EXPECT(1, "\n", "error: namespace key is required when modifying metadata\n", "metadata",
	    "d1", "http://e/1", "--set", "<a/>");
	EXPECT(1, "\n",
	    "error: 'a:b' cannot be a namespace key: a letter, then letters, digits, '.', '-' and '_'\n",
	    "metadata", "d1", "http://e/1", "--key", "a:b", "--set", "<a/>");
	EXPECT(1, "\n", "error: (metadata_xml): one element is needed\n", "metadata", "d1",
	    "http://e/1", "--key", "a", "--set", "<a/><b/>");
	EXPECT(1, "\n", "error: '' is not a URI\n", "metadata", "d1", "", "--remove");
	/* Ours has rules. */
	struct run r;
	RUN(&r, "metadata", "d1", "urn:hvmux:domain:1", "--key", "h", "--set",
	    "<domain><tag>a b</tag></domain>");
	assert_int_equal(r.status, 1);
	assert_non_null(strstr(r.err, "<tag>: tag 'a b': spaces"));
	run_free(&r);
}

static void test_words(void **state)
{
	(void)state;
	run_define("d1",
	    "<domain type='qemu'><name>d1</name><uuid>00112233-4455-6677-8899-aabbccddeeff"
	    "</uuid><memory>65536</memory><os><type>hvm</type></os></domain>");
	EXPECT(0, "-\n\n", "", "domid", "d1");
	EXPECT(0, "{\n  \"id\": null\n}\n", "", "domid", "d1", "--json");
	EXPECT(0, "00112233-4455-6677-8899-aabbccddeeff\n\n", "", "domuuid", "d1");
	EXPECT(0, "d1\n\n", "", "domname", "00112233-4455-6677-8899-aabbccddeeff");
	EXPECT(1, "\n", "error: failed to get domain 'd1'\n", "domname", "d1");
	struct status_writer w;
	int lock;
	run_live("d1", 7, VM_RUNNING, VM_REASON_BOOTED, &w, &lock);
	EXPECT(0, "7\n\n", "", "domid", "d1");
	EXPECT(0, "d1\n\n", "", "domname", "7");
	run_end(&w, lock);
}

static void test_device_lists(void **state)
{
	(void)state;
	run_define("d1",
	    "<domain type='qemu'><name>d1</name><memory>65536</memory><os><type>hvm</type></os><devices>"
	    "<disk type='file' device='disk'><source file='/a b.img'/><target dev='vda'/></disk>"
	    "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>"
	    "<disk type='network' device='disk'><source protocol='rbd' name='pool/img'/><target dev='vdb'/></disk>"
	    "<interface type='bridge'><source bridge='br0'/><mac address='52:54:00:00:00:01'/><model type='virtio'/>"
	    "</interface></devices></domain>");
	EXPECT(0,
	    " Target   Source\n--------------------\n vda      /a b.img\n sda      -\n vdb      pool/img\n\n",
	    "", "domblklist", "d1");
	EXPECT(0,
	    " Type      Device   Target   Source\n---------------------------------------\n"
	    " file      disk     vda      /a b.img\n file      cdrom    sda      -\n"
	    " network   disk     vdb      pool/img\n\n",
	    "", "domblklist", "d1", "--details");
	EXPECT(0,
	    " Interface   Type     Source   Model    MAC\n"
	    "-----------------------------------------------------------\n"
	    " -           bridge   br0      virtio   52:54:00:00:00:01\n\n",
	    "", "domiflist", "d1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_desc, run_setup, run_teardown),
	    cmocka_unit_test_setup_teardown(test_metadata, run_setup, run_teardown),
	    cmocka_unit_test_setup_teardown(test_words, run_setup, run_teardown),
	    cmocka_unit_test_setup_teardown(test_device_lists, run_setup, run_teardown)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
