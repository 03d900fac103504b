#include "unit/cm.h"

#include "core/buf.h"

static void test_reserved_and_unused_is_a_string(void **state)
{
	(void)state;
	struct buf b = BUF_INIT;
	memset(buf_reserve(&b, 16), 'x', 16);
	buf_reserve(&b, 16);
	char *s = buf_take(&b);
	assert_string_equal(s, "");
	free(s);
}

static void test_add_and_consume(void **state)
{
	(void)state;
	struct buf b = BUF_INIT;
	buf_adds(&b, "hello");
	buf_addc(&b, ' ');
	buf_addf(&b, "%d", 42);
	assert_string_equal(b.data, "hello 42");
	assert_int_equal(b.len, 8);
	buf_consume(&b, 6);
	assert_string_equal(b.data, "42");
	buf_consume(&b, 100);
	assert_int_equal(b.len, 0);
	buf_fini(&b);
}

static void test_numbers(void **state)
{
	(void)state;
	struct buf b = BUF_INIT;
	buf_addu(&b, 0);
	buf_addc(&b, ' ');
	buf_addu(&b, 907);
	buf_addc(&b, ' ');
	buf_addu(&b, UINT64_MAX);
	assert_string_equal(b.data, "0 907 18446744073709551615");
	buf_fini(&b);
}

static void test_long_format(void **state)
{
	(void)state;
	struct buf b = BUF_INIT;
	buf_addf(&b, "%0999d", 7);
	assert_int_equal(b.len, 999);
	assert_int_equal(b.data[998], '7');
	buf_fini(&b);
}

static void test_take(void **state)
{
	(void)state;
	struct buf b = BUF_INIT;
	char *s = buf_take(&b);
	assert_string_equal(s, "");
	free(s);
	buf_add(&b, "a\0b", 3);
	s = buf_take(&b);
	assert_memory_equal(s, "a\0b", 4);
	assert_null(b.data);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_reserved_and_unused_is_a_string),
	    cmocka_unit_test(test_add_and_consume),
	    cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_long_format),
	    cmocka_unit_test(test_take),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
