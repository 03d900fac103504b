#include "disk/storage_xml.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/units.h"
#include "core/xml.h"

/* --- writing --- */
static void add_escaped(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '<':
			buf_adds(out, "&lt;");
			break;
		case '>':
			buf_adds(out, "&gt;");
			break;
		case '&':
			buf_adds(out, "&amp;");
			break;
		case '\'':
			buf_adds(out, "&apos;");
			break;
		case '"':
			buf_adds(out, "&quot;");
			break;
		case '\n':
		case '\r':
		case '\t':
			buf_addf(out, "&#%d;", *text);
			break;
		default:
			buf_addc(out, *text);
		}
	}
}

void storage_xml_text(struct buf *out, unsigned indent, const char *name, const char *text)
{
	if (text == NULL)
		return;
	buf_addf(out, "%*s<%s>", (int)indent, "", name);
	add_escaped(out, text);
	buf_addf(out, "</%s>\n", name);
}

void storage_xml_add_attr(struct buf *out, const char *attr, const char *value)
{
	if (value == NULL)
		return;
	buf_addf(out, " %s='", attr);
	add_escaped(out, value);
	buf_addc(out, '\'');
}

void storage_xml_attr(
    struct buf *out, unsigned indent, const char *name, const char *attr, const char *value)
{
	if (value == NULL)
		return;
	buf_addf(out, "%*s<%s", (int)indent, "", name);
	storage_xml_add_attr(out, attr, value);
	buf_adds(out, "/>\n");
}

void storage_xml_bytes(struct buf *out, unsigned indent, const char *name, uint64_t bytes)
{
	buf_addf(out, "%*s<%s unit='bytes'>%llu</%s>\n", (int)indent, "", name,
	    (unsigned long long)bytes, name);
}

void storage_xml_access(struct buf *out, unsigned indent, const struct storage_access *a)
{
	int in = (int)indent;
	if (a->mode < 0 && a->owner < 0 && a->group < 0 && a->label == NULL)
		return;
	buf_addf(out, "%*s<permissions>\n", in, "");
	if (a->mode >= 0)
		buf_addf(out, "%*s<mode>0%lo</mode>\n", in + 2, "", (unsigned long)a->mode);
	if (a->owner >= 0)
		buf_addf(out, "%*s<owner>%ld</owner>\n", in + 2, "", a->owner);
	if (a->group >= 0)
		buf_addf(out, "%*s<group>%ld</group>\n", in + 2, "", a->group);
	storage_xml_text(out, indent + 2, "label", a->label);
	buf_addf(out, "%*s</permissions>\n", in, "");
}

void storage_xml_copy(struct buf *out, unsigned indent, const xmlNode *node)
{
	xmlBuffer *text = xmlBufferCreate();
	if (text != NULL && xmlNodeDump(text, node->doc, (xmlNode *)node, 1, 0) > 0) {
		buf_addf(out, "%*s", (int)indent, "");
		buf_add(out, xmlBufferContent(text), (size_t)xmlBufferLength(text));
		buf_addc(out, '\n');
	}
	xmlBufferFree(text);
}

/* --- reading --- */
int storage_xml_size(
    const xmlNode *parent, const char *name, const char *file, uint64_t *bytes, struct err *err)
{
	struct err why = {0};
	const xmlNode *node = xml_child(parent, name);
	if (node == NULL)
		return 0;
	CLEANUP_FREE char *number = xml_text(node), *unit = xml_attr(node, "unit");
	if (units_bytes(number, unit, 1, INT64_MAX, bytes, &why) < 0)
		return xml_error(err, ERR_INVALID, file, node, "%s", why.msg);
	return 0;
}

/* -1 is what libvirt writes for "as it comes". */
static int read_number(const xmlNode *parent, const char *name, const char *file, bool octal,
    long *out, struct err *err)
{
	const xmlNode *node = xml_child(parent, name);
	if (node == NULL)
		return 0;
	char *end;
	CLEANUP_FREE char *text = xml_text(node);
	unsigned long limit = octal ? 07777 : UINT32_MAX - 1ul;
	if (str_eq(text, "-1"))
		return 0;
	unsigned long v = strtoul(text, &end, octal ? 8 : 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || v > limit)
		return xml_error(err, ERR_INVALID, file, node,
		    octal ? "an octal mode up to 7777 is wanted"
		          : "a user's or group's number is wanted");
	*out = (long)v;
	return 0;
}

int storage_xml_read_access(
    const xmlNode *target, const char *file, struct storage_access *a, struct err *err)
{
	const xmlNode *p = target != NULL ? xml_child(target, "permissions") : NULL;
	if (p == NULL)
		return 0;
	if (read_number(p, "mode", file, true, &a->mode, err) < 0 ||
	    read_number(p, "owner", file, false, &a->owner, err) < 0 ||
	    read_number(p, "group", file, false, &a->group, err) < 0)
		return -1;
	free(a->label);
	a->label = xml_child_text(p, "label");
	return 0;
}

void storage_access_fini(struct storage_access *a)
{
	free(a->label);
	*a = STORAGE_ACCESS_NONE;
}

int storage_path_clean(char *path)
{
	char *to = path;
	if (path[0] != '/' || strpbrk(path, "\n\r") != NULL)
		return -1;
	for (const char *from = path; *from != '\0'; from++)
		if (*from != '/' || from[1] != '/')
			*to++ = *from;
	if (to > path + 1 && to[-1] == '/')
		to--;
	*to = '\0';
	return 0;
}
