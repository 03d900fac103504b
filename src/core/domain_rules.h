/* domain_rules: what may stand in a domain document and what we make of it, as tables; for
 * domain_schema.c, which holds a document against them. Source: libvirt's "Domain XML format". */
#ifndef CORE_DOMAIN_RULES_H
#define CORE_DOMAIN_RULES_H

#include "core/buf.h"

enum rule_kind {
	USED,     /* read by domain_parse */
	KEPT,     /* means nothing to the guest's hardware; kept, with all that is in it */
	IDLE,     /* asks for something that we do not do; the guest's hardware is the same */
	HARDWARE, /* would change the guest's hardware, and is not supported */
};

/* Attributes are words: "name", "!name" as HARDWARE, "~name" as IDLE, "+name" must be there; any
 * other is unknown. What the value must be may follow: "name=on|off" one of these words ("!word":
 * known, but refused as HARDWARE), "name=1..64" a number, decimal or 0x…, "name=/" an absolute path.
 * No value may hold control characters. */
struct rule {
	const char
	    *path; /* below <domain>; "devices/@/…" is for every device that has none of its own */
	enum rule_kind kind;
	const char *attrs;
};

#define PCI_PLACE "type domain bus slot function multifunction"
/* Of a device that may sit on other buses too. */
#define ADDRESS_PLACE PCI_PLACE " controller target unit port iobase irq base reg"

/* Each ends with an empty entry. */
extern const struct rule rules_system[], rules_storage[], rules_devices[];

/* All of them as a section of hvmux-domain(5), mdoc. */
void domain_rules_format(struct buf *out);

#endif
