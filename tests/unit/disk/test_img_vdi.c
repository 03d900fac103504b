#include "unit/disk/foreign.h"

#define BLOCK (4u << 10) /* VirtualBox has 1 MiB; the smallest that is read makes small seeds */
#define TABLE 512u
#define DATA 1024u

/* Four blocks and a half: one at place 1, none, one discarded, one at place 0, one at place 2. */
static struct image make(void)
{
	static const uint32_t table[] = {1, 0xffffffff, 0xfffffffe, 0, 2};
	struct image m = {0};
	image_put(&m, 0, "<<< Oracle VM VirtualBox Disk Image >>>\n", 40);
	image_le32(&m, 0x40, 0xbeda107f);
	image_le32(&m, 0x44, 0x00010001);
	image_le32(&m, 0x48, 0x190);
	image_le32(&m, 0x4c, 1);
	image_le32(&m, 0x154, TABLE);
	image_le32(&m, 0x158, DATA);
	image_le32(&m, 0x168, 512);
	image_le64(&m, 0x170, 4 * BLOCK + BLOCK / 2);
	image_le32(&m, 0x178, BLOCK);
	image_le32(&m, 0x180, 5);
	image_le32(&m, 0x184, 3);
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		image_le32(&m, TABLE + i * 4, table[i]);
	image_fill(&m, DATA, '3', BLOCK);
	image_fill(&m, DATA + BLOCK, '0', BLOCK);
	image_fill(&m, DATA + 2 * BLOCK, '4', BLOCK);
	return m;
}

static void test_read(void **state)
{
	(void)state;
	struct image m = make();
	struct img *im = foreign_must_open(&m, NULL);
	assert_ptr_equal(im->driver, &img_vdi);
	assert_int_equal(im->size, 4 * BLOCK + BLOCK / 2);
	assert_int_equal(im->cluster, BLOCK);
	foreign_all(im, 0, '0', BLOCK);
	foreign_all(im, BLOCK, 0, 2 * BLOCK);
	foreign_all(im, 3 * BLOCK, '3', BLOCK);
	foreign_all(im, 4 * BLOCK, '4', BLOCK / 2);
	struct img_extent e = foreign_map(im, 100);
	assert_int_equal(e.kind, IMG_DATA);
	assert_int_equal(e.host, DATA + BLOCK + 100);
	assert_int_equal(e.bytes, BLOCK - 100);
	e = foreign_map(im, BLOCK);
	assert_int_equal(e.kind, IMG_ZERO);
	assert_int_equal(e.bytes, 2 * BLOCK);
	img_drop(&im);
	free(m.data);
}

/* Blocks that lie in order are one extent. */
static void test_joined(void **state)
{
	(void)state;
	struct image m = make();
	for (uint32_t i = 0; i < 3; i++)
		image_le32(&m, TABLE + i * 4, i);
	struct img *im = foreign_must_open(&m, "vdi");
	struct img_extent e = foreign_map(im, 8);
	assert_int_equal(e.bytes, 3 * BLOCK - 8);
	assert_int_equal(e.host, DATA + 8);
	img_drop(&im);
	free(m.data);
}

/* A size that is no whole sector, as VirtualBox makes them of raw files. */
static void test_odd_size(void **state)
{
	(void)state;
	struct image m = make();
	image_le64(&m, 0x170, 1000);
	struct img *im = foreign_must_open(&m, NULL);
	assert_int_equal(im->size, 1024);
	img_drop(&im);
	free(m.data);
}

static void test_refused(void **state)
{
	(void)state;
	struct image m = make();
	foreign_refused_le32(&m, "vdi", 0x40, 1, "is no VDI image");
	foreign_refused_le32(&m, "vdi", 0x44, 0x00020000, "of version 2.0");
	foreign_refused_le32(&m, "vdi", 0x4c, 3, "differencing");
	foreign_refused_le32(&m, "vdi", 0x4c, 4, "differencing");
	foreign_refused_le32(&m, "vdi", 0x4c, 9, "its type is 9");
	foreign_refused_le32(&m, "vdi", 0x1b8, 7, "differencing");
	foreign_refused_le32(&m, "vdi", 0x1a8, 7, "differencing");
	foreign_refused_le32(&m, "vdi", 0x154, 100, "offset of the block table is 100");
	foreign_refused_le32(&m, "vdi", 0x154, 0, "offset of the block table is 0");
	foreign_refused_le32(&m, "vdi", 0x154, 0xfffffe00, "whose table does not fit");
	foreign_refused_le32(&m, "vdi", 0x158, 1, "offset of the data is 1");
	foreign_refused_le32(
	    &m, "vdi", 0x158, 0xfffffe00, "its block 0 is said to lie at offset 4294970880");
	foreign_refused_le32(&m, "vdi", 0x168, 4096, "sector size is 4096");
	foreign_refused_le64(&m, "vdi", 0x170, UINT64_MAX, "its size is");
	foreign_refused_le64(&m, "vdi", 0x170, 5 * BLOCK + 1, "more than its blocks hold");
	foreign_refused_le32(&m, "vdi", 0x178, 0, "block size is 0");
	foreign_refused_le32(&m, "vdi", 0x178, 3 * BLOCK, "block size is 12288");
	foreign_refused_le32(&m, "vdi", 0x178, 0x80000000, "block size is");
	foreign_refused_le32(&m, "vdi", 0x17c, 512, "extra data of a block is 512");
	foreign_refused_le32(&m, "vdi", 0x180, 0xffffffff, "whose table does not fit");
	foreign_refused_le32(&m, "vdi", TABLE + 12, 0xfffffffd, "its block 3 is said to lie");
	m.size = 200;
	foreign_refused(&m, "vdi", "behind its end");
	free(m.data);
}

static void test_hostile(void **state)
{
	(void)state;
	struct image m = make();
	foreign_sweep(&m, "vdi", 0x40, 0x1c8);
	foreign_sweep(&m, "vdi", TABLE, TABLE + 24);
	free(m.data);
}

static void test_seed(void **state)
{
	(void)state;
	struct image m = make();
	foreign_seed("vdi", "dynamic", m.data, m.size);
	free(m.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    FOREIGN_TEST(test_read),
	    FOREIGN_TEST(test_joined),
	    FOREIGN_TEST(test_odd_size),
	    FOREIGN_TEST(test_refused),
	    FOREIGN_TEST(test_hostile),
	    FOREIGN_TEST(test_seed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
