/* xml: reading XML documents that anybody may have written, and finding things in them. Nothing
 * outside of the document is ever opened: no network, no DTD, no entities of its own. */
#ifndef CORE_XML_H
#define CORE_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <libxml/tree.h>

#include "core/err.h"

#define XML_DEPTH_MAX 64 /* nested elements; libvirt's own documents stay under 12 */

/* n bytes, at most STORE_XML_MAX. file names the document in messages. The result is for
 * xmlFreeDoc. The root must be <root_name>. */
xmlDoc *xml_read(
    const char *text, size_t n, const char *file, const char *root_name, struct err *err);
void cleanup_xml(xmlDoc **doc);
#define CLEANUP_XML CLEANUP(cleanup_xml)

/* Elements of no namespace. NULL node is allowed and has nothing. */
xmlNode *xml_child(const xmlNode *node, const char *name); /* first child of this name */
xmlNode *xml_first(const xmlNode *node);                   /* first child element of any name */
xmlNode *xml_next(const xmlNode *node);                    /* next sibling element */
bool xml_is(const xmlNode *node, const char *name);
/* On the heap; NULL when absent. */
char *xml_attr(const xmlNode *node, const char *name);
char *xml_text(const xmlNode *node); /* all text inside, NULL without node */
char *xml_child_text(const xmlNode *node, const char *name); /* NULL: no such child */
char *xml_child_attr(const xmlNode *node, const char *child, const char *name);

/* "file:line: <element>: …" with the words given; returns -1. */
int xml_error(struct err *err, enum err_code code, const char *file, const xmlNode *node,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* --- changing --- */
/* The child of this name, made (and indented like its siblings) when absent. */
xmlNode *xml_need_child(xmlNode *node, const char *name);
/* Appends a new, empty, indented element. */
xmlNode *xml_add_child(xmlNode *node, const char *name);
/* The same, but as the next element after `after`, a child of node. */
xmlNode *xml_add_after(xmlNode *node, xmlNode *after, const char *name);
/* The child of this name; an absent one is made behind the first of these elements that there is, else at the end. */
xmlNode *xml_need_behind(xmlNode *node, const char *name, const char *const *behind);
/* Removes an element and the white space before it. */
void xml_remove(xmlNode *node);
void xml_set_text(xmlNode *node, const char *text);
/* Elements that hold elements alone get their white space anew, two blanks per level from this one on. */
void xml_reindent(xmlNode *node);
void xml_set_attr(xmlNode *node, const char *name, const char *value);
/* As text on the heap: no XML declaration, comments beside the root kept, ends in a newline. */
char *xml_format(xmlDoc *doc, size_t *n);

#endif
