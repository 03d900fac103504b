/* plan_edit: documents of a plan changed as XML, for what struct domain does not put back into one. Pure. */
#ifndef KVM_PLAN_EDIT_H
#define KVM_PLAN_EDIT_H

#include <libxml/tree.h>

#include "kvm/plan_verbs.h"

/* d's document after fn has changed it (root: <domain>); on the heap. What comes out is read once as a definition: what fn has made
 * impossible is the error, file names it. */
char *plan_edit(const struct domain *d, const char *file, void (*fn)(void *arg, xmlNode *root),
    void *arg, struct err *err);
/* plan_add_documents by text; either may be NULL, and one that is the same as before adds nothing. */
void plan_add_texts(struct plan *p, const struct plan_in *in, const char *live, const char *config);
/* A number of KiB as the text of a child of this name, unit='KiB'. */
void plan_edit_kib(xmlNode *parent, const char *name, uint64_t kib);

#endif
