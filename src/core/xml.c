#include "core/xml.h"

#include <libxml/parser.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"

#define QUOTED_MAX 200 /* bytes of a name or of libxml2's words in a message */

static void stop_at_doctype(void *ctx, const xmlChar *name, const xmlChar *id, const xmlChar *sys)
{
	(void)name, (void)id, (void)sys;
	xmlParserCtxt *parser = ctx;
	*(bool *)parser->_private = true;
	xmlStopParser(parser);
}

static void ignore_error(void *ctx, const char *msg, ...)
{
	(void)ctx, (void)msg;
}

static int set_parser_error(
    struct err *err, const char *file, const xmlParserCtxt *parser, bool doctype)
{
	const xmlError *last = xmlCtxtGetLastError((xmlParserCtxt *)parser);
	if (doctype)
		return err_set(err, ERR_INVALID,
		    "%s: <!DOCTYPE>: not accepted, a definition needs no document type or entities",
		    file);
	if (last == NULL || last->message == NULL)
		return err_set(err, ERR_INVALID, "%s: not an XML document", file);
	size_t n = strcspn(last->message, "\n");
	CLEANUP_FREE char *words = str_printable(last->message, n, QUOTED_MAX);
	return err_set(err, ERR_INVALID, "%s:%d: not well-formed XML: %s", file, last->line, words);
}

static int check_depth(const xmlNode *root, const char *file, struct err *err)
{
	unsigned depth = 1;
	for (const xmlNode *n = root; n != NULL;) {
		if (depth > XML_DEPTH_MAX)
			return xml_error(
			    err, ERR_INVALID, file, n, "nested more than %d deep", XML_DEPTH_MAX);
		if (xml_first(n) != NULL) {
			n = xml_first(n);
			depth++;
			continue;
		}
		while (n != root && xml_next(n) == NULL) {
			n = n->parent;
			depth--;
		}
		n = n == root ? NULL : xml_next(n);
	}
	return 0;
}

static int check_root(xmlDoc *doc, const char *file, const char *root_name, struct err *err)
{
	xmlNode *root = xmlDocGetRootElement(doc);
	if (root == NULL)
		return err_set(err, ERR_INVALID, "%s: no element in it", file);
	if (!xml_is(root, root_name))
		return xml_error(
		    err, ERR_INVALID, file, root, "a document with <%s> is wanted", root_name);
	return check_depth(root, file, err);
}

xmlDoc *xml_read(
    const char *text, size_t n, const char *file, const char *root_name, struct err *err)
{
	if (n > STORE_XML_MAX) {
		err_set(err, ERR_INVALID, "%s: %zu bytes, a definition has at most %u", file, n,
		    STORE_XML_MAX);
		return NULL;
	}
	xmlParserCtxt *parser = xmlNewParserCtxt();
	if (parser == NULL) {
		err_set(err, ERR_FAIL, "%s: out of memory", file);
		return NULL;
	}
	/* Conversion errors find their way to standard error past the parser's own handlers. */
	xmlSetGenericErrorFunc(NULL, ignore_error);
	bool doctype = false;
	parser->_private = &doctype;
	parser->sax->internalSubset = stop_at_doctype;
	parser->sax->error = ignore_error;
	parser->sax->warning = ignore_error;
	xmlDoc *doc = xmlCtxtReadMemory(parser, text, (int)n, NULL, NULL,
	    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA |
	        XML_PARSE_BIG_LINES);
	if (doc == NULL || doctype || !parser->wellFormed) {
		set_parser_error(err, file, parser, doctype);
		xmlFreeDoc(doc);
		doc = NULL;
	}
	xmlFreeParserCtxt(parser);
	if (doc != NULL && check_root(doc, file, root_name, err) < 0) {
		xmlFreeDoc(doc);
		return NULL;
	}
	return doc;
}

void cleanup_xml(xmlDoc **doc)
{
	xmlFreeDoc(*doc);
}

/* --- looking --- */
bool xml_is(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && node->ns == NULL &&
	       strcmp((const char *)node->name, name) == 0;
}

static xmlNode *element_from(xmlNode *node)
{
	while (node != NULL && node->type != XML_ELEMENT_NODE)
		node = node->next;
	return node;
}

xmlNode *xml_first(const xmlNode *node)
{
	return node != NULL ? element_from(node->children) : NULL;
}

xmlNode *xml_next(const xmlNode *node)
{
	return element_from(node->next);
}

xmlNode *xml_child(const xmlNode *node, const char *name)
{
	xmlNode *n = xml_first(node);
	while (n != NULL && !xml_is(n, name))
		n = xml_next(n);
	return n;
}

static char *own(xmlChar *s)
{
	char *copy = xstrdup0((const char *)s);
	xmlFree(s);
	return copy;
}

char *xml_attr(const xmlNode *node, const char *name)
{
	return node != NULL ? own(xmlGetNoNsProp(node, (const xmlChar *)name)) : NULL;
}

char *xml_text(const xmlNode *node)
{
	return node != NULL ? own(xmlNodeGetContent(node)) : NULL;
}

char *xml_child_text(const xmlNode *node, const char *name)
{
	return xml_text(xml_child(node, name));
}

char *xml_child_attr(const xmlNode *node, const char *child, const char *name)
{
	return xml_attr(xml_child(node, child), name);
}

int xml_error(struct err *err, enum err_code code, const char *file, const xmlNode *node,
    const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	CLEANUP_FREE char *words = xvasprintf(fmt, ap);
	va_end(ap);
	CLEANUP_FREE char *name =
	    str_printable((const char *)node->name, strlen((const char *)node->name), QUOTED_MAX);
	return err_set(
	    err, code, "%s:%ld: <%s>: %s", file, xmlGetLineNo((xmlNode *)node), name, words);
}

/* --- changing --- */
static void add_text(xmlNode *node, const char *text)
{
	xmlAddChild(node, xmlNewText((const xmlChar *)text));
}

static unsigned depth_of(const xmlNode *node)
{
	unsigned depth = 0;
	for (; node->parent != NULL && node->parent->type == XML_ELEMENT_NODE; node = node->parent)
		depth++;
	return depth;
}

xmlNode *xml_add_child(xmlNode *node, const char *name)
{
	unsigned depth = depth_of(node);
	xmlNode *last = node->last;
	/* The white space before the end tag gives way to ours. */
	if (last != NULL && xmlIsBlankNode(last)) {
		xmlUnlinkNode(last);
		xmlFreeNode(last);
	}
	CLEANUP_FREE char *before = xasprintf("\n%*s", (int)(depth + 1) * 2, "");
	CLEANUP_FREE char *after = xasprintf("\n%*s", (int)depth * 2, "");
	add_text(node, before);
	xmlNode *child = xmlNewChild(node, NULL, (const xmlChar *)name, NULL);
	/* xmlNewChild hands on its parent's namespace. */
	xmlSetNs(child, NULL);
	add_text(node, after);
	return child;
}

xmlNode *xml_add_after(xmlNode *node, xmlNode *after, const char *name)
{
	CLEANUP_FREE char *before = xasprintf("\n%*s", (int)(depth_of(node) + 1) * 2, "");
	xmlNode *child = xmlNewDocNode(node->doc, NULL, (const xmlChar *)name, NULL);
	xmlAddNextSibling(after, child);
	xmlAddNextSibling(after, xmlNewText((const xmlChar *)before));
	return child;
}

xmlNode *xml_need_child(xmlNode *node, const char *name)
{
	xmlNode *child = xml_child(node, name);
	return child != NULL ? child : xml_add_child(node, name);
}

xmlNode *xml_need_behind(xmlNode *node, const char *name, const char *const *behind)
{
	xmlNode *child = xml_child(node, name), *before = NULL;
	for (; *behind != NULL && before == NULL; behind++)
		before = xml_child(node, *behind);
	if (child != NULL)
		return child;
	return before != NULL ? xml_add_after(node, before, name) : xml_add_child(node, name);
}

void xml_remove(xmlNode *node)
{
	xmlNode *before = node->prev;
	if (before != NULL && xmlIsBlankNode(before)) {
		xmlUnlinkNode(before);
		xmlFreeNode(before);
	}
	xmlUnlinkNode(node);
	xmlFreeNode(node);
}

void xml_set_text(xmlNode *node, const char *text)
{
	xmlNodeSetContent(node, NULL);
	add_text(node, text);
}

/* Elements and comments, with white space at most between them. */
static bool holds_elements(const xmlNode *node)
{
	bool any = false;
	for (const xmlNode *n = node->children; n != NULL; n = n->next) {
		if (n->type == XML_TEXT_NODE && !xmlIsBlankNode(n))
			return false;
		any |= n->type == XML_ELEMENT_NODE;
	}
	return any;
}

static void drop_blanks(xmlNode *node)
{
	for (xmlNode *n = node->children, *next; n != NULL; n = next) {
		next = n->next;
		if (xmlIsBlankNode(n)) {
			xmlUnlinkNode(n);
			xmlFreeNode(n);
		}
	}
}

void xml_reindent(xmlNode *node)
{
	if (!holds_elements(node))
		return;
	drop_blanks(node);
	unsigned depth = depth_of(node);
	CLEANUP_FREE char *before = xasprintf("\n%*s", (int)(depth + 1) * 2, "");
	for (xmlNode *n = node->children, *next; n != NULL; n = next) {
		next = n->next;
		xmlAddPrevSibling(n, xmlNewText((const xmlChar *)before));
		if (n->type == XML_ELEMENT_NODE)
			xml_reindent(n);
	}
	before[strlen(before) - 2] = '\0';
	add_text(node, before);
}

void xml_set_attr(xmlNode *node, const char *name, const char *value)
{
	xmlSetProp(node, (const xmlChar *)name, (const xmlChar *)value);
}

char *xml_format(xmlDoc *doc, size_t *n)
{
	struct buf out = BUF_INIT;
	/* Without an encoding libxml2 writes character references for all beyond ASCII. */
	if (doc->encoding != NULL)
		xmlFree((xmlChar *)doc->encoding);
	doc->encoding = xmlStrdup((const xmlChar *)"UTF-8");
	for (xmlNode *node = doc->children; node != NULL; node = node->next) {
		xmlBuffer *b = xmlBufferCreate();
		xmlNodeDump(b, doc, node, 0, 0);
		buf_add(&out, xmlBufferContent(b), (size_t)xmlBufferLength(b));
		buf_addc(&out, '\n');
		xmlBufferFree(b);
	}
	*n = out.len;
	return buf_take(&out);
}
