/* domain_tune: what a domain asks of the host's scheduler and cgroups: <cputune>, <memtune>, <blkiotune>, <resource>,
 * and where its threads and memory belong. Owner: struct domain. Nothing here changes the guest's hardware. */
#ifndef CORE_DOMAIN_TUNE_H
#define CORE_DOMAIN_TUNE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/numset.h"

/* cgroup v1's shares; libvirt takes 0 and 1 too, which mean the kernel's least. v2's weight is made of them. */
#define TUNE_SHARES_MAX 262144u
#define TUNE_PERIOD_MIN 1000u    /* microseconds */
#define TUNE_PERIOD_MAX 1000000u /* microseconds */
#define TUNE_QUOTA_MIN 1000      /* microseconds; a negative quota is none */
#define TUNE_WEIGHT_MIN 10u      /* of <blkiotune>; 0 none */
#define TUNE_WEIGHT_MAX 1000u
#define TUNE_PRIORITY_MAX 99u
#define TUNE_DEVICES_MAX 256u

/* CPU bandwidth: quota microseconds of CPU time in each period. */
struct tune_bandwidth {
	uint64_t period; /* 0 none given: the kernel's 100000 */
	int64_t quota;   /* 0 none given, -1 no limit */
};

struct tune_pin {
	unsigned id; /* vCPU from 0; IOThread from 1 */
	struct numset cpus;
};

enum tune_scheduler { TUNE_BATCH, TUNE_IDLE, TUNE_FIFO, TUNE_RR };
struct tune_sched {
	enum tune_scheduler scheduler;
	unsigned priority; /* 1 to 99 of fifo and rr, else 0 */
	struct numset ids; /* vCPUs or IOThreads; of the emulator: empty */
};

struct domain_cputune {
	unsigned shares; /* has_shares: given */
	bool has_shares;
	struct tune_bandwidth vcpu, global, emulator, iothread;
	struct tune_pin *vcpupins, *iothreadpins;
	size_t n_vcpupins, n_iothreadpins;
	struct numset emulatorpin; /* empty: none */
	struct tune_sched *vcpuscheds, *iothreadscheds;
	size_t n_vcpuscheds, n_iothreadscheds;
	struct tune_sched emulatorsched;
	bool has_emulatorsched;
};

/* KiB; TUNE_UNLIMITED: no limit (what libvirt writes for it, and everything above). */
#define TUNE_UNLIMITED UINT64_MAX
struct domain_memtune {
	uint64_t hard_limit, soft_limit, swap_hard_limit; /* 0 none given */
};

struct tune_device {
	char *path;                             /* of a block device, absolute */
	unsigned weight, read_iops, write_iops; /* 0 none */
	uint64_t read_bytes, write_bytes;       /* a second; 0 none */
};
struct domain_blkiotune {
	unsigned weight; /* TUNE_WEIGHT_MIN to _MAX; 0 none */
	struct tune_device *devices;
	size_t n_devices;
};

/* Which nodes of the host give memory. */
enum numa_mode { NUMA_STRICT, NUMA_PREFERRED, NUMA_INTERLEAVE, NUMA_RESTRICTIVE };
struct numa_memnode {
	unsigned cell; /* of the guest */
	enum numa_mode mode;
	struct numset nodes;
};
struct domain_numatune {
	bool given;          /* <memory> is there */
	enum numa_mode mode; /* of <memory> */
	bool automatic;      /* placement='auto': taken as no wish, for there is no numad here */
	struct numset nodes; /* of <memory>; empty when automatic */
	struct numa_memnode *memnodes;
	size_t n_memnodes;
};

struct domain_tune {
	struct domain_cputune cpu;
	struct domain_memtune mem;
	struct domain_blkiotune blkio;
	struct domain_numatune numa;
	struct numset
	    cpuset; /* <vcpu cpuset>: where threads without a pin of their own run; empty: anywhere */
	char *partition; /* <resource>: the cgroup to be put under, "/machine"; NULL none */
	bool locked;     /* <memoryBacking><locked>: no page may be swapped out */
};

void domain_tune_fini(struct domain_tune *t);

#endif
