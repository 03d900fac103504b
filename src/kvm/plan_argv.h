/* plan_argv: one device's part of the command line as steps of a plan: what adds it to a QEMU that runs, each step with what takes
 * it back; and the other way round. The words are those of kvm/argv.h, so that a device that is plugged in is the one that a start
 * would have made. Pure.
 *
 * What a QEMU of another user may not open is opened for it: "open", add-fd, and /dev/fdset/N in the path's place. */
#ifndef KVM_PLAN_ARGV_H
#define KVM_PLAN_ARGV_H

#include "core/domain_alias.h"
#include "kvm/argv.h"
#include "kvm/plan_verbs.h"

/* The words of device r of d, a domain that runs, complete with addresses and aliases (argv_aliases). ERR_UNSUPPORTED also for what
 * cannot be made while it runs. Owner: the caller, argv_fini. */
int plan_argv_words(const struct plan_in *in, const struct domain *d, struct device_ref r,
    struct argv_out *words, struct err *err);
/* The name under which descriptor number i of words->sockets is handed over; of an ARGV_TAP the caller adds the step that opens it (a
 * PLAN_HOST one that keeps the descriptor under this name) before plan_argv_add; the getfd is added here. On the heap. */
char *plan_argv_fd(const struct plan *p, size_t i);
/* what: for the steps' words, "disk vdb". */
int plan_argv_add(struct plan *p, const struct plan_in *in, const struct argv_out *words,
    const char *what, struct err *err);
/* Both. */
int plan_argv_device(struct plan *p, const struct plan_in *in, const struct domain *d,
    struct device_ref r, const char *what, struct err *err);

/* A wait for the guest's letting go of the device with QEMU's id, with advice; the step, for what is to be added to it. From the step
 * after it on there is no way back: what follows is plan_commit's. */
struct plan_step *plan_argv_unplug(struct plan *p, const char *id, const char *what);
/* What stays of a device that the guest has let go of: back ends, objects, block nodes, sets of descriptors; each may fail, and is told
 * then. The nodes of a disk are those that QEMU has now, when PLAN_ARGV_QUERIES are among the verb's queries: after snapshots they are
 * others than the command line's. */
#define PLAN_ARGV_QUERIES "query-block", "query-named-block-nodes", "x-debug-query-block-graph"
int plan_argv_remove(struct plan *p, const struct plan_in *in, const struct domain *d,
    struct device_ref r, struct err *err);
/* The nodes of an image that a drive has let go of: this one and what only it uses. */
void plan_argv_drop_nodes(struct plan *p, const struct plan_in *in, const char *top);

#endif
