/* hardware: what a domain's document says the machine is made of, a line per part, for people. Reads elements by name,
 * so that a device of any kind has its line. Owner: whoever called hardware_read. Pure. */
#ifndef CORE_HARDWARE_H
#define CORE_HARDWARE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

#define HARDWARE_PARTS_MAX 2048u
#define HARDWARE_TEXT_MAX 400 /* bytes of one text */

struct hardware_part {
	char *kind; /* "disk", "interface", "cpu" …: the element's name */
	char *name; /* what tells it from others of its kind: target, MAC address, index; "" none */
	char *text; /* the rest in words */
	char *address; /* "pci 03:00.0", "drive 0:0:1", "usb 0.2"; "" none */
	char *alias;   /* "virtio-disk0": what a command calls it while it runs; "" none */
};

struct hardware {
	struct hardware_part *parts;
	size_t n;
};

/* file names the document in messages. On failure *hw holds nothing. */
int hardware_read(
    const char *xml, size_t size, const char *file, struct hardware *hw, struct err *err);
void hardware_fini(struct hardware *hw);
/* The first part of hw that says the same as p; NULL none. */
const struct hardware_part *hardware_find(const struct hardware *hw, const struct hardware_part *p);

#endif
