#include "cli/document.h"

#include <errno.h>
#include <fcntl.h>
#include <libxml/xpath.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "core/xml.h"

static bool is_input(const char *path)
{
	return str_eq(path, "-") || str_eq(path, "/dev/stdin");
}

const char *document_shown(const char *path)
{
	return is_input(path) ? "standard input" : path;
}

static int read_stream(int fd, const char *shown, struct buf *out, struct err *err)
{
	for (;;) {
		char *to = buf_reserve(out, 65536);
		ssize_t n = read(fd, to, 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "cannot read '%s'", shown);
		if (n == 0)
			return 0;
		out->len += (size_t)n;
		if (out->len > STORE_XML_MAX)
			return err_set(
			    err, ERR_INVALID, "'%s' is larger than %u bytes", shown, STORE_XML_MAX);
	}
}

/* A shell's <(…) is a pipe, and is read as one; of what is no file at all (a folder, a disk) file_read says so. */
int document_read(const char *path, struct buf *out, struct err *err)
{
	struct stat st;
	if (is_input(path))
		return read_stream(STDIN_FILENO, document_shown(path), out, err);
	if (stat(path, &st) < 0 || !S_ISFIFO(st.st_mode))
		return file_read(path, STORE_XML_MAX, out, err);
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno, "cannot read '%s'", path);
	return read_stream(fd, path, out, err);
}

/* --- printing --- */
static void print_node(xmlDoc *doc, xmlNode *node, const char *indent)
{
	xmlBuffer *text = xmlBufferCreate();
	if (text != NULL && xmlNodeDump(text, doc, node, indent[0] != '\0' ? 1 : 0, 1) >= 0)
		printf("%s%s\n", indent, (const char *)xmlBufferContent(text));
	xmlBufferFree(text);
}

static int print_found(
    xmlDoc *doc, const xmlXPathObject *found, const char *xpath, bool wrap, struct err *err)
{
	const xmlNodeSet *set = found->type == XPATH_NODESET ? found->nodesetval : NULL;
	if (found->type == XPATH_STRING || found->type == XPATH_NUMBER ||
	    found->type == XPATH_BOOLEAN) {
		xmlChar *text = xmlXPathCastToString((xmlXPathObject *)found);
		puts((const char *)text);
		xmlFree(text);
		return 0;
	}
	if (set == NULL || set->nodeNr == 0)
		return err_set(err, ERR_NOT_FOUND, "XPath '%s' finds nothing", xpath);
	if (wrap)
		puts("<nodes>");
	for (int i = 0; i < set->nodeNr; i++)
		print_node(doc, set->nodeTab[i], wrap ? "  " : "");
	if (wrap)
		puts("</nodes>");
	return 0;
}

static void say_nothing(void *arg, const char *fmt, ...)
{
	(void)arg, (void)fmt;
}

int document_print(
    const char *xml, size_t n, const char *root, const char *xpath, bool wrap, struct err *err)
{
	if (xpath == NULL) {
		fwrite(xml, 1, n, stdout);
		return 0;
	}
	CLEANUP_XML xmlDoc *doc = xml_read(xml, n, root, root, err);
	if (doc == NULL)
		return -1;
	xmlSetGenericErrorFunc(NULL, say_nothing);
	xmlXPathContext *context = xmlXPathNewContext(doc);
	xmlXPathObject *found =
	    context != NULL ? xmlXPathEval((const xmlChar *)xpath, context) : NULL;
	int rc = found != NULL ? print_found(doc, found, xpath, wrap, err)
	                       : err_set(err, ERR_INVALID, "'%s' is no XPath expression", xpath);
	xmlXPathFreeObject(found);
	xmlXPathFreeContext(context);
	return rc;
}
