/* plan_update: changes of devices that stay, for the builders of plan_net.c and plan_update*.c. Each adds its steps to *p, the documents
 * among them. */
#ifndef KVM_PLAN_UPDATE_H
#define KVM_PLAN_UPDATE_H

#include "kvm/plan_tree.h"

#define PLAN_NO_DEVICE SIZE_MAX

/* Both documents of a request, opened as in->where asks, and a device's number in each; PLAN_NO_DEVICE: not in that one. Owner: the
 * builder's stack. */
struct plan_pair {
	struct plan_tree live, config;
	size_t in_live, in_config;
};
void plan_pair_fini(struct plan_pair *q);
/* An interface by its name on the host, its MAC address or its alias; in the definition by the MAC address that it has in the live document.
 * ERR_NOT_FOUND where it is missing in a document that is to be changed. */
int plan_pair_net(struct plan_pair *q, const struct plan_in *in, const char *word, struct err *err);
/* A disk by its target or the path of its image. */
int plan_pair_disk(
    struct plan_pair *q, const struct plan_in *in, const char *word, struct err *err);
/* plan_tree_add of both. */
int plan_pair_add(
    struct plan *p, const struct plan_in *in, const struct plan_pair *q, struct err *err);

/* What QEMU knows a disk's drive by: its "qdev", and what query-block tells of it. NULL: it is not known. Borrowed. */
struct json_object *plan_drive(const struct plan_in *in, size_t disk);
/* Both members of a builder's args, or an error that names the missing one. */
const char *plan_arg(const struct plan_in *in, const char *key, struct err *err);

/* plan_iotune.c: the limits of disk i of in->live become t. */
int plan_build_iotune(const struct plan_in *in, struct plan *p, struct err *err);
int plan_iotune_live(struct plan *p, const struct plan_in *in, size_t i,
    const struct disk_iotune *t, struct err *err);
/* plan_net.c */
int plan_net_link(struct plan *p, const struct domain *d, size_t i, bool up, struct err *err);
/* plan_rates.c: how much goes over an interface. */
int plan_net_rates(
    struct plan *p, const struct domain_net *was, const struct domain_net *now, struct err *err);
int plan_build_rates(const struct plan_in *in, struct plan *p, struct err *err);
/* plan_display.c */
int plan_display_password(
    struct plan *p, const struct domain_dev *was, const struct domain_dev *now, struct err *err);
/* plan_medium.c: what is in the drive of disk i becomes what `next` says; behind the documents' steps the old medium is
 * let go of. */
int plan_medium(
    const struct plan_in *in, struct plan *p, struct domain *next, size_t i, struct err *err);
void plan_medium_drop(const struct plan_in *in, struct plan *p, size_t i);
/* plan_update_device.c */
int plan_build_update(const struct plan_in *in, struct plan *p, struct err *err);

#endif
