/* storage_xml: what the documents of pools and volumes have in common. */
#ifndef DISK_STORAGE_XML_H
#define DISK_STORAGE_XML_H

#include <libxml/tree.h>

#include "core/buf.h"
#include "core/err.h"
#include "disk/pool_def.h"

/* A line "<name>text</name>", indented; nothing when text is NULL. */
void storage_xml_text(struct buf *out, unsigned indent, const char *name, const char *text);
/* A line "<name attr='value'/>"; nothing when value is NULL. */
void storage_xml_attr(
    struct buf *out, unsigned indent, const char *name, const char *attr, const char *value);
/* " attr='value'" of an element that was begun; nothing when value is NULL. */
void storage_xml_add_attr(struct buf *out, const char *attr, const char *value);
/* <capacity>, <allocation> … in bytes. */
void storage_xml_bytes(struct buf *out, unsigned indent, const char *name, uint64_t bytes);
/* <permissions> with what is said of it; nothing when nothing is. */
void storage_xml_access(struct buf *out, unsigned indent, const struct storage_access *a);

/* The element itself, as it stands in the document. */
void storage_xml_copy(struct buf *out, unsigned indent, const xmlNode *node);

/* The child's number and unit; 0 (and *bytes untouched) when there is none. */
int storage_xml_size(
    const xmlNode *parent, const char *name, const char *file, uint64_t *bytes, struct err *err);
/* The child <permissions> of target. */
int storage_xml_read_access(
    const xmlNode *target, const char *file, struct storage_access *a, struct err *err);
void storage_access_fini(struct storage_access *a);
/* An absolute path without a NUL or a line end, repeated and trailing slashes taken out in place. */
int storage_path_clean(char *path);

#endif
