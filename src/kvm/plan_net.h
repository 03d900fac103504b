/* plan_net: the host's end of an interface in a plan, around the steps of kvm/plan_argv.h for its card:
 *
 *	look:   plan_net_look(in, &net, facts, err)       the bridge is there, a name for the tap, vhost: the fact "net"
 *	build:  plan_net_resolve(in, d, i)                … into d, before its words are made and its document is written
 *	        plan_argv_words(in, d, ref, &words, err)
 *	        plan_net_open(p, d, i, &words)            steps that open the tap; plan_argv_add hands it over
 *	        plan_argv_add(p, in, &words, what, err)
 *	unplug: plan_net_close(p, d, i)                   behind plan_argv_remove: what does not go with QEMU's descriptor
 *
 * All of them do nothing for an interface without such an end. */
#ifndef KVM_PLAN_NET_H
#define KVM_PLAN_NET_H

#include "kvm/argv.h"
#include "kvm/plan_verbs.h"

int plan_net_look(const struct plan_in *in, const struct domain_net *net, struct json_object *facts,
    struct err *err);
void plan_net_resolve(const struct plan_in *in, struct domain *d, size_t i);
void plan_net_open(struct plan *p, const struct domain *d, size_t i, const struct argv_out *words);
void plan_net_close(struct plan *p, const struct domain *d, size_t i);

#endif
