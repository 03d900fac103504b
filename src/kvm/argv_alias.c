#include "kvm/argv_alias.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "kvm/argv_dev.h"

/* libvirt's names for what the chip set has are "pci.0", "pcie.0" and "ide". */
static char *controller_id(const struct domain *d, const struct domain_controller *c)
{
	bool q35 = domain_is_q35(d);
	bool usb = c->type == CONTROLLER_USB, sata = c->type == CONTROLLER_SATA;
	if (c->type == CONTROLLER_PCI)
		return xasprintf("pci%s.%u", q35 && c->index == 0 ? "e" : "", c->index);
	if (c->index == 0 && (c->type == CONTROLLER_IDE || (sata && q35)))
		return xstrdup("ide");
	if (usb && c->index == 0)
		return xstrdup("usb");
	return xasprintf("%s%u", controller_type_name(c->type), c->index);
}

static char *dev_id(const struct domain_dev *dev)
{
	static const char *const names[DEV_KINDS] = {[DEV_BALLOON] = "balloon",
	    [DEV_CRYPTO] = "crypto",
	    [DEV_FILESYSTEM] = "fs",
	    [DEV_HOSTDEV] = "hostdev",
	    [DEV_HUB] = "hub",
	    [DEV_INPUT] = "input",
	    [DEV_IOMMU] = "iommu",
	    [DEV_PANIC] = "panic",
	    [DEV_PARALLEL] = "parallel",
	    [DEV_REDIRDEV] = "redir",
	    [DEV_RNG] = "rng",
	    [DEV_SHMEM] = "shmem",
	    [DEV_SMARTCARD] = "smartcard",
	    [DEV_SOUND] = "sound",
	    [DEV_TPM] = "tpm",
	    [DEV_VIDEO] = "video",
	    [DEV_VSOCK] = "vsock",
	    [DEV_WATCHDOG] = "watchdog"};
	if (names[dev->kind] == NULL)
		return NULL;
	return build_id(&dev->attrs, "%s%u", names[dev->kind], dev->index);
}

char *argv_device_id(const struct domain *d, struct device_ref r)
{
	char id[ARGV_ID_MAX];
	switch (r.kind) {
	case DEVICE_DISK:
		argv_disk_id(d, r.index, id);
		return xstrdup(id);
	case DEVICE_NET:
		return argv_net_id(d, r.index);
	case DEVICE_CONSOLE:
		return build_console_id(d, r.index);
	case DEVICE_CHANNEL:
		return build_id(&d->channels[r.index].attrs, "channel%zu", r.index);
	case DEVICE_CONTROLLER:
		return controller_id(d, &d->controllers[r.index]);
	case DEVICE_MEMORY: {
		CLEANUP_FREE char *memory = build_memdev_id(&d->memory, r.index);
		return xstrdup(memory + strlen("mem"));
	}
	case DEVICE_OTHER:
		return dev_id(&d->devs[r.index]);
	case DEVICE_KINDS:
		break;
	}
	return NULL;
}

/* A companion of a USB controller has its master's id, and is none of its own. */
static bool is_companion(const struct domain *d, struct device_ref r)
{
	return r.kind == DEVICE_CONTROLLER && d->controllers[r.index].has_master;
}

static bool is_taken(const struct domain *d, const char *alias)
{
	struct device_ref other;
	return device_by_alias(d, alias, &other);
}

/* "net2" → "net0", "net1" … the first that nobody has. */
static char *free_id(const struct domain *d, const char *id)
{
	size_t n = strlen(id);
	while (n > 0 && id[n - 1] >= '0' && id[n - 1] <= '9')
		n--;
	for (unsigned i = 0;; i++) {
		CLEANUP_FREE char *next = xasprintf("%.*s%u", (int)n, id, i);
		if (!is_taken(d, next))
			return TAKE_PTR(next);
	}
}

void argv_aliases(struct domain *d)
{
	d->live = true;
	DEVICE_FOREACH (d, r) {
		if (device_alias(d, r) != NULL)
			continue;
		CLEANUP_FREE char *id = argv_device_id(d, r);
		if (id == NULL)
			continue;
		CLEANUP_FREE char *other =
		    is_taken(d, id) && !is_companion(d, r) ? free_id(d, id) : NULL;
		device_set_alias(d, r, other != NULL ? other : id);
	}
}
