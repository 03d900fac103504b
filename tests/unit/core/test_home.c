#include "unit/cm.h"

#include <sys/stat.h>

#include "core/home.h"

static void test_private(void **state)
{
	(void)state;
	struct home h;
	setenv("HVMUX_HOME", "/tmp/x y//", 1);
	assert_int_equal(home_init(&h, NULL, NULL), 0);
	assert_int_equal(h.mode, HOME_PRIVATE);
	assert_string_equal(h.conf, "/tmp/x y/etc");
	CLEANUP_FREE char *xml = home_domain_xml(&h, "web 1");
	assert_string_equal(xml, "/tmp/x y/etc/domains/web 1.xml");
	home_fini(&h);
	setenv("HVMUX_HOME", "rel", 1);
	assert_int_equal(home_init(&h, "qemu:///session", NULL), 0);
	assert_int_equal(h.run[0], '/');
	home_fini(&h);
	unsetenv("HVMUX_HOME");
}

/* Not at the root of the file system. */
static void test_no_present_folder(void **state)
{
	(void)state;
	struct home h;
	struct err err = {0};
	char *dir = cm_mkdtemp(), *back = getcwd(NULL, 0);
	assert_int_equal(chdir(dir), 0);
	cm_rmdir(dir);
	setenv("HVMUX_HOME", "rel", 1);
	assert_int_equal(home_init(&h, NULL, &err), -1);
	assert_non_null(strstr(err.msg, "'rel'"));
	home_fini(&h);
	unsetenv("HVMUX_HOME");
	assert_int_equal(chdir(back), 0);
	free(back);
}

/* What the group may use in a folder that it may enter, in system mode alone. */
static void test_share(void **state)
{
	(void)state;
	char *dir = cm_mkdtemp();
	CLEANUP_FREE char *path = xasprintf("%s/lock", dir);
	struct home h = {.mode = HOME_SYSTEM};
	struct stat st;
	gid_t group = geteuid() == 0 ? 4242 : getegid();
	assert_int_equal(file_write_new(path, "", 0, 0600, NULL), 0);
	home_share(&h, path, 0640);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(chown(dir, (uid_t)-1, group), 0);
	assert_int_equal(chmod(dir, 0750), 0);
	h.mode = HOME_SESSION;
	home_share(&h, path, 0640);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	h.mode = HOME_SYSTEM;
	home_share(&h, path, 0640);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(st.st_gid, group);
	cm_rmdir(dir);
}

static void test_uris(void **state)
{
	(void)state;
	struct home h;
	struct err err = {0};
	unsetenv("HVMUX_HOME");
	assert_int_equal(home_init(&h, "qemu:///system", &err), 0);
	assert_int_equal(h.mode, HOME_SYSTEM);
	assert_string_equal(home_uri(&h), "qemu:///system");
	home_fini(&h);
	setenv("HOME", "/home/u", 1);
	setenv("XDG_CONFIG_HOME", "relative-is-ignored", 1);
	setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
	assert_int_equal(home_init(&h, "qemu:///session", &err), 0);
	assert_string_equal(h.conf, "/home/u/.config/hvmux");
	assert_string_equal(h.log, "/home/u/.local/state/hvmux/log");
	assert_string_equal(h.run, "/run/user/7/hvmux");
	home_fini(&h);
	assert_int_equal(home_init(&h, "xen:///", &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_non_null(strstr(err.msg, "xen:///"));
}

static void test_mkdir(void **state)
{
	(void)state;
	struct home h = {.mode = HOME_PRIVATE};
	struct err err = {0};
	struct stat st;
	char *dir = cm_mkdtemp();
	CLEANUP_FREE char *deep = xasprintf("%s/a/b/c", dir);
	assert_int_equal(home_mkdir(&h, deep, &err), 0);
	assert_int_equal(home_mkdir(&h, deep, &err), 0);
	assert_int_equal(stat(deep, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	CLEANUP_FREE char *file = xasprintf("%s/a/f", dir);
	CLEANUP_FREE char *under = xasprintf("%s/a/f/g", dir);
	assert_int_equal(file_write_atomic(file, "", 0, 0600, &err), 0);
	assert_int_equal(home_mkdir(&h, file, &err), -1);
	assert_int_equal(home_mkdir(&h, under, &err), -1);
	cm_rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_private),
	    cmocka_unit_test(test_no_present_folder),
	    cmocka_unit_test(test_share),
	    cmocka_unit_test(test_uris),
	    cmocka_unit_test(test_mkdir),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
