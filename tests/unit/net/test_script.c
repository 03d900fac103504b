#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/file.h"
#include "core/mem.h"
#include "net/script.h"

static char dir[] = "/tmp/hvmux-script.XXXXXX";

static char *make_script(const char *body)
{
	struct err err = {0};
	char *path = xasprintf("%s/script", dir);
	CLEANUP_FREE char *text = xasprintf("#!/bin/sh\n%s\n", body);
	assert_int_equal(file_write_atomic(path, text, strlen(text), 0700, &err), 0);
	return path;
}

static void test_word(void **state)
{
	(void)state;
	struct err err = {0};
	struct buf got = BUF_INIT;
	CLEANUP_FREE char *body = xasprintf("echo \"$1\" >%s/got", dir);
	CLEANUP_FREE char *path = make_script(body);
	CLEANUP_FREE char *out = xasprintf("%s/got", dir);
	assert_int_equal(script_run(path, "vnet7", 10000, &err), 0);
	assert_int_equal(file_read(out, 100, &got, &err), 0);
	assert_string_equal(got.data, "vnet7\n");
	buf_fini(&got);
}

static void test_fails(void **state)
{
	(void)state;
	struct err err = {0};
	CLEANUP_FREE char *path = make_script("exit 3");
	assert_int_equal(script_run(path, "vnet7", 10000, &err), -1);
	assert_non_null(strstr(err.msg, "script vnet7' failed (exit status 3)"));
	assert_int_equal(script_run("/nowhere/at/all", "vnet7", 10000, &err), -1);
	assert_non_null(strstr(err.msg, "exit status 127"));
}

static void test_hangs(void **state)
{
	(void)state;
	struct err err = {0};
	struct timespec a, b;
	CLEANUP_FREE char *path = make_script("exec sleep 60");
	clock_gettime(CLOCK_MONOTONIC, &a);
	assert_int_equal(script_run(path, "vnet7", 1000, &err), -1);
	clock_gettime(CLOCK_MONOTONIC, &b);
	assert_int_equal(err.code, ERR_TIMEOUT);
	assert_true(b.tv_sec - a.tv_sec < 30);
}

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int remove_dir(void **state)
{
	(void)state;
	return file_remove_tree(dir, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_word),
	    cmocka_unit_test(test_fails), cmocka_unit_test(test_hangs)};
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
