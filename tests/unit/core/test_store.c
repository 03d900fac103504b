#include "unit/cm.h"

#include <sys/stat.h>

#include "core/store.h"

static void test_life(void **state)
{
	(void)state;
	char *dir = cm_mkdtemp();
	struct home h;
	struct err err = {0};
	setenv("HVMUX_HOME", dir, 1);
	assert_int_equal(home_init(&h, NULL, &err), 0);
	char **names = NULL;
	size_t n = 9;
	assert_int_equal(store_names(&h, &names, &n, &err), 0);
	assert_int_equal(n, 0);
	store_names_free(names);
	int lock = store_lock(&h, &err);
	assert_true(lock >= 0);
	assert_int_equal(store_write(&h, "b", "<b/>", 4, &err), 0);
	assert_int_equal(store_write(&h, "a a", "<a/>", 4, &err), 0);
	close(lock);
	CLEANUP_FREE char *stray = xasprintf("%s/etc/domains/.tmp-1.xml", dir);
	CLEANUP_FREE char *other = xasprintf("%s/etc/domains/readme", dir);
	assert_int_equal(file_write_atomic(stray, "", 0, 0600, &err), 0);
	assert_int_equal(file_write_atomic(other, "", 0, 0600, &err), 0);
	assert_int_equal(store_names(&h, &names, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_string_equal(names[0], "a a");
	assert_string_equal(names[1], "b");
	assert_null(names[2]);
	store_names_free(names);
	struct buf b = BUF_INIT;
	assert_int_equal(store_read(&h, "b", &b, &err), 0);
	assert_string_equal(b.data, "<b/>");
	buf_fini(&b);
	assert_int_equal(store_remove(&h, "b", &err), 0);
	assert_int_equal(store_remove(&h, "b", &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_int_equal(store_read(&h, "b", &b, &err), -1);
	assert_string_equal(err.msg, "failed to get domain 'b'");
	home_fini(&h);
	cm_rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_life)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
