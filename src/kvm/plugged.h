/* plugged: what QEMU and the guest say of processors and memory that were plugged while it ran. Pure: answers to facts. What the guest
 * says is bounded here. */
#ifndef KVM_PLUGGED_H
#define KVM_PLUGGED_H

#include <stdbool.h>
#include <stdint.h>
#include <json-c/json.h>

#define PLUGGED_DIMMS_MAX 256u /* QEMU's slots */
#define PLUGGED_BLOCKS_MAX \
	65536u /* of a guest's memory that are looked at: 8 TiB of 128 MiB each */

struct plugged_memory {
	unsigned n;
	struct {
		uint64_t addr, kib;
		bool
		    in_use; /* the guest has it: virtio-mem counts what is plugged of it, pmem is a disk */
	} device[PLUGGED_DIMMS_MAX];
};

/* The answer to query-memory-devices. */
void plugged_memory_read(struct json_object *answer, struct plugged_memory *m);
uint64_t plugged_memory_kib(const struct plugged_memory *m);
/* Of that what the guest uses: the answer to guest-get-memory-blocks, and the size of one in bytes. */
uint64_t plugged_memory_online_kib(
    const struct plugged_memory *m, struct json_object *blocks, uint64_t block_bytes);

/* The answer to query-cpus-fast: was this one plugged (it has an id of its own)? */
bool plugged_cpu(struct json_object *cpu);
/* What the human monitor's "info registers" says of a processor that the guest does not use: never started (it waits at the reset
 * vector), or halted for good, with interrupts off. One that idles is halted with interrupts on. */
bool plugged_cpu_unused(const char *registers);

#endif
