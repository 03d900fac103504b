/* plan_save: a running machine saved to a file, as libvirt writes them (core/save_image.h). The requests (plan_in.args):
 *
 *	save, managedsave   path; running (bool: how it goes on when it is restored; absent: as it is now), xml (the document to
 *	                    keep instead of the one that runs) */
#ifndef KVM_PLAN_SAVE_H
#define KVM_PLAN_SAVE_H

#include "kvm/plan_verbs.h"

/* Steps that write the machine's state into a new file at path. running: what the file says of how it goes on; xml: the document
 * in it, NULL the live one. The guest need not stand still: it does afterwards. */
void plan_save_add_memory(
    const struct plan_in *in, struct plan *p, const char *path, bool running, const char *xml);

#endif
