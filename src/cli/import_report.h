/* import_report: what an import made of each thing, and that as tables and JSON. Owner of a report:
 * verb_import, on its stack. */
#ifndef CLI_IMPORT_REPORT_H
#define CLI_IMPORT_REPORT_H

#include "cli/dispatch.h"
#include "core/domain.h"
#include "core/import.h"

enum import_fate {
	FATE_FAILED,   /* the notes say why */
	FATE_IMPORTED, /* or would be, in a dry run */
	FATE_REPLACED,
	FATE_HERE, /* was here already */
};

struct import_vm {
	const struct import_file *file;
	char *name; /* the file's while the document does not tell */
	char uuid[37];
	bool parsed; /* d counts */
	struct domain d;
	enum import_fate fate;
	struct import_notes notes;
	unsigned snapshots; /* taken over or here */
};

struct import_thing { /* a network, a storage pool */
	const struct import_file *file;
	enum import_fate fate;
	char *words;
};

struct import_report {
	const struct import_tree *tree;
	bool dry_run;
	struct import_vm *vms;
	size_t n_vms;
	struct import_thing *things;
	size_t n_things;
	bool failed; /* anything at all */
};

void import_report_print(struct cli *c, const struct import_report *r);
void import_report_fini(struct import_report *r);

#endif
