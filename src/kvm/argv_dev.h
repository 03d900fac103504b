/* argv_dev: attributes of devices to QEMU's properties; for the files of argv_*.c. */
#ifndef KVM_ARGV_DEV_H
#define KVM_ARGV_DEV_H

#include "kvm/argv_impl.h"

/* An attribute and the property that it becomes; what is absent is left out. */
struct dev_key {
	const char *attr, *key;
};
/* Yes and no become on and off, other values stay as they are. */
void build_keys(
    struct buf *value, const struct domain_attrs *a, const struct dev_key *keys, size_t n);
void build_switch(struct buf *value, const char *key, enum domain_switch s);
/* The id: the alias that the document gives (core/domain_alias.h) or the words; on the heap. */
char *build_id(const struct domain_attrs *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* "virtio-rng" and the model → "virtio-rng-pci-transitional". */
void build_virtio_name(struct buf *value, const char *name, const char *model);
/* What all devices may have: virtio's options, the address, boot order, ACPI index, ROM. order: 0
 * none. */
void build_tail(struct builder *b, struct buf *value, const struct domain_attrs *a,
    const struct domain_address *address, unsigned order);
/* The same of a struct domain_dev, and "-device" with it. */
int build_dev(struct builder *b, struct buf *value, const struct domain_dev *dev);

/* argv_chardev.c: "-chardev" for the back end `type` that a's <source>, <protocol>, <log> describe; with
 * prefix "backend/" those below <backend>. `name`: what spicevmc is told it serves; NULL "vdagent". */
int build_backend(struct builder *b, const char *id, const char *type, const struct domain_attrs *a,
    const char *prefix, const char *name);

/* argv_chr.c: of a serial port or console, by its place in d->consoles; on the heap. */
char *build_console_id(const struct domain *d, size_t i);

/* ",host=0000:06:12.5" of <source><address>. */
void build_host_address(const struct domain_attrs *a, struct buf *value);
/* The place of a SCSI device: ",bus=scsi0.0,channel=0,scsi-id=0,lun=1". */
void build_scsi_place(struct builder *b, struct buf *value, const struct domain_address *a);
/* The number in QEMU of the next descriptor that the supervisor hands over. */
int build_fd(struct builder *b, enum argv_socket_kind kind, unsigned index);
/* ",guestfwd=…" of the channels that ask for it. */
void build_guestfwds(struct builder *b, struct buf *value);

typedef int dev_build_fn(struct builder *b, const struct domain_dev *dev);
dev_build_fn build_audio, build_balloon, build_crypto, build_filesystem, build_graphics,
    build_hostdev, build_hub, build_input, build_iommu, build_panic, build_parallel, build_redirdev,
    build_rng, build_shmem, build_smartcard, build_sound, build_tpm, build_video, build_vsock,
    build_watchdog;
/* ",audiodev=ID" of the <audio> that <audio id=…> names, or of the first; nothing without one. */
int build_audio_default(struct builder *b);
void build_audio_key(struct builder *b, const struct domain_attrs *a, struct buf *value);

#endif
