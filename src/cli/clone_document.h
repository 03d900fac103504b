/* clone_document: a domain's document made into that of its clone: another name, no uuid and no MAC addresses (definitions_prepare
 * gives them), its own disks and firmware variables; and nothing that two domains cannot have at the same time. Pure. */
#ifndef CLI_CLONE_DOCUMENT_H
#define CLI_CLONE_DOCUMENT_H

#include "cli/clone_plan.h"
#include "core/buf.h"

struct clone_identity {
	const char *name;
	const char *uuid;        /* NULL: a new one */
	const char *const *macs; /* of the first interfaces; the others get new ones */
	unsigned n_macs;
	const char *nvram; /* path; NULL: the document does not say where they are */
};

/* The document on the heap and its length; what it leaves to the operator is told in notes, a sentence a line. NULL on failure. */
char *clone_document(const char *xml, size_t n, const char *file, const struct clone_plan *p,
    const struct clone_identity *id, size_t *out_n, struct buf *notes, struct err *err);

#endif
