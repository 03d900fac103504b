#include "core/domain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <uuid/uuid.h>

#include "core/domain_parse.h"
#include "core/mem.h"
#include "core/str.h"

#define MAC_TRIES 64

static void dev_fini(struct domain_dev *dev)
{
	attrs_fini(&dev->attrs);
}

#define FREE_ARRAY(array, n, fini)               \
	do {                                     \
		for (size_t i = 0; i < (n); i++) \
			fini(&(array)[i]);       \
		free(array);                     \
	} while (0)

void domain_fini(struct domain *d)
{
	char *const strings[] = {d->name, d->title, d->description, d->arch, d->machine, d->kernel,
	    d->initrd, d->cmdline, d->emulator, d->source};
	for (size_t i = 0; i < ARRAY_LEN(strings); i++)
		free(strings[i]);
	domain_cpu_fini(&d->cpu);
	domain_memory_fini(&d->memory);
	domain_os_fini(&d->os);
	domain_features_fini(&d->features);
	domain_clock_fini(&d->clock);
	domain_tune_fini(&d->tune);
	domain_security_fini(&d->security);
	domain_qemu_fini(&d->qemu);
	FREE_ARRAY(d->disks, d->n_disks, disk_fini);
	FREE_ARRAY(d->nets, d->n_nets, net_fini);
	FREE_ARRAY(d->consoles, d->n_consoles, chr_fini);
	FREE_ARRAY(d->controllers, d->n_controllers, controller_fini);
	free(d->iothreads);
	FREE_ARRAY(d->throttle_groups, d->n_throttle_groups, iotune_fini);
	FREE_ARRAY(d->channels, d->n_channels, channel_fini);
	FREE_ARRAY(d->devs, d->n_devs, dev_fini);
	*d = (struct domain){0};
}

/* What a parser adds stands at an array's end. */
#define DROP_LAST(array, n, number, fini)                          \
	do {                                                       \
		if ((n) > 0 && (array)[(n)-1].element == (number)) \
			fini(&(array)[--(n)]);                     \
	} while (0)

void domain_drop_element(struct domain *d, unsigned element)
{
	DROP_LAST(d->disks, d->n_disks, element, disk_fini);
	DROP_LAST(d->nets, d->n_nets, element, net_fini);
	DROP_LAST(d->consoles, d->n_consoles, element, chr_fini);
	DROP_LAST(d->controllers, d->n_controllers, element, controller_fini);
	DROP_LAST(d->channels, d->n_channels, element, channel_fini);
	DROP_LAST(d->devs, d->n_devs, element, dev_fini);
	memory_drop_element(&d->memory, element);
}

/* --- words --- */
const char *domain_action_name(enum domain_action a)
{
	static const char *const words[ACTION_COUNT] = {
	    [ACTION_DESTROY] = "destroy",
	    [ACTION_RESTART] = "restart",
	    [ACTION_PRESERVE] = "preserve",
	    [ACTION_RENAME_RESTART] = "rename-restart",
	    [ACTION_COREDUMP_DESTROY] = "coredump-destroy",
	    [ACTION_COREDUMP_RESTART] = "coredump-restart",
	};
	return words[a];
}

/* QEMU's names and those of the distributions' own: "q35", "pc-q35-7.2", "ubuntu-q35". */
bool domain_is_q35(const struct domain *d)
{
	return d->machine != NULL && strstr(d->machine, "q35") != NULL;
}

/* --- completing --- */
static bool mac_used(const struct domain *d, const char *mac)
{
	for (size_t i = 0; i < d->n_nets; i++)
		if (str_eq(d->nets[i].mac, mac))
			return true;
	return false;
}

static int make_mac(struct domain *d, struct domain_net *net,
    bool (*taken)(void *arg, const char *mac), void *arg, struct err *err)
{
	for (int i = 0; i < MAC_TRIES; i++) {
		unsigned char r[3];
		if (getrandom(r, sizeof r, 0) != (ssize_t)sizeof r)
			return err_set(err, ERR_IO, "no random numbers for a MAC address");
		CLEANUP_FREE char *mac = xasprintf("52:54:00:%02x:%02x:%02x", r[0], r[1], r[2]);
		if (mac_used(d, mac) || (taken != NULL && taken(arg, mac)))
			continue;
		net->mac = TAKE_PTR(mac);
		return 0;
	}
	return err_set(err, ERR_FAIL, "no free MAC address found in %d tries", MAC_TRIES);
}

/* What a display shows. */
static void complete_video(struct domain *d)
{
	if (domain_dev_find(d, DEV_GRAPHICS) == NULL || domain_dev_find(d, DEV_VIDEO) != NULL)
		return;
	struct domain_dev *dev = DOMAIN_ADD(d->devs, d->n_devs);
	dev->kind = DEV_VIDEO;
	attrs_add(&dev->attrs, "model@type", "vga");
}

int domain_complete(
    struct domain *d, bool (*mac_taken)(void *arg, const char *mac), void *arg, struct err *err)
{
	if (!d->has_uuid) {
		uuid_generate_random(d->uuid);
		d->has_uuid = true;
	}
	if (d->genid && !d->has_genid_uuid) {
		uuid_generate_random(d->genid_uuid);
		d->has_genid_uuid = true;
	}
	memdev_complete(&d->memory);
	for (size_t i = 0; i < d->n_nets; i++)
		if (d->nets[i].mac == NULL && make_mac(d, &d->nets[i], mac_taken, arg, err) < 0)
			return -1;
	complete_video(d);
	return storage_complete(d, err);
}
