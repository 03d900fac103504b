/* trigger: patterns that are held against what a VM's consoles say, a line at a time. Bytes in, matches out by callback; no
 * socket, no file.
 *
 * The guest is hostile and may print at full speed. Every byte is searched for the patterns' literals (trigger_find.h);
 * only lines that hold one are cleaned (hub_text.h) and held against the expression, and each rule has so much time per
 * second and then rests until the next. What costs more, that is lines with escape sequences in them and rules without a
 * literal, is looked at as far as that time goes. Memory: TRIGGER_CARRY bytes per console, and the set.
 *
 * Owner: the supervisor; a watch borrows its set, which must live longer. */
#ifndef SERIAL_TRIGGER_H
#define SERIAL_TRIGGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/triggers.h"

#define TRIGGER_LINE_MAX 512u    /* bytes of a cleaned line that are looked at */
#define TRIGGER_REACH 1024u      /* bytes of a raw line to either side of what was found in it */
#define TRIGGER_CARRY 4096u      /* bytes of a line that has not ended */
#define TRIGGER_EVERY_MS 10000   /* between two matches of one rule */
#define TRIGGER_RULE_US 5000     /* of each second, that one rule may take */
#define TRIGGER_ESCAPES_US 10000 /* … and lines with escape sequences, all rules together */
#define TRIGGER_PAUSE_MS \
	150 /* a line without an end is looked at when nothing more came for so long */

struct trigger_set;

struct trigger_set *trigger_set_new(void);
/* What the rule points to is copied. The rule's number, in the order of adding, or -1. */
int trigger_set_add(struct trigger_set *t, const struct trigger_rule *rule, struct err *err);
unsigned trigger_set_count(const struct trigger_set *t);
const struct trigger_rule *trigger_set_rule(const struct trigger_set *t, unsigned rule);
/* CLOCK_MONOTONIC in nanoseconds; for tests. */
void trigger_set_clock(struct trigger_set *t, uint64_t (*clock)(void));
void trigger_set_free(struct trigger_set *t);

/* line: clean (hub_text_clean), of at most TRIGGER_LINE_MAX bytes, without its end. Not to free the watch in. Returns
 * whether it was taken: if not, the rule may match again at once. */
typedef bool trigger_fn(void *arg, unsigned rule, const char *line);

struct trigger_watch;

/* port: what the console is called, as rules name it. */
struct trigger_watch *trigger_watch_new(
    struct trigger_set *t, const char *port, trigger_fn *fn, void *arg);
/* What the console has said. True: a line has not ended, and trigger_watch_pause is wanted when nothing follows. */
bool trigger_watch_feed(struct trigger_watch *w, const void *p, size_t n);
/* Nothing came for TRIGGER_PAUSE_MS: a prompt. */
void trigger_watch_pause(struct trigger_watch *w);
/* The guest starts anew: rules that match once may match again, and the present line is over. */
void trigger_watch_boot(struct trigger_watch *w);
/* It has matched already in this boot (known from before an adoption). */
void trigger_watch_spent(struct trigger_watch *w, unsigned rule);
void trigger_watch_free(struct trigger_watch *w);

#endif
