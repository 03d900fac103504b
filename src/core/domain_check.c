/* What no element of a domain shows alone: things there twice, orders that contradict. */
#include "core/domain_impl.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

int invalid_at(struct parse *p, const char *element, unsigned line, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	CLEANUP_FREE char *words = xvasprintf(fmt, ap);
	va_end(ap);
	return err_set(p->err, ERR_INVALID, "%s:%u: <%s>: %s", p->file, line, element, words);
}

static int check_macs(struct parse *p)
{
	const struct domain *d = p->d;
	for (size_t i = 0; i < d->n_nets; i++)
		for (size_t k = 0; k < i; k++)
			/* A team of a virtio card and a host's device is one card to the guest. */
			if (d->nets[i].mac != NULL && str_eq(d->nets[i].mac, d->nets[k].mac) &&
			    !(attrs_has(&d->nets[i].attrs, "teaming@type") &&
			        attrs_has(&d->nets[k].attrs, "teaming@type")))
				return invalid_at(p, "interface", d->nets[i].line,
				    "MAC address %s is there twice (line %u)", d->nets[i].mac,
				    d->nets[k].line);
	return 0;
}

struct order {
	unsigned order, line;
	const char *element;
};

static int check_boot_order(struct parse *p)
{
	const struct domain *d = p->d;
	struct order *orders = xcalloc(d->n_disks + d->n_nets + d->n_devs + 1, sizeof *orders);
	size_t n = 0;
	int rc = 0;
	for (size_t i = 0; i < d->n_disks; i++)
		orders[n++] = (struct order){d->disks[i].boot_order, d->disks[i].line, "disk"};
	for (size_t i = 0; i < d->n_nets; i++)
		orders[n++] = (struct order){d->nets[i].boot_order, d->nets[i].line, "interface"};
	for (size_t i = 0; i < d->n_devs; i++) {
		const struct domain_dev *dev = &d->devs[i];
		unsigned order = (unsigned)attrs_number(&dev->attrs, "boot@order", 0);
		orders[n++] = (struct order){order, dev->line, domain_dev_name(dev->kind)};
	}
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (orders[i].order == 0)
			continue;
		if (d->n_boot > 0)
			rc = invalid_at(p, orders[i].element, orders[i].line,
			    "<boot order='%u'> and the <boot dev=…> of <os> exclude each other",
			    orders[i].order);
		for (size_t k = 0; rc == 0 && k < i; k++)
			if (orders[i].order == orders[k].order)
				rc = invalid_at(p, orders[i].element, orders[i].line,
				    "boot order %u is there twice (line %u)", orders[i].order,
				    orders[k].line);
	}
	free(orders);
	return rc;
}

/* Serials by kind and port, then virtio consoles: their places are consoleN. */
static int compare_consoles(const void *a, const void *b)
{
	const struct domain_chr *x = a, *y = b;
	if (x->target != y->target)
		return x->target < y->target ? -1 : 1;
	if (x->target == CHR_ISA_SERIAL && x->port != y->port)
		return x->port < y->port ? -1 : 1;
	return x->element < y->element ? -1 : x->element > y->element;
}

static int check_consoles(struct parse *p)
{
	struct domain *d = p->d;
	if (d->n_consoles > 0)
		qsort(d->consoles, d->n_consoles, sizeof *d->consoles, compare_consoles);
	for (size_t i = 1; i < d->n_consoles; i++) {
		const struct domain_chr *a = &d->consoles[i - 1], *b = &d->consoles[i];
		if (a->target == CHR_ISA_SERIAL && b->target == CHR_ISA_SERIAL &&
		    a->port == b->port)
			return invalid_at(p, "serial", b->line, "port %u is there twice (line %u)",
			    b->port, a->line);
	}
	return 0;
}

/* The guest finds a channel by its name. */
static int check_channels(struct parse *p)
{
	const struct domain *d = p->d;
	for (size_t i = 0; i < d->n_channels; i++)
		for (size_t k = 0; k < i; k++)
			if (d->channels[i].target == CHANNEL_VIRTIO &&
			    d->channels[k].target == CHANNEL_VIRTIO &&
			    d->channels[i].name != NULL &&
			    str_eq(d->channels[i].name, d->channels[k].name))
				return invalid_at(p, "channel", d->channels[i].line,
				    "name '%s' is there twice (line %u)", d->channels[i].name,
				    d->channels[k].line);
	return 0;
}

int domain_check(struct parse *p)
{
	if (check_macs(p) < 0 || check_boot_order(p) < 0 || check_consoles(p) < 0 ||
	    (!(p->flags & DOMAIN_PARSE_LENIENT) && check_channels(p) < 0))
		return -1;
	if (!(p->flags & DOMAIN_PARSE_LENIENT) &&
	    (audio_check_all(p) < 0 || filesystem_check_all(p) < 0 || graphics_check_all(p) < 0 ||
	        hostdev_check_all(p) < 0 || video_check_all(p) < 0))
		return -1;
	return storage_check(p);
}
