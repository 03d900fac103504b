/* model: the VMs as the dashboard knows them: names from two folders, facts from status pages, and the order in which
 * they are shown. Asks nobody, wakes nobody. Owner: the dashboard. Entries live until the VM is gone from disk;
 * marks and selection belong to the name. */
#ifndef TUI_MODEL_H
#define TUI_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "core/home.h"
#include "core/vm.h"

#define MODEL_HISTORY 72 /* seconds of CPU kept per shown VM */

enum sort_column {
	SORT_NAME,
	SORT_STATE,
	SORT_UP,
	SORT_CPU,
	SORT_MEM,
	SORT_DISK,
	SORT_NET,
	SORT_ADDRESS,
	SORT_CONSOLE,
	SORT_COUNT
};

struct vm_entry {
	char *name;
	bool defined, run_dir;
	bool here; /* belongs in the list: defined, or live, or its end is still to be told */
	bool marked;
	bool live, silent, orphan;
	enum vm_state state;
	enum vm_reason reason;
	char *title, *detail, *address, *line, *holder, *job; /* never NULL */
	uint64_t job_done, job_total;
	/* Of a plan that goes on (core/status.h); never NULL, 0 and "" where the job is none. */
	char *job_words, *job_who;
	uint32_t job_step, job_steps, job_waiting;
	bool job_cancel;
	uint64_t job_began_ns;
	/* What was plugged in and what the guest makes of it; 0 unknown. */
	uint32_t vcpus_online, vcpus_max, dimms, snapshots;
	uint64_t dimm_kib, dimm_online_kib, balloon_wanted_kib;
	bool balloon_auto;
	uint64_t started_ns, changed_ns, ended_ns; /* CLOCK_REALTIME */
	uint32_t vcpus, clients, con_rows, con_cols, consoles;
	uint64_t memory_kib, used_kib;
	uint64_t con_bytes, con_last_ns;
	enum status_badge badge;
	uint64_t badge_ns;
	char badge_name[32];
	struct status_sample now; /* newest rates */
	uint32_t cpu_shown;       /* permille, steadied */
	uint64_t used_shown;
	uint32_t history[MODEL_HISTORY]; /* CPU permille, newest last */
	unsigned have;                   /* of history */
	uint64_t count;                  /* seconds_count of the page */
	uint64_t adopted_ms;             /* when adoption was last asked for */
	bool watched;
	bool seen; /* its state was read before: changes are worth telling */

	char *group;                /* "prod/web"; never NULL */
	char *tags;                 /* "#web #blue"; never NULL */
	bool protect;               /* cannot be undefined */
	struct timespec defined_at; /* of the definition that these were read from */

	/* A row of the tree that stands for a group: its name ends in '/', figures are sums over its members. */
	bool folder, folded;
	unsigned depth; /* levels of groups above the row */
	unsigned members, members_live, members_bad, members_marked;
};

struct vm_entry *vm_entry_new(const char *name);
void vm_entry_free(struct vm_entry *e);

struct model;

struct model *model_new(const struct home *h, bool readonly);
void model_free(struct model *m);
/* fn is told whenever a VM's state word is another than at the last refresh. */
void model_on_change(struct model *m,
    void (*fn)(void *arg, const struct vm_entry *e, const char *before), void *arg);
/* Looks at the folders (when they changed) and at every page. An unreadable folder is said in err (the rest goes on). */
int model_refresh(struct model *m, struct err *err);

/* The rows as they are shown: filtered, sorted. Borrowed until the next call of anything but a getter. */
struct vm_entry **model_rows(struct model *m, unsigned *n);
/* Rows [first, first + n) are on the screen: they get history and live counters. */
void model_window(struct model *m, unsigned first, unsigned n);
struct vm_entry *model_find(struct model *m, const char *name);
/* Where a name is among the rows, -1 nowhere. */
int model_index(struct model *m, const char *name);

/* Groups as folders over the rows, or a plain list. */
void model_tree(struct model *m, bool on);
bool model_is_tree(const struct model *m);
/* After marks were changed from outside: the folders count them. */
void model_marked(struct model *m);
void model_fold(struct model *m, struct vm_entry *folder, bool folded);
/* Is e (a VM) shown in the folder or below it? */
bool vm_entry_in(const struct vm_entry *e, const struct vm_entry *folder);
/* The VMs that pass the filter, those in folded groups too; borrowed as model_rows. */
struct vm_entry **model_vms(struct model *m, unsigned *n);

void model_sort(struct model *m, enum sort_column c, bool inverted);
enum sort_column model_sort_column(const struct model *m, bool *inverted);
/* NULL or "": all. Case-insensitive for ASCII; over name, state, address, title,
 * group, tags, last console line. */
void model_filter(struct model *m, const char *text);
const char *model_filter_text(const struct model *m);
bool vm_entry_matches(const struct vm_entry *e, const char *text);
/* "not answering" where nobody answers. */
const char *vm_entry_state(const struct vm_entry *e);

struct model_counts {
	unsigned all, running, paused, crashed, silent, off, other, marked,
	    busy; /* a plan goes on in it */
};
void model_counts(const struct model *m, struct model_counts *c);
/* The whole page of one VM, borrowed until the next call; NULL without one. */
const struct status_page *model_page(struct model *m, const struct vm_entry *e);
/* The newest n samples by the second or minute, oldest first, and how many were ever taken. Returns how many there are. */
unsigned model_samples(struct model *m, const struct vm_entry *e, bool minutes,
    struct status_sample *out, unsigned n, uint64_t *count);
/* CLOCK_REALTIME of the last refresh. */
uint64_t model_now(const struct model *m);

#endif
