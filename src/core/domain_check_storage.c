/* What no disk and no controller shows alone: things there twice, references to what is not there. */
#include "core/domain_impl.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

static int check_disks(struct parse *p)
{
	const struct domain *d = p->d;
	for (size_t i = 0; i < d->n_disks; i++)
		for (size_t k = 0; k < i; k++) {
			const struct domain_disk *a = &d->disks[k], *b = &d->disks[i];
			if (strcmp(a->target, b->target) == 0)
				return invalid_at(p, "disk", b->line,
				    "target '%s' is there twice (line %u)", b->target, a->line);
		}
	return 0;
}

/* --- controllers --- */
static int check_index(
    struct parse *p, const struct domain_controller *a, const struct domain_controller *b)
{
	bool companions = usb_is_ich9(a) && usb_is_ich9(b) && strcmp(a->model, b->model) != 0;
	if (a->type == b->type && a->index == b->index && !companions)
		return invalid_at(p, "controller", b->line, "index %u is there twice (line %u)",
		    b->index, a->line);
	if (a->type == CONTROLLER_USB && b->type == CONTROLLER_USB &&
	    (str_eq(a->model, "none") || str_eq(b->model, "none")))
		return invalid_at(p, "controller", b->line,
		    "another USB controller is there (line %u), and model='none' says that there is none",
		    a->line);
	return 0;
}

/* A UHCI of the ICH9 is a companion of the EHCI of its index. */
static int check_companion(struct parse *p, const struct domain_controller *c)
{
	if (c->type != CONTROLLER_USB || c->model == NULL || !str_prefix(c->model, "ich9-uhci"))
		return 0;
	const struct domain_controller *master = domain_controller(p->d, CONTROLLER_USB, c->index);
	if (master == NULL || !str_eq(master->model, "ich9-ehci1"))
		return invalid_at(p, "controller", c->line,
		    "model='%s' needs a controller of model='ich9-ehci1' with index %u to be its master",
		    c->model, c->index);
	return 0;
}

static int check_controllers(struct parse *p)
{
	const struct domain *d = p->d;
	bool q35 = domain_is_q35(d);
	const char *machine = d->machine != NULL ? d->machine : "pc";
	for (size_t i = 0; i < d->n_controllers; i++) {
		const struct domain_controller *c = &d->controllers[i];
		for (size_t k = 0; k < i; k++)
			if (check_index(p, &d->controllers[k], c) < 0)
				return -1;
		if (check_companion(p, c) < 0)
			return -1;
		if (c->type == CONTROLLER_IDE && q35)
			return invalid_at(p, "controller", c->line,
			    "machine '%s' has no IDE controller; use SATA", machine);
		if (c->type == CONTROLLER_PCI && c->index > 0 && !q35 &&
		    strcmp(c->model, "pci-bridge") != 0 &&
		    strcmp(c->model, "pci-expander-bus") != 0)
			return invalid_at(p, "controller", c->line,
			    "model '%s' needs PCI Express: machine 'q35', not '%s'", c->model,
			    machine);
		if (c->type == CONTROLLER_PCI && q35 && strcmp(c->model, "pci-expander-bus") == 0)
			return invalid_at(p, "controller", c->line,
			    "model '%s' needs machine 'pc'; q35 has 'pcie-expander-bus'", c->model);
	}
	const struct domain_controller *root = domain_controller(d, CONTROLLER_PCI, 0);
	if (root != NULL && str_eq(root->model, "pcie-root") != q35)
		return invalid_at(p, "controller", root->line,
		    "model '%s' does not fit machine '%s'", root->model, machine);
	return 0;
}

/* --- references --- */
static bool iothread_there(const struct domain *d, unsigned id)
{
	for (size_t i = 0; i < d->n_iothreads; i++)
		if (d->iothreads[i].id == id)
			return true;
	return id == 0;
}

static bool group_there(const struct domain *d, const char *name)
{
	for (size_t i = 0; i < d->n_throttle_groups; i++)
		if (strcmp(d->throttle_groups[i].group, name) == 0)
			return true;
	return false;
}

static bool same_limits(const struct disk_iotune *a, const struct disk_iotune *b)
{
	return memcmp(a->limit, b->limit, sizeof a->limit) == 0 &&
	       memcmp(a->max, b->max, sizeof a->max) == 0 &&
	       memcmp(a->max_length, b->max_length, sizeof a->max_length) == 0 &&
	       a->iops_size == b->iops_size;
}

/* Of disks that share a group's name the first may say the limits and the others nothing. */
static int check_iotune(struct parse *p, size_t i)
{
	static const struct disk_iotune none;
	const struct domain *d = p->d;
	const struct domain_disk *b = &d->disks[i];
	for (size_t k = 0; k < i && b->iotune.group != NULL; k++) {
		const struct domain_disk *a = &d->disks[k];
		if (str_eq(a->iotune.group, b->iotune.group) &&
		    !same_limits(&a->iotune, &b->iotune) && !same_limits(&none, &b->iotune))
			return invalid_at(p, "disk", b->line,
			    "group '%s' has other limits than in '%s' (line %u)", b->iotune.group,
			    a->target, a->line);
	}
	for (size_t k = 0; k < b->n_throttle; k++)
		if (!group_there(d, b->throttle[k]))
			return invalid_at(p, "disk", b->line,
			    "throttle group '%s' is not in <throttlegroups>", b->throttle[k]);
	return 0;
}

static int check_references(struct parse *p)
{
	const struct domain *d = p->d;
	for (size_t i = 0; i < d->n_disks; i++) {
		const struct domain_disk *disk = &d->disks[i];
		if (!iothread_there(d, disk->iothread))
			return invalid_at(p, "disk", disk->line,
			    "iothread %u is not among the domain's <iothreads>", disk->iothread);
		if (check_iotune(p, i) < 0)
			return -1;
	}
	for (size_t i = 0; i < d->n_controllers; i++)
		if (!iothread_there(d, d->controllers[i].iothread))
			return invalid_at(p, "controller", d->controllers[i].line,
			    "iothread %u is not among the domain's <iothreads>",
			    d->controllers[i].iothread);
	return 0;
}

static int check_machine(struct parse *p)
{
	const struct domain *d = p->d;
	for (size_t i = 0; i < d->n_disks; i++)
		if (d->disks[i].bus == DISK_IDE && domain_is_q35(d))
			return invalid_at(p, "disk", d->disks[i].line,
			    "machine '%s' has no IDE for '%s'; use bus='sata'", d->machine,
			    d->disks[i].target);
	return 0;
}

int storage_check(struct parse *p)
{
	controllers_number(p->d);
	if (check_disks(p) < 0 || check_controllers(p) < 0 || check_machine(p) < 0 ||
	    check_references(p) < 0)
		return -1;
	if (domain_drive_check(p->d, p->file, p->err) < 0 ||
	    domain_usb_check(p->d, p->file, p->err) < 0 ||
	    domain_ports_check(p->d, p->file, p->err) < 0)
		return -1;
	return domain_pci_check(p->d, p->file, p->err);
}
