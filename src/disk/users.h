/* users: which VM uses which file: as a disk, as what backs one, as a disk's data, as firmware's variables, kernel or initrd;
 * by its definition, and by the document that it runs with. Who deletes, overwrites or resizes a file asks here, and the
 * dashboard. What was read is kept: a refresh costs a stat per definition and per image.
 * Owner: whoever called users_new; one thread at a time. What is handed out is borrowed until the next refresh. A file system
 * that hangs holds up a refresh. */
#ifndef DISK_USERS_H
#define DISK_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/home.h"

struct user {
	const char *domain;
	const char *target; /* "vda", "nvram", "kernel", "initrd" */
	const char *image;  /* the disk's top image */
	const char
	    *format;    /* of the file, by the document or by the image above it; NULL not told */
	unsigned depth; /* 0: the file is the top image; else how many are above it */
	bool data;      /* it holds the data of the image at that depth */
	bool running;   /* the VM runs with it */
	bool writes;    /* and may write to it */
	bool defined;   /* its definition says so; else only what it runs with */
};

struct users;
struct users *users_new(const struct home *h); /* h is borrowed */
void users_free(struct users *u);              /* passes NULL through */

/* Looks at everything anew that has changed. -1 when definitions or the run directory cannot be read. */
int users_refresh(struct users *u, struct err *err);
/* Of the file at path, however it is named (links), or of that name when there is no such file. Returns how many there are, of which
 * at most max are in out: running ones first, then by name, target. */
size_t users_of(const struct users *u, const char *path, struct user *out, size_t max);
size_t users_of_file(
    const struct users *u, uint64_t dev, uint64_t ino, struct user *out, size_t max);
/* "web1 (vda, running), db1 (vdb, as a backing file of '/x.qcow2')", appended; printable. */
void users_words(const struct user *list, size_t n, struct buf *out);
/* How many documents and chains were read since users_new: for tests. */
uint64_t users_reads(const struct users *u);

#endif
