#include "kvm/plan_act.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"

#define JOB_POLL_MS 500 /* for its progress: its changes come as events */
#define ASK_TRIES 5     /* a question that has no answer is asked again after JOB_POLL_MS */
#define MIGRATE_POLL_MIN_MS 2
#define MIGRATE_POLL_MAX_MS 200

/* An answer that is awaited; it outlives an action that was dropped. */
struct plan_call {
	struct plan_act *act; /* NULL: nobody waits any more */
	void (*answer)(struct plan_act *t, struct json_object *result, const struct err *err);
};

/* --- ends --- */

static void drop_call(struct plan_act *t)
{
	if (t->call != NULL)
		t->call->act = NULL;
	t->call = NULL;
}

void plan_act_drop(struct plan_act *t)
{
	drop_call(t);
	t->state = PLAN_ACT_IDLE;
	t->a = NULL;
}

/* Whoever calls it touches the action no more: it may be gone. */
static void end(struct plan_act *t, enum plan_act_end how, const struct err *err)
{
	struct err said = err == NULL ? (struct err){0} : *err;
	plan_act_drop(t);
	t->ops->timer(t->ops_arg, 0);
	t->over(t->arg, how, err == NULL ? NULL : &said);
}

static void end_cancelled(struct plan_act *t)
{
	end(t, PLAN_ACT_FAILED, &t->why);
}

/* --- commands --- */

static void answered(void *arg, struct json_object *result, const struct err *err)
{
	struct plan_call *c = arg;
	struct plan_act *t = c->act;
	if (t != NULL) {
		t->call = NULL;
		c->answer(t, result, err);
	}
	free(c);
}

static void host_answered(void *arg, const struct err *err)
{
	answered(arg, NULL, err);
}

static struct plan_call *call_new(struct plan_act *t,
    void (*answer)(struct plan_act *t, struct json_object *result, const struct err *err))
{
	struct plan_call *c = xcalloc(1, sizeof(*c));
	c->act = t;
	c->answer = answer;
	t->call = c;
	return c;
}

static void ask(struct plan_act *t, const char *command, struct json_object *args,
    void (*answer)(struct plan_act *t, struct json_object *result, const struct err *err))
{
	t->ops->qmp(t->ops_arg, command, args, -1, PLAN_QMP_MS, answered, call_new(t, answer));
	json_object_put(args);
}

static void arm(struct plan_act *t, unsigned ms)
{
	if (t->deadline_ms != 0) {
		uint64_t now = t->ops->now_ms(t->ops_arg);
		uint64_t left = t->deadline_ms > now ? t->deadline_ms - now : 1;
		if (ms == 0 || left < ms)
			ms = (unsigned)left;
	}
	t->ops->timer(t->ops_arg, ms);
}

static void set_deadline(struct plan_act *t, unsigned usual_ms)
{
	unsigned ms = t->a->timeout_ms != 0 ? t->a->timeout_ms : usual_ms;
	t->deadline_ms = ms == 0 ? 0 : t->ops->now_ms(t->ops_arg) + ms;
}

/* --- events --- */

bool plan_act_matches(const struct plan_action *a, const char *event, struct json_object *data)
{
	if (a->match == NULL)
		return true;
	(void)event;
	json_object_object_foreach(a->match, key, value)
	{
		struct json_object *v = NULL;
		if (!json_object_object_get_ex(data, key, &v) || !json_object_equal(v, value))
			return false;
	}
	return true;
}

static void end_refused(struct plan_act *t, struct json_object *data)
{
	struct err err;
	const char *why = json_get_str(data, "reason");
	if (why == NULL)
		why = json_get_str(data, "error");
	if (why == NULL)
		why = json_get_str(data, "message");
	err_set(&err, ERR_FAIL, "%s%s%.300s", "the guest refused", why == NULL ? "" : ": ",
	    why == NULL ? "" : why);
	end(t, PLAN_ACT_FAILED, &err);
}

static void await_event(struct plan_act *t)
{
	if (t->refused) {
		end_refused(t, NULL);
	} else if (t->happened) {
		end(t, PLAN_ACT_DONE, NULL);
	} else if (t->cancelling) {
		end_cancelled(t);
	} else {
		t->state = PLAN_ACT_EVENT;
		set_deadline(t, PLAN_EVENT_MS);
		arm(t, 0);
	}
}

/* --- jobs --- */

/* The command that makes a job names it; the commands about one call it by other words. */
static const char *job_id(const struct plan_action *a)
{
	const char *id = json_get_str(a->args, "job-id");
	if (id == NULL)
		id = json_get_str(a->args, "id");
	return id == NULL ? json_get_str(a->args, "device") : id;
}

static bool is_stop(const struct plan_action *a)
{
	return str_eq(a->name, "job-cancel") || str_eq(a->name, "block-job-cancel");
}

static void ask_job(struct plan_act *t);
static void ask_migrate(struct plan_act *t);

static void job_over(struct plan_act *t)
{
	struct err err = t->why;
	if (!t->job_failed || is_stop(t->a))
		end(t, PLAN_ACT_DONE, NULL);
	else
		end(t, PLAN_ACT_FAILED, &err);
}

/* The monitor does not answer a question about what goes on: QEMU is asked again, for nothing may be left behind there. */
static bool ask_later(struct plan_act *t, const struct err *err)
{
	if (err == NULL) {
		t->tries = 0;
		return false;
	}
	if (++t->tries > ASK_TRIES)
		return false;
	arm(t, JOB_POLL_MS);
	return true;
}

static void dismissed(struct plan_act *t, struct json_object *result, const struct err *err)
{
	(void)result;
	if (err != NULL && err->code != ERR_NOT_FOUND && ask_later(t, err))
		t->state = PLAN_ACT_JOB;
	else
		job_over(t);
}

static void job_fails(struct plan_act *t, const char *why)
{
	t->job_failed = true;
	if (!t->cancelling)
		err_set(&t->why, ERR_FAIL, "%.1000s", why);
}

static void job_concluded(struct plan_act *t, const char *error)
{
	if (error == NULL && t->a->keep) {
		job_over(t);
		return;
	}
	if (error != NULL)
		job_fails(t, error);
	t->state = PLAN_ACT_DISMISS;
	ask(t, "job-dismiss", plan_args("id", job_id(t->a), NULL), dismissed);
}

static void job_told(struct plan_act *t, struct json_object *result, const struct err *err)
{
	(void)result, (void)err; /* what became of it is seen from the job itself */
	ask_job(t);
}

static struct json_object *find_job(struct json_object *list, const char *id)
{
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		if (str_eq(json_get_str(o, "id"), id))
			return o;
	}
	return NULL;
}

/* It has dismissed itself, or was never there. */
static void job_gone(struct plan_act *t)
{
	if (t->resumed && t->again) {
		plan_act_begin(t, t->a);
		return;
	}
	if (t->resumed)
		job_fails(t, "QEMU knows nothing of its job any more");
	else if (t->cancelling && t->asked_to_stop && t->state != PLAN_ACT_DISMISS)
		t->job_failed = true;
	job_over(t);
}

/* A command that ends a job, and not the one that makes it. Of a job that goes on nobody knows whether QEMU got it; it does no
 * harm twice. */
static bool tell_again(struct plan_act *t, const char *status)
{
	static const char *const going[] = {"created", "running", "paused", "standby"};
	bool wanted = str_eq(status, "ready");
	for (size_t i = 0; i < ARRAY_LEN(going); i++)
		wanted |= is_stop(t->a) && str_eq(status, going[i]);
	wanted = wanted && t->untold && !t->a->to_ready;
	t->untold = false;
	return wanted;
}

static void job_seen(struct plan_act *t, struct json_object *job)
{
	const char *status = json_get_str(job, "status");
	int64_t done = json_get_int(job, "current-progress", 0);
	int64_t total = json_get_int(job, "total-progress", 0);
	if (done >= 0 && total >= done)
		t->progress(t->arg, (uint64_t)done, (uint64_t)total);
	if (str_eq(status, "concluded")) {
		job_concluded(t, json_get_str(job, "error"));
	} else if ((str_eq(status, "ready") || str_eq(status, "pending")) && t->a->to_ready &&
	           !t->cancelling) {
		end(t, PLAN_ACT_DONE, NULL);
	} else if (t->cancelling && !t->asked_to_stop) {
		t->asked_to_stop = true;
		ask(t, "job-cancel", plan_args("id", job_id(t->a), NULL), job_told);
	} else if (tell_again(t, status)) {
		ask(t, t->a->name, json_object_get(t->a->args), job_told);
	} else if (str_eq(status, "pending")) {
		ask(t, "job-finalize", plan_args("id", job_id(t->a), NULL), job_told);
	} else if (t->ask_again) {
		ask_job(t);
	} else {
		arm(t, JOB_POLL_MS);
	}
}

static void got_jobs(struct plan_act *t, struct json_object *result, const struct err *err)
{
	struct json_object *job = find_job(result, job_id(t->a));
	if (ask_later(t, err))
		return;
	if (err != NULL) {
		struct err said = *err;
		end(t, PLAN_ACT_FAILED, &said);
	} else if (job == NULL) {
		job_gone(t);
	} else {
		t->resumed = false;
		job_seen(t, job);
	}
}

static void ask_job(struct plan_act *t)
{
	t->state = PLAN_ACT_JOB;
	t->ask_again = false;
	ask(t, "query-jobs", NULL, got_jobs);
}

/* --- migrations --- */

static void migrate_told(struct plan_act *t, struct json_object *result, const struct err *err)
{
	(void)result, (void)err;
	ask_migrate(t);
}

static void migrate_failed(struct plan_act *t, struct json_object *result)
{
	struct err err = t->why;
	const char *why = json_get_str(result, "error-desc");
	if (!t->cancelling)
		err_set(&err, ERR_FAIL, "%.1000s", why != NULL ? why : "QEMU does not say why");
	end(t, PLAN_ACT_FAILED, &err);
}

/* MigrationStatus of QEMU's qapi/migration.json. Of one that ended before we looked it is not known whether it was this one. */
static void migrate_seen(struct plan_act *t, struct json_object *result)
{
	const char *status = json_get_str(result, "status");
	struct json_object *ram = json_get_obj(result, "ram");
	int64_t done = json_get_int(ram, "transferred", 0), total = json_get_int(ram, "total", 0);
	bool ended = str_eq(status, "completed"), failed = str_eq(status, "failed");
	if (t->resumed && (status == NULL || ended || failed || str_eq(status, "none"))) {
		struct err err;
		err_set(&err, ERR_FAIL, "it ended while nobody watched");
		end(t, PLAN_ACT_FAILED, &err);
		return;
	}
	t->resumed = false;
	if (done >= 0 && total >= done)
		t->progress(t->arg, (uint64_t)done, (uint64_t)total);
	if (ended) {
		end(t, PLAN_ACT_DONE, NULL);
	} else if (failed || str_eq(status, "cancelled")) {
		migrate_failed(t, result);
	} else if (t->cancelling && !t->asked_to_stop) {
		t->asked_to_stop = true;
		ask(t, "migrate_cancel", NULL, migrate_told);
	} else {
		t->poll_ms =
		    t->poll_ms * 2 > MIGRATE_POLL_MAX_MS ? MIGRATE_POLL_MAX_MS : t->poll_ms * 2;
		arm(t, t->poll_ms);
	}
}

static void got_migrate(struct plan_act *t, struct json_object *result, const struct err *err)
{
	if (ask_later(t, err))
		return;
	if (err != NULL) {
		struct err said = *err;
		end(t, PLAN_ACT_FAILED, &said);
	} else {
		migrate_seen(t, result);
	}
}

static void ask_migrate(struct plan_act *t)
{
	t->state = PLAN_ACT_MIGRATE;
	ask(t, "query-migrate", NULL, got_migrate);
}

/* --- the command itself --- */

/* QEMU's own no means that nothing was done; silence and a lost connection mean nothing. The agent's words are a guest's. */
static enum plan_act_end failure_of(const struct plan_action *a, const struct err *err)
{
	if (a->kind == PLAN_AGENT || err->code == ERR_TIMEOUT || err->code == ERR_IO)
		return a->kind == PLAN_HOST ? PLAN_ACT_REFUSED : PLAN_ACT_FAILED;
	return PLAN_ACT_REFUSED;
}

/* The guest has been asked before, and may still follow. */
static bool is_unplugging(const struct plan_action *a, const struct err *err)
{
	return err != NULL && a->until != NULL &&
	       strstr(err->msg, "in the process of unplug") != NULL;
}

static void begun(struct plan_act *t, struct json_object *result, const struct err *err)
{
	(void)result;
	if (is_unplugging(t->a, err))
		err = NULL;
	if (err != NULL) {
		enum plan_act_end how = failure_of(t->a, err);
		struct err said = *err;
		if (how == PLAN_ACT_FAILED && t->a->kind == PLAN_JOB && !t->cancelling) {
			t->cancelling = t->job_failed = true; /* if there is one */
			t->why = said;
			ask_job(t);
		} else {
			end(t, how, &said);
		}
	} else if (t->a->kind == PLAN_JOB) {
		set_deadline(t, 0);
		ask_job(t);
	} else if (t->a->kind == PLAN_MIGRATE) {
		set_deadline(t, 0);
		ask_migrate(t);
	} else if (t->a->until != NULL) {
		await_event(t);
	} else {
		end(t, PLAN_ACT_DONE, NULL);
	}
}

static void begin_qmp(struct plan_act *t)
{
	const struct plan_action *a = t->a;
	struct err err;
	CLEANUP_CLOSE int fd = a->fd == NULL ? -1 : t->ops->take_fd(t->ops_arg, a->fd);
	if (a->fd != NULL && fd < 0) {
		err_set(&err, ERR_STATE, "the descriptor '%s' is not open any more", a->fd);
		end(t, PLAN_ACT_REFUSED, &err);
		return;
	}
	unsigned ms = a->kind == PLAN_QMP && a->until == NULL && a->timeout_ms != 0 ? a->timeout_ms
	                                                                            : PLAN_QMP_MS;
	t->ops->qmp(t->ops_arg, a->name, a->args, fd, ms, answered, call_new(t, begun));
}

static void reset(struct plan_act *t, const struct plan_action *a)
{
	drop_call(t);
	t->a = a;
	t->state = PLAN_ACT_SENT;
	t->happened = t->refused = t->cancelling = t->asked_to_stop = false;
	t->resumed = t->ask_again = t->job_failed = t->untold = false;
	t->deadline_ms = 0;
	t->poll_ms = MIGRATE_POLL_MIN_MS;
	t->tries = 0;
	t->why = (struct err){0};
}

void plan_act_begin(struct plan_act *t, const struct plan_action *a)
{
	reset(t, a);
	switch (a->kind) {
	case PLAN_QMP:
	case PLAN_JOB:
	case PLAN_MIGRATE:
		begin_qmp(t);
		break;
	case PLAN_AGENT:
		t->ops->agent(t->ops_arg, a->name, a->args,
		    a->timeout_ms != 0 ? a->timeout_ms : PLAN_AGENT_MS, answered,
		    call_new(t, begun));
		break;
	case PLAN_HOST:
		t->ops->host(t->ops_arg, a->name, a->args, host_answered, call_new(t, begun));
		break;
	case PLAN_WAIT:
		await_event(t);
		break;
	default:
		end(t, PLAN_ACT_DONE, NULL);
	}
}

void plan_act_resume(struct plan_act *t, const struct plan_action *a)
{
	reset(t, a);
	t->resumed = true;
	t->untold = a->kind == PLAN_JOB && json_get_str(a->args, "job-id") == NULL;
	if (a->kind == PLAN_JOB)
		ask_job(t);
	else
		ask_migrate(t);
}

/* --- from outside --- */

void plan_act_cancel(struct plan_act *t, const struct err *why)
{
	if (t->a == NULL || t->cancelling)
		return;
	t->cancelling = true;
	t->why = *why;
	if (t->state == PLAN_ACT_EVENT)
		end_cancelled(t);
	else if (t->state == PLAN_ACT_JOB && t->call == NULL)
		ask_job(t);
	else if (t->state == PLAN_ACT_MIGRATE && t->call == NULL)
		ask_migrate(t);
}

static void job_event(struct plan_act *t, const char *event, struct json_object *data)
{
	const char *id = job_id(t->a), *error = json_get_str(data, "error");
	if (str_eq(event, "BLOCK_JOB_COMPLETED") && error != NULL &&
	    str_eq(json_get_str(data, "device"), id))
		job_fails(t, error);
	if (!str_eq(event, "JOB_STATUS_CHANGE") || !str_eq(json_get_str(data, "id"), id))
		return;
	t->ask_again = true;
	if (t->state == PLAN_ACT_JOB && t->call == NULL)
		ask_job(t);
}

void plan_act_event(struct plan_act *t, const char *event, struct json_object *data)
{
	if (t->a == NULL)
		return;
	if (t->a->kind == PLAN_JOB) {
		job_event(t, event, data);
		return;
	}
	if (t->state == PLAN_ACT_MIGRATE && str_eq(event, "MIGRATION") && t->call == NULL) {
		ask_migrate(t);
		return;
	}
	if (str_eq(event, t->a->until) && plan_act_matches(t->a, event, data))
		t->happened = true;
	else if (str_eq(event, t->a->fails) && plan_act_matches(t->a, event, data))
		t->refused = true;
	else
		return;
	if (t->state == PLAN_ACT_EVENT && t->refused)
		end_refused(t, data);
	else if (t->state == PLAN_ACT_EVENT)
		end(t, PLAN_ACT_DONE, NULL);
}

void plan_act_timer(struct plan_act *t)
{
	struct err err;
	if (t->a == NULL)
		return;
	bool late = t->deadline_ms != 0 && t->ops->now_ms(t->ops_arg) >= t->deadline_ms;
	if (late) {
		unsigned ms = t->a->timeout_ms != 0 ? t->a->timeout_ms : PLAN_EVENT_MS;
		t->deadline_ms = 0;
		err_set(&err, ERR_TIMEOUT, "not within %g s", ms / 1000.0);
		plan_act_cancel(t, &err);
	} else if (t->state == PLAN_ACT_EVENT) {
		arm(t, 0);
	} else if (t->state == PLAN_ACT_JOB && t->call == NULL) {
		ask_job(t);
	} else if (t->state == PLAN_ACT_MIGRATE && t->call == NULL) {
		ask_migrate(t);
	}
}
