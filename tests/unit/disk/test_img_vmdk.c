#include "unit/disk/foreign.h"

#include <sys/stat.h>
#include <zlib.h>

#include "disk/vmdk.h"

#define GRAIN 4096u
#define HEAD "# Disk DescriptorFile\nversion=1\nCID=00000007\nparentCID=ffffffff\n"
#define DIRECTORY 1536u
#define TABLE 2048u /* 512 entries */
#define DATA 4096u

static void put_header(
    struct image *m, size_t at, uint32_t flags, uint64_t sectors, uint64_t directory)
{
	image_put(m, at, "KDMV", 4);
	image_le32(m, at + 4, flags & 0x10000 ? 3 : 1);
	image_le32(m, at + 8, flags);
	image_le64(m, at + 12, sectors);
	image_le64(m, at + 20, GRAIN / 512);
	image_le64(m, at + 28, 1);
	image_le64(m, at + 36, 2);
	image_le32(m, at + 44, 512);
	image_le64(m, at + 56, directory);
	image_le64(m, at + 64, DATA / 512);
	image_put(m, at + 73, "\n \r\n", 4);
	image_le16(m, at + 77, flags & 0x10000 ? 1 : 0);
	image_fill(m, at + 511, 0, 1);
}

static void put_descriptor(struct image *m, const char *type)
{
	CLEANUP_FREE char *text =
	    xasprintf(HEAD "createType=\"%s\"\nRW 32 SPARSE \"me.vmdk\"\n", type);
	image_fill(m, 512, 0, 1024);
	image_put(m, 512, text, strlen(text));
}

/* Four grains: the second of the file, none, zeroes, the first. */
static struct image make_sparse(void)
{
	static const uint32_t table[] = {(DATA + GRAIN) / 512, 0, 1, DATA / 512};
	struct image m = {0};
	put_header(&m, 0, 1 | 4, 4 * GRAIN / 512, DIRECTORY / 512);
	put_descriptor(&m, "monolithicSparse");
	image_le32(&m, DIRECTORY, TABLE / 512);
	image_fill(&m, TABLE, 0, 2048);
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		image_le32(&m, TABLE + i * 4, table[i]);
	image_fill(&m, DATA, '3', GRAIN);
	image_fill(&m, DATA + GRAIN, '0', GRAIN);
	return m;
}

static void test_sparse(void **state)
{
	(void)state;
	struct image m = make_sparse();
	struct img_info info;
	struct img *im = foreign_must_open(&m, NULL);
	assert_ptr_equal(im->driver, &img_vmdk);
	assert_int_equal(im->size, 4 * GRAIN);
	assert_int_equal(im->cluster, GRAIN);
	foreign_all(im, 0, '0', GRAIN);
	foreign_all(im, GRAIN, 0, 2 * GRAIN);
	foreign_all(im, 3 * GRAIN, '3', GRAIN);
	assert_int_equal(foreign_map(im, GRAIN).kind, IMG_ABSENT);
	assert_int_equal(foreign_map(im, 2 * GRAIN).kind, IMG_ZERO);
	assert_int_equal(img_info(im, &info, NULL), 0);
	assert_string_equal(info.vmdk_type, "monolithicSparse");
	assert_int_equal(info.vmdk_cid, 7);
	assert_int_equal(info.n_parts, 1);
	img_info_fini(&info);
	img_drop(&im);
	/* Without the flag, 1 is a place like any other. */
	image_le32(&m, 8, 1);
	im = foreign_must_open(&m, NULL);
	assert_int_equal(foreign_map(im, 2 * GRAIN).host, 512);
	img_drop(&im);
	free(m.data);
}

static size_t put_packed(struct image *m, size_t at, uint64_t sector, int byte, bool random)
{
	uint8_t plain[GRAIN], packed[2 * GRAIN];
	uLongf n = sizeof(packed);
	for (size_t i = 0; i < GRAIN; i++)
		plain[i] = random ? (uint8_t)(i * i * 2654435761u >> 13) : (uint8_t)byte;
	assert_int_equal(compress2(packed, &n, plain, GRAIN, 6), Z_OK);
	image_le64(m, at, sector);
	image_le32(m, at + 8, (uint32_t)n);
	image_put(m, at + 12, packed, n);
	size_t end = (at + 12 + n + 511) / 512 * 512;
	image_at(m, at, end - at);
	return end;
}

/* Written as a stream: tables behind the grains, the header that counts at the very end. */
static struct image make_stream(void)
{
	struct image m = {0};
	put_header(&m, 0, 0x30001, 3 * GRAIN / 512, UINT64_MAX);
	put_descriptor(&m, "streamOptimized");
	size_t second = put_packed(&m, DATA, 0, 's', false);
	size_t table = put_packed(&m, second, 2 * GRAIN / 512, 0, true);
	image_fill(&m, table, 0, 2048);
	image_le32(&m, table, DATA / 512);
	image_le32(&m, table + 8, (uint32_t)(second / 512));
	image_fill(&m, table + 2048, 0, 512);
	image_le32(&m, table + 2048, (uint32_t)(table / 512));
	size_t footer = table + 2048 + 512;
	image_fill(&m, footer, 0, 3 * 512);
	image_le64(&m, footer, 1);
	image_le32(&m, footer + 12, 3);
	put_header(&m, footer + 512, 0x30001, 3 * GRAIN / 512, (table + 2048) / 512);
	return m;
}

static void test_stream(void **state)
{
	(void)state;
	struct image m = make_stream();
	struct img_info info;
	struct err err = {0};
	uint8_t buf[GRAIN];
	struct img *im = foreign_must_open(&m, NULL);
	foreign_all(im, 0, 's', GRAIN);
	foreign_all(im, GRAIN, 0, GRAIN);
	struct img_extent e = foreign_map(im, 2 * GRAIN + 1000);
	assert_int_equal(e.kind, IMG_PACKED);
	assert_int_equal(e.packed_start, 2 * GRAIN);
	assert_int_equal(e.bytes, GRAIN - 1000);
	assert_int_equal(img_read_extent(&e, 2 * GRAIN + 3001, buf, 17, &err), 0);
	for (size_t i = 0; i < 17; i++)
		assert_int_equal(buf[i], (uint8_t)((3001 + i) * (3001 + i) * 2654435761u >> 13));
	assert_int_equal(img_info(im, &info, NULL), 0);
	assert_string_equal(info.vmdk_type, "streamOptimized");
	assert_true(info.parts[0].compressed);
	img_info_fini(&info);
	img_drop(&im);
	foreign_seed("vmdk", "stream", m.data, m.size);

	foreign_refused_le32(&m, "vmdk", DATA + 8, 0, "has a wrong length");
	foreign_refused_le32(&m, "vmdk", DATA + 8, 0xffffffff, "has a wrong length");
	foreign_refused_le32(&m, "vmdk", DATA + 8, 2 * GRAIN + 1, "has a wrong length");
	foreign_refused_le32(&m, "vmdk", DATA + 12, 0x12345678, "cannot be inflated");
	foreign_refused_le32(&m, "vmdk", m.size - 1024, 0, "without its footer");
	foreign_refused_le32(&m, "vmdk", m.size - 1536 + 12, 1, "without its footer");
	m.size -= 512;
	foreign_refused(&m, "vmdk", "without its footer");
	m.size = 1536;
	foreign_refused(&m, "vmdk", "too short for a footer");
	free(m.data);
}

static void test_sparse_refused(void **state)
{
	(void)state;
	struct image m = make_sparse();
	foreign_refused_le32(&m, "vmdk", 4, 4, "of version 4");
	foreign_refused_le32(&m, "vmdk", 4, 0, "of version 0");
	foreign_refused_le64(&m, "vmdk", 12, UINT64_MAX, "its capacity is");
	foreign_refused_le64(&m, "vmdk", 12, 1ull << 40, "directory does not fit");
	foreign_refused_le64(&m, "vmdk", 20, 0, "sectors per grain is 0");
	foreign_refused_le64(&m, "vmdk", 20, (1 << 21) + 1, "sectors per grain is 2097153");
	foreign_refused_le64(&m, "vmdk", 28, UINT64_MAX, "descriptor's sector is");
	foreign_refused_le32(&m, "vmdk", 44, 0, "entries of a grain table is 0");
	foreign_refused_le32(&m, "vmdk", 44, 513, "entries of a grain table is 513");
	foreign_refused_le64(&m, "vmdk", 56, 0, "grain directory's sector is 0");
	foreign_refused_le64(&m, "vmdk", 56, 1ull << 60, "grain directory's sector is");
	foreign_refused_le32(&m, "vmdk", DIRECTORY, 0xffffffff, "behind its end");
	foreign_refused_le32(&m, "vmdk", TABLE, 0xffffffff, "its grain 0 is said to lie");
	foreign_refused_le32(&m, "vmdk", 8, 0x10001, "compressed by method 0");
	foreign_refused_le32(&m, "vmdk", 0, 0x44574f43, "an ESX COW disk");
	m.size = 300;
	foreign_refused(&m, "vmdk", "behind its end");
	free(m.data);
}

static void test_hostile(void **state)
{
	(void)state;
	struct image m = make_sparse();
	foreign_sweep(&m, "vmdk", 4, 84);
	foreign_sweep(&m, "vmdk", DIRECTORY, DIRECTORY + 8);
	foreign_sweep(&m, "vmdk", TABLE, TABLE + 16);
	foreign_seed("vmdk", "sparse", m.data, m.size);
	free(m.data);
	m = make_stream();
	foreign_sweep(&m, "vmdk", m.size - 1536, m.size - 1024 + 84);
	foreign_sweep(&m, "vmdk", DATA, DATA + 24);
	free(m.data);
}

/* --- descriptors that name files ------------------------------------------------------------------- */

static struct img *open_text(const char *lines, struct err *err)
{
	CLEANUP_FREE char *text = xasprintf(HEAD "createType=\"custom\"\n%s", lines);
	foreign_write("disk.vmdk", text, strlen(text));
	return foreign_open("disk.vmdk", NULL, err);
}

static void text_refused(const char *lines, enum err_code code, const char *words)
{
	struct err err = {0};
	struct img *im = open_text(lines, &err);
	if (im)
		fail_msg("not refused: %s", lines);
	if (!strstr(err.msg, words))
		fail_msg("'%s' was expected, it said: %s", words, err.msg);
	assert_int_equal(err.code, code);
}

static void test_extents(void **state)
{
	(void)state;
	struct image m = make_sparse();
	struct err err = {0};
	struct img_info info;
	struct image flat = {0};
	image_fill(&flat, 0, 'x', 512);
	image_fill(&flat, 512, 'f', 1024);
	foreign_write("flat.bin", flat.data, flat.size);
	foreign_write("sparse.bin", m.data, m.size);
	struct img *im =
	    open_text("RW 2 FLAT \"flat.bin\" 1\nRW 3 ZERO\nRW 32 SPARSE \"sparse.bin\"\n"
	              "RDONLY 1 VMFS \"flat.bin\"\n",
	        &err);
	if (!im)
		fail_msg("%s", err.msg);
	assert_int_equal(im->size, 38 * 512);
	assert_int_equal(im->cluster, 0);
	foreign_all(im, 0, 'f', 1024);
	foreign_all(im, 1024, 0, 1536);
	foreign_all(im, 2560, '0', GRAIN);
	foreign_all(im, 2560 + 3 * GRAIN, '3', GRAIN);
	foreign_all(im, 37 * 512, 'x', 512);
	struct img_extent e = foreign_map(im, 2560 + 1);
	assert_int_equal(e.offset, 2560 + 1);
	assert_int_equal(e.host, DATA + GRAIN + 1);
	assert_int_equal(img_info(im, &info, NULL), 0);
	assert_int_equal(info.n_parts, 4);
	assert_string_equal(info.parts[0].format, "FLAT");
	assert_string_equal(info.parts[2].format, "SPARSE");
	assert_int_equal(info.parts[2].cluster, GRAIN);
	img_info_fini(&info);
	img_drop(&im);
	free(flat.data);
	free(m.data);
}

/* One that names the files which lie beside the fuzz target's image: "flat", and the image itself. */
static void test_seed(void **state)
{
	(void)state;
	static const char text[] =
	    HEAD "createType=\"custom\"\nRW 100 FLAT \"flat\" 3\nRW 30 ZERO\n"
	         "RDONLY 1 VMFS \"flat\"\nRW 1 FLAT \"disk.vmdk\" 0\n";
	foreign_seed("vmdk", "text", text, strlen(text));
}

static void test_places(void **state)
{
	(void)state;
	struct err err = {0};
	CLEANUP_FREE char *inside = foreign_path("in"), *sub = foreign_path("in/sub"),
	                  *link = foreign_path("in/link"), *kept = foreign_dir;
	foreign_write("secret", "a secret of the host", 20);
	mkdir(inside, 0700);
	mkdir(sub, 0700);
	assert_int_equal(symlink("../secret", link), 0);
	foreign_dir = inside;
	foreign_write("mine", "mine", 4);
	foreign_write("sub/mine", "mine", 4);
	text_refused("RW 1 FLAT \"../secret\" 0\n", ERR_DENIED, "lies outside of its folder");
	text_refused(
	    "RW 1 FLAT \"sub/../../secret\" 0\n", ERR_DENIED, "lies outside of its folder");
	text_refused("RW 1 FLAT \"link\" 0\n", ERR_DENIED, "lies outside of its folder");
	text_refused("RW 1 FLAT \"/etc/passwd\" 0\n", ERR_DENIED, "lies outside of its folder");
	text_refused("RW 1 FLAT \"/dev/zero\" 0\n", ERR_DENIED, "lies outside of its folder");
	/* Before anything else is wrong: what is not read here would be handed to QEMU, which opens it. */
	text_refused(
	    "RW 1 SESPARSE \"mine\"\nRW 1 FLAT \"/etc/passwd\" 0\n", ERR_DENIED, "outside");
	text_refused("RW 1 FLAT \"gone\" 0\n", ERR_NOT_FOUND, "cannot find its extent");
	text_refused("RW 1 FLAT \"sub\" 0\n", ERR_INVALID, "a folder");
	CLEANUP_FREE char *whole = xasprintf("RW 1 FLAT \"%s/flat\" 0\n", inside);
	CLEANUP_FREE char *sector = xcalloc(1, 512);
	foreign_write("flat", sector, 512);
	struct img *im = open_text(whole, &err);
	if (!im)
		fail_msg("%s", err.msg);
	img_drop(&im);
	foreign_write("sub/flat", sector, 512);
	im = open_text("RW 1 FLAT \"sub/flat\" 0\n", &err);
	if (!im)
		fail_msg("%s", err.msg);
	img_drop(&im);
	/* The folder as the current one. */
	char *was = getcwd(NULL, 0);
	assert_int_equal(chdir(inside), 0);
	im = img_open("disk.vmdk", NULL, 0, &err);
	if (!im)
		fail_msg("%s", err.msg);
	img_drop(&im);
	assert_int_equal(chdir(was), 0);
	free(was);
	foreign_dir = TAKE_PTR(kept);
}

static void test_text_refused(void **state)
{
	(void)state;
	foreign_write("flat", "12345", 5);
	text_refused("", ERR_INVALID, "names no extent");
	text_refused("RW 1 FLAT \"flat\" 0\n", ERR_INVALID,
	    "should have 512 bytes from offset 0, but has 5");
	text_refused("RW 1 FLAT \"flat\" 9007199254740991\n", ERR_INVALID, "should have 512 bytes");
	text_refused("RW 1 SPARSE \"flat\"\n", ERR_INVALID, "behind its end");
	text_refused("RW 1 SESPARSE \"flat\"\n", ERR_UNSUPPORTED, "of type SESPARSE are not read");
	text_refused("RW 1 VMFSSPARSE \"flat\"\n", ERR_UNSUPPORTED, "of type VMFSSPARSE");
	text_refused("NOACCESS 1 ZERO\n", ERR_INVALID, "NOACCESS");
	text_refused("RW 18014398509481983 ZERO\nRW 1 ZERO\n", ERR_INVALID, "no disk is as large");
	text_refused("parentCID=00000001\nRW 1 ZERO\n", ERR_INVALID, "does not name its file");
	struct image m = make_sparse();
	foreign_write("sparse", m.data, m.size);
	text_refused(
	    "RW 33 SPARSE \"sparse\"\n", ERR_INVALID, "should have 33 sectors, but has 32");
	free(m.data);
	struct image large = {0};
	image_put(&large, 0, HEAD, strlen(HEAD));
	image_fill(&large, VMDK_DESCRIPTOR_MAX, '\n', 1);
	foreign_refused(&large, "vmdk", "a VMDK descriptor of more than");
	free(large.data);
}

/* What is not in the image is in its parent, as long as that is what it was. */
static void test_parent(void **state)
{
	(void)state;
	struct image m = make_sparse();
	struct err err = {0};
	static const char base[] = HEAD "RW 32 FLAT \"base.bin\" 0\n";
	CLEANUP_FREE char *text = xasprintf(
	    "%.*sparentCID=00000007\nparentFileNameHint=\"base.vmdk\"\nRW 32 SPARSE \"me\"\n",
	    (int)strlen("# Disk DescriptorFile\nversion=1\nCID=00000007\n"), HEAD);
	struct image flat = {0};
	image_fill(&flat, 0, 'b', 4 * GRAIN);
	foreign_write("base.bin", flat.data, flat.size);
	foreign_write("base.vmdk", base, strlen(base));
	image_fill(&m, 512, 0, 1024);
	image_put(&m, 512, text, strlen(text));
	struct img *im = foreign_must_open(&m, NULL);
	foreign_all(im, 0, '0', GRAIN);
	foreign_all(im, GRAIN, 'b', GRAIN);
	foreign_all(im, 2 * GRAIN, 0, GRAIN);
	img_drop(&im);
	char *cid = strstr((char *)m.data + 512, "parentCID=0000000");
	cid[strlen("parentCID=0000000")] = '8';
	im = foreign_must_open(&m, "vmdk");
	assert_int_equal(foreign_walk(im, &err), -1);
	assert_non_null(strstr(err.msg, "was changed since"));
	img_drop(&im);
	free(flat.data);
	free(m.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    FOREIGN_TEST(test_sparse),
	    FOREIGN_TEST(test_stream),
	    FOREIGN_TEST(test_sparse_refused),
	    FOREIGN_TEST(test_hostile),
	    FOREIGN_TEST(test_extents),
	    FOREIGN_TEST(test_places),
	    FOREIGN_TEST(test_seed),
	    FOREIGN_TEST(test_text_refused),
	    FOREIGN_TEST(test_parent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
