/* plan_device: devices plugged and unplugged, of any kind. Args of the verbs:
 *
 *	attach-device, attach-disk           xml (the device's element), file (its name in messages)
 *	detach-device                        xml, file
 *	detach-disk                          target
 *	detach-device-alias                  alias
 *	device-gone                          alias: QEMU has let go of it outside of a plan; what it leaves is put away */
#ifndef KVM_PLAN_DEVICE_H
#define KVM_PLAN_DEVICE_H

#include "core/domain_alias.h"
#include "kvm/plan_fragment.h"

/* plan_attach.c: xml into the documents that in->where names, and into QEMU. */
int plan_attach(
    const struct plan_in *in, const char *xml, const char *file, struct plan *p, struct err *err);
/* plan_detach.c: the elements of both documents, 0 none, out of them and out of QEMU. */
int plan_detach(
    const struct plan_in *in, unsigned live, unsigned config, struct plan *p, struct err *err);
/* It is no longer in QEMU: all the rest of it goes. */
int plan_device_gone(const struct plan_in *in, const char *alias, struct plan *p, struct err *err);
/* A PCI device of the host comes from its driver, and goes back to it; nothing for others. */
void plan_device_take(struct plan *p, const struct domain *d, struct device_ref r);
void plan_device_give(struct plan *p, const struct domain *d, struct device_ref r);
/* "disk vdb", "interface 52:54:00:…", "rng rng0"; on the heap. */
char *plan_device_words(const struct domain *d, struct device_ref r);
/* Can this device of a machine that runs be plugged and unplugged at all? The error says why not, and what to do. */
int plan_device_hotplug(const struct domain *d, struct device_ref r, struct err *err);

/* plan_attach_look.c: facts about the host, of an attach: "image": what the images of a disk are made of, and that they may be used. */
int plan_attach_look(const struct plan_in *in, struct json_object *facts, struct err *err);
/* What it has found, into the disk: the file of a volume, and every backing file by name. The document stays as it is. */
int plan_attach_image(const struct plan_in *in, struct domain_disk *disk, struct err *err);

#endif
