/* Devices of which a domain has one: balloon, rng, panic, watchdog; into struct domain. */
#include "core/domain_impl.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

int memballoon_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	struct domain *d = p->d;
	CLEANUP_FREE char *model = printable_attr(node, "model");
	if (d->balloon_given)
		return parse_invalid(p, node, "there is another one");
	d->balloon_given = true;
	d->balloon_element = element;
	d->balloon = strcmp(model, "none") != 0;
	if (d->balloon && strcmp(model, "virtio") != 0) {
		d->balloon = false;
		return parse_refuse(
		    p, node, "model='%s': only 'virtio' and 'none' are supported", model);
	}
	if (parse_number(p, xml_child(node, "stats"), "period", 86400, &d->balloon_stats_period) <
	    0)
		return -1;
	return parse_address(p, node, ADDRESS_BIT_PCI, &d->balloon_address);
}

int rng_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	struct domain *d = p->d;
	CLEANUP_FREE char *model = printable_attr(node, "model");
	const xmlNode *backend = xml_child(node, "backend");
	const xmlNode *rate = xml_child(node, "rate");
	CLEANUP_FREE char *kind = printable_attr(backend, "model");
	CLEANUP_FREE char *bytes = xml_attr(rate, "bytes");
	if (d->rng != NULL)
		return parse_refuse(p, node, "only one is supported");
	if (strcmp(model, "virtio") != 0 || strcmp(kind, "random") != 0)
		return parse_refuse(
		    p, node, "only model='virtio' with the backend 'random' is supported");
	CLEANUP_FREE char *text = xml_text(backend);
	text[strcspn(text, " \t\r\n")] = '\0';
	d->rng = xstrdup(text[0] != '\0' ? text : "/dev/urandom");
	d->rng_element = element;
	d->rng_period = rate != NULL ? 1000 : 0;
	if (bytes != NULL && (str_u64(bytes, UINT32_MAX, &d->rng_bytes) < 0 || d->rng_bytes == 0))
		return parse_invalid(p, rate, "bytes is not a number from 1 to %u", UINT32_MAX);
	if (rate != NULL && bytes == NULL)
		return parse_invalid(p, rate, "has no bytes");
	if (parse_path_check(p, backend, d->rng) < 0 ||
	    parse_number(p, rate, "period", 86400000, &d->rng_period) < 0)
		return -1;
	if (rate != NULL && d->rng_period == 0)
		return parse_invalid(p, rate, "period is in milliseconds, from 1");
	return parse_address(p, node, ADDRESS_BIT_PCI, &d->rng_address);
}

int panic_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	struct domain *d = p->d;
	CLEANUP_FREE char *model = printable_attr(node, "model");
	if (model[0] != '\0' && strcmp(model, "isa") != 0 && strcmp(model, "pvpanic") != 0)
		return parse_refuse(
		    p, node, "model='%s': only 'isa' and 'pvpanic' are supported", model);
	if (d->panic_model != NULL)
		return parse_refuse(p, node, "only one is supported");
	d->panic_element = element;
	d->panic_model = xstrdup(model[0] != '\0' ? model : "isa");
	return parse_address(
	    p, node, ADDRESS_BIT_PCI | ADDRESS_BIT(ADDRESS_ISA), &d->panic_address);
}

int watchdog_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	static const char *const actions[] = {
	    "reset", "shutdown", "poweroff", "pause", "none", "inject-nmi", "dump", NULL};
	struct domain *d = p->d;
	CLEANUP_FREE char *model = printable_attr(node, "model");
	int action;
	if (strcmp(model, "itco") != 0 && strcmp(model, "i6300esb") != 0)
		return parse_refuse(
		    p, node, "model='%s': only 'itco' and 'i6300esb' are supported", model);
	if (d->watchdog_model != NULL)
		return parse_refuse(p, node, "only one is supported");
	if (parse_attr_word(p, node, "action", actions, 0, &action) < 0)
		return -1;
	d->watchdog_element = element;
	d->watchdog_model = TAKE_PTR(model);
	d->watchdog_action = xstrdup(actions[action]);
	return parse_address(p, node, ADDRESS_BIT_PCI, &d->watchdog_address);
}
