/* plan_fragment: the XML of one device, as attach-device and detach-device get it: put into a document, or found in one. Pure.
 * Owner: the builder's stack; plan_fragment_fini. */
#ifndef KVM_PLAN_FRAGMENT_H
#define KVM_PLAN_FRAGMENT_H

#include "kvm/plan_tree.h"

struct plan_fragment {
	const char *file; /* that messages name; borrowed */
	char *text;
	xmlDoc *doc;
	xmlNode *device;
};

int plan_fragment_read(struct plan_fragment *f, const char *xml, const char *file, struct err *err);
void plan_fragment_fini(struct plan_fragment *f);
/* Is it a device that d can have? Checked as a definition is, with the fragment's own lines in the words. */
int plan_fragment_check(const struct plan_fragment *f, const struct domain *d, struct err *err);
/* As the only device of a domain of that name; *d is the caller's, on failure empty. */
int plan_fragment_alone(
    const struct plan_fragment *f, const char *name, struct domain *d, struct err *err);
/* At the end of <devices>; an alias that is not an operator's own goes. The element's number. */
unsigned plan_fragment_graft(const struct plan_fragment *f, struct plan_tree *t);
/* The number of the element that it describes: a disk by its target, an interface by its MAC address, others by all that it says.
 * ERR_NOT_FOUND; ERR_INVALID: there are several. where: "in the running domain". */
int plan_fragment_find(const struct plan_fragment *f, const struct plan_tree *t, const char *where,
    unsigned *element, struct err *err);

#endif
