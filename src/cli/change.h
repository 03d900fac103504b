/* change: one change to a domain's document: the stored one, a running domain's, or both; under the store's lock, checked,
 * written whole, and in the audit log. */
#ifndef CLI_CHANGE_H
#define CLI_CHANGE_H

#include <stddef.h>

#include "cli/dispatch.h"
#include "core/buf.h"
#include "core/err.h"
#include "core/vm.h"

enum { CHANGE_CONFIG = 1, CHANGE_LIVE = 2 };

/* From the verb's options --live, --config and --current, in virsh's sense with one difference: without any of them a
 * running domain's definition is changed, too, so that nothing is lost at its next start. 0 on failure. */
unsigned change_where(const struct cli *c, const struct vm *vm, struct err *err);

/* The new document on the heap and its length; NULL on failure. file names it in messages. */
typedef char *(*change_fn)(
    void *arg, const char *xml, size_t n, const char *file, size_t *out_n, struct err *err);
/* where: of change_where. what: the verb, for the audit log. 1 changed, 0 it was so already, -1. */
int change_domain(struct cli *c, const char *name, unsigned where, const char *what, change_fn fn,
    void *arg, struct err *err);
/* The document that a reading verb looks at: the running domain's where CHANGE_LIVE is among `where`. */
int change_read(
    const struct home *h, const char *name, unsigned where, struct buf *xml, struct err *err);

#endif
