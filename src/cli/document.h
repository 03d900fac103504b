/* document: XML that a command line names, and XML that is printed. */
#ifndef CLI_DOCUMENT_H
#define CLI_DOCUMENT_H

#include <stdbool.h>

#include "cli/dispatch.h"
#include "core/buf.h"
#include "core/err.h"

/* A file, "-" or /dev/stdin, or a shell's <(…); at most STORE_XML_MAX bytes. */
int document_read(const char *path, struct buf *out, struct err *err);
/* How messages call it: "standard input" for "-". */
const char *document_shown(const char *path);
/* xpath NULL: all of it; else the nodes that it finds, each by itself or, wrap, in a <nodes> element: virsh's --xpath and
 * --wrap. */
int document_print(
    const char *xml, size_t n, const char *root, const char *xpath, bool wrap, struct err *err);

#endif
