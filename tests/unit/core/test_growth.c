#include "unit/cm.h"

#include <fcntl.h>

#include "core/growth.h"

#define GIB (1ull << 30)
#define T0 1700000000ull /* a coarse boundary or not: both happen below */

/* used(i) for each of n samples, `step` seconds apart, the last one at T0. */
static struct growth_forecast forecast(
    size_t n, uint64_t step, uint64_t capacity, uint64_t (*used)(size_t i))
{
	struct growth_sample s[GROWTH_SAMPLES];
	struct growth_forecast f;
	for (size_t i = 0; i < n; i++)
		s[i] = (struct growth_sample){T0 - (n - 1 - i) * step, used(i), capacity};
	growth_forecast(s, n, T0, &f);
	return f;
}

static uint64_t steady(size_t i)
{
	return 10 * GIB + i * GIB;
}
static uint64_t still(size_t i)
{
	(void)i;
	return 10 * GIB;
}
static uint64_t one_step(size_t i)
{
	return i < 4 ? 10 * GIB : 60 * GIB;
}
static uint64_t shrinking(size_t i)
{
	return 50 * GIB - i * GIB;
}

static void test_forecast(void **state)
{
	(void)state;
	/* Ten minutes a GiB for an hour, 18 left of 34: three hours. */
	struct growth_forecast f = forecast(7, 600, 34 * GIB, steady);
	assert_int_equal(f.full_in_s, 18 * 600);
	assert_true(f.per_second > 1.7e6 && f.per_second < 1.8e6);
	assert_int_equal(f.by_s, 3600);
	/* The same pace says nothing about next week. */
	assert_int_equal(forecast(7, 600, 3400 * GIB, steady).full_in_s, -1);
	assert_int_equal(forecast(7, 600, 34 * GIB, still).full_in_s, -1);
	/* One large file is no trend. */
	assert_int_equal(forecast(7, 600, 70 * GIB, one_step).full_in_s, -1);
	assert_int_equal(forecast(7, 600, 70 * GIB, shrinking).full_in_s, -1);
	/* Too little is known. */
	assert_int_equal(forecast(3, 600, 34 * GIB, steady).full_in_s, -1);
	assert_int_equal(forecast(0, 600, 34 * GIB, steady).full_in_s, -1);
	/* A GiB a day for a month. */
	f = forecast(31, 86400, 60 * GIB, steady);
	assert_int_equal(f.full_in_s, 20 * 86400);
	/* It is full. */
	assert_int_equal(forecast(7, 600, 16 * GIB, steady).full_in_s, 0);
}

/* The last sample is old: the time since then has gone. */
static void test_old(void **state)
{
	(void)state;
	struct growth_sample s[7];
	struct growth_forecast f;
	for (size_t i = 0; i < 7; i++)
		s[i] = (struct growth_sample){T0 + i * 600, steady(i), 34 * GIB};
	growth_forecast(s, 7, T0 + 3600 + 1800, &f);
	assert_int_equal(f.full_in_s, 18 * 600 - 1800);
}

/* One byte of the one file there is. */
static void tear(const char *dir, off_t at)
{
	CLEANUP_FREE char *command = xasprintf("ls %s/data/growth/*", dir);
	char path[256] = "";
	FILE *p = popen(command, "r");
	assert_non_null(p);
	assert_non_null(fgets(path, sizeof(path), p));
	pclose(p);
	path[strcspn(path, "\n")] = '\0';
	CLEANUP_CLOSE int fd = open(path, O_RDWR);
	char c = 0;
	assert_int_equal(pread(fd, &c, 1, at), 1);
	c = (char)(c ^ 0x55);
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
}

static void test_file(void **state)
{
	(void)state;
	struct err err = {0};
	struct home h;
	struct growth_sample out[GROWTH_SAMPLES];
	char *dir = cm_mkdtemp();
	setenv("HVMUX_HOME", dir, 1);
	assert_int_equal(home_init(&h, NULL, &err), 0);
	assert_int_equal(growth_read(&h, "/a", T0, out), 0);
	assert_true(growth_due(&h, "/a", T0));
	/* Every hour for four months; what is kept is bounded. */
	for (uint64_t t = T0 - 120 * 86400ull; t <= T0; t += 3600) {
		struct growth_sample s = {t, t % 1000, 1000};
		assert_int_equal(growth_record(&h, "/a", &s, &err), 0);
	}
	assert_false(growth_due(&h, "/a", T0));
	assert_true(growth_due(&h, "/b", T0));
	size_t n = growth_read(&h, "/a", T0, out);
	assert_true(n > 360 && n <= GROWTH_SAMPLES);
	for (size_t i = 1; i < n; i++)
		assert_true(out[i].time_s > out[i - 1].time_s);
	for (size_t i = 0; i < n; i++)
		assert_true(out[i].used == out[i].time_s % 1000 && out[i].capacity == 1000);
	assert_true(out[n - 1].time_s == T0);
	assert_true(T0 - out[0].time_s > 89 * 86400ull);
	/* A second one in the same space of time changes nothing. */
	struct growth_sample s = {T0 + 1, 7, 7};
	assert_int_equal(growth_record(&h, "/a", &s, &err), 0);
	assert_int_equal(growth_read(&h, "/a", T0 + 1, out), n);
	/* A clock that was set back: what is of later is not known yet. */
	assert_true(growth_read(&h, "/a", T0 - 86400, out) < n);
	size_t paths;
	char **list = growth_paths(&h, &paths);
	assert_int_equal(paths, 1);
	assert_string_equal(list[0], "/a");
	growth_paths_free(list);
	/* A torn slot is none. */
	tear(dir, 1024 + (off_t)(T0 / GROWTH_FINE_S % GROWTH_FINE) * 32 + 9);
	assert_true(growth_read(&h, "/a", T0, out) < n);
	assert_true(growth_due(&h, "/a", T0));
	/* Of a torn head nothing is believed, and the next sample begins anew. */
	tear(dir, 3);
	assert_int_equal(growth_read(&h, "/a", T0, out), 0);
	assert_int_equal(growth_record(&h, "/a", &s, &err), 0);
	assert_int_equal(growth_read(&h, "/a", T0 + 1, out), 1);
	home_fini(&h);
	cm_rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_forecast),
	    cmocka_unit_test(test_old),
	    cmocka_unit_test(test_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
