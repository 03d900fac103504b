/* Serial ports, consoles, channels and parallel ports onto the command line. */
#include "kvm/argv_dev.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

static const struct {
	const char *device, *id;
} targets[] = {
    [CHR_ISA_SERIAL] = {"isa-serial", "serial"},
    [CHR_USB_SERIAL] = {"usb-serial", "serial"},
    [CHR_PCI_SERIAL] = {"pci-serial", "serial"},
    [CHR_ISA_DEBUGCON] = {"isa-debugcon", "serial"},
    [CHR_VIRTIO_CONSOLE] = {"virtconsole", "console"},
};

/* The recorded ones are ours: consoleN, N counts them alone. */
static void build_recorded(struct builder *b, const struct domain_chr *chr, const char *id)
{
	unsigned n = b->out->n_consoles++;
	char file[32];
	struct buf value = BUF_INIT;
	snprintf(file, sizeof file, "serial%u.sock", n);
	build_chardev(b, &value, id, ARGV_SOCKET_CONSOLE, n, file);
	if (chr->log_file != NULL) {
		build_key(&value, "logfile", chr->log_file);
		buf_addf(&value, ",logappend=%s", chr->log_append ? "on" : "off");
	}
	build_take(b, "-chardev", &value);
}

char *build_console_id(const struct domain *d, size_t i)
{
	const struct domain_chr *chr = &d->consoles[i];
	bool isa = chr->target == CHR_ISA_SERIAL;
	return build_id(
	    &chr->attrs, "%s%u", targets[chr->target].id, isa ? chr->port : (unsigned)i);
}

char *argv_chardev_id(const struct domain *d, size_t chr)
{
	CLEANUP_FREE char *id = build_console_id(d, chr);
	return xasprintf("char%s", id);
}

static int build_console(struct builder *b, unsigned i)
{
	const struct domain_chr *chr = &b->d->consoles[i];
	bool serial = chr->target != CHR_VIRTIO_CONSOLE;
	bool isa = chr->target == CHR_ISA_SERIAL;
	CLEANUP_FREE char *id = build_console_id(b->d, i);
	CLEANUP_FREE char *chardev = argv_chardev_id(b->d, i);
	struct buf value = BUF_INIT;
	if (chr->recorded)
		build_recorded(b, chr, chardev);
	else if (build_backend(b, chardev, chr->type, &chr->attrs, "", NULL) < 0)
		return -1;
	buf_addf(&value, "%s,chardev=%s,id=%s", targets[chr->target].device, chardev, id);
	if (isa && chr->address.type != ADDRESS_ISA)
		buf_addf(&value, ",index=%u", chr->port);
	build_tail(b, &value, &chr->attrs, &chr->address, 0);
	return build_device(b, serial ? "serial" : "console", chr->line, &value);
}

/* A connection of the guest to an address of the user network, which the first of the kind serves. */
void build_guestfwds(struct builder *b, struct buf *value)
{
	for (unsigned i = 0; i < b->d->n_channels; i++) {
		const struct domain_channel *c = &b->d->channels[i];
		if (c->target != CHANNEL_GUESTFWD)
			continue;
		CLEANUP_FREE char *id = build_id(&c->attrs, "channel%u", i);
		buf_addf(value, ",guestfwd=tcp:%s:%s-chardev:char%s",
		    attrs_get(&c->attrs, "target@address"), attrs_get(&c->attrs, "target@port"),
		    id);
	}
}

/* Without a user network there is one that no card is plugged into: libvirt's way, too. */
static void build_lone_guestfwds(struct builder *b)
{
	struct buf value = BUF_INIT;
	bool any = false;
	for (size_t i = 0; i < b->d->n_nets; i++)
		if (b->d->nets[i].type == NET_USER)
			return;
	for (size_t i = 0; i < b->d->n_channels; i++)
		any = any || b->d->channels[i].target == CHANNEL_GUESTFWD;
	if (!any)
		return;
	buf_adds(&value, "user,id=guestfwd");
	build_guestfwds(b, &value);
	build_take(b, "-netdev", &value);
}

int build_channel(struct builder *b, unsigned i)
{
	const struct domain_channel *c = &b->d->channels[i];
	CLEANUP_FREE char *id = build_id(&c->attrs, "channel%u", i);
	CLEANUP_FREE char *chardev = xasprintf("char%s", id);
	struct buf value = BUF_INIT;
	if (c->ours) {
		char file[64];
		if (c->name != NULL)
			snprintf(file, sizeof file, "%.58s.sock", c->name);
		else
			snprintf(file, sizeof file, "channel%u.sock", i);
		build_chardev(b, &value, chardev, ARGV_SOCKET_CHANNEL, i, file);
		build_take(b, "-chardev", &value);
	} else if (build_backend(b, chardev, c->type, &c->attrs, "", NULL) < 0) {
		return -1;
	}
	if (c->target == CHANNEL_GUESTFWD)
		return 0; /* build_guestfwds */
	buf_addf(&value, "virtserialport,chardev=%s,id=%s", chardev, id);
	if (c->name != NULL)
		build_key(&value, "name", c->name);
	build_tail(b, &value, &c->attrs, &c->address, 0);
	return build_device(b, "channel", c->line, &value);
}

int build_chrs(struct builder *b)
{
	for (unsigned i = 0; i < b->d->n_consoles; i++)
		if (build_console(b, i) < 0)
			return -1;
	for (unsigned i = 0; i < b->d->n_channels; i++)
		if (build_channel(b, i) < 0)
			return -1;
	build_lone_guestfwds(b);
	return 0;
}

int build_parallel(struct builder *b, const struct domain_dev *dev)
{
	CLEANUP_FREE char *id = build_id(&dev->attrs, "parallel%u", dev->index);
	/* What is a parallel port of the host is told by the id. */
	CLEANUP_FREE char *chardev = xasprintf("charparallel%u", dev->index);
	const char *type = attrs_get(&dev->attrs, "@type");
	struct buf value = BUF_INIT;
	if (build_backend(b, chardev, type != NULL ? type : "null", &dev->attrs, "", NULL) < 0)
		return -1;
	buf_addf(&value, "isa-parallel,chardev=%s,id=%s", chardev, id);
	build_tail(b, &value, &dev->attrs, &dev->address, 0);
	return build_device(b, "parallel", dev->line, &value);
}
