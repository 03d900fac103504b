/* Disks' places on IDE, SATA, SCSI and floppy controllers: checked, assigned from their targets as libvirt does; the
 * controllers that they take. */
#include <stdlib.h>
#include <string.h>

#include "core/domain_impl.h"
#include "core/mem.h"
#include "core/str.h"

#define NARROW_UNITS 7 /* of lsilogic: 7 is the controller's own id */
#define WIDE_UNITS 15  /* of 16; 7 is left out */
#define PLACES_MAX 4096
#define NVME_NAMESPACES 256 /* of a controller, QEMU's limit */

static bool by_drive(enum disk_bus bus)
{
	return bus == DISK_IDE || bus == DISK_SATA || bus == DISK_SCSI || bus == DISK_FDC ||
	       bus == DISK_NVME;
}

static enum controller_type controller_of(enum disk_bus bus)
{
	return bus == DISK_IDE    ? CONTROLLER_IDE
	       : bus == DISK_SATA ? CONTROLLER_SATA
	       : bus == DISK_SCSI ? CONTROLLER_SCSI
	       : bus == DISK_NVME ? CONTROLLER_NVME
	                          : CONTROLLER_FDC;
}

static bool is_narrow(const struct domain *d, unsigned controller)
{
	const struct domain_controller *c = domain_controller(d, CONTROLLER_SCSI, controller);
	if (c == NULL)
		c = domain_controller_first(d, CONTROLLER_SCSI);
	return c == NULL || c->model == NULL || strcmp(c->model, "lsilogic") == 0 ||
	       strcmp(c->model, "auto") == 0 || strcmp(c->model, "dc390") == 0 ||
	       strcmp(c->model, "am53c974") == 0;
}

/* Controllers that have targets and no units in them; 0 another kind. */
static unsigned targets_of(const struct domain *d)
{
	const struct domain_controller *c = domain_controller_first(d, CONTROLLER_SCSI);
	return c == NULL                        ? 0
	       : str_eq(c->model, "lsisas1068") ? 8
	       : str_eq(c->model, "vmpvscsi")   ? 64
	                                        : 0;
}

/* The place of number i on a bus: that of target "sda" is 0. False: there is none. */
static bool place_of(
    const struct domain *d, enum disk_bus bus, unsigned i, struct domain_address *a)
{
	a->controller = a->bus = a->target = 0;
	if (bus == DISK_IDE) {
		a->bus = i / 2;
		a->unit = i % 2;
		return i < 4;
	}
	if (bus == DISK_FDC) {
		a->unit = i;
		return i < 2;
	}
	if (bus == DISK_NVME) {
		a->controller = i / NVME_NAMESPACES;
		a->unit = i % NVME_NAMESPACES;
		return a->controller < 256;
	}
	if (bus == DISK_SATA) {
		a->controller = i / 6;
		a->unit = i % 6;
		return a->controller < 256;
	}
	unsigned targets = targets_of(d);
	if (targets > 0) {
		a->controller = i / targets;
		a->target = i % targets;
		a->unit = 0;
		return a->controller < 256;
	}
	unsigned units = is_narrow(d, 0) ? NARROW_UNITS : WIDE_UNITS;
	a->controller = i / units;
	a->unit = i % units;
	a->unit += a->unit >= 7;
	return a->controller < 256;
}

static bool same_place(const struct domain_address *a, const struct domain_address *b)
{
	return a->controller == b->controller && a->bus == b->bus && a->target == b->target &&
	       a->unit == b->unit;
}

/* --- taken places --- */
struct search {
	enum disk_bus bus;
	const struct domain_address *place, *self;
	unsigned line; /* of who has it */
	const char *element;
};

static int is_taken(void *arg, const struct seat_user *user)
{
	struct search *s = arg;
	const struct domain_address *a = user->address;
	if (a == s->self || a->type != ADDRESS_DRIVE)
		return 0;
	if (strcmp(user->element, "disk") == 0) {
		const struct domain_disk *disk = user->device;
		if (disk->bus != s->bus)
			return 0;
	} else if (user->seat != SEAT_SCSI || s->bus != DISK_SCSI) {
		return 0;
	}
	s->line = user->line;
	s->element = user->element;
	return same_place(a, s->place);
}

/* Two devices of the host in one place. */
struct host_check {
	struct domain *d;
	const char *file;
	struct err *err;
};

static int check_host(void *arg, const struct seat_user *user)
{
	struct host_check *c = arg;
	const struct domain_address *a = user->address;
	struct search s = {.bus = DISK_SCSI, .place = a, .self = a};
	if (user->seat != SEAT_SCSI || a->type != ADDRESS_DRIVE ||
	    domain_seats(c->d, is_taken, &s) == 0)
		return 0;
	return err_set(c->err, ERR_INVALID,
	    "%s:%u: <%s>: address controller='%u' bus='%u' target='%u' unit='%u' of bus 'scsi' is there twice (<%s>, line %u)",
	    c->file, user->line, user->element, a->controller, a->bus, a->target, a->unit,
	    s.element, s.line);
}

int domain_drive_check(struct domain *d, const char *file, struct err *err)
{
	struct host_check check = {d, file, err};
	if (domain_seats(d, check_host, &check) < 0)
		return -1;
	for (size_t i = 0; i < d->n_disks; i++) {
		const struct domain_disk *disk = &d->disks[i];
		const struct domain_address *a = &disk->address;
		struct search s = {.bus = disk->bus, .place = a, .self = a};
		if (a->type == ADDRESS_DRIVE && domain_seats(d, is_taken, &s) != 0)
			return err_set(err, ERR_INVALID,
			    "%s:%u: <disk>: address controller='%u' bus='%u' target='%u' unit='%u' of bus '%s' is there twice (<%s>, line %u)",
			    file, disk->line > s.line ? disk->line : s.line, a->controller, a->bus,
			    a->target, a->unit, disk_bus_name(disk->bus), s.element,
			    disk->line > s.line ? s.line : disk->line);
		if (a->type == ADDRESS_DRIVE && disk->bus == DISK_SCSI &&
		    domain_controller(d, CONTROLLER_SCSI, a->controller) != NULL &&
		    is_narrow(d, a->controller) && (a->target != 0 || a->unit > 7 || a->unit == 7))
			return err_set(err, ERR_INVALID,
			    "%s:%u: <disk>: target='%u' unit='%u': this SCSI controller has target 0, units 0 to 6",
			    file, disk->line, a->target, a->unit);
	}
	return 0;
}

/* --- assigning --- */
/* What the target says of the place: its number, as place_of counts; -1 nothing. */
static int target_number(const struct domain_disk *disk)
{
	unsigned controller, namespace;
	if (disk->bus != DISK_NVME)
		return disk_target_index(disk->target);
	if (!disk_target_nvme(disk->target, &controller, &namespace))
		return -1;
	return (int)(controller * NVME_NAMESPACES + namespace - 1);
}

static int assign_disk(struct domain *d, struct domain_disk *disk, struct err *err)
{
	struct domain_address place = {.type = ADDRESS_DRIVE, .line = disk->address.line};
	int index = target_number(disk);
	struct search s = {.bus = disk->bus, .place = &place, .self = &disk->address};
	for (unsigned i = 0; i <= PLACES_MAX; i++) {
		/* First what the target's letters say, then whatever is free. */
		unsigned number = i == 0 ? (unsigned)(index >= 0 ? index : 0) : i - 1;
		if (!place_of(d, disk->bus, number, &place))
			continue;
		if (domain_seats(d, is_taken, &s) == 0) {
			disk->address = place;
			return 0;
		}
		/* To put it elsewhere would let the guest see another order than the document has. */
		if (i == 0 && index >= 0)
			return err_set(err, ERR_INVALID,
			    "domain '%s': <disk>: the place of '%s' on bus '%s' (controller %u, bus %u, target %u, unit %u) is taken by <%s> of line %u; give it an <address>",
			    d->name, disk->target, disk_bus_name(disk->bus), place.controller,
			    place.bus, place.target, place.unit, s.element, s.line);
	}
	return err_set(err, ERR_INVALID,
	    "domain '%s': <disk>: no place for '%s' is left on bus '%s'", d->name, disk->target,
	    disk_bus_name(disk->bus));
}

static int assign_host(void *arg, const struct seat_user *user)
{
	struct domain *d = arg;
	struct domain_address place = {.type = ADDRESS_DRIVE, .line = user->address->line};
	struct search s = {.bus = DISK_SCSI, .place = &place, .self = user->address};
	if (user->seat != SEAT_SCSI || user->address->type != ADDRESS_NONE)
		return 0;
	for (unsigned i = 0; i <= PLACES_MAX; i++)
		if (place_of(d, DISK_SCSI, i, &place) && domain_seats(d, is_taken, &s) == 0) {
			*user->address = place;
			return 0;
		}
	return -1;
}

int domain_drives_assign(struct domain *d, struct err *err)
{
	for (size_t i = 0; i < d->n_disks; i++) {
		struct domain_disk *disk = &d->disks[i];
		if (by_drive(disk->bus) && disk->address.type == ADDRESS_NONE &&
		    assign_disk(d, disk, err) < 0)
			return -1;
	}
	if (domain_seats(d, assign_host, d) < 0)
		return err_set(err, ERR_INVALID,
		    "domain '%s': <hostdev>: no place is left on bus 'scsi'", d->name);
	return 0;
}

/* As many as the addresses name, of the model of the first. */
static int need_scsi(void *arg, const struct seat_user *user)
{
	struct domain *d = arg;
	const struct domain_address *a = user->address;
	if (user->seat != SEAT_SCSI)
		return 0;
	const struct domain_controller *first = domain_controller_first(d, CONTROLLER_SCSI);
	unsigned highest = a->type == ADDRESS_DRIVE ? a->controller : 0;
	CLEANUP_FREE char *model = xstrdup0(first != NULL ? first->model : NULL);
	for (unsigned i = 0; i <= highest; i++)
		domain_need_controller(d, CONTROLLER_SCSI, i, model);
	return 0;
}

void domain_drives_need(struct domain *d)
{
	for (size_t i = 0; i < d->n_disks; i++) {
		const struct domain_disk *disk = &d->disks[i];
		if (!by_drive(disk->bus) || disk->address.type != ADDRESS_DRIVE)
			continue;
		enum controller_type type = controller_of(disk->bus);
		const struct domain_controller *first = domain_controller_first(d, type);
		CLEANUP_FREE char *model = xstrdup0(first != NULL ? first->model : NULL);
		for (unsigned k = 0; k <= disk->address.controller; k++)
			domain_need_controller(d, type, k, model);
	}
	domain_seats(d, need_scsi, d);
}
