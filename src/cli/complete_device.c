#include "cli/complete_device.h"

#include <stdio.h>

#include "cli/change.h"
#include "core/domain_alias.h"
#include "core/mem.h"
#include "core/snapshots.h"
#include "core/str.h"
#include "core/vm.h"

enum what { DISKS, DRIVES, INTERFACES, ALIASES };

static void offer_snapshots(
    const struct home *h, const char *domain, complete_offer *offer, void *arg)
{
	struct snapshots s;
	(void)snapshots_load(h, domain, &s, NULL);
	for (size_t i = 0; i < s.n; i++)
		offer(arg, s.v[i].name,
		    s.v[i].description != NULL ? s.v[i].description
		                               : snapshot_state_name(s.v[i].state));
	snapshots_fini(&s);
}

static int read_domain(const struct home *h, const char *name, struct domain *d)
{
	struct vm vm;
	CLEANUP_BUF struct buf xml = BUF_INIT;
	if (vm_probe(h, name, &vm, NULL) < 0)
		return -1;
	bool live = vm.live;
	vm_fini(&vm);
	if (change_read(h, name, live ? CHANGE_LIVE : CHANGE_CONFIG, &xml, NULL) < 0)
		return -1;
	unsigned flags = DOMAIN_PARSE_LENIENT | (live ? DOMAIN_PARSE_LIVE : 0u);
	return domain_parse(xml.data, xml.len, name, flags, d, NULL, NULL);
}

static void offer_of(const struct domain *d, enum what w, complete_offer *offer, void *arg)
{
	DEVICE_FOREACH (d, r) {
		const char *alias = device_alias(d, r);
		if (w == ALIASES && alias != NULL)
			offer(arg, alias, device_element_name(d, r));
		const struct domain_disk *k = r.kind == DEVICE_DISK ? &d->disks[r.index] : NULL;
		bool drive = k != NULL && (k->device == DISK_CDROM || k->device == DISK_FLOPPY);
		if ((w == DISKS || (w == DRIVES && drive)) && k != NULL)
			offer(arg, k->target, k->image.path);
		if (w == INTERFACES && r.kind == DEVICE_NET && d->nets[r.index].mac != NULL)
			offer(arg, d->nets[r.index].mac, alias);
	}
}

/* Options of one name that mean the same in every verb that has them, or in one verb. */
static const struct {
	const char *option, *verb; /* verb NULL: any */
	enum what what;
} options[] = {
    {"alias", "detach-device-alias", ALIASES},
    {"alias", "update-memory-device", ALIASES},
    {"interface", NULL, INTERFACES},
    {"mac", "detach-interface", INTERFACES},
    {"target", "detach-disk", DISKS},
    {"path", "change-media", DRIVES},
    {"path", "blockcommit", DISKS},
    {"path", "blockpull", DISKS},
    {"path", "blockcopy", DISKS},
    {"path", "blockjob", DISKS},
    {"path", "blockresize", DISKS},
    {"dev", "domblkthreshold", DISKS},
    {"device", "blkdeviotune", DISKS},
    {"device", "domblkinfo", DISKS},
    {"device", "domblkstat", DISKS},
};

bool complete_device(const struct home *h, const struct verb *v, const struct verb_opt *o,
    const char *domain, complete_offer *offer, void *arg)
{
	if (str_eq(o->name, "snapshotname") ||
	    (str_eq(o->name, "from") && str_eq(v->name, "snapshot-list"))) {
		offer_snapshots(h, domain, offer, arg);
		return true;
	}
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		struct domain d;
		if (!str_eq(o->name, options[i].option) ||
		    (options[i].verb != NULL && !str_eq(v->name, options[i].verb)))
			continue;
		if (read_domain(h, domain, &d) < 0)
			return true;
		offer_of(&d, options[i].what, offer, arg);
		domain_fini(&d);
		return true;
	}
	return false;
}
