/* vmlog: what was written down about one VM, as one story: who did what (audit.log), what the supervisor saw
 * (supervisor.log), what QEMU said (qemu.log), in the order of time. Owner: whoever called vmlog_read. */
#ifndef CORE_VMLOG_H
#define CORE_VMLOG_H

#include <stddef.h>

#include "core/err.h"
#include "core/home.h"
#include "core/timestamp.h"

#define VMLOG_TAIL_MAX (256u << 10) /* bytes that are read from the end of each file */
#define VMLOG_TEXT_MAX 4000         /* bytes of one line */

enum vmlog_source { VMLOG_AUDIT, VMLOG_SUPERVISOR, VMLOG_QEMU, VMLOG_SOURCES };

struct vmlog_line {
	char when
	    [TIMESTAMP_MAX]; /* as it stands in the file, UTC; "" before the first that has one */
	enum vmlog_source source;
	char *text; /* printable */
};

struct vmlog {
	struct vmlog_line *lines; /* oldest first */
	size_t n;
};

/* The last `tail` bytes of each file. Files that are not there have no lines; one that may not be read is the error
 * (the others are in *log nevertheless). */
int vmlog_read(
    const struct home *h, const char *name, size_t tail, struct vmlog *log, struct err *err);
void vmlog_fini(struct vmlog *log);
/* "audit", "hvmux", "qemu" */
const char *vmlog_source_name(enum vmlog_source s);

/* Pure: adds the lines of one file's text. cut: the text begins in the middle of a line, which is left out. A line that
 * does not begin with a time has that of the one before it. */
void vmlog_add(struct vmlog *log, enum vmlog_source source, const char *text, size_t n, int cut);
/* By time; lines of one file stay in their order. */
void vmlog_sort(struct vmlog *log);

#endif
