/* facts: what several verbs tell about a VM, in virsh's words and numbers and in JSON's keys (doc/json.md). */
#ifndef CLI_FACTS_H
#define CLI_FACTS_H

#include <json-c/json.h>

#include "core/domain.h"
#include "core/domain_meta.h"
#include "core/err.h"
#include "core/home.h"
#include "core/vm.h"

/* libvirt's numbers: virDomainState, and the reason's number within that state. */
unsigned facts_virsh_state(const struct vm *vm);
unsigned facts_virsh_reason(const struct vm *vm);
/* VM_REASON_* of the page; unknown without one, lost for what ended unseen. */
enum vm_reason facts_reason(const struct vm *vm);

/* The definition, parsed leniently; domain_fini. An inactive VM's facts come from here, a live one's from its page. */
int facts_definition(const struct home *h, const char *name, struct domain *d, struct err *err);
/* What hvmux keeps in its document: of the definition, or of a domain that runs without one. domain_meta_fini in every case:
 * on failure *m holds what could be read. */
int facts_meta(const struct home *h, const char *name, struct domain_meta *m, struct err *err);

/* The four filters that list and domstats share; none of them set lets all pass. */
struct facts_filter {
	bool running, paused, shutoff, other; /* by state */
	bool persistent, transient;
};
bool facts_pass(const struct facts_filter *f, const struct vm *vm);
/* virsh's order: active ones by id, then the others by name. */
void facts_sort(struct vm *vms, size_t n);

/* name, id, state, reason, detail, answering, persistent, into o. */
void facts_add_json(struct json_object *o, const struct vm *vm);

/* tags, group, protected, into o. */
void facts_add_meta_json(struct json_object *o, const struct domain_meta *m);
/* start_order, start_after, start_delay_s, stop_timeout_s: 0 and none where it is not said. */
void facts_add_order_json(struct json_object *o, const struct domain_meta *m);

#endif
