#include "kvm/disk_files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/str.h"

int disk_file_check(const char *what, const char *path, bool write, struct err *err)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return err_errno(err, errno, "%s: cannot use '%s'", what, path);
	if (S_ISDIR(st.st_mode))
		return err_set(err, ERR_INVALID, "%s: '%s' is a directory", what, path);
	/* QEMU would wait for a pipe's other end for ever. */
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return err_set(
		    err, ERR_INVALID, "%s: '%s' is neither a file nor a block device", what, path);
	if (access(path, write ? R_OK | W_OK : R_OK) < 0)
		return err_errno(
		    err, errno, "%s: cannot %s '%s'", what, write ? "write" : "read", path);
	return 0;
}

/* The document says which of both it is, and QEMU's drivers insist. */
static int check_kind(const char *what, const struct disk_image *image, struct err *err)
{
	struct stat st;
	if (stat(image->path, &st) < 0)
		return 0; /* told by others */
	if (image->type == IMAGE_FILE && S_ISBLK(st.st_mode))
		return err_set(err, ERR_INVALID,
		    "%s: '%s' is a block device: write <disk type='block'> and <source dev='%s'/>",
		    what, image->path, image->path);
	if (image->type == IMAGE_BLOCK && !S_ISBLK(st.st_mode))
		return err_set(err, ERR_INVALID,
		    "%s: '%s' is no block device: write <disk type='file'> and <source file='%s'/>",
		    what, image->path, image->path);
	return 0;
}

static int check_folder(const char *what, const char *path, struct err *err)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return err_errno(err, errno, "%s: cannot use '%s'", what, path);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_INVALID, "%s: '%s' is not a directory", what, path);
	return access(path, R_OK | X_OK) == 0
	           ? 0
	           : err_errno(err, errno, "%s: cannot read '%s'", what, path);
}

static int check_image(
    const char *what, const struct disk_image *image, bool write, struct err *err)
{
	int rc = 0;
	if (image->path != NULL && (image->type == IMAGE_FILE || image->type == IMAGE_BLOCK)) {
		rc = disk_file_check(what, image->path, write, err);
		if (rc == 0)
			rc = check_kind(what, image, err);
	} else if (image->path != NULL && image->type == IMAGE_DIR) {
		rc = check_folder(what, image->path, err);
	}
	if (rc == 0 && image->backing != NULL)
		rc = check_image(what, image->backing, false, err);
	return rc;
}

/* Is the image missing, and may it be? */
static bool may_be_missing(const struct domain_disk *disk)
{
	bool local = disk->image.type == IMAGE_FILE || disk->image.type == IMAGE_BLOCK ||
	             disk->image.type == IMAGE_DIR;
	return local && disk->image.path != NULL && disk->startup_policy != NULL &&
	       strcmp(disk->startup_policy, "mandatory") != 0 &&
	       access(disk->image.path, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR);
}

/* True: the whole disk has gone. */
static bool take_out(struct domain *d, size_t i, struct buf *notes)
{
	struct domain_disk *disk = &d->disks[i];
	bool drive = disk->device == DISK_CDROM || disk->device == DISK_FLOPPY;
	buf_addf(notes, "'%s' is missing: %s '%s' %s (startupPolicy='%s')\n", disk->image.path,
	    drive ? "the drive" : "the disk", disk->target, drive ? "is empty" : "is left out",
	    disk->startup_policy);
	if (drive) {
		struct disk_image empty = {.type = disk->image.type, .line = disk->image.line};
		image_fini(&disk->image);
		disk->image = empty;
		return false;
	}
	disk_fini(disk);
	memmove(disk, disk + 1, (d->n_disks - i - 1) * sizeof *disk);
	d->n_disks--;
	return true;
}

int disk_files_check(struct domain *d, struct buf *notes, struct err *err)
{
	for (size_t i = 0; i < d->n_disks;) {
		struct domain_disk *disk = &d->disks[i];
		char what[64];
		snprintf(what, sizeof what, "disk '%.40s'", disk->target);
		if (may_be_missing(disk)) {
			i += take_out(d, i, notes) ? 0 : 1;
			continue;
		}
		bool write = !disk->readonly && disk->device == DISK_DISK;
		if (check_image(what, &disk->image, write, err) < 0)
			return -1;
		i++;
	}
	return 0;
}
