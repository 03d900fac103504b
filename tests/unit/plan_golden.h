/* plan_golden: a plan as lines to hold against a file: its words, each step's command with its arguments, and of documents the
 * lines that change. */
#ifndef UNIT_PLAN_GOLDEN_H
#define UNIT_PLAN_GOLDEN_H

#include "core/jsonl.h"
#include "kvm/plan.h"
#include "kvm/plan_verbs.h"
#include "unit/golden.h"

/* Is this line of a among those of b? */
static inline bool plan_golden_line(const char *b, const char *line, size_t n)
{
	while (*b != '\0') {
		size_t k = strcspn(b, "\n");
		if (k == n && memcmp(b, line, n) == 0)
			return true;
		b += k + (b[k] != '\0');
	}
	return false;
}

static inline void plan_golden_lines(
    struct buf *out, const char *a, const char *b, const char *mark)
{
	while (*a != '\0') {
		size_t n = strcspn(a, "\n");
		if (!plan_golden_line(b, a, n))
			buf_addf(out, "    %s%.*s\n", mark, (int)n, a);
		a += n + (a[n] != '\0');
	}
}

static inline void plan_golden_action(
    struct buf *out, const char *what, const struct plan_action *a)
{
	const char *xml = json_get_str(a->args, "xml"), *was = json_get_str(a->args, "was");
	if (a->kind == PLAN_NONE)
		return;
	buf_addf(out, "  %s: %s %s", what, plan_kind_name(a->kind), a->name != NULL ? a->name : "");
	if (a->args != NULL && xml == NULL)
		buf_addf(
		    out, " %s", json_object_to_json_string_ext(a->args, JSON_C_TO_STRING_SPACED));
	if (a->until != NULL)
		buf_addf(out, " until %s", a->until);
	if (a->fails != NULL)
		buf_addf(out, " fails %s", a->fails);
	if (a->match != NULL)
		buf_addf(out, " match %s",
		    json_object_to_json_string_ext(a->match, JSON_C_TO_STRING_SPACED));
	buf_addc(out, '\n');
	/* An undo's document is the other one again. */
	if (xml == NULL || was == NULL || strcmp(what, "does") != 0)
		return;
	plan_golden_lines(out, was, xml, "- ");
	plan_golden_lines(out, xml, was, "+ ");
}

static inline void plan_golden_plan(struct buf *out, const struct plan *p)
{
	buf_addf(out, "%s\n", p->words != NULL ? p->words : "(no words)");
	if (p->notes != NULL)
		buf_addf(out, "note: %s\n", p->notes);
	if (p->result != NULL)
		buf_addf(out, "result: %s\n", p->result);
	for (size_t i = 0; i < p->n; i++) {
		buf_addf(out, "%zu. %s%s\n", i + 1, p->step[i].words,
		    i == p->commit || ((p->step[i].flags & PLAN_FIRM) != 0 && i > 0 &&
		                          (p->step[i - 1].flags & PLAN_FIRM) == 0)
		        ? " (from here on there is no way back)"
		        : "");
		plan_golden_action(out, "does", &p->step[i].does);
		plan_golden_action(out, "undo", &p->step[i].undo);
		if (p->step[i].advice != NULL)
			buf_addf(out, "  advice: %s\n", p->step[i].advice);
	}
}

/* Builds one request and adds what came out, with its name before it. */
static inline void plan_golden_build(
    struct buf *out, const char *title, const char *verb, struct plan_in *in, const char *args)
{
	const struct plan_verb *v = plan_verb_find(verb);
	struct plan p;
	struct err err = {0};
	if (v == NULL)
		fail_msg("no verb '%s'", verb);
	in->args = json_tokener_parse(args);
	plan_init(&p, verb, in->id);
	buf_addf(out, "== %s: %s %s\n", title, verb, args);
	if (v->build(in, &p, &err) < 0)
		buf_addf(out, "refused: %s\n", err.msg);
	else
		plan_golden_plan(out, &p);
	buf_addc(out, '\n');
	plan_fini(&p);
	json_object_put(in->args);
	in->args = NULL;
}

#endif
