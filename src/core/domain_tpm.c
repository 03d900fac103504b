/* <tpm>: what the tables cannot say. */
#include "core/domain_impl.h"

#include <string.h>

#include "core/str.h"

int tpm_check(struct parse *p, const xmlNode *node, const struct domain_dev *dev)
{
	const struct domain_attrs *a = &dev->attrs;
	const char *type = attrs_get(a, "backend@type"), *model = attrs_get(a, "@model");
	if (dev->index > 0)
		return parse_invalid(p, node, "there is another one");
	if (type == NULL)
		return parse_invalid(p, node, "has no <backend type=…>");
	if (str_eq(type, "external") && !attrs_has(a, "backend/source@path"))
		return parse_invalid(
		    p, xml_child(node, "backend"), "type='external' has no <source path=…>");
	if (str_eq(model, "tpm-crb") && attrs_is(a, "backend@version", "1.2"))
		return parse_invalid(p, node, "model='tpm-crb' is of version 2.0");
	if (attrs_has(a, "backend/encryption") && !str_eq(type, "emulator"))
		return parse_invalid(
		    p, xml_child(node, "backend"), "only type='emulator' can be encrypted");
	return 0;
}
