#include "unit/cm.h"

#include <pthread.h>

#include "disk/mounts.h"
#include "disk/reach.h"

static void test_local(void **state)
{
	(void)state;
	struct stat st;
	struct statvfs fs;
	struct err err = {0};
	assert_int_equal(reach("/", 10000, &st, &fs, &err), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_true(fs.f_frsize > 0);
	assert_int_equal(reach("/no/such/folder", 10000, &st, &fs, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void *ask_often(void *arg)
{
	struct stat st;
	struct statvfs fs;
	for (int i = 0; i < 100; i++)
		if (reach("/", 10000, &st, &fs, NULL) < 0)
			return arg;
	return NULL;
}

/* Several that ask the same share a thread, and each gets the answer. */
static void test_together(void **state)
{
	(void)state;
	pthread_t threads[4];
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &threads), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		void *failed;
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
}

static void test_mounts(void **state)
{
	(void)state;
	assert_true(mounts_at("/"));
	assert_true(mounts_at("/proc"));
	assert_false(mounts_at("/proc/self"));
	assert_false(mounts_at("/pro"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_local),
	    cmocka_unit_test(test_together),
	    cmocka_unit_test(test_mounts),
	};
	return cmocka_run_group_tests_name("reach", tests, NULL, NULL);
}
