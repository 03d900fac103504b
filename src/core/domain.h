/* domain: a libvirt domain XML document as plain data. Owner: whoever called domain_parse. Strings
 * are on the heap, UTF-8, NULL when absent. Source of the format: libvirt's "Domain XML format".
 * The next elements are added as further members; nothing here knows QEMU. */
#ifndef CORE_DOMAIN_H
#define CORE_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/domain_address.h"
#include "core/domain_chr.h"
#include "core/domain_controller.h"
#include "core/domain_dev.h"
#include "core/domain_disk.h"
#include "core/domain_net.h"
#include "core/domain_tune.h"
#include "core/domain_words.h"
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

struct domain_cpu_feature {
	char *name;
	bool on; /* force, require, optional; else disable, forbid */
};

struct domain {
	enum domain_type type;
	char *name;
	unsigned char uuid[16];
	bool has_uuid;
	/* Defined with --ignore-unsupported: the document says so itself, by <?hvmux ignore-unsupported?>
	 * in <domain>, and its hardware that we cannot do is left out whenever it is read. */
	bool leaves_out;
	char *title;
	char *description;
	uint64_t memory_kib;         /* boot memory */
	uint64_t current_memory_kib; /* balloon's first target; = memory_kib when absent */
	unsigned vcpus, vcpus_max;   /* <vcpu current='vcpus'>vcpus_max</vcpu> */
	enum domain_cpu_mode cpu_mode;
	char *cpu_model;                                        /* custom */
	unsigned cpu_sockets, cpu_dies, cpu_cores, cpu_threads; /* <topology>; 0 absent */
	struct domain_cpu_feature *cpu_features;
	size_t n_cpu_features;
	char *arch;    /* "x86_64" */
	char *machine; /* "q35", "pc-i440fx-7.2", …; NULL QEMU's default for arch */
	enum domain_boot boot[4];
	unsigned n_boot;
	char *kernel, *initrd, *cmdline;
	bool boot_menu;
	unsigned boot_menu_timeout; /* ms, 0 QEMU's default */
	bool acpi, apic, pae;       /* <features> */
	enum domain_switch vmport, hpet, pm_s3, pm_s4;
	bool rtc_catchup, pit_delay; /* <timer>: tickpolicy of rtc and pit */
	char *clock_offset;          /* "utc", "localtime"; NULL utc */
	enum domain_action on_poweroff, on_reboot, on_crash;
	struct domain_tune tune;
	char *emulator; /* NULL: found in PATH */
	struct domain_disk *disks;
	size_t n_disks;
	struct domain_net *nets;
	size_t n_nets;
	struct domain_chr
	    *consoles; /* in the order of consoleN: serials by port, then virtio consoles */
	size_t n_consoles;
	struct domain_controller *controllers;
	size_t n_controllers;
	struct domain_iothread *iothreads; /* by id */
	size_t n_iothreads;
	int emulator_pool_min, emulator_pool_max; /* <defaultiothread>; -1 QEMU's default */
	struct disk_iotune *throttle_groups;
	size_t n_throttle_groups;
	struct domain_dev *devs; /* all others, in the document's order */
	size_t n_devs;
	struct domain_channel *channels;
	size_t n_channels;
	char **qemu_args; /* qemu:commandline */
	size_t n_qemu_args;
	char **qemu_env; /* NAME=VALUE */
	size_t n_qemu_env;
	char *source; /* the document as it was read: unknown elements survive in it */
	size_t source_len;
};

enum {
	DOMAIN_PARSE_IGNORE_UNSUPPORTED = 1, /* hardware that we cannot do becomes a warning */
	DOMAIN_PARSE_STRICT = 4, /* unknown elements and attributes are named in warnings too */
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
 * that `mac_taken`, which may be NULL, says yes to), and what else libvirt would write into it: the
 * video card that a display needs, the USB controller that an input device needs, the balloon, and
 * PCI addresses, so that the guest never sees its cards move. */
int domain_complete(
    struct domain *d, bool (*mac_taken)(void *arg, const char *mac), void *arg, struct err *err);
/* The document: source with the members of *d put in; on the heap. Elements that we do not know are
 * kept. */
char *domain_format(const struct domain *d, struct err *err);

/* The machine's family decides what it has built in and where: q35 or, else, i440fx. */
bool domain_is_q35(const struct domain *d);
/* Words of the format; never NULL. */
const char *domain_action_name(enum domain_action a);

#endif
