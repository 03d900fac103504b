/* schedule: snapshots that are made by themselves: conf/schedules/DOMAIN.json, and the rules of when one is due and which ones go.
 * Owner of a struct schedules: whoever called schedules_read. The rules are pure: the present time is told to them.
 *
 *	{"version": 1, "schedules": [{"name": "auto", "every": 21600, "keep": 604800, "count": 0, "disk_only": false,
 *	                              "quiesce": false, "tried": 1795304725, "trouble": "…"}]} */
#ifndef CORE_SCHEDULE_H
#define CORE_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/home.h"
#include "core/snapshots.h"

#define SCHEDULES_MAX 16u            /* of a domain */
#define SCHEDULE_EVERY_MIN 60u       /* seconds */
#define SCHEDULE_TIME_MAX 315360000u /* seconds: ten years */
#define SCHEDULE_COUNT_MAX 10000u
#define SCHEDULE_AGAIN_S 600u /* after a failure */
#define SCHEDULE_NAME_MAX 64u

struct schedule {
	char *name;     /* what its snapshots' names begin with; unique in the domain */
	uint64_t every; /* seconds */
	uint64_t keep;  /* seconds; 0: by count alone */
	uint64_t count; /* how many are kept at most; 0: by age alone */
	bool disk_only, quiesce;
	uint64_t tried; /* when one was last tried and failed, seconds since 1970; 0 never */
	char *trouble;  /* why */
};
struct schedules {
	struct schedule *v;
	size_t n;
};

/* ERR_NONE with none when there is no file. schedules_fini in every case. */
int schedules_read(const struct home *h, const char *domain, struct schedules *s, struct err *err);
void schedules_fini(struct schedules *s);
/* Under the store's lock. Without any the file goes. */
int schedules_write(
    const struct home *h, const char *domain, const struct schedules *s, struct err *err);
char *schedules_path(const struct home *h, const char *domain); /* on the heap */
/* All domains that have some, sorted; store_names_free. */
int schedules_domains(const struct home *h, char ***names, size_t *n, struct err *err);
struct schedule *schedules_find(const struct schedules *s, const char *name);
struct schedule *schedules_add(struct schedules *s, const char *name);
void schedules_remove(struct schedules *s, const char *name);

/* "90s", "15m", "6h", "7d", "2w" → seconds, *is_time; "30" alone is a count where is_time is not NULL, else ERR_USAGE. */
int schedule_parse_span(const char *text, uint64_t *value, bool *is_time, struct err *err);
void schedule_format_span(uint64_t seconds, char out[24]); /* the largest unit that divides it */
int schedule_name_check(const char *name, struct err *err);

/* --- the rules --- */
/* When the schedule's newest snapshot was made; 0: there is none. */
uint64_t schedule_last(const struct schedule *s, const struct snapshots *all);
/* The first second from which the next one is due: the beginning of the next space of `every` since 1970, so that times do not
 * drift, but not before half of one has gone by since the last. 0: at once. After a failure not before SCHEDULE_AGAIN_S. */
uint64_t schedule_next(const struct schedule *s, uint64_t last);
/* Which of all go, oldest first: indices on the heap, *n of them. Only those that this schedule made; the newest one always stays. */
size_t *schedule_prune(
    const struct schedule *s, const struct snapshots *all, uint64_t now, size_t *n);
/* "auto-20261122-0600" in the local time, with the seconds when that is taken; on the heap. */
char *schedule_snapshot_name(const struct schedule *s, const struct snapshots *all, uint64_t now);

#endif
