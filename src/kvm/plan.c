/* Plans as data: made, written as JSON and as words, read back. */
#include "kvm/plan.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"

#define VERSION 1
#define DOCUMENT_MIN 80 /* bytes of a text that begins with '<' */

static const char *const kinds[PLAN_KINDS] = {[PLAN_NONE] = "none",
    [PLAN_QMP] = "qmp",
    [PLAN_JOB] = "job",
    [PLAN_MIGRATE] = "migrate",
    [PLAN_AGENT] = "agent",
    [PLAN_HOST] = "host",
    [PLAN_WAIT] = "wait"};

const char *plan_kind_name(enum plan_kind k)
{
	return (unsigned)k < PLAN_KINDS ? kinds[k] : "?";
}

/* --- making --- */

void plan_init(struct plan *p, const char *verb, uint64_t id)
{
	*p = (struct plan){.verb = xstrdup(verb), .id = id, .commit = SIZE_MAX};
}

static void action_fini(struct plan_action *a)
{
	free(a->name);
	free(a->fd);
	free(a->until);
	free(a->fails);
	json_object_put(a->args);
	json_object_put(a->match);
}

void plan_fini(struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->step[i].words);
		free(p->step[i].advice);
		action_fini(&p->step[i].does);
		action_fini(&p->step[i].undo);
	}
	free(p->step);
	free(p->verb);
	free(p->words);
	free(p->result);
	free(p->notes);
	*p = (struct plan){0};
}

static struct plan_step *add_step(struct plan *p, char *words)
{
	p->step = xreallocarray(p->step, p->n + 1, sizeof(*p->step));
	p->step[p->n] = (struct plan_step){.words = words};
	return &p->step[p->n++];
}

struct plan_step *plan_add(struct plan *p, const char *words_fmt, ...)
{
	va_list ap;
	va_start(ap, words_fmt);
	char *words = xvasprintf(words_fmt, ap);
	va_end(ap);
	return add_step(p, words);
}

void plan_action_set(
    struct plan_action *a, enum plan_kind kind, const char *name, struct json_object *args)
{
	a->kind = kind;
	a->name = name == NULL ? NULL : xstrdup(name);
	a->args = args;
}

static struct plan_step *add_kind(struct plan *p, const char *words, enum plan_kind kind,
    const char *name, struct json_object *args)
{
	struct plan_step *s = add_step(p, xstrdup(words));
	plan_action_set(&s->does, kind, name, args);
	return s;
}

struct plan_step *plan_qmp(
    struct plan *p, const char *words, const char *command, struct json_object *args)
{
	return add_kind(p, words, PLAN_QMP, command, args);
}

struct plan_step *plan_host(
    struct plan *p, const char *words, const char *op, struct json_object *args)
{
	return add_kind(p, words, PLAN_HOST, op, args);
}

struct plan_step *plan_job(
    struct plan *p, const char *words, const char *command, struct json_object *args)
{
	return add_kind(p, words, PLAN_JOB, command, args);
}

void plan_undo_qmp(struct plan_step *s, const char *command, struct json_object *args)
{
	plan_action_set(&s->undo, PLAN_QMP, command, args);
}

void plan_undo_host(struct plan_step *s, const char *op, struct json_object *args)
{
	plan_action_set(&s->undo, PLAN_HOST, op, args);
}

void plan_note(struct plan *p, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	CLEANUP_FREE char *line = xvasprintf(fmt, ap);
	va_end(ap);
	char *before = p->notes;
	p->notes = xasprintf("%s%s\n", before == NULL ? "" : before, line);
	free(before);
}

void plan_commit(struct plan *p)
{
	p->commit = p->n;
}

struct json_object *plan_args(const char *key, const char *value, ...)
{
	struct json_object *o = json_object_new_object();
	va_list ap;
	va_start(ap, value);
	while (key != NULL) {
		if (value != NULL)
			json_object_object_add(o, key, json_object_new_string(value));
		key = va_arg(ap, const char *);
		if (key != NULL)
			value = va_arg(ap, const char *);
	}
	va_end(ap);
	return o;
}

/* --- to JSON --- */

static void add_str(struct json_object *o, const char *key, const char *value)
{
	if (value != NULL)
		json_object_object_add(o, key, json_object_new_string(value));
}

static struct json_object *action_to_json(const struct plan_action *a, struct json_object *o)
{
	add_str(o, "kind", plan_kind_name(a->kind));
	add_str(o, "name", a->name);
	if (a->args != NULL)
		json_object_object_add(o, "args", json_object_get(a->args));
	add_str(o, "fd", a->fd);
	add_str(o, "until", a->until);
	add_str(o, "fails", a->fails);
	if (a->match != NULL)
		json_object_object_add(o, "match", json_object_get(a->match));
	if (a->timeout_ms != 0)
		json_object_object_add(o, "timeout_ms", json_object_new_int64(a->timeout_ms));
	if (a->to_ready)
		json_object_object_add(o, "to_ready", json_object_new_boolean(1));
	if (a->keep)
		json_object_object_add(o, "keep", json_object_new_boolean(1));
	return o;
}

static struct json_object *step_to_json(const struct plan_step *s)
{
	struct json_object *o = json_object_new_object();
	add_str(o, "words", s->words);
	action_to_json(&s->does, o);
	if ((s->flags & PLAN_MAY_FAIL) != 0)
		json_object_object_add(o, "may_fail", json_object_new_boolean(1));
	if ((s->flags & PLAN_TURN) != 0)
		json_object_object_add(o, "turn", json_object_new_boolean(1));
	if ((s->flags & PLAN_FIRM) != 0)
		json_object_object_add(o, "firm", json_object_new_boolean(1));
	if ((s->flags & PLAN_ALWAYS) != 0)
		json_object_object_add(o, "always", json_object_new_boolean(1));
	add_str(o, "advice", s->advice);
	if (s->undo.kind != PLAN_NONE)
		json_object_object_add(
		    o, "undo", action_to_json(&s->undo, json_object_new_object()));
	return o;
}

struct json_object *plan_to_json(const struct plan *p)
{
	struct json_object *o = json_object_new_object(), *steps = json_object_new_array();
	json_object_object_add(o, "version", json_object_new_int(VERSION));
	add_str(o, "verb", p->verb);
	add_str(o, "words", p->words);
	add_str(o, "result", p->result);
	add_str(o, "notes", p->notes);
	json_object_object_add(o, "id", json_object_new_int64((int64_t)p->id));
	if (p->commit < p->n)
		json_object_object_add(o, "commit", json_object_new_int64((int64_t)p->commit));
	for (size_t i = 0; i < p->n; i++)
		json_object_array_add(steps, step_to_json(&p->step[i]));
	json_object_object_add(o, "steps", steps);
	return o;
}

/* --- from JSON --- */

static char *get_str(struct json_object *o, const char *key)
{
	const char *s = json_get_str(o, key);
	return s == NULL ? NULL : xstrdup(s);
}

static int action_from_json(struct json_object *o, struct plan_action *a, struct err *err)
{
	const char *kind = json_get_str(o, "kind");
	int64_t ms = json_get_int(o, "timeout_ms", 0);
	a->kind = PLAN_KINDS;
	for (unsigned k = 0; k < PLAN_KINDS; k++)
		if (str_eq(kind, kinds[k]))
			a->kind = (enum plan_kind)k;
	if (a->kind == PLAN_KINDS || ms < 0 || ms > UINT32_MAX)
		return err_set(
		    err, ERR_INVALID, "a plan's step has no kind, or an impossible time");
	a->name = get_str(o, "name");
	a->args = json_object_get(json_get_obj(o, "args"));
	a->fd = get_str(o, "fd");
	a->until = get_str(o, "until");
	a->fails = get_str(o, "fails");
	a->match = json_object_get(json_get_obj(o, "match"));
	a->timeout_ms = (unsigned)ms;
	a->to_ready = json_get_bool(o, "to_ready", 0) != 0;
	a->keep = json_get_bool(o, "keep", 0) != 0;
	bool nameless = a->kind == PLAN_NONE || a->kind == PLAN_WAIT;
	if ((a->name == NULL) != nameless || (a->kind == PLAN_WAIT && a->until == NULL))
		return err_set(err, ERR_INVALID, "a plan's step of kind '%s' is not whole", kind);
	return 0;
}

static int step_from_json(struct json_object *o, struct plan *p, struct err *err)
{
	const char *words = json_get_str(o, "words");
	struct plan_step *s = add_step(p, xstrdup(words == NULL ? "" : words));
	struct json_object *undo = json_get_obj(o, "undo");
	s->advice = get_str(o, "advice");
	s->flags = (json_get_bool(o, "may_fail", 0) ? PLAN_MAY_FAIL : 0u) |
	           (json_get_bool(o, "turn", 0) ? PLAN_TURN : 0u) |
	           (json_get_bool(o, "firm", 0) ? PLAN_FIRM : 0u) |
	           (json_get_bool(o, "always", 0) ? PLAN_ALWAYS : 0u);
	if (action_from_json(o, &s->does, err) < 0)
		return -1;
	return undo == NULL ? 0 : action_from_json(undo, &s->undo, err);
}

int plan_from_json(struct json_object *o, struct plan *p, struct err *err)
{
	struct json_object *steps = json_get_arr(o, "steps");
	const char *verb = json_get_str(o, "verb");
	int64_t id = json_get_int(o, "id", -1);
	size_t n = steps == NULL ? 0 : json_object_array_length(steps);
	*p = (struct plan){0};
	if (json_get_int(o, "version", 0) != VERSION || verb == NULL || id < 0 || steps == NULL ||
	    n > PLAN_STEPS_MAX)
		return err_set(err, ERR_INVALID, "this is no plan of version %d", VERSION);
	plan_init(p, verb, (uint64_t)id);
	p->words = get_str(o, "words");
	p->result = get_str(o, "result");
	p->notes = get_str(o, "notes");
	int64_t commit = json_get_int(o, "commit", -1);
	if (commit >= 0)
		p->commit = (size_t)commit;
	for (size_t i = 0; i < n; i++) {
		if (step_from_json(json_object_array_get_idx(steps, i), p, err) < 0) {
			plan_fini(p);
			return -1;
		}
	}
	return 0;
}

/* --- to words --- */

/* Passwords and keys go by these names in QMP and in the agent's commands. */
static bool is_secret(const char *key)
{
	return str_eq(key, "password") || str_eq(key, "data") || str_eq(key, "key");
}

/* Pages long: the words say what happens to them. */
static bool is_document(struct json_object *o)
{
	return json_object_is_type(o, json_type_string) && json_object_get_string(o)[0] == '<' &&
	       json_object_get_string_len(o) > DOCUMENT_MIN;
}

static struct json_object *without_secrets(struct json_object *o)
{
	struct json_object *out = NULL;
	if (json_object_is_type(o, json_type_array)) {
		out = json_object_new_array();
		for (size_t i = 0; i < json_object_array_length(o); i++)
			json_object_array_add(
			    out, without_secrets(json_object_array_get_idx(o, i)));
		return out;
	}
	if (is_document(o))
		return json_object_new_string("<…>");
	if (!json_object_is_type(o, json_type_object))
		return json_object_get(o);
	out = json_object_new_object();
	json_object_object_foreach(o, key, value) json_object_object_add(out, key,
	    is_secret(key) && json_object_is_type(value, json_type_string)
	        ? json_object_new_string("***")
	        : without_secrets(value));
	return out;
}

static void add_args(struct buf *out, const struct plan_action *a)
{
	bool document =
	    a->kind == PLAN_HOST && (str_eq(a->name, "live") || str_eq(a->name, "define"));
	if (a->args == NULL || document)
		return;
	struct json_object *shown = without_secrets(a->args);
	buf_addf(out, " %s",
	    json_object_to_json_string_ext(
	        shown, JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(shown);
}

static void add_action(struct buf *out, const struct plan_action *a)
{
	buf_addf(out, "%s%s%s", plan_kind_name(a->kind), a->name == NULL ? "" : " ",
	    a->name == NULL ? "" : a->name);
	add_args(out, a);
	if (a->until != NULL)
		buf_addf(out, "%s %s", a->kind == PLAN_WAIT ? "" : ", until", a->until);
	buf_addc(out, '\n');
}

char *plan_to_words(const struct plan *p)
{
	struct buf out = BUF_INIT;
	if (p->words != NULL)
		buf_addf(&out, "%s\n", p->words);
	for (size_t i = 0; i < p->n; i++) {
		const struct plan_step *s = &p->step[i];
		if (i == p->commit || ((p->step[i].flags & PLAN_FIRM) != 0 &&
		                          (i == 0 || (p->step[i - 1].flags & PLAN_FIRM) == 0)))
			buf_adds(&out, "   -- from here on there is no way back --\n");
		buf_addf(&out, "%2zu. %s\n    ", i + 1, s->words);
		add_action(&out, &s->does);
		if (s->undo.kind == PLAN_NONE)
			continue;
		buf_adds(&out, "    undo: ");
		add_action(&out, &s->undo);
	}
	if (p->n == 0)
		buf_adds(&out, p->result == NULL ? "there is nothing to do" : p->result);
	if (p->n == 0)
		buf_addc(&out, '\n');
	if (p->notes != NULL)
		buf_adds(&out, p->notes);
	return buf_take(&out);
}
