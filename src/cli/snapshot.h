/* snapshot: what the verbs of snapshots share: the domain that a command line names, its snapshots, and the one that is
 * meant. Owner of a struct snapshot_call: the verb, on its stack. */
#ifndef CLI_SNAPSHOT_H
#define CLI_SNAPSHOT_H

#include "cli/dispatch.h"
#include "core/snapshots.h"

struct snapshot_call {
	struct cli *c;
	char *domain;
	struct snapshots all;
	size_t i; /* the one that is meant; SNAPSHOTS_NONE: none was named */
};

/* Finds the domain and reads its snapshots; those that cannot be read are told as warnings. snapshot_call_fini in every case. */
int snapshot_call_open(struct cli *c, struct snapshot_call *s, struct err *err);
void snapshot_call_fini(struct snapshot_call *s);
/* Which one: by the option `by` ("snapshotname", "from") or by --current, not by both; `need`: one of them. virsh's words. */
int snapshot_call_find(struct snapshot_call *s, const char *by, bool need, struct err *err);
/* ERR_USAGE in virsh's words when both options were given. */
int snapshot_exclusive(const struct cli *c, const char *a, const char *b, struct err *err);

/* A document of a user's becomes what is kept of a snapshot; disks and memory stay as they are. Under the store's lock. What *it leaves out
 * of what is known already is filled in. replace: one of that name may be there. */
int snapshot_redefine(
    struct snapshot_call *s, struct snapshot *it, bool replace, bool current, struct err *err);

/* One as JSON with stable keys; the caller's. */
struct json_object *snapshot_json(const struct snapshots *all, size_t i);

#endif
