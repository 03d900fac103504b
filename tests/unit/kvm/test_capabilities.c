/* The two documents, from data alone; what is in them is what the parser takes. */
#include "unit/cm.h"

#include "core/xml.h"
#include "kvm/capabilities.h"

/* struct caps owns its words; here nobody frees them. */
#define W(word) ((char *)(uintptr_t)(word))
static char *devices[] = {W("VGA"), W("ide-cd"), W("ide-hd"), W("virtio-blk-pci"), W("vmgenid")};
static char *cpus[] = {W("max"), W("qemu64")};
static struct caps_machine machines[] = {
    {W("pc-i440fx-7.2"), W("pc"), 255}, {W("pc-q35-7.2"), W("q35"), 288}};
static const struct caps caps = {.binary = W("/usr/bin/qemu"),
    .target = W("x86_64"),
    .version = 70222,
    .devices = {devices, 5},
    .cpus = {cpus, 2},
    .machines = machines,
    .n_machines = 2};
static const struct caps_kvm no_kvm = {.why = "no /dev/kvm here"};

static void test_domain(void **state)
{
	(void)state;
	struct err err = {0};
	struct capabilities_machine m = {&caps, &no_kvm, true, "x86_64", "q35"};
	char *xml = capabilities_domain(&m, &err);
	assert_non_null(xml);
	xmlDoc *doc = xml_read(xml, strlen(xml), "d", "domainCapabilities", &err);
	assert_non_null(doc);
	xmlFreeDoc(doc);
	assert_non_null(strstr(xml, "<machine>pc-q35-7.2</machine>"));
	assert_non_null(strstr(xml, "<vcpu max=\"288\"/>"));
	assert_non_null(strstr(xml, "<domain>qemu</domain>"));
	assert_non_null(strstr(xml, "<value>virtio</value>"));
	assert_non_null(strstr(xml, "<mode name=\"host-passthrough\" supported=\"no\"/>"));
	assert_non_null(strstr(xml, "<genid supported=\"yes\"/>"));
	/* The parser takes it and this QEMU has it not. */
	assert_null(strstr(xml, "<value>scsi</value>"));
	assert_null(strstr(xml, "<value>qxl</value>"));
	free(xml);
	m.machine = "isapc";
	assert_null(capabilities_domain(&m, &err));
	assert_string_equal(
	    err.msg, "the machine 'isapc' is not one of '/usr/bin/qemu'; see: hvmux capabilities");
	m.tcg = false;
	m.machine = NULL;
	assert_null(capabilities_domain(&m, &err));
	assert_string_equal(
	    err.msg, "KVM cannot be used here: no /dev/kvm here; --virttype qemu goes");
}

static void test_host(void **state)
{
	(void)state;
	char flags[] = " fpu ";
	struct node_cpu cpu = {.present = true, .online = true, .siblings = "0"};
	struct node_cell cell = {.memory_kib = 1048576, .pages = {{4, 262144, 1}}, .n_pages = 1};
	const struct node n = {.arch = "x86_64",
	    .vendor = "GenuineIntel",
	    .flags = flags,
	    .cpus = &cpu,
	    .n_cpus = 1,
	    .cells = &cell,
	    .n_cells = 1};
	const struct capabilities_guest guests[] = {
	    {"x86_64", 64, &caps, &no_kvm}, {"i686", 32, NULL, NULL}};
	char *xml = capabilities_host("/nowhere", &n, NULL, guests, 2);
	assert_non_null(strstr(xml, "<vendor>Intel</vendor>"));
	assert_non_null(strstr(xml, "<memory unit=\"KiB\">1048576</memory>"));
	assert_non_null(
	    strstr(xml, "<machine canonical=\"pc-q35-7.2\" maxCpus=\"288\">q35</machine>"));
	assert_non_null(strstr(xml, "<domain type=\"qemu\"/>"));
	assert_null(strstr(xml, "<domain type=\"kvm\"/>"));
	assert_null(strstr(xml, "i686"));
	assert_null(strstr(xml, "<uuid>"));
	free(xml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_domain), cmocka_unit_test(test_host)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
