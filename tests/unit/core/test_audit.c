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

static void check_value(const char *text, const char *key, const char *want)
{
	CLEANUP_FREE char *got = audit_value(text, key);
	if (want == NULL)
		assert_null(got);
	else
		assert_string_equal(got, want);
}

static void test_values(void **state)
{
	(void)state;
	static const char event[] =
	    "who=supervisor pid=12 what=event event=lifecycle detail=Stopped Crashed "
	    "words=said: what=start event=x detail=none words=2";
	check_value(event, "who", "supervisor");
	check_value(event, "what", "event");
	check_value(event, "event", "lifecycle");
	check_value(event, "detail", "Stopped Crashed");
	check_value(event, "words", "said: what=start event=x detail=none words=2");
	check_value(event, "result", NULL);
	static const char request[] =
	    "who=john doe(7) pid=3 via=control.sock what=destroy result=it is gone, what=x ms=12";
	check_value(request, "who", "john doe(7)");
	check_value(request, "pid", "3");
	check_value(request, "result", "it is gone, what=x");
	check_value(request, "ms", "12");
	check_value("", "who", NULL);
	check_value("no keys at all", "who", NULL);
	check_value("who=", "who", "");
}

static void collect(void *arg, uint64_t time_ns, const char *text)
{
	buf_addf(arg, "%llu %s|", (unsigned long long)(time_ns / 1000000u), text);
}

static void test_read(void **state)
{
	(void)state;
	struct home h;
	struct err err;
	struct buf b = BUF_INIT;
	char *dir = cm_mkdtemp();
	setenv("HVMUX_HOME", dir, 1);
	assert_int_equal(home_init(&h, NULL, NULL), 0);
	assert_int_equal(audit_read(&h, "a", collect, &b, &err), 0);
	assert_int_equal(b.len, 0);
	CLEANUP_FREE char *logs = home_log_dir(&h, "a");
	CLEANUP_FREE char *old = home_log_file(&h, "a", "audit.log.1");
	CLEANUP_FREE char *path = home_log_file(&h, "a", "audit.log");
	assert_int_equal(home_mkdir(&h, logs, &err), 0);
	static const char first
	    [] = "2026-11-21T10:48:00.123Z what=one\n",
       second[] =
	    "rubbish\n2026-11-21T10:48:01.000Z what=two\n2026-13-77 what=no\n2026-11-21T10:48:02.5";
	assert_int_equal(file_write_atomic(old, first, sizeof(first) - 1, 0600, &err), 0);
	assert_int_equal(file_write_atomic(path, second, sizeof(second) - 1, 0600, &err), 0);
	assert_int_equal(audit_read(&h, "a", collect, &b, &err), 0);
	assert_string_equal(b.data, "1795258080123 what=one|1795258081000 what=two|");
	buf_fini(&b);
	home_fini(&h);
	cm_rmdir(dir);
}

/* Years of reboots: two files of a mebibyte, whatever is written. */
static void test_bounded(void **state)
{
	(void)state;
	struct home h;
	struct err err;
	struct buf b = BUF_INIT;
	char *dir = cm_mkdtemp();
	setenv("HVMUX_HOME", dir, 1);
	assert_int_equal(home_init(&h, NULL, NULL), 0);
	char words[8192];
	memset(words, 'x', sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	for (int i = 0; i < 400; i++)
		audit_write(&h, "a", "what=event event=%d words=%s", i, words);
	struct buf all = BUF_INIT;
	CLEANUP_FREE char *logs = home_log_dir(&h, "a");
	CLEANUP_FREE char *list = xasprintf("%s/audit.log.2", logs);
	assert_int_equal(access(list, F_OK), -1);
	assert_int_equal(audit_read(&h, "a", collect, &all, &err), 0);
	assert_in_range(all.len, 1 << 20, (2 << 20) + 32768);
	assert_non_null(strstr(all.data, "event=399 "));
	assert_null(strstr(all.data, "event=1 "));
	buf_fini(&all);
	buf_fini(&b);
	home_fini(&h);
	cm_rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_line),
	    cmocka_unit_test(test_values), cmocka_unit_test(test_read),
	    cmocka_unit_test(test_bounded)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
