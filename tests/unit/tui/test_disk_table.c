/* disk_table: the pane of a domain's disks, as a person sees it. */
#include "unit/cm.h"
#include "unit/golden.h"

#include "tui/disk_table.h"

#define GIB (1ull << 30)

static void image(struct disk_chain *c, const char *path, const char *format, uint64_t capacity,
    uint64_t allocation, const char *why)
{
	c->images = xreallocarray(c->images, c->n + 1, sizeof(*c->images));
	c->images[c->n++] = (struct disk_image_facts){.path = xstrdup(path),
	    .format = xstrdup(format),
	    .capacity = capacity,
	    .allocation = allocation,
	    .why = xstrdup(why)};
}

static struct disk_row *disk(struct disk_table *t, const char *target, const char *device,
    const char *bus, const char *format, const char *source)
{
	struct disk_row *r;
	t->rows = xreallocarray(t->rows, t->n + 1, sizeof(*t->rows));
	r = &t->rows[t->n++];
	*r = (struct disk_row){.target = xstrdup(target),
	    .device = device,
	    .bus = bus,
	    .format = format,
	    .source = xstrdup(source),
	    .options = xstrdup(""),
	    .cache = "",
	    .file = *source == '/',
	    .looked = *source == '/'};
	r->chain.path = xstrdup(source);
	r->chain.snapshots = xstrdup("");
	return r;
}

static void counted(struct disk_row *r, uint64_t rd, uint64_t wr, uint64_t wait, uint64_t failed)
{
	r->counted = true;
	r->read_rate = rd;
	r->write_rate = wr;
	r->wait_us = wait;
	r->failed = failed;
}

static void fill(struct disk_table *t)
{
	struct disk_row *r =
	    disk(t, "vda", "disk", "virtio", "qcow2", "/var/lib/hvmux/images/web1.qcow2");
	image(&r->chain, r->source, "qcow2", 20 * GIB, 4 * GIB + GIB / 10, "");
	image(&r->chain, "/var/lib/hvmux/images/base-debian-12.qcow2", "qcow2", 10 * GIB, 2 * GIB,
	    "");
	counted(r, 1229, 340, 400, 0);
	free(r->chain.snapshots);
	r->chain.snapshots = xstrdup("before-upgrade, clean");
	r->chain.n_snapshots = 2;
	r->cache = "none";
	free(r->options);
	r->options = xstrdup("cache none, io native, discard unmap");
	r = disk(t, "vdb", "disk", "virtio", "raw", "/dev/vg0/web1-data");
	image(&r->chain, r->source, "raw", 100 * GIB, 100 * GIB, "");
	counted(r, 0, 81920, 12345, 3);
	r = disk(t, "vdc", "disk", "virtio", "qcow2", "/mnt/nas/archive.qcow2");
	image(&r->chain, r->source, "", 0, 0, "No such file or directory");
	r = disk(t, "vdd", "disk", "virtio", "raw", "rbd pool/image");
	counted(r, 0, 0, 0, 0);
	disk(t, "sda", "cdrom", "sata", "raw", "");
}

static void see(const struct disk_table *t, const char *file, int rows, int cols, bool utf8,
    unsigned first, unsigned lines)
{
	CLEANUP_FREE char *name = xasprintf("storage/%s.txt", file);
	CLEANUP_FREE char *path = golden_path(name);
	struct sheet s = {0};
	sheet_init(&s, rows, cols, utf8);
	assert_int_equal(disk_table_draw(t, first, &s), lines);
	CLEANUP_FREE char *got = sheet_dump(&s, false);
	golden_check(path, got);
	sheet_fini(&s);
}

static void the_pane(void **state)
{
	struct disk_table t = {0};
	(void)state;
	fill(&t);
	see(&t, "disks-80", 11, 80, true, 0, 10); /* a line more: no column tells of errors */
	see(&t, "disks-80-ascii", 11, 80, false, 0, 10);
	see(&t, "disks-80-scrolled", 5, 80, true, 4, 10);
	see(&t, "disks-160", 10, 160, true, 0, 9);
	see(&t, "disks-40", 11, 40, true, 0, 10);
	disk_table_fini(&t);
}

static void off_and_away(void **state)
{
	struct disk_table t = {0};
	struct disk_row *r;
	(void)state;
	r = disk(&t, "vda", "disk", "virtio", "qcow2", "/mnt/nas/a.qcow2");
	r->looked = false;
	r->waiting_ms = 12000;
	see(&t, "disks-away", 4, 80, true, 0, 2);
	disk_table_fini(&t);
	see(&t, "disks-none", 3, 80, true, 0, 1);
}

static void every_size(void **state)
{
	struct disk_table t = {0};
	struct sheet s = {0};
	(void)state;
	fill(&t);
	for (int rows = 0; rows < 14; rows++)
		for (int cols = 0; cols < 200; cols++)
			for (unsigned first = 0; first < 12; first += 3) {
				sheet_init(&s, rows, cols, true);
				assert_true(disk_table_draw(&t, first, &s) >= 9);
			}
	sheet_fini(&s);
	disk_table_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_pane),
	    cmocka_unit_test(off_and_away),
	    cmocka_unit_test(every_size),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
