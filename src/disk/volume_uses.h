/* volume_uses: who would lose something with a volume: the VMs that use its file (disk/users.h) and the volumes that it is
 * the base of. Owner: the caller; volume_uses_fini. */
#ifndef DISK_VOLUME_USES_H
#define DISK_VOLUME_USES_H

#include <stdbool.h>
#include <stddef.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/home.h"
#include "disk/users.h"
#include "disk/volume.h"

#define VOLUME_USES_MAX 64u /* of each kind that are named; more are only counted */

struct volume_uses {
	struct users *users; /* owns what `by` borrows */
	struct user by[VOLUME_USES_MAX];
	size_t n_by;     /* of all */
	char **overlays; /* paths of volumes, in any active pool, whose backing file it is */
	size_t n_overlays;
};

/* Looks at every active pool: one whose storage does not answer is an error, as clones may be there. */
int volume_uses_find(
    const struct home *h, const struct volume *vol, struct volume_uses *uses, struct err *err);
void volume_uses_fini(struct volume_uses *uses);
/* "web1 (vda, running); base of '/a/clone.qcow2'", appended; nothing when it is free. */
void volume_uses_words(const struct volume_uses *uses, struct buf *out);
/* A VM runs with it, or with an image above it. */
bool volume_uses_running(const struct volume_uses *uses);
/* Some image needs it as its base: of a volume, or of a VM's disk. */
bool volume_uses_base(const struct volume_uses *uses);
/* The format was found out by the contents, and a guest writes those: whose disk is raw by its definition can begin it like
 * an image that names any file of the host. ERR_DENIED when a VM knows it by another; raw is safe. */
int volume_uses_check_format(
    const struct home *h, const char *path, enum disk_format found, struct err *err);
/* Is `other` backed by vol, directly? */
bool volume_backs(const struct volume *vol, const struct volume *other);

#endif
