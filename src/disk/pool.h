/* pool: the storage pools of this host: which there are, which are active, how full they are.
 *
 *   conf/pools/NAME.xml             definitions (core/home.h: conf), a link of its name in conf/pools/autostart/: with the host
 *   run/.pools/NAME.xml             active ones, with the document they were started with; gone after a boot
 *   TARGET/.hvmux-trash/            deleted volumes of a dir, fs or netfs pool (disk/volume_trash.h)
 *
 * A pool `default` in data/images is there from the first look on; whoever undefines it is not given it again. The first look
 * after a boot starts the autostarted pools that are folders; those that need programs run are started by guests-start.
 * Owner of a struct pool: whoever called; pool_fini. */
#ifndef DISK_POOL_H
#define DISK_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/home.h"
#include "disk/pool_def.h"

/* A file server that is dead holds up whoever asks it: nobody here waits for it longer. The programs of LVM may take so long, too. */
#define POOL_WAIT_MS 2000
#define POOLS_MAX 4096u

struct pool {
	struct pool_def def;
	bool persistent, active, autostart;
};
struct pool_facts {
	uint64_t capacity, allocation, available; /* bytes */
	struct storage_access access;             /* of the target as it is; label NULL */
};

/* All of them, sorted by name; no file system but those of conf and run is asked. Definitions that do not parse are left out. */
int pool_list(const struct home *h, struct pool **pools, size_t *n, struct err *err);
void pool_list_free(struct pool *pools, size_t n);
/* By name, else by uuid. ERR_NOT_FOUND in libvirt's words. */
int pool_find(const struct home *h, const char *word, struct pool *pool, struct err *err);
void pool_fini(struct pool *pool);
/* What the next start will make of it: def of an active pool is what it was started as. */
int pool_definition(
    const struct home *h, const struct pool *pool, struct pool_def *def, struct err *err);
/* "running", "inactive" */
const char *pool_state_word(const struct pool *pool);

/* Of an active pool, within POOL_WAIT_MS: ERR_TIMEOUT when what it lies on does not answer, ERR_STATE when it is inactive. */
int pool_look(const struct pool *pool, struct pool_facts *facts, struct err *err);
/* The active pool whose volumes lie in this folder: an index into pools, -1 none. */
int pool_of_folder(const struct pool *pools, size_t n, const char *folder);
/* Can its volumes be files (dir, fs, netfs)? */
bool pool_holds_files(const struct pool *pool);

/* --- changing; each takes the store's lock --- */
/* Stores it; a name that is defined already is defined anew when the uuid is the same or none. Fills in name's uuid. */
int pool_define(const struct home *h, struct pool_def *def, struct err *err);
/* Inactive ones only. Volumes stay. */
int pool_undefine(const struct home *h, const struct pool *pool, struct err *err);
int pool_set_autostart(const struct home *h, const struct pool *pool, bool on, struct err *err);
/* Mounts, activates what has to be; the pool is active then. */
int pool_start(const struct home *h, const struct pool *pool, struct err *err);
/* The same with a document that is not stored: a pool until it is stopped. */
int pool_create(const struct home *h, struct pool_def *def, struct err *err);
int pool_stop(const struct home *h, const struct pool *pool, struct err *err);
enum { POOL_OVERWRITE = 1, POOL_NO_OVERWRITE = 2 };
/* Makes what it lies in: a folder, a file system, a volume group, a partition table. */
int pool_build(const struct pool_def *def, unsigned flags, struct err *err);
/* Takes it away: an empty folder, a volume group. Of an inactive pool. */
int pool_delete(const struct pool *pool, struct err *err);
/* Starts all autostarted pools that are not active; the first failure is told, the others are tried, too. */
int pool_start_all(const struct home *h, struct err *err);

#endif
