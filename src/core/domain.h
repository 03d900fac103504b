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
#include "core/domain_clock.h"
#include "core/domain_controller.h"
#include "core/domain_cpu.h"
#include "core/domain_dev.h"
#include "core/domain_disk.h"
#include "core/domain_features.h"
#include "core/domain_memory.h"
#include "core/domain_net.h"
#include "core/domain_os.h"
#include "core/domain_qemu.h"
#include "core/domain_security.h"
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
enum domain_boot { BOOT_HD, BOOT_CDROM, BOOT_NETWORK, BOOT_FD };

struct domain {
	enum domain_type type;
	char *name;
	unsigned char uuid[16];
	bool has_uuid;
	unsigned char hwuuid[16]; /* has_hwuuid: what the guest sees instead of uuid */
	bool has_hwuuid;
	bool genid; /* <genid>: a number that changes when the guest's state is set back */
	unsigned char genid_uuid[16];
	bool has_genid_uuid; /* else domain_complete makes one */
	/* Defined with --ignore-unsupported: the document says so itself, by <?hvmux ignore-unsupported?>
	 * in <domain>, and its hardware that we cannot do is left out whenever it is read. */
	bool leaves_out;
	char *title;
	char *description;
	uint64_t memory_kib;         /* with the memory devices; memory.boot_kib is without */
	uint64_t current_memory_kib; /* balloon's first target; = memory_kib when absent */
	unsigned vcpus, vcpus_max;   /* <vcpu current='vcpus'>vcpus_max</vcpu> */
	struct domain_cpu cpu;
	struct domain_memory memory;
	char *arch;    /* "x86_64" */
	char *machine; /* "q35", "pc-i440fx-7.2", …; NULL QEMU's default for arch */
	enum domain_boot boot[4];
	unsigned n_boot;
	char *kernel, *initrd, *cmdline;
	struct domain_os os;
	struct domain_features features;
	struct domain_clock clock;
	struct domain_security security;
	struct domain_qemu qemu;
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
	bool
	    live; /* the aliases are QEMU's ids (DOMAIN_PARSE_LIVE), and domain_format writes them */
	char *source; /* the document as it was read: unknown elements survive in it */
	size_t source_len;
};

enum {
	DOMAIN_PARSE_IGNORE_UNSUPPORTED = 1, /* hardware that we cannot do becomes a warning */
	DOMAIN_PARSE_STRICT = 4, /* unknown elements and attributes are named in warnings too */
	DOMAIN_PARSE_LENIENT =
	    2, /* reading back what was once accepted: never refuse for what is unknown */
	DOMAIN_PARSE_LIVE =
	    8, /* of a machine that runs: its aliases are QEMU's ids, see domain_alias.h */
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
