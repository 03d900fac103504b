/* restore: how a domain is to be started other than from its power button: from the file of a saved machine, or from a
 * snapshot inside of its images. The command leaves the wish as run/NAME/restore.json right before it starts the supervisor,
 * which keeps it there until the guest runs: one that is killed half-way is followed by one that knows. A managed save
 * (data/save/NAME.save) needs no wish: a start finds it. Owner: whoever called restore_read or filled it. */
#ifndef KVM_RESTORE_H
#define KVM_RESTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/home.h"

struct restore {
	char *path;   /* of the saved machine; NULL: a snapshot inside of the images */
	bool managed; /* it is the managed save: gone when the guest runs */
	char *tag;    /* of the snapshot, as the images call it */
	char *
	    *disks;  /* targets that are set back, the one with the memory first; NULL-terminated */
	char *xml;   /* the document to run with; NULL: the saved one */
	int running; /* 1 the guest goes on, 0 it is paused, -1 as it was */
	bool from_snapshot; /* said of the machine: "from snapshot", not "restored" */
};

void restore_fini(struct restore *r);
int restore_write(const struct home *h, const char *name, const struct restore *r, struct err *err);
/* ERR_NOT_FOUND: there is no wish. */
int restore_read(const struct home *h, const char *name, struct restore *r, struct err *err);
uint64_t restore_age_s(const struct home *h, const char *name); /* of the wish; 0 there is none */
void restore_forget(const struct home *h, const char *name);
bool restore_is_managed(const struct home *h, const char *name);    /* is there one? */
char *restore_managed_path(const struct home *h, const char *name); /* on the heap */

#endif
