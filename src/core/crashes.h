/* crashes: what is kept of a VM's crashes: log/NAME/crashes/2026-11-21T10:48:00Z-REASON/, a folder each, made by the
 * supervisor (kvm/recorder.h) and complete from the moment that it has this name. Owner of a list: whoever called
 * crashes_list. */
#ifndef CORE_CRASHES_H
#define CORE_CRASHES_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/home.h"

#define CRASHES_DIR "crashes"
#define CRASHES_SUMMARY "summary.json"
#define CRASHES_SUMMARY_MAX (64u << 10) /* bytes of it */
#define CRASHES_STORY "summary.txt"
#define CRASHES_MAX 1000u /* of one VM that are looked at */

struct crash {
	char *domain;
	char *id;        /* the folder's name */
	char *path;      /* of the folder */
	char *reason;    /* "panic", "crash", "watchdog", "internal-error" */
	char *detail;    /* what happened, printable; "" unknown */
	uint64_t time_s; /* since 1970, by the folder's name */
	uint64_t bytes;  /* of its files */
};

struct crashes {
	struct crash *all; /* of one VM the newest first; VMs by name */
	size_t n;
};

/* name NULL: of every VM that has a log directory. A VM without any is no error. */
int crashes_list(const struct home *h, const char *name, struct crashes *out, struct err *err);
void crashes_fini(struct crashes *c);
/* Its files, sorted; *names is an array on the heap of n strings on the heap. */
int crash_files(const struct crash *c, char ***names, size_t *n, struct err *err);
int crash_remove(const struct crash *c, struct err *err);
/* Removes the oldest ones of a crashes folder until at most `keep` of at most `bytes` are left; the newest stays. What a
 * recorder that was killed left half done goes, too. */
void crashes_prune(const char *folder, unsigned keep, uint64_t bytes);

#endif
