/* crashes: listed by time, numbers and sizes, broken ones too; pruned by number and bytes, never the newest. */
#include "unit/cm.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/crashes.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/str.h"

struct world {
	char dir[64];
	struct home home;
	char *folder;
};

static void setup(struct world *w)
{
	memset(w, 0, sizeof(*w));
	snprintf(w->dir, sizeof(w->dir), "/tmp/test_crashes.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	setenv("HVMUX_HOME", w->dir, 1);
	assert_int_equal(home_init(&w->home, NULL, NULL), 0);
	w->folder = home_log_file(&w->home, "web1", CRASHES_DIR);
	assert_int_equal(home_mkdir(&w->home, w->folder, NULL), 0);
}

static void teardown(struct world *w)
{
	file_remove_tree(w->dir, NULL);
	home_fini(&w->home);
	free(w->folder);
}

static void make(struct world *w, const char *id, const char *summary, size_t bytes)
{
	CLEANUP_FREE char *dir = xasprintf("%s/%s", w->folder, id);
	CLEANUP_FREE char *json = xasprintf("%s/%s", dir, CRASHES_SUMMARY);
	CLEANUP_FREE char *raw = xasprintf("%s/serial0.raw", dir);
	CLEANUP_FREE char *data = xcalloc(1, bytes + 1);

	assert_int_equal(mkdir(dir, 0700), 0);
	if (summary)
		assert_int_equal(file_write_atomic(json, summary, strlen(summary), 0600, NULL), 0);
	assert_int_equal(file_write_atomic(raw, data, bytes, 0600, NULL), 0);
}

static void ids(struct world *w, char out[512])
{
	struct crashes c;

	assert_int_equal(crashes_list(&w->home, "web1", &c, NULL), 0);
	out[0] = '\0';
	for (size_t i = 0; i < c.n; i++)
		snprintf(out + strlen(out), 512 - strlen(out), "%s ", c.all[i].id);
	crashes_fini(&c);
}

static void test_list(void **state)
{
	struct world w;
	struct crashes c;
	char **names;
	size_t n;

	(void)state;
	setup(&w);
	make(&w, "2026-11-21T10:48:00Z-panic",
	    "{\"reason\":\"panic\",\"detail\":\"a\\u001b[31mb\"}", 1000);
	make(&w, "2026-11-21T10:48:01Z-crash", "{ rubbish", 10);
	make(&w, "2026-11-20T10:48:01Z-watchdog-2", NULL, 10);
	make(&w, "2026-13-20T10:48:01Z-crash", NULL, 10);
	make(&w, "notes", NULL, 10);
	make(&w, ".new.7.abc", NULL, 10);
	assert_int_equal(crashes_list(&w.home, NULL, &c, NULL), 0);
	assert_int_equal(c.n, 3);
	assert_string_equal(c.all[0].id, "2026-11-21T10:48:01Z-crash");
	assert_string_equal(c.all[0].reason, "crash");
	assert_string_equal(c.all[0].detail, "");
	assert_string_equal(c.all[1].reason, "panic");
	assert_string_equal(c.all[1].detail, "a\\x1b[31mb");
	assert_int_equal(c.all[1].time_s, 1795258080);
	assert_true(c.all[1].bytes > 1000);
	assert_string_equal(c.all[2].reason, "watchdog-2");
	assert_int_equal(crash_files(&c.all[1], &names, &n, NULL), 0);
	assert_int_equal(n, 2);
	assert_string_equal(names[0], "serial0.raw");
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
	assert_int_equal(crash_remove(&c.all[1], NULL), 0);
	crashes_fini(&c);
	assert_int_equal(crashes_list(&w.home, NULL, &c, NULL), 0);
	assert_int_equal(c.n, 2);
	crashes_fini(&c);
	assert_int_equal(crashes_list(&w.home, "nobody", &c, NULL), 0);
	assert_int_equal(c.n, 0);
	teardown(&w);
}

static void test_prune(void **state)
{
	struct world w;
	char left[512];

	(void)state;
	setup(&w);
	make(&w, "2026-11-21T10:00:01Z-panic", NULL, 100);
	make(&w, "2026-11-21T10:00:02Z-panic", NULL, 100);
	make(&w, "2026-11-21T10:00:03Z-crash", NULL, 100);
	make(&w, "2026-11-21T10:00:04Z-crash", NULL, 1000);
	make(&w, ".new.7.abc", NULL, 10); /* somebody writes it now */
	crashes_prune(w.folder, 3, 1u << 20);
	ids(&w, left);
	assert_string_equal(left, "2026-11-21T10:00:04Z-crash 2026-11-21T10:00:03Z-crash "
	                          "2026-11-21T10:00:02Z-panic ");
	crashes_prune(w.folder, 3, 1150);
	ids(&w, left);
	assert_string_equal(left, "2026-11-21T10:00:04Z-crash 2026-11-21T10:00:03Z-crash ");
	crashes_prune(w.folder, 1, 1);
	ids(&w, left);
	assert_string_equal(left, "2026-11-21T10:00:04Z-crash ");
	CLEANUP_FREE char *fresh = xasprintf("%s/.new.7.abc", w.folder);
	assert_int_equal(access(fresh, F_OK), 0);
	struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	assert_int_equal(utimensat(AT_FDCWD, fresh, old, 0), 0);
	crashes_prune(w.folder, 1, 1);
	assert_int_equal(access(fresh, F_OK), -1);
	teardown(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_list),
	    cmocka_unit_test(test_prune),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
