/* The files of one console's history, opened as they are at one moment: whatever is renamed, compressed or removed later,
 * what was opened stays readable. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "serial/conlog_reader_impl.h"

#define TRIES 10  /* a guest that rotates its log faster than this gets what could be had */
#define MISSES 3u /* slots without a file before the last one is believed to be found */

static bool is_file(int fd, struct stat *st)
{
	return fd >= 0 && fstat(fd, st) == 0 && S_ISREG(st->st_mode);
}

/* Slot 0 is the live file. 1 opened, 0 there is none, -1 it may not be read. */
static int slot_open(
    struct conlog_reader *r, unsigned slot, struct history_file *f, struct err *err)
{
	int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	CLEANUP_FREE char *plain = conlog_file_path(r->path, slot, "");
	CLEANUP_FREE char *packed = conlog_file_path(r->path, slot, ".gz");
	CLEANUP_FREE char *index = conlog_file_path(r->path, slot, ".idx");
	CLEANUP_CLOSE int fd = open(plain, flags);
	bool gzip = fd < 0 && errno == ENOENT && slot > 0;
	struct stat st;

	if (gzip)
		fd = open(packed, flags);
	if (fd < 0 && errno != ENOENT && errno != ELOOP)
		return err_errno(err, errno, "console log %s", gzip ? packed : plain);
	if (!is_file(fd, &st))
		return 0;
	*f = (struct history_file){.source = conlog_source_new(TAKE_FD(fd), gzip),
	    .index_fd = open(index, flags),
	    .inode = st.st_ino,
	    .end_ns = (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec,
	    .live = slot == 0};
	if (!is_file(f->index_fd, &st))
		cleanup_close(&f->index_fd), f->index_fd = -1;
	f->begin_ns = conlog_index_first_time(f->index_fd);
	return 1;
}

static bool same_file(const char *path, int fd)
{
	struct stat ours, there;
	bool any = lstat(path, &there) == 0;

	if (fd < 0)
		return !any || !S_ISREG(there.st_mode);
	return any && fstat(fd, &ours) == 0 && ours.st_ino == there.st_ino;
}

/* Are the names still what they were while the files were opened? Else an index may be another file's. */
static bool still_so(const struct conlog_reader *r, const unsigned *slots)
{
	for (unsigned i = 0; i < r->n_files; i++) {
		int fd = conlog_source_fd(r->files[i].source);
		CLEANUP_FREE char *plain = conlog_file_path(r->path, slots[i], "");
		CLEANUP_FREE char *packed = conlog_file_path(r->path, slots[i], ".gz");
		CLEANUP_FREE char *index = conlog_file_path(r->path, slots[i], ".idx");

		if ((!same_file(plain, fd) && !same_file(packed, fd)) ||
		    !same_file(index, r->files[i].index_fd))
			return false;
	}
	return true;
}

void history_close(struct conlog_reader *r)
{
	for (unsigned i = 0; i < r->n_files; i++) {
		r->bytes_read += conlog_source_bytes_read(r->files[i].source);
		conlog_source_free(r->files[i].source);
		if (r->files[i].index_fd >= 0)
			close(r->files[i].index_fd);
	}
	free(r->files);
	r->files = NULL;
	r->n_files = 0;
}

static void reverse(struct conlog_reader *r)
{
	for (unsigned i = 0, k = r->n_files; i + 1 < k; i++) {
		struct history_file f = r->files[i];

		r->files[i] = r->files[--k];
		r->files[k] = f;
	}
}

int history_open(struct conlog_reader *r, struct err *err)
{
	unsigned slots[CONLOG_FILES_MAX];

	for (int tries = 0; tries < TRIES; tries++) {
		unsigned misses = 0;

		history_close(r);
		r->files = xcalloc(CONLOG_FILES_MAX, sizeof(*r->files));
		/* The newest first: a rotation meanwhile shows a file twice, which is seen, and never hides one. */
		for (unsigned slot = 0; slot < CONLOG_FILES_MAX && misses < MISSES; slot++) {
			int rc = slot_open(r, slot, &r->files[r->n_files], err);

			if (rc < 0)
				return -1;
			misses = rc || slot == 0 ? 0 : misses + 1;
			if (rc)
				slots[r->n_files++] = slot;
		}
		if (still_so(r, slots))
			break;
	}
	reverse(r);
	return 0;
}
