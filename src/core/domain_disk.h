/* domain_disk: the disks of a definition as plain data. Owner: struct domain. Strings are on the heap, NULL when absent. */
#ifndef CORE_DOMAIN_DISK_H
#define CORE_DOMAIN_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/domain_address.h"
#include "core/domain_words.h"

enum disk_device { DISK_DISK, DISK_CDROM, DISK_FLOPPY, DISK_LUN };
enum disk_bus { DISK_VIRTIO, DISK_IDE, DISK_SATA, DISK_SCSI, DISK_USB, DISK_FDC, DISK_NVME };
enum disk_format {
	DISK_RAW,
	DISK_QCOW2,
	DISK_QCOW,
	DISK_QED,
	DISK_VMDK,
	DISK_VDI,
	DISK_VHDX,
	DISK_VPC,
	DISK_PARALLELS,
	DISK_BOCHS,
	DISK_CLOOP,
	DISK_DMG,
	DISK_FAT, /* type='dir': a folder shown as a FAT file system */
	DISK_FORMATS
};
enum image_type {
	IMAGE_FILE,
	IMAGE_BLOCK,
	IMAGE_DIR,
	IMAGE_NETWORK,
	IMAGE_VOLUME,
	IMAGE_NVME,
	IMAGE_VHOST_USER,
	IMAGE_TYPES
};

/* Where a secret's bytes are found; the bytes themselves are never here. */
struct image_secret {
	char *type; /* "ceph", "iscsi", "passphrase" … */
	char *uuid, *usage;
};

struct image_host {
	char *transport; /* "tcp", "unix", "rdma" */
	char *name, *socket;
	unsigned port; /* 0 the protocol's own */
};

/* One layer of a disk: what it reads from and writes to. */
struct disk_image {
	enum image_type type;
	enum disk_format format;
	char *
	    path; /* file, block, dir: absolute; vhostuser: its socket; NULL: none (an empty drive) */
	/* network */
	char *protocol; /* "rbd", "nbd", "iscsi" … */
	char *name, *query, *snapshot, *config, *initiator;
	struct image_host *hosts;
	size_t n_hosts;
	enum domain_switch tls, ssl_verify;
	char *tls_hostname;
	unsigned timeout, reconnect; /* s, 0 none */
	uint64_t readahead;          /* bytes, 0 QEMU's default */
	char *cookies;               /* "a=1; b=2": secrets, like a password */
	long nfs_user, nfs_group;    /* -1 none given */
	/* block: SCSI's persistent reservations */
	bool reservations;
	char *reservations_path; /* of qemu-pr-helper's socket; NULL: somebody is to start it */
	/* volume */
	char *pool, *volume, *mode;
	/* nvme */
	struct domain_address pci; /* of the host */
	unsigned namespace;
	bool managed;
	/* vhostuser */
	unsigned vhost_reconnect;
	/* of any */
	char *auth_user; /* <auth>; NULL none */
	struct image_secret auth;
	char *encryption; /* "luks", "qcow"; NULL none */
	struct image_secret encryption_secret;
	bool encrypted_by_rbd;             /* engine='librbd': Ceph's client does it, not QEMU */
	uint64_t slice_offset, slice_size; /* bytes; size 0: the whole */
	unsigned index;                    /* 0 none */
	uint64_t metadata_cache;           /* bytes, 0 QEMU's default; qcow2 */
	struct disk_image *backing;        /* NULL: as the image itself says */
	bool backing_ends;                 /* <backingStore/>: it has none, whatever it says */
	unsigned line;
};

/* <iotune>, and a throttle group. 0 no limit. */
enum iotune_limit {
	IOTUNE_BPS_TOTAL,
	IOTUNE_BPS_READ,
	IOTUNE_BPS_WRITE,
	IOTUNE_IOPS_TOTAL,
	IOTUNE_IOPS_READ,
	IOTUNE_IOPS_WRITE,
	IOTUNE_KINDS
};
struct disk_iotune {
	uint64_t limit[IOTUNE_KINDS], max[IOTUNE_KINDS],
	    max_length[IOTUNE_KINDS]; /* per second; s */
	uint64_t iops_size;           /* bytes */
	char *group;                  /* disks of one group share; NULL the disk alone */
};

struct domain_disk {
	enum disk_device device;
	enum disk_bus bus;
	char *model; /* "virtio-transitional" …; NULL the default of its bus */
	struct disk_image image;
	char *target; /* "vda": unique in the domain */
	char *serial, *wwn, *vendor, *product;
	/* driver's attributes, checked against libvirt's words; NULL QEMU's default */
	char *cache, *io, *discard, *detect_zeroes, *error_policy, *rerror_policy;
	enum domain_switch copy_on_read, event_idx, ioeventfd, packed, ats, iommu, page_per_vq,
	    discard_no_unref;
	unsigned queues, queue_size, iothread; /* 0 none given */
	bool readonly, shareable, transient, tray_open;
	bool overlaid; /* image is one of this run, on top of the document's */
	enum domain_switch removable;
	char *startup_policy; /* "mandatory", "requisite", "optional" */
	unsigned rotation_rate;
	unsigned cylinders, heads, sectors; /* 0 QEMU's own */
	char *translation;
	unsigned logical_block, physical_block, discard_granularity; /* bytes; 0 QEMU's own */
	bool with_discard_granularity;
	struct disk_iotune iotune;
	bool with_iotune;
	char **throttle; /* names of throttle groups, the one nearest to the image first */
	size_t n_throttle;
	unsigned boot_order; /* 0 none */
	char *alias;         /* see domain_alias.h; NULL none */
	struct domain_address address;
	unsigned line;    /* in the source document, for messages */
	unsigned element; /* its place among the elements of <devices>, from 1; 0: it is not in
	                     `source` */
};

void disk_fini(struct domain_disk *disk);
void image_fini(struct disk_image *image);
void iotune_fini(struct disk_iotune *iotune);

/* Words of the format; never NULL. */
const char *disk_bus_name(enum disk_bus b);
const char *disk_device_name(enum disk_device d);
const char *disk_format_name(enum disk_format f);
const char *image_type_name(enum image_type t);
/* "nvme1n2" → 1 and 2. */
bool disk_target_nvme(const char *target, unsigned *controller, unsigned *namespace);
/* "vda" → 0, "hdc" → 2, "sdaa" → 26; -1 when it does not end in a disk's letters. */
int disk_target_index(const char *target);
/* Is there an image at all? A drive may be empty. */
bool disk_has_image(const struct domain_disk *disk);
bool image_has_place(const struct disk_image *image);

#endif
