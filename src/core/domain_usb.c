/* USB: which controller has how many ports, who sits on which. Ports are libvirt's and QEMU's: "1", "1.2" behind a hub. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/domain_impl.h"
#include "core/mem.h"
#include "core/str.h"

#define HUB_PORTS 8 /* of QEMU's usb-hub */
#define USB_DEVICES_MAX 256

struct usb_map {
	struct domain *d;
	const char *file;
	struct err *err;
	struct usb_taken {
		unsigned bus, line;
		char port[USB_PORT_MAX];
		bool hub;
	} taken[USB_DEVICES_MAX];
	unsigned n;
	bool hubs; /* this turn is theirs */
};

static bool on_usb(const struct seat_user *user)
{
	return user->seat == SEAT_USB || user->seat == SEAT_USB_HUB;
}

/* 0: there is no such controller. */
static unsigned root_ports(const struct domain *d, unsigned index)
{
	static const struct {
		const char *model;
		unsigned ports;
	} models[] = {{"ich9-ehci1", 6}, {"ehci", 6}, {"nec-xhci", 4}, {"qemu-xhci", 4},
	    {"pci-ohci", 3}, {"none", 0}};
	const struct domain_controller *c = domain_controller(d, CONTROLLER_USB, index);
	if (c == NULL)
		return 0;
	if (c->ports > 0)
		return c->ports;
	for (size_t i = 0; i < ARRAY_LEN(models); i++)
		if (str_eq(c->model, models[i].model))
			return models[i].ports;
	return 2;
}

static const struct usb_taken *find_taken(const struct usb_map *m, unsigned bus, const char *port)
{
	for (unsigned i = 0; i < m->n; i++)
		if (m->taken[i].bus == bus && strcmp(m->taken[i].port, port) == 0)
			return &m->taken[i];
	return NULL;
}

static int note(struct usb_map *m, const struct seat_user *user)
{
	if (m->n >= USB_DEVICES_MAX)
		return err_set(m->err, ERR_INVALID, "%s:%u: <%s>: more than %d USB devices",
		    m->file, user->line, user->element, USB_DEVICES_MAX);
	struct usb_taken *t = &m->taken[m->n++];
	t->bus = user->address->bus;
	t->line = user->line;
	t->hub = user->seat == SEAT_USB_HUB;
	snprintf(t->port, sizeof t->port, "%s", user->address->usb_port);
	return 0;
}

static int collect(void *arg, const struct seat_user *user)
{
	struct usb_map *m = arg;
	const struct domain_address *a = user->address;
	if (!on_usb(user) || a->type != ADDRESS_USB)
		return 0;
	if (domain_controller(m->d, CONTROLLER_USB, a->bus) == NULL)
		return err_set(m->err, ERR_INVALID,
		    "%s:%u: <%s>: USB bus %u is not there: no <controller type='usb'> has index='%u'",
		    m->file, user->line, user->element, a->bus, a->bus);
	if (a->usb_port[0] == '\0')
		return 0;
	const struct usb_taken *other = find_taken(m, a->bus, a->usb_port);
	if (other != NULL)
		return err_set(m->err, ERR_INVALID,
		    "%s:%u: <%s>: USB bus %u port %s is taken by another device (line %u)", m->file,
		    user->line, user->element, a->bus, a->usb_port, other->line);
	return note(m, user);
}

/* The port is there: of the root, or of a hub that is in the document. */
static int check_port(void *arg, const struct seat_user *user)
{
	struct usb_map *m = arg;
	const struct domain_address *a = user->address;
	if (!on_usb(user) || a->type != ADDRESS_USB || a->usb_port[0] == '\0')
		return 0;
	char parent[USB_PORT_MAX];
	snprintf(parent, sizeof parent, "%s", a->usb_port);
	char *dot = strrchr(parent, '.');
	unsigned last = (unsigned)strtoul(dot != NULL ? dot + 1 : parent, NULL, 10), max;
	if (dot != NULL) {
		*dot = '\0';
		const struct usb_taken *hub = find_taken(m, a->bus, parent);
		if (hub == NULL || !hub->hub)
			return err_set(m->err, ERR_INVALID,
			    "%s:%u: <%s>: USB bus %u port %s: there is no hub at port %s", m->file,
			    user->line, user->element, a->bus, a->usb_port, parent);
		max = HUB_PORTS;
	} else {
		max = root_ports(m->d, a->bus);
	}
	return last <= max ? 0
	                   : err_set(m->err, ERR_INVALID,
	                         "%s:%u: <%s>: USB bus %u has no port %s (%s has %u)", m->file,
	                         user->line, user->element, a->bus, a->usb_port,
	                         dot != NULL ? "a hub" : "the controller", max);
}

static int refuse_disabled(void *arg, const struct seat_user *user)
{
	struct usb_map *m = arg;
	const struct domain_controller *c = domain_controller(m->d, CONTROLLER_USB, 0);
	if (!on_usb(user) || c == NULL || !str_eq(c->model, "none"))
		return 0;
	return err_set(m->err, ERR_INVALID,
	    "%s:%u: <%s>: is on USB, but the USB controller is 'none' (line %u)", m->file,
	    user->line, user->element, c->line);
}

int domain_usb_check(struct domain *d, const char *file, struct err *err)
{
	struct usb_map *m = xcalloc(1, sizeof *m);
	m->d = d;
	m->file = file;
	m->err = err;
	int rc = domain_seats(d, refuse_disabled, m);
	/* Without any controller the first is yet to come. */
	if (rc == 0 && domain_controller(d, CONTROLLER_USB, 0) != NULL)
		rc = domain_seats(d, collect, m);
	if (rc == 0)
		rc = domain_seats(d, check_port, m);
	free(m);
	return rc;
}

/* --- assigning --- */
static bool take_port(struct usb_map *m, const struct seat_user *user, unsigned bus,
    const char *under, unsigned ports)
{
	struct domain_address *a = user->address;
	for (unsigned i = 1; i <= ports; i++) {
		char port[USB_PORT_MAX];
		int n =
		    snprintf(port, sizeof port, "%s%s%u", under, under[0] != '\0' ? "." : "", i);
		if (n < 0 || (size_t)n >= sizeof port || find_taken(m, bus, port) != NULL)
			continue;
		a->type = ADDRESS_USB;
		a->bus = bus;
		snprintf(a->usb_port, sizeof a->usb_port, "%s", port);
		return true;
	}
	return false;
}

/* Behind a hub that has room; four numbers at most. */
static bool take_behind_hub(struct usb_map *m, const struct seat_user *user, unsigned bus)
{
	for (unsigned i = 0; i < m->n; i++) {
		unsigned depth = 1;
		for (const char *s = m->taken[i].port; *s != '\0'; s++)
			depth += *s == '.';
		if (m->taken[i].hub && m->taken[i].bus == bus && depth < 4 &&
		    take_port(m, user, bus, m->taken[i].port, HUB_PORTS))
			return true;
	}
	return false;
}

static int assign_port(void *arg, const struct seat_user *user)
{
	struct usb_map *m = arg;
	struct domain_address *a = user->address;
	if (!on_usb(user) || (user->seat == SEAT_USB_HUB) != m->hubs)
		return 0;
	if (a->type == ADDRESS_USB && a->usb_port[0] != '\0')
		return 0;
	bool bus_given = a->type == ADDRESS_USB;
	for (unsigned bus = bus_given ? a->bus : 0; bus < 256; bus++) {
		unsigned ports = root_ports(m->d, bus);
		if (ports > 0 &&
		    (take_port(m, user, bus, "", ports) || take_behind_hub(m, user, bus)))
			return note(m, user);
		if (bus_given)
			break;
	}
	return err_set(m->err, ERR_INVALID,
	    "domain '%s': <%s>: no USB port is left; add a <hub type='usb'/> or a controller with more ports",
	    m->d->name, user->element);
}

static int count_needed(void *arg, const struct seat_user *user)
{
	unsigned *n = arg;
	const struct domain_address *a = user->address;
	*n += on_usb(user) && (a->type != ADDRESS_USB || a->usb_port[0] == '\0');
	return 0;
}

/* As many hubs as the devices without a port need, as libvirt adds them; each takes a port and has eight. */
static void add_hubs(struct usb_map *m)
{
	struct domain *d = m->d;
	unsigned needed = 0, ports = 0;
	domain_seats(d, count_needed, &needed);
	for (unsigned bus = 0; bus < 256; bus++)
		ports += root_ports(d, bus);
	for (unsigned i = 0; i < m->n; i++)
		ports += m->taken[i].hub ? HUB_PORTS : 0;
	for (size_t i = 0; i < d->n_devs; i++)
		if (d->devs[i].kind == DEV_HUB && d->devs[i].address.usb_port[0] == '\0')
			ports += HUB_PORTS;
	while (m->n + needed > ports && m->n < ports && ports < USB_DEVICES_MAX) {
		struct domain_dev *hub = DOMAIN_ADD(d->devs, d->n_devs);
		hub->kind = DEV_HUB;
		attrs_add(&hub->attrs, "@type", "usb");
		ports += HUB_PORTS;
		needed++;
	}
}

int domain_usb_assign(struct domain *d, struct err *err)
{
	struct usb_map *m = xcalloc(1, sizeof *m);
	m->d = d;
	m->file = d->name;
	m->err = err;
	int rc = domain_seats(d, collect, m);
	if (rc == 0)
		add_hubs(m);
	for (int turn = 0; rc == 0 && turn < 2; turn++) {
		m->hubs = turn == 0;
		rc = domain_seats(d, assign_port, m);
	}
	free(m);
	return rc;
}
