#include "kvm/plan_fragment.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/domain_alias.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/xml.h"

/* --- reading --- */

/* Blanks in the place of what is between from and to, so that lines stay lines. */
static void blank(char *from, const char *to)
{
	for (; from < to; from++)
		if (*from != '\n')
			*from = ' ';
}

int plan_fragment_read(struct plan_fragment *f, const char *xml, const char *file, struct err *err)
{
	*f = (struct plan_fragment){.file = file, .text = xstrdup(xml)};
	char *head = f->text + strspn(f->text, " \t\r\n");
	char *end = str_prefix(head, "<?xml") ? strstr(head, "?>") : NULL;
	if (end != NULL)
		blank(head, end + 2);
	CLEANUP_FREE char *whole = xasprintf("<devices>%s\n</devices>", f->text);
	f->doc = xml_read(whole, strlen(whole), file, "devices", err);
	if (f->doc == NULL)
		return -1;
	f->device = xml_first(xmlDocGetRootElement(f->doc));
	if (f->device == NULL)
		return err_set(err, ERR_INVALID, "%s: there is no device in it", file);
	if (xml_next(f->device) != NULL)
		return xml_error(err, ERR_INVALID, file, xml_next(f->device),
		    "one device at a time: this is the second");
	return 0;
}

void plan_fragment_fini(struct plan_fragment *f)
{
	free(f->text);
	cleanup_xml(&f->doc);
	*f = (struct plan_fragment){0};
}

/* --- checking --- */

/* Where devices end in a document; NULL: it has an empty <devices/>. */
static char *last_devices(char *text)
{
	char *at = NULL;
	for (char *next = text; (next = strstr(next, "</devices>")) != NULL; next++)
		at = next;
	return at;
}

/* The document is made one line, so that an error's line is the fragment's. */
static char *with_fragment(const struct plan_fragment *f, const struct domain *d, struct err *err)
{
	CLEANUP_FREE char *text = xstrndup(d->source, d->source_len);
	char *at = last_devices(text);
	if (at == NULL) {
		err_set(err, ERR_INVALID, "domain '%s' has no <devices> to add to", d->name);
		return NULL;
	}
	for (char *s = text; *s != '\0'; s++)
		if (*s == '\n' || *s == '\r')
			*s = ' ';
	return xasprintf("%.*s%s%s", (int)(at - text), text, f->text, at);
}

int plan_fragment_check(const struct plan_fragment *f, const struct domain *d, struct err *err)
{
	struct domain with;
	struct device_ref r;
	CLEANUP_FREE char *text = with_fragment(f, d, err);
	if (text == NULL || domain_parse(text, strlen(text), f->file,
	                        d->live ? DOMAIN_PARSE_LIVE : 0u, &with, NULL, err) < 0)
		return -1;
	unsigned n = 0;
	CLEANUP_XML xmlDoc *doc = xml_read(text, strlen(text), f->file, "domain", NULL);
	xmlNode *devices = xml_child(xmlDocGetRootElement(doc), "devices");
	for (xmlNode *e = xml_first(devices); e != NULL; e = xml_next(e))
		n++;
	bool there = device_by_element(&with, n, &r);
	domain_fini(&with);
	return there ? 0
	             : xml_error(err, ERR_UNSUPPORTED, f->file, f->device,
	                   "is no device that can be attached");
}

int plan_fragment_alone(
    const struct plan_fragment *f, const char *name, struct domain *d, struct err *err)
{
	CLEANUP_FREE char *doc = xasprintf(
	    "<domain type='kvm'><name>%s</name><memory>65536</memory><os><type>hvm</type></os>"
	    "<devices>%s</devices></domain>",
	    name, f->text);
	*d = (struct domain){0};
	return domain_parse(doc, strlen(doc), f->file, DOMAIN_PARSE_LENIENT, d, NULL, err);
}

/* --- putting in --- */

static void drop_alias(xmlNode *device)
{
	xmlNode *alias = xml_child(device, "alias");
	CLEANUP_FREE char *name = xml_attr(alias, "name");
	if (alias != NULL && !str_prefix(name, "ua-"))
		xml_remove(alias);
}

unsigned plan_fragment_graft(const struct plan_fragment *f, struct plan_tree *t)
{
	unsigned n = 0;
	xmlNode *place = xml_add_child(t->devices, (const char *)f->device->name);
	xmlNode *copy = xmlDocCopyNode(f->device, t->doc, 1);
	xmlReplaceNode(place, copy);
	xmlFreeNode(place);
	drop_alias(copy);
	xml_reindent(copy);
	for (const xmlNode *e = xml_first(t->devices); e != NULL; e = xml_next(e))
		n++;
	return n;
}

/* --- finding --- */

/* "0x00" and "0" are one number; words count without their case (MAC addresses). */
static bool same_value(const char *a, const char *b)
{
	char *end_a, *end_b;
	if (a == NULL || b == NULL)
		return a == b;
	if (isdigit((unsigned char)a[0]) && isdigit((unsigned char)b[0])) {
		unsigned long long x = strtoull(a, &end_a, str_prefix(a, "0x") ? 16 : 10);
		unsigned long long y = strtoull(b, &end_b, str_prefix(b, "0x") ? 16 : 10);
		if (*end_a == '\0' && *end_b == '\0')
			return x == y;
	}
	return strcasecmp(a, b) == 0;
}

static bool same_text(const xmlNode *a, const xmlNode *b)
{
	CLEANUP_FREE char *x = xml_text(a);
	CLEANUP_FREE char *y = xml_text(b);
	const char *s = x + strspn(x, " \t\r\n"), *t = y + strspn(y, " \t\r\n");
	size_t n = strcspn(s, "\r\n"), m = strcspn(t, "\r\n");
	return xml_first(a) != NULL || (n == m && strncmp(s, t, n) == 0);
}

/* Does device say all that f says? Aliases are QEMU's names, of one document alone. */
static bool contains(const xmlNode *device, const xmlNode *f)
{
	for (const xmlAttr *a = f->properties; a != NULL; a = a->next) {
		CLEANUP_FREE char *wanted = xml_attr(f, (const char *)a->name);
		CLEANUP_FREE char *value = xml_attr(device, (const char *)a->name);
		if (!same_value(wanted, value))
			return false;
	}
	if (!same_text(f, device))
		return false;
	for (const xmlNode *n = xml_first(f); n != NULL; n = xml_next(n)) {
		bool found = xml_is(n, "alias");
		for (const xmlNode *k = xml_first(device); !found && k != NULL; k = xml_next(k))
			found = xml_is(k, (const char *)n->name) && contains(k, n);
		if (!found)
			return false;
	}
	return true;
}

static bool same_child(const xmlNode *device, const xmlNode *f, const char *child, const char *attr)
{
	CLEANUP_FREE char *wanted = xml_child_attr(f, child, attr);
	CLEANUP_FREE char *value = xml_child_attr(device, child, attr);
	return wanted != NULL && same_value(wanted, value);
}

static bool matches(const xmlNode *device, const xmlNode *f)
{
	if (!xml_is(device, (const char *)f->name))
		return false;
	if (xml_is(f, "disk") && xml_child(f, "target") != NULL)
		return same_child(device, f, "target", "dev");
	if (xml_is(f, "interface") && xml_child(f, "mac") != NULL)
		return same_child(device, f, "mac", "address");
	return contains(device, f);
}

/* "disk 'vdb'", "interface with mac address 52:54:00:…", "rng": as the fragment tells it apart. */
static char *fragment_words(const xmlNode *f)
{
	CLEANUP_FREE char *target = xml_child_attr(f, "target", "dev");
	CLEANUP_FREE char *mac = xml_child_attr(f, "mac", "address");
	if (xml_is(f, "disk") && target != NULL)
		return xasprintf("disk '%s'", target);
	if (xml_is(f, "interface") && mac != NULL)
		return xasprintf("interface with mac address %s", mac);
	return xasprintf("<%s> that is as described", (const char *)f->name);
}

int plan_fragment_find(const struct plan_fragment *f, const struct plan_tree *t, const char *where,
    unsigned *element, struct err *err)
{
	unsigned n = 0, found = 0;
	CLEANUP_FREE char *words = fragment_words(f->device);
	for (const xmlNode *e = xml_first(t->devices); e != NULL; e = xml_next(e)) {
		n++;
		if (!matches(e, f->device))
			continue;
		if (found > 0)
			return err_set(err, ERR_INVALID,
			    "there is more than one %s %s: say which by its <address>, or detach it by its alias (detach-device-alias)",
			    words, where);
		found = n;
	}
	*element = found;
	return found > 0 ? 0 : err_set(err, ERR_NOT_FOUND, "there is no %s %s", words, where);
}
