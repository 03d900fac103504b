#include "unit/cm.h"

#include "disk/bases.h"
#include "disk/img_create.h"

static void make(const char *path, const char *backing)
{
	struct err err = {0};
	struct img_create c = {.format = "qcow2",
	    .with_size = true,
	    .backing_as_told = true,
	    .qcow2 = {
	        .size = 1 << 20, .backing = backing, .backing_format = backing ? "qcow2" : NULL}};
	if (img_create_now(path, &c, &err) < 0)
		fail_msg("%s", err.msg);
}

static void expect(const struct home *h, const char *base, const char *want)
{
	CLEANUP_FREE char *got = bases_find(h, base);
	if (want)
		assert_string_equal(got, want);
	else
		assert_null(got);
}

static void test_bases(void **state)
{
	(void)state;
	struct err err = {0};
	struct home h;
	char *dir = cm_mkdtemp();
	setenv("HVMUX_HOME", dir, 1);
	assert_int_equal(home_init(&h, NULL, &err), 0);
	CLEANUP_FREE char *base = xasprintf("%s/base", dir), *a = xasprintf("%s/a", dir),
	                  *b = xasprintf("%s/b", dir), *top = xasprintf("%s/top", dir);
	make(base, NULL);
	expect(&h, base, NULL);
	assert_int_equal(bases_note(&h, base, a, &err), 0);
	expect(&h, base, NULL); /* noted before it is made */
	make(a, base);
	expect(&h, base, a);
	assert_int_equal(bases_note(&h, base, b, &err), 0);
	make(b, base);
	assert_int_equal(unlink(a), 0);
	expect(&h, base, b);
	/* Through another: what was noted is still in the way. */
	make(top, b);
	expect(&h, base, b);
	make(b, NULL);
	expect(&h, base, NULL);
	expect(&h, a, NULL);
	home_fini(&h);
	cm_rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_bases)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
