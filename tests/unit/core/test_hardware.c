/* hardware: a line for every part of a domain's document, whatever its kind. */
#include "unit/cm.h"

#include <stdlib.h>
#include <string.h>

#include "core/hardware.h"

static const char document[] =
    "<domain type='kvm'><name>a</name><memory unit='GiB'>2</memory><currentMemory unit='GiB'>1</currentMemory>\n"
    "<vcpu current='2'>4</vcpu><cpu mode='custom'><model>Skylake</model><topology sockets='1' cores='4'/>\n"
    "<numa><cell id='0' cpus='0-3' memory='2' unit='GiB'/></numa></cpu>\n"
    "<os><type arch='x86_64' machine='q35'>hvm</type></os>\n"
    "<devices><disk type='file' device='cdrom'><source file='/a\x1b]0;b'/><target dev='sda' bus='sata'/>\n"
    "<readonly/><address type='drive' controller='0' bus='0' target='0' unit='3'/></disk>\n"
    "<interface type='bridge'><mac address='52:54:00:01:02:03'/><source bridge='br0'/>\n"
    "<address type='pci' domain='0x0000' bus='0x03' slot='0x00' function='0x1'/></interface>\n"
    "<rng model='virtio'><backend model='random'>\n  /dev/urandom\n</backend></rng>\n"
    "<novelty shape='round'><inside colour='red'/></novelty></devices></domain>";

static const struct hardware_part *part(const struct hardware *hw, const char *kind)
{
	for (size_t i = 0; i < hw->n; i++)
		if (strcmp(hw->parts[i].kind, kind) == 0)
			return &hw->parts[i];
	fail_msg("no part '%s'", kind);
	return NULL;
}

static void test_parts(void **state)
{
	(void)state;
	static const struct {
		const char *kind, *name, *text, *address;
	} want[] = {
	    {"machine", "q35", "kvm x86_64", ""},
	    {"cpu", "4", "now 2 custom Skylake sockets=1 cores=4", ""},
	    {"memory", "2.0GiB", "now 1.0GiB", ""},
	    {"numa", "0", "cpus=0-3 memory=2 GiB", ""},
	    {"disk", "sda", "sata cdrom /a]0;b readonly", "drive 0:0:0:3"},
	    {"interface", "52:54:00:01:02:03", "bridge br0", "pci 03:00.1"},
	    {"rng", "virtio", "random /dev/urandom", ""},
	    {"novelty", "", "round red", ""},
	};
	struct hardware hw;
	struct err err = {0};
	/* A control character is no XML: the document is refused whole. */
	assert_int_equal(hardware_read(document, sizeof document - 1, "a.xml", &hw, &err), -1);
	assert_int_equal(hw.n, 0);
	char clean[sizeof document];
	size_t n = 0;
	for (size_t i = 0; i < sizeof document - 1; i++)
		if (document[i] != '\x1b')
			clean[n++] = document[i];
	err = (struct err){0};
	assert_int_equal(hardware_read(clean, n, "a.xml", &hw, &err), 0);
	assert_int_equal(hw.n, sizeof want / sizeof want[0]);
	for (size_t i = 0; i < hw.n; i++) {
		const struct hardware_part *p = part(&hw, want[i].kind);
		assert_string_equal(p->name, want[i].name);
		assert_string_equal(p->text, want[i].text);
		assert_string_equal(p->address, want[i].address);
		assert_ptr_equal(hardware_find(&hw, p), p);
	}
	hardware_fini(&hw);
}

static void test_not_found(void **state)
{
	(void)state;
	static const char a[] =
	    "<domain><devices><input type='tablet' bus='usb'/></devices></domain>";
	static const char b[] =
	    "<domain><devices><input type='tablet' bus='virtio'/></devices></domain>";
	struct hardware x, y;
	struct err err = {0};
	assert_int_equal(hardware_read(a, sizeof a - 1, "a", &x, &err), 0);
	assert_int_equal(hardware_read(b, sizeof b - 1, "b", &y, &err), 0);
	assert_null(hardware_find(&y, part(&x, "input")));
	assert_non_null(hardware_find(&y, part(&x, "machine")));
	hardware_fini(&x);
	hardware_fini(&y);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parts),
	    cmocka_unit_test(test_not_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
