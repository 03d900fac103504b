#include "unit/cm.h"

#include "disk/qcow2_layout.h"

static uint64_t be(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;
	for (unsigned i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static struct qcow2_layout plan(const struct qcow2_options *o)
{
	struct qcow2_layout l;
	struct err err = {0};
	if (qcow2_layout_plan(o, &l, &err) < 0)
		fail_msg("%s", err.msg);
	return l;
}

/* What QEMU itself makes of 64 MiB: the same four clusters. */
static void test_default(void **state)
{
	(void)state;
	struct qcow2_layout l = plan(&(struct qcow2_options){.size = 64 << 20});
	assert_int_equal(l.reftable, 0x10000);
	assert_int_equal(l.reftable_clusters, 1);
	assert_int_equal(l.refblocks, 0x20000);
	assert_int_equal(l.n_refblocks, 1);
	assert_int_equal(l.l1, 0x30000);
	assert_int_equal(l.l1_entries, 1);
	assert_int_equal(l.end, 0x40000);
	assert_int_equal(qcow2_layout_reftable(&l, 0), 0x20000);
	assert_int_equal(qcow2_layout_reftable(&l, 1), 0);
	assert_int_equal(qcow2_layout_refblocks(&l, 0), 0x0001000100010001);
	assert_int_equal(qcow2_layout_refblocks(&l, 1), 0);
	assert_int_equal(qcow2_layout_l1(&l, 0), 0);
}

/* Every cluster up to the end has a count of one and those behind have none, for every width; the tables lie behind each other
 * with nothing between. */
static void test_refcounts(void **state)
{
	(void)state;
	for (unsigned bits = 1; bits <= 64; bits *= 2) {
		struct qcow2_layout l = plan(&(struct qcow2_options){.size = 40 << 20,
		    .cluster = 512,
		    .refcount_bits = bits,
		    .prealloc = IMG_PREALLOC_METADATA});
		uint64_t ones = 0, words = l.n_refblocks * l.cluster / 8;
		for (uint64_t i = 0; i < words; i++)
			ones += (unsigned)__builtin_popcountll(qcow2_layout_refblocks(&l, i));
		assert_int_equal(ones, l.end / l.cluster);
		assert_int_equal(l.refblocks, l.reftable + l.reftable_clusters * l.cluster);
		assert_int_equal(l.l1, l.refblocks + l.n_refblocks * l.cluster);
		assert_int_equal(l.data, l.l2 + l.n_l2 * l.cluster);
		assert_int_equal(l.end, l.data + (40 << 20));
		assert_true(l.reftable_clusters * l.cluster / 8 >= l.n_refblocks);
	}
}

/* The first entry of a byte is its lowest bit, and that of a word its first bytes. */
static void test_refcount_order(void **state)
{
	(void)state;
	struct qcow2_layout l = {.cluster_bits = 16, .end = 3 << 16};
	const uint64_t want[] = {0x0700000000000000, 0x1500000000000000, 0x1101000000000000,
	    0x0101010000000000, 0x0001000100010000, 0x0000000100000001, 1};
	for (unsigned i = 0; i < ARRAY_LEN(want); i++) {
		l.refcount_bits = 1u << i;
		assert_true(qcow2_layout_refblocks(&l, 0) == want[i]);
	}
}

static void test_tables(void **state)
{
	(void)state;
	struct qcow2_layout l =
	    plan(&(struct qcow2_options){.size = (1 << 30) + 1, .prealloc = IMG_PREALLOC_METADATA});
	assert_int_equal(l.size, (1 << 30) + 512);
	assert_int_equal(l.n_l2, 3);
	assert_int_equal(l.n_data, 16385);
	assert_true(qcow2_layout_l1(&l, 2) == ((l.l2 + 0x20000) | QCOW2_COPIED));
	assert_true(qcow2_layout_l1(&l, 3) == 0);
	assert_true(qcow2_layout_l2(&l, 16384) == ((l.data + (1ull << 30)) | QCOW2_COPIED));
	assert_true(qcow2_layout_l2(&l, 16385) == 0);
	l = plan(&(struct qcow2_options){
	    .size = 1 << 30, .extended_l2 = true, .prealloc = IMG_PREALLOC_METADATA});
	assert_int_equal(l.n_l2, 4);
	assert_true(qcow2_layout_l2(&l, 2) == ((l.data + 0x10000) | QCOW2_COPIED));
	assert_true(qcow2_layout_l2(&l, 3) == 0);
}

/* With another file for the data, these need neither room nor counts here, and lie where the guest has them. */
static void test_data_file(void **state)
{
	(void)state;
	struct qcow2_layout l = plan(
	    &(struct qcow2_options){.size = 64 << 20, .data_file = "d", .data_file_raw = true});
	assert_int_equal(l.n_data, 1024);
	assert_int_equal(l.end, 5 << 16);
	assert_true(qcow2_layout_l2(&l, 0) == QCOW2_COPIED);
	assert_true(qcow2_layout_l2(&l, 1) == (0x10000 | QCOW2_COPIED));
}

static void test_header(void **state)
{
	(void)state;
	struct err err = {0};
	struct qcow2_options o = {.size = 1 << 20,
	    .cluster = 4096,
	    .lazy_refcounts = true,
	    .compression = QCOW2_ZSTD,
	    .refcount_bits = 64,
	    .backing = "base.img",
	    .backing_format = "raw",
	    .extended_l2 = false};
	struct qcow2_layout l = plan(&o);
	uint8_t h[4096];
	assert_int_equal(qcow2_layout_header(&o, &l, h, &err), 0);
	assert_int_equal(be(h, 4), QCOW2_MAGIC);
	assert_int_equal(be(h + 4, 4), 3);
	assert_int_equal(be(h + 16, 4), 8);
	assert_memory_equal(h + be(h + 8, 8), "base.img", 8);
	assert_int_equal(be(h + 24, 8), 1 << 20);
	assert_int_equal(be(h + 72, 8), QCOW2_COMPRESSION);
	assert_int_equal(be(h + 80, 8), QCOW2_LAZY_REFCOUNTS);
	assert_int_equal(be(h + 96, 4), 6);
	assert_int_equal(h[104], QCOW2_ZSTD);
	assert_int_equal(be(h + 112, 4), 0xe2792aca);
	assert_memory_equal(h + 120, "raw\0\0\0\0\0", 8);
	assert_int_equal(be(h + 128, 4), 0x6803f857);
}

static void test_header_too_long(void **state)
{
	(void)state;
	char name[600];
	struct err err = {0};
	uint8_t h[512];
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	struct qcow2_options o = {.size = 1 << 20, .cluster = 512, .backing = name};
	struct qcow2_layout l = plan(&o);
	assert_int_equal(qcow2_layout_header(&o, &l, h, &err), -1);
	assert_non_null(strstr(err.msg, "do not fit"));
}

static void test_refused(void **state)
{
	(void)state;
	const struct {
		struct qcow2_options o;
		const char *words;
	} bad[] = {
	    {{.cluster = 1000}, "power of two between 512 and 2048k"},
	    {{.cluster = 4 << 20}, "power of two between 512 and 2048k"},
	    {{.refcount_bits = 3}, "Refcount width"},
	    {{.refcount_bits = 128}, "Refcount width"},
	    {{.refcount_bits = 8, .version = 2}, "use version=v3"},
	    {{.lazy_refcounts = true, .version = 2}, "Lazy refcounts"},
	    {{.extended_l2 = true, .version = 2}, "Extended L2"},
	    {{.extended_l2 = true, .cluster = 8192}, "16384"},
	    {{.compression = QCOW2_ZSTD, .version = 2}, "Non-zlib"},
	    {{.data_file = "d", .version = 2}, "External data files"},
	    {{.data_file_raw = true}, "requires data-file"},
	    {{.data_file = "d", .data_file_raw = true, .backing = "b"}, "data-file-raw cannot"},
	    {{.backing = "b", .prealloc = IMG_PREALLOC_FULL}, "only be used at the same time"},
	    {{.size = UINT64_MAX}, "larger than a disk"},
	    {{.size = 1ull << 40, .cluster = 512}, "too large for file format"},
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = {0};
		struct qcow2_layout l;
		assert_int_equal(qcow2_layout_plan(&bad[i].o, &l, &err), -1);
		if (strstr(err.msg, bad[i].words) == NULL)
			fail_msg("'%s' does not say '%s'", err.msg, bad[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_default),
	    cmocka_unit_test(test_refcounts),
	    cmocka_unit_test(test_refcount_order),
	    cmocka_unit_test(test_tables),
	    cmocka_unit_test(test_data_file),
	    cmocka_unit_test(test_header),
	    cmocka_unit_test(test_header_too_long),
	    cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
