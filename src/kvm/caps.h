/* caps: what a QEMU binary can do, asked of it by QMP once and cached in data/caps by path, size
 * and times; and whether KVM is usable on this host, found by trying. Plain data: argv and later
 * plans are pure functions of it. */
#ifndef KVM_CAPS_H
#define KVM_CAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/home.h"

#define CAPS_QEMU_OLDEST 60200 /* 6.2.0: Debian 12 has 7.2, Ubuntu 22.04 has 6.2 */

struct caps_machine {
	const char *name;  /* "pc-q35-7.2" */
	const char *alias; /* "q35", NULL none */
	unsigned cpus_max;
};

struct caps_names {
	char **name; /* sorted */
	size_t n;
};

struct caps {
	char *text;                     /* owns every string here */
	const char *binary;             /* absolute path, links resolved */
	const char *target;             /* "x86_64" */
	unsigned version;               /* 70222 for 7.2.22 */
	const char *package;            /* "Debian 1:7.2+dfsg-7" or "" */
	struct caps_names devices;      /* that -device takes */
	struct caps_names cpus;         /* that -cpu takes */
	struct caps_names cpu_features; /* properties of the x86 model "max"; none: not known */
	struct caps_names commands;     /* of QMP */
	struct caps_machine *machines;
	size_t n_machines;
	bool kvm_built; /* compiled in */
	bool sandbox;   /* -sandbox is accepted */
};

/* KVM, as tried with a throw-away QEMU (design.md §9); cached per boot in data/caps. */
struct caps_kvm {
	bool usable;       /* a KVM machine with cpu_model starts */
	char cpu_host[64]; /* the best model that starts: "host", else "max", else "qemu64" …; ""
	                      when not usable */
	char why[512];     /* when not usable: a sentence with what to do */
	bool smm;          /* System Management Mode works, which secure boot needs */
	bool modes_64bit;  /* vmx/svm in the CPU's flags, or nested KVM known to run 64-bit code;
	                      else firmware and 16/32-bit only */
};

/* binary NULL: the configured or the first qemu-system-ARCH in PATH. Reads the cache or asks QEMU
 * (deadline 10 s). */
int caps_get(
    const struct home *h, const char *binary, const char *arch, struct caps *c, struct err *err);
void caps_fini(struct caps *c);
bool caps_has_device(const struct caps *c, const char *name);
bool caps_has_cpu(const struct caps *c, const char *name);
/* Of a property that -cpu takes, in QEMU's spelling. */
bool caps_has_cpu_feature(const struct caps *c, const char *name);
bool caps_has_command(const struct caps *c, const char *name);
const struct caps_machine *caps_machine(const struct caps *c, const char *name_or_alias);

int caps_kvm_get(const struct home *h, const struct caps *c, struct caps_kvm *k, struct err *err);

/* The cached text (caps_text.c), which tests read, too. */
int caps_parse(const char *text, size_t n, struct caps *c, struct err *err);
/* Its lines, in their order: CAPS_TEXT_HEAD, binary, target, version, package, kvm_built, sandbox, machines, devices, cpus,
 * cpu_features, commands. The names are put in order in place. */
#define CAPS_TEXT_HEAD "hvmux-caps 1\n"
void caps_add_value(struct buf *text, const char *word, const char *value);
void caps_add_machines(struct buf *text, const struct caps_machine *m, size_t n);
void caps_add_names(struct buf *text, const char *word, const char **names, size_t n);

#endif
