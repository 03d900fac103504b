/* qcow2_lab: images that the tests of writing work on: made, read as a whole, judged by qemu-img where it is installed, and
 * the calls that changed them recorded, so that each state that a crash could leave can be looked at. */
#ifndef UNIT_QCOW2_LAB_H
#define UNIT_QCOW2_LAB_H

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "unit/cm.h"

#include "disk/img.h"
#include "disk/qcow2_create.h"

extern char **environ;

/* --- the recorder: stands between the library and the system's calls -------------------------------- */
struct lab_call {
	enum { LAB_WRITE, LAB_FALLOCATE, LAB_TRUNCATE } what;
	int mode;
	off_t at, n;
	uint8_t *data;
};
static struct {
	bool on;
	dev_t dev;
	ino_t ino;
	struct lab_call *calls;
	size_t n;
} lab_tape;

static inline bool lab_records(int fd)
{
	struct stat st;
	return lab_tape.on && fstat(fd, &st) == 0 && st.st_dev == lab_tape.dev &&
	       st.st_ino == lab_tape.ino;
}

static inline struct lab_call *lab_note(int what, int mode, off_t at, off_t n)
{
	lab_tape.calls = xreallocarray(lab_tape.calls, lab_tape.n + 1, sizeof(*lab_tape.calls));
	struct lab_call *c = &lab_tape.calls[lab_tape.n++];
	*c = (struct lab_call){.mode = mode, .at = at, .n = n};
	c->what = (typeof(c->what))what;
	return c;
}

ssize_t pwrite(int fd, const void *buf, size_t n, off_t at)
{
	ssize_t done = syscall(SYS_pwrite64, fd, buf, n, at);
	if (done > 0 && lab_records(fd)) {
		struct lab_call *c = lab_note(LAB_WRITE, 0, at, done);
		c->data = xmalloc((size_t)done);
		memcpy(c->data, buf, (size_t)done);
	}
	return done;
}

int fallocate(int fd, int mode, off_t at, off_t n)
{
	int rc = (int)syscall(SYS_fallocate, fd, mode, at, n);
	if (rc == 0 && lab_records(fd))
		lab_note(LAB_FALLOCATE, mode, at, n);
	return rc;
}

int ftruncate(int fd, off_t n)
{
	int rc = (int)syscall(SYS_ftruncate, fd, n);
	if (rc == 0 && lab_records(fd))
		lab_note(LAB_TRUNCATE, 0, 0, n);
	return rc;
}

/* Nobody cuts the power here, and the tests would wait for the disk most of the time. */
int fdatasync(int fd)
{
	(void)fd;
	return 0;
}

/* What the recorder does not see must not be used by what is recorded. */
ssize_t copy_file_range(int a, off64_t *at, int b, off64_t *bt, size_t n, unsigned flags)
{
	if (lab_records(b)) {
		errno = EXDEV;
		return -1;
	}
	return syscall(SYS_copy_file_range, a, at, b, bt, n, flags);
}

static inline void lab_record(const char *path)
{
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	lab_tape.dev = st.st_dev;
	lab_tape.ino = st.st_ino;
	lab_tape.on = true;
}

static inline void lab_erase_tape(void)
{
	for (size_t i = 0; i < lab_tape.n; i++)
		free(lab_tape.calls[i].data);
	free(lab_tape.calls);
	memset(&lab_tape, 0, sizeof(lab_tape));
}

static inline void lab_replay(int fd, const struct lab_call *c)
{
	if (c->what == LAB_WRITE)
		assert_int_equal(syscall(SYS_pwrite64, fd, c->data, c->n, c->at), c->n);
	else if (c->what == LAB_FALLOCATE)
		assert_int_equal(syscall(SYS_fallocate, fd, c->mode, c->at, c->n), 0);
	else
		assert_int_equal(syscall(SYS_ftruncate, fd, c->n), 0);
}

/* --- the judge ------------------------------------------------------------------------------------- */
static inline bool lab_has_qemu(void)
{
	CLEANUP_FREE char *program = file_find_program("qemu-img");
	return program != NULL;
}

/* The exit status; its words go to nowhere unless HVMUX_TEST_LOUD is set. */
static inline int lab_run(const char *const argv[])
{
	pid_t pid;
	int status;
	posix_spawn_file_actions_t fa;
	posix_spawn_file_actions_init(&fa);
	if (!getenv("HVMUX_TEST_LOUD")) {
		posix_spawn_file_actions_addopen(&fa, 1, "/dev/null", O_WRONLY, 0);
		posix_spawn_file_actions_addopen(&fa, 2, "/dev/null", O_WRONLY, 0);
	}
	assert_int_equal(
	    posix_spawnp(&pid, argv[0], &fa, NULL, (char *const *)(uintptr_t)argv, environ), 0);
	posix_spawn_file_actions_destroy(&fa);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* qemu-img check: 0 clean, 2 corrupt, 3 leaks alone. */
static inline int lab_check(const char *path)
{
	return lab_run((const char *[]){"qemu-img", "check", "-f", "qcow2", path, NULL});
}

/* --- images ---------------------------------------------------------------------------------------- */
static inline void lab_make(const char *path, const struct qcow2_options *o)
{
	struct err err = {0};
	struct disk_io *io = disk_io_open(path, DISK_IO_WRITE | DISK_IO_CREATE, &err);
	assert_non_null(io);
	struct disk_io *data = NULL;
	if (o->data_file)
		data = disk_io_open(o->data_file, DISK_IO_WRITE | DISK_IO_CREATE, &err);
	if (qcow2_create(o, io, data, &err) != 0)
		fail_msg("%s", err.msg);
	disk_io_close(io);
	disk_io_close(data);
}

static inline struct img *lab_open(const char *path, unsigned flags)
{
	struct err err = {0};
	struct img *im = img_open(path, "qcow2", flags | IMG_NO_LOCK, &err);
	if (!im)
		fail_msg("%s", err.msg);
	return im;
}

static inline void lab_ok(int rc, const struct err *err)
{
	if (rc != 0)
		fail_msg("%s", err->msg);
}

static inline void lab_close(struct img *im)
{
	struct err err = {0};
	lab_ok(img_close(im, &err), &err);
}

/* All that the guest sees. */
static inline uint8_t *lab_read(struct img *im)
{
	struct err err = {0};
	uint8_t *all = xmalloc(im->size + 1);
	lab_ok(img_read(im, 0, all, im->size, &err), &err);
	return all;
}

static inline void lab_copy(const char *from, const char *to)
{
	assert_int_equal(lab_run((const char *[]){"cp", "--sparse=always", from, to, NULL}), 0);
}

/* Looks at the image after each of the recorded calls, beginning with `before`'s state; judge is asked about the file. */
static inline void lab_each_prefix(
    const char *before, const char *scratch, void (*judge)(const char *path, size_t calls))
{
	lab_tape.on = false;
	lab_copy(before, scratch);
	int fd = open(scratch, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	for (size_t i = 0; i < lab_tape.n; i++) {
		lab_replay(fd, &lab_tape.calls[i]);
		judge(scratch, i + 1);
	}
	close(fd);
}

#endif
