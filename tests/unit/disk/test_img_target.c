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

static unsigned mode_of(const char *path)
{
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

/* As root: a link in a guest's folder would give it any file. */
static void test_access(void **state)
{
	(void)state;
	CLEANUP_FREE char *from = make("from", "x"), *to = make("to", "y");
	CLEANUP_FREE char *victim = make("victim", "z"), *link_path = xasprintf("%s/link", dir),
	                  *hard = xasprintf("%s/hard", dir);
	struct err err = {0};
	assert_int_equal(chmod(from, 0646), 0);
	assert_int_equal(img_target_access(from, to, &err), 0);
	assert_int_equal(mode_of(to), 0646);
	assert_int_equal(symlink(victim, link_path), 0);
	assert_int_equal(img_target_access(from, link_path, &err), -1);
	assert_int_equal(err.code, ERR_DENIED);
	assert_int_equal(link(victim, hard), 0);
	assert_int_equal(img_target_access(from, hard, &err), -1);
	assert_int_equal(err.code, ERR_DENIED);
	assert_int_equal(mode_of(victim), 0600);
	/* A device has no owner to hand on. */
	assert_int_equal(img_target_access("/dev/null", to, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_replaces),
	    cmocka_unit_test(test_in_place),
	    cmocka_unit_test(test_access),
	};
	dir = cm_mkdtemp();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	cm_rmdir(dir);
	return failed;
}
