/* No name until it is whole; an older file stays what it was. */
#include "unit/cm.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/whole_file.h"

static unsigned entries(const char *dir)
{
	unsigned n = 0;
	DIR *d = opendir(dir);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.' || strlen(e->d_name) > 2;
	closedir(d);
	return n;
}

static void expect(const char *path, const char *text)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	assert_int_equal(file_read(path, 1000, &b, NULL), 0);
	assert_string_equal(b.data, text);
}

static void kept_or_gone(void **state)
{
	char *dir = cm_mkdtemp();
	CLEANUP_FREE char *path = xasprintf("%s/dump", dir);
	struct whole_file f;
	struct err err;
	(void)state;
	assert_int_equal(whole_file_open(&f, path, 0600, &err), 0);
	assert_int_equal(fd_write_all(f.fd, "one", 3), 0);
	whole_file_close(&f);
	assert_int_equal(entries(dir), 0);
	for (const char *text = "ab"; *text != '\0'; text++) { /* new, then over the old one */
		assert_int_equal(whole_file_open(&f, path, 0600, &err), 0);
		assert_int_equal(fd_write_all(f.fd, text, 1), 0);
		assert_int_equal(whole_file_keep(&f, &err), 0);
		whole_file_close(&f);
		expect(path, (char[]){*text, '\0'});
		assert_int_equal(entries(dir), 1);
	}
	assert_int_equal(whole_file_open(&f, path, 0600, &err), 0);
	assert_int_equal(fd_write_all(f.fd, "half", 4), 0);
	whole_file_close(&f);
	expect(path, "b");
	assert_int_equal(entries(dir), 1);
	cm_rmdir(dir);
}

/* Both ways to a name: without one before, and from a temporary one. */
static void fresh_replaces_nothing(void **state)
{
	char *dir = cm_mkdtemp();
	CLEANUP_FREE char *path = xasprintf("%s/disk", dir);
	struct whole_file f, other;
	struct err err;
	(void)state;
	for (int named = 0; named < 2; named++) {
		assert_int_equal(whole_file_open(&f, path, 0600, &err), 0);
		f.fresh = true;
		if (named) {
			close(f.fd);
			f.temp = xasprintf("%s/temp", dir);
			f.fd = open(f.temp, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		}
		assert_int_equal(fd_write_all(f.fd, "late", 4), 0);
		assert_int_equal(whole_file_open(&other, path, 0600, &err), 0);
		assert_int_equal(fd_write_all(other.fd, "first", 5), 0);
		assert_int_equal(whole_file_keep(&other, &err), 0);
		whole_file_close(&other);
		assert_int_equal(whole_file_keep(&f, &err), -1);
		assert_int_equal(err.code, ERR_EXISTS);
		whole_file_close(&f);
		expect(path, "first");
		assert_int_equal(entries(dir), 1);
		unlink(path);
	}
	assert_int_equal(whole_file_open(&f, path, 0600, &err), 0);
	f.fresh = true;
	assert_int_equal(whole_file_keep(&f, &err), 0);
	whole_file_close(&f);
	assert_int_equal(entries(dir), 1);
	cm_rmdir(dir);
}

static void cannot_be_made(void **state)
{
	struct whole_file f;
	struct err err;
	(void)state;
	assert_int_equal(whole_file_open(&f, "/nonexistent/dump", 0600, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_non_null(strstr(err.msg, "'/nonexistent/dump'"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(kept_or_gone),
	    cmocka_unit_test(fresh_replaces_nothing), cmocka_unit_test(cannot_be_made)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
