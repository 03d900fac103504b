/* snapshot: what is kept of one snapshot of a domain, libvirt's <domainsnapshot> document, as plain data. Owner: whoever
 * called snapshot_parse or snapshot_init; strings are on the heap, UTF-8, NULL when absent. Pure. The set of a domain's
 * snapshots, their tree and their files are core/snapshots.h.
 *
 * What libvirt's document does not tell stands in an element of ours, which libvirt passes over:
 *
 *   <hvmux:snapshot xmlns:hvmux='urn:hvmux:snapshot:1'>
 *     <hvmux:schedule name='auto'/>                  made by a schedule, which may delete it; without it never
 *     <hvmux:inside name='before'/>                  its name inside of the images, where that is not <name>
 *     <hvmux:nvram file='before.nvram' format='raw'/>   a copy of the firmware's variables as they were, beside the document
 *     <hvmux:deleting begun='yes'/>                  what it keeps is being merged away: there is no going back to it
 *   </hvmux:snapshot> */
#ifndef CORE_SNAPSHOT_H
#define CORE_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

#define SNAPSHOT_URI "urn:hvmux:snapshot:1"
#define SNAPSHOT_DISKS_MAX 256u

/* What the guest did when it was made; libvirt's words. disk-snapshot: it ran, and its memory was not kept. */
enum snapshot_state {
	SNAPSHOT_NOSTATE,
	SNAPSHOT_RUNNING,
	SNAPSHOT_BLOCKED,
	SNAPSHOT_PAUSED,
	SNAPSHOT_SHUTDOWN,
	SNAPSHOT_SHUTOFF,
	SNAPSHOT_CRASHED,
	SNAPSHOT_PMSUSPENDED,
	SNAPSHOT_DISKS_ONLY,
	SNAPSHOT_STATES
};
const char *snapshot_state_name(
    enum snapshot_state s); /* "running", "disk-snapshot" …; never NULL */

/* How a disk, or the memory, is kept. */
enum snapshot_kind {
	SNAPSHOT_UNSAID, /* the document does not say */
	SNAPSHOT_NO,
	SNAPSHOT_INTERNAL, /* inside of the image */
	SNAPSHOT_EXTERNAL, /* what is written afterwards goes into a file of its own; of memory: in a file */
	SNAPSHOT_MANUAL, /* somebody else's work */
	SNAPSHOT_KINDS
};
const char *snapshot_kind_name(enum snapshot_kind k); /* "internal" …; "" of SNAPSHOT_UNSAID */
int snapshot_kind_parse(const char *word, enum snapshot_kind *k); /* -1: none of them */

struct snapshot_disk {
	char *name; /* the target: "vda"; what a user wrote may be the path of its image */
	enum snapshot_kind kind;
	bool block;   /* external: the overlay is a device (type='block') */
	char *file;   /* external: the overlay that the guest has written to since; NULL not said */
	char *format; /* … its format, "qcow2"; NULL not said */
};

struct snapshot {
	char *name, *description;
	char *parent; /* NULL: a root */
	enum snapshot_state state;
	uint64_t created; /* seconds since 1970; 0 not said */
	enum snapshot_kind memory;
	char *memory_file; /* external */
	struct snapshot_disk *disks;
	size_t n_disks;
	char *domain; /* <domain> as it was, a document of its own; what ran, when it ran */
	char *
	    inactive; /* <inactiveDomain>, as a document with <domain>: the definition then, where it differed */
	bool
	    active; /* <active>1</active>: libvirt's mark of the current one; core/snapshots.h knows better */
	/* ours */
	char *schedule; /* by which schedule it was made */
	char *inside;
	char *nvram,
	    *nvram_format; /* a file's name in the folder of the documents; NULL none was kept */
	bool deleting;
	char *source; /* the document as it was read: elements that we do not know survive in it */
	size_t source_len;
};

void snapshot_init(struct snapshot *s);
void snapshot_fini(struct snapshot *s);
/* file names the source in messages. A name that cannot be one is refused, one that is absent is NULL (a document that a
 * user wrote). On failure *s holds nothing. */
int snapshot_parse(
    const char *xml, size_t n, const char *file, struct snapshot *s, struct err *err);
/* The same without `domain` and `inactive`, which take most of the time; snapshot_format leaves them as the source has them. */
int snapshot_parse_brief(
    const char *xml, size_t n, const char *file, struct snapshot *s, struct err *err);
/* The document: source with the members put in, in libvirt's order; on the heap, its length in *n. NULL: a document in it
 * cannot be read. */
char *snapshot_format(const struct snapshot *s, size_t *n, struct err *err);

/* How images call it: inside, else name. */
const char *snapshot_tag(const struct snapshot *s);
/* Where it keeps what it keeps: libvirt's sense of --internal and --external: one disk (or the memory) in a file of its own makes it
 * external; nothing said at all is internal. */
bool snapshot_is_external(const struct snapshot *s);
/* Its memory is kept too: after going back the guest goes on. */
bool snapshot_has_memory(const struct snapshot *s);
/* By its target; NULL none. The pointer holds until a disk is added. */
struct snapshot_disk *snapshot_disk_find(const struct snapshot *s, const char *target);
/* Adds one; name is copied. */
struct snapshot_disk *snapshot_disk_add(struct snapshot *s, const char *name, enum snapshot_kind k);
int snapshot_name_check(const char *name, struct err *err);

#endif
