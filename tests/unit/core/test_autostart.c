#include "unit/cm.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "core/autostart.h"
#include "core/store.h"

struct world {
	char *dir;
	struct home home;
	struct err err;
};

static void setup(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->dir = cm_mkdtemp();
	setenv("HVMUX_HOME", w->dir, 1);
	assert_int_equal(home_init(&w->home, NULL, &w->err), 0);
	assert_int_equal(store_write(&w->home, "b", "<domain/>", 9, &w->err), 0);
	assert_int_equal(store_write(&w->home, "a", "<domain/>", 9, &w->err), 0);
}

static void teardown(struct world *w)
{
	home_fini(&w->home);
	cm_rmdir(w->dir);
}

static void check_names(struct world *w, const char *first, const char *second)
{
	char **names;
	size_t n;
	assert_int_equal(autostart_names(&w->home, &names, &n, &w->err), 0);
	assert_int_equal(n, (first != NULL) + (second != NULL));
	if (first)
		assert_string_equal(names[0], first);
	if (second)
		assert_string_equal(names[1], second);
	assert_null(names[n]);
	store_names_free(names);
}

static void test_set_get(void **state)
{
	(void)state;
	struct world w;
	char target[64] = "";
	setup(&w);
	check_names(&w, NULL, NULL);
	assert_false(autostart_get(&w.home, "a"));
	assert_int_equal(autostart_set(&w.home, "a", false, &w.err), 0); /* no folder yet */
	assert_int_equal(autostart_set(&w.home, "b", true, &w.err), 0);
	assert_int_equal(autostart_set(&w.home, "b", true, &w.err), 0);
	assert_int_equal(autostart_set(&w.home, "a", true, &w.err), 0);
	assert_true(autostart_get(&w.home, "a"));
	check_names(&w, "a", "b");
	/* As libvirt has it; the folder may be moved as a whole. */
	CLEANUP_FREE char *link = xasprintf("%s/autostart/a.xml", w.home.conf);
	assert_true(readlink(link, target, sizeof(target) - 1) > 0);
	assert_string_equal(target, "../domains/a.xml");
	assert_int_equal(access(link, F_OK), 0);
	assert_int_equal(autostart_set(&w.home, "a", false, &w.err), 0);
	assert_int_equal(autostart_set(&w.home, "a", false, &w.err), 0);
	assert_false(autostart_get(&w.home, "a"));
	check_names(&w, "b", NULL);
	teardown(&w);
}

static void test_not_defined(void **state)
{
	(void)state;
	struct world w;
	setup(&w);
	assert_int_equal(autostart_set(&w.home, "c", true, &w.err), -1);
	assert_int_equal(w.err.code, ERR_NOT_FOUND);
	assert_int_equal(autostart_set(&w.home, "../a", true, &w.err), -1);
	/* What is left of a domain that was removed by hand does not count, and can be taken away. */
	assert_int_equal(autostart_set(&w.home, "a", true, &w.err), 0);
	assert_int_equal(store_remove(&w.home, "a", &w.err), 0);
	assert_false(autostart_get(&w.home, "a"));
	check_names(&w, NULL, NULL);
	assert_int_equal(autostart_set(&w.home, "a", false, &w.err), 0);
	assert_int_equal(store_write(&w.home, "a", "<domain/>", 9, &w.err), 0);
	assert_false(autostart_get(&w.home, "a"));
	/* One that libvirt made points elsewhere. */
	CLEANUP_FREE char *dir = xasprintf("%s/autostart", w.home.conf);
	CLEANUP_FREE char *link = xasprintf("%s/b.xml", dir);
	assert_int_equal(symlink("/etc/libvirt/qemu/b.xml", link), 0);
	check_names(&w, "b", NULL);
	teardown(&w);
}

/* Two that set and take away at once never fail, and leave one state or the other. */
static void test_at_once(void **state)
{
	(void)state;
	struct world w;
	setup(&w);
	pid_t pid = fork();
	for (int i = 0; i < 200; i++)
		if (autostart_set(&w.home, "a", (i & 1) == (pid == 0), &w.err) < 0)
			_exit(1);
	if (pid == 0)
		_exit(0);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	check_names(&w, autostart_get(&w.home, "a") ? "a" : NULL, NULL);
	teardown(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_set_get),
	    cmocka_unit_test(test_not_defined),
	    cmocka_unit_test(test_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
