/* plan_verb: a verb that is a plan (kvm/plan.h), from its command line to its exit status. The verb composes what it wants; all the rest is here:
 * the domain of the option "domain"; --live, --config, --current, --persistent where the verb has them, with virsh's words and defaults (none of them: the
 * machine as it runs, else the definition); running (its supervisor carries the plan out, and is waited for) or off (this process does, under the domain's
 * lock); --dry-run (the plan as words; with --json as JSON); who is busy with it, waited for up to 30 s or --wait-busy; progress on a terminal's standard error and for
 * --progress-fd; Ctrl+C cancels it (and what was done is taken back), a second one leaves it to itself; success in virsh's words with their empty
 * line (VERB_VIRSH), or {"domain", "verb", "result", "notes"} with --json; errors in virsh's two lines, exit status. */
#ifndef CLI_PLAN_VERB_H
#define CLI_PLAN_VERB_H

#include <json-c/json.h>

#include "cli/dispatch.h"

enum {
	PLAN_REQUEST_LIVE_ONLY =
	    1, /* makes sense for a running domain alone: "domain is not running" else */
	PLAN_REQUEST_CONFIG_ONLY = 2, /* the definition alone, whatever runs */
	PLAN_REQUEST_BACKGROUND =
	    4, /* over as soon as a job of it goes on; the supervisor carries on by itself */
	PLAN_REQUEST_LOOK =
	    8, /* would it be refused? Nothing is done, and nothing printed but why */
};

struct plan_request {
	const char *verb;         /* of kvm/plan_verbs.h; NULL: the command's own name */
	struct json_object *args; /* taken; NULL none */
	const char *done;   /* "Disk attached successfully"; NULL: the plan's result, or nothing */
	const char *failed; /* "Failed to attach disk": the first line of an error; NULL none */
	unsigned flags;
	const char
	    *began; /* with PLAN_REQUEST_BACKGROUND, instead of `done`: "Block Copy started" */
	unsigned timeout_s; /* then it is cancelled, as by Ctrl+C; 0 never */
	/* What is printed on success instead of `done`, from the plan's {"result", "words", …} (borrowed); NULL none. Returns the exit status. */
	int (*print)(struct cli *c, const char *domain, struct json_object *answer);
	/* For an error that is no end: another way is taken. The exit status, everything printed; -1: the error is one. NULL: all are. */
	int (*refused)(struct cli *c, const char *domain, const struct err *err);
};

/* The exit status; everything has been printed. */
int plan_verb_run(struct cli *c, const struct plan_request *r);
/* For verbs that look at the domain before: its name on the heap, and whether it runs. NULL: the error was printed, with `failed` as its first line. */
char *plan_verb_domain(struct cli *c, const char *failed, bool *running);

#endif
