#include "unit/cm.h"

#include <pthread.h>
#include <sys/vfs.h>

#include "core/loop.h"
#include "disk/mounts.h"
#include "disk/reach.h"

/* --- a file server that is dead: statvfs hangs for this path until it is back --- */
#define DEAD "/proc/self"
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t back = PTHREAD_COND_INITIALIZER;
static bool dead;
static unsigned asked, answered;

int statvfs(const char *path, struct statvfs *out)
{
	struct statfs fs;
	if (strcmp(path, DEAD) == 0) {
		pthread_mutex_lock(&lock);
		asked++;
		while (dead)
			pthread_cond_wait(&back, &lock);
		answered++;
		pthread_mutex_unlock(&lock);
	}
	if (statfs(path, &fs) < 0)
		return -1;
	*out = (struct statvfs){.f_frsize = (unsigned long)fs.f_bsize};
	return 0;
}

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

static void set_dead(bool now)
{
	pthread_mutex_lock(&lock);
	dead = now;
	pthread_cond_broadcast(&back);
	pthread_mutex_unlock(&lock);
}

static unsigned read_count(const unsigned *count)
{
	pthread_mutex_lock(&lock);
	unsigned n = *count;
	pthread_mutex_unlock(&lock);
	return n;
}

/* Nobody waits longer than he wants, one thread hangs for all of them, and when the server is back it answers. */
static void test_dead_server(void **state)
{
	(void)state;
	struct stat st;
	struct statvfs fs;
	set_dead(true);
	uint64_t start = loop_now_ms();
	for (int i = 0; i < 10; i++) {
		struct err err = {0};
		assert_int_equal(reach(DEAD, 20, &st, &fs, &err), -1);
		assert_int_equal(err.code, ERR_TIMEOUT);
	}
	assert_true(loop_now_ms() - start < 20000);
	assert_int_equal(read_count(&asked), 1);
	assert_int_equal(reach("/", 10000, &st, &fs, NULL), 0);
	set_dead(false);
	assert_int_equal(reach(DEAD, 30000, &st, &fs, NULL), 0);
	while (read_count(&answered) < read_count(&asked))
		usleep(1000);
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
	    cmocka_unit_test(test_dead_server),
	    cmocka_unit_test(test_together),
	    cmocka_unit_test(test_mounts),
	};
	return cmocka_run_group_tests_name("reach", tests, NULL, NULL);
}
