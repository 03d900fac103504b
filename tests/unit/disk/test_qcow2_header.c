#include "unit/cm.h"

#include "core/buf.h"
#include "disk/qcow2_header.h"

static char *dir;

static char *at(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

/* An image of a header alone; backing NULL: none. */
static void image(const char *name, const char *backing, uint32_t size)
{
	unsigned char h[512] = {'Q', 'F', 'I', 0xfb, 0, 0, 0, 3};
	CLEANUP_FREE char *path = at(name);
	if (backing) {
		h[15] = 104;
		for (int i = 0; i < 4; i++)
			h[16 + i] = (unsigned char)(size >> (24 - 8 * i));
		memcpy(h + 104, backing, strlen(backing));
	}
	assert_int_equal(file_write_atomic(path, h, sizeof(h), 0600, NULL), 0);
}

static void linked(const char *name, const char *backing)
{
	image(name, backing, (uint32_t)strlen(backing));
}

static int has(const char *name, const char *file)
{
	CLEANUP_FREE char *path = at(name), *want = at(file);
	struct err err = {0};
	return qcow2_chain_has(path, want, &err);
}

static void test_chain(void **state)
{
	(void)state;
	CLEANUP_FREE char *raw = at("raw.img"), *absolute = at("base.qcow2");
	assert_int_equal(file_write_atomic(raw, "not qcow2", 9, 0600, NULL), 0);
	linked("base.qcow2", "raw.img");
	linked("mid.qcow2", absolute);
	linked("top.qcow2", "file:mid.qcow2");
	image("alone.qcow2", NULL, 0);
	assert_int_equal(has("top.qcow2", "top.qcow2"), 1);
	assert_int_equal(has("top.qcow2", "base.qcow2"), 1);
	assert_int_equal(has("top.qcow2", "raw.img"), 1);
	assert_int_equal(has("base.qcow2", "top.qcow2"), 0);
	assert_int_equal(has("alone.qcow2", "raw.img"), 0);
	assert_int_equal(has("top.qcow2", "none"), 0);
	linked("remote.qcow2", "nbd://h/x");
	assert_int_equal(has("remote.qcow2", "raw.img"), 0);
}

static void test_capacity(void **state)
{
	unsigned char h[72] = {'Q', 'F', 'I', 0xfb, 0, 0, 0, 2, [24] = 1, [31] = 5};
	struct err err = {0};
	uint64_t n = 1;
	(void)state;
	CLEANUP_FREE char *path = at("size.qcow2"), *short_one = at("short.qcow2"),
	                  *none = at("none");
	assert_int_equal(file_write_atomic(path, h, sizeof(h), 0600, NULL), 0);
	assert_int_equal(qcow2_capacity(path, &n, &err), 0);
	assert_true(n == (1ull << 56) + 5);
	assert_int_equal(file_write_atomic(short_one, h, sizeof(h) - 1, 0600, NULL), 0);
	assert_int_equal(qcow2_capacity(short_one, &n, &err), 0);
	assert_true(n == 0);
	assert_int_equal(qcow2_capacity(none, &n, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void test_rubbish(void **state)
{
	(void)state;
	CLEANUP_FREE char *raw = at("raw.img");
	linked("ring.qcow2", "ring2.qcow2");
	linked("ring2.qcow2", "ring.qcow2");
	image("huge.qcow2", "x", 0xffffffff);
	image("short.qcow2", "x", 1000);
	assert_int_equal(has("ring.qcow2", "raw.img"), -1);
	assert_int_equal(has("huge.qcow2", "raw.img"), -1);
	assert_int_equal(has("short.qcow2", "raw.img"), -1);
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
	    cmocka_unit_test(test_chain),
	    cmocka_unit_test(test_capacity),
	    cmocka_unit_test(test_rubbish),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
