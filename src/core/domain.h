/* domain: a libvirt domain XML document as plain data. Owner: whoever called domain_parse. Strings
 * are on the heap, UTF-8, NULL when absent. Source of the format: libvirt's "Domain XML format".
 * The next elements are added as further members; nothing here knows QEMU. */
#ifndef CORE_DOMAIN_H
#define CORE_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"

#define DOMAIN_MEMORY_MIN_KIB 1024ull       /* 1 MiB: boot sectors are content with it */
#define DOMAIN_MEMORY_MAX_KIB (16ull << 30) /* 16 TiB */
#define DOMAIN_VCPUS_MAX 4096u
#define DOMAIN_DISKS_MAX 256u
#define DOMAIN_DEVICES_MAX 1024u /* of any kind together */
#define DOMAIN_TITLE_MAX 256

enum domain_type { DOMAIN_KVM, DOMAIN_QEMU };
enum domain_action {
	ACTION_DESTROY,
	ACTION_RESTART,
	ACTION_PRESERVE,
	ACTION_RENAME_RESTART,
	ACTION_COREDUMP_DESTROY,
	ACTION_COREDUMP_RESTART,
	ACTION_COUNT
};
enum domain_cpu_mode { CPU_DEFAULT, CPU_CUSTOM, CPU_HOST_MODEL, CPU_HOST_PASSTHROUGH, CPU_MAXIMUM };
enum domain_boot { BOOT_HD, BOOT_CDROM, BOOT_NETWORK, BOOT_FD };
enum disk_device { DISK_DISK, DISK_CDROM };
enum disk_bus { DISK_VIRTIO, DISK_IDE, DISK_SATA };
enum disk_format { DISK_RAW, DISK_QCOW2 };

struct domain_pci { /* <address type='pci'>; present: the other members count */
	bool present, multifunction;
	unsigned domain, bus, slot, function;
};

struct domain_disk {
	enum disk_device device;
	enum disk_bus bus;
	enum disk_format format;
	char *source; /* absolute path; NULL: an empty CD drive */
	char *target; /* "vda": unique in the domain */
	char *serial;
	char *cache, *io, *discard,
	    *detect_zeroes; /* driver's attributes, checked against libvirt's words */
	bool readonly, shareable;
	unsigned boot_order; /* 0 none */
	struct domain_pci address;
	unsigned line; /* in the source document, for messages */
};

struct domain_net {
	char *mac;   /* "52:54:00:…", lower case; filled in by domain_complete when absent */
	char *model; /* "virtio", "e1000", "rtl8139" …; NULL the default */
	unsigned boot_order;
	struct domain_pci address;
	unsigned line;
};

/* A serial port or a console; libvirt's first <console type='pty'> of target serial is the same
 * thing as <serial> 0. */
enum chr_target { CHR_ISA_SERIAL, CHR_VIRTIO_CONSOLE };
struct domain_chr {
	enum chr_target target;
	unsigned port;  /* serial: COM1 is 0 */
	char *log_file; /* <log file=…>: kept; NULL none */
	unsigned line;
};

struct domain_graphics {
	char *socket; /* NULL: vnc.sock in the run directory */
	unsigned line;
};

struct domain {
	enum domain_type type;
	char *name;
	unsigned char uuid[16];
	bool has_uuid;
	char *title;
	char *description;
	uint64_t memory_kib;         /* boot memory */
	uint64_t current_memory_kib; /* balloon's first target; = memory_kib when absent */
	unsigned vcpus, vcpus_max;   /* <vcpu current='vcpus'>vcpus_max</vcpu> */
	enum domain_cpu_mode cpu_mode;
	char *cpu_model;                              /* custom */
	unsigned cpu_sockets, cpu_cores, cpu_threads; /* <topology>; 0 absent */
	char *arch;                                   /* "x86_64" */
	char *machine; /* "q35", "pc-i440fx-7.2", …; NULL QEMU's default for arch */
	enum domain_boot boot[4];
	unsigned n_boot;
	char *kernel, *initrd, *cmdline;
	bool acpi, apic, pae; /* <features> */
	char *clock_offset;   /* "utc", "localtime"; NULL utc */
	enum domain_action on_poweroff, on_reboot, on_crash;
	char *emulator; /* NULL: found in PATH */
	struct domain_disk *disks;
	size_t n_disks;
	struct domain_net *nets;
	size_t n_nets;
	struct domain_chr
	    *consoles; /* in the order of consoleN: serials by port, then virtio consoles */
	size_t n_consoles;
	struct domain_graphics *graphics;
	size_t n_graphics;
	char *video;  /* model type: "vga", "virtio", "cirrus", "none" …; NULL none given */
	bool balloon; /* virtio memballoon (default true; model='none' false) */
	bool balloon_given;
	unsigned balloon_stats_period; /* seconds, 0 none */
	char *rng;                     /* backend path "/dev/urandom", NULL no rng */
	char *panic_model;             /* "isa", "pvpanic" …; NULL none */
	char **qemu_args;              /* qemu:commandline */
	size_t n_qemu_args;
	char **qemu_env; /* NAME=VALUE */
	size_t n_qemu_env;
	char *source; /* the document as it was read: unknown elements survive in it */
	size_t source_len;
};

enum {
	DOMAIN_PARSE_IGNORE_UNSUPPORTED = 1, /* hardware that we cannot do becomes a warning */
	DOMAIN_PARSE_LENIENT =
	    2, /* reading back what was once accepted: never refuse for what is unknown */
};

/* file names the source in messages ("web1.xml:12: <disk>: …"). Warnings and, with strict wishes,
 * unknown elements are appended to warnings (may be NULL), one per line. On failure *d holds
 * nothing. */
int domain_parse(const char *xml, size_t n, const char *file, unsigned flags, struct domain *d,
    struct buf *warnings, struct err *err);
void domain_fini(struct domain *d);
/* Fills in what a definition must not be without: uuid, MAC addresses (52:54:00 and random, none
 * that `taken` says yes to), targets. */
int domain_complete(
    struct domain *d, bool (*mac_taken)(void *arg, const char *mac), void *arg, struct err *err);
/* The document: source with the members of *d put in; on the heap. Elements that we do not know are
 * kept. */
char *domain_format(const struct domain *d, struct err *err);

#endif
