/* domain_impl: what the files of domain_*.c share; for nobody else. */
#ifndef CORE_DOMAIN_IMPL_H
#define CORE_DOMAIN_IMPL_H

#include "core/domain.h"
#include "core/xml.h"

#define PARSE_SKIP 1 /* returned beside 0 and -1: leave this element out */

/* One parse; lives on domain_parse's stack. */
struct parse {
	const char *file;
	unsigned flags;
	struct domain *d;
	struct buf *warnings; /* may be NULL */
	struct err *err;
	struct buf refused; /* what is more than we can do, a line each, as far as it fits */
	unsigned n_ignored, n_refused, n_untold;
	unsigned n_devices;
	bool graphics_vnc;
};

/* Well-formed, but more than we can do: noted, so that all of it is told at the end, or a warning where flags say so.
 * PARSE_SKIP, or -1. */
int parse_refuse(struct parse *p, const xmlNode *node, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int parse_invalid(struct parse *p, const xmlNode *node, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void parse_warn(struct parse *p, const xmlNode *node, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* An attribute as a number (decimal or 0x…) within 0..max; absent leaves *out. */
int parse_number(
    struct parse *p, const xmlNode *node, const char *attr, unsigned max, unsigned *out);
/* The index of value in words (NULL-terminated), or -1 with an error that lists them. */
int parse_word(struct parse *p, const xmlNode *node, const char *what, const char *value,
    const char *const *words);
/* The same of an attribute, which may be absent (then `absent`). */
int parse_attr_word(struct parse *p, const xmlNode *node, const char *attr,
    const char *const *words, int absent, int *out);
/* yes/no, on/off, by attribute. */
int parse_switch(struct parse *p, const xmlNode *node, const char *attr, enum domain_switch *out);
/* An absolute path without control characters; NULL passes. */
int parse_path_check(struct parse *p, const xmlNode *node, const char *path);
bool parse_text_ok(const char *text); /* nothing that str_printable would change */
/* <address> of a device: of one of the `allowed` types, ADDRESS_BIT(…)s. Absent: type ADDRESS_NONE. */
#define ADDRESS_BIT(type) (1u << (type))
#define ADDRESS_BIT_PCI ADDRESS_BIT(ADDRESS_PCI)
int parse_address(
    struct parse *p, const xmlNode *device, unsigned allowed, struct domain_address *out);

/* domain_schema.c: goes over the whole document: what would change the hardware and is not known
 * here is refused, what has no effect is warned of. */
int schema_check(struct parse *p, const xmlNode *root);
/* Was something refused in it for which it is left out as a whole? */
bool schema_left_out(const xmlNode *device);

/* domain_devices.c: <devices> into p->d. */
int devices_parse(struct parse *p, const xmlNode *devices);
unsigned node_line(const xmlNode *node);
char *printable_attr(const xmlNode *node, const char *attr); /* on the heap; "" absent */
/* One element each; element is its number among those of <devices>. */
int disk_parse(struct parse *p, const xmlNode *node, unsigned element);
/* domain_image.c: <source>, <backingStore> and what else of a <disk> says where its bytes are. */
int image_parse(struct parse *p, const xmlNode *disk, struct disk_image *image);
int format_parse(struct parse *p, const xmlNode *node, const char *word, enum disk_format *out);
int metadata_cache_parse(struct parse *p, const xmlNode *owner, uint64_t *out);
/* domain_iotune.c: <iotune> of a disk; <iothreads>, <iothreadids>, <throttlegroups> of a domain. */
int iotune_parse(struct parse *p, const xmlNode *node, struct disk_iotune *out);
int iothreads_parse(struct parse *p, const xmlNode *root);
int throttle_groups_parse(struct parse *p, const xmlNode *root);
int controller_parse(struct parse *p, const xmlNode *node, unsigned element);
/* domain_controller.c: gives an index to those that have none. */
void controllers_number(struct domain *d);
bool usb_is_ich9(const struct domain_controller *c);
int interface_parse(struct parse *p, const xmlNode *node, unsigned element);
int serial_parse(struct parse *p, const xmlNode *node, unsigned element);
int console_parse(struct parse *p, const xmlNode *node, unsigned element);
int channel_parse(struct parse *p, const xmlNode *node, unsigned element);

/* domain_dev.c: all attributes and texts of an element, by name. 0 or -1. */
int attrs_read(struct parse *p, const xmlNode *device, struct domain_attrs *a);
void attrs_add(struct domain_attrs *a, const char *name, const char *value);
/* domain_alias.c: the alias that counts, on the heap or NULL; the same among attributes: others are dropped. */
char *alias_parse(const struct parse *p, const xmlNode *device);
void alias_filter(const struct parse *p, struct domain_attrs *a);
bool domain_dev_kind_of(const xmlNode *node, enum domain_dev_kind *kind);
/* What the tables of rules cannot say of one device; 0, -1 or PARSE_SKIP. */
int domain_dev_check(struct parse *p, const xmlNode *node, const struct domain_dev *dev);
/* ADDRESS_BIT(…)s that it may have. */
unsigned domain_dev_addresses(const struct domain *d, const struct domain_dev *dev);

/* The back end of a character device, the children of node. path_optional: a socket of our own serves. */
int chardev_check(struct parse *p, const xmlNode *node, const char *type, bool path_optional);
typedef int dev_check_fn(struct parse *p, const xmlNode *node, const struct domain_dev *dev);
dev_check_fn audio_check, balloon_check, filesystem_check, graphics_check, hostdev_check,
    input_check, iommu_check, panic_check, parallel_check, redirdev_check, redirfilter_check,
    rng_check, shmem_check, smartcard_check, sound_check, tpm_check, video_check, vsock_check,
    watchdog_check;
typedef enum seat dev_seat_fn(const struct domain *d, const struct domain_dev *dev);
dev_seat_fn hostdev_seat, hub_seat, input_seat, iommu_seat, panic_seat, smartcard_seat, sound_seat,
    video_seat, watchdog_seat;
/* What the devices of a kind say together. */
int audio_check_all(struct parse *p);
int filesystem_check_all(struct parse *p);
int graphics_check_all(struct parse *p);
int hostdev_check_all(struct parse *p);
int video_check_all(struct parse *p);

/* A line of the source document, where no node is at hand; returns -1. */
int invalid_at(struct parse *p, const char *element, unsigned line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* domain_check.c: what no element shows alone: duplicates, topology, boot order. */
int domain_check(struct parse *p);

/* Does <domain> hold <?hvmux ignore-unsupported?>? */
bool domain_leaves_out(const xmlNode *root);

/* The document's members only, no checks of the whole; for domain_format. */
int parse_document(struct parse *p, const xmlNode *root);

/* Grows an array member by one zeroed entry. */
#define DOMAIN_ADD(array, n)                                                \
	({                                                                  \
		(array) = xreallocarray((array), (n) + 1, sizeof *(array)); \
		memset(&(array)[n], 0, sizeof *(array));                    \
		&(array)[(n)++];                                            \
	})

/* Takes what was read of one element of <devices> out again. */
void domain_drop_element(struct domain *d, unsigned element);

/* domain_check_storage.c */
int storage_check(struct parse *p);

/* domain_storage.c: the controllers that devices need, then everybody's address. */
int storage_complete(struct domain *d, struct err *err);
/* Adds a controller unless there is one of this type and index; model may be NULL. */
void domain_need_controller(
    struct domain *d, enum controller_type type, unsigned index, const char *model);
const struct domain_controller *domain_controller_first(
    const struct domain *d, enum controller_type type);

/* domain_drive.c, domain_ports.c, domain_usb.c: like those of PCI below, for the other buses. */
int domain_drive_check(struct domain *d, const char *file, struct err *err);
int domain_drives_assign(struct domain *d, struct err *err);
void domain_drives_need(struct domain *d);
int domain_ports_check(struct domain *d, const char *file, struct err *err);
int domain_ports_assign(struct domain *d, struct err *err);
int domain_usb_check(struct domain *d, const char *file, struct err *err);
int domain_usb_assign(struct domain *d, struct err *err);

/* domain_pci.c */
/* Addresses used twice, or on buses that are not there. */
int domain_pci_check(struct domain *d, const char *file, struct err *err);
/* Gives an address to every device that has none. */
int domain_pci_assign(struct domain *d, struct err *err);

#endif
