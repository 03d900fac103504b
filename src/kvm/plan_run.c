#include "kvm/plan_run.h"

#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/plan_act.h"

#define SEEN_MAX 256 /* events that a step which only waits finds to have come before it */

enum phase { DOING, UNDOING, ALWAYS, PHASES };
static const char *const phase_names[PHASES] = {
    [DOING] = "doing", [UNDOING] = "undoing", [ALWAYS] = "always"};

/* What became of a step; the journal has a letter for each. */
enum fate { UNTOUCHED, DONE, PERHAPS, FATES };
static const char fate_letters[FATES + 1] = "-dp";

struct plan_run {
	struct plan plan;
	const struct plan_run_ops *ops;
	void *arg;
	struct json_object *json; /* the plan's, for the journal; made once */
	struct plan_act act;
	enum phase phase;
	size_t at;        /* the step that goes on; of UNDOING the one to be looked at next */
	size_t failed_at; /* where it turned round */
	unsigned char *fate;
	struct err err;             /* why it failed; code ERR_NONE: it did not */
	bool cancelled, lost, late; /* late: something failed behind the commit */
	bool resumed;               /* the present step may have been carried out before */
	bool begun;                 /* act is busy */
	bool ended;                 /* … and has told how */
	bool going;                 /* inside of go() */
	enum plan_act_end end;
	struct err end_err;
	struct buf notes;
	struct json_object *seen; /* array of {"event", "data"} since the last command */
	char *who;                /* that cancelled it */
};

static void go(struct plan_run *r);

/* --- words --- */

static void note_failure(
    struct plan_run *r, const char *what, const struct plan_step *s, const struct err *err)
{
	buf_addf(&r->notes, "%s%s: %s\n", what, s->words, err->msg);
}

static void set_failure(struct plan_run *r, const struct plan_step *s, const struct err *err)
{
	if (r->err.code != ERR_NONE)
		return;
	enum err_code code = err->code == ERR_NONE ? ERR_FAIL : err->code;
	if (code == ERR_CANCELLED || r->lost)
		err_set(&r->err, code, "%s", err->msg);
	else
		err_set(&r->err, code, "%s: %s%s%s", s->words, err->msg,
		    s->advice == NULL ? "" : "; ", s->advice == NULL ? "" : s->advice);
}

static bool forward_only(const struct plan_run *r)
{
	return r->at >= r->plan.commit ||
	       (r->at < r->plan.n && (r->plan.step[r->at].flags & PLAN_FIRM) != 0);
}

/* --- the journal --- */

struct json_object *plan_run_state(const struct plan_run *r)
{
	CLEANUP_FREE char *fates = xmalloc(r->plan.n + 1);
	for (size_t i = 0; i < r->plan.n; i++)
		fates[i] = fate_letters[r->fate[i]];
	fates[r->plan.n] = '\0';
	struct json_object *o = json_object_new_object();
	json_object_object_add(o, "at", json_object_new_int64((int64_t)r->at));
	json_object_object_add(o, "phase", json_object_new_string(phase_names[r->phase]));
	json_object_object_add(o, "fates", json_object_new_string(fates));
	return o;
}

static void journal(struct plan_run *r)
{
	struct json_object *o = plan_run_state(r);
	json_object_object_add(o, "failed_at", json_object_new_int64((int64_t)r->failed_at));
	if (r->err.code != ERR_NONE) {
		json_object_object_add(o, "error", json_object_new_string(r->err.msg));
		json_object_object_add(o, "code", json_object_new_int((int)r->err.code));
	}
	if (r->notes.len > 0)
		json_object_object_add(
		    o, "notes", json_object_new_string_len(r->notes.data, (int)r->notes.len));
	json_object_object_add(o, "plan", json_object_get(r->json));
	r->ops->note(r->arg, o);
	json_object_put(o);
}

/* --- one action --- */

static void act_over(void *arg, enum plan_act_end end, const struct err *err)
{
	struct plan_run *r = arg;
	r->begun = false;
	r->ended = true;
	r->end = end;
	r->end_err = err == NULL ? (struct err){0} : *err;
	if (!r->going)
		go(r);
}

static void tell(struct plan_run *r, const char *words, uint64_t done, uint64_t total)
{
	r->ops->progress(r->arg, r->at, r->plan.n, words, done, total);
}

static void act_progress(void *arg, uint64_t done, uint64_t total)
{
	struct plan_run *r = arg;
	if (r->at < r->plan.n)
		tell(r, r->plan.step[r->at].words, done, total);
}

static void forget_seen(struct plan_run *r)
{
	json_object_put(r->seen);
	r->seen = json_object_new_array();
}

/* A step that waits alone may find that what it waits for has come already. */
static void replay(struct plan_run *r)
{
	size_t n = json_object_array_length(r->seen);
	for (size_t i = 0; i < n && r->begun; i++) {
		struct json_object *o = json_object_array_get_idx(r->seen, i);
		plan_act_event(&r->act, json_get_str(o, "event"), json_get_obj(o, "data"));
	}
}

static void begin(struct plan_run *r, const struct plan_action *a)
{
	r->begun = true;
	if (a->kind != PLAN_WAIT)
		forget_seen(r);
	r->act.again = r->phase == DOING && (r->plan.step[r->at].flags & PLAN_TURN) != 0;
	if (r->resumed && (a->kind == PLAN_JOB || a->kind == PLAN_MIGRATE))
		plan_act_resume(&r->act, a);
	else
		plan_act_begin(&r->act, a);
	if (r->begun && a->kind == PLAN_WAIT)
		replay(r);
}

static bool can_act(const struct plan_run *r, const struct plan_action *a)
{
	return a->kind == PLAN_HOST || (a->kind != PLAN_NONE && !r->lost);
}

/* --- forward --- */

static void turn_round(struct plan_run *r)
{
	r->failed_at = r->at;
	r->phase = UNDOING;
	r->resumed = false;
}

/* QEMU's no to what it has been told before: it has it already, or does not have it any more. */
static bool says_already(const char *words)
{
	static const char *const parts[] = {
	    "uplicate", "already", "not found", "Failed to find", "annot find"};
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (strstr(words, parts[i]) != NULL)
			return true;
	return false;
}

/* A step that was on its way when its supervisor was killed is begun anew, and may find itself done. */
static bool was_done(const struct plan_run *r)
{
	return r->resumed && r->end == PLAN_ACT_REFUSED &&
	       (forward_only(r) || says_already(r->end_err.msg));
}

static void settle_doing(struct plan_run *r)
{
	struct plan_step *s = &r->plan.step[r->at];
	bool done = r->end == PLAN_ACT_DONE || was_done(r);
	if (done)
		r->fate[r->at] = DONE;
	else if (r->end == PLAN_ACT_FAILED || r->resumed)
		r->fate[r->at] = PERHAPS;
	r->resumed = false;
	if (done) {
		r->at++;
	} else if ((s->flags & PLAN_MAY_FAIL) != 0 && r->end_err.code != ERR_CANCELLED) {
		note_failure(r, "", s, &r->end_err);
		r->at++;
	} else if (forward_only(r) && (s->flags & PLAN_TURN) == 0) {
		note_failure(r, "", s, &r->end_err);
		r->late = true;
		r->fate[r->at] = PERHAPS;
		r->at++;
	} else {
		set_failure(r, s, &r->end_err);
		turn_round(r);
	}
}

/* QEMU went while steps were carried out that nothing holds up; what comes behind them has not begun. */
static bool turn_lost(struct plan_run *r)
{
	if (r->err.code == ERR_NONE)
		err_set(&r->err, ERR_FAIL, "QEMU ended before it was done");
	turn_round(r);
	return true;
}

static bool step_doing(struct plan_run *r)
{
	if (r->cancelled && !forward_only(r) && r->at < r->plan.n) {
		struct err err;
		err_set(&err, ERR_CANCELLED, "cancelled by %s", r->who);
		set_failure(r, NULL, &err);
		turn_round(r);
		return true;
	}
	if (r->at == r->plan.n)
		return r->lost && r->err.code != ERR_NONE && !forward_only(r) ? turn_lost(r)
		                                                              : false;
	if (r->lost && !forward_only(r))
		return turn_lost(r);
	if (!can_act(r, &r->plan.step[r->at].does)) {
		r->at++;
		return true;
	}
	journal(r);
	tell(r, r->plan.step[r->at].words, 0, 0);
	begin(r, &r->plan.step[r->at].does);
	return true;
}

/* --- backwards --- */

/* A guest that does not let go of a device keeps what the device stands on: nothing of that is taken away. */
static bool still_plugged(const struct plan_run *r, const struct plan_step *s)
{
	return r->end == PLAN_ACT_FAILED && str_eq(s->undo.name, "device_del");
}

static void settle_undoing(struct plan_run *r)
{
	const struct plan_step *s = &r->plan.step[r->at];
	if (still_plugged(r, s)) {
		note_failure(r, "it stays plugged in; not taken back: ", s, &r->end_err);
		memset(r->fate, UNTOUCHED, r->at + 1);
		r->resumed = false;
		return;
	}
	if (r->end != PLAN_ACT_DONE && r->fate[r->at] == DONE && !r->resumed)
		note_failure(r, "not taken back: ", s, &r->end_err);
	r->fate[r->at] = UNTOUCHED;
	r->resumed = false;
}

/* A job that was left going by a step that has no undo of its own. */
static bool cancel_ready_job(struct plan_run *r, struct plan_step *s)
{
	const char *id = json_get_str(s->does.args, "job-id");
	if (s->does.kind != PLAN_JOB || !s->does.to_ready || id == NULL || r->lost)
		return false;
	plan_action_set(&s->undo, PLAN_JOB, "job-cancel", plan_args("id", id, NULL));
	return true;
}

static bool step_undoing(struct plan_run *r)
{
	for (size_t i = r->at + 1; i-- > 0;) {
		if (i >= r->plan.n || r->fate[i] == UNTOUCHED)
			continue;
		struct plan_step *s = &r->plan.step[i];
		if ((s->flags & PLAN_FIRM) != 0) {
			memset(r->fate, UNTOUCHED, i + 1);
			break;
		}
		if (!can_act(r, &s->undo) && !(s->undo.kind == PLAN_NONE && cancel_ready_job(r, s)))
			continue;
		r->at = i;
		journal(r);
		CLEANUP_FREE char *words = xasprintf("takes back: %s", s->words);
		tell(r, words, 0, 0);
		begin(r, &s->undo);
		return true;
	}
	r->phase = ALWAYS;
	r->at = r->failed_at;
	return true;
}

/* --- what is done in any case --- */

static void settle_always(struct plan_run *r)
{
	if (r->end != PLAN_ACT_DONE && !r->resumed)
		note_failure(r, "", &r->plan.step[r->at], &r->end_err);
	r->fate[r->at] = DONE;
	r->resumed = false;
	r->at++;
}

static bool step_always(struct plan_run *r)
{
	for (; r->at < r->plan.n; r->at++) {
		struct plan_step *s = &r->plan.step[r->at];
		if ((s->flags & PLAN_ALWAYS) == 0 || r->at == r->failed_at || !can_act(r, &s->does))
			continue;
		journal(r);
		tell(r, s->words, 0, 0);
		begin(r, &s->does);
		return true;
	}
	return false;
}

/* --- the whole --- */

static void finish(struct plan_run *r)
{
	struct err err = r->err;
	if (r->notes.len > 0)
		buf_addc(&r->notes, '\0');
	if (err.code == ERR_NONE && r->late)
		err_set(&err, ERR_FAIL,
		    "it was done, but not the whole of it, and there was no way back any more: %.*s",
		    (int)strcspn(r->notes.data, "\n"), r->notes.data);
	r->ops->timer(r->arg, 0);
	r->ops->note(r->arg, NULL);
	r->ops->over(
	    r->arg, err.code == ERR_NONE ? NULL : &err, r->notes.len > 0 ? r->notes.data : NULL);
}

static const struct {
	void (*settle)(struct plan_run *r);
	bool (*step)(struct plan_run *r); /* false: the phase is the last, and over */
} phases[PHASES] = {[DOING] = {settle_doing, step_doing},
    [UNDOING] = {settle_undoing, step_undoing},
    [ALWAYS] = {settle_always, step_always}};

static void go(struct plan_run *r)
{
	bool more = true;
	r->going = true;
	while (more && !r->begun) {
		if (r->ended) {
			r->ended = false;
			phases[r->phase].settle(r);
		}
		more = phases[r->phase].step(r);
	}
	r->going = false;
	if (!more)
		finish(r);
}

static struct plan_run *run_new(const struct plan_run_ops *ops, void *arg)
{
	struct plan_run *r = xcalloc(1, sizeof(*r));
	r->ops = ops;
	r->arg = arg;
	r->act = (struct plan_act){
	    .ops = ops, .ops_arg = arg, .over = act_over, .progress = act_progress, .arg = r};
	r->seen = json_object_new_array();
	return r;
}

struct plan_run *plan_run_new(struct plan *p, const struct plan_run_ops *ops, void *arg)
{
	struct plan_run *r = run_new(ops, arg);
	r->plan = *p;
	*p = (struct plan){0};
	r->fate = xcalloc(r->plan.n + 1, 1);
	r->json = plan_to_json(&r->plan);
	return r;
}

void plan_run_free(struct plan_run *r)
{
	if (r == NULL)
		return;
	plan_act_drop(&r->act);
	plan_fini(&r->plan);
	json_object_put(r->json);
	json_object_put(r->seen);
	buf_fini(&r->notes);
	free(r->fate);
	free(r->who);
	free(r);
}

const struct plan *plan_run_plan(const struct plan_run *r)
{
	return &r->plan;
}

void plan_run_start(struct plan_run *r)
{
	go(r);
}

/* --- from a journal --- */

static int read_state(struct plan_run *r, struct json_object *o, struct err *err)
{
	const char *phase = json_get_str(o, "phase"), *fates = json_get_str(o, "fates");
	const char *error = json_get_str(o, "error"), *notes = json_get_str(o, "notes");
	int64_t at = json_get_int(o, "at", -1), failed_at = json_get_int(o, "failed_at", -1);
	int64_t code = json_get_int(o, "code", ERR_FAIL), n = (int64_t)r->plan.n;
	r->phase = PHASES;
	for (unsigned i = 0; i < PHASES; i++)
		if (str_eq(phase, phase_names[i]))
			r->phase = (enum phase)i;
	if (r->phase == PHASES || fates == NULL || strlen(fates) != r->plan.n || at < 0 || at > n ||
	    failed_at < 0 || failed_at > n || code <= ERR_NONE || code > ERR_CANCELLED)
		return err_set(err, ERR_INVALID, "the journal of a plan makes no sense");
	for (size_t i = 0; i < r->plan.n; i++) {
		const char *letter = strchr(fate_letters, fates[i]);
		if (letter == NULL)
			return err_set(err, ERR_INVALID, "the journal of a plan makes no sense");
		r->fate[i] = (unsigned char)(letter - fate_letters);
	}
	r->at = (size_t)at;
	r->failed_at = (size_t)failed_at;
	if (error != NULL)
		err_set(&r->err, (enum err_code)code, "%s", error);
	if (notes != NULL)
		buf_adds(&r->notes, notes);
	return 0;
}

struct plan_run *plan_run_resume(
    struct json_object *o, const struct plan_run_ops *ops, void *arg, struct err *err)
{
	struct plan_run *r = run_new(ops, arg);
	struct json_object *json = json_get_obj(o, "plan");
	if (plan_from_json(json, &r->plan, err) < 0) {
		plan_run_free(r);
		return NULL;
	}
	r->json = json_object_get(json);
	r->fate = xcalloc(r->plan.n + 1, 1);
	if (read_state(r, o, err) < 0) {
		plan_run_free(r);
		return NULL;
	}
	r->resumed = r->at < r->plan.n;
	return r;
}

/* QEMU knows what became of a job; a command that needs no descriptor can be sent again; of the rest nobody knows. */
static bool can_go_on(const struct plan_run *r, const struct plan_action *a)
{
	bool known = a->kind == PLAN_JOB || a->kind == PLAN_MIGRATE || a->kind == PLAN_QMP;
	return known && !r->lost && a->fd == NULL;
}

void plan_run_continue(struct plan_run *r)
{
	const struct plan_step *s = r->resumed ? &r->plan.step[r->at] : NULL;
	if (s != NULL && r->phase == DOING && !forward_only(r)) {
		bool waits = can_go_on(r, &s->does);
		struct err err;
		r->fate[r->at] = PERHAPS;
		err_set(&err, ERR_FAIL, "the supervisor was killed meanwhile");
		if (!waits)
			set_failure(r, s, &err);
		if (!waits)
			turn_round(r);
	}
	go(r);
}

/* --- from outside --- */

void plan_run_cancel(struct plan_run *r, const char *who)
{
	struct err err;
	if (r->cancelled || r->phase != DOING || forward_only(r))
		return;
	r->cancelled = true;
	r->who = xstrdup(who);
	err_set(&err, ERR_CANCELLED, "cancelled by %s", who);
	plan_act_cancel(&r->act, &err);
}

bool plan_run_can_cancel(const struct plan_run *r)
{
	return !r->cancelled && r->phase == DOING && !forward_only(r);
}

void plan_run_event(struct plan_run *r, const char *event, struct json_object *data)
{
	if (json_object_array_length(r->seen) < SEEN_MAX) {
		struct json_object *o = json_object_new_object();
		json_object_object_add(o, "event", json_object_new_string(event));
		json_object_object_add(o, "data", json_object_get(data));
		json_object_array_add(r->seen, o);
	}
	plan_act_event(&r->act, event, data);
}

void plan_run_timer(struct plan_run *r)
{
	plan_act_timer(&r->act);
}

void plan_run_lost(struct plan_run *r, const char *why)
{
	const struct plan_action *a = r->act.a;
	r->lost = true;
	if (r->phase == DOING && !forward_only(r) && r->err.code == ERR_NONE)
		err_set(&r->err, ERR_FAIL, "%s", why);
	if (a == NULL || a->kind == PLAN_HOST)
		return; /* it ends by itself; what follows knows */
	plan_act_drop(&r->act);
	r->begun = r->ended = r->resumed = false;
	if (r->phase == DOING) {
		r->fate[r->at] = PERHAPS;
		if (forward_only(r))
			r->at++;
		else
			turn_round(r);
	} else if (r->phase == UNDOING) {
		r->fate[r->at] = UNTOUCHED;
	} else {
		r->at++;
	}
	go(r);
}
