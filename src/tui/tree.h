/* tree: the list's rows with the domains' groups as folders over them. Pure. Owner: the model; folder entries live as
 * long as it, so that what is folded stays folded. */
#ifndef TUI_TREE_H
#define TUI_TREE_H

#include "tui/model.h"

struct tree;

struct tree *tree_new(void);
void tree_free(struct tree *t);
/* vms in the order wanted within a group. rows has room for 2 * n + the folders there were; use tree_room. Groups in the
 * order of their names, a group's own domains before its subgroups, those of no group last. unfold: as if
 * nothing were folded (what was looked for must be seen). Returns the rows' number. */
size_t tree_room(const struct tree *t, struct vm_entry *const *vms, unsigned n);
unsigned tree_build(
    struct tree *t, struct vm_entry **vms, unsigned n, bool unfold, struct vm_entry **rows);
/* The folder of this name ("prod/web/"), NULL none. */
struct vm_entry *tree_find(const struct tree *t, const char *name);

#endif
