/* plan_net: the host's end of an interface in a plan, around the steps of kvm/plan_argv.h for its card:
 *
 *	look:   plan_net_look(in, facts, err)             the bridge is there, a name for the tap, vhost: the fact "net"
 *	build:  plan_net_resolve(in, d, i)                … into d, before its words are made and its document is written
 *	        plan_net_plug(p, in, d, i, what, err)     steps: the tap, the card, its cable, its limits
 *	unplug: plan_net_close(p, d, i)                   behind plan_argv_remove: what does not go with QEMU's descriptor */
#ifndef KVM_PLAN_NET_H
#define KVM_PLAN_NET_H

#include "kvm/argv.h"
#include "kvm/plan_verbs.h"

/* Of a request whose member "xml" is an <interface>; nothing for others. */
int plan_net_look(const struct plan_in *in, struct json_object *facts, struct err *err);
void plan_net_resolve(const struct plan_in *in, struct domain *d, size_t i);
int plan_net_plug(struct plan *p, const struct plan_in *in, const struct domain *d, size_t i,
    const char *what, struct err *err);
void plan_net_close(struct plan *p, const struct domain *d, size_t i);

#endif
