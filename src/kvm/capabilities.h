/* capabilities: what this host, its QEMU and hvmux can do, as the two XML documents that libvirt's users know: those of
 * `capabilities` and of `domcapabilities`. What hvmux accepts is found by giving it to domain_parse. */
#ifndef KVM_CAPABILITIES_H
#define KVM_CAPABILITIES_H

#include "core/err.h"
#include "core/node.h"
#include "kvm/caps.h"

/* What an architecture's guests run on; caps NULL: there is no QEMU for it. */
struct capabilities_guest {
	const char *arch;
	unsigned wordsize;
	const struct caps *caps;
	const struct caps_kvm *kvm;
};

struct capabilities_machine {
	const struct caps *caps;
	const struct caps_kvm *kvm;
	bool tcg;            /* the document of <domain type='qemu'> */
	const char *arch;    /* "x86_64" */
	const char *machine; /* name or alias; NULL QEMU's own default of hvmux */
};

/* uuid: of the host, NULL unknown. root: as node_read's. On the heap. */
char *capabilities_host(const char *root, const struct node *n, const char *uuid,
    const struct capabilities_guest *guests, size_t n_guests);
/* ERR_INVALID for a machine that this QEMU has not, or an accelerator that cannot be used. */
char *capabilities_domain(const struct capabilities_machine *m, struct err *err);

#endif
