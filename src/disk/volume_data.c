/* The bytes of volumes: upload, download, wipe, copy. Declared in disk/volume_change.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/mem.h"
#include "core/program.h"
#include "core/str.h"
#include "disk/convert_file.h"
#include "disk/img.h"
#include "disk/pool_backend.h"
#include "disk/volume_change.h"
#include "disk/volume_create.h"
#include "disk/volume_uses.h"
#include "disk/zeroes.h"

#define CHUNK (1u << 20)
#define SCRUB_MS 86400000

static int need_bytes(const struct volume *vol, struct err *err)
{
	if (vol->type != VOLUME_DIR)
		return 0;
	return err_set(err, ERR_INVALID, "'%s' is a folder", vol->path);
}

/* Nobody runs with it, nobody is based on it, and no QEMU has it; the container is opened as it lies there. */
static struct img *open_for_overwriting(
    const struct home *h, const struct volume *vol, struct err *err)
{
	CLEANUP(volume_uses_fini) struct volume_uses uses = {0};
	CLEANUP_BUF struct buf words = BUF_INIT;
	if (need_bytes(vol, err) < 0 || volume_uses_find(h, vol, &uses, err) < 0)
		return NULL;
	volume_uses_words(&uses, &words);
	if (volume_uses_running(&uses)) {
		err_set(err, ERR_BUSY, "'%s' is in use: %s", vol->path, words.data);
		return NULL;
	}
	if (volume_uses_base(&uses)) {
		err_set(err, ERR_BUSY, "'%s' is needed as it is by what is based on it: %s",
		    vol->path, words.data);
		return NULL;
	}
	return img_open(vol->path, "raw", IMG_WRITE | IMG_NO_BACKING, err);
}

/* Written through to the disk; a failure before stays the one that is told. */
static int close_written(struct img *im, int rc, struct err *err)
{
	if (rc == 0)
		rc = img_flush(im, err);
	return img_close(im, rc == 0 ? err : NULL) < 0 ? -1 : rc;
}

/* --- upload --- */
/* Up to n bytes, fewer at the end. */
static ssize_t read_some(int fd, uint8_t *buf, size_t n, const char *shown, struct err *err)
{
	size_t got = 0;
	while (got < n) {
		ssize_t r = read(fd, buf + got, n - got);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_errno(err, errno, "cannot read '%s'", shown);
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

/* What is known of the source beforehand, so that nothing is written in vain. */
static int check_room(int fd, const char *shown, const struct disk_io *io, uint64_t offset,
    uint64_t length, uint64_t *total, struct err *err)
{
	struct stat st;
	off_t at = lseek(fd, 0, SEEK_CUR);
	*total = 0;
	if (io->block && offset > io->size)
		return err_set(err, ERR_INVALID, "'%s' ends before the offset", io->path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || at < 0 || at > st.st_size)
		return 0;
	*total = (uint64_t)(st.st_size - at);
	if (*total > length)
		return err_set(err, ERR_INVALID, "'%s' holds more than --length bytes", shown);
	if (io->block && *total > io->size - offset)
		return err_set(err, ERR_INVALID, "'%s' does not fit into '%s'", shown, io->path);
	return 0;
}

static int put(
    struct disk_io *io, uint64_t at, const uint8_t *buf, size_t n, bool sparse, struct err *err)
{
	if (sparse && zeroes_all(buf, n))
		return disk_io_zero(io, at, n, true, err);
	return disk_io_write(io, at, buf, n, err);
}

static int copy_in(struct disk_io *io, int fd, const char *shown, uint64_t at, uint64_t length,
    bool sparse, struct progress *progress, struct err *err)
{
	CLEANUP_FREE uint8_t *buf = xmalloc(CHUNK);
	for (;;) {
		ssize_t n = read_some(fd, buf, CHUNK, shown, err);
		if (n <= 0)
			return (int)n;
		if ((uint64_t)n > length)
			return err_set(
			    err, ERR_INVALID, "'%s' holds more than --length bytes", shown);
		if (put(io, at, buf, (size_t)n, sparse, err) < 0 || progress_check(err) < 0)
			return -1;
		at += (uint64_t)n;
		length -= (uint64_t)n;
		progress_add(progress, (uint64_t)n);
	}
}

int volume_upload(const struct home *h, const struct volume *vol, int fd, const char *shown,
    uint64_t offset, uint64_t length, bool sparse, struct progress *progress, struct err *err)
{
	uint64_t total;
	struct img *im = open_for_overwriting(h, vol, err);
	if (im == NULL)
		return -1;
	int rc = check_room(fd, shown, im->file, offset, length, &total, err);
	if (rc == 0) {
		progress_total(progress, total);
		rc = copy_in(im->file, fd, shown, offset, length, sparse, progress, err);
	}
	return close_written(im, rc, err);
}

/* --- download --- */
struct sink {
	int fd;
	const char *shown;
	bool holes; /* it can have some */
};

static int put_hole(const struct sink *to, uint64_t n, struct err *err)
{
	CLEANUP_FREE uint8_t *zeroes = NULL;
	if (to->holes) {
		if (lseek(to->fd, (off_t)n, SEEK_CUR) < 0)
			return err_errno(err, errno, "cannot write to '%s'", to->shown);
		return 0;
	}
	zeroes = xcalloc(1, CHUNK);
	for (uint64_t part; n > 0; n -= part) {
		part = n < CHUNK ? n : CHUNK;
		if (fd_write_all(to->fd, zeroes, part) < 0)
			return err_errno(err, errno, "cannot write to '%s'", to->shown);
	}
	return 0;
}

static int put_data(const struct disk_io *io, const struct sink *to, uint64_t at, uint64_t end,
    uint8_t *buf, struct progress *progress, struct err *err)
{
	for (size_t n; at < end; at += n) {
		n = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
		if (disk_io_read_padded(io, at, buf, n, err) < 0 || progress_check(err) < 0)
			return -1;
		if (to->holes && zeroes_all(buf, n)) {
			if (put_hole(to, n, err) < 0)
				return -1;
		} else if (fd_write_all(to->fd, buf, n) < 0) {
			return err_errno(err, errno, "cannot write to '%s'", to->shown);
		}
		progress_add(progress, n);
	}
	return 0;
}

static int copy_out(const struct disk_io *io, const struct sink *to, uint64_t at, uint64_t end,
    struct progress *progress, struct err *err)
{
	CLEANUP_FREE uint8_t *buf = xmalloc(CHUNK);
	for (uint64_t from, stop; at < end; at = stop) {
		if (disk_io_next_data(io, at, end, &from, &stop, err) < 0 ||
		    put_hole(to, from - at, err) < 0)
			return -1;
		progress_add(progress, from - at);
		if (put_data(io, to, from, stop, buf, progress, err) < 0)
			return -1;
		if (from == end)
			break;
	}
	return 0;
}

int volume_download(const struct volume *vol, int fd, const char *shown, uint64_t offset,
    uint64_t length, bool sparse, struct progress *progress, struct err *err)
{
	struct stat st;
	if (need_bytes(vol, err) < 0)
		return -1;
	/* A running guest's image is a torn one. */
	struct img *im = img_open(vol->path, "raw", IMG_NO_BACKING, err);
	if (im == NULL)
		return -1;
	uint64_t size = im->file->size;
	uint64_t left = offset < size ? size - offset : 0, n = length < left ? length : left;
	bool regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	const struct sink to = {fd, shown, sparse && regular};
	int rc =
	    offset > size ? err_set(err, ERR_INVALID, "'%s' ends before the offset", vol->path) : 0;
	progress_total(progress, n);
	if (rc == 0)
		rc = copy_out(im->file, &to, offset, offset + n, progress, err);
	/* A hole at the end is only there when the file ends behind it. */
	off_t end = rc == 0 && to.holes ? lseek(fd, 0, SEEK_CUR) : -1;
	if (end >= 0 && ftruncate(fd, end) < 0)
		rc = err_errno(err, errno, "cannot write to '%s'", shown);
	img_drop(&im);
	return rc;
}

/* --- wipe --- */
static int wipe_range(struct disk_io *io, uint64_t at, uint64_t end, bool random,
    struct progress *progress, struct err *err)
{
	CLEANUP_FREE uint8_t *buf = xcalloc(1, CHUNK);
	for (size_t n; at < end; at += n) {
		n = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
		for (size_t i = 0; random && i < n;) {
			ssize_t got = getrandom(buf + i, n - i, 0);
			if (got < 0 && errno != EINTR)
				return err_errno(err, errno, "no random numbers");
			i += got > 0 ? (size_t)got : 0;
		}
		if (disk_io_write(io, at, buf, n, err) < 0 || progress_check(err) < 0)
			return -1;
		progress_add(progress, n);
	}
	return 0;
}

/* A hole holds nothing to wipe, and stays one. */
static int wipe_data(struct disk_io *io, bool random, struct progress *progress, struct err *err)
{
	uint64_t size = io->size;
	progress_total(progress, size);
	for (uint64_t at = 0, from, to; at < size; at = to) {
		if (disk_io_next_data(io, at, size, &from, &to, err) < 0)
			return -1;
		progress_add(progress, from - at);
		if (from == size)
			break;
		if (wipe_range(io, from, to, random, progress, err) < 0)
			return -1;
	}
	return 0;
}

static int scrub(const struct volume *vol, const char *algorithm, struct err *err)
{
	static const char *const known[] = {
	    "nnsa", "dod", "bsi", "gutmann", "schneier", "pfitzner7", "pfitzner33"};
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_eq(known[i], algorithm))
			return program_run(
			    (const char *const[]){"scrub", "-f", "-p", algorithm, vol->path, NULL},
			    SCRUB_MS, NULL, err);
	return err_set(err, ERR_USAGE, "Unsupported algorithm '%s'", algorithm);
}

int volume_wipe(const struct home *h, const struct volume *vol, const char *algorithm,
    struct progress *progress, struct err *err)
{
	bool zero = str_eq(algorithm, "zero"), random = str_eq(algorithm, "random");
	struct img *im = open_for_overwriting(h, vol, err);
	if (im == NULL)
		return -1;
	int rc = 0;
	if (zero || random)
		rc = wipe_data(im->file, random, progress, err);
	else if (str_eq(algorithm, "trim"))
		rc = disk_io_zero(im->file, 0, im->file->size, true, err);
	else
		rc = scrub(vol, algorithm, err);
	return close_written(im, rc, err);
}

/* --- copies --- */
static int reflink_file(const struct volume *from, const char *draft, struct err *err)
{
	/* With its lock: nobody is writing. */
	struct img *im = img_open(from->path, "raw", IMG_NO_BACKING, err);
	if (im == NULL)
		return -1;
	CLEANUP_CLOSE int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc = 0;
	if (fd < 0)
		rc = err_errno(err, errno, "cannot make '%s'", draft);
	else if (ioctl(fd, FICLONE, im->file->fd) < 0)
		rc = err_errno(err, errno,
		    "'%s' cannot share its blocks with a copy; without --reflink", from->path);
	else if (fsync(fd) < 0)
		rc = err_errno(err, errno, "cannot write '%s'", draft);
	img_drop(&im);
	return rc;
}

static int convert_to(const struct volume *from, const char *target, bool existing,
    const struct volume_spec *spec, struct progress *progress, struct err *err)
{
	struct convert_file f = {.sources = (const char *const[]){from->path},
	    .n_sources = 1,
	    .source_format = disk_format_name(from->format),
	    .target = target,
	    .format = spec->format != NULL ? spec->format : "raw",
	    .options = {.size = spec->capacity,
	        .version = str_eq(spec->compat, "0.10") ? 2 : 0,
	        .cluster = spec->cluster,
	        .lazy_refcounts = spec->lazy_refcounts,
	        .extended_l2 = spec->extended_l2,
	        .prealloc = spec->preallocate_metadata ? IMG_PREALLOC_METADATA : IMG_PREALLOC_OFF},
	    .with_size = true,
	    .existing = existing,
	    .sync = true,
	    .copy = {.sparse = CONVERT_SPARSE, .progress = progress}};
	return convert_file(&f, err);
}

static int copy_to_file(const struct volume *from, const struct pool *pool,
    struct volume_spec *spec, bool reflink, struct progress *progress, struct err *err)
{
	if (volume_check_free(pool, spec->name, err) < 0)
		return -1;
	CLEANUP_FREE char *draft = volume_draft(pool, spec->name, err);
	if (draft == NULL)
		return -1;
	bool same = str_eq(spec->format, disk_format_name(from->format));
	int rc = 0;
	if (reflink && (!same || spec->capacity != from->capacity))
		rc = err_set(err, ERR_UNSUPPORTED,
		    "--reflink makes a copy of the same format and size only");
	else if (reflink)
		rc = reflink_file(from, draft, err);
	else
		rc = convert_to(from, draft, false, spec, progress, err);
	if (rc < 0) {
		unlink(draft);
		return -1;
	}
	return volume_publish(pool, draft, spec->name, &spec->access, err);
}

/* A fresh device holds what was there before: everything is written. */
static int copy_to_device(const struct home *h, const struct volume *from, const struct pool *pool,
    struct volume_spec *spec, struct progress *progress, struct err *err)
{
	struct err why = {0};
	CLEANUP(volume_fini) struct volume made = {.access = STORAGE_ACCESS_NONE};
	CLEANUP(pool_fini) struct pool in = {0};
	CLEANUP_FREE char *backing = TAKE_PTR(spec->backing);
	if (volume_create(h, pool, spec, err) < 0 ||
	    volume_find(h, pool->def.name, spec->name, &in, &made, err) < 0)
		return -1;
	if (convert_to(from, made.path, true, spec, progress, err) == 0)
		return 0;
	/* The half of a disk is none. */
	const struct pool_backend *backend = pool_backend(pool->def.type, NULL);
	if (backend->drop(&pool->def, &made, &why) < 0)
		err_wrap(err, "'%s' is left, incomplete (%s)", made.path, why.msg);
	return -1;
}

int volume_copy(const struct home *h, const struct volume *from, const struct pool *pool,
    struct volume_spec *spec, bool reflink, struct progress *progress, struct err *err)
{
	if (need_bytes(from, err) < 0)
		return -1;
	if (from->trouble != NULL)
		return err_set(err, ERR_INVALID, "%s", from->trouble);
	if (from->encrypted)
		return err_set(
		    err, ERR_UNSUPPORTED, "'%s' is encrypted; it is copied by: cp", from->path);
	if (volume_uses_check_format(h, from->path, from->format, err) < 0)
		return -1;
	if (!pool->active)
		return err_set(err, ERR_STATE,
		    "Requested operation is not valid: storage pool '%s' is not active",
		    pool->def.name);
	if (!spec->has_capacity || spec->capacity < from->capacity)
		spec->capacity = from->capacity;
	spec->has_capacity = true;
	if (pool_holds_files(pool) && spec->format == NULL)
		spec->format = xstrdup(disk_format_name(from->format));
	if (pool_holds_files(pool))
		return copy_to_file(from, pool, spec, reflink, progress, err);
	if (reflink)
		return err_set(err, ERR_UNSUPPORTED, "--reflink makes a copy in a file only");
	return copy_to_device(h, from, pool, spec, progress, err);
}
