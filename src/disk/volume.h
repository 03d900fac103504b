/* volume: the disks in a pool: images in a folder, logical volumes, partitions. Owner: the caller; volume_fini,
 * volume_list_free.
 *
 * A first scan opens every file of the pool to look at its header, without locks: 5 ms for a hundred on a local disk. It begins by
 * asking the file system whether it answers (ERR_TIMEOUT after POOL_WAIT_MS), but a server that dies during it holds the caller
 * up: a dashboard scans in a process of its own. */
#ifndef DISK_VOLUME_H
#define DISK_VOLUME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "core/buf.h"
#include "core/domain_disk.h"
#include "core/err.h"
#include "core/home.h"
#include "disk/pool.h"

#define VOLUME_TRASH ".hvmux-trash" /* folder of deleted volumes in a pool of files */
#define VOLUMES_MAX 65536u          /* of one pool */
#define VOLUME_NAME_MAX 255u

enum volume_type { VOLUME_FILE, VOLUME_BLOCK, VOLUME_DIR };
const char *volume_type_name(enum volume_type t); /* "file", "block", "dir" */

struct volume {
	char *name, *path, *key; /* key: the path, LVM's uuid of a logical volume */
	enum volume_type type;
	enum disk_format format;
	bool iso; /* a CD's file system: DISK_RAW, "iso" in documents */
	uint64_t capacity, allocation, physical; /* bytes; physical: where the file ends */
	char *backing, *backing_format;          /* resolved, NULL none */
	bool encrypted;
	struct storage_access access;               /* as it is, label NULL */
	struct timespec atime, mtime, ctime, btime; /* btime: 0 unknown */
	dev_t dev; /* who it is: a file by dev and ino, a block device by its number and 0 */
	ino_t ino;
	char *origin;  /* logical: the volume that it is a snapshot of; NULL none */
	char *trouble; /* why its header cannot be read, in words; NULL it was */
};

struct img_facts; /* disk/img_facts.h */

/* Sorted by name. */
int volume_list(const struct pool *pool, struct volume **vols, size_t *n, struct err *err);
/* The same for who looks again and again: facts, the caller's, is kept for this pool; of images that did not change since
 * the last look no header is read. */
int volume_list_again(const struct pool *pool, struct img_facts *facts, struct volume **vols,
    size_t *n, struct err *err);
void volume_list_free(struct volume *vols, size_t n);
void volume_fini(struct volume *vol);

/* What a command line may say: a name (pool given), else a path or key (pool_word NULL: of any active pool). pool_word: a
 * pool's name or uuid. *pool is set, too: pool_fini. ERR_NOT_FOUND in libvirt's words. */
int volume_find(const struct home *h, const char *pool_word, const char *word, struct pool *pool,
    struct volume *vol, struct err *err);
/* May a volume be named so? No '/', no leading dot or dash, no control characters; LVM's and partitions' rules besides. */
int volume_name_check(const struct pool *pool, const char *name, struct err *err);
/* Where a volume of that name would be, in a pool of files. On the heap. */
char *volume_path(const struct pool *pool, const char *name);
/* One file, block device or folder, whether it is in a pool or not; its key is its path. facts: what is known already, NULL. */
int volume_look(const char *path, struct img_facts *facts, struct volume *vol, struct err *err);
/* libvirt's document; opens the image for what its header says besides. */
void volume_format(const struct volume *vol, struct buf *out);
/* libvirt's word for the format: "qcow2", "iso", "dir" … */
const char *volume_format_word(const struct volume *vol);

#endif
