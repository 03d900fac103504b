/* plan_off: a plan for a domain that is off, built and carried out by the command itself, which holds run/NAME/lock meanwhile: no
 * machine is started under its hands. The journal is run/NAME/plan.json, as a supervisor's: a command that was killed is
 * tidied up after by the next one, or by the next start. */
#ifndef CLI_PLAN_OFF_H
#define CLI_PLAN_OFF_H

#include <json-c/json.h>

#include "core/err.h"
#include "core/home.h"
#include "kvm/plan_verbs.h"

struct plan_off {
	const struct home *home;
	const char *name;
	const struct plan_verb *verb;
	struct json_object *args; /* NULL none */
	bool dry_run;
	/* A step begins; total 0 when it is not known how much there is. */
	void (*progress)(
	    void *arg, size_t step, size_t steps, const char *words, uint64_t done, uint64_t total);
	bool (*cancelled)(void *arg);
	void *arg;
};

/* *answer: {"result", "words", "notes", "told"}, or {"plan", "words"} of a dry run; the caller's. ERR_BUSY: it is just being started, or another command has it. */
int plan_off_run(const struct plan_off *o, struct json_object **answer, struct err *err);

#endif
