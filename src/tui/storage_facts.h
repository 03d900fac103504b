/* storage_facts: what the Storage screen shows, as plain data: pools with their volumes, jobs. Made by storage_feed,
 * drawn by storage_draw; nothing here asks anybody. Owner: whoever made it; storage_facts_free. Strings are on the heap and
 * printable; "" where nothing is known, never NULL unless said. */
#ifndef TUI_STORAGE_FACTS_H
#define TUI_STORAGE_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct storage_user {
	char *domain;
	char *target; /* "vda"; "" unknown */
	bool running;
	bool below; /* not as its disk: below another image of its chain */
};
struct storage_volume {
	char *name, *path;
	uint64_t dev, ino;             /* who it is; 0 unknown */
	const char *format;            /* "qcow2"; "iso" */
	uint64_t capacity, allocation; /* bytes: what the guest sees, what it takes */
	uint64_t changed_s;            /* seconds since 1970; 0 unknown */
	char *backing;                 /* path of the image below; "" none */
	bool encrypted;
	char *trouble;         /* why its header cannot be read */
	unsigned depth, above; /* images below it; volumes of this pool right on top of it */
	bool users_known;
	struct storage_user *users;
	size_t n_users;
	bool trashed; /* deleted, and still to be had back; users and chain are not known */
	uint64_t trashed_s, empties_s; /* seconds since 1970 */
};
struct storage_pool {
	char *name, *where; /* target; the source where there is none */
	const char *type;
	bool active, autostart, persistent;
	char *trouble;                            /* why it cannot be looked at */
	uint64_t waiting_ms;                      /* it has not answered for so long; 0 it does */
	bool known;                               /* figures and volumes are known */
	uint64_t capacity, allocation, available; /* bytes */
	uint64_t promised,
	    may_grow;   /* what its volumes are allowed to take; what they do not yet */
	uint64_t trash; /* bytes that the trash holds */
	unsigned n_trashed;
	bool growth_known;
	int64_t growth;    /* bytes a day */
	uint64_t growth_s; /* over so many seconds */
	int64_t full_in_s; /* -1: not as it goes now */
	struct storage_volume *volumes;
	size_t n_volumes;
};
enum storage_job_state {
	STORAGE_JOB_RUNS,
	STORAGE_JOB_DONE,
	STORAGE_JOB_FAILED,
	STORAGE_JOB_CANCELLED,
	STORAGE_JOB_LOST
};
struct storage_job {
	unsigned id;
	enum storage_job_state state;
	char *command;        /* "img convert -c a b", quoted for a shell */
	char *text;           /* its last word */
	uint64_t done, total; /* in its own unit; total 0 unknown */
	int64_t left_s;       /* -1 unknown */
	uint64_t started_s, ended_s;
};
struct storage_facts {
	struct storage_pool *pools; /* by name */
	size_t n_pools;
	struct storage_job *jobs; /* the newest first */
	size_t n_jobs;
	char *trouble;  /* of all of it: NULL none */
	uint64_t now_s; /* seconds since 1970, when this was looked at */
};

void storage_volume_fini(struct storage_volume *v);
/* Takes the array, of n; those that it had are freed. */
void storage_volume_users(struct storage_volume *v, struct storage_user *users, size_t n);
void storage_pool_fini(struct storage_pool *p);
void storage_job_fini(struct storage_job *j);
void storage_facts_free(struct storage_facts *f);
/* NULL none. */
struct storage_pool *storage_pool_find(const struct storage_facts *f, const char *name);
struct storage_volume *storage_volume_find(
    const struct storage_pool *p, const char *name, bool trashed);
/* Sets depth, above, promised and may_grow, from what the volumes say of each other. */
void storage_pool_settle(struct storage_pool *p);
/* "web1 (vda, running), db (below vda, off)"; brief: "web1*, db", a star where it runs. "" nobody. On the heap. */
char *storage_users_text(const struct storage_volume *v, bool brief);

#endif
