#include "unit/cm.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "core/str.h"
#include "disk/chain.h"
#include "disk/img.h"
#include "disk/img_create.h"

static char *dir;

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

static char *at(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void make(const char *name, const char *backing, const char *format, const char *data)
{
	struct err err = {0};
	CLEANUP_FREE char *path = at(name);
	struct img_create c = {.format = "qcow2",
	    .with_size = true,
	    .backing_as_told = true,
	    .qcow2 = {
	        .size = 1 << 20, .backing = backing, .backing_format = format, .data_file = data}};
	if (img_create_now(path, &c, &err) < 0)
		fail_msg("%s", err.msg);
}

static void put(const char *name, const char *text)
{
	CLEANUP_FREE char *path = at(name);
	assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, NULL), 0);
}

static void read_it(const char *name, const char *format, struct chain *c)
{
	CLEANUP_FREE char *path = at(name);
	chain_read(path, format, c);
}

static void expect_words(const struct chain *c, const char *words)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	chain_words(c, &b);
	buf_addc(&b, '\0');
	assert_string_equal(b.data, words);
}

static void test_down(void **state)
{
	(void)state;
	struct chain c;
	put("base.raw", "x");
	make("mid.qcow2", "base.raw", "raw", NULL);
	make("top.qcow2", "mid.qcow2", "qcow2", "top.data");
	read_it("top.qcow2", "qcow2", &c);
	assert_null(c.trouble);
	assert_int_equal(c.n, 4);
	assert_int_equal(c.links[1].kind, CHAIN_DATA);
	assert_int_equal(c.links[1].depth, 0);
	assert_int_equal(c.links[2].kind, CHAIN_BACKING);
	assert_int_equal(c.links[2].depth, 1);
	assert_string_equal(c.links[2].format, "qcow2");
	assert_int_equal(c.links[3].depth, 2);
	struct stat st;
	CLEANUP_FREE char *base = at("base.raw");
	assert_int_equal(stat(base, &st), 0);
	assert_true(c.links[3].ino == st.st_ino && c.links[3].dev == st.st_dev);
	CLEANUP_FREE char *words = xasprintf(
	    "data in '%s/top.data', '%s/mid.qcow2' (qcow2), '%s/base.raw' (raw)", dir, dir, dir);
	expect_words(&c, words);
	chain_fini(&c);
}

/* What a guest writes at the beginning of its raw disk is no header of ours. */
static void test_raw(void **state)
{
	(void)state;
	struct chain c;
	make("guest.img", "/etc/passwd", "raw", NULL);
	read_it("guest.img", "raw", &c);
	assert_int_equal(c.n, 1);
	assert_null(c.trouble);
	assert_true(c.links[0].ino != 0);
	expect_words(&c, "no other file");
	chain_fini(&c);
	read_it("guest.img", NULL, &c);
	assert_int_equal(c.n, 2);
	chain_fini(&c);
}

static void test_troubles(void **state)
{
	(void)state;
	struct chain c;
	make("ring.qcow2", "ring.qcow2", "qcow2", NULL);
	read_it("ring.qcow2", "qcow2", &c);
	assert_non_null(strstr(c.trouble, "in its own chain"));
	chain_fini(&c);
	make("lost.qcow2", "gone.qcow2", "qcow2", NULL);
	read_it("lost.qcow2", "qcow2", &c);
	assert_int_equal(c.n, 2);
	assert_non_null(strstr(c.trouble, "No such file"));
	chain_fini(&c);
	CLEANUP_FREE char *fifo = at("fifo");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	make("pipe.qcow2", "fifo", "qcow2", NULL);
	read_it("pipe.qcow2", "qcow2", &c);
	assert_non_null(strstr(c.trouble, "neither a file nor a block device"));
	chain_fini(&c);
	make("far.qcow2", "nbd://host/x", "raw", NULL);
	read_it("far.qcow2", "qcow2", &c);
	assert_null(c.trouble);
	assert_int_equal(c.n, 2);
	assert_string_equal(c.links[1].path, "nbd://host/x");
	chain_fini(&c);
}

static void test_equal(void **state)
{
	(void)state;
	struct chain a, b;
	make("e.qcow2", "/x", "raw", NULL);
	read_it("e.qcow2", "qcow2", &a);
	read_it("e.qcow2", "qcow2", &b);
	assert_true(chain_equal(&a, &b));
	chain_fini(&b);
	make("e.qcow2", "/x", "qcow2", NULL);
	read_it("e.qcow2", "qcow2", &b);
	assert_false(chain_equal(&a, &b));
	chain_fini(&b);
	make("e.qcow2", "/y", "raw", NULL);
	read_it("e.qcow2", "qcow2", &b);
	assert_false(chain_equal(&a, &b));
	chain_fini(&b);
	make("e.qcow2", NULL, NULL, NULL);
	read_it("e.qcow2", "qcow2", &b);
	assert_false(chain_equal(&a, &b));
	chain_fini(&a);
	chain_fini(&b);
}

static int has(const char *name, const char *file)
{
	CLEANUP_FREE char *path = at(name), *want = at(file);
	struct err err = {0};
	return chain_has(path, NULL, want, &err);
}

static void test_has(void **state)
{
	(void)state;
	CLEANUP_FREE char *absolute = at("b.qcow2");
	put("r.img", "not qcow2");
	put("d.img", "data");
	make("b.qcow2", "r.img", "raw", NULL);
	make("m.qcow2", absolute, "qcow2", "d.img");
	make("t.qcow2", "file:m.qcow2", "qcow2", NULL);
	make("alone.qcow2", NULL, NULL, NULL);
	assert_int_equal(has("t.qcow2", "t.qcow2"), 1);
	assert_int_equal(has("t.qcow2", "b.qcow2"), 1);
	assert_int_equal(has("t.qcow2", "r.img"), 1);
	assert_int_equal(has("t.qcow2", "d.img"), 1);
	assert_int_equal(has("b.qcow2", "t.qcow2"), 0);
	assert_int_equal(has("alone.qcow2", "r.img"), 0);
	assert_int_equal(has("t.qcow2", "none"), 0);
	make("nbd.qcow2", "nbd://h/x", "raw", NULL);
	assert_int_equal(has("nbd.qcow2", "r.img"), 0);
	make("lame.qcow2", "none", "qcow2", NULL);
	assert_int_equal(has("lame.qcow2", "r.img"), 0);
	assert_int_equal(has("none", "r.img"), 0);
}

/* The header's fields that a guest could have written, each broken alone. */
static void poke(const char *name, off_t where, const void *bytes, size_t n)
{
	CLEANUP_FREE char *path = at(name);
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, bytes, n, where), (ssize_t)n);
}

static void test_rubbish(void **state)
{
	(void)state;
	static const struct {
		off_t where;
		unsigned char bytes[8];
		size_t n;
	} broken[] = {
	    {4, {0, 0, 0, 9}, 4},                /* version */
	    {8, {0x7f, 0, 0, 0, 0, 0, 0, 0}, 8}, /* backing_file_offset */
	    {16, {0xff, 0xff, 0xff, 0xff}, 4},   /* backing_file_size */
	    {16, {0, 0, 3, 0xe8}, 4},            /* … with NULs in the name */
	    {20, {0, 0, 0, 63}, 4},              /* cluster_bits */
	    {60, {0xff, 0xff, 0xff, 0xff}, 4},   /* nb_snapshots */
	    {79, {0x40}, 1},                     /* incompatible_features */
	    {100, {0xff, 0xff, 0xff, 0xf8}, 4},  /* header_length */
	};
	put("r.img", "x");
	make("ring1.qcow2", "ring2.qcow2", "qcow2", NULL);
	make("ring2.qcow2", "ring1.qcow2", "qcow2", NULL);
	assert_int_equal(has("ring1.qcow2", "r.img"), -1);
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		struct chain_names names;
		struct err err = {0};
		CLEANUP_FREE char *path = at("bad.qcow2");
		make("bad.qcow2", "x", "raw", NULL);
		poke("bad.qcow2", broken[i].where, broken[i].bytes, broken[i].n);
		if (has("bad.qcow2", "r.img") != -1)
			fail_msg("the field at %ld was believed", (long)broken[i].where);
		assert_int_equal(chain_names_read(path, "qcow2", &names, &err), -1);
		assert_non_null(strstr(err.msg, "bad.qcow2"));
		assert_null(names.backing);
		assert_null(names.backing_format);
	}
}

/* The first version has no place for the format of what backs it. */
static void test_qcow(void **state)
{
	(void)state;
	unsigned char h[64] = {'Q', 'F', 'I', 0xfb, 0, 0, 0,
	    1, [15] = 48, [19] = 6, [24] = 1, [30] = 2, [32] = 12, [39] = 1};
	CLEANUP_FREE char *path = at("old.qcow");
	struct chain_names names;
	struct err err = {0};
	memcpy(h + 48, "below!", 6);
	assert_int_equal(file_write_atomic(path, h, sizeof(h), 0600, NULL), 0);
	assert_int_equal(chain_names_read(path, NULL, &names, &err), 0);
	assert_non_null(strstr(names.backing, "/below!"));
	assert_null(names.backing_format);
	chain_names_fini(&names);
	CLEANUP(img_drop) struct img *im = img_look(path, "qcow", &err);
	assert_non_null(im);
	assert_true(im->size == (1ull << 56) + 512);
	assert_int_equal(im->cluster, 4096);
	assert_null(img_open(path, "qcow", IMG_NO_BACKING, &err));
	assert_int_equal(err.code, ERR_UNSUPPORTED);
	/* Its fields, each broken alone. */
	static const struct {
		off_t where;
		unsigned char byte;
	} broken[] = {{7, 3}, {8, 0x7f}, {16, 1}, {18, 4}, {19, 7}, {32, 8}, {32, 17}};
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		assert_int_equal(file_write_atomic(path, h, 54, 0600, NULL), 0);
		poke("old.qcow", broken[i].where, &broken[i].byte, 1);
		assert_null(img_look(path, "qcow", &err));
		assert_non_null(strstr(err.msg, "old.qcow"));
	}
	assert_int_equal(file_write_atomic(path, h, 47, 0600, NULL), 0);
	assert_null(img_look(path, "qcow", &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_down),
	    cmocka_unit_test(test_raw),
	    cmocka_unit_test(test_troubles),
	    cmocka_unit_test(test_equal),
	    cmocka_unit_test(test_has),
	    cmocka_unit_test(test_rubbish),
	    cmocka_unit_test(test_qcow),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
