/* dump_files: the memory of crashed guests in data/dump, ID-NAME-DATE-TIME each (kvm/supervisor_dump.c): a guest that crashes
 * and is started again, again and again, must not fill the disk with them. */
#ifndef KVM_DUMP_FILES_H
#define KVM_DUMP_FILES_H

#include <stdbool.h>

/* Is it a dump of this domain? By its whole name: "1-web-2026-11-21-10:48:00" is none of a domain "we". */
bool dump_files_match(const char *file, const char *name);
/* Removes that domain's dumps but for the `keep` newest, and tells in the log which. */
void dump_files_prune(const char *folder, const char *name, unsigned keep);

#endif
