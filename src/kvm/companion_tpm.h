/* companion_tpm: a VM's TPM by swtpm. Its state lies in data/tpm/UUID, as libvirt has it: a domain that is renamed keeps its
 * keys. */
#ifndef KVM_COMPANION_TPM_H
#define KVM_COMPANION_TPM_H

#include <stdbool.h>

#include "kvm/companion.h"

struct companion_tpm {
	const unsigned char *uuid; /* of the domain, 16 bytes */
	bool version_1;            /* TPM 1.2, else 2.0 */
	const char *banks;         /* "sha1,sha256": active PCR banks; NULL as the TPM has them */
};

/* Are its keys to be made before it can be started? Not without a program for it: swtpm then makes a TPM without. */
bool companion_tpm_is_new(const struct home *h, const struct companion_tpm *t);
/* Makes them, aside from the TPM's folder; takes a second, on a busy host many. 0: done is called when that has ended, and on
 * its success companion_tpm_keep makes them the TPM's. Whoever is killed in between: there is no TPM, or a whole one. */
int companion_tpm_make(struct companion_set *s, const struct home *h, const struct companion_tpm *t,
    const struct companion_spec *as, companion_done_fn *done, void *arg, struct err *err);
int companion_tpm_keep(const struct home *h, const struct companion_tpm *t, struct err *err);
/* Starts swtpm. The descriptor for QEMU's "-chardev socket,fd=", or -1. */
int companion_tpm_start(struct companion_set *s, const struct home *h,
    const struct companion_tpm *t, const struct companion_spec *as, struct err *err);
/* data/tpm/UUID on the heap. */
char *companion_tpm_dir(const struct home *h, const unsigned char uuid[16]);

#endif
