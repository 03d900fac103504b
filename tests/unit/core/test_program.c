#include "unit/cm.h"

#include "core/loop.h"
#include "core/program.h"

#define SH(script) ((const char *const[]){"sh", "-c", script, NULL})

static void test_output(void **state)
{
	(void)state;
	struct err err = {0};
	struct buf out = BUF_INIT;
	setenv("LC_ALL", "de_DE.UTF-8", 1);
	assert_int_equal(
	    program_run(SH("echo \"$LC_ALL\"; cat; echo lost >&2"), 10000, &out, &err), 0);
	assert_string_equal(out.data, "C\n");
	buf_clear(&out);
	assert_int_equal(
	    program_run_input((const char *const[]){"cat", NULL}, "a\nb\n", 10000, &out, &err), 0);
	assert_string_equal(out.data, "a\nb\n");
	buf_fini(&out);
	unsetenv("LC_ALL");
}

static void test_failure(void **state)
{
	(void)state;
	struct err err = {0};
	assert_int_equal(program_run(SH("echo bad device >&2; exit 3"), 10000, NULL, &err), -1);
	assert_int_equal(err.code, ERR_FAIL);
	assert_string_equal(err.msg, "sh failed (exit status 3): bad device");
	assert_int_equal(program_run(SH("kill -9 $$"), 10000, NULL, &err), -1);
	assert_string_equal(err.msg, "sh failed (signal 9)");
	assert_int_equal(
	    program_run((const char *const[]){"no-such-program", NULL}, 10000, NULL, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

/* With all that it started. */
static void test_deadline(void **state)
{
	(void)state;
	struct err err = {0};
	uint64_t start = loop_now_ms();
	assert_int_equal(program_run(SH("sleep 60 & sleep 60"), 100, NULL, &err), -1);
	assert_int_equal(err.code, ERR_TIMEOUT);
	assert_true(loop_now_ms() - start < 30000);
}

static void test_too_much(void **state)
{
	(void)state;
	struct err err = {0};
	struct buf out = BUF_INIT;
	/* Its pipe is closed then. */
	assert_int_equal(program_run(SH("exec cat /dev/zero"), 30000, &out, &err), -1);
	assert_true(out.len > PROGRAM_OUT_MAX && out.len < 2 * PROGRAM_OUT_MAX);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_output),
	    cmocka_unit_test(test_failure),
	    cmocka_unit_test(test_deadline),
	    cmocka_unit_test(test_too_much),
	};
	return cmocka_run_group_tests_name("program", tests, NULL, NULL);
}
