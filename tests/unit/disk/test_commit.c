/* commit and rebase: chains, and what a crash leaves of them. */
#include "unit/disk/qcow2_lab.h"

#include "disk/commit.h"
#include "disk/rebase.h"

#define SIZE (1u << 20)

static char *dir, *base, *mid, *top, *scratch, *before;
static uint8_t *want; /* what the guest of top sees */

static void put(const char *path, uint64_t offset, uint8_t byte, size_t n)
{
	struct err err = {0};
	CLEANUP_FREE uint8_t *buf = xmalloc(n);
	memset(buf, byte, n);
	struct img *im = lab_open(path, IMG_WRITE);
	lab_ok(byte ? img_write(im, offset, buf, n, &err) : img_zero(im, offset, n, false, &err),
	    &err);
	lab_close(im);
}

/* base (of 700 KiB) < mid < top */
static void make_chain(uint64_t cluster)
{
	unlink(base);
	unlink(mid);
	unlink(top);
	lab_make(base, &(struct qcow2_options){.size = 700 << 10, .cluster = 4096});
	lab_make(
	    mid, &(struct qcow2_options){
	             .size = SIZE, .cluster = 65536, .backing = "base", .backing_format = "qcow2"});
	lab_make(top,
	    &(struct qcow2_options){
	        .size = SIZE, .cluster = cluster, .backing = "mid", .backing_format = "qcow2"});
	put(base, 0, 1, 500000);
	put(mid, 100000, 2, 200000);
	put(mid, 350000, 0, 70000);
	put(mid, 800000, 3, 5000);
	put(top, 150000, 4, 30000);
	put(top, 400000, 0, 90000);
	put(top, 900000, 5, 100000);
	struct img *im = lab_open(top, 0);
	free(want);
	want = lab_read(im);
	lab_close(im);
	assert_int_equal(want[0], 1);
	assert_int_equal(want[120000], 2);
	assert_int_equal(want[360000], 0);
	assert_int_equal(want[160000], 4);
	assert_int_equal(want[950000], 5);
}

static void same_guest(const char *path)
{
	struct img *im = lab_open(path, 0);
	CLEANUP_FREE uint8_t *all = lab_read(im);
	assert_int_equal(im->size, SIZE);
	for (size_t i = 0; i < SIZE; i++)
		if (all[i] != want[i])
			fail_msg("%s: byte %zu is %02x, should be %02x", path, i, all[i], want[i]);
	lab_close(im);
	if (lab_has_qemu())
		assert_int_equal(lab_check(path), 0);
}

static void judge_guest(const char *path, size_t calls)
{
	struct img *im = lab_open(path, 0);
	CLEANUP_FREE uint8_t *all = lab_read(im);
	if (memcmp(all, want, SIZE) != 0)
		fail_msg("after %zu calls the guest sees something else", calls);
	lab_close(im);
	int status = lab_has_qemu() ? lab_check(path) : 0;
	if (status != 0 && status != 3)
		fail_msg("after %zu calls qemu-img check ends with %d", calls, status);
}

static void judge_sound(const char *path, size_t calls)
{
	int status = lab_has_qemu() ? lab_check(path) : 0;
	if (status != 0 && status != 3)
		fail_msg("after %zu calls qemu-img check ends with %d", calls, status);
}

static void commit(const char *to, bool empty)
{
	struct err err = {0};
	struct img *below;
	struct img *im = commit_open(top, "qcow2", to, &below, &err);
	if (!im)
		fail_msg("%s", err.msg);
	lab_ok(commit_run(im, below, NULL, &err), &err);
	if (empty)
		lab_ok(commit_empty(im, &err), &err);
	lab_close(im);
}

static void test_commit(void **state)
{
	(void)state;
	static const uint64_t clusters[] = {512, 4096, 65536};
	for (size_t i = 0; i < ARRAY_LEN(clusters); i++) {
		make_chain(clusters[i]);
		commit(NULL, true);
		same_guest(top);
		same_guest(mid);
		struct img_extent e;
		struct err err = {0};
		struct img *im = lab_open(top, IMG_NO_BACKING);
		lab_ok(img_map(im, 0, SIZE, &e, &err), &err);
		assert_int_equal(e.kind, IMG_ABSENT);
		assert_int_equal(e.bytes, SIZE);
		lab_close(im);
		make_chain(clusters[i]);
		commit(base, false);
		same_guest(base);
		same_guest(top);
	}
}

static void test_commit_refuses(void **state)
{
	(void)state;
	struct err err = {0};
	struct img *below;
	make_chain(4096);
	assert_null(commit_open(base, "qcow2", NULL, &below, &err));
	assert_string_equal(err.msg, "Image does not have a backing file");
	assert_null(commit_open(top, "qcow2", scratch, &below, &err));
	assert_non_null(strstr(err.msg, "in the backing chain of"));
}

/* Whatever was written of it: the base is sound, and the overlay, still whole, shows the same. */
static void test_commit_crash(void **state)
{
	(void)state;
	make_chain(4096);
	lab_copy(mid, before);
	lab_record(mid);
	commit(NULL, false);
	assert_true(lab_tape.n > 4);
	lab_each_prefix(before, scratch, judge_sound);
	lab_erase_tape();
	/* and then the emptying: mid holds everything now */
	lab_copy(top, before);
	lab_record(top);
	commit(NULL, true);
	assert_true(lab_tape.n > 2);
	lab_each_prefix(before, scratch, judge_guest);
	lab_erase_tape();
}

static void rebase(const char *name, const char *to)
{
	struct err err = {0};
	struct img *im = lab_open(top, IMG_WRITE), *below = to ? lab_open(to, 0) : NULL;
	lab_ok(rebase_data(im, below, NULL, &err), &err);
	lab_ok(rebase_name(im, name, name ? "qcow2" : NULL, &err), &err);
	lab_close(im);
	if (below)
		lab_close(below);
}

static void test_rebase(void **state)
{
	(void)state;
	static const uint64_t clusters[] = {512, 4096, 65536};
	for (size_t i = 0; i < ARRAY_LEN(clusters); i++) {
		make_chain(clusters[i]);
		rebase("base", base);
		unlink(mid);
		same_guest(top);
		make_chain(clusters[i]);
		rebase(NULL, NULL);
		unlink(mid);
		unlink(base);
		same_guest(top);
	}
}

/* What both chains have at the same place is not written again. */
static void test_rebase_keeps_small(void **state)
{
	(void)state;
	struct err err = {0};
	struct img_extent e;
	make_chain(4096);
	rebase("base", base);
	struct img *im = lab_open(top, IMG_NO_BACKING);
	lab_ok(img_map(im, 0, SIZE, &e, &err), &err);
	assert_int_equal(e.kind, IMG_ABSENT);
	assert_true(e.bytes >= 65536);
	lab_close(im);
}

static void test_rebase_crash(void **state)
{
	(void)state;
	make_chain(4096);
	lab_copy(top, before);
	lab_record(top);
	rebase("base", base);
	assert_true(lab_tape.n > 4);
	lab_each_prefix(before, scratch, judge_guest);
	lab_erase_tape();
}

static int setup(void **state)
{
	(void)state;
	dir = cm_mkdtemp();
	base = xasprintf("%s/base", dir);
	mid = xasprintf("%s/mid", dir);
	top = xasprintf("%s/top", dir);
	scratch = xasprintf("%s/scratch", dir);
	before = xasprintf("%s/before", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	char *all[] = {base, mid, top, scratch, before, (char *)want};
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		free(all[i]);
	cm_rmdir(dir);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_commit),
	    cmocka_unit_test(test_commit_refuses),
	    cmocka_unit_test(test_commit_crash),
	    cmocka_unit_test(test_rebase),
	    cmocka_unit_test(test_rebase_keeps_small),
	    cmocka_unit_test(test_rebase_crash),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
