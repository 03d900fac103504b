#include "kvm/plan_tree.h"

#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/xml.h"

int plan_tree_open(struct plan_tree *e, const struct domain *d, struct err *err)
{
	*e = (struct plan_tree){.was = d};
	if (d == NULL)
		return 0;
	e->doc = xml_read(d->source, d->source_len, d->name, "domain", err);
	if (e->doc == NULL)
		return -1;
	e->root = xmlDocGetRootElement(e->doc);
	e->devices = xml_need_child(e->root, "devices");
	return 0;
}

void plan_tree_fini(struct plan_tree *e)
{
	cleanup_xml(&e->doc);
	*e = (struct plan_tree){0};
}

xmlNode *plan_tree_element(const struct plan_tree *e, unsigned element)
{
	xmlNode *n = e->was != NULL ? xml_first(e->devices) : NULL;
	for (unsigned k = 1; n != NULL && k < element; k++)
		n = xml_next(n);
	return element > 0 ? n : NULL;
}

void plan_tree_attr(xmlNode *device, const char *child, const char *attr, const char *value)
{
	if (device == NULL)
		return;
	if (value != NULL) {
		xml_set_attr(xml_need_child(device, child), attr, value);
		return;
	}
	xmlNode *n = xml_child(device, child);
	if (n == NULL)
		return;
	xmlUnsetProp(n, (const xmlChar *)attr);
	if (n->properties == NULL && xml_first(n) == NULL)
		xml_remove(n);
}

int plan_tree_read(const struct plan_tree *e, struct domain *out, struct err *err)
{
	size_t n;
	*out = (struct domain){0};
	if (e->was == NULL)
		return 0;
	CLEANUP_FREE char *text = xml_format(e->doc, &n);
	unsigned flags = DOMAIN_PARSE_LENIENT | (e->was->live ? DOMAIN_PARSE_LIVE : 0u);
	return domain_parse(text, n, e->was->name, flags, out, NULL, err);
}

static bool has_changed(const struct domain *was, const struct domain *now)
{
	return now->source != NULL && (now->source_len != was->source_len ||
	                                  memcmp(now->source, was->source, was->source_len) != 0);
}

int plan_tree_add(struct plan *p, const struct plan_in *in, const struct plan_tree *live,
    const struct plan_tree *config, struct err *err)
{
	CLEANUP(domain_fini) struct domain l = {0};
	CLEANUP(domain_fini) struct domain c = {0};
	if (plan_tree_read(live, &l, err) < 0 || plan_tree_read(config, &c, err) < 0)
		return -1;
	return plan_add_documents(p, in,
	    live->was != NULL && has_changed(live->was, &l) ? &l : NULL,
	    config->was != NULL && has_changed(config->was, &c) ? &c : NULL, err);
}
