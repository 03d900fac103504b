#include "unit/cm.h"

#include <errno.h>

#include "core/err.h"

static void test_set_and_wrap(void **state)
{
	(void)state;
	struct err e = {0};
	assert_int_equal(err_set(&e, ERR_BUSY, "domain '%s' is already running", "web1"), -1);
	assert_int_equal(err_wrap(&e, "cannot start"), -1);
	assert_string_equal(e.msg, "cannot start: domain 'web1' is already running");
	assert_int_equal(e.code, ERR_BUSY);
	assert_int_equal(err_set(NULL, ERR_FAIL, "nobody asks"), -1);
}

static void test_errno(void **state)
{
	(void)state;
	struct err e = {0};
	err_errno(&e, ENOENT, "cannot open '%s'", "x");
	assert_string_equal(e.msg, "cannot open 'x': No such file or directory");
	assert_int_equal(e.code, ERR_NOT_FOUND);
	err_errno(&e, EACCES, "x");
	assert_int_equal(e.code, ERR_DENIED);
}

static void test_too_long(void **state)
{
	(void)state;
	struct err e = {0};
	char words[ERR_MSG_MAX + 100];
	memset(words, 'x', sizeof(words));
	words[sizeof(words) - 1] = '\0';
	err_set(&e, ERR_FAIL, "%s", words);
	err_wrap(&e, "%s", words);
	err_errno(&e, EIO, "%s", words);
	assert_int_equal(strlen(e.msg), ERR_MSG_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_set_and_wrap),
	    cmocka_unit_test(test_errno),
	    cmocka_unit_test(test_too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
