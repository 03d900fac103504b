/* Ports of virtio-serial controllers and slots of smartcard readers: checked, assigned; the controllers that they take. */
#include <stdlib.h>
#include <string.h>

#include "core/domain_impl.h"
#include "core/mem.h"
#include "core/str.h"

#define PORTS_DEFAULT 31 /* of a virtio-serial controller without ports='…' */
#define PORTS_MAX 512
#define CONTROLLERS 256

struct port_map {
	struct domain *d;
	const char *file;
	struct err *err;
	bool serial[CONTROLLERS][PORTS_MAX];
	bool ccid[CONTROLLERS];
	bool need_serial;
	int highest_ccid; /* that an address names; -1 none */
};

static bool on_serial(const struct seat_user *user)
{
	return user->seat == SEAT_VIRTIO_SERIAL || user->seat == SEAT_VIRTIO_CONSOLE;
}

/* Is the address complete? Port 0 is a console's alone, and no port yet otherwise. */
static bool serial_given(const struct seat_user *user)
{
	return user->address->type == ADDRESS_VIRTIO_SERIAL &&
	       (user->address->port != 0 || user->seat == SEAT_VIRTIO_CONSOLE);
}

static unsigned serial_ports(const struct domain *d, unsigned index)
{
	const struct domain_controller *c = domain_controller(d, CONTROLLER_VIRTIO_SERIAL, index);
	return c != NULL && c->ports > 0 ? c->ports : PORTS_DEFAULT;
}

static int refuse(struct port_map *m, const struct seat_user *user, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static int refuse(struct port_map *m, const struct seat_user *user, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	CLEANUP_FREE char *words = xvasprintf(fmt, ap);
	va_end(ap);
	return err_set(
	    m->err, ERR_INVALID, "%s:%u: <%s>: %s", m->file, user->line, user->element, words);
}

static int collect_serial(struct port_map *m, const struct seat_user *user)
{
	const struct domain_address *a = user->address;
	if (a->type != ADDRESS_VIRTIO_SERIAL) {
		m->need_serial = true;
		return 0;
	}
	if (!serial_given(user))
		return 0;
	unsigned ports = serial_ports(m->d, a->controller);
	if (a->port >= ports)
		return refuse(m, user, "virtio-serial controller %u has no port %u (ports='%u')",
		    a->controller, a->port, ports);
	if (m->serial[a->controller][a->port])
		return refuse(m, user,
		    "port %u of virtio-serial controller %u is taken by another device", a->port,
		    a->controller);
	m->serial[a->controller][a->port] = true;
	return 0;
}

static int collect(void *arg, const struct seat_user *user)
{
	struct port_map *m = arg;
	const struct domain_address *a = user->address;
	if (on_serial(user))
		return collect_serial(m, user);
	if (user->seat != SEAT_CCID)
		return 0;
	if (a->type != ADDRESS_CCID)
		return 0;
	if ((int)a->controller > m->highest_ccid)
		m->highest_ccid = (int)a->controller;
	if (a->slot != 0)
		return refuse(m, user, "a smartcard reader has slot 0 alone, not %u", a->slot);
	if (m->ccid[a->controller])
		return refuse(
		    m, user, "ccid controller %u is taken by another device", a->controller);
	m->ccid[a->controller] = true;
	return 0;
}

static struct port_map *map_new(struct domain *d, const char *file, struct err *err)
{
	struct port_map *m = xcalloc(1, sizeof *m);
	m->d = d;
	m->file = file;
	m->err = err;
	m->highest_ccid = -1;
	return m;
}

int domain_ports_check(struct domain *d, const char *file, struct err *err)
{
	struct port_map *m = map_new(d, file, err);
	int rc = domain_seats(d, collect, m);
	free(m);
	return rc;
}

/* --- assigning --- */
static bool take_serial(
    struct port_map *m, struct domain_address *a, unsigned controller, unsigned from)
{
	for (unsigned port = from; port < serial_ports(m->d, controller); port++)
		if (!m->serial[controller][port]) {
			m->serial[controller][port] = true;
			a->type = ADDRESS_VIRTIO_SERIAL;
			a->controller = controller;
			a->port = port;
			return true;
		}
	return false;
}

static int assign_serial(struct port_map *m, const struct seat_user *user)
{
	struct domain_address *a = user->address;
	/* Port 0 is left to a console, for Linux. */
	unsigned from = user->seat == SEAT_VIRTIO_CONSOLE ? 0 : 1;
	if (a->type == ADDRESS_VIRTIO_SERIAL)
		domain_need_controller(m->d, CONTROLLER_VIRTIO_SERIAL, a->controller, NULL);
	if (serial_given(user))
		return 0;
	if (a->type == ADDRESS_VIRTIO_SERIAL && take_serial(m, a, a->controller, from))
		return 0;
	bool any = a->type == ADDRESS_NONE;
	for (unsigned i = 0; any && i < CONTROLLERS; i++)
		if (domain_controller(m->d, CONTROLLER_VIRTIO_SERIAL, i) != NULL &&
		    take_serial(m, a, i, from))
			return 0;
	/* All are full: one more, as libvirt has it. */
	for (unsigned i = 0; any && i < CONTROLLERS; i++)
		if (domain_controller(m->d, CONTROLLER_VIRTIO_SERIAL, i) == NULL) {
			domain_need_controller(m->d, CONTROLLER_VIRTIO_SERIAL, i, NULL);
			take_serial(m, a, i, from);
			return 0;
		}
	return err_set(m->err, ERR_INVALID,
	    "domain '%s': <%s>: no virtio-serial port is left; add a <controller type='virtio-serial'>",
	    m->d->name, user->element);
}

static int assign(void *arg, const struct seat_user *user)
{
	struct port_map *m = arg;
	struct domain_address *a = user->address;
	if (on_serial(user))
		return assign_serial(m, user);
	if (user->seat != SEAT_CCID || a->type != ADDRESS_NONE)
		return 0;
	for (unsigned i = 0; i < CONTROLLERS; i++) {
		if (m->ccid[i])
			continue;
		m->ccid[i] = true;
		a->type = ADDRESS_CCID;
		a->controller = i;
		domain_need_controller(m->d, CONTROLLER_CCID, i, NULL);
		return 0;
	}
	return refuse(m, user, "no smartcard reader is left");
}

int domain_ports_assign(struct domain *d, struct err *err)
{
	struct port_map *m = map_new(d, d->name, err);
	int rc = domain_seats(d, collect, m);
	if (rc == 0 && m->need_serial &&
	    domain_controller_first(d, CONTROLLER_VIRTIO_SERIAL) == NULL)
		domain_need_controller(d, CONTROLLER_VIRTIO_SERIAL, 0, NULL);
	for (int i = 0; rc == 0 && i <= m->highest_ccid; i++)
		domain_need_controller(d, CONTROLLER_CCID, (unsigned)i, NULL);
	if (rc == 0)
		rc = domain_seats(d, assign, m);
	free(m);
	return rc;
}
