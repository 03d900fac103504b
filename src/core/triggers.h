/* triggers: what a VM's consoles are watched for: our defaults, changed and added to by the domain's metadata
 * (core/domain_meta.h). Pure; entries borrow from both. */
#ifndef CORE_TRIGGERS_H
#define CORE_TRIGGERS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/status.h"

struct domain_meta;

#define TRIGGER_RULES_MAX 64u        /* of one domain, defaults and answers counted */
#define TRIGGER_NAME_MAX 32u         /* bytes with the NUL, as in the status page */
#define TRIGGER_PANIC "kernel panic" /* the default by this name is a crash of the guest's */

struct trigger_rule {
	const char *name;    /* "kernel panic" */
	const char *pattern; /* core/pattern.h */
	enum status_badge badge;
	unsigned every_ms; /* between two matches; 0: the default */
	const char *port;  /* only on this one ("serial0"); NULL on all */
	bool once;         /* one match on each console in each boot */
};

extern const struct trigger_rule trigger_defaults[];
extern const unsigned trigger_n_defaults;
/* NULL none */
const struct trigger_rule *trigger_default_find(const char *name);

struct triggers_entry {
	struct trigger_rule rule;
	const char *hook; /* a program that is told; NULL none */
	const char *send; /* what is typed into the console; NULL nothing */
	size_t n_send;
};

/* All that are in force, the domain's answers last; returns how many. */
unsigned triggers_of(const struct domain_meta *m, struct triggers_entry out[TRIGGER_RULES_MAX]);

/* "none", "info", "warn", "bad"; -1 for no such word. */
const char *status_badge_word(enum status_badge b);
int status_badge_parse(const char *word);

#endif
