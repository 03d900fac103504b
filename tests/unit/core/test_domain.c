#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/domain.h"
#include "core/str.h"
#include "unit/golden.h"

static void parse(const char *xml, unsigned flags, struct domain *d, struct buf *warnings)
{
	struct err err = {0};
	if (domain_parse(xml, strlen(xml), "x.xml", flags, d, warnings, &err) < 0)
		fail_msg("%s", err.msg);
}

/* --- documents of tests/data --- */
static void check_refused(const char *stem)
{
	struct buf xml = BUF_INIT;
	struct domain d;
	struct err err = {0};
	char *in = xasprintf("%s.xml", stem), *out = xasprintf("%s.err", stem);
	golden_read(in, &xml);
	const char *file = strrchr(in, '/') + 1;
	if (domain_parse(xml.data, xml.len, file, 0, &d, NULL, &err) == 0)
		fail_msg("%s was accepted", in);
	assert_null(d.name);
	char *line = xasprintf("%s\n", err.msg);
	golden_check(out, line);
	free(line);
	free(in);
	free(out);
	buf_fini(&xml);
}

static void test_refused(void **state)
{
	(void)state;
	golden_each("refused/*.xml", check_refused);
}

/* Completed and written; what is written, read and written again, is the same. */
static void check_round_trip(const char *stem)
{
	struct buf xml = BUF_INIT;
	struct domain d, again;
	struct err err = {0};
	char *in = xasprintf("%s.xml", stem), *out = xasprintf("%s.out", stem);
	golden_read(in, &xml);
	parse(xml.data, DOMAIN_PARSE_IGNORE_UNSUPPORTED, &d, NULL);
	assert_int_equal(domain_complete(&d, NULL, NULL, &err), 0);
	char *text = domain_format(&d, &err);
	if (text == NULL)
		fail_msg("%s", err.msg);
	golden_check(out, text);
	parse(text, DOMAIN_PARSE_IGNORE_UNSUPPORTED, &again, NULL);
	assert_int_equal(domain_complete(&again, NULL, NULL, &err), 0);
	char *text2 = domain_format(&again, &err);
	assert_string_equal(text, text2);
	free(text);
	free(text2);
	free(in);
	free(out);
	domain_fini(&d);
	domain_fini(&again);
	buf_fini(&xml);
}

static void test_round_trips(void **state)
{
	(void)state;
	golden_each("domain/*.xml", check_round_trip);
}

/* --- members --- */
#define HEAD "<domain type='qemu'><name>x</name><memory unit='MiB'>8</memory>"
#define OS "<os><type>hvm</type></os><features><acpi/></features>"

static void test_members(void **state)
{
	(void)state;
	static const char xml[] = HEAD
	    "<uuid> 8B0C4F4C6E4A4D2A9D3C0D8A6F3C2B11\n</uuid><title>t</title><vcpu current='2'> 3 </vcpu>"
	    "<os><type arch='i686' machine='pc'>hvm</type><boot dev='cdrom'/><boot dev='hd'/></os>"
	    "<on_crash>preserve</on_crash><on_reboot>destroy</on_reboot>"
	    "<devices><serial type='pty'><target port='1'/></serial>"
	    "<console type='pty'><target type='virtio'/></console><serial type='pty'>"
	    "<target port='0'/></serial></devices></domain>";
	struct domain d;
	parse(xml, 0, &d, NULL);
	assert_int_equal(d.type, DOMAIN_QEMU);
	assert_true(d.memory_kib == 8192 && d.current_memory_kib == 8192);
	assert_int_equal(d.vcpus, 2);
	assert_int_equal(d.vcpus_max, 3);
	assert_int_equal(d.uuid[0], 0x8b);
	assert_int_equal(d.uuid[15], 0x11);
	assert_string_equal(d.arch, "i686");
	assert_int_equal(d.n_boot, 2);
	assert_int_equal(d.boot[0], BOOT_CDROM);
	assert_int_equal(d.on_crash, ACTION_PRESERVE);
	assert_int_equal(d.on_reboot, ACTION_DESTROY);
	assert_int_equal(d.on_poweroff, ACTION_DESTROY);
	assert_int_equal(d.n_devs, 1);
	assert_int_equal(d.devs[0].kind, DEV_BALLOON);
	assert_int_equal(d.devs[0].element, 0);
	assert_int_equal(d.n_consoles, 3);
	assert_int_equal(d.consoles[0].port, 0);
	assert_int_equal(d.consoles[1].port, 1);
	assert_int_equal(d.consoles[2].target, CHR_VIRTIO_CONSOLE);
	assert_false(d.features.acpi);
	domain_fini(&d);
}

static void test_console_alias(void **state)
{
	(void)state;
	struct domain d;
	parse(HEAD OS "<devices><console type='pty'/><serial type='pty'/></devices></domain>", 0,
	    &d, NULL);
	assert_int_equal(d.n_consoles, 1);
	domain_fini(&d);
	parse(HEAD OS "<devices><console type='pty'/></devices></domain>", 0, &d, NULL);
	assert_int_equal(d.n_consoles, 1);
	assert_int_equal(d.consoles[0].target, CHR_ISA_SERIAL);
	domain_fini(&d);
}

/* --- what is not supported --- */
static const char mixed[] =
    HEAD OS "<cputune><cachetune vcpus='0'/></cputune><novel a='1'/>\n<devices>\n"
            "<hostdev mode='capabilities' type='storage'/>\n"
            "<disk type='file'><source file='/x'/><target dev='vda' bus='sd'/></disk>\n"
            "<disk type='file'><source file='/a'/><target dev='vdb' bus='virtio'/></disk>\n"
            "<interface type='vds'/>\n"
            "<interface type='user' colour='red'/>\n<graphics type='sdl'/></devices></domain>";

static void test_ignored(void **state)
{
	(void)state;
	struct domain d;
	struct err err = {0};
	struct buf warnings = BUF_INIT;
	assert_int_equal(domain_parse(mixed, sizeof mixed - 1, "x.xml", 0, &d, NULL, &err), -1);
	assert_int_equal(err.code, ERR_UNSUPPORTED);
	assert_non_null(strstr(err.msg, "x.xml:3: <hostdev>: "));
	parse(mixed, DOMAIN_PARSE_IGNORE_UNSUPPORTED, &d, &warnings);
	assert_int_equal(d.n_disks, 1);
	assert_string_equal(d.disks[0].target, "vdb");
	assert_int_equal(d.n_nets, 1);
	assert_null(domain_dev_find(&d, DEV_GRAPHICS));
	static const char *const lines[] = {"x.xml:1: <cachetune>: has no effect here\n",
	    "x.xml:3: <hostdev>: ", "x.xml:4: <target>: bus='sd'",
	    "x.xml:6: <interface>: type='vds'", "x.xml:8: <graphics>: type='sdl'"};
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		if (strstr(warnings.data, lines[i]) == NULL)
			fail_msg("no '%s' in:\n%s", lines[i], warnings.data);
	assert_null(strstr(warnings.data, "novel"));
	/* The wish is kept in the document: read back without flags, it is still left out. */
	assert_true(d.leaves_out);
	CLEANUP_FREE char *marked = domain_format(&d, &err);
	buf_clear(&warnings);
	domain_fini(&d);
	assert_non_null(strstr(marked, "<?hvmux ignore-unsupported?>"));
	parse(marked, 0, &d, NULL);
	assert_int_equal(d.n_disks, 1);
	CLEANUP_FREE char *again = domain_format(&d, &err);
	assert_string_equal(marked, again);
	domain_fini(&d);
	parse(mixed, DOMAIN_PARSE_IGNORE_UNSUPPORTED | DOMAIN_PARSE_STRICT, &d, &warnings);
	assert_non_null(strstr(warnings.data, "<novel>: not known"));
	assert_non_null(strstr(warnings.data, "<interface>: attribute 'colour' is not known"));
	domain_fini(&d);
	buf_clear(&warnings);
	parse(mixed, DOMAIN_PARSE_LENIENT, &d, &warnings);
	assert_int_equal(warnings.len, 0);
	assert_int_equal(d.n_disks, 1);
	domain_fini(&d);
	buf_fini(&warnings);
}

/* --- changes --- */
static bool one_taken(void *arg, const char *mac)
{
	/* Says no to the first that is offered. */
	char **first = arg;
	if (*first != NULL)
		return strcmp(*first, mac) == 0;
	*first = xstrdup(mac);
	return true;
}

static void test_complete(void **state)
{
	(void)state;
	struct domain d;
	struct err err = {0};
	char *first = NULL;
	parse(HEAD OS "<devices><interface type='user'/><interface type='user'/>"
	              "<graphics type='vnc'/><input type='tablet'/></devices></domain>",
	    0, &d, NULL);
	assert_int_equal(domain_complete(&d, one_taken, &first, &err), 0);
	assert_true(d.has_uuid);
	assert_int_equal(d.uuid[6] >> 4, 4);
	assert_true(str_prefix(d.nets[0].mac, "52:54:00:"));
	assert_string_not_equal(d.nets[0].mac, first);
	assert_string_not_equal(d.nets[0].mac, d.nets[1].mac);
	const struct domain_dev *video = domain_dev_find(&d, DEV_VIDEO);
	assert_string_equal(attrs_get(&video->attrs, "model@type"), "vga");
	assert_int_equal(video->address.slot, 2);
	assert_int_equal(d.n_controllers, 1);
	assert_string_equal(d.controllers[0].model, "piix3-uhci");
	assert_true(d.nets[0].address.type == ADDRESS_PCI &&
	            domain_dev_find(&d, DEV_BALLOON)->address.type == ADDRESS_PCI);
	free(first);
	domain_fini(&d);
}

static void test_change(void **state)
{
	(void)state;
	static const char xml[] =
	    "<domain type='kvm'>\n  <name>x</name>\n  <!-- c -->\n"
	    "  <memory unit='MiB'>8</memory>\n  <mine/>\n" OS "\n  <devices>\n"
	    "    <disk type='file'>\n      <source file='/a'/>\n"
	    "      <target dev='vda'/>\n      <alias name='ua-1'/>\n    </disk>\n"
	    "    <disk type='file'>\n      <source file='/b'/>\n"
	    "      <target dev='vdb'/>\n    </disk>\n  </devices>\n</domain>\n";
	static const char want[] =
	    "<domain type=\"qemu\">\n  <name>y &amp; z</name>\n  <!-- c -->\n"
	    "  <memory unit=\"KiB\">16384</memory>\n  <mine/>\n" OS "\n  <devices>\n"
	    "    <disk type=\"file\">\n      <source file=\"/c\"/>\n"
	    "      <target dev=\"vda\"/>\n      <alias name=\"ua-1\"/>\n    </disk>\n  </devices>\n"
	    "  <vcpu current=\"1\">2</vcpu>\n</domain>\n";
	struct domain d;
	struct err err = {0};
	parse(xml, 0, &d, NULL);
	d.type = DOMAIN_QEMU;
	free(d.name);
	d.name = xstrdup("y & z");
	d.memory_kib = d.current_memory_kib = 16384;
	d.vcpus_max = 2;
	free(d.disks[0].image.path);
	d.disks[0].image.path = xstrdup("/c");
	d.n_disks = 1;
	char *gone[] = {d.disks[1].image.path, d.disks[1].target};
	char *text = domain_format(&d, &err);
	assert_string_equal(text, want);
	free(gone[0]);
	free(gone[1]);
	free(text);
	domain_fini(&d);
}

static void test_from_nothing(void **state)
{
	(void)state;
	struct domain d = {.type = DOMAIN_QEMU, .vcpus = 1, .vcpus_max = 1}, back;
	struct err err = {0};
	d.name = xstrdup("new1");
	d.memory_kib = d.current_memory_kib = 65536;
	d.disks = xcalloc(1, sizeof *d.disks);
	d.n_disks = 1;
	d.disks[0] = (struct domain_disk){
	    .image = {.path = xstrdup("/a"), .format = DISK_QCOW2}, .target = xstrdup("vda")};
	char *text = domain_format(&d, &err);
	if (text == NULL)
		fail_msg("%s", err.msg);
	parse(text, 0, &back, NULL);
	assert_string_equal(back.name, "new1");
	assert_true(back.memory_kib == 65536);
	assert_int_equal(back.n_disks, 1);
	assert_string_equal(back.disks[0].image.path, "/a");
	assert_int_equal(back.disks[0].image.format, DISK_QCOW2);
	free(text);
	domain_fini(&d);
	domain_fini(&back);
}

static void test_target_index(void **state)
{
	(void)state;
	assert_int_equal(disk_target_index("vda"), 0);
	assert_int_equal(disk_target_index("hdd"), 3);
	assert_int_equal(disk_target_index("sdaa"), 26);
	assert_int_equal(disk_target_index("vd"), -1);
	assert_int_equal(disk_target_index("vda1"), -1);
	assert_int_equal(disk_target_index("vdzzzzzzzzzz"), -1);
	assert_int_equal(disk_target_index("nvme0n1"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_round_trips),
	    cmocka_unit_test(test_members),
	    cmocka_unit_test(test_console_alias),
	    cmocka_unit_test(test_ignored),
	    cmocka_unit_test(test_complete),
	    cmocka_unit_test(test_change),
	    cmocka_unit_test(test_from_nothing),
	    cmocka_unit_test(test_target_index),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
