/* file: whole files, read with a limit and written so that a power cut leaves the old or the new
 * one. */
#ifndef CORE_FILE_H
#define CORE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/buf.h"
#include "core/err.h"

/* Reads a regular file of at most max bytes into out (appended). Larger is ERR_INVALID naming the
 * limit. */
int file_read(const char *path, size_t max, struct buf *out, struct err *err);
/* Temporary file in the same folder, write, fsync, rename, fsync of the folder. mode as for
 * open(2). */
int file_write_atomic(const char *path, const void *data, size_t n, mode_t mode, struct err *err);
/* For other processes whole, the old or the new one; not synced: what may go with the host's power. */
int file_write_swap(const char *path, const void *data, size_t n, mode_t mode, struct err *err);
/* As file_write_atomic, but ERR_EXISTS when path is there already (link(2) instead of rename(2)). */
int file_write_new(const char *path, const void *data, size_t n, mode_t mode, struct err *err);
/* Many files at once, for a fraction of the disk's waits: staged each, then committed together; each of them is the old or
 * the new one whenever the power fails, and all are new when file_commit returns. */
struct file_staged {
	char *path, *tmp;
	int fd;
};
#define FILE_STAGED_MAX 256u /* at once: each holds a descriptor */
int file_stage(const char *path, const void *data, size_t n, mode_t mode, struct file_staged *s,
    struct err *err);
/* All of one folder. Those that fail have their errs[i] set (ERR_NONE before); -1 when any did. Frees what file_stage made. */
int file_commit(struct file_staged *s, size_t n, struct err *errs);
/* rm -r of a folder and what is in it, one file system, links not followed; a missing folder is no
 * error. */
int file_remove_tree(const char *path, struct err *err);
/* The first program of this name in PATH, on the heap; NULL there is none. */
char *file_find_program(const char *program);
int fd_set_cloexec(int fd, bool on);
int fd_set_nonblock(int fd, bool on);
/* Writes all of it to a blocking descriptor; -1 with errno. */
/* Is there something to read, or is the process of a pidfd gone, within ms? A signal does not end the wait. */
bool fd_wait(int fd, int ms);
int fd_write_all(int fd, const void *data, size_t n);

#endif
