#include "disk/img_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "core/mem.h"
#include "disk/img.h"

#define DOES 100
#define DENIES 200

/* Numbers of what one may do; QEMU's 2 (rewriting the same bytes) and 4 are not asked for by us. */
enum { READ = 1 << 0, WRITE = 1 << 1, RESIZE = 1 << 3 };
#define NUMBERS 4

static const struct {
	unsigned does, denies;
} uses[IMG_LOCK_USES] = {
    [IMG_LOCK_LOOK] = {0, WRITE | RESIZE},
    [IMG_LOCK_READ] = {READ, WRITE | RESIZE},
    [IMG_LOCK_WRITE] = {READ | WRITE | RESIZE, WRITE | RESIZE},
    [IMG_LOCK_CREATE] = {WRITE | RESIZE, RESIZE},
};

static int lock_byte(int fd, int command, struct flock *l, short type, off_t byte)
{
	*l = (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
	int result;
	do
		result = fcntl(fd, command, l);
	while (result < 0 && errno == EINTR);
	return result;
}

static int hold(const struct disk_io *io, unsigned bits, off_t base)
{
	struct flock l;
	for (unsigned i = 0; i < NUMBERS; i++)
		if ((bits >> i & 1) && lock_byte(io->fd, F_OFD_SETLK, &l, F_RDLCK, base + i) < 0)
			return errno;
	return 0;
}

/* Does another hold one of these? Its number, -1 nobody. */
static int find_other(const struct disk_io *io, unsigned bits, off_t base)
{
	struct flock l;
	for (unsigned i = 0; i < NUMBERS; i++)
		if ((bits >> i & 1) && lock_byte(io->fd, F_OFD_GETLK, &l, F_WRLCK, base + i) == 0 &&
		    l.l_type != F_UNLCK)
			return (int)i;
	return -1;
}

static int busy(const struct disk_io *io, bool shared, int number, struct err *err)
{
	static const char *const names[NUMBERS] = {
	    "consistent read", "write", "write unchanged", "resize"};
	return err_set(err, ERR_BUSY,
	    "'%s': Failed to get %s\"%s\" lock: another process, such as a running VM, %s",
	    io->path, shared ? "shared " : "", names[number],
	    shared ? "writes to this image" : "uses this image");
}

int img_lock(const struct disk_io *io, enum img_lock_use use, struct err *err)
{
	unsigned does = uses[use].does, denies = uses[use].denies;
	int e = hold(io, does, DOES);
	e = e ? e : hold(io, denies, DENIES);
	if (e == EINVAL || e == EOPNOTSUPP || e == ENOSYS)
		return 0; /* nobody has any there */
	if (e == EAGAIN || e == EACCES)
		return err_set(err, ERR_BUSY, "'%s' is locked by another process", io->path);
	if (e)
		return err_errno(err, e, "cannot lock '%s'", io->path);
	int other = find_other(io, does, DENIES);
	if (other >= 0)
		return busy(io, false, other, err);
	other = find_other(io, denies, DOES);
	return other >= 0 ? busy(io, true, other, err) : 0;
}

int img_lock_for(struct disk_io *io, unsigned flags, bool below, struct err *err)
{
	bool write = (flags & IMG_WRITE) && !below;
	if (flags & IMG_NO_LOCK || (flags & IMG_FORCE_SHARE && !write))
		return 0;
	enum img_lock_use use = write              ? IMG_LOCK_WRITE
	                        : flags & IMG_INFO ? IMG_LOCK_LOOK
	                                           : IMG_LOCK_READ;
	return img_lock(io, use, err) < 0 ? -1 : disk_io_look_again(io, err);
}

int img_lock_check(const char *path, struct err *err)
{
	struct err why = {0};
	struct disk_io *io = disk_io_open(path, 0, &why);
	/* What is not there, is no file, or may not be read is another's to tell of. */
	if (!io)
		return 0;
	io->writable = true;
	int result = img_lock(io, IMG_LOCK_CREATE, err);
	disk_io_close(io);
	return result;
}
