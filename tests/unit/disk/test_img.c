#include "unit/cm.h"

#include "disk/img.h"

#define MIB (1u << 20)

static char *dir;

static char *at(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void make(const char *name, size_t n)
{
	CLEANUP_FREE char *path = at(name);
	char *buf = xmalloc(n);
	memset(buf, 'r', n);
	assert_int_equal(file_write_atomic(path, buf, n, 0600, NULL), 0);
	free(buf);
}

static struct img *img(const char *name, unsigned flags)
{
	CLEANUP_FREE char *path = at(name);
	struct err err = {0};
	struct img *im = img_open(path, "raw", flags, &err);
	if (!im)
		fail_msg("%s", err.msg);
	return im;
}

static void test_raw(void **state)
{
	(void)state;
	char buf[1024];
	struct err err = {0};
	struct img_extent e;
	make("odd", 1000);
	struct img *im = img("odd", 0);
	assert_int_equal(im->size, 1024);
	assert_int_equal(img_read(im, 998, buf, 26, &err), 0);
	assert_memory_equal(buf, "rr\0\0", 4);
	assert_int_equal(img_read(im, 998, buf, 27, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	assert_int_equal(img_map_chain(im, 0, 1024, &e, &err), 0);
	assert_int_equal(e.kind, IMG_DATA);
	assert_int_equal(e.bytes, 1000);
	assert_true(e.hosted && e.host == 0 && e.file == im->file && e.layer == im);
	assert_int_equal(img_map_chain(im, 1000, 24, &e, &err), 0);
	assert_int_equal(e.kind, IMG_ZERO);
	assert_int_equal(e.bytes, 24);
	assert_int_equal(img_write(im, 0, "x", 1, &err), -1);
	assert_int_equal(err.code, ERR_STATE);
	assert_int_equal(img_close(im, &err), 0);
}

static void test_raw_written(void **state)
{
	(void)state;
	char buf[16], zero[16] = {0};
	struct err err = {0};
	make("write", 2 * MIB);
	struct img *im = img("write", IMG_WRITE);
	assert_int_equal(img_write(im, MIB - 2, "hallo", 5, &err), 0);
	assert_int_equal(img_zero(im, MIB, 1, false, &err), 0);
	assert_int_equal(img_read(im, MIB - 3, buf, 7, &err), 0);
	assert_memory_equal(buf, "rha\0lor", 7);
	assert_int_equal(img_discard(im, 0, MIB / 2, &err), 0);
	assert_int_equal(img_resize(im, 3 * MIB, &err), 0);
	assert_int_equal(im->size, 3 * MIB);
	assert_int_equal(img_read(im, 3 * MIB - 16, buf, 16, &err), 0);
	assert_memory_equal(buf, zero, 16);
	assert_int_equal(img_resize(im, 1000, &err), -1);
	assert_int_equal(img_write(im, 3 * MIB - 1, "xx", 2, &err), -1);
	assert_int_equal(img_zero(im, UINT64_MAX, 2, false, &err), -1);
	assert_int_equal(img_flush(im, &err), 0);
	assert_int_equal(img_close(im, &err), 0);
}

/* Two openings are two users, whether in one process or two. */
static void test_locks(void **state)
{
	(void)state;
	static const struct {
		unsigned first, second;
		enum err_code says;
	} pairs[] = {
	    {0, 0, ERR_NONE},
	    {0, IMG_WRITE, ERR_BUSY},
	    {IMG_WRITE, 0, ERR_BUSY},
	    {IMG_WRITE, IMG_WRITE, ERR_BUSY},
	    {IMG_WRITE, IMG_INFO, ERR_BUSY},
	    {IMG_WRITE, IMG_FORCE_SHARE, ERR_NONE},
	    {IMG_WRITE, IMG_NO_LOCK, ERR_NONE},
	    {IMG_INFO, 0, ERR_NONE},
	    {IMG_NO_LOCK, IMG_WRITE, ERR_NONE},
	};
	make("locked", MIB);
	CLEANUP_FREE char *path = at("locked");
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct err err = {0};
		struct img *first = img("locked", pairs[i].first);
		struct img *second = img_open(path, "raw", pairs[i].second, &err);
		if ((second == NULL) != (pairs[i].says != ERR_NONE) || err.code != pairs[i].says)
			fail_msg("%zu: %s", i, err.msg);
		img_drop(&second);
		img_drop(&first);
	}
	/* Nobody empties what another has open. */
	struct err err = {0};
	struct img *im = img("locked", IMG_WRITE);
	assert_null(disk_io_open(path, DISK_IO_CREATE, &err));
	assert_int_equal(err.code, ERR_BUSY);
	assert_int_equal(disk_io_allocated(im->file) > 0, true);
	img_drop(&im);
}

/* What QEMU would not take for raw is not taken for raw. */
static void test_unread(void **state)
{
	(void)state;
	static const struct {
		const char *magic, *format;
		size_t n;
	} heads[] = {{"QFI\xfb\0\0\0\1", "'qcow'", 8}, {"LUKS\xba\xbe\0\1", "'luks'", 8},
	    {"WithoutFreeSpace", "'parallels'", 16}};
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		struct err err = {0};
		char buf[1024] = {0};
		CLEANUP_FREE char *path = at("unread");
		memcpy(buf, heads[i].magic, heads[i].n);
		assert_int_equal(file_write_atomic(path, buf, sizeof(buf), 0600, NULL), 0);
		assert_null(img_open(path, NULL, 0, &err));
		assert_int_equal(err.code, ERR_UNSUPPORTED);
		assert_non_null(strstr(err.msg, heads[i].format));
		struct img *im = img_open(path, "raw", 0, &err);
		assert_non_null(im);
		img_drop(&im);
	}
}

static void test_names(void **state)
{
	(void)state;
	const char *const names[][3] = {
	    {"/a/b.img", "c.img", "/a/c.img"},
	    {"/a/b.img", "../c.img", "/a/../c.img"},
	    {"/a/b.img", "/c.img", "/c.img"},
	    {"b.img", "c.img", "c.img"},
	    {"/a/b.img", "file:c.img", "/a/c.img"},
	    {"/a/b.img", "file:/c.img", "/c.img"},
	    {"/a/b.img", "d/e:f", "/a/d/e:f"},
	    {"/a/b.img", "nbd://host/x", NULL},
	    {"/a/b.img", "json:{\"driver\":\"file\"}", NULL},
	    {"/a/b.img", "rbd:pool/x", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CLEANUP_FREE char *got = img_resolve(names[i][0], names[i][1]);
		if (names[i][2])
			assert_string_equal(got, names[i][2]);
		else
			assert_null(got);
	}
}

static void test_refused(void **state)
{
	(void)state;
	struct err err = {0};
	CLEANUP_FREE char *none = at("none");
	assert_null(img_open(none, NULL, 0, &err));
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_null(img_open("nbd://localhost/x", NULL, 0, &err));
	assert_int_equal(err.code, ERR_UNSUPPORTED);
	make("r", 512);
	CLEANUP_FREE char *path = at("r");
	assert_null(img_open(path, "luks", 0, &err));
	assert_int_equal(err.code, ERR_UNSUPPORTED);
	assert_non_null(strstr(err.msg, "'luks'"));
	struct img *im = img_open(path, NULL, 0, &err);
	assert_ptr_equal(im->driver, &img_raw);
	img_drop(&im);
	assert_null(im);
	img_drop(&im);
}

static int setup(void **state)
{
	(void)state;
	dir = cm_mkdtemp();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	cm_rmdir(dir);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_raw),
	    cmocka_unit_test(test_raw_written),
	    cmocka_unit_test(test_locks),
	    cmocka_unit_test(test_unread),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
