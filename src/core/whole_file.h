/* whole_file: a large file that is written piece by piece and has no name until it is whole: whatever ends the program before,
 * a full disk or kill -9, leaves nothing behind, and an older file of the name as it was. On file systems that cannot do that
 * (no O_TMPFILE: NFS, FAT) a temporary name is removed again, by us if we live. Owner: whoever opened it, on the stack. */
#ifndef CORE_WHOLE_FILE_H
#define CORE_WHOLE_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/err.h"

struct whole_file {
	int fd;     /* for writing and reading */
	char *path; /* what it will be */
	char *temp; /* its present name; NULL: it has none */
	bool
	    fresh; /* to be set after opening: it never replaces what has the name by then (ERR_EXISTS) */
};

int whole_file_open(struct whole_file *f, const char *path, mode_t mode, struct err *err);
/* Synced, and given its name. */
int whole_file_keep(struct whole_file *f, struct err *err);
/* Given its name at once: what a power cut leaves of it is the file system's affair. */
int whole_file_name(struct whole_file *f, struct err *err);
/* Always; what was not kept is gone. */
void whole_file_close(struct whole_file *f);

#endif
