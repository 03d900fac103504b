#include "unit/cm.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "core/buf.h"
#include "kvm/dump_files.h"

static void names(void **state)
{
	(void)state;
	assert_true(dump_files_match("12-web-2026-11-21-10:48:00", "web"));
	assert_true(dump_files_match("1-web-2-2026-11-21-10:48:00", "web-2"));
	assert_false(dump_files_match("1-web-2-2026-11-21-10:48:00", "web"));
	assert_false(dump_files_match("12-web-2026-11-21-10:48:00", "we"));
	assert_false(dump_files_match("web-2026-11-21-10:48:00", "web"));
	assert_false(dump_files_match("12-web-2026-11-21-10:48:00.keep", "web"));
	assert_false(dump_files_match("12-web-2026-11-21-10-48-00", "web"));
	assert_false(dump_files_match("12-web", "web"));
}

static void put(const char *dir, const char *file, time_t age)
{
	CLEANUP_FREE char *path = xasprintf("%s/%s", dir, file);
	const struct timespec when[2] = {{1000000 - age, 0}, {1000000 - age, 0}};
	assert_int_equal(file_write_atomic(path, "x", 1, 0600, NULL), 0);
	assert_int_equal(utimensat(AT_FDCWD, path, when, 0), 0);
}

static void oldest_go(void **state)
{
	(void)state;
	char *dir = cm_mkdtemp();
	put(dir, "1-web-2026-11-21-10:48:03",
	    40); /* a clock that was set back: when it was written counts */
	put(dir, "2-web-2026-11-21-10:48:01", 30);
	put(dir, "3-web-2026-11-21-10:48:02", 20);
	put(dir, "9-db-2026-11-21-10:48:00", 90);
	put(dir, "0-web-2026-11-21-10:48:00.mine", 99);
	dump_files_prune(dir, "web", 2);
	static const struct {
		const char *file;
		bool kept;
	} want[] = {{"1-web-2026-11-21-10:48:03", false}, {"2-web-2026-11-21-10:48:01", true},
	    {"3-web-2026-11-21-10:48:02", true}, {"9-db-2026-11-21-10:48:00", true},
	    {"0-web-2026-11-21-10:48:00.mine", true}};
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		CLEANUP_FREE char *path = xasprintf("%s/%s", dir, want[i].file);
		assert_int_equal(access(path, F_OK) == 0, want[i].kept);
	}
	dump_files_prune("/no/such/folder", "web", 2);
	cm_rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(names), cmocka_unit_test(oldest_go)};
	return cmocka_run_group_tests_name("dump_files", tests, NULL, NULL);
}
