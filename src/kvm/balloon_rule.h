/* balloon_rule: how much memory a guest should have now, so that the host keeps what it reserves. Pure. Each supervisor applies it to its
 * own guest and talks to nobody: what the host lacks is shared by what each guest has to spare. */
#ifndef KVM_BALLOON_RULE_H
#define KVM_BALLOON_RULE_H

#include <stdint.h>

#define BALLOON_PRESSURE \
	1000u /* PSI memory, some avg10, in hundredths of a per cent: from here on the host lacks memory */
#define BALLOON_STEP_MIN_KIB 16384ull /* less is no change */
#define BALLOON_SPARE_MIN_KIB \
	65536ull /* what a guest keeps available, and at least an eighth of what it has */

struct balloon_in {
	uint64_t available_kib, reserve_kib; /* of the host; reserve 0: nothing is wished */
	unsigned pressure; /* PSI, see above; 0 also when the kernel does not tell */
	uint64_t now_kib, floor_kib, ceiling_kib;
	uint64_t guest_available_kib; /* as the guest says; 0 it does not: it is left alone */
	uint64_t
	    spare_kib; /* of all guests that take part, this one too: what they say is available to them */
	unsigned guests; /* that take part, this one too */
};

/* now_kib: no change. */
uint64_t balloon_wanted(const struct balloon_in *in);

#endif
