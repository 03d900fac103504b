/* pool_backend: what each type of pool does in its own way; for pool*.c and volume*.c alone. */
#ifndef DISK_POOL_BACKEND_H
#define DISK_POOL_BACKEND_H

#include "core/err.h"
#include "disk/pool.h"
#include "disk/volume.h"

struct volume_set { /* while a pool is scanned */
	struct volume *vols;
	size_t n, cap;
	struct img_facts *facts; /* what is known from the last time, for volume_look */
};
/* The set's from now on; ERR_INVALID past VOLUMES_MAX. */
int volume_set_add(struct volume_set *set, struct volume *take, struct err *err);

struct volume_wish { /* what a new volume shall be */
	const char *name;
	uint64_t capacity, allocation; /* bytes; allocation UINT64_MAX: not said */
	const char *origin;            /* logical: the volume that it is a snapshot of, NULL none */
};

/* NULL: nothing to do. Called with a definition that was checked. */
struct pool_backend {
	int (*start)(const struct pool_def *def, struct err *err);
	int (*stop)(const struct pool_def *def, struct err *err);
	int (*build)(const struct pool_def *def, unsigned flags, struct err *err);
	int (*remove)(const struct pool_def *def, struct err *err);
	int (*look)(const struct pool_def *def, struct pool_facts *facts, struct err *err);
	int (*scan)(const struct pool_def *def, struct volume_set *set, struct err *err);
	/* Of pools whose volumes are no files: */
	int (*create)(const struct pool_def *def, const struct volume_wish *wish, struct err *err);
	int (*resize)(const struct pool_def *def, const struct volume *vol, uint64_t capacity,
	    bool shrink, struct err *err);
	int (*drop)(const struct pool_def *def, const struct volume *vol, struct err *err);
};
extern const struct pool_backend pool_backend_dir, pool_backend_mount, pool_backend_logical,
    pool_backend_disk;
/* ERR_UNSUPPORTED: a type that is only kept here. */
const struct pool_backend *pool_backend(enum pool_type t, struct err *err);

#endif
