/* domain_dev: what an element of <devices> says, kept by name. The tables of domain_rules.h have
 * checked every value before it gets here, so a value is a good word, number or path. Owner: the
 * struct domain that it is in. */
#ifndef CORE_DOMAIN_DEV_H
#define CORE_DOMAIN_DEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/domain_address.h"
#include "core/domain_words.h"

/* Names are paths below the element: "model" of <rng model=…> is "@model", <rate bytes=…> is
 * "rate@bytes", the text of <backend> is "backend", the second <source mode=…> "source[1]@mode".
 * An element without a text has the value "", so that it can be asked for. */
struct domain_attr {
	char *name, *value;
};
struct domain_attrs {
	struct domain_attr *attr;
	size_t n;
};

const char *attrs_get(const struct domain_attrs *a, const char *name); /* NULL: absent */
bool attrs_has(const struct domain_attrs *a, const char *name);
bool attrs_is(const struct domain_attrs *a, const char *name, const char *value);
/* "on" and "yes" are SWITCH_ON. */
enum domain_switch attrs_switch(const struct domain_attrs *a, const char *name);
bool attrs_on(const struct domain_attrs *a, const char *name);
/* Decimal or 0x…; `absent` also for what is no number. */
uint64_t attrs_number(const struct domain_attrs *a, const char *name, uint64_t absent);
/* Changes it or adds it. */
void attrs_set(struct domain_attrs *a, const char *name, const char *value);
/* Nothing happens where there is none. */
void attrs_remove(struct domain_attrs *a, const char *name);
void attrs_fini(struct domain_attrs *a);

enum domain_dev_kind {
	DEV_AUDIO,
	DEV_BALLOON,
	DEV_CRYPTO,
	DEV_FILESYSTEM,
	DEV_GRAPHICS,
	DEV_HOSTDEV,
	DEV_HUB,
	DEV_INPUT,
	DEV_IOMMU,
	DEV_LEASE,
	DEV_PANIC,
	DEV_PARALLEL,
	DEV_REDIRDEV,
	DEV_REDIRFILTER,
	DEV_RNG,
	DEV_SHMEM,
	DEV_SMARTCARD,
	DEV_SOUND,
	DEV_TPM,
	DEV_VIDEO,
	DEV_VSOCK,
	DEV_WATCHDOG,
	DEV_KINDS
};

/* Devices whose element is nearly all there is to them; in the document's order. */
struct domain_dev {
	enum domain_dev_kind kind;
	unsigned index; /* among those of its kind, from 0 */
	struct domain_attrs attrs;
	struct domain_address address;
	unsigned line, element; /* as in struct domain_disk */
};

const char *domain_dev_name(enum domain_dev_kind kind); /* its element's */
enum seat domain_dev_seat(const struct domain *d, const struct domain_dev *dev);

/* The first of its kind, or NULL. */
const struct domain_dev *domain_dev_find(const struct domain *d, enum domain_dev_kind kind);

/* --- of one kind each --- */
/* The one that is there before the guest has drivers; NULL: there is none at all. */
const struct domain_dev *domain_primary_video(const struct domain *d);
const char *domain_input_bus(const struct domain_dev *dev); /* "ps2", "usb", "virtio" */
/* id 0: the first; NULL none. */
const struct domain_dev *domain_audio(const struct domain *d, uint64_t id);
uint64_t domain_shmem_bytes(const struct domain_dev *dev);
bool domain_filesystem_is_virtiofs(const struct domain_dev *dev);
enum hostdev_type { HOSTDEV_USB, HOSTDEV_PCI, HOSTDEV_MDEV, HOSTDEV_SCSI, HOSTDEV_SCSI_HOST };
enum hostdev_type domain_hostdev_type(const struct domain_dev *dev);

#endif
