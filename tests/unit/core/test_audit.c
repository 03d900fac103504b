#include "unit/cm.h"

#include "core/audit.h"
#include "core/buf.h"

/* What a client calls itself can neither begin a record of its own nor speak to a terminal. */
static void test_one_line(void **state)
{
	(void)state;
	struct home h;
	struct buf text = BUF_INIT;
	char *dir = cm_mkdtemp();
	setenv("HVMUX_HOME", dir, 1);
	assert_int_equal(home_init(&h, NULL, NULL), 0);
	audit_write(&h, "a", "who=%s what=%s", "x\n2026-01-01 who=root", "\033[2J\xc2\x9b\x7f");
	audit_write(&h, "a", "second");
	CLEANUP_FREE char *path = home_log_file(&h, "a", "audit.log");
	assert_int_equal(file_read(path, 1u << 16, &text, NULL), 0);
	const char *end = strchr(text.data, '\n');
	assert_non_null(end);
	assert_non_null(
	    strstr(text.data, "Z who=x\\x0a2026-01-01 who=root what=\\x1b[2J\\xc2\\x9b\\x7f\n"));
	assert_non_null(strstr(end, "Z second\n"));
	buf_fini(&text);
	home_fini(&h);
	cm_rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_line)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
