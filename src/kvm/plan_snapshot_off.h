/* plan_snapshot_off: snapshots of a domain that is off, as plans of steps on the host alone: our own qcow2 library does the
 * work, no QEMU is started. The requests are those of kvm/plan_snapshot.h. What is looked at, beside "snapshots" (here with the
 * documents of all of them):
 *
 *	"off"  {"paths": {TARGET: PATH}   where the definition's disks are, volumes of pools resolved; none for disks of no file
 *	        "images": {PATH: {"format", "size", "snapshots": [NAME], "backing": PATH, "trouble": WORDS}}
 *	                                  all files that the definition and the snapshots refer to; absent: not there
 *	        "clone": {PATH: PATH}     images that linked clones are backed by, and one of those
 *	        "nvram": PATH, "nvram_copy": PATH, "nvram_format"  the firmware's variables, where there are some
 *	        "saved": true             a managed save waits for the next start} */
#ifndef KVM_PLAN_SNAPSHOT_OFF_H
#define KVM_PLAN_SNAPSHOT_OFF_H

#include "core/snapshot.h"
#include "kvm/plan_verbs.h"

int plan_snapshot_off_look(const struct plan_in *in, struct json_object *facts, struct err *err);
int plan_snapshot_off_create(const struct plan_in *in, struct plan *p, struct err *err);
int plan_snapshot_off_revert(const struct plan_in *in, struct plan *p, struct err *err);
int plan_snapshot_off_delete(const struct plan_in *in, struct plan *p, struct err *err);

/* --- what its files share --- */
/* An image's entry among the facts; NULL: it is not there. */
struct json_object *plan_off_image(const struct plan_in *in, const char *path);
/* Does it hold a snapshot of that name? */
bool plan_off_holds(const struct plan_in *in, const char *path, const char *tag);
/* Where the definition's disk of that target is; NULL: there is none, or none of a file. */
const char *plan_off_path(const struct plan_in *in, const char *target);
/* Where a disk was when the snapshot was made; on the heap. NULL: its document does not say. */
char *plan_off_path_then(const struct plan_in *in, const struct snapshot *s, const char *target);
/* {"path", "format", NAME: value, NULL} of an image that is there. */
struct json_object *plan_off_args(
    const struct plan_in *in, const char *path, const char *name, const char *value);
/* A document in which every disk at `from` is at `to`, of that format, and no longer says what backs it; what says nothing of
 * `from` comes out as it was. On the heap; NULL: it cannot be read. */
char *plan_off_moved(
    const char *xml, const char *from, const char *to, const char *format, struct err *err);
/* The same for the disk of one target. */
char *plan_off_placed(
    const char *xml, const char *target, const char *to, const char *format, struct err *err);
/* A snapshot's document written over the one that is there; undone by that one. */
int plan_off_add_write(
    const struct snapshot *was, const struct snapshot *s, struct plan *p, struct err *err);
/* The definition becomes this document. NULL: it stays. */
int plan_off_add_define(const struct plan_in *in, const char *xml, struct plan *p, struct err *err);

#endif
