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

/* Makes the state when there is none, starts swtpm. The descriptor for QEMU's "-chardev socket,fd=", or -1. */
int companion_tpm_start(struct companion_set *s, const struct home *h,
    const struct companion_tpm *t, const struct companion_spec *as, struct err *err);
/* data/tpm/UUID on the heap. */
char *companion_tpm_dir(const struct home *h, const unsigned char uuid[16]);

#endif
