#include "unit/disk/foreign.h"

#define BLOCK (4u << 10) /* 2 MiB is usual; small blocks make small seeds */
#define DYNAMIC 512u
#define TABLE 1536u
#define FIRST 2048u /* the first block: a sector of bitmap, then data */

static void put_footer(
    struct image *m, size_t at, uint32_t type, const char *creator, uint64_t size)
{
	image_put(m, at, "conectix", 8);
	image_be32(m, at + 8, 2);
	image_be32(m, at + 12, 0x00010000);
	image_be64(m, at + 16, type == 2 ? UINT64_MAX : DYNAMIC);
	image_put(m, at + 28, creator, 4);
	image_be64(m, at + 40, size);
	image_be64(m, at + 48, size);
	image_be16(m, at + 56, 3); /* 3 × 2 × 5 sectors */
	*image_at(m, at + 58, 1) = 2;
	*image_at(m, at + 59, 1) = 5;
	image_be32(m, at + 60, type);
	*image_at(m, at + 511, 1) = 0;
}

/* Four blocks: the second, none, the first, none. */
static struct image make(void)
{
	static const uint32_t table[] = {
	    (FIRST + 512 + BLOCK) / 512, 0xffffffff, FIRST / 512, 0xffffffff};
	struct image m = {0};
	put_footer(&m, 0, 3, "win ", 4 * BLOCK);
	image_put(&m, DYNAMIC, "cxsparse", 8);
	image_be64(&m, DYNAMIC + 8, UINT64_MAX);
	image_be64(&m, DYNAMIC + 16, TABLE);
	image_be32(&m, DYNAMIC + 24, 0x00010000);
	image_be32(&m, DYNAMIC + 28, ARRAY_LEN(table));
	image_be32(&m, DYNAMIC + 32, BLOCK);
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		image_be32(&m, TABLE + i * 4, table[i]);
	image_fill(&m, FIRST, 0xff, 512);
	image_fill(&m, FIRST + 512, '2', BLOCK);
	image_fill(&m, FIRST + 512 + BLOCK, 0xff, 512);
	image_fill(&m, FIRST + 1024 + BLOCK, '0', BLOCK);
	put_footer(&m, FIRST + 1024 + 2 * BLOCK, 3, "win ", 4 * BLOCK);
	return m;
}

static void test_dynamic(void **state)
{
	(void)state;
	struct image m = make();
	struct img *im = foreign_must_open(&m, NULL);
	assert_ptr_equal(im->driver, &img_vpc);
	assert_int_equal(im->size, 4 * BLOCK);
	assert_int_equal(im->cluster, BLOCK);
	foreign_all(im, 0, '0', BLOCK);
	foreign_all(im, BLOCK, 0, BLOCK);
	foreign_all(im, 2 * BLOCK, '2', BLOCK);
	foreign_all(im, 3 * BLOCK, 0, BLOCK);
	struct img_extent e = foreign_map(im, 7);
	assert_int_equal(e.host, FIRST + 1024 + BLOCK + 7);
	assert_int_equal(e.bytes, BLOCK - 7);
	img_drop(&im);
	/* The end is cut off: the copy of the footer in front tells the same. */
	m.size -= 512;
	im = foreign_must_open(&m, "vhd");
	foreign_all(im, 2 * BLOCK, '2', BLOCK);
	img_drop(&im);
	free(m.data);
}

/* A fixed image has its footer at the end alone, and is found out by nobody who is not told. */
static void test_fixed(void **state)
{
	(void)state;
	struct image m = {0};
	image_fill(&m, 0, 'f', 30 * 512);
	put_footer(&m, 30 * 512, 2, "vpc ", 1 << 20);
	struct img *im = foreign_must_open(&m, NULL);
	assert_ptr_equal(im->driver, &img_raw);
	img_drop(&im);
	im = foreign_must_open(&m, "vpc");
	assert_int_equal(im->size, 30 * 512);
	assert_int_equal(im->cluster, 0);
	foreign_all(im, 0, 'f', 30 * 512);
	img_drop(&im);
	foreign_seed("vpc", "fixed", m.data, m.size);
	foreign_refused_be32(&m, "vpc", 30 * 512 + 60, 1, "its type is 1");
	*image_at(&m, 30 * 512 + 59, 1) = 6;
	foreign_refused(&m, "vpc", "more than the file holds");
	free(m.data);
}

/* By geometry or by size: who made it decides, as for QEMU. */
static void test_size(void **state)
{
	(void)state;
	static const struct {
		char creator[5];
		uint64_t size;
	} cases[] = {{"vpc ", 30 * 512}, {"vs  ", 30 * 512}, {"qemu", 30 * 512}, {"win ", 4096},
	    {"qem2", 4096}, {"d2v ", 4096}, {"tap\0", 4096}, {"CTXS", 4096}, {"wa\0\0", 4096}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct image m = {0};
		image_fill(&m, 0, 'f', 30 * 512);
		put_footer(&m, 30 * 512, 2, cases[i].creator, 4096);
		struct img *im = foreign_must_open(&m, "vpc");
		assert_int_equal(im->size, cases[i].size);
		img_drop(&im);
		free(m.data);
	}
}

static void test_refused(void **state)
{
	(void)state;
	struct image m = make();
	size_t end = m.size - 512;
	foreign_refused_be32(&m, "vpc", end + 60, 4, "differencing");
	foreign_refused_be32(&m, "vpc", end + 60, 0, "its type is 0");
	foreign_refused_be64(&m, "vpc", end + 48, UINT64_MAX, "its size is");
	foreign_refused_be64(&m, "vpc", end + 48, 4 * BLOCK + 512, "too few for its size");
	foreign_refused_be64(
	    &m, "vpc", end + 16, 1024, "no header of a dynamic VHD image at offset 1024");
	foreign_refused_be64(&m, "vpc", end + 16, UINT64_MAX, "no file is that long");
	foreign_refused_be64(&m, "vpc", end + 16, m.size, "behind its end");
	foreign_refused_be64(&m, "vpc", DYNAMIC + 16, 1537, "offset of the block table is 1537");
	foreign_refused_be64(&m, "vpc", DYNAMIC + 16, UINT64_MAX - 511, "whose table does not fit");
	foreign_refused_be32(&m, "vpc", DYNAMIC + 28, 0xffffffff, "whose table does not fit");
	foreign_refused_be32(&m, "vpc", DYNAMIC + 28, 3, "too few for its size");
	foreign_refused_be32(&m, "vpc", DYNAMIC + 32, 0, "block size is 0");
	foreign_refused_be32(&m, "vpc", DYNAMIC + 32, 3 * 512, "block size is 1536");
	foreign_refused_be32(&m, "vpc", DYNAMIC + 32, 0x80000000, "block size is");
	foreign_refused_be32(&m, "vpc", TABLE, 0xfffffffe, "its block 0 is said to lie");
	image_fill(&m, end, 0, 8);
	image_fill(&m, 0, 0, 8);
	foreign_refused(&m, "vpc", "has no footer");
	m.size = 511;
	foreign_refused(&m, "vpc", "too short");
	free(m.data);
}

static void test_hostile(void **state)
{
	(void)state;
	struct image m = make();
	foreign_sweep(&m, "vpc", m.size - 512, m.size - 512 + 96);
	foreign_sweep(&m, "vpc", DYNAMIC, DYNAMIC + 48);
	foreign_sweep(&m, "vpc", TABLE, TABLE + 16);
	free(m.data);
}

static void test_seed(void **state)
{
	(void)state;
	struct image m = make();
	foreign_seed("vpc", "dynamic", m.data, m.size);
	free(m.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    FOREIGN_TEST(test_dynamic),
	    FOREIGN_TEST(test_fixed),
	    FOREIGN_TEST(test_size),
	    FOREIGN_TEST(test_refused),
	    FOREIGN_TEST(test_hostile),
	    FOREIGN_TEST(test_seed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
