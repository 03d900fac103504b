#include "kvm/plan_edit.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/xml.h"

char *plan_edit(const struct domain *d, const char *file, void (*fn)(void *arg, xmlNode *root),
    void *arg, struct err *err)
{
	size_t n;
	struct domain read = {0};
	CLEANUP_XML xmlDoc *doc = xml_read(d->source, d->source_len, file, "domain", err);
	if (doc == NULL)
		return NULL;
	fn(arg, xmlDocGetRootElement(doc));
	char *text = xml_format(doc, &n);
	if (domain_parse(text, n, file,
	        DOMAIN_PARSE_LENIENT | (d->live ? (unsigned)DOMAIN_PARSE_LIVE : 0), &read, NULL,
	        err) < 0) {
		free(text);
		return NULL;
	}
	domain_fini(&read);
	return text;
}

static void add_text(
    struct plan *p, const char *op, const char *words, const struct domain *was, const char *text)
{
	CLEANUP_FREE char *old = xstrndup(was->source, was->source_len);
	if (str_eq(old, text))
		return;
	struct plan_step *s = plan_host(p, words, op, plan_args("xml", text, "was", old, NULL));
	plan_undo_host(s, op, plan_args("xml", old, "was", text, NULL));
}

void plan_add_texts(struct plan *p, const struct plan_in *in, const char *live, const char *config)
{
	if (live != NULL && in->live != NULL)
		add_text(p, "live", "write down what the machine now has", in->live, live);
	if (config != NULL && in->config != NULL)
		add_text(p, "define", "change the definition", in->config, config);
}

void plan_edit_kib(xmlNode *parent, const char *name, uint64_t kib)
{
	CLEANUP_FREE char *text = xasprintf("%llu", (unsigned long long)kib);
	xmlNode *node = xml_need_child(parent, name);
	xml_set_attr(node, "unit", "KiB");
	xml_set_text(node, text);
}
