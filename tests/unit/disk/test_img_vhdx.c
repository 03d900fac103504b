#include "unit/disk/foreign.h"

#include "disk/crc32c.h"

#define KIB 1024u
#define MIB (1u << 20)
#define HEADER_1 (64 * KIB)
#define HEADER_2 (128 * KIB)
#define REGIONS_1 (192 * KIB)
#define REGIONS_2 (256 * KIB)
#define LOG (1 * MIB)
#define METADATA (2 * MIB)
#define TABLE (3 * MIB)
#define DATA (4 * MIB)
#define SOME 4096u /* of a block is no zeroes; the file may end behind it */
#define ITEMS (METADATA + 64 * KIB)

static const uint8_t region_table[16] = {
    0x66, 0x77, 0xc2, 0x2d, 0x23, 0xf6, 0x00, 0x42, 0x9d, 0x64, 0x11, 0x5e, 0x9b, 0xfd, 0x4a, 0x08};
static const uint8_t region_metadata[16] = {
    0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b, 0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e};
static const uint8_t item_parameters[16] = {
    0x37, 0x67, 0xa1, 0xca, 0x36, 0xfa, 0x43, 0x4d, 0xb3, 0xb6, 0x33, 0xf0, 0xaa, 0x44, 0xe7, 0x6b};
static const uint8_t item_size[16] = {
    0x24, 0x42, 0xa5, 0x2f, 0x1b, 0xcd, 0x76, 0x48, 0xb2, 0x11, 0x5d, 0xbe, 0xd8, 0x3b, 0xf4, 0xb8};
static const uint8_t item_sector[16] = {
    0x1d, 0xbf, 0x41, 0x81, 0x6f, 0xa9, 0x09, 0x47, 0xba, 0x47, 0xf2, 0x33, 0xa8, 0xfa, 0xab, 0x5f};

static void sum(struct image *m, size_t at, size_t n)
{
	image_le32(m, at + 4, 0);
	image_le32(m, at + 4, crc32c(0, image_at(m, at, n), n));
}

static void fix(struct image *m)
{
	sum(m, HEADER_1, 4096);
	sum(m, HEADER_2, 4096);
	sum(m, REGIONS_1, 64 * KIB);
	sum(m, REGIONS_2, 64 * KIB);
}

static void put_header(struct image *m, size_t at, uint64_t sequence)
{
	image_put(m, at, "head", 4);
	image_le64(m, at + 8, sequence);
	image_le16(m, at + 66, 1);
	image_le32(m, at + 68, MIB);
	image_le64(m, at + 72, LOG);
}

static void put_region(struct image *m, size_t at, const uint8_t guid[16], uint64_t place)
{
	image_put(m, at, guid, 16);
	image_le64(m, at + 16, place);
	image_le32(m, at + 24, MIB);
	image_le32(m, at + 28, 1);
}

static void put_item(struct image *m, unsigned i, const uint8_t guid[16], uint32_t at, uint32_t n)
{
	size_t entry = METADATA + 32 + i * 32;
	image_put(m, entry, guid, 16);
	image_le32(m, entry + 16, at);
	image_le32(m, entry + 20, n);
	image_le32(m, entry + 24, 4);
}

/* Five blocks of 1 MiB: the second of the file, none, zeroes, the first, unmapped. */
static struct image make(void)
{
	static const uint64_t table[] = {(DATA + MIB) | 6, 0, 2, DATA | 6, 3};
	struct image m = {0};
	image_at(&m, 0, DATA + MIB + SOME);
	image_put(&m, 0, "vhdxfile", 8);
	put_header(&m, HEADER_1, 7);
	put_header(&m, HEADER_2, 6);
	for (size_t at = REGIONS_1; at <= REGIONS_2; at += REGIONS_2 - REGIONS_1) {
		image_put(&m, at, "regi", 4);
		image_le32(&m, at + 8, 2);
		put_region(&m, at + 16, region_table, TABLE);
		put_region(&m, at + 48, region_metadata, METADATA);
	}
	image_put(&m, METADATA, "metadata", 8);
	image_le16(&m, METADATA + 10, 3);
	put_item(&m, 0, item_parameters, 64 * KIB, 8);
	put_item(&m, 1, item_size, 64 * KIB + 8, 8);
	put_item(&m, 2, item_sector, 64 * KIB + 16, 4);
	image_le32(&m, ITEMS, MIB);
	image_le64(&m, ITEMS + 8, 5 * MIB);
	image_le32(&m, ITEMS + 16, 512);
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		image_le64(&m, TABLE + i * 8, table[i]);
	image_fill(&m, DATA, '3', SOME);
	image_fill(&m, DATA + MIB, '0', SOME);
	fix(&m);
	return m;
}

static void test_crc32c(void **state)
{
	(void)state;
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
}

static void test_read(void **state)
{
	(void)state;
	struct image m = make();
	struct img *im = foreign_must_open(&m, NULL);
	assert_ptr_equal(im->driver, &img_vhdx);
	assert_int_equal(im->size, 5 * MIB);
	assert_int_equal(im->cluster, MIB);
	foreign_all(im, 0, '0', SOME);
	foreign_all(im, SOME, 0, 3 * MIB - SOME);
	foreign_all(im, 3 * MIB, '3', SOME);
	foreign_all(im, 4 * MIB, 0, MIB);
	assert_int_equal(foreign_map(im, MIB).kind, IMG_ABSENT);
	assert_int_equal(foreign_map(im, 2 * MIB).kind, IMG_ZERO);
	img_drop(&im);
	free(m.data);
}

/* After every `chunk` blocks the table has an entry that is none of a block. */
static void test_chunks(void **state)
{
	(void)state;
	struct img_extent e;
	struct image m = make();
	image_le32(&m, ITEMS, 256 * MIB); /* 16 blocks of 256 MiB: a chunk of 4 GiB */
	image_le64(&m, ITEMS + 8, 18ull * 256 * MIB);
	image_fill(&m, TABLE, 0, 19 * 8);
	image_le64(&m, TABLE + 16 * 8, DATA | 6); /* of sectors: looked at by nobody */
	image_le64(&m, TABLE + 17 * 8, (DATA + MIB) | 6);
	struct img *im = foreign_must_open(&m, NULL);
	assert_int_equal(foreign_map(im, 0).bytes, 4ull << 30);
	assert_int_equal(foreign_map(im, 4ull << 30).host, DATA + MIB);
	img_drop(&im);
	/* The table reaches exactly as far as it must: of blocks of 1 MiB, 4096 make a chunk. */
	image_le32(&m, ITEMS, MIB);
	uint64_t blocks = MIB / 8 - MIB / 8 / 4097;
	image_le64(&m, ITEMS + 8, blocks * MIB);
	im = foreign_must_open(&m, NULL);
	assert_int_equal(img_map(im, im->size - 1, 1, &e, NULL), 0);
	img_drop(&im);
	image_le64(&m, ITEMS + 8, blocks * MIB + 512);
	foreign_refused(&m, "vhdx", "more than its block table holds");
	free(m.data);
}

/* The header with the higher number counts, if it is whole. */
static void test_headers(void **state)
{
	(void)state;
	struct image m = make();
	image_le16(&m, HEADER_2 + 66, 2);
	sum(&m, HEADER_2, 4096);
	struct img *im = foreign_must_open(&m, NULL);
	img_drop(&im);
	image_le64(&m, HEADER_2 + 8, 8);
	sum(&m, HEADER_2, 4096);
	foreign_refused(&m, "vhdx", "of version 2");
	image_le64(&m, HEADER_2 + 8, 9); /* its checksum is wrong now */
	im = foreign_must_open(&m, NULL);
	img_drop(&im);
	image_le64(&m, HEADER_1 + 8, 9);
	foreign_refused(&m, "vhdx", "neither of its VHDX headers is whole");
	free(m.data);
	m = make();
	image_le32(&m, REGIONS_1 + 8, 1);
	im = foreign_must_open(&m, NULL);
	img_drop(&im);
	image_le32(&m, REGIONS_2 + 8, 1);
	foreign_refused(&m, "vhdx", "neither of its tables of regions is whole");
	free(m.data);
}

static void put_log_entry(struct image *m, uint32_t sector, uint32_t bytes, uint8_t guid)
{
	size_t at = LOG + sector * 4096;
	image_put(m, at, "loge", 4);
	image_le32(m, at + 8, bytes);
	image_le64(m, at + 16, 1);
	image_fill(m, at + 32, guid, 16);
	image_le32(m, at + 4, 0);
	uint32_t crc = 0;
	for (uint32_t done = 0; done < bytes; done += 4096)
		crc = crc32c(crc, image_at(m, LOG + (sector * 4096 + done) % MIB, 4096), 4096);
	image_le32(m, at + 4, crc);
}

/* Changes that are in the log alone. */
static void test_log(void **state)
{
	(void)state;
	struct image m = make();
	image_fill(&m, HEADER_1 + 48, 5, 16);
	sum(&m, HEADER_1, 4096);
	struct img *im = foreign_must_open(&m, NULL); /* there is nothing in it */
	img_drop(&im);
	put_log_entry(&m, 10, 4096, 6); /* of another log */
	im = foreign_must_open(&m, NULL);
	img_drop(&im);
	put_log_entry(&m, 20, 8192, 5);
	foreign_refused(&m, "vhdx", "log, which is not replayed here");
	image_le32(&m, LOG + 20 * 4096 + 100, 1); /* torn */
	im = foreign_must_open(&m, NULL);
	img_drop(&im);
	put_log_entry(&m, 255, 8192, 5); /* over the end of the ring */
	foreign_refused(&m, "vhdx", "log, which is not replayed here");
	image_le64(&m, HEADER_1 + 72, LOG + 4096);
	sum(&m, HEADER_1, 4096);
	foreign_refused(&m, "vhdx", "offset of the log is");
	image_le64(&m, HEADER_1 + 72, LOG);
	image_le32(&m, HEADER_1 + 68, 0x80000000);
	sum(&m, HEADER_1, 4096);
	foreign_refused(&m, "vhdx", "length of the log is");
	free(m.data);
}

/* Each sector claims to begin an entry as long as the log, which would be looked at once for each. */
static void test_log_square(void **state)
{
	(void)state;
	struct image m = make();
	image_at(&m, 0, 16 * MIB);
	image_le64(&m, HEADER_1 + 72, 8 * MIB);
	image_le32(&m, HEADER_1 + 68, 8 * MIB);
	image_fill(&m, HEADER_1 + 48, 5, 16);
	sum(&m, HEADER_1, 4096);
	for (size_t at = 8 * MIB; at < 16 * MIB; at += 4096) {
		image_put(&m, at, "loge", 4);
		image_le32(&m, at + 8, 8 * MIB);
		image_le64(&m, at + 16, 1);
		image_fill(&m, at + 32, 5, 16);
	}
	foreign_refused(&m, "vhdx", "cannot be looked through");
	free(m.data);
}

static void refused_fixed(const struct image *m, size_t at, uint64_t v, size_t n, const char *words)
{
	struct image bad = image_copy(m);
	v = htole64(v);
	image_put(&bad, at, &v, n);
	fix(&bad);
	foreign_refused(&bad, "vhdx", words);
	free(bad.data);
}

static void test_refused(void **state)
{
	(void)state;
	struct image m = make();
	refused_fixed(&m, 0, 0, 8, "is no VHDX image");
	refused_fixed(&m, REGIONS_1 + 8, 2048, 4, "number of regions is 2048");
	refused_fixed(&m, REGIONS_1 + 8, 1, 4, "without metadata");
	refused_fixed(&m, REGIONS_1 + 16, 7, 4, "an unknown region");
	refused_fixed(&m, REGIONS_1 + 16 + 16, TABLE + 1, 8, "offset of the block table is");
	refused_fixed(&m, REGIONS_1 + 16 + 16, 0, 8, "offset of the block table is 0");
	refused_fixed(
	    &m, REGIONS_1 + 16 + 16, UINT64_MAX - MIB + 1, 8, "offset of the block table is");
	refused_fixed(&m, REGIONS_1 + 16 + 24, 0, 4, "length of the block table is 0");
	refused_fixed(&m, REGIONS_1 + 16 + 24, 0xfff00000, 4, "length of the block table is");
	refused_fixed(&m, REGIONS_1 + 48 + 24, 0xfff00000, 4, "length of the metadata is");
	refused_fixed(&m, METADATA, 0, 8, "no metadata at offset 2097152");
	refused_fixed(&m, METADATA + 10, 2048, 2, "number of metadata is 2048");
	refused_fixed(&m, METADATA + 10, 2, 2, "does not tell its logical sector size");
	refused_fixed(&m, METADATA + 32, 0, 4, "unknown required metadata");
	refused_fixed(&m, METADATA + 32 + 16, 4096, 4, "its file parameters lies at offset 4096");
	refused_fixed(&m, METADATA + 32 + 16, MIB - 4, 4, "its file parameters lies at offset");
	refused_fixed(&m, METADATA + 64 + 20, 4, 4, "its size lies at offset");
	refused_fixed(&m, METADATA + 64 + 20, 0xffffffff, 4, "its size lies at offset");
	refused_fixed(&m, ITEMS + 4, 2, 4, "differencing");
	refused_fixed(&m, ITEMS, 0, 4, "block size is 0");
	refused_fixed(&m, ITEMS, 3 * MIB, 4, "block size is 3145728");
	refused_fixed(&m, ITEMS, 512 * MIB, 4, "block size is");
	refused_fixed(&m, ITEMS + 16, 1024, 4, "logical sector size is 1024");
	refused_fixed(&m, ITEMS + 8, 100, 8, "its size is 100");
	refused_fixed(&m, ITEMS + 8, UINT64_MAX - 511, 8, "its size is");
	refused_fixed(&m, ITEMS + 8, 1ull << 40, 8, "more than its block table holds");
	refused_fixed(&m, TABLE, DATA | 7, 8, "the state of its block 0 is 7");
	refused_fixed(&m, TABLE, DATA | 5, 8, "the state of its block 0 is 5");
	refused_fixed(&m, TABLE, (100ull << 20) | 6, 8, "its block 0 is said to lie");
	refused_fixed(&m, TABLE, UINT64_MAX & ~1ull, 8, "its block 0 is said to lie");
	put_region(&m, REGIONS_1 + 48, region_table, TABLE);
	fix(&m);
	foreign_refused(&m, "vhdx", "two block tables");
	free(m.data);
}

/* What the checksums cover is in the list above; the rest is tried here, on an image without data. */
static void test_hostile(void **state)
{
	(void)state;
	struct image m = make();
	m.size = DATA;
	foreign_sweep(&m, "vhdx", METADATA + 8, METADATA + 16);
	foreign_sweep(&m, "vhdx", ITEMS, ITEMS + 24);
	free(m.data);
}

/* Pieces {offset, length, bytes}: what an input of the fuzz target is made of, as the whole does not fit into one. */
static void add_piece(struct image *seed, const struct image *m, uint32_t at, uint16_t n)
{
	size_t end = seed->size;
	image_le32(seed, end, at);
	image_le16(seed, end + 4, n);
	image_put(seed, end + 6, m->data + at, n);
}

static void test_seed(void **state)
{
	(void)state;
	struct image m = make(), seed = {0};
	add_piece(&seed, &m, 0, 8);
	add_piece(&seed, &m, HEADER_1, 80);
	add_piece(&seed, &m, HEADER_2, 80);
	add_piece(&seed, &m, REGIONS_1, 80);
	add_piece(&seed, &m, METADATA, 128);
	add_piece(&seed, &m, ITEMS, 24);
	add_piece(&seed, &m, TABLE, 40);
	add_piece(&seed, &m, DATA + MIB, 16);
	foreign_seed("vhdx", "dynamic", seed.data, seed.size);
	image_fill(&m, HEADER_1 + 48, 5, 16);
	put_log_entry(&m, 20, 8192, 5);
	add_piece(&seed, &m, HEADER_1 + 48, 16);
	add_piece(&seed, &m, LOG + 20 * 4096, 64);
	foreign_seed("vhdx", "log", seed.data, seed.size);
	free(seed.data);
	free(m.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    FOREIGN_TEST(test_crc32c),
	    FOREIGN_TEST(test_read),
	    FOREIGN_TEST(test_chunks),
	    FOREIGN_TEST(test_headers),
	    FOREIGN_TEST(test_log),
	    FOREIGN_TEST(test_log_square),
	    FOREIGN_TEST(test_refused),
	    FOREIGN_TEST(test_hostile),
	    FOREIGN_TEST(test_seed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
