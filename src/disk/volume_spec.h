/* volume_spec: what a new volume shall be: a <volume> document, or the words of vol-create-as. Owner: the caller;
 * volume_spec_fini. */
#ifndef DISK_VOLUME_SPEC_H
#define DISK_VOLUME_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"
#include "disk/pool_def.h"

#define VOLUME_UNSAID UINT64_MAX

struct volume_spec {
	char *name;
	bool has_capacity;
	uint64_t capacity;              /* bytes */
	uint64_t allocation;            /* bytes; VOLUME_UNSAID: all of it, for what can be thin */
	char *format;                   /* "raw", "qcow2" …; NULL raw */
	char *backing, *backing_format; /* a path; NULL none */
	/* qcow2 */
	char *compat;
	uint64_t cluster; /* bytes, 0 not said */
	bool lazy_refcounts, extended_l2;
	struct storage_access access;
	bool preallocate_metadata;
};

int volume_spec_parse(
    const char *xml, size_t n, const char *file, struct volume_spec *spec, struct err *err);
void volume_spec_fini(struct volume_spec *spec);
/* What virsh's vol-create-as --print-xml shows. */
void volume_spec_format(const struct volume_spec *spec, struct buf *out);

#endif
