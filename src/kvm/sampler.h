/* sampler: figures of one QEMU process, once a second, into the status page: from kept /proc
 * descriptors and the process's CPU clock; block counters come from QMP when they are due. No
 * allocation, no loop, no socket: the supervisor calls sampler_tick and hands QMP's answers in.
 * Owner: the supervisor, embedded. */
#ifndef KVM_SAMPLER_H
#define KVM_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>
#include <json-c/json.h>

#include "core/status.h"

#define SAMPLER_COUNTERS_S 10      /* between block counters when nobody watches a VM that works */
#define SAMPLER_COUNTERS_IDLE_S 30 /* … that idles */
#define SAMPLER_IDLE_PERMILLE 20   /* of one CPU */
#define SAMPLER_STATE_S 2          /* between looks at the process's scheduling state */
#define SAMPLER_RSS_S 10           /* between looks at the memory of a process that did not run */
#define SAMPLER_BALLOON_S 5        /* between looks at the balloon's statistics while watched */

#define SAMPLER_ID_MAX 32

struct sampler {
	struct status_writer *page;
	char *watch_path;
	int watch_fd; /* -1: the file could not be made yet */
	pid_t pid;    /* 0: no process */
	clockid_t clock;
	int statm_fd, stat_fd;
	int vcpu_fd[STATUS_VCPUS_MAX];
	unsigned n_vcpus;
	uint64_t last_ns, last_cpu_ns;          /* of the last tick */
	uint64_t counters_at_ns, balloon_at_ns; /* when they were last asked for */
	uint64_t state_at_ns, rss_at_ns;
	uint64_t rss_kib;
	bool look;            /* read everything at the next tick */
	bool times_stale;     /* it ran since its times were read */
	uint64_t counters_ns; /* when they last came, and what they were */
	char disk_id[STATUS_DISKS_MAX][SAMPLER_ID_MAX]; /* QEMU's ids of the page's disks */
	uint64_t rd_bytes, wr_bytes;
	uint32_t rd_kib, wr_kib; /* rates between the last two */
	uint64_t stopped_ns; /* CLOCK_MONOTONIC since when the process is stopped by a signal; 0 it
	                        is not */
	uint32_t cpu_permille;
	struct {
		uint64_t cpu, mem, rd, wr, n;
	} minute;
};

void sampler_init(struct sampler *s, struct status_writer *page, const char *watch_path);
void sampler_fini(struct sampler *s);
void sampler_attach(struct sampler *s, pid_t pid);
void sampler_detach(struct sampler *s);
/* QEMU's device id of the page's disk number i. */
void sampler_disk(struct sampler *s, unsigned i, const char *id);
bool sampler_watched(struct sampler *s, uint64_t now_ns);

enum { SAMPLER_WANT_COUNTERS = 1, SAMPLER_WANT_BALLOON = 2 };
/* One sample; owed_ns: qmp_owed_since. Returns what should be asked of QMP now. */
unsigned sampler_tick(struct sampler *s, uint64_t now_ns, uint64_t owed_ns);

/* Is the process stopped by a signal at this moment? */
bool sampler_stopped(const struct sampler *s);

/* Counters of the page's taps, from the kernel; a card without a device on the host has none. */
void sampler_nets(struct sampler *s);

/* QMP's answers (borrowed). */
void sampler_cpus(struct sampler *s, struct json_object *query_cpus_fast);
void sampler_blocks(struct sampler *s, uint64_t now_ns, struct json_object *query_blockstats);
void sampler_balloon(struct sampler *s, struct json_object *query_balloon);
void sampler_guest_stats(struct sampler *s, struct json_object *guest_stats);

#endif
