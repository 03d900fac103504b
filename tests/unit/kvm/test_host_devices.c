/* A sysfs and a /proc of our own. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/mem.h"
#include "core/str.h"
#include "kvm/host_devices.h"

static char root[64];
#define PCI "sys/devices/pci0000:00/"

static char *at(const char *path)
{
	return xasprintf("%s/%s", root, path);
}

static void make_dirs(const char *path)
{
	CLEANUP_FREE char *full = at(path);
	for (char *s = full + strlen(root) + 1; (s = strchr(s, '/')) != NULL; s++) {
		*s = '\0';
		mkdir(full, 0700);
		*s = '/';
	}
	mkdir(full, 0700);
}

static void put(const char *dir, const char *file, const char *text)
{
	CLEANUP_FREE char *name = xasprintf("%s/%s/%s", root, dir, file);
	FILE *f = fopen(name, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* from: of the tree; to: of the tree. */
static void link_to(const char *from, const char *to)
{
	CLEANUP_FREE char *full = at(from);
	CLEANUP_FREE char *target = at(to);
	CLEANUP_FREE char *dir = xstrdup(from);
	*strrchr(dir, '/') = '\0';
	make_dirs(dir);
	assert_return_code(symlink(target, full), 0);
}

static void pci(const char *address, const char *class, const char *ids, int group)
{
	char number[64];
	CLEANUP_FREE char *dir = xasprintf(PCI "%s", address);
	CLEANUP_FREE char *link = xasprintf("sys/bus/pci/devices/%s", address);
	make_dirs(dir);
	put(dir, "class", class);
	snprintf(number, sizeof number, "0x%.4s\n", ids);
	put(dir, "vendor", number);
	snprintf(number, sizeof number, "0x%.4s\n", ids + 5);
	put(dir, "device", number);
	link_to(link, dir);
	if (group < 0)
		return;
	CLEANUP_FREE char *of = xasprintf("%s/iommu_group", dir);
	snprintf(number, sizeof number, "sys/kernel/iommu_groups/%d", group);
	make_dirs(number);
	link_to(of, number);
}

static void usb(const char *address, const char *class, const char *ids, const char *place)
{
	char id[8];
	CLEANUP_FREE char *dir = xasprintf(PCI "0000:00:14.0/usb1/%s", address);
	CLEANUP_FREE char *link = xasprintf("sys/bus/usb/devices/%s", address);
	make_dirs(dir);
	snprintf(id, sizeof id, "%.4s\n", ids);
	put(dir, "idVendor", id);
	snprintf(id, sizeof id, "%.4s\n", ids + 5);
	put(dir, "idProduct", id);
	put(dir, "bDeviceClass", class);
	put(dir, "busnum", "1\n");
	put(dir, "devnum", place);
	put(dir, "product", "A stick\x1b[2J\n");
	link_to(link, dir);
}

static void block(const char *number, const char *name, const char *dir)
{
	CLEANUP_FREE char *by_number = xasprintf("sys/dev/block/%s", number);
	CLEANUP_FREE char *by_name = xasprintf("sys/class/block/%s", name);
	make_dirs(dir);
	link_to(by_number, dir);
	link_to(by_name, dir);
}

static void card(const char *name, const char *address)
{
	CLEANUP_FREE char *dir = xasprintf(PCI "%s/net/%s", address, name);
	CLEANUP_FREE char *link = xasprintf("sys/class/net/%s", name);
	make_dirs(dir);
	link_to(link, dir);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(root, "/tmp/hvmux-host.XXXXXX");
	if (mkdtemp(root) == NULL)
		return -1;
	pci("0000:00:00.0", "0x060000\n", "8086:0001", 0);
	pci("0000:00:14.0", "0x0c0330\n", "8086:0014", 4); /* USB: the disk of a stick is on it */
	pci("0000:00:17.0", "0x010601\n", "8086:0017", 5); /* a mounted volume */
	pci("0000:00:19.0", "0x020000\n", "8086:0019", 6); /* the default route */
	pci("0000:00:1a.0", "0x020000\n", "8086:001a", 7); /* part of a bridge */
	pci("0000:00:1b.0", "0x020000\n", "8086:001b", 8); /* free */
	pci("0000:00:1c.0", "0x040300\n", "8086:001c", 6); /* in the group of the card */
	pci("0000:00:1d.0", "0x010802\n", "8086:001d", 9); /* in use, nobody knows by whom */
	pci("0000:00:1e.0", "0x030000\n", "8086:001e", 10);
	pci("0000:00:1f.0", "0x040300\n", "8086:001f", -1);
	put(PCI "0000:00:1e.0", "boot_vga", "1\n");
	usb("1-1", "09\n", "1d6b:0002", "2\n");
	usb("1-2", "00\n", "0781:5581", "3\n");
	usb("1-3", "00\n", "0403:6001", "4\n");
	usb("1-4", "00\n", "0403:6010", "5\n");
	usb("1-5", "00\n", "0403:6010", "6\n");
	block("8:2", "sda2", PCI "0000:00:17.0/ata1/block/sda/sda2");
	block("8:17", "sdb1", PCI "0000:00:14.0/usb1/1-2/1-2:1.0/block/sdb/sdb1");
	block("253:0", "dm-0", "sys/devices/virtual/block/dm-0");
	link_to(
	    "sys/devices/virtual/block/dm-0/slaves/sda2", PCI "0000:00:17.0/ata1/block/sda/sda2");
	make_dirs(PCI "0000:00:1d.0/nvme/nvme0/nvme0n1/device");
	link_to("sys/block/nvme0n1", PCI "0000:00:1d.0/nvme/nvme0/nvme0n1");
	card("eth0", "0000:00:19.0");
	card("eth1", "0000:00:1a.0");
	card("eth2", "0000:00:1b.0");
	make_dirs(PCI "0000:00:1a.0/net/eth1/upper_br0");
	make_dirs("proc/self");
	make_dirs("proc/net");
	put("proc/self", "mountinfo",
	    "22 1 253:0 / / rw,relatime shared:1 - ext4 /dev/mapper/vg-root rw\n"
	    "23 22 0:35 / /backup rw - btrfs /dev/sdb1 rw\n"
	    "24 22 0:36 / /proc rw - proc proc rw\n");
	put("proc/net", "route", "Iface\tDestination\tGateway\neth0\t00000000\t0102A8C0\n");
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *f)
{
	(void)st, (void)kind, (void)f;
	return remove(path);
}

static int tear_down(void **state)
{
	(void)state;
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static bool is_busy(const char *name)
{
	return strcmp(name, "nvme0n1") == 0;
}

static bool no_address(const char *interface)
{
	(void)interface;
	return false;
}

static void read_all(struct host_devices *l)
{
	struct err err = {0};
	CLEANUP_FREE char *sys = at("sys");
	CLEANUP_FREE char *proc = at("proc");
	const struct host_probe h = {sys, proc, is_busy, no_address};
	if (host_devices_read(&h, l, &err) < 0)
		fail_msg("%s", err.msg);
}

static void refused(const struct host_devices *l, const char *address, const char *words)
{
	const struct host_device *d = host_devices_find(l, address);
	assert_non_null(d);
	if (d->refused == NULL || strstr(d->refused, words) == NULL)
		fail_msg("%s: '%s' instead of '%s'", address,
		    d->refused != NULL ? d->refused : "free", words);
}

static void test_what_stays(void **state)
{
	(void)state;
	struct host_devices l;
	read_all(&l);
	assert_int_equal(l.n, 15);
	refused(&l, "00:00.0", "part of the host's board");
	refused(&l, "00:14.0", "sdb1, which the host has mounted on /backup");
	refused(&l, "00:17.0", "sda2, which the host has mounted on /");
	refused(&l, "00:19.0", "card eth0 has the host's default route");
	refused(&l, "00:1a.0", "card eth1 is part of a bridge");
	assert_null(host_devices_find(&l, "00:1b.0")->refused);
	refused(&l, "00:1c.0", "IOMMU group 6 with 0000:00:19.0");
	refused(&l, "00:1d.0", "nvme0n1, which the host has in use");
	refused(&l, "00:1e.0", "shows its console on");
	refused(&l, "00:1f.0", "no IOMMU");
	refused(&l, "1-1", "hub");
	refused(&l, "1-2", "mounted on /backup");
	assert_null(host_devices_find(&l, "1-3")->refused);
	host_devices_fini(&l);
}

static void has_xml(const struct host_devices *l, const char *word, const char *part)
{
	const struct host_device *d = host_devices_find(l, word);
	assert_non_null(d);
	CLEANUP_FREE char *xml = host_device_xml(l, d);
	if (strstr(xml, part) == NULL)
		fail_msg("%s", xml);
}

static void test_names(void **state)
{
	(void)state;
	struct host_devices l;
	read_all(&l);
	assert_ptr_equal(host_devices_find(&l, "0403:6001"), host_devices_find(&l, "1-3"));
	assert_null(host_devices_find(&l, "0403:6010")); /* two of them */
	assert_null(host_devices_find(&l, "0000:99:00.0"));
	assert_null(host_devices_find(&l, ""));
	has_xml(&l, "1-3", "<vendor id='0x0403'/><product id='0x6001'/>");
	has_xml(&l, "1-4", "<address bus='1' device='5'/>");
	has_xml(&l, "00:1b.0",
	    "managed='yes'><source><address domain='0x0000' bus='0x00' slot='0x1b' function='0x0'/>");
	assert_null(strchr(host_devices_find(&l, "1-3")->name, '\x1b'));
	host_devices_fini(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_stays),
	    cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
