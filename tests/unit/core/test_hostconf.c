#include "unit/cm.h"

#include <sys/stat.h>

#include "core/hostconf.h"

static int parse(const char *text, struct hostconf *c, struct err *err)
{
	return hostconf_parse(text, strlen(text), "hvmux.conf", c, err);
}

static void nothing_said(void **state)
{
	struct hostconf c;
	struct err err;
	(void)state;
	assert_int_equal(parse("", &c, &err), 0);
	assert_null(c.qemu_user);
	assert_true(c.sandbox);
	assert_int_equal(c.cgroup, HOSTCONF_CGROUP_ON);
	assert_null(c.operator_group);
	assert_null(c.reader_group);
	assert_int_equal(c.max_core, 0);
	assert_int_equal(c.log_file_size, 4u << 20);
	assert_int_equal(c.log_age, 0);
	assert_int_equal(c.balloon_reserve, 0);
	hostconf_fini(&c);
}

static void every_key(void **state)
{
	struct hostconf c;
	struct err err;
	(void)state;
	assert_int_equal(parse("# of this host\r\n"
	                       "qemu_user = \"vm-run\" # who else\n"
	                       "  qemu_group=kvm\n"
	                       "sandbox\t= off#\n"
	                       "cgroup = required\r\n"
	                       "max_files = 4096\n"
	                       "max_core = 1073741824\n"
	                       "log_file_size = 64K\nlog_files = 100\n"
	                       "log_age = 2w\nlog_total = 3G\n"
	                       "prefix_key = \"Ctrl+\\\"\ndetach_key = ^A\n"
	                       "console_answers = no\n"
	                       "balloon_reserve = 4G\n"
	                       "operator_group = admins\n"
	                       "reader_group = \"watch\"\n"
	                       "qemu_user = last",
	                     &c, &err),
	    0);
	assert_string_equal(c.qemu_user, "last");
	assert_string_equal(c.qemu_group, "kvm");
	assert_false(c.sandbox);
	assert_int_equal(c.cgroup, HOSTCONF_CGROUP_REQUIRED);
	assert_int_equal(c.max_files, 4096);
	assert_int_equal(c.max_core, 1073741824);
	assert_int_equal(c.log_file_size, 65536);
	assert_int_equal(c.log_files, 100);
	assert_int_equal(c.log_age, 14 * 86400);
	assert_int_equal(c.log_total, 3ull << 30);
	assert_int_equal(c.balloon_reserve, 4ull << 30);
	assert_string_equal(c.operator_group, "admins");
	assert_string_equal(c.reader_group, "watch");
	assert_string_equal(c.prefix_key, "Ctrl+\\");
	assert_string_equal(c.detach_key, "^A");
	assert_false(c.console_answers);
	hostconf_fini(&c);
}

static void refused(void **state)
{
	static const char *const cases[][2] = {
	    {"qemu_usr = x", "hvmux.conf:1: the key 'qemu_usr' is not known"},
	    {"\n\nsandbox = maybe", "hvmux.conf:3: sandbox is 'maybe', not on or off"},
	    {"max_files = -1", "max_files is '-1', not a whole number from 1024"},
	    {"max_files = 99999999999999999999", "a whole number"},
	    {"qemu_user =", "qemu_user is ''"},
	    {"qemu_user = \"a b\"", "qemu_user is 'a b'"},
	    {"qemu_user = \"a", "one word is wanted behind '='"},
	    {"qemu_user = a b", "one word is wanted behind '='"},
	    {"qemu_user = a\"b\"", "one word is wanted behind '='"},
	    {"sandbox", "'sandbox' is not a line 'key = value'"},
	    {"= on", "'= on' is not a line"},
	    {"[section]", "is not a line"},
	    {"log_file_size = 65535", "not a number of bytes from 65536"},
	    {"log_file_size = 2G", "not a number of bytes"},
	    {"log_total = K", "not a number of bytes"},
	    {"log_total = 99999999999999999G", "not a number of bytes"},
	    {"log_age = 11y", "not a number of seconds"},
	    {"log_age = 600w", "not a number of seconds"},
	    {"prefix_key = \"Ctrl A\"", "prefix_key is 'Ctrl A', not the name of a key"},
	    {"cgroup = v2", "not on, off or required"},
	};
	struct hostconf c;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = {0};
		assert_int_equal(parse(cases[i][0], &c, &err), -1);
		if (strstr(err.msg, cases[i][1]) == NULL)
			fail_msg("'%s': %s", cases[i][0], err.msg);
		assert_null(c.operator_group);
	}
	struct err err;
	assert_int_equal(hostconf_parse("sandbox = on\0", 13, "f", &c, &err), -1);
}

static void from_a_file(void **state)
{
	struct err err;
	struct hostconf c;
	char *dir = cm_mkdtemp();
	const struct home h = {.conf = dir};
	CLEANUP_FREE char *path = xasprintf("%s/" HOSTCONF_FILE, dir);
	(void)state;
	assert_int_equal(hostconf_load(&h, &c, &err), 0);
	hostconf_fini(&c);
	assert_int_equal(file_write_atomic(path, "qemu_user = v\n", 14, 0600, &err), 0);
	assert_int_equal(hostconf_load(&h, &c, &err), 0);
	assert_string_equal(c.qemu_user, "v");
	hostconf_fini(&c);
	assert_int_equal(file_write_atomic(path, "qemu_usr = v\n", 13, 0600, &err), 0);
	assert_int_equal(hostconf_load(&h, &c, &err), -1);
	assert_non_null(strstr(err.msg, path));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(hostconf_load(&h, &c, &err), -1);
	cm_rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_said),
	    cmocka_unit_test(every_key), cmocka_unit_test(refused), cmocka_unit_test(from_a_file)};
	return cmocka_run_group_tests_name("hostconf", tests, NULL, NULL);
}
