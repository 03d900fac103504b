/* domain_alias: devices of all kinds by one handle, and their aliases. In the document of a machine that runs
 * (DOMAIN_PARSE_LIVE) an alias is the id that QEMU knows the device by, and stays when a device before it goes; in a definition
 * only an operator's own names ("ua-…") are kept, because the others are those of the host that wrote it. */
#ifndef CORE_DOMAIN_ALIAS_H
#define CORE_DOMAIN_ALIAS_H

#include "core/domain.h"

#define ALIAS_MAX 128 /* with the NUL */

enum device_kind {
	DEVICE_DISK,
	DEVICE_NET,
	DEVICE_CONSOLE,
	DEVICE_CHANNEL,
	DEVICE_CONTROLLER,
	DEVICE_MEMORY,
	DEVICE_OTHER, /* d->devs */
	DEVICE_KINDS
};

/* Good while no device is added or removed. */
struct device_ref {
	enum device_kind kind;
	size_t index; /* in the array of its kind */
};

/* From {0, 0} on; false: there are no more. */
bool device_valid(const struct domain *d, struct device_ref *r);
/* A loop over all of them. */
#define DEVICE_FOREACH(d, r) \
	for (struct device_ref r = {DEVICE_DISK, 0}; device_valid((d), &r); r.index++)

const char *device_element_name(const struct domain *d, struct device_ref r); /* "disk" */
/* Its place among the elements of <devices>, from 1; 0: it is not in the source. */
unsigned device_element(const struct domain *d, struct device_ref r);
unsigned device_line(const struct domain *d, struct device_ref r);
struct domain_address *device_address(const struct domain *d, struct device_ref r);
const char *device_alias(const struct domain *d, struct device_ref r); /* NULL none */
void device_set_alias(struct domain *d, struct device_ref r, const char *alias);
bool device_by_alias(const struct domain *d, const char *alias, struct device_ref *out);
/* Which device was read from this element? */
bool device_by_element(const struct domain *d, unsigned element, struct device_ref *out);
/* Letters, digits, "-_."; not too long. */
bool alias_ok(const char *alias);

#endif
