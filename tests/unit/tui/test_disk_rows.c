/* disk_rows: a domain's disks from its document, and their rates from counters. */
#include "unit/cm.h"

#include <string.h>

#include "core/mem.h"
#include "tui/disk_rows.h"

static const char document[] =
    "<domain type='qemu'><name>a</name><memory>65536</memory><os><type>hvm</type></os><devices>"
    "<disk type='file'><driver name='qemu' type='qcow2' cache='none' io='native' discard='unmap'/>"
    "<source file='/images/a.qcow2'/><target dev='vda' bus='virtio'/></disk>"
    "<disk type='volume' device='disk'><driver name='qemu' type='raw'/><source pool='vg0' volume='lv'/>"
    "<target dev='vdb' bus='virtio'/><readonly/></disk>"
    "<disk type='network'><driver name='qemu' type='raw'/><source protocol='nbd' name='export'><host name='h'/></source>"
    "<target dev='vdc' bus='virtio'/></disk>"
    "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>"
    "</devices></domain>";

static void open_table(struct disk_table *t)
{
	struct domain d;
	struct err err = {0};
	if (domain_parse(document, strlen(document), "t", DOMAIN_PARSE_LENIENT, &d, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	disk_rows_of(t, &d);
	domain_fini(&d);
}

static void words_of_each(void **state)
{
	struct disk_table t = {0};
	(void)state;
	open_table(&t);
	assert_int_equal(t.n, 4);
	assert_string_equal(t.rows[0].source, "/images/a.qcow2");
	assert_string_equal(t.rows[0].options, "cache none, io native, discard unmap");
	assert_string_equal(t.rows[0].cache, "none");
	assert_string_equal(t.rows[0].bus, "virtio");
	assert_true(t.rows[0].file);
	assert_string_equal(t.rows[1].source, "volume vg0/lv");
	assert_string_equal(t.rows[1].options, "read only");
	assert_false(t.rows[1].file);
	assert_string_equal(t.rows[2].source, "nbd export");
	assert_string_equal(t.rows[3].source, "");
	assert_string_equal(t.rows[3].options, "");
	disk_table_fini(&t);
}

static void rates(void **state)
{
	static struct status_page page;
	struct disk_count counts[4] = {0};
	struct disk_table t = {0};
	struct status_disk *d = &page.disk[0];
	(void)state;
	open_table(&t);
	memcpy(d->target, "vda", 4);
	page.disks = 1;
	d->rd_bytes = 1 << 30; /* of before: no rate */
	disk_rows_count(&t, &page, counts, 1000);
	assert_true(t.rows[0].counted);
	assert_false(t.rows[1].counted);
	assert_int_equal(t.rows[0].read_rate, 0);
	d->rd_bytes += 2 << 20;
	d->wr_bytes += 1 << 20;
	d->rd_ops = 10;
	d->rd_ns = 20000000;
	d->wr_failed = 2;
	disk_rows_count(&t, &page, counts, 2000);
	assert_int_equal(t.rows[0].read_rate, 2048);
	assert_int_equal(t.rows[0].write_rate, 1024);
	assert_int_equal(t.rows[0].wait_us, 2000);
	assert_int_equal(t.rows[0].failed, 2);
	/* Counters come now and then: a second without any is no standstill. */
	disk_rows_count(&t, &page, counts, 3000);
	assert_int_equal(t.rows[0].read_rate, 2048);
	disk_rows_count(&t, &page, counts, 5500);
	assert_int_equal(t.rows[0].read_rate, 0);
	assert_int_equal(t.rows[0].wait_us, 0);
	/* Of another run: they begin anew. */
	d->rd_bytes = 5;
	disk_rows_count(&t, &page, counts, 6500);
	assert_int_equal(t.rows[0].read_rate, 0);
	disk_rows_count(&t, NULL, counts, 7500);
	assert_false(t.rows[0].counted);
	disk_table_fini(&t);
}

static void a_page_alone(void **state)
{
	static struct status_page page;
	struct disk_table t = {0};
	(void)state;
	memcpy(page.disk[0].target, "vda", 4);
	memcpy(page.disk[0].path, "/x.img", 7);
	page.disks = 1000; /* of a broken writer */
	disk_rows_of_page(&t, &page);
	assert_int_equal(t.n, STATUS_DISKS_MAX);
	assert_string_equal(t.rows[0].source, "/x.img");
	assert_true(t.rows[0].file);
	assert_false(t.rows[1].file);
	disk_table_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(words_of_each), cmocka_unit_test(rates),
	    cmocka_unit_test(a_page_alone)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
