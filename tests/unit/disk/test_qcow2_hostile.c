/* Writing into images whose tables were made by somebody who means harm, or by a broken disk: an error or not, but no crash,
 * no memory without a limit, and an end. Made for the sanitizers. */
#include "unit/disk/qcow2_lab.h"

#include <signal.h>
#include <sys/resource.h>

#include "disk/amend.h"
#include "disk/qcow2_bitmap.h"
#include "disk/qcow2_resize.h"
#include "disk/qcow2_snapshot.h"
#include "disk/qcow2_table.h"

#define ROUNDS 150
#define FILE_MOST (64u << 20) /* of a file that a broken table makes longer */

static char *dir, *path, *clean;
static uint32_t seed;

static uint32_t draw(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

static void make(const struct qcow2_options *o)
{
	struct err err = {0};
	CLEANUP_FREE uint8_t *buf = xmalloc(1 << 20);
	memset(buf, 7, 1 << 20);
	unlink(clean);
	lab_make(clean, o);
	struct img *im = lab_open(clean, IMG_WRITE);
	lab_ok(img_write(im, 1000, buf, 100000, &err), &err);
	lab_ok(qcow2_snapshot_create(qcow2_of(im), "one", &err), &err);
	lab_ok(img_write(im, 50000, buf, 20000, &err), &err);
	struct qcow2_bitmaps b;
	lab_ok(qcow2_bitmaps_load(qcow2_of(im), &b, &err), &err);
	lab_ok(qcow2_bitmaps_add(qcow2_of(im), &b, "bitmap", 0, &err), &err);
	lab_ok(qcow2_bitmaps_enable(&b, "bitmap", false, &err), &err);
	lab_ok(qcow2_bitmaps_store(qcow2_of(im), &b, &err), &err);
	qcow2_bitmaps_fini(&b);
	lab_close(im);
}

/* The tables lie in the first clusters and in the last. */
static void spoil(void)
{
	static const uint8_t bytes[] = {0, 1, 2, 0x7f, 0x80, 0xff, 0x40};
	struct stat st;
	int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	for (unsigned n = 1 + draw(4); n > 0; n--) {
		uint8_t b = bytes[draw(sizeof(bytes))];
		off_t at = draw(3) == 0 ? 8 + draw(100)
		                        : (off_t)draw((uint32_t)st.st_size) / (draw(2) ? 1 : 8);
		if (draw(2) == 0)
			at &= ~(off_t)7;
		assert_int_equal(syscall(SYS_pwrite64, fd, &b, 1, at), 1);
	}
	close(fd);
}

static void change(struct img *im)
{
	static uint8_t buf[70000];
	struct err err = {0};
	struct qcow2 *q = qcow2_of(im);
	struct qcow2_bitmaps b = {0};
	uint64_t most = im->size > sizeof(buf) ? im->size - sizeof(buf) : 0;
	uint64_t offset = most ? draw((uint32_t)(most < (1u << 20) ? most : 1u << 20)) : 0;
	size_t n = im->size < sizeof(buf) ? (size_t)im->size : 1 + draw(sizeof(buf) - 1);
	switch (draw(10)) {
	case 0:
		img_zero(im, offset, n, draw(2), &err);
		break;
	case 1:
		img_discard(im, offset, n, &err);
		break;
	case 2:
		img_resize(im, (uint64_t)(1 + draw(4000)) * 512, &err);
		break;
	case 3:
		qcow2_snapshot_create(q, "another", &err);
		break;
	case 4:
		if (q->n_snapshots)
			qcow2_snapshot_apply(q, draw(q->n_snapshots), &err);
		break;
	case 5:
		if (q->n_snapshots)
			qcow2_snapshot_delete(q, draw(q->n_snapshots), &err);
		break;
	case 6:
		amend_refcount_bits(q, 1u << draw(7), &err);
		break;
	case 7:
		if (qcow2_table_begin(q, false, &err) == 0 &&
		    qcow2_bitmaps_load(q, &b, &err) == 0 && b.n &&
		    qcow2_bitmaps_remove(q, &b, b.list[0].name, &err) == 0)
			qcow2_bitmaps_store(q, &b, &err);
		qcow2_bitmaps_fini(&b);
		break;
	default:
		img_write(im, offset, buf, n, &err);
	}
}

static void attack(const struct qcow2_options *o)
{
	struct err err = {0};
	make(o);
	for (unsigned i = 0; i < ROUNDS; i++) {
		lab_copy(clean, path);
		spoil();
		struct img *im = img_open(path, "qcow2", IMG_WRITE | IMG_NO_LOCK, &err);
		if (!im)
			continue;
		for (unsigned k = 0; k < 6; k++)
			change(im);
		img_close(im, &err);
	}
}

static void test_hostile(void **state)
{
	(void)state;
	static const struct qcow2_options all[] = {
	    {.size = 200000 / 512 * 512, .cluster = 512},
	    {.size = 1 << 20, .cluster = 4096, .refcount_bits = 64},
	    {.size = 1 << 20, .cluster = 16384, .extended_l2 = true},
	};
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		seed = 5 + (uint32_t)i;
		attack(&all[i]);
	}
}

static void limit_files(rlim_t bytes)
{
	struct rlimit l;
	getrlimit(RLIMIT_FSIZE, &l);
	l.rlim_cur = bytes < l.rlim_max ? bytes : l.rlim_max;
	setrlimit(RLIMIT_FSIZE, &l);
}

static int setup(void **state)
{
	(void)state;
	/* what a broken table makes of the file's length must not fill the disk of who tests */
	signal(SIGXFSZ, SIG_IGN);
	limit_files(FILE_MOST);
	dir = cm_mkdtemp();
	path = xasprintf("%s/image", dir);
	clean = xasprintf("%s/clean", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(path);
	free(clean);
	cm_rmdir(dir);
	return 0;
}

static void patch(uint64_t at, uint64_t value)
{
	uint64_t be = htobe64(value);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(syscall(SYS_pwrite64, fd, &be, 8, at), 8);
	close(fd);
}

static uint64_t word_at(uint64_t at)
{
	uint64_t be = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, &be, 8, (off_t)at), 8);
	close(fd);
	return be64toh(be);
}

static void must_refuse(int rc, const struct err *err, const char *words)
{
	assert_int_equal(rc, -1);
	if (!strstr(err->msg, words))
		fail_msg("%s", err->msg);
}

/* Tables of 8 and 32 MiB whose entries all name the same block or table would be walked for days. */
static void test_named_twice(void **state)
{
	(void)state;
	char byte = 'x';
	struct err err = {0};
	const struct qcow2_options o = {.size = 1 << 30, .cluster = 65536};
	unlink(path);
	lab_make(path, &o);
	uint64_t reftable = word_at(48);
	patch(reftable + 8, word_at(reftable));
	struct img *im = lab_open(path, IMG_WRITE);
	must_refuse(img_write(im, 0, &byte, 1, &err), &err, "two entries of the refcount table");
	img_drop(&im);
	unlink(path);
	lab_make(path, &o);
	im = lab_open(path, IMG_WRITE);
	lab_ok(img_write(im, 0, &byte, 1, &err), &err);
	lab_close(im);
	patch(word_at(40) + 8, word_at(word_at(40)));
	im = lab_open(path, IMG_WRITE);
	must_refuse(
	    qcow2_snapshot_create(qcow2_of(im), "s", &err), &err, "two entries of an L1 table");
	img_drop(&im);
	im = lab_open(path, IMG_WRITE);
	must_refuse(qcow2_resize_empty(qcow2_of(im), &err), &err, "two entries of an L1 table");
	img_drop(&im);
}

/* A hole costs its maker nothing: it must not cost us a look at each of its clusters. */
static void test_long_hole(void **state)
{
	(void)state;
	char byte = 'x';
	struct err err = {0};
	struct img_extent e;
	unlink(path);
	lab_make(path, &(struct qcow2_options){.size = 32768, .cluster = 512});
	struct img *im = lab_open(path, IMG_WRITE);
	lab_ok(img_write(im, 0, &byte, 1, &err), &err);
	lab_close(im);
	limit_files(RLIM_INFINITY);
	int rc = truncate(path, (off_t)1 << 43);
	limit_files(FILE_MOST);
	if (rc < 0) /* no file system for it */
		skip();
	alarm(30);
	im = lab_open(path, 0);
	lab_ok(img_map(im, 0, 512, &e, &err), &err);
	assert_int_equal(e.kind, IMG_DATA);
	lab_close(im);
	alarm(0);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hostile),
	    cmocka_unit_test(test_named_twice),
	    cmocka_unit_test(test_long_hole),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
