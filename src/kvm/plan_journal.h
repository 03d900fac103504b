/* plan_journal: run/NAME/plan.json, where whoever comes next finds what a killed supervisor, or command, was about. What changes from step to step stands in
 * front, of one width, and is written over in place: the plan itself may be long, and is written once.
 *
 * Not synced: the run directory does not outlive the host's boot. Owner: who carries the plan out. */
#ifndef KVM_PLAN_JOURNAL_H
#define KVM_PLAN_JOURNAL_H

#include <json-c/json.h>
#include <stddef.h>

#include "core/err.h"

/* {0}: nothing has been written. */
struct plan_journal {
	size_t head;   /* bytes of what is written over; 0: there is no file yet */
	char *failure; /* what the file tells of it, behind the head */
};

void plan_journal_fini(struct plan_journal *j); /* the file stays */
/* plan_run_ops' note. A killed writer leaves either what was there or what is to be. */
int plan_journal_write(
    struct plan_journal *j, const char *path, struct json_object *journal, struct err *err);
void plan_journal_remove(struct plan_journal *j, const char *path);

#endif
