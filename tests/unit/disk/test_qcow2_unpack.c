/* qcow2_unpack: what a compressed cluster may ask for. */
#include "unit/cm.h"

#include "config.h"
#include "disk/be.h"
#include "disk/img.h"
#include "disk/qcow2.h"
#include "disk/qcow2_create.h"

#define CLUSTER 65536u

static char *dir;

#ifdef HAVE_LIBZSTD
/* An image whose first cluster is one block of CLUSTER times 'z', in a frame with a window of 2^log bytes. */
static struct img *open_frame(unsigned log)
{
	uint32_t block = CLUSTER << 3 | 1 << 1 | 1; /* of one repeated byte, the last */
	uint8_t frame[512] = {0x28, 0xb5, 0x2f, 0xfd, 0, (uint8_t)((log - 10) << 3), (uint8_t)block,
	    (uint8_t)(block >> 8), (uint8_t)(block >> 16), 'z'};
	CLEANUP_FREE char *path = xasprintf("%s/zstd-%u", dir, log);
	CLEANUP_FREE uint8_t *table = xcalloc(1, CLUSTER);
	struct err err = {0};
	struct qcow2_options o = {.size = CLUSTER, .cluster = CLUSTER, .compression = QCOW2_ZSTD};
	struct disk_io *io = disk_io_open(path, DISK_IO_CREATE, &err);
	assert_int_equal(qcow2_create(&o, io, NULL, &err), 0);
	uint8_t l1_at[8], l1[8];
	assert_int_equal(disk_io_read(io, 40, l1_at, 8, &err), 0);
	uint64_t l2 = 16ull * CLUSTER, host = 17ull * CLUSTER;
	be64_put(l1, l2 | QCOW2_COPIED);
	be64_put(table, host | QCOW2_COMPRESSED);
	assert_int_equal(disk_io_write(io, be64_get(l1_at), l1, 8, &err), 0);
	assert_int_equal(disk_io_write(io, l2, table, CLUSTER, &err), 0);
	assert_int_equal(disk_io_write(io, host, frame, sizeof(frame), &err), 0);
	disk_io_close(io);
	struct img *im = img_open(path, "qcow2", 0, &err);
	if (!im)
		fail_msg("%s", err.msg);
	return im;
}

static void test_zstd_window(void **state)
{
	(void)state;
	struct err err = {0};
	CLEANUP_FREE uint8_t *buf = xmalloc(CLUSTER);
	struct img *im = open_frame(23);
	if (img_read(im, 0, buf, CLUSTER, &err) < 0)
		fail_msg("%s", err.msg);
	assert_true(buf[0] == 'z' && buf[CLUSTER - 1] == 'z');
	img_drop(&im);
	/* 128 MiB in each thread, of a file of a few sectors. */
	im = open_frame(27);
	assert_int_equal(img_read(im, 0, buf, CLUSTER, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	assert_non_null(strstr(err.msg, "is damaged"));
	img_drop(&im);
}
#else
static void test_zstd_window(void **state)
{
	(void)state;
	skip();
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_zstd_window)};
	dir = cm_mkdtemp();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	cm_rmdir(dir);
	return failed;
}
