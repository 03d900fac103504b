/* recorder: writes one crash's folder (core/crashes.h) in a thread of its own, so that no disk holds up the loop: into a
 * temporary folder, which is then given its name. Owner: the supervisor. */
#ifndef KVM_RECORDER_H
#define KVM_RECORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/home.h"
#include "core/loop.h"
#include "core/status.h"

#define RECORDING_FILES_MAX 24u
#define RECORDING_TAIL (64u << 10) /* bytes of each console and of qemu.log */

/* What happened, as the loop has gathered it in memory. */
struct recording {
	const struct home *home;
	char *name; /* the domain's */
	char *id;   /* the folder's name to be; one that exists gets a number behind it */
	struct {
		char name[40];
		struct buf data;
	} file[RECORDING_FILES_MAX]; /* NAME.raw, a console's bytes, is also written as NAME.txt */
	unsigned n_files;
	uint64_t seconds_ns;                     /* CLOCK_REALTIME of the newest sample */
	struct status_sample *seconds, *minutes; /* oldest first; on the heap */
	unsigned n_seconds, n_minutes;
	unsigned keep; /* records of this VM, and their bytes */
	uint64_t keep_bytes;
};

struct recording *recording_new(const struct home *h, const char *name);
/* data is taken. Too many: it is dropped. */
void recording_add(struct recording *r, const char *name, struct buf *data);
void recording_free(struct recording *r);

struct recorder;

/* Takes r. done is called once, in the loop: path is the folder, NULL when it could not be written, then err says why. The
 * recorder is still the caller's to free, in done or later. NULL when no thread can be had; r is gone nevertheless. */
struct recorder *recorder_new(struct loop *l, struct recording *r,
    void (*done)(void *arg, const char *path, const struct err *err), void *arg);
/* Waits for the thread; done is not called any more, and whether it was written is returned. NULL is allowed. */
bool recorder_free(struct recorder *r);

#endif
