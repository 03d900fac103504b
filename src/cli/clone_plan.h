/* clone_plan: which of a domain's disks a clone copies, which it links or shares, and where its own will be. Owner: the verb. */
#ifndef CLI_CLONE_PLAN_H
#define CLI_CLONE_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "core/domain.h"
#include "core/err.h"

enum clone_way {
	CLONE_SHARE, /* as it is: what is only read, what is shared, what the operator says */
	CLONE_COPY,
	CLONE_LINK, /* an overlay on what the original has */
	CLONE_KEEP, /* --preserve-data: what lies at the new place is taken */
};

struct clone_disk {
	enum clone_way way;
	const struct domain_disk *disk; /* the original's */
	enum disk_format format;        /* of the clone's; for CLONE_SHARE the original's */
	char *path;                     /* the clone's; NULL for CLONE_SHARE */
};

struct clone_wishes {
	const char *from, *to; /* names */
	bool linked, preserve;
	const char *const *files; /* in the order of disks that are not shared */
	unsigned n_files;
	const char *const *skip, *const *force; /* targets */
	unsigned n_skip, n_force;
};

struct clone_plan {
	struct clone_disk *disks;
	size_t n;
};

/* Nothing is made. ERR_UNSUPPORTED names a disk that cannot be cloned, and what to do. */
int clone_plan(
    const struct domain *d, const struct clone_wishes *w, struct clone_plan *p, struct err *err);
void clone_plan_fini(struct clone_plan *p);
/* "/a/web1.qcow2", "web1", "web2" → "/a/web2.qcow2"; what does not bear the name: "/a/disk.img" → "/a/disk-web2.img".
 * extension: another one, with its dot; NULL as it is. Taken names get a number. On the heap. Asks the file system. */
char *clone_path(const char *path, const char *from, const char *to, const char *extension);

#endif
