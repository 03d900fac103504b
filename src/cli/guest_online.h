/* guest_online: what the guest does with processors and memory that were plugged: by its agent. */
#ifndef CLI_GUEST_ONLINE_H
#define CLI_GUEST_ONLINE_H

#include "cli/live.h"

struct guest_plugged {
	unsigned cpus, cpus_online;
	unsigned blocks, blocks_online; /* of memory; 0: the guest does not tell */
	uint64_t block_kib;
};

/* ERR_UNSUPPORTED, ERR_STATE, ERR_TIMEOUT: there is no agent, or it does not answer. */
int guest_plugged_read(struct live *l, struct guest_plugged *g, struct err *err);
/* So many of its processors online, as virsh's setvcpus --guest: from the lowest on, taken off from the highest on. */
int guest_online_cpus(struct live *l, unsigned count, struct err *err);
/* All processors and memory blocks that are offline; how many of each that were. */
int guest_online_all(struct live *l, unsigned *cpus, unsigned *blocks, struct err *err);

#endif
