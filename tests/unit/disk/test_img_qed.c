#include "unit/disk/foreign.h"

#define CLUSTER 4096u
#define L1 CLUSTER
#define L2 (2 * CLUSTER)
#define DATA (3 * CLUSTER)
#define ENTRIES (CLUSTER / 8)

/* Four clusters: data, none, zeroes, data; then far away, under the second L2 table, none. */
static struct image make(void)
{
	static const uint64_t table[] = {DATA, 0, 1, DATA + CLUSTER};
	struct image m = {0};
	image_put(&m, 0, "QED\0", 4);
	image_le32(&m, 4, CLUSTER);
	image_le32(&m, 8, 1);
	image_le32(&m, 12, 1);
	image_le64(&m, 40, L1);
	image_le64(&m, 48, (ENTRIES + 4ull) * CLUSTER);
	image_le64(&m, L1, L2);
	image_fill(&m, L1 + 8, 0, CLUSTER - 8);
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		image_le64(&m, L2 + i * 8, table[i]);
	image_fill(&m, DATA, '0', CLUSTER);
	image_fill(&m, DATA + CLUSTER, '3', CLUSTER);
	return m;
}

static void test_read(void **state)
{
	(void)state;
	struct image m = make();
	struct img *im = foreign_must_open(&m, NULL);
	struct img_info info;
	assert_ptr_equal(im->driver, &img_qed);
	assert_int_equal(im->size, (ENTRIES + 4) * CLUSTER);
	foreign_all(im, 0, '0', CLUSTER);
	foreign_all(im, CLUSTER, 0, 2 * CLUSTER);
	foreign_all(im, 3 * CLUSTER, '3', CLUSTER);
	assert_int_equal(foreign_map(im, CLUSTER).kind, IMG_ABSENT);
	assert_int_equal(foreign_map(im, 2 * CLUSTER).kind, IMG_ZERO);
	/* To the end, over the border of the tables. */
	assert_int_equal(foreign_map(im, 4 * CLUSTER).bytes, ENTRIES * CLUSTER);
	assert_int_equal(img_driver_find("qed")->info(im, &info, NULL), 0);
	img_drop(&im);
	image_le64(&m, 16, 2);
	im = foreign_must_open(&m, NULL);
	assert_int_equal(im->driver->info(im, &info, NULL), 0);
	assert_true(info.dirty);
	img_drop(&im);
	free(m.data);
}

static void put_backing(struct image *m, uint64_t features, const char *name)
{
	image_le64(m, 16, features);
	image_le32(m, 56, 100);
	image_le32(m, 60, (uint32_t)strlen(name));
	image_put(m, 100, name, strlen(name));
}

static void test_backing(void **state)
{
	(void)state;
	struct image m = make();
	foreign_write("base", "bbbb", 4);
	put_backing(&m, 1 | 4, "base");
	struct img *im = foreign_must_open(&m, NULL);
	assert_string_equal(im->backing_format, "raw");
	uint8_t buf[4];
	assert_int_equal(img_read(im, CLUSTER, buf, 4, NULL), 0);
	assert_memory_equal(buf, "\0\0\0\0", 4);
	image_le64(&m, L2, 0);
	img_drop(&im);
	im = foreign_must_open(&m, NULL);
	assert_int_equal(img_read(im, 0, buf, 4, NULL), 0);
	assert_memory_equal(buf, "bbbb", 4);
	img_drop(&im);
	foreign_seed("qed", "backing", m.data, m.size);
	put_backing(&m, 1, "base");
	foreign_refused(&m, "qed", "does not tell the format of its backing file 'base'");
	put_backing(&m, 1 | 4, "nbd://host/x");
	foreign_refused(&m, "qed", "is no file");
	put_backing(&m, 1 | 4, "");
	foreign_refused(&m, "qed", "length of the backing file's name is 0");
	put_backing(&m, 1 | 4, "base");
	foreign_refused_le32(&m, "qed", 60, 1024, "length of the backing file's name is 1024");
	foreign_refused_le32(&m, "qed", 60, 40, "holds a NUL");
	foreign_refused_le32(&m, "qed", 56, 1, "offset of the backing file's name is 1");
	foreign_refused_le32(
	    &m, "qed", 56, CLUSTER - 3, "offset of the backing file's name is 4093");
	foreign_refused_le32(
	    &m, "qed", 56, 0xffffffff, "offset of the backing file's name is 4294967295");
	put_backing(&m, 1 | 4, "image");
	foreign_refused(&m, "qed", "stands twice");
	free(m.data);
}

static void test_refused(void **state)
{
	(void)state;
	struct image m = make();
	foreign_refused_le32(&m, "qed", 0, 7, "is no QED image");
	foreign_refused_le64(&m, "qed", 16, 8, "unknown features: 0x8");
	foreign_refused_le32(&m, "qed", 4, 512, "cluster size is 512");
	foreign_refused_le32(&m, "qed", 4, 5000, "cluster size is 5000");
	foreign_refused_le32(&m, "qed", 4, 0x80000000, "cluster size is");
	foreign_refused_le32(&m, "qed", 8, 0, "table size is 0");
	foreign_refused_le32(&m, "qed", 8, 32, "table size is 32");
	foreign_refused_le32(&m, "qed", 12, 0, "header size is 0");
	foreign_refused_le32(&m, "qed", 12, 0xffffffff, "header size is");
	foreign_refused_le64(&m, "qed", 40, L1 + 8, "offset of the L1 table is");
	foreign_refused_le64(&m, "qed", 40, 0, "offset of the L1 table is 0");
	foreign_refused_le64(&m, "qed", 40, 0xfffffffffffff000, "offset of the L1 table is");
	foreign_refused_le64(&m, "qed", 48, 1000, "its size is 1000");
	foreign_refused_le64(
	    &m, "qed", 48, (uint64_t)ENTRIES * ENTRIES * CLUSTER + 512, "its size is");
	foreign_refused_le64(&m, "qed", 48, UINT64_MAX - 511, "its size is");
	foreign_refused_le64(&m, "qed", L1, 5, "offset of an L2 table is 5");
	foreign_refused_le64(&m, "qed", L1, 0xfffffffffffff000, "offset of an L2 table is");
	foreign_refused_le64(&m, "qed", L1, m.size, "behind its end");
	foreign_refused_le64(&m, "qed", L2, 4097, "offset of a cluster is 4097");
	foreign_refused_le64(&m, "qed", L2, 1ull << 62, "offset of a cluster is");
	struct image largest = image_copy(&m);
	image_le64(&largest, 48, (uint64_t)ENTRIES * ENTRIES * CLUSTER);
	struct img *im = foreign_must_open(&largest, "qed");
	img_drop(&im);
	free(largest.data);
	free(m.data);
}

static void test_hostile(void **state)
{
	(void)state;
	struct image m = make();
	foreign_sweep(&m, "qed", 0, 72);
	foreign_sweep(&m, "qed", L1, L1 + 16);
	foreign_sweep(&m, "qed", L2, L2 + 32);
	put_backing(&m, 1 | 4, "base");
	foreign_sweep(&m, "qed", 56, 64);
	free(m.data);
}

static void test_seed(void **state)
{
	(void)state;
	struct image m = make();
	foreign_seed("qed", "plain", m.data, m.size);
	free(m.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    FOREIGN_TEST(test_read),
	    FOREIGN_TEST(test_backing),
	    FOREIGN_TEST(test_refused),
	    FOREIGN_TEST(test_hostile),
	    FOREIGN_TEST(test_seed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
