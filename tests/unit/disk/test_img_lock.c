/* img_lock: who may open what beside whom. Two openings in one process are two holders. */
#include "unit/cm.h"

#include "disk/img.h"
#include "disk/qcow2_create.h"

static char *dir;

static char *make(const char *name, const char *backing)
{
	struct err err = {0};
	char *path = xasprintf("%s/%s", dir, name);
	struct qcow2_options o = {
	    .size = 1 << 20, .backing = backing, .backing_format = backing ? "qcow2" : NULL};
	struct disk_io *io = disk_io_open(path, DISK_IO_CREATE, &err);
	if (!io || qcow2_create(&o, io, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	disk_io_close(io);
	return path;
}

static struct img *must_open(const char *path, const char *format, unsigned flags)
{
	struct err err = {0};
	struct img *im = img_open(path, format, flags, &err);
	if (!im)
		fail_msg("%s", err.msg);
	return im;
}

static void must_be_busy(const char *path, const char *format, unsigned flags)
{
	struct err err = {0};
	struct img *im = img_open(path, format, flags, &err);
	if (im)
		fail_msg("'%s' was opened", path);
	assert_int_equal(err.code, ERR_BUSY);
}

/* A rebase, a commit or a resize reads below: what a guest changes there meanwhile would be kept in part. */
static void test_below_what_is_written(void **state)
{
	(void)state;
	CLEANUP_FREE char *base = make("base", NULL), *top = make("top", "base");
	struct img *guest = must_open(base, "qcow2", IMG_WRITE);
	must_be_busy(top, "qcow2", IMG_WRITE);
	must_be_busy(top, "qcow2", 0);
	must_be_busy(top, "qcow2", IMG_INFO);
	img_drop(&guest);
	guest = must_open(top, "qcow2", IMG_WRITE);
	must_be_busy(base, "qcow2", IMG_WRITE);
	struct img *reader = must_open(base, "qcow2", 0);
	img_drop(&reader);
	img_drop(&guest);
}

/* -U is for reading: nobody writes into a running guest's image. */
static void test_force_share(void **state)
{
	(void)state;
	CLEANUP_FREE char *path = make("shared", NULL);
	struct img *guest = must_open(path, "qcow2", IMG_WRITE);
	struct img *reader = must_open(path, "qcow2", IMG_FORCE_SHARE);
	img_drop(&reader);
	must_be_busy(path, "qcow2", IMG_WRITE | IMG_FORCE_SHARE);
	must_be_busy(path, "qcow2", IMG_WRITE | IMG_REPAIR | IMG_FORCE_SHARE);
	img_drop(&guest);
	/* Who writes under -U keeps others out as any writer does. */
	guest = must_open(path, "qcow2", IMG_WRITE | IMG_FORCE_SHARE);
	must_be_busy(path, "qcow2", 0);
	img_drop(&guest);
}

static void test_extents(void **state)
{
	(void)state;
	static const char text[] =
	    "# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\n"
	    "createType=\"monolithicFlat\"\nRW 8 FLAT \"flat.bin\" 0\n";
	CLEANUP_FREE char *flat = xasprintf("%s/flat.bin", dir),
	                  *vmdk = xasprintf("%s/d.vmdk", dir);
	struct err err = {0};
	struct disk_io *io = disk_io_open(flat, DISK_IO_CREATE, &err);
	assert_int_equal(disk_io_resize(io, 4096, &err), 0);
	disk_io_close(io);
	io = disk_io_open(vmdk, DISK_IO_CREATE, &err);
	assert_int_equal(disk_io_write(io, 0, text, sizeof(text) - 1, &err), 0);
	disk_io_close(io);
	struct img *one = must_open(vmdk, "vmdk", 0), *two = must_open(vmdk, "vmdk", 0);
	must_be_busy(flat, "raw", IMG_WRITE);
	img_drop(&one);
	img_drop(&two);
	struct img *guest = must_open(flat, "raw", IMG_WRITE);
	must_be_busy(vmdk, "vmdk", 0);
	one = must_open(vmdk, "vmdk", IMG_FORCE_SHARE);
	img_drop(&one);
	img_drop(&guest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_below_what_is_written),
	    cmocka_unit_test(test_force_share),
	    cmocka_unit_test(test_extents),
	};
	dir = cm_mkdtemp();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	cm_rmdir(dir);
	return failed;
}
