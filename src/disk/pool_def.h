/* pool_def: what a storage pool's document says, libvirt's <pool>. Owner: the caller; pool_def_fini.
 * Everything that hvmux knows is in the struct and is written as libvirt writes it; other elements are kept as they are,
 * in `extra`. */
#ifndef DISK_POOL_DEF_H
#define DISK_POOL_DEF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"

enum pool_type {
	POOL_DIR,
	POOL_FS,      /* a block device, mounted at the target */
	POOL_NETFS,   /* NFS, CIFS, GlusterFS, mounted at the target */
	POOL_LOGICAL, /* an LVM volume group */
	POOL_DISK,    /* partitions of a block device */
	POOL_ISCSI,   /* from here on: defined and listed, not started by us */
	POOL_ISCSI_DIRECT,
	POOL_SCSI,
	POOL_MPATH,
	POOL_RBD,
	POOL_SHEEPDOG,
	POOL_GLUSTER,
	POOL_ZFS,
	POOL_VSTORAGE,
	POOL_TYPES
};
const char *pool_type_name(enum pool_type t); /* libvirt's word */
int pool_type_find(const char *word);         /* -1 none */

/* <permissions>; -1: not said. */
struct storage_access {
	long mode, owner, group;
	char *label;
};
#define STORAGE_ACCESS_NONE ((struct storage_access){-1, -1, -1, NULL})

struct pool_host {
	char *name;
	unsigned port; /* 0 not said */
};

struct pool_def {
	char *name;
	unsigned char uuid[16];
	bool has_uuid;
	enum pool_type type;
	/* <source>; NULL: not said */
	struct pool_host *hosts;
	size_t n_hosts;
	char **devices; /* paths, or an iSCSI target's name */
	size_t n_devices;
	char *dir, *source_name, *initiator, *format, *vendor, *product, *protocol_version;
	char *auth_type, *auth_user, *secret_type, *secret_usage, *secret_uuid;
	char *adapter; /* <adapter> as it stands in the document */
	char *target;  /* path, no '/' at its end; NULL for types that have none */
	struct storage_access access;
	char *extra; /* elements that we do not know, each with a line end */
};

/* Complete and possible? ERR_INVALID "file:line: …". A missing name is taken from the source's (libvirt's rule); a
 * missing uuid stays so. file NULL: the document was made of a command line's words. */
int pool_def_parse(
    const char *xml, size_t n, const char *file, struct pool_def *def, struct err *err);
void pool_def_fini(struct pool_def *def);
/* What is wrong with it, in libvirt's words: the rules of its type. */
int pool_def_check(const struct pool_def *def, struct err *err);
/* As libvirt formats it. figures: capacity, allocation, available in bytes, NULL leaves them out (what is stored). */
void pool_def_format(const struct pool_def *def, const uint64_t figures[3], struct buf *out);
/* Do the two claim the same storage? What it is, for a message; NULL they do not. */
const char *pool_def_conflict(const struct pool_def *a, const struct pool_def *b);

#endif
