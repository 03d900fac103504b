/* domain_security: <launchSecurity>: memory that the host cannot read. Owner: struct domain. */
#ifndef CORE_DOMAIN_SECURITY_H
#define CORE_DOMAIN_SECURITY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/domain_words.h"

struct domain_security {
	bool sev; /* the one kind that there is on x86 with QEMU 7.2 */
	unsigned line;
	unsigned cbitpos, reduced_phys_bits; /* 0 not given: the host tells */
	unsigned policy;
	enum domain_switch kernel_hashes;
	char *dh_cert, *session; /* base64; NULL none */
};

void domain_security_fini(struct domain_security *s);

#endif
