/* A guest never sees its cards move: what was placed stays, whatever comes and goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/domain.h"
#include "core/mem.h"
#include "core/str.h"

#define DOC(machine, devices)                                                                \
	"<domain type='qemu'><name>x</name><memory>8192</memory><os><type machine='" machine \
	"'>hvm</type></os><devices>" devices "</devices></domain>"
#define DISK(target, bus, more)                                                            \
	"<disk type='file'><source file='/" target "'/><target dev='" target "' bus='" bus \
	"'/>" more "</disk>"

static char *complete(const char *xml, struct domain *d)
{
	struct err err = {0};
	if (domain_parse(xml, strlen(xml), "x.xml", 0, d, NULL, &err) < 0 ||
	    domain_complete(d, NULL, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	char *text = domain_format(d, &err);
	if (text == NULL)
		fail_msg("%s", err.msg);
	return text;
}

/* text without what stands from `from` to `to`, both included. */
static char *without(const char *text, const char *from, const char *to)
{
	const char *a = strstr(text, from), *b = strstr(a, to);
	assert_non_null(b);
	return xasprintf("%.*s%s", (int)(a - text), text, b + strlen(to));
}

static char *with(const char *text, const char *devices)
{
	const char *end = strstr(text, "</devices>");
	return xasprintf("%.*s%s%s", (int)(end - text), text, devices, end);
}

static const struct domain_disk *find(const struct domain *d, const char *target)
{
	for (size_t i = 0; i < d->n_disks; i++)
		if (strcmp(d->disks[i].target, target) == 0)
			return &d->disks[i];
	fail_msg("no disk '%s'", target);
	return NULL;
}

static void check_stays(const char *xml, const char *added)
{
	struct domain first, second, third, fourth;
	char *one = complete(xml, &first), *two = complete(one, &second);
	assert_string_equal(one, two);
	char *more = with(two, added);
	char *three = complete(more, &third);
	for (size_t i = 0; i < first.n_disks; i++)
		assert_true(address_equal(
		    &first.disks[i].address, &find(&third, first.disks[i].target)->address));
	for (size_t i = 0; i < first.n_controllers; i++)
		assert_true(address_equal(&first.controllers[i].address,
		    &domain_controller(
		        &third, first.controllers[i].type, first.controllers[i].index)
		         ->address));
	/* Without the first disk the others stay, and its place is free for another. */
	char *less = without(three, "<disk", "</disk>");
	char *four = complete(less, &fourth);
	for (size_t i = 0; i < fourth.n_disks; i++)
		assert_true(address_equal(
		    &fourth.disks[i].address, &find(&third, fourth.disks[i].target)->address));
	char *const strings[] = {one, two, more, three, less, four};
	for (size_t i = 0; i < ARRAY_LEN(strings); i++)
		free(strings[i]);
	struct domain *const domains[] = {&first, &second, &third, &fourth};
	for (size_t i = 0; i < ARRAY_LEN(domains); i++)
		domain_fini(domains[i]);
}

static void test_stays(void **state)
{
	(void)state;
	check_stays(
	    DOC("q35",
	        DISK("vda", "virtio", "") DISK("vdb", "virtio", "") DISK("sda", "scsi", "") DISK(
	            "sdb", "usb", "") "<interface type='user'><model type='rtl8139'/></interface>"),
	    DISK("vdc", "virtio", "")
	        DISK("sdc", "usb", "") "<input type='tablet' bus='usb'/>"
	                               "<interface type='user'><model type='e1000'/></interface>");
	check_stays(DOC("pc", DISK("vda", "virtio", "") DISK("hda", "ide", "")
	                          DISK("sda", "scsi", "") DISK("sdb", "sata", "")),
	    DISK("vdc", "virtio", "") DISK("hdb", "ide", "") DISK("nvme0n1", "nvme", ""));
}

/* --- q35 --- */
static unsigned count(const struct domain *d, const char *model)
{
	unsigned n = 0;
	for (size_t i = 0; i < d->n_controllers; i++)
		n += str_eq(d->controllers[i].model, model);
	return n;
}

static void test_root_ports(void **state)
{
	(void)state;
	struct domain d;
	char *text =
	    complete(DOC("q35", DISK("vda", "virtio", "") "<memballoon model='virtio'/>"), &d);
	/* USB, disk, balloon, and four to spare. */
	assert_int_equal(count(&d, "pcie-root-port"), 7);
	assert_int_equal(count(&d, "pcie-to-pci-bridge"), 0);
	assert_int_equal(d.disks[0].address.slot, 0);
	assert_int_not_equal(d.disks[0].address.bus, 0);
	/* A card plugged in later takes a spare port. */
	char *more = with(text, DISK("vdb", "virtio", ""));
	struct domain grown;
	char *again = complete(more, &grown);
	assert_int_equal(count(&grown, "pcie-root-port"), 7);
	domain_fini(&d);
	domain_fini(&grown);
	free(text);
	free(more);
	free(again);
}

/* What was placed on the root itself, by an older version or by hand, stays there, and gets no ports. */
static void test_old_document(void **state)
{
	(void)state;
	struct domain d;
	char *text = complete(
	    DOC("q35",
	        "<controller type='usb' model='none'/>" DISK("vda", "virtio",
	            "<address type='pci' bus='0x00' slot='0x03'/>") "<memballoon model='virtio'><address type='pci' bus='0x00' slot='0x04'/></memballoon>"),
	    &d);
	assert_int_equal(count(&d, "pcie-root-port"), 0);
	assert_int_equal(d.disks[0].address.slot, 3);
	assert_null(strstr(text, "root-port"));
	domain_fini(&d);
	free(text);
}

/* --- i440fx --- */
static void test_bridges(void **state)
{
	(void)state;
	struct buf xml = BUF_INIT;
	struct domain d;
	bool used[4][32] = {0};
	buf_adds(&xml,
	    "<domain type='qemu'><name>x</name><memory>8192</memory><os><type machine='pc'>hvm</type>"
	    "</os><devices>");
	for (int i = 0; i < 70; i++)
		buf_addf(&xml,
		    "<disk type='file'><source file='/%d'/><target dev='vd%c%c' bus='virtio'/></disk>",
		    i, 'a' + i / 26, 'a' + i % 26);
	buf_adds(&xml, "</devices></domain>");
	char *text = complete(xml.data, &d);
	assert_int_equal(count(&d, "pci-bridge"), 2);
	for (size_t i = 0; i < d.n_disks; i++) {
		const struct domain_address *a = &d.disks[i].address;
		assert_true(a->bus < 3 && a->slot > 0 && !used[a->bus][a->slot]);
		used[a->bus][a->slot] = true;
	}
	domain_fini(&d);
	free(text);
	buf_fini(&xml);
}

static void test_full(void **state)
{
	(void)state;
	static const char xml[] = DOC("pc",
	    DISK("hda", "ide", "<address type='drive' bus='1' unit='0'/>") DISK("hdc", "ide", ""));
	struct domain d;
	struct err err = {0};
	assert_int_equal(domain_parse(xml, strlen(xml), "x.xml", 0, &d, NULL, &err), 0);
	assert_int_equal(domain_complete(&d, NULL, NULL, &err), -1);
	assert_non_null(strstr(err.msg, "the place of 'hdc' on bus 'ide'"));
	domain_fini(&d);
}

/* A bridge is never put onto itself. */
static void test_own_bus(void **state)
{
	(void)state;
	static const char xml[] =
	    DOC("q35", "<controller type='pci' index='2' model='pci-bridge'/>");
	struct domain d;
	struct err err = {0};
	assert_int_equal(domain_parse(xml, strlen(xml), "x.xml", 0, &d, NULL, &err), 0);
	assert_int_equal(domain_complete(&d, NULL, NULL, &err), -1);
	assert_non_null(strstr(err.msg, "no place on PCI is left for <controller>"));
	domain_fini(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_stays),
	    cmocka_unit_test(test_root_ports),
	    cmocka_unit_test(test_old_document),
	    cmocka_unit_test(test_bridges),
	    cmocka_unit_test(test_full),
	    cmocka_unit_test(test_own_bus),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
