/* img_facts: what is known of many images without asking twice: the dashboard's and the pools' view of a disk. A file is
 * looked at again when its device, inode, size or mtime is another, a block device always; else a look costs a stat. No locks are taken and nothing
 * is waited for (O_NONBLOCK), but a file system that hangs holds up the caller: whoever must not wait asks from a thread.
 * Owner: the caller. Threads: one cache belongs to one thread at a time; what it hands out is copied before another has it.
 * A running VM writes to its images while we look: figures are of that moment, and a header that does not hold together is
 * IMG_FACT_BROKEN with its reason, never more. */
#ifndef DISK_IMG_FACTS_H
#define DISK_IMG_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/domain_disk.h" /* enum disk_format */
#include "disk/img.h"

enum img_fact_state {
	IMG_FACT_KNOWN,
	IMG_FACT_MISSING, /* no such file */
	IMG_FACT_REFUSED, /* it may not be read by us; sizes are known where stat tells them */
	IMG_FACT_BROKEN,  /* not to be read as what it says it is */
	IMG_FACT_REMOTE,  /* "nbd://…", "json:…": names no file */
};

struct img_fact {
	enum img_fact_state state;
	char *why;  /* in words; NULL when known */
	char *path; /* as it was asked for */
	uint64_t dev, ino;
	bool block; /* a block device: allocated is its size */
	enum disk_format format;
	uint64_t virtual_size, allocated; /* bytes; 0 unknown */
	uint64_t file_size;               /* bytes */
	uint32_t cluster;                 /* 0 none */
	bool dirty, corrupt, encrypted;
	char *backing, *backing_path; /* as named; resolved, NULL: none, or no file */
	char *backing_format;         /* as the image says; NULL it does not */
	char *data_file;              /* resolved; NULL none */
	char **snapshots;             /* their names, oldest first */
	size_t n_snapshots;
	size_t n_bitmaps;
	uint64_t vm_state; /* bytes of memory that its snapshots hold */
};

struct img_facts;
struct img_facts *img_facts_new(void);
void img_facts_free(struct img_facts *f); /* passes NULL through */

/* Never NULL: what cannot be known says why. format: as the definition says, NULL finds out by contents (a backing file
 * whose image does not tell its format is then shown by what it looks like; it is not opened that way by anybody else).
 * Borrowed until img_facts_sweep. */
const struct img_fact *img_facts_get(struct img_facts *f, const char *path, const char *format);
/* The same with every image below it, top first; at most max, which is IMG_CHAIN_MAX or less. The last one may be missing,
 * or the same as one above it: *ring. Returns how many. */
size_t img_facts_chain(struct img_facts *f, const char *path, const char *format,
    const struct img_fact **out, size_t max, bool *ring);
/* Forgets what was not asked for since the last sweep. */
void img_facts_sweep(struct img_facts *f);
/* How often files had to be read since img_facts_new: for tests. */
uint64_t img_facts_reads(const struct img_facts *f);

#endif
