#include "core/progress.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SECOND 1000000000ull

static char *read_all(int fd)
{
	static char text[4096];
	ssize_t n = read(fd, text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static void percent_is_qemu_imgs(void **state)
{
	(void)state;
	struct progress p;
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	progress_start(&p, PROGRESS_PERCENT, fds[1], 1000);
	atomic_store(&p.next_ns, 0);
	progress_add(&p, 125);
	atomic_store(&p.next_ns, 0);
	progress_add(&p, 1); /* less than a percent more */
	progress_stop(&p, true);
	close(fds[1]);
	assert_string_equal(
	    read_all(fds[0]), "    (0.00/100%)\r    (12.50/100%)\r    (100.00/100%)\r\n");
	close(fds[0]);
}

static void what_failed_is_not_at_its_end(void **state)
{
	(void)state;
	struct progress p;
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	progress_start(&p, PROGRESS_PERCENT, fds[1], 1000);
	progress_stop(&p, false);
	close(fds[1]);
	assert_string_equal(read_all(fds[0]), "    (0.00/100%)\r\n");
	close(fds[0]);
}

static void nobody_looks(void **state)
{
	(void)state;
	progress_add(NULL, 1);
	progress_total(NULL, 1);
	progress_stop(NULL, true);
}

static void bar_fits(void **state)
{
	(void)state;
	char out[PROGRESS_BAR_MAX];
	progress_bar(512 << 20, 1024 << 20, 2 * SECOND, 60, out);
	assert_string_equal(out, "[==========>          ]   50%    512M    256M/s    0:02 left");
	for (unsigned width = 1; width < 400; width++) {
		progress_bar(1ull << 40, 3ull << 41, 4000 * SECOND, width, out);
		assert_true(strlen(out) <= width || width >= PROGRESS_BAR_MAX);
	}
	progress_bar(7, 0, 0, 80, out);
	assert_string_equal(out, "7B  0B/s");
	progress_bar(9, 7, SECOND, 80, out); /* more than was said */
	assert_non_null(strstr(out, "100%"));
}

static void a_jobs_file_is_read_back(void **state)
{
	(void)state;
	char path[] = "/tmp/hvmux-progress-XXXXXX";
	struct progress p;
	uint64_t done = 1, total = 1;
	close(mkstemp(path));
	assert_int_equal(progress_read(path, &done, &total), -1);
	setenv(PROGRESS_FILE_ENV, path, 1);
	progress_start(&p, PROGRESS_SILENT, -1, UINT64_MAX);
	unsetenv(PROGRESS_FILE_ENV);
	progress_add(&p, UINT64_MAX - 1);
	progress_stop(&p, false);
	assert_int_equal(progress_read(path, &done, &total), 0);
	assert_true(done == UINT64_MAX - 1 && total == UINT64_MAX);
	unlink(path);
	assert_int_equal(progress_read(path, &done, &total), -1);
}

static void an_interruption_is_remembered(void **state)
{
	(void)state;
	struct progress p;
	struct err err;
	progress_start(&p, PROGRESS_SILENT, -1, 10);
	assert_int_equal(progress_check(&err), 0);
	raise(SIGTERM);
	assert_int_equal(progress_interrupted(), SIGTERM);
	assert_int_equal(progress_check(&err), -1);
	progress_stop(&p, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(percent_is_qemu_imgs),
	    cmocka_unit_test(what_failed_is_not_at_its_end),
	    cmocka_unit_test(nobody_looks),
	    cmocka_unit_test(bar_fits),
	    cmocka_unit_test(a_jobs_file_is_read_back),
	    cmocka_unit_test(an_interruption_is_remembered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
