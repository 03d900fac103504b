/* plan_snapshot: snapshots of a machine that runs, as plans. The requests (plan_in.args), which the commands compose:
 *
 *	snapshot-create   xml          <domainsnapshot> as the user gave it; all that libvirt leaves out is filled in here
 *	                  disk_only, quiesce, reuse_external, halt, live, no_metadata, atomic (bool)
 *	snapshot-revert   name; running, paused, force (bool); disks (bool, of a domain that is off): its disks alone, as whoever asks starts it
 *	                  from the memory afterwards
 *	snapshot-delete   name; children, children_only, metadata (bool)
 *
 * What is looked at (plan_verb.look), so that the builders stay pure:
 *
 *	"snapshots"  {"current": NAME, "list": [{"name", "parent", "xml"}]}; xml where the request names one: others may have to change
 *	"host"       {"free": {PATH: bytes in its folder's file system}, "there": {PATH: true}, "rss_kib": N}
 *
 * A revert that this QEMU cannot do (its hardware was another, the snapshot's memory is a file, the domain was off) is
 * refused with ERR_STATE and words that begin with PLAN_RESTART_WORDS: the command then ends the machine and starts it from
 * the snapshot (cli/restore.h). */
#ifndef KVM_PLAN_SNAPSHOT_H
#define KVM_PLAN_SNAPSHOT_H

#include "core/snapshot.h"
#include "kvm/plan_verbs.h"

#define PLAN_RESTART_WORDS "its QEMU has to be started anew"

/* --- what the files of plan_snapshot*.c share --- */
/* The format's node of the guest's disk i, below whatever limits it: what snapshots are made of. NULL: not known. Borrowed of the
 * facts ("query-named-block-nodes"). */
const char *plan_snapshot_node(const struct plan_in *in, size_t i);
/* Its entry there. */
struct json_object *plan_snapshot_node_info(const struct plan_in *in, size_t i);
/* A disk that the guest writes to, so that a snapshot has to keep it. */
bool plan_snapshot_is_written(const struct domain_disk *k);
/* The document of one of "snapshots"; *s is the caller's. ERR_NOT_FOUND in virsh's words. */
int plan_snapshot_read(
    const struct plan_in *in, const char *name, struct snapshot *s, struct err *err);
/* Guest runs? */
bool plan_snapshot_runs(const struct plan_in *in);

/* The snapshot that a request to make one is about, with all that it leaves open filled in; *s is the caller's. */
int plan_snapshot_fill(const struct plan_in *in, struct snapshot *s, struct err *err);
/* Why this guest's memory cannot be kept: ERR_UNSUPPORTED, with what to do in its place. */
int plan_snapshot_refuse_memory(const struct plan_in *in, const char *instead, struct err *err);
/* Is there room for it in the file system of path, as far as that was looked at? */
int plan_snapshot_check_room(
    const struct plan_in *in, const char *path, const char *instead, struct err *err);
/* Adds the fact "host" with that alone. */
void plan_snapshot_look_room(const struct plan_in *in, const char *path, struct json_object *facts);
int plan_snapshot_internal(
    const struct plan_in *in, struct snapshot *s, struct plan *p, struct err *err);
int plan_snapshot_external(
    const struct plan_in *in, struct snapshot *s, struct plan *p, struct err *err);
/* The last step of both: the document is written. */
int plan_snapshot_add_document(
    const struct plan_in *in, const struct snapshot *s, struct plan *p, struct err *err);
int plan_snapshot_revert(const struct plan_in *in, struct plan *p, struct err *err);
int plan_snapshot_delete(const struct plan_in *in, struct plan *p, struct err *err);
/* An empty overlay of size bytes; taken back by removing it, but never a file that was there before the plan. */
void plan_snapshot_add_overlay(struct plan *p, const char *words, const char *path,
    const char *backing, const char *backing_format, int64_t size);
/* Steps that merge what its overlays hold into what they are on top of. */
int plan_snapshot_merge(
    const struct plan_in *in, const struct snapshot *s, struct plan *p, struct err *err);
int plan_snapshot_look(const struct plan_in *in, struct json_object *facts, struct err *err);

#endif
