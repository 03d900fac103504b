#include "unit/cm.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "disk/disk_io.h"

#define MIB (1u << 20)

static char *dir;

static char *at(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static struct disk_io *make(const char *name, unsigned flags)
{
	CLEANUP_FREE char *path = at(name);
	struct err err = {0};
	struct disk_io *io = disk_io_open(path, flags, &err);
	if (!io)
		fail_msg("%s", err.msg);
	return io;
}

static void put(struct disk_io *io, uint64_t offset, int byte, size_t n)
{
	char *buf = xmalloc(n);
	memset(buf, byte, n);
	struct err err = {0};
	if (disk_io_write(io, offset, buf, n, &err) < 0)
		fail_msg("%s", err.msg);
	free(buf);
}

/* All n bytes from there are this byte. */
static bool all(struct disk_io *io, uint64_t offset, int byte, size_t n)
{
	unsigned char *buf = xmalloc(n);
	bool same = disk_io_read(io, offset, buf, n, NULL) == 0;
	for (size_t i = 0; same && i < n; i++)
		same = buf[i] == byte;
	free(buf);
	return same;
}

static void test_transfers(void **state)
{
	(void)state;
	struct err err = {0};
	char buf[8];
	struct disk_io *io = make("transfers", DISK_IO_CREATE);
	assert_int_equal(io->size, 0);
	put(io, 4, 'x', 4);
	assert_int_equal(io->size, 8);
	assert_true(all(io, 0, 0, 4) && all(io, 4, 'x', 4));
	assert_int_equal(disk_io_read(io, 4, buf, 5, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	assert_non_null(strstr(err.msg, "/transfers': 5 bytes at offset 4"));
	memset(buf, 'y', sizeof(buf));
	assert_int_equal(disk_io_read_padded(io, 6, buf, 8, &err), 0);
	assert_memory_equal(buf, "xx\0\0\0\0\0\0", 8);
	assert_int_equal(disk_io_read_padded(io, 100, buf, 8, &err), 0);
	assert_memory_equal(buf, "\0\0\0\0\0\0\0\0", 8);
	assert_int_equal(disk_io_read(io, UINT64_MAX - 2, buf, 8, &err), -1);
	assert_int_equal(disk_io_read(io, INT64_MAX, buf, 8, &err), -1);
	assert_int_equal(disk_io_write(io, INT64_MAX - 2, buf, 8, &err), -1);
	assert_int_equal(disk_io_sync(io, &err), 0);
	disk_io_close(io);
	io = make("transfers", 0);
	assert_int_equal(io->size, 8);
	assert_false(io->writable);
	assert_int_equal(disk_io_write(io, 0, "z", 1, &err), -1);
	disk_io_close(io);
	io = make("transfers", DISK_IO_CREATE);
	assert_int_equal(io->size, 0);
	disk_io_close(io);
}

static void test_zero(void **state)
{
	(void)state;
	struct err err = {0};
	for (int punch = 0; punch < 2; punch++) {
		struct disk_io *io = make("zero", DISK_IO_CREATE);
		put(io, 0, 'a', 3 * MIB);
		uint64_t before = disk_io_allocated(io);
		assert_int_equal(disk_io_zero(io, MIB - 3, MIB + 5, punch, &err), 0);
		assert_true(all(io, 0, 'a', MIB - 3) && all(io, MIB - 3, 0, MIB + 5) &&
		            all(io, 2 * MIB + 2, 'a', MIB - 2));
		/* Holes may be what the file system has not; that they cost space may not be. */
		assert_true(
		    punch ? disk_io_allocated(io) <= before : disk_io_allocated(io) >= before);
		assert_int_equal(disk_io_zero(io, 3 * MIB - 1, MIB, punch, &err), 0);
		assert_int_equal(io->size, 4 * MIB - 1);
		struct stat st;
		assert_int_equal(fstat(io->fd, &st), 0);
		assert_int_equal(st.st_size, 4 * MIB - 1);
		assert_true(all(io, 3 * MIB - 1, 0, MIB));
		assert_int_equal(disk_io_zero(io, 0, 0, punch, &err), 0);
		assert_int_equal(disk_io_zero(io, INT64_MAX, 2, punch, &err), -1);
		disk_io_close(io);
	}
}

static void test_next_data(void **state)
{
	(void)state;
	struct err err = {0};
	uint64_t from, to;
	struct disk_io *io = make("holes", DISK_IO_CREATE);
	assert_int_equal(disk_io_resize(io, 4 * MIB, &err), 0);
	put(io, MIB, 'd', MIB);
	assert_int_equal(disk_io_next_data(io, 0, 8 * MIB, &from, &to, &err), 0);
	assert_true(from <= MIB && to >= 2 * MIB && to <= 4 * MIB);
	assert_int_equal(disk_io_next_data(io, MIB + 5, MIB + 9, &from, &to, &err), 0);
	assert_int_equal(from, MIB + 5);
	assert_int_equal(to, MIB + 9);
	if (disk_io_allocated(io) < 2 * MIB) {
		assert_int_equal(disk_io_next_data(io, 0, 512, &from, &to, &err), 0);
		assert_int_equal(from, 512);
		assert_int_equal(to, 512);
		assert_int_equal(disk_io_next_data(io, 2 * MIB, 4 * MIB, &from, &to, &err), 0);
		assert_int_equal(from, 4 * MIB);
	}
	assert_int_equal(disk_io_next_data(io, 5 * MIB, 6 * MIB, &from, &to, &err), 0);
	assert_int_equal(from, 6 * MIB);
	disk_io_discard(io, MIB, MIB);
	disk_io_discard(io, 3 * MIB, 100 * (uint64_t)MIB);
	assert_int_equal(io->size, 4 * MIB);
	assert_int_equal(disk_io_allocate(io, 0, 5 * MIB, &err), 0);
	assert_int_equal(io->size, 5 * MIB);
	assert_true(disk_io_allocated(io) >= 5 * MIB);
	disk_io_close(io);
}

static void test_copy(void **state)
{
	(void)state;
	struct err err = {0};
	struct disk_io *a = make("from", DISK_IO_CREATE), *b = make("to", DISK_IO_CREATE);
	put(a, 0, 'a', MIB);
	put(a, MIB, 'b', MIB);
	int done = disk_io_copy(a, MIB - 5, b, 3, 10, &err);
	assert_true(done >= 0);
	if (done == 1) {
		assert_int_equal(b->size, 13);
		assert_true(all(b, 3, 'a', 5) && all(b, 8, 'b', 5));
	}
	/* What lies behind the source's end is the caller's to make up. */
	assert_int_equal(disk_io_copy(a, 2 * MIB - 1, b, 0, 10, &err), 0);
	disk_io_close(a);
	disk_io_close(b);
}

static void test_refused(void **state)
{
	(void)state;
	struct err err = {0};
	CLEANUP_FREE char *fifo = at("fifo"), *none = at("none/x");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_null(disk_io_open(fifo, 0, &err));
	assert_int_equal(err.code, ERR_INVALID);
	assert_null(disk_io_open(fifo, DISK_IO_WRITE, &err));
	assert_null(disk_io_open(dir, 0, &err));
	assert_non_null(strstr(err.msg, "is a folder"));
	assert_null(disk_io_open("/dev/null", 0, &err));
	assert_null(disk_io_open(none, DISK_IO_CREATE, &err));
	assert_int_equal(err.code, ERR_NOT_FOUND);
	struct disk_io *io = make("full", DISK_IO_CREATE);
	assert_int_equal(disk_io_resize(io, UINT64_MAX, &err), -1);
	disk_io_close(io);
	disk_io_close(NULL);
}

/* A name may come from an image: opening a watchdog, a tape or a pipe does something. The kernel tells who was opened. */
static void test_not_opened(void **state)
{
	(void)state;
	CLEANUP_FREE char *pipe = at("pipe"), *link = at("link-to-pipe");
	struct err err = {0};
	char event[4096];
	assert_int_equal(mkfifo(pipe, 0600), 0);
	assert_int_equal(symlink(pipe, link), 0);
	CLEANUP_CLOSE int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	assert_true(inotify_add_watch(watch, pipe, IN_OPEN) >= 0);
	assert_null(disk_io_open(pipe, 0, &err));
	assert_int_equal(err.code, ERR_INVALID);
	assert_non_null(strstr(err.msg, "is a device or a pipe"));
	assert_null(disk_io_open(pipe, DISK_IO_CREATE, &err));
	assert_null(disk_io_open(link, DISK_IO_WRITE, &err));
	assert_int_equal(read(watch, event, sizeof(event)), -1);
	assert_null(disk_io_open(dir, 0, &err));
	assert_non_null(strstr(err.msg, "is a folder"));
}

static void test_look_again(void **state)
{
	(void)state;
	struct err err = {0};
	struct disk_io *io = make("grows", DISK_IO_CREATE), *other = make("grows", DISK_IO_WRITE);
	put(other, 0, 'x', 5000);
	assert_int_equal(io->size, 0);
	assert_int_equal(disk_io_look_again(io, &err), 0);
	assert_int_equal(io->size, 5000);
	disk_io_close(io);
	disk_io_close(other);
}

static int setup(void **state)
{
	(void)state;
	dir = cm_mkdtemp();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	cm_rmdir(dir);
	return 0;
}

/* The room that is asked for first is what is written, no more; the file ends where the bytes do. */
static void test_write_fresh(void **state)
{
	(void)state;
	struct err err = {0};
	struct disk_io *io = make("fresh", DISK_IO_CREATE);
	char *buf = xmalloc(MIB);
	memset(buf, 'f', MIB);
	assert_int_equal(disk_io_write_fresh(io, 2 * MIB, buf, MIB, &err), 0);
	assert_int_equal(disk_io_write_fresh(io, 2 * MIB + 4096, "g", 1, &err), 0);
	assert_int_equal(io->size, 3 * MIB);
	assert_true(all(io, 0, 0, 2 * MIB) && all(io, 2 * MIB, 'f', 4096));
	assert_true(all(io, 2 * MIB + 4096, 'g', 1) && all(io, 2 * MIB + 4097, 'f', MIB - 4097));
	assert_true(disk_io_allocated(io) <= MIB + 65536);
	assert_int_equal(disk_io_write_fresh(io, INT64_MAX - 2, buf, MIB, &err), -1);
	free(buf);
	disk_io_close(io);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_transfers),
	    cmocka_unit_test(test_write_fresh),
	    cmocka_unit_test(test_zero),
	    cmocka_unit_test(test_next_data),
	    cmocka_unit_test(test_copy),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_not_opened),
	    cmocka_unit_test(test_look_again),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
