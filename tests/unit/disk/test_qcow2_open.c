/* An image of a few clusters of 512 bytes, made by hand: header, reference counts, L1, L2, data. Each field is then made
 * what it must not be. */
#include "unit/cm.h"

#include "disk/be.h"
#include "disk/img.h"
#include "disk/img_info.h"
#include "disk/qcow2.h"

#define C 512u
enum { HEADER, REFTABLE, REFBLOCK, L1, L2, DATA, SNAPSHOTS, BITMAPS = SNAPSHOTS + 4, CLUSTERS };
#define DISK_BYTES (40 * C) /* L2 has 64 entries */
#define EXT_END 112u        /* of the header: extensions from there */

static char *dir, *path;
static uint8_t image[CLUSTERS * C];

static void make_image(void)
{
	memset(image, 0, sizeof(image));
	uint8_t *h = image, *l2 = image + L2 * C;
	be32_put(h, QCOW2_MAGIC);
	be32_put(h + 4, 3);
	be32_put(h + 20, 9);
	be64_put(h + 24, DISK_BYTES);
	be32_put(h + 36, 1);
	be64_put(h + 40, L1 * C);
	be64_put(h + 48, REFTABLE * C);
	be32_put(h + 56, 1);
	be32_put(h + 96, 4);
	be32_put(h + 100, 112);
	be64_put(image + REFTABLE * C, REFBLOCK * C);
	for (unsigned i = 0; i < CLUSTERS; i++)
		be16_put(image + REFBLOCK * C + 2 * i, 1);
	be64_put(image + L1 * C, QCOW2_COPIED | L2 * C);
	be64_put(l2 + 8 * 1, QCOW2_COPIED | DATA * C);
	be64_put(l2 + 8 * 2, QCOW2_ZERO);
	be64_put(l2 + 8 * 3, QCOW2_ZERO | QCOW2_COPIED | DATA * C);
	memset(image + DATA * C, 'd', C);
}

static void put(uint32_t at, unsigned width, uint64_t value)
{
	if (width == 8)
		be64_put(image + at, value);
	else if (width == 4)
		be32_put(image + at, (uint32_t)value);
	else if (width == 2)
		be16_put(image + at, (uint16_t)value);
	else
		image[at] = (uint8_t)value;
}

static void store(size_t n)
{
	assert_int_equal(file_write_atomic(path, image, n, 0600, NULL), 0);
}

static struct img *open_image(unsigned flags)
{
	struct err err = {0};
	store(sizeof(image));
	struct img *im = img_open(path, NULL, flags, &err);
	if (!im)
		fail_msg("%s", err.msg);
	return im;
}

static void test_good(void **state)
{
	(void)state;
	struct err err = {0};
	struct img_extent e;
	char buf[3 * C], want[3 * C] = {0};
	make_image();
	struct img *im = open_image(0);
	assert_ptr_equal(im->driver, &img_qcow2);
	assert_int_equal(im->size, DISK_BYTES);
	assert_int_equal(im->cluster, C);
	memset(want + C, 'd', C);
	assert_int_equal(img_read(im, 0, buf, sizeof(buf), &err), 0);
	assert_memory_equal(buf, want, sizeof(buf));
	const struct {
		uint64_t offset, bytes;
		enum img_extent_kind kind;
		uint64_t host; /* 0 not hosted */
	} extents[] = {
	    {0, C, IMG_ABSENT, 0},
	    {C, C, IMG_DATA, DATA * C},
	    {C + 7, C - 7, IMG_DATA, DATA * C + 7},
	    {2 * C, C, IMG_ZERO, 0},
	    {3 * C, C, IMG_ZERO, DATA * C},
	    {4 * C, DISK_BYTES - 4 * C, IMG_ABSENT, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(extents); i++) {
		assert_int_equal(
		    img_map_chain(im, extents[i].offset, DISK_BYTES - extents[i].offset, &e, &err),
		    0);
		assert_int_equal(e.bytes, extents[i].bytes);
		assert_int_equal(e.kind, extents[i].kind);
		assert_int_equal(e.hosted, extents[i].host != 0);
		assert_int_equal(e.host, extents[i].host);
	}
	assert_int_equal(img_close(im, &err), 0);
}

/* What must not be opened, and a word of what is said. */
static void test_hostile_header(void **state)
{
	(void)state;
	static const struct {
		uint32_t at, width;
		uint64_t value;
		const char *says;
	} bad[] = {
	    {4, 4, 4, "version 4"}, {4, 4, UINT32_MAX, "version"},
	    {8, 8, 1ull << 63, "backing"}, /* with a length, below */
	    {20, 4, 8, "2^8"}, {20, 4, 22, "2^22"}, {20, 4, 63, "2^63"},
	    {20, 4, UINT32_MAX, "clusters"}, {24, 8, UINT64_MAX, "larger than its tables"},
	    {24, 8, 1ull << 62, "larger than its tables"}, {24, 8, 65 * C, "L1 table is too small"},
	    {32, 4, 3, "encrypted by a method"}, {32, 4, 1, "encrypted"},
	    {36, 4, UINT32_MAX, "L1 table has 4294967295 entries"},
	    {36, 4, 4194305, "L1 table has"}, {36, 4, 4194304, "behind its end"},
	    {36, 4, 0, "L1 table is too small"}, {40, 8, L1 * C + 8, "L1 table cannot be at"},
	    {40, 8, 1ull << 63, "L1 table cannot be at"},
	    {40, 8, INT64_MAX - 511, "behind its end"}, {48, 8, 7, "reference counts cannot be at"},
	    {56, 4, 0, "no table of reference counts"}, {56, 4, UINT32_MAX, "reference counts has"},
	    {60, 4, UINT32_MAX, "snapshots has"}, {60, 4, 65536, "more than fit"},
	    {72, 8, 1ull << 40, "bit 40"}, {72, 8, QCOW2_DATA_FILE, "does not tell the name"},
	    {72, 8, QCOW2_COMPRESSION, "contradicts itself"},
	    {72, 8, QCOW2_EXTENDED_L2, "too small for extended"},
	    {88, 8, QCOW2_AUTOCLEAR_RAW, "raw external data"}, {96, 4, 7, "wider than 64"},
	    {96, 4, UINT32_MAX, "wider than 64"}, {100, 4, 96, "length of its header"},
	    {100, 4, 108, "length of its header"},
	    {100, 4, UINT32_MAX & ~7u, "length of its header"}, {104, 1, 1, "contradicts itself"},
	    {EXT_END, 4, 1, "0x00000001"}, /* with a length, below */
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = {0};
		make_image();
		put(16, 4, 100);
		put(EXT_END + 4, 4, UINT32_MAX);
		put(bad[i].at, bad[i].width, bad[i].value);
		store(sizeof(image));
		struct img *im = img_open(path, "qcow2", 0, &err);
		if (im || !strstr(err.msg, bad[i].says) || !strstr(err.msg, path))
			fail_msg("field %u = %llu: %s", bad[i].at, (unsigned long long)bad[i].value,
			    im ? "opened" : err.msg);
	}
}

static void test_feature_names(void **state)
{
	(void)state;
	struct err err = {0};
	make_image();
	put(72, 8, 1ull << 40);
	put(EXT_END, 4, QCOW2_EXT_FEATURES);
	put(EXT_END + 4, 4, 96);
	put(EXT_END + 8 + 1, 1, 40); /* compatible, not this one */
	image[EXT_END + 8] = 1;
	put(EXT_END + 56 + 1, 1, 40);
	memcpy(image + EXT_END + 58, "time \033travel", 12);
	store(sizeof(image));
	assert_null(img_open(path, NULL, 0, &err));
	assert_int_equal(err.code, ERR_UNSUPPORTED);
	if (!strstr(err.msg, "time \\x1btravel"))
		fail_msg("%s", err.msg);
}

/* Cut off anywhere: an error, or zeroes where only data are missing. */
static void test_short(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(image); n += n < 200 ? 1 : 37) {
		struct err err = {0};
		char buf[DISK_BYTES];
		make_image();
		store(n);
		struct img *im = img_open(path, "qcow2", 0, &err);
		if (!im) {
			assert_true(n < L1 * C + 8 && err.msg[0]);
			continue;
		}
		assert_true(n >= L1 * C + 8);
		int result = img_read(im, 0, buf, sizeof(buf), &err);
		assert_int_equal(result, n < (L2 + 1) * C ? -1 : 0);
		img_drop(&im);
	}
}

static void test_hostile_tables(void **state)
{
	(void)state;
	static const struct {
		uint32_t at;
		uint64_t value;
		const char *says; /* NULL: it reads, as zeroes */
	} bad[] = {
	    {L1 * C, 513,
	        NULL}, /* reserved bits: the offset is 512, where the table of counts is */
	    {L1 * C, QCOW2_OFFSET, "behind its end"},
	    {L1 * C, 1ull << 50, "behind its end"},
	    {L2 * C, QCOW2_OFFSET, NULL}, /* data behind the end */
	    {L2 * C, QCOW2_COMPRESSED | 1ull << 40, "compressed cluster's place"},
	    {L2 * C, QCOW2_COMPRESSED | DATA * C, "is damaged"},
	    {L2 * C, UINT64_MAX, "compressed cluster's place"},
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = {0};
		char buf[C], zero[C] = {0};
		make_image();
		put(bad[i].at, 8, bad[i].value);
		struct img *im = open_image(0);
		int result = img_read(im, 0, buf, C, &err);
		if (result != (bad[i].says ? -1 : 0) ||
		    (bad[i].says && !strstr(err.msg, bad[i].says)))
			fail_msg("%zu: %d %s", i, result, err.msg);
		if (result == 0 && bad[i].at == L2 * C)
			assert_memory_equal(buf, zero, C);
		img_drop(&im);
	}
	/* Zero clusters are of version 3. */
	struct err err = {0};
	char buf[C];
	make_image();
	put(4, 4, 2);
	struct img *im = open_image(0);
	assert_int_equal(img_read(im, C, buf, C, &err), 0);
	assert_int_equal(img_read(im, 2 * C, buf, C, &err), -1);
	img_drop(&im);
}

/* Subclusters: 16 KiB clusters, in an image of their own size. */
static void test_subclusters(void **state)
{
	(void)state;
	enum { K = 16384 };
	struct err err = {0};
	struct img_extent e;
	uint8_t *big = xcalloc(6, K);
	make_image();
	memcpy(big, image, 104);
	be32_put(big + 20, 14);
	be64_put(big + 24, 4 * K);
	be64_put(big + 40, 3 * K);
	be64_put(big + 48, K);
	be64_put(big + 72, QCOW2_EXTENDED_L2);
	be32_put(big + 100, 104);
	be64_put(big + 3 * K, 4 * K);
	be64_put(big + 4 * K, 5 * K);
	be64_put(big + 4 * K + 8, 0x0000000400000003); /* 0 and 1 data, 2 zero, the others absent */
	memset(big + 5 * K, 's', K);
	assert_int_equal(file_write_atomic(path, big, 6 * K, 0600, NULL), 0);
	struct img *im = img_open(path, NULL, 0, &err);
	assert_non_null(im);
	assert_int_equal(img_map(im, 100, K, &e, &err), 0);
	assert_int_equal(e.kind, IMG_DATA);
	assert_int_equal(e.host, 5 * K + 100);
	assert_int_equal(e.bytes, 2 * K / 32 - 100);
	assert_int_equal(img_map(im, 2 * K / 32, K, &e, &err), 0);
	assert_int_equal(e.kind, IMG_ZERO);
	assert_int_equal(e.host, 5 * K + 2 * K / 32);
	assert_int_equal(e.bytes, K / 32);
	assert_int_equal(img_map(im, 3 * K / 32, 2 * K, &e, &err), 0);
	assert_int_equal(e.kind, IMG_ABSENT);
	assert_true(e.hosted); /* the cluster is there */
	assert_int_equal(e.bytes, K - 3 * K / 32);
	assert_int_equal(img_map(im, K, K, &e, &err), 0);
	assert_true(e.kind == IMG_ABSENT && !e.hosted);
	img_drop(&im);
	be64_put(big + 4 * K + 8, 0x0000000100000001); /* both at once */
	assert_int_equal(file_write_atomic(path, big, 6 * K, 0600, NULL), 0);
	im = img_open(path, NULL, 0, &err);
	assert_int_equal(img_map(im, 0, K, &e, &err), -1);
	assert_non_null(strstr(err.msg, "bitmap 0x100000001"));
	img_drop(&im);
	free(big);
}

/* A snapshot of 40 bytes and 24 of extra data, "1" and "name", as many times as fit. */
static size_t put_snapshot(size_t at, uint32_t extra)
{
	uint8_t *p = image + at;
	be64_put(p, L1 * C);
	be32_put(p + 8, 1);
	be16_put(p + 12, 1);
	be16_put(p + 14, 4);
	be32_put(p + 16, 1600000000);
	be32_put(p + 20, 123);
	be64_put(p + 24, 456);
	be32_put(p + 32, 789);
	be32_put(p + 36, extra);
	memset(p + 40, 0, extra);
	if (extra >= 16)
		be64_put(p + 48, DISK_BYTES / 2);
	memcpy(p + 40 + extra, "1name", 5);
	return at + ((40 + extra + 5 + 7) & ~7u);
}

static void test_snapshots(void **state)
{
	(void)state;
	struct err err = {0};
	struct img_info info;
	make_image();
	size_t at = put_snapshot(SNAPSHOTS * C, 0);
	at = put_snapshot(at, 16);
	at = put_snapshot(at, 32);
	put(60, 4, 3);
	put(64, 8, SNAPSHOTS * C);
	struct img *im = open_image(IMG_INFO);
	assert_int_equal(img_info(im, &info, &err), 0);
	assert_int_equal(info.n_snapshots, 3);
	assert_string_equal(info.snapshots[2].name, "name");
	assert_string_equal(info.snapshots[2].id, "1");
	assert_int_equal(info.snapshots[0].vm_state, 789);
	assert_int_equal(info.snapshots[0].disk_size, DISK_BYTES);
	assert_int_equal(info.snapshots[1].vm_state, 0);
	assert_int_equal(info.snapshots[1].disk_size, DISK_BYTES / 2);
	assert_true(info.snapshots[1].icount == UINT64_MAX && info.snapshots[2].icount == 0);
	assert_int_equal(info.snapshots[0].date_ns, 123);
	assert_int_equal(info.snapshots[0].clock_ns, 456);
	assert_int_equal(qcow2_of(im)->snapshots[2].extra_bytes, 8);
	img_info_fini(&info);
	img_drop(&im);
	put_snapshot(SNAPSHOTS * C, 1025);
	store(sizeof(image));
	assert_null(img_open(path, NULL, 0, &err));
	assert_non_null(strstr(err.msg, "1025 bytes of extra data"));
	make_image();
	put(60, 4, 14);
	put(64, 8, (CLUSTERS - 1) * C);
	store(sizeof(image));
	assert_null(img_open(path, NULL, 0, &err));
	assert_non_null(strstr(err.msg, "behind the end of the file"));
}

static void put_bitmap(unsigned granularity, uint32_t flags, uint16_t name)
{
	uint8_t *p = image + BITMAPS * C;
	put(88, 8, QCOW2_AUTOCLEAR_BITMAPS);
	put(EXT_END, 4, QCOW2_EXT_BITMAPS);
	put(EXT_END + 4, 4, 24);
	put(EXT_END + 8, 4, 1);
	put(EXT_END + 16, 8, 32);
	put(EXT_END + 24, 8, BITMAPS * C);
	be32_put(p + 12, flags);
	p[16] = 1;
	p[17] = (uint8_t)granularity;
	be16_put(p + 18, name);
	memcpy(p + 24, "bitmap", 6);
}

static void test_bitmaps(void **state)
{
	(void)state;
	struct err err = {0};
	struct img_info info;
	make_image();
	put_bitmap(16, 2, 6);
	struct img *im = open_image(IMG_INFO);
	assert_int_equal(img_info(im, &info, &err), 0);
	assert_int_equal(info.n_bitmaps, 1);
	assert_string_equal(info.bitmaps[0].name, "bitmap");
	assert_int_equal(info.bitmaps[0].granularity, 65536);
	assert_true(info.bitmaps[0].automatic && !info.bitmaps[0].in_use);
	img_info_fini(&info);
	img_drop(&im);
	const struct {
		uint32_t at, width;
		uint64_t value;
	} bad[] = {{EXT_END + 4, 4, 16}, {EXT_END + 8, 4, 0}, {EXT_END + 8, 4, 2},
	    {EXT_END + 8, 4, UINT32_MAX}, {EXT_END + 16, 8, UINT64_MAX}, {EXT_END + 16, 8, 1 << 20},
	    {EXT_END + 24, 8, 5}, {EXT_END + 24, 8, 1ull << 50}, {BITMAPS * C + 17, 1, 8},
	    {BITMAPS * C + 17, 1, 32}, {BITMAPS * C + 18, 2, 0}, {BITMAPS * C + 18, 2, 9},
	    {BITMAPS * C + 18, 2, 1024}, {BITMAPS * C + 20, 4, UINT32_MAX}};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		make_image();
		put_bitmap(16, 2, 6);
		put(bad[i].at, bad[i].width, bad[i].value);
		im = open_image(IMG_INFO);
		if (img_info(im, &info, &err) == 0)
			fail_msg("%zu: taken for good", i);
		img_drop(&im);
	}
}

/* Names of other files: whose, how long, and that none stands twice in a chain. */
static void test_links(void **state)
{
	(void)state;
	static const struct {
		const char *name, *format, *says;
	} bad[] = {
	    {"image", "qcow2", "twice"},
	    {"./image", "qcow2", "twice"},
	    {"missing", "raw", "No such file"},
	    {"nbd://host/x", "raw", "is no file"},
	    {"json:{\"driver\":\"null-co\"}", "raw", "is no file"},
	    {"other", NULL, "does not tell the format"},
	    {"other", "luks", "'luks'"},
	    {"/dev/null", "raw", "no file and no block device"},
	};
	CLEANUP_FREE char *other = xasprintf("%s/other", dir);
	assert_int_equal(file_write_atomic(other, "x", 1, 0600, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = {0};
		uint32_t n = (uint32_t)strlen(bad[i].name);
		make_image();
		if (bad[i].format) {
			put(EXT_END, 4, QCOW2_EXT_BACKING_FORMAT);
			put(EXT_END + 4, 4, strlen(bad[i].format));
			memcpy(image + EXT_END + 8, bad[i].format, strlen(bad[i].format));
		}
		put(8, 8, 200);
		put(16, 4, n);
		memcpy(image + 200, bad[i].name, n);
		store(sizeof(image));
		struct img *im = img_open(path, NULL, 0, &err);
		if (im || !strstr(err.msg, bad[i].says))
			fail_msg("%s: %s", bad[i].name, im ? "opened" : err.msg);
		im = img_open(path, NULL, IMG_NO_BACKING, &err);
		assert_string_equal(im->backing_name, bad[i].name);
		img_drop(&im);
	}
	const uint32_t lengths[][2] = {
	    {200, 313}, {200, 1024}, {500, 13}, {513, 0}, {200, UINT32_MAX}};
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct err err = {0};
		make_image();
		put(8, 8, lengths[i][0]);
		put(16, 4, lengths[i][1]);
		memset(image + 200, 'x', C - 200);
		store(sizeof(image));
		assert_null(img_open(path, NULL, IMG_NO_BACKING, &err));
		assert_non_null(strstr(err.msg, "name of its backing file"));
	}
}

static void test_data_file(void **state)
{
	(void)state;
	static const struct {
		const char *name, *says; /* NULL: good */
	} names[] = {{"data", NULL}, {"image", "names itself"}, {"none", "No such file"},
	    {"nbd:x", "is no file"}};
	CLEANUP_FREE char *data = xasprintf("%s/data", dir);
	char bytes[2 * C], buf[C];
	memset(bytes, 'e', sizeof(bytes));
	assert_int_equal(file_write_atomic(data, bytes, sizeof(bytes), 0600, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct err err = {0};
		make_image();
		put(72, 8, QCOW2_DATA_FILE);
		put(EXT_END, 4, QCOW2_EXT_DATA_FILE);
		put(EXT_END + 4, 4, strlen(names[i].name));
		memcpy(image + EXT_END + 8, names[i].name, strlen(names[i].name));
		put(L2 * C, 8, QCOW2_COPIED);
		put(L2 * C + 24, 8, QCOW2_COMPRESSED | 512);
		store(sizeof(image));
		struct img *im = img_open(path, NULL, 0, &err);
		if (names[i].says) {
			assert_null(im);
			assert_non_null(strstr(err.msg, names[i].says));
			continue;
		}
		assert_non_null(im);
		assert_int_equal(img_read(im, 0, buf, C, &err), 0);
		assert_memory_equal(buf, bytes, C);
		/* At another place than the guest's, and compressed: neither can be. */
		assert_int_equal(img_read(im, C, buf, C, &err), -1);
		assert_non_null(strstr(err.msg, "place in the data file"));
		assert_int_equal(img_read(im, 3 * C, buf, C, &err), -1);
		img_drop(&im);
	}
}

static int setup(void **state)
{
	(void)state;
	dir = cm_mkdtemp();
	path = xasprintf("%s/image", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(path);
	cm_rmdir(dir);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),
	    cmocka_unit_test(test_hostile_header),
	    cmocka_unit_test(test_feature_names),
	    cmocka_unit_test(test_short),
	    cmocka_unit_test(test_hostile_tables),
	    cmocka_unit_test(test_subclusters),
	    cmocka_unit_test(test_snapshots),
	    cmocka_unit_test(test_bitmaps),
	    cmocka_unit_test(test_links),
	    cmocka_unit_test(test_data_file),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
