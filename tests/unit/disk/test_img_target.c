/* img_target: what is there already, and who has it. */
#include "unit/cm.h"

#include <sys/stat.h>

#include "disk/img.h"
#include "disk/img_target.h"

static char *dir;

static char *make(const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", dir, name);
	assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, NULL), 0);
	return path;
}

static void write_new(struct img_target *t)
{
	struct err err = {0};
	assert_int_equal(t->io->size, 0);
	if (disk_io_write(t->io, 0, "new", 3, &err) < 0 || img_target_keep(t, &err) < 0)
		fail_msg("%s", err.msg);
	img_target_close(t);
}

static void must_hold(const char *path, const char *text)
{
	struct buf b = BUF_INIT;
	assert_int_equal(file_read(path, 100, &b, NULL), 0);
	assert_int_equal(b.len, strlen(text));
	assert_memory_equal(b.data, text, b.len);
	buf_fini(&b);
}

static void test_replaces(void **state)
{
	(void)state;
	CLEANUP_FREE char *path = make("old", "what was there");
	struct err err = {0};
	struct img_target t;
	assert_int_equal(img_target_open(&t, path, &err), 0);
	must_hold(path, "what was there");
	/* Nobody begins to use what is about to go. */
	assert_null(img_open(path, "raw", 0, &err));
	assert_int_equal(err.code, ERR_BUSY);
	write_new(&t);
	must_hold(path, "new");
	struct img *guest = img_open(path, "raw", IMG_WRITE, &err);
	assert_int_equal(img_target_open(&t, path, &err), -1);
	assert_int_equal(err.code, ERR_BUSY);
	img_drop(&guest);
	must_hold(path, "new");
}

/* A file of ours in a folder that is not. */
static void test_in_place(void **state)
{
	(void)state;
	CLEANUP_FREE char *path = make("mine", "what was there before and is longer");
	struct err err = {0};
	struct img_target t;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(chown(path, 65534, 65534), 0);
	struct img *guest = img_open(path, "raw", IMG_WRITE, &err);
	assert_int_equal(seteuid(65534), 0);
	int busy = img_target_open(&t, path, &err);
	assert_int_equal(seteuid(0), 0);
	img_drop(&guest);
	assert_int_equal(busy, -1);
	assert_int_equal(err.code, ERR_BUSY);
	must_hold(path, "what was there before and is longer");
	assert_int_equal(seteuid(65534), 0);
	int rc = img_target_open(&t, path, &err);
	assert_int_equal(seteuid(0), 0);
	if (rc < 0)
		fail_msg("%s", err.msg);
	assert_true(t.in_place);
	assert_null(img_open(path, "raw", 0, &err));
	write_new(&t);
	must_hold(path, "new");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_replaces),
	    cmocka_unit_test(test_in_place),
	};
	dir = cm_mkdtemp();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	cm_rmdir(dir);
	return failed;
}
