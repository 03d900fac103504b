#include "serial/trigger.h"

#include <stdlib.h>
#include <string.h>

#include "core/loop.h"
#include "core/mem.h"
#include "core/pattern.h"
#include "core/str.h"
#include "serial/hub_text.h"
#include "serial/trigger_find.h"

#define SECOND_NS 1000000000ull
#define ESC 0x1b
#define OVERLAP 128u  /* of the parts of a long line */
#define BLANKS_MAX 8u /* at a line's end that a pattern may mean */

struct rule {
	struct trigger_rule is; /* its texts are ours */
	struct pattern pattern;
	uint64_t rest_until_ns; /* it has matched, or used up its time */
	uint64_t spent_ns;      /* in the present second */
};

struct trigger_set {
	struct rule rules[TRIGGER_RULES_MAX];
	unsigned n;
	struct trigger_find find;
	bool found_ready;
	uint64_t every;                 /* rules without a literal */
	uint64_t now_ns;                /* when the clock was last looked at */
	uint64_t second_ns, escapes_ns; /* when the present second began; what escapes took of it */
	uint64_t (*clock)(void);
};

struct trigger_watch {
	struct trigger_set *set;
	uint64_t rules;   /* those that look at this port */
	uint64_t spent;   /* match no more until the next boot */
	uint64_t in_line; /* have matched in the present line */
	uint8_t carry[TRIGGER_CARRY];
	size_t n;
	size_t paused_at; /* carry was looked at up to here */
	struct buf clean;
	trigger_fn *fn;
	void *arg;
};

/* --- the set --- */

struct trigger_set *trigger_set_new(void)
{
	struct trigger_set *t = xcalloc(1, sizeof(*t));

	t->clock = loop_now_ns;
	return t;
}

static int add_literals(struct trigger_set *t, const struct pattern *p, uint64_t bit)
{
	for (unsigned i = 0; i < p->n_literals; i++)
		if (trigger_find_add(&t->find, p->literals[i], bit) < 0)
			return -1;
	return p->n_literals > 0 ? 0 : -1;
}

int trigger_set_add(struct trigger_set *t, const struct trigger_rule *rule, struct err *err)
{
	struct rule *r = &t->rules[t->n];
	uint64_t bit = 1ull << (t->n % TRIGGER_RULES_MAX);

	if (t->n == TRIGGER_RULES_MAX)
		return err_set(err, ERR_INVALID, "more than %u triggers", TRIGGER_RULES_MAX);
	if (pattern_compile(&r->pattern, rule->pattern, err) < 0)
		return err_wrap(err, "trigger '%s'", rule->name);
	r->is = *rule;
	r->is.name = xstrdup(rule->name);
	r->is.pattern = xstrdup(rule->pattern);
	r->is.port = xstrdup0(rule->port);
	if (!r->is.every_ms)
		r->is.every_ms = TRIGGER_EVERY_MS;
	if (add_literals(t, &r->pattern, bit) < 0)
		t->every |= bit;
	trigger_find_ready(&t->find);
	return (int)t->n++;
}

unsigned trigger_set_count(const struct trigger_set *t)
{
	return t->n;
}

const struct trigger_rule *trigger_set_rule(const struct trigger_set *t, unsigned rule)
{
	return &t->rules[rule].is;
}

void trigger_set_clock(struct trigger_set *t, uint64_t (*clock)(void))
{
	t->clock = clock;
}

void trigger_set_free(struct trigger_set *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < t->n; i++) {
		free((void *)(uintptr_t)t->rules[i].is.name);
		free((void *)(uintptr_t)t->rules[i].is.pattern);
		free((void *)(uintptr_t)t->rules[i].is.port);
		pattern_fini(&t->rules[i].pattern);
	}
	free(t);
}

/* --- time --- */

static uint64_t look_at_clock(struct trigger_set *t)
{
	uint64_t now = t->now_ns = t->clock();

	if (now - t->second_ns < SECOND_NS)
		return now;
	t->second_ns = now;
	t->escapes_ns = 0;
	for (unsigned i = 0; i < t->n; i++)
		t->rules[i].spent_ns = 0;
	return now;
}

/* The clock is read when something was done, not for every line: a flood of what is looked for is a flood of lines. */
static uint64_t awake(const struct trigger_watch *w, uint64_t among)
{
	uint64_t left = among & w->rules & ~w->spent & ~w->in_line, out = 0;

	for (; left; left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctzll(left);

		if (w->set->rules[i].rest_until_ns <= w->set->now_ns)
			out |= 1ull << i;
	}
	return out;
}

/* Of the rules that have looked and not matched. */
static void spend(struct trigger_watch *w, uint64_t rules, uint64_t began)
{
	struct trigger_set *t = w->set;
	uint64_t now = look_at_clock(t), next = t->second_ns + SECOND_NS;

	for (unsigned i = 0; i < t->n; i++) {
		struct rule *r = &t->rules[i];

		if (!(rules >> i & 1))
			continue;
		r->spent_ns += now - began;
		if (r->spent_ns >= TRIGGER_RULE_US * 1000ull && r->rest_until_ns < next)
			r->rest_until_ns = next;
	}
}

/* --- one line --- */

static size_t trailing_blanks(const uint8_t *p, size_t n)
{
	size_t blanks = 0;

	while (n > 0 && (p[n - 1] == '\n' || p[n - 1] == '\r'))
		n--;
	while (blanks < n && blanks < BLANKS_MAX && p[n - 1 - blanks] == ' ')
		blanks++;
	return blanks;
}

static bool holds_literal(const struct pattern *p, const char *line)
{
	for (unsigned i = 0; i < p->n_literals; i++)
		if (strstr(line, p->literals[i]))
			return true;
	return p->n_literals == 0;
}

/* line ends in n bytes of text and the blanks that cleaning takes away. A pattern of a prompt may mean these ("boot: $"),
 * or not: both are tried. */
static bool line_matches(struct pattern *p, char *line, size_t n)
{
	char blank = line[n];
	bool yes;

	if (!holds_literal(p, line))
		return false;
	line[n] = '\0';
	yes = pattern_matches(p, line);
	line[n] = blank;
	return yes || (blank && pattern_matches(p, line));
}

/* One line may cost many seconds' time (core/pattern.h): the rule, and no other, pays it back by as many of rest. */
static bool rule_matches(struct trigger_set *t, struct rule *r, char *line, size_t n)
{
	uint64_t began = t->clock(), most = TRIGGER_RULE_US * 1000ull, took, until;
	bool yes = line_matches(&r->pattern, line, n);

	took = t->clock() - began;
	until = began + took + took / most * SECOND_NS;
	if (took >= most && r->rest_until_ns < until)
		r->rest_until_ns = until;
	return yes;
}

static void rule_try(struct trigger_watch *w, unsigned i, char *line, size_t n)
{
	struct rule *r = &w->set->rules[i];
	uint64_t bit = 1ull << i, next;
	char blank = line[n];
	bool taken;

	if (!rule_matches(w->set, r, line, n))
		return;
	line[n] = '\0';
	taken = w->fn(w->arg, i, line);
	line[n] = blank;
	if (!taken)
		return;
	w->in_line |= bit;
	if (r->is.once)
		w->spent |= bit;
	next = w->set->now_ns + r->is.every_ms * 1000000ull;
	if (!r->is.once && r->rest_until_ns < next)
		r->rest_until_ns = next;
}

/* At most TRIGGER_LINE_MAX bytes of a cleaned line. */
static void part_try(
    struct trigger_watch *w, uint64_t rules, const char *text, size_t n, size_t blanks)
{
	char line[TRIGGER_LINE_MAX + BLANKS_MAX + 1];

	memcpy(line, text, n);
	memset(line + n, ' ', blanks);
	line[n + blanks] = '\0';
	for (unsigned i = 0; i < w->set->n; i++)
		if ((rules & ~w->in_line) >> i & 1)
			rule_try(w, i, line, n);
}

static size_t character_begin(const char *text, size_t at)
{
	while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80)
		at--;
	return at;
}

/* A cleaned line: one that is longer than is looked at, in parts that overlap. */
static void line_try(
    struct trigger_watch *w, uint64_t rules, const char *text, size_t n, size_t blanks)
{
	while (n > TRIGGER_LINE_MAX) {
		size_t next = character_begin(text, TRIGGER_LINE_MAX - OVERLAP);

		part_try(w, rules, text, character_begin(text, TRIGGER_LINE_MAX), 0);
		text += next;
		n -= next;
	}
	part_try(w, rules, text, n, blanks);
}

/* One raw line: an escape sequence that moves the cursor makes several of it. */
static void raw_try(struct trigger_watch *w, uint64_t rules, const uint8_t *p, size_t n)
{
	size_t blanks = trailing_blanks(p, n), from = 0;

	buf_clear(&w->clean);
	hub_text_clean(p, n, &w->clean);
	while (from < w->clean.len) {
		const char *text = w->clean.data + from;
		const char *nl = memchr(text, '\n', w->clean.len - from);
		size_t len = nl ? (size_t)(nl - text) : w->clean.len - from;

		line_try(w, rules, text, len, from + len + 1 >= w->clean.len ? blanks : 0);
		from += len + 1;
	}
}

/* --- many lines --- */

/* The line around p[at], as far as it is looked at. */
static size_t line_begin(const uint8_t *p, size_t at)
{
	size_t least = at > TRIGGER_REACH ? at - TRIGGER_REACH : 0;
	const uint8_t *nl = memrchr(p + least, '\n', at - least);

	return nl ? (size_t)(nl + 1 - p) : least;
}

static size_t line_end(const uint8_t *p, size_t n, size_t at)
{
	size_t most = n - at > TRIGGER_REACH ? at + TRIGGER_REACH : n;
	const uint8_t *nl = memchr(p + at, '\n', most - at);

	return nl ? (size_t)(nl + 1 - p) : most;
}

static void look_literals(struct trigger_watch *w, const uint8_t *p, size_t n)
{
	struct trigger_set *t = w->set;
	size_t at = 0, end = 0;
	uint64_t rules = 0, tried = 0; /* tried: on the line that ends there */

	for (; (at = trigger_find_next(&t->find, p, n, at, &rules)) < n; at++) {
		size_t begin;
		uint64_t began = t->now_ns;

		tried = at < end ? tried : 0;
		rules = awake(w, rules & ~tried);
		if (!rules)
			continue;
		tried |= rules;
		begin = line_begin(p, at);
		end = line_end(p, n, at);
		raw_try(w, rules, p + begin, end - begin);
		spend(w, rules, began);
	}
}

/* A literal with colours inside is found in the cleaned line alone. */
static void look_escapes(struct trigger_watch *w, const uint8_t *p, size_t n)
{
	struct trigger_set *t = w->set;
	const uint8_t *esc;
	size_t at = 0;

	while (t->escapes_ns < TRIGGER_ESCAPES_US * 1000ull && at < n &&
	       (esc = memchr(p + at, ESC, n - at)) != NULL) {
		uint64_t began = t->now_ns;
		size_t found = (size_t)(esc - p), begin = line_begin(p, found);

		at = line_end(p, n, found);
		raw_try(w, awake(w, ~t->every), p + begin, at - begin);
		t->escapes_ns += look_at_clock(t) - began;
	}
}

static void look_every(struct trigger_watch *w, const uint8_t *p, size_t n)
{
	struct trigger_set *t = w->set;
	uint64_t rules;

	for (size_t at = 0, end; at < n && (rules = awake(w, t->every)) != 0; at = end) {
		uint64_t began = t->now_ns;

		end = line_end(p, n, at);
		raw_try(w, rules, p + at, end - at);
		spend(w, rules, began);
	}
}

/* Any number of whole lines; or one that has not ended. */
static void look(struct trigger_watch *w, const uint8_t *p, size_t n)
{
	look_at_clock(w->set);
	look_literals(w, p, n);
	look_escapes(w, p, n);
	if (w->set->every & w->rules & ~w->spent)
		look_every(w, p, n);
}

/* --- the stream --- */

static void carry_keep(struct trigger_watch *w, const uint8_t *p, size_t n)
{
	memmove(w->carry, p, n);
	w->n = w->paused_at = n;
}

/* A line that is longer than is kept: looked at as it is; its end stays, for what lies across. */
static void carry_overflow(struct trigger_watch *w)
{
	look(w, w->carry, w->n);
	carry_keep(w, w->carry + w->n - TRIGGER_LINE_MAX, TRIGGER_LINE_MAX);
}

/* Goes on with the line that has not ended. Returns how many bytes were taken; all when it has not ended yet. */
static size_t carry_feed(struct trigger_watch *w, const uint8_t *p, size_t n)
{
	const uint8_t *nl = memchr(p, '\n', n);
	size_t want = nl ? (size_t)(nl + 1 - p) : n;

	for (size_t at = 0, part; at < want; at += part) {
		part = want - at < TRIGGER_CARRY - w->n ? want - at : TRIGGER_CARRY - w->n;
		memcpy(w->carry + w->n, p + at, part);
		w->n += part;
		if (w->n == TRIGGER_CARRY)
			carry_overflow(w);
	}
	if (nl) {
		look(w, w->carry, w->n);
		w->n = w->paused_at = 0;
		w->in_line = 0;
	}
	return want;
}

bool trigger_watch_feed(struct trigger_watch *w, const void *data, size_t n)
{
	const uint8_t *p = data, *nl;
	size_t taken;

	if (!w->rules)
		return false;
	if (w->n > 0) {
		taken = carry_feed(w, p, n);
		p += taken;
		n -= taken;
	}
	nl = memrchr(p, '\n', n);
	taken = nl ? (size_t)(nl + 1 - p) : 0;
	if (taken > 0) {
		look(w, p, taken);
		w->in_line = 0;
	}
	p += taken;
	n -= taken;
	if (n > 0 && w->n == 0)
		carry_feed(w, p, n);
	return w->n > w->paused_at;
}

void trigger_watch_pause(struct trigger_watch *w)
{
	if (w->n <= w->paused_at)
		return;
	look(w, w->carry, w->n);
	w->paused_at = w->n;
}

struct trigger_watch *trigger_watch_new(
    struct trigger_set *t, const char *port, trigger_fn *fn, void *arg)
{
	struct trigger_watch *w = xcalloc(1, sizeof(*w));

	w->set = t;
	w->fn = fn;
	w->arg = arg;
	for (unsigned i = 0; i < t->n; i++)
		if (!t->rules[i].is.port || str_eq(t->rules[i].is.port, port))
			w->rules |= 1ull << i;
	return w;
}

void trigger_watch_boot(struct trigger_watch *w)
{
	w->spent = w->in_line = 0;
	w->n = w->paused_at = 0;
}

void trigger_watch_spent(struct trigger_watch *w, unsigned rule)
{
	w->spent |= 1ull << rule;
}

void trigger_watch_free(struct trigger_watch *w)
{
	if (!w)
		return;
	buf_fini(&w->clean);
	free(w);
}
