/* plan_tree: a builder changes documents: the live one, the definition, or both, as trees, and adds the steps that write them
 * down. Elements and comments that nobody here knows stay as they are. Owner: the builder's stack; plan_tree_fini. */
#ifndef KVM_PLAN_TREE_H
#define KVM_PLAN_TREE_H

#include <libxml/tree.h>

#include "kvm/plan_verbs.h"

struct plan_tree {
	const struct domain *was; /* NULL: this document is not to be changed */
	xmlDoc *doc;
	xmlNode *root, *devices;
};

/* d NULL: nothing is opened, and the other calls do nothing. */
int plan_tree_open(struct plan_tree *e, const struct domain *d, struct err *err);
void plan_tree_fini(struct plan_tree *e);
/* The element of <devices> of that number, from 1; NULL none. */
xmlNode *plan_tree_element(const struct plan_tree *e, unsigned element);
/* A child's attribute; NULL takes it away. Children that end up with nothing to say go. */
void plan_tree_attr(xmlNode *device, const char *child, const char *attr, const char *value);
/* The changed document read back and checked: *out for domain_fini. 0 without a document, with *out empty. */
int plan_tree_read(const struct plan_tree *e, struct domain *out, struct err *err);
/* Steps that write down what has changed; either may be without a document. */
int plan_tree_add(struct plan *p, const struct plan_in *in, const struct plan_tree *live,
    const struct plan_tree *config, struct err *err);

#endif
