#include "cli/device_doc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/change.h"
#include "core/mem.h"
#include "core/vm.h"
#include "core/xml.h"

int device_doc_open(struct cli *c, bool config, struct device_doc *doc, struct err *err)
{
	struct vm vm;
	CLEANUP_BUF struct buf xml = BUF_INIT;
	*doc = (struct device_doc){.name = vm_resolve(&c->home, cli_value(c, "domain"), err)};
	if (doc->name == NULL || vm_probe(&c->home, doc->name, &vm, err) < 0)
		return -1;
	doc->running = vm.live;
	vm_fini(&vm);
	bool live = doc->running && !config;
	if (change_read(&c->home, doc->name, live ? CHANGE_LIVE : CHANGE_CONFIG, &xml, err) < 0)
		return -1;
	unsigned flags = DOMAIN_PARSE_LENIENT | (live ? DOMAIN_PARSE_LIVE : 0u);
	return domain_parse(xml.data, xml.len, doc->name, flags, &doc->d, NULL, err);
}

int device_doc_open_shown(struct cli *c, struct device_doc *doc, struct err *err)
{
	if (device_doc_open(c, cli_flag(c, "config"), doc, err) < 0)
		return -1;
	if (cli_flag(c, "live") && !doc->running)
		return err_set(
		    err, ERR_STATE, "Requested operation is not valid: domain is not running");
	return 0;
}

void device_doc_fini(struct device_doc *doc)
{
	free(doc->name);
	domain_fini(&doc->d);
	*doc = (struct device_doc){0};
}

char *device_doc_text(const struct device_doc *doc, unsigned element,
    void (*edit)(void *arg, xmlNode *device), void *arg, struct err *err)
{
	CLEANUP_XML xmlDoc *xml =
	    xml_read(doc->d.source, doc->d.source_len, doc->name, "domain", err);
	if (xml == NULL)
		return NULL;
	xmlNode *node = xml_first(xml_child(xmlDocGetRootElement(xml), "devices"));
	for (unsigned k = 1; node != NULL && k < element; k++)
		node = xml_next(node);
	if (node == NULL || element == 0) {
		err_set(err, ERR_NOT_FOUND, "the device stands in no document");
		return NULL;
	}
	if (edit != NULL)
		edit(arg, node);
	xmlBuffer *b = xmlBufferCreate();
	char *text = NULL;
	if (b != NULL && xmlNodeDump(b, xml, node, 0, 0) > 0)
		text = xstrdup((const char *)xmlBufferContent(b));
	xmlBufferFree(b);
	if (text == NULL)
		err_set(err, ERR_FAIL, "cannot write the device as XML");
	return text;
}

int device_doc_print(const struct device_doc *doc, unsigned element,
    void (*edit)(void *arg, xmlNode *device), void *arg, struct err *err)
{
	CLEANUP_FREE char *text = device_doc_text(doc, element, edit, arg, err);
	if (text == NULL)
		return -1;
	puts(text);
	return 0;
}
