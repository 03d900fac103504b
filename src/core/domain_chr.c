/* <serial>, <console> and <channel> into struct domain. */
#include "core/domain_impl.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

#define SERIAL_PORTS_MAX 4 /* a PC's COM1 to COM4 */

static int parse_chr(struct parse *p, const xmlNode *node, struct domain_chr *chr)
{
	CLEANUP_FREE char *type = printable_attr(node, "type");
	const xmlNode *target = xml_child(node, "target");
	const xmlNode *log = xml_child(node, "log");
	enum domain_switch append = SWITCH_ABSENT;
	if (strcmp(type, "pty") != 0)
		return parse_refuse(p, node,
		    "type='%s': only 'pty' is supported (its console is recorded and can be attached)",
		    type);
	chr->log_file = xml_attr(log, "file");
	if (parse_path_check(p, log, chr->log_file) < 0 ||
	    parse_switch(p, log, "append", &append) < 0 ||
	    parse_number(p, target, "port", 255, &chr->port) < 0)
		return -1;
	chr->log_append = append == SWITCH_ON;
	return 0;
}

static struct domain_chr *add_chr(struct parse *p, const xmlNode *node, unsigned element)
{
	struct domain_chr *chr = DOMAIN_ADD(p->d->consoles, p->d->n_consoles);
	chr->line = node_line(node);
	chr->element = element;
	return chr;
}

int serial_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	const xmlNode *target = xml_child(node, "target");
	CLEANUP_FREE char *type = xml_attr(target, "type");
	CLEANUP_FREE char *port = xml_attr(target, "port");
	if (type != NULL && strcmp(type, "isa-serial") != 0)
		return parse_refuse(p, target, "only type='isa-serial' is supported");
	unsigned next = 0;
	for (size_t i = 0; i < p->d->n_consoles; i++)
		next += p->d->consoles[i].target == CHR_ISA_SERIAL;
	struct domain_chr *chr = add_chr(p, node, element);
	int rc = parse_chr(p, node, chr);
	if (rc != 0)
		return rc;
	if (port == NULL)
		chr->port = next;
	if (chr->port >= SERIAL_PORTS_MAX)
		return parse_invalid(p, target != NULL ? target : node,
		    "port='%u': a PC has serial ports 0 to %d", chr->port, SERIAL_PORTS_MAX - 1);
	return 0;
}

int console_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	const xmlNode *target = xml_child(node, "target");
	CLEANUP_FREE char *type = xml_attr(target, "type");
	if (type == NULL || strcmp(type, "serial") == 0) {
		/* The other name of serial 0; alone it makes one. */
		for (size_t i = 0; i < p->d->n_consoles; i++)
			if (p->d->consoles[i].target == CHR_ISA_SERIAL)
				return 0;
		struct domain_chr *chr = add_chr(p, node, element);
		int rc = parse_chr(p, node, chr);
		chr->port = 0;
		return rc;
	}
	if (strcmp(type, "virtio") != 0)
		return parse_refuse(
		    p, target, "only the targets 'serial' and 'virtio' are supported");
	struct domain_chr *chr = add_chr(p, node, element);
	chr->target = CHR_VIRTIO_CONSOLE;
	return parse_chr(p, node, chr);
}

int channel_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	CLEANUP_FREE char *type = printable_attr(node, "type");
	CLEANUP_FREE char *target = xml_child_attr(node, "target", "type");
	struct domain_channel *c = DOMAIN_ADD(p->d->channels, p->d->n_channels);
	c->line = node_line(node);
	c->element = element;
	c->name = xml_child_attr(node, "target", "name");
	if (strcmp(type, "unix") != 0 || !str_eq(target, "virtio"))
		return parse_refuse(p, node, "only type='unix' with a virtio target is supported");
	if (c->name == NULL || c->name[0] == '\0' || strlen(c->name) > 32 ||
	    strspn(c->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") !=
	        strlen(c->name) ||
	    c->name[0] == '.')
		return parse_invalid(p, node, "has no usable <target name=…>");
	return 0;
}
