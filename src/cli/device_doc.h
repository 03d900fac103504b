/* device_doc: a domain's document, looked at for a device before a verb changes it; one device's element as virsh prints it. Owner: the
 * verb's stack; device_doc_fini in every case. */
#ifndef CLI_DEVICE_DOC_H
#define CLI_DEVICE_DOC_H

#include <libxml/tree.h>

#include "cli/dispatch.h"
#include "core/domain.h"

struct device_doc {
	char *name; /* of the domain */
	bool running;
	struct domain d; /* that runs, unless the definition was asked for */
};

/* Of the verb's option "domain". */
int device_doc_open(struct cli *c, bool config, struct device_doc *doc, struct err *err);
/* The same for a verb that only shows: --config the definition, else what runs; ERR_STATE for --live of one that is off. */
int device_doc_open_shown(struct cli *c, struct device_doc *doc, struct err *err);
void device_doc_fini(struct device_doc *doc);
/* The element of <devices> of that number, changed by `edit` (NULL: as it is), on standard output. */
int device_doc_print(const struct device_doc *doc, unsigned element,
    void (*edit)(void *arg, xmlNode *device), void *arg, struct err *err);
/* The same as text on the heap. */
char *device_doc_text(const struct device_doc *doc, unsigned element,
    void (*edit)(void *arg, xmlNode *device), void *arg, struct err *err);

#endif
