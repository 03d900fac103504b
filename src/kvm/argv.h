/* argv: domain + capabilities → QEMU's command line. Pure: no file is opened, no clock read; golden
 * tests in tests/data/argv. The sockets that the supervisor binds appear in `sockets` in the order
 * of their descriptors. */
#ifndef KVM_ARGV_H
#define KVM_ARGV_H

#include <stdbool.h>
#include <stddef.h>

#include "core/domain.h"
#include "core/err.h"
#include "kvm/caps.h"
#include "kvm/firmware.h"

/* Files in the run directory that <launchSecurity> needs; written before the start. */
#define ARGV_SEV_CERT "sev-dh-cert.base64"
#define ARGV_SEV_SESSION "sev-session.base64"

/* VNC's socket is not among them: QEMU binds that one itself (it takes no descriptor for it). */
enum argv_socket_kind {
	ARGV_SOCKET_QMP,
	ARGV_SOCKET_CONSOLE,
	ARGV_SOCKET_VNC,
	ARGV_SOCKET_CHANNEL, /* a guest agent's */
	/* Connected to a side process of the VM before QEMU starts (kvm/companion.h): */
	ARGV_SOCKET_TPM,      /* swtpm's control channel */
	ARGV_SOCKET_VIRTIOFS, /* virtiofsd of the filesystem number `index` */
	ARGV_TAP,             /* a queue of the tap device of the interface number `index` */
	ARGV_VHOST_NET,       /* /dev/vhost-net for a queue of it */
	ARGV_SECRET,          /* no socket: QEMU reads `secret` from the descriptor */
};

struct argv_socket {
	enum argv_socket_kind kind;
	unsigned index; /* console or channel number */
	char file[64];  /* name in the run directory: "qmp.sock", "serialN.sock" of console N … */
	char *secret;   /* ARGV_SECRET: on the heap, wiped when freed; else NULL */
};

struct argv_in {
	const char *run_dir; /* of this VM, absolute */
	const char *log_dir; /* of this VM, absolute */
	/* First descriptor number of the handed-over listening sockets, in order; 0: print path=
	 * forms instead (domxml-to-native). */
	int fd_first;
	/* Descriptor of run_dir that QEMU will have, 0 none: for the VNC socket where run_dir is too
	 * long for a socket's path. */
	int run_dir_fd;
	bool incoming;   /* it waits for a saved machine's memory, instead of starting from reset */
	bool no_sandbox; /* QEMU's seccomp filter is switched off in hvmux.conf */
	/* A secret that a disk names, in base64 on the heap, or NULL: there is none, and *err says why. NULL: there are
	 * no secrets here. */
	char *(*find_secret)(
	    void *arg, const char *type, const char *uuid, const char *usage, struct err *err);
	void *find_secret_arg;
	const struct caps_kvm *kvm;      /* NULL: assume usable, model "host" */
	const struct firmware *firmware; /* resolved; NULL: the machine's own */
	const char *ram_dir;             /* folder for memory that is a file; NULL run_dir */
	int64_t now;     /* seconds since 1970: for clocks that are set relative to it */
	long utc_offset; /* seconds that the host's local time is ahead of UTC */
	const struct smbios_field *host_smbios; /* of <smbios mode='host'/> */
	size_t n_host_smbios;
	unsigned sev_cbitpos, sev_reduced; /* what the host tells of SEV; 0 unknown */
};

struct argv_out {
	char **argv; /* NULL-terminated; argv[0] the emulator */
	size_t argc;
	char **env; /* NULL-terminated NAME=VALUE to add, from qemu:commandline */
	size_t n_env;
	struct argv_socket *sockets;
	size_t n_sockets;
	unsigned n_consoles;
	char *notes; /* what differs from the document and why, a sentence per line; NULL none */
};

/* ERR_UNSUPPORTED names the element that this QEMU cannot do. */
int argv_build(const struct domain *d, const struct caps *c, const struct argv_in *in,
    struct argv_out *out, struct err *err);
/* QEMU's id of a disk's device, libvirt's alias: "virtio-disk0", "ide0-0-1", "sata0-0-2". */
#define ARGV_ID_MAX 32
void argv_disk_id(const struct domain *d, size_t disk, char id[ARGV_ID_MAX]);
/* The same of an interface: "net0", or its own alias; on the heap. */
char *argv_net_id(const struct domain *d, size_t net);
/* The back end ("-chardev") of a serial port or console, by its place in d->consoles; on the heap. */
char *argv_chardev_id(const struct domain *d, size_t chr);
void argv_fini(struct argv_out *out);
/* As a shell would take it, options on lines of their own ending in " \": for domxml-to-native and
 * the logs. */
char *argv_shell(const struct argv_out *out);

#endif
