#include "unit/cm.h"

#include <sys/stat.h>

#include "core/str.h"
#include "disk/chain.h"
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_down),
	    cmocka_unit_test(test_raw),
	    cmocka_unit_test(test_troubles),
	    cmocka_unit_test(test_equal),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
