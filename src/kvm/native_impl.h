/* native_impl: what the files of native*.c share; for nobody else. */
#ifndef KVM_NATIVE_IMPL_H
#define KVM_NATIVE_IMPL_H

#include <libxml/tree.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kvm/native.h"

/* --- options: native_opt.c --- */
struct nat_key {
	char *key, *value;
	bool taken; /* the document says it */
};

struct nat_opt {
	char *name;  /* without dashes */
	char *value; /* as it stands; NULL: the option has none */
	struct nat_key *keys;
	size_t n_keys;
	bool used; /* the document says it, or it means nothing to a machine */
};

struct nat_opts {
	struct nat_opt *o;
	size_t n;
	char **loose; /* words that are no options: QEMU takes one for the first disk */
	size_t n_loose;
};

/* Splits words into options with their values, and the values into keys (QEMU's "a=b,c,d=e,,f", or a
 * JSON object flattened to "file.filename"). */
void nat_opts_read(struct nat_opts *l, char *const *words, size_t n);
void nat_opts_fini(struct nat_opts *l);
/* Parses one value by the rules of option `name` into *o. */
void nat_opt_init(struct nat_opt *o, const char *name, const char *value);
void nat_opt_fini(struct nat_opt *o);
/* The value of a key, which is taken then; NULL absent. The last of several counts, as for QEMU. */
const char *nat_take(struct nat_opt *o, const char *key);
const char *nat_get(const struct nat_opt *o, const char *key); /* not taken */
/* Takes a key whose value must be one of the words, separated by spaces, that change nothing. */
void nat_ignore(struct nat_opt *o, const char *key, const char *words);
/* on, yes, true → true. */
bool nat_is_on(const char *value);
bool nat_is_off(const char *value);
bool nat_all_taken(const struct nat_opt *o, const char **left);

/* --- the document in the making: native.c --- */
enum nat_group { /* order of elements in <devices> */
	NAT_DISK,
	NAT_CONTROLLER,
	NAT_FILESYSTEM,
	NAT_INTERFACE,
	NAT_SERIAL,
	NAT_PARALLEL,
	NAT_CONSOLE,
	NAT_CHANNEL,
	NAT_INPUT,
	NAT_TPM,
	NAT_GRAPHICS,
	NAT_SOUND,
	NAT_AUDIO,
	NAT_VIDEO,
	NAT_HOSTDEV,
	NAT_REDIR,
	NAT_HUB,
	NAT_WATCHDOG,
	NAT_BALLOON,
	NAT_RNG,
	NAT_MEMORY,
	NAT_VSOCK,
	NAT_PANIC,
	NAT_GROUPS
};

enum nat_bus_kind { NAT_BUS_PCI, NAT_BUS_SCSI, NAT_BUS_SATA, NAT_BUS_USB, NAT_BUS_SERIAL };
struct nat_bus { /* a controller by its QEMU id */
	enum nat_bus_kind kind;
	char *id;
	unsigned index;
	bool root_port; /* pci: its only slot is 0 */
};

#define NAT_OPEN_MAX 64
#define NAT_PCI_BUSES 256

struct native {
	const struct native_cmd *cmd;
	struct nat_opts opts;
	struct buf *notes;
	xmlDoc *doc;
	xmlNode *root, *os, *features, *clock, *cpu;
	xmlNode *groups[NAT_GROUPS];
	bool q35, nodefaults, kvm;
	char *run_dir; /* where -chardev charmonitor's socket is: our own run directory; NULL */
	struct nat_bus *buses;
	size_t n_buses;
	uint32_t slots[NAT_PCI_BUSES]; /* taken, a bit each */
	uint32_t given[NAT_PCI_BUSES]; /* taken by somebody who says so */
	bool targets[4][26 * 27];      /* names of disks taken: hd, sd, vd, fd */
	bool ide[4], sata[6];
	unsigned n_serial, n_macs;
	uint64_t memory_kib, cpus;
	bool pluggable; /* -m slots= */
	/* what is being expressed */
	struct nat_opt *open[NAT_OPEN_MAX];
	size_t n_open;
};

/* Elements and attributes; the value is formatted, NULL value adds nothing. */
xmlNode *nat_el(xmlNode *parent, const char *name);
xmlNode *nat_text(xmlNode *parent, const char *name, const char *text);
void nat_attr(xmlNode *node, const char *name, const char *value);
void nat_attrf(xmlNode *node, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void nat_attru(xmlNode *node, const char *name, uint64_t value);
xmlNode *nat_device(struct native *n, enum nat_group group, const char *name);
void nat_note(struct native *n, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* What belongs to one element is expressed whole or not at all: begin with the option that makes the
 * device, open what it refers to, end with the element (NULL: none of its own) and whether it could
 * be expressed. If not, and if there are keys that nobody took, all of it is undone. */
void nat_begin(struct native *n, struct nat_opt *o);
void nat_open(struct native *n, struct nat_opt *o);
bool nat_end(struct native *n, xmlNode *element, bool ok);

/* The option of this name whose key has this value, not used yet; NULL none. */
struct nat_opt *nat_find(struct native *n, const char *name, const char *key, const char *value);
struct nat_opt *nat_first(struct native *n, const char *name); /* the first one; NULL none */
bool nat_has(const struct native *n, const char *name);
/* Is there a -device of one of these types, separated by spaces? */
bool nat_has_device(const struct native *n, const char *types);

/* --- places: native_place.c --- */
void nat_bus_add(struct native *n, enum nat_bus_kind kind, const char *id, unsigned index);
const struct nat_bus *nat_bus(const struct native *n, enum nat_bus_kind kind, const char *id);
/* "pci.3" of a controller pci.3 → 3; the root's is 0. -1 unknown. */
int nat_pci_bus(const struct native *n, const char *bus);
/* Notes which slots are spoken for, before the first automatic one. */
void nat_places_init(struct native *n);
/* Takes bus, addr and multifunction of a PCI device; without addr the slot that QEMU would choose. */
void nat_pci(struct native *n, struct nat_opt *o, xmlNode *element);
void nat_pci_at(struct native *n, xmlNode *element, unsigned bus, unsigned slot, unsigned function);
/* Takes bus and port of a USB device; false: a bus of nobody's. */
bool nat_usb(struct native *n, struct nat_opt *o, xmlNode *element);
/* The next free slot of the root bus. */
unsigned nat_pci_slot(struct native *n, unsigned bus);
/* An absolute path of the process's. On the heap. */
char *nat_path(const struct native *n, const char *path);

/* --- parts: each expresses what it can of the options --- */
void nat_machine(struct native *n);                              /* native_machine.c */
void nat_cpu(struct native *n);                                  /* native_cpu.c */
void nat_memory(struct native *n);                               /* native_cpu.c */
bool nat_disk_device(struct native *n, struct nat_opt *o);       /* native_disk.c: a -device */
void nat_disk_drives(struct native *n);                          /* … -drive, -hda, -cdrom */
void nat_firmware(struct native *n);                             /* … -bios, -pflash */
bool nat_chr_device(struct native *n, struct nat_opt *o);        /* native_chr.c */
void nat_chr_options(struct native *n);                          /* … -serial, -parallel */
bool nat_net_device(struct native *n, struct nat_opt *o);        /* native_net.c */
void nat_net_options(struct native *n);                          /* … -nic, -net */
bool nat_display_device(struct native *n, struct nat_opt *o);    /* native_display.c */
void nat_display_options(struct native *n);                      /* … -vga, -vnc, -spice */
bool nat_controller_device(struct native *n, struct nat_opt *o); /* native_controller.c */
void nat_controller_options(struct native *n);                   /* … -usb */
bool nat_misc_device(struct native *n, struct nat_opt *o);       /* native_misc.c */
void nat_misc_options(struct native *n);

/* "2G", "512", "0x1000k": bytes; without a suffix MiB when mega. 0: no size. native_cpu.c */
uint64_t nat_size(const char *text, bool mega);
/* The number of the iothread of this id, as <iothreadids> has it; 0 there is none. native_misc.c */
uint64_t nat_iothread(const struct native *n, const char *id);
/* The child of <features>, made when it is not there. native_cpu.c */
xmlNode *nat_feature(struct native *n, const char *name);
/* native_numa.c. pluggable: there are slots for memory. */
void nat_numa(struct native *n, uint64_t memory_kib, uint64_t cpus, bool pluggable);
/* native_rest.c: what is left, into <qemu:commandline> */
void nat_keep_rest(struct native *n);

/* A chardev's backend as attributes and children of element; false: it has no element. */
bool nat_chardev(struct native *n, xmlNode *element, struct nat_opt *chardev);

#endif
