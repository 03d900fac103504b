/* domain_format: what the files of domain_format*.c share; for nobody else. */
#ifndef CORE_DOMAIN_FORMAT_H
#define CORE_DOMAIN_FORMAT_H

#include "core/domain_impl.h"

struct format {
	const struct domain *d; /* as it shall be */
	struct domain old;      /* as the source says */
	xmlNode *root, *devices;
	xmlNode **elements; /* of <devices>, by number from 1 */
	unsigned n_elements;
};

void set_attrf(xmlNode *node, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* A text element that may be absent on either side. */
void put_text(xmlNode *parent, const char *name, const char *old, const char *text);
/* The element of a device; a new one when it has none. */
xmlNode *element_of(struct format *f, unsigned element, const char *name);
/* <alias> in the document of a machine that runs; alias may be NULL. */
void put_alias(const struct format *f, xmlNode *device, const char *alias);
/* <address>, when it differs from old's (NULL: the device is new). */
void put_address(xmlNode *device, const struct domain_address *old, const struct domain_address *a);

/* The entry of an array that was read from the same element; NULL none. */
#define SAME_ELEMENT(array, n, number)                              \
	({                                                          \
		const __typeof__((array)[0]) *found_ = NULL;        \
		for (size_t k_ = 0; (number) > 0 && k_ < (n); k_++) \
			if ((array)[k_].element == (number))        \
				found_ = &(array)[k_];              \
		found_;                                             \
	})

/* domain_format_storage.c: <disk>, <controller>; domain_format_devices.c: the other devices. */
void format_storage(struct format *f);
void format_devices(struct format *f);

#endif
