/* amend and the bitmaps: what the header switches to, and what a crash leaves. */
#include "unit/disk/qcow2_lab.h"

#include "disk/amend.h"
#include "disk/qcow2_bitmap.h"
#include "disk/qcow2_snapshot.h"
#include "disk/qcow2_table.h"

#define SIZE (1u << 20)

static char *dir, *path, *scratch, *before;
static uint8_t *want;

static void make(const struct qcow2_options *o)
{
	struct err err = {0};
	unlink(path);
	lab_make(path, o);
	struct img *im = lab_open(path, IMG_WRITE);
	CLEANUP_FREE uint8_t *buf = xmalloc(SIZE);
	memset(buf, 7, SIZE);
	lab_ok(img_write(im, 1000, buf, 300000, &err), &err);
	lab_ok(qcow2_snapshot_create(qcow2_of(im), "one", &err), &err);
	memset(buf, 9, SIZE);
	lab_ok(img_write(im, 100000, buf, 100000, &err), &err);
	free(want);
	want = lab_read(im);
	lab_close(im);
}

static void judge(const char *image, size_t calls)
{
	struct img *im = lab_open(image, 0);
	CLEANUP_FREE uint8_t *all = lab_read(im);
	if (im->size != SIZE || memcmp(all, want, SIZE) != 0)
		fail_msg("after %zu calls the guest sees something else", calls);
	assert_int_equal(qcow2_of(im)->n_snapshots, 1);
	lab_close(im);
	int status = lab_has_qemu() ? lab_check(image) : 0;
	if (status != 0 && status != 3)
		fail_msg("after %zu calls qemu-img check ends with %d", calls, status);
}

/* Does it to the image and looks at every prefix, then at the whole. */
static void record(int (*change)(struct qcow2 *q, struct err *err))
{
	struct err err = {0};
	lab_copy(path, before);
	lab_record(path);
	struct img *im = lab_open(path, IMG_WRITE);
	lab_ok(change(qcow2_of(im), &err), &err);
	lab_close(im);
	assert_true(lab_tape.n > 0);
	lab_each_prefix(before, scratch, judge);
	lab_erase_tape();
	if (lab_has_qemu())
		assert_int_equal(lab_check(path), 0);
}

static unsigned bits;

static int widen(struct qcow2 *q, struct err *err)
{
	return amend_refcount_bits(q, bits, err);
}

static void test_refcount_bits(void **state)
{
	(void)state;
	static const unsigned widths[] = {64, 2, 32, 4, 8, 16};
	static const uint64_t clusters[] = {512, 65536};
	for (size_t c = 0; c < ARRAY_LEN(clusters); c++) {
		make(&(struct qcow2_options){.size = SIZE, .cluster = clusters[c]});
		for (size_t i = 0; i < ARRAY_LEN(widths); i++) {
			bits = widths[i];
			record(widen);
			struct img *im = lab_open(path, 0);
			assert_int_equal(qcow2_of(im)->refcount_bits, bits);
			lab_close(im);
		}
	}
}

/* One bit does not count the snapshot's share: nothing changes. */
static void test_refcount_bits_too_few(void **state)
{
	(void)state;
	struct err err = {0};
	make(&(struct qcow2_options){.size = SIZE});
	struct img *im = lab_open(path, IMG_WRITE);
	assert_int_equal(amend_refcount_bits(qcow2_of(im), 1, &err), -1);
	assert_int_equal(err.code, ERR_STATE);
	assert_int_equal(amend_refcount_bits(qcow2_of(im), 3, &err), -1);
	lab_close(im);
	judge(path, 0);
}

static int upgrade(struct qcow2 *q, struct err *err)
{
	return amend_upgrade(q, err);
}

static int lazy(struct qcow2 *q, struct err *err)
{
	return amend_lazy_refcounts(q, true, err);
}

static void test_upgrade(void **state)
{
	(void)state;
	struct err err = {0};
	make(&(struct qcow2_options){.size = SIZE, .version = 2, .cluster = 4096});
	struct img *im = lab_open(path, IMG_WRITE);
	assert_int_equal(amend_lazy_refcounts(qcow2_of(im), true, &err), -1);
	assert_int_equal(amend_refcount_bits(qcow2_of(im), 8, &err), -1);
	lab_close(im);
	record(upgrade);
	record(lazy);
	im = lab_open(path, 0);
	assert_int_equal(qcow2_of(im)->version, 3);
	assert_int_equal(qcow2_of(im)->compatible, QCOW2_LAZY_REFCOUNTS);
	lab_close(im);
}

/* --- bitmaps --------------------------------------------------------------------------------------- */
static int bitmaps_change(struct qcow2 *q, struct err *err)
{
	struct qcow2_bitmaps b;
	lab_ok(qcow2_table_begin(q, false, err), err);
	lab_ok(qcow2_bitmaps_load(q, &b, err), err);
	if (b.n == 0) {
		lab_ok(qcow2_bitmaps_add(q, &b, "first", 0, err), err);
		lab_ok(qcow2_bitmaps_add(q, &b, "second", 512, err), err);
	} else if (b.n == 2) {
		lab_ok(qcow2_bitmaps_clear(q, &b, "second", err), err);
		lab_ok(qcow2_bitmaps_enable(&b, "second", false, err), err);
		lab_ok(qcow2_bitmaps_remove(q, &b, "first", err), err);
	} else {
		lab_ok(qcow2_bitmaps_remove(q, &b, "second", err), err);
	}
	int rc = qcow2_bitmaps_store(q, &b, err);
	qcow2_bitmaps_fini(&b);
	return rc;
}

static void test_bitmaps(void **state)
{
	(void)state;
	make(&(struct qcow2_options){.size = SIZE, .cluster = 512});
	for (unsigned i = 0; i < 3; i++)
		record(bitmaps_change);
	struct img *im = lab_open(path, 0);
	assert_int_equal(qcow2_of(im)->autoclear, 0);
	assert_null(qcow2_extension_find(qcow2_of(im), QCOW2_EXT_BITMAPS));
	lab_close(im);
}

/* A bitmap that records keeps us from writing; one that does not, does not. */
static void test_bitmaps_guard(void **state)
{
	(void)state;
	struct err err = {0};
	struct qcow2_bitmaps b;
	make(&(struct qcow2_options){.size = SIZE});
	record(bitmaps_change);
	struct img *im = lab_open(path, IMG_WRITE);
	assert_int_equal(img_write(im, 0, "x", 1, &err), -1);
	assert_int_equal(err.code, ERR_UNSUPPORTED);
	lab_close(im);
	im = lab_open(path, IMG_WRITE);
	struct qcow2 *q = qcow2_of(im);
	lab_ok(qcow2_table_begin(q, false, &err), &err);
	lab_ok(qcow2_bitmaps_load(q, &b, &err), &err);
	assert_int_equal(qcow2_bitmaps_add(q, &b, "first", 0, &err), -1);
	assert_int_equal(qcow2_bitmaps_add(q, &b, "", 0, &err), -1);
	assert_int_equal(qcow2_bitmaps_add(q, &b, "x", 1000, &err), -1);
	assert_int_equal(qcow2_bitmaps_remove(q, &b, "x", &err), -1);
	lab_ok(qcow2_bitmaps_enable(&b, "first", false, &err), &err);
	lab_ok(qcow2_bitmaps_enable(&b, "second", false, &err), &err);
	lab_ok(qcow2_bitmaps_store(q, &b, &err), &err);
	lab_ok(img_write(im, 0, "x", 1, &err), &err);
	assert_int_equal(img_resize(im, 2 * SIZE, &err), -1);
	assert_int_equal(err.code, ERR_UNSUPPORTED);
	qcow2_bitmaps_fini(&b);
	lab_close(im);
	if (lab_has_qemu())
		assert_int_equal(lab_check(path), 0);
}

static int setup(void **state)
{
	(void)state;
	dir = cm_mkdtemp();
	path = xasprintf("%s/image", dir);
	scratch = xasprintf("%s/scratch", dir);
	before = xasprintf("%s/before", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(path);
	free(scratch);
	free(before);
	free(want);
	cm_rmdir(dir);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_refcount_bits),
	    cmocka_unit_test(test_refcount_bits_too_few),
	    cmocka_unit_test(test_upgrade),
	    cmocka_unit_test(test_bitmaps),
	    cmocka_unit_test(test_bitmaps_guard),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
