/* Plans carried out in a small world of names: a failure, a lost answer, a cancel, a QEMU that dies and a supervisor that is
 * killed at each point; afterwards the world is as it was, or as the plan wanted it, and never in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/buf.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/plan_run.h"

#define NAMES_MAX 16
#define QUEUE_MAX 64
#define TURNS_MAX 2000

enum fault {
	NO_FAULT,
	REFUSED,     /* QEMU, the agent or the host says no; nothing was done */
	LOST_BEFORE, /* the connection went: it was not done */
	LOST_AFTER,  /* … it was done */
	NO_EVENT,    /* taken, and the event never comes */
	NO_BY_EVENT, /* taken, and the guest refuses */
	FAILS_LATER, /* a job, a migration that fails half-way */
	FAULTS
};

struct item {
	void (*fn)(void *arg, struct json_object *result, const struct err *err);
	void (*host_fn)(void *arg, const struct err *err);
	void *arg;
	struct json_object *result;
	struct err err;
	bool failed;
	const char *event; /* instead of an answer */
	struct json_object *data;
};

struct world {
	const char *has[NAMES_MAX];
	size_t n;
	bool frozen, dead; /* dead: the supervisor was killed, nothing gets out any more */
	struct item queue[QUEUE_MAX];
	size_t first, end;
	uint64_t now, timer_at;

	const char *job; /* its status; NULL none */
	bool job_cancelled, job_fails,
	    mirror; /* mirror: it gets ready, and stays so until it is told to end */
	const char *migration;
	unsigned polls;

	enum fault fault;
	unsigned fault_at, commands, die_at_note, notes;
	const char *fault_command; /* instead of fault_at; NULL none */
	unsigned over;
	struct err err;
	char *said;    /* notes of the end */
	char *journal; /* NULL none */
	struct plan_run *run;
};

/* --- the world --- */

static bool has(const struct world *w, const char *name)
{
	for (size_t i = 0; i < w->n; i++)
		if (str_eq(w->has[i], name))
			return true;
	return false;
}

static void put(struct world *w, const char *name)
{
	static const char *const known[] = {"file", "node", "image", "old", "memory", "late"};
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_eq(known[i], name) && !has(w, name))
			w->has[w->n++] = known[i];
}

static bool drop(struct world *w, const char *name)
{
	for (size_t i = 0; i < w->n; i++) {
		if (!str_eq(w->has[i], name))
			continue;
		w->has[i] = w->has[--w->n];
		return true;
	}
	return false;
}

static struct item *push(struct world *w)
{
	assert_true(w->end < QUEUE_MAX);
	struct item *i = &w->queue[w->end++];
	*i = (struct item){0};
	return i;
}

static void event(struct world *w, const char *name, const char *key, const char *value)
{
	struct item *i = push(w);
	i->event = name;
	i->data = plan_args(key, value, NULL);
}

static int refuse(struct err *err, const char *words)
{
	return err_set(err, ERR_FAIL, "%s", words);
}

static int make_job(struct world *w, enum fault f, struct err *err)
{
	if (w->job != NULL)
		return refuse(err, "the job exists");
	w->job = "running";
	w->job_fails = f == FAILS_LATER;
	w->job_cancelled = false;
	w->polls = 2;
	event(w, "JOB_STATUS_CHANGE", "id", "job7");
	return 0;
}

/* A job goes on by one step whenever somebody looks. */
static struct json_object *jobs(struct world *w)
{
	struct json_object *list = json_object_new_array();
	if (w->job == NULL)
		return list;
	if (w->mirror && str_eq(w->job, "running") && w->polls-- == 0)
		w->job = "ready";
	if (!w->mirror && str_eq(w->job, "running") && (w->job_cancelled || w->polls-- == 0)) {
		w->job = "concluded";
		if (!w->job_cancelled && !w->job_fails)
			put(w, "image");
	}
	struct json_object *o = plan_args("id", "job7", "status", w->job, NULL);
	if (str_eq(w->job, "concluded") && (w->job_cancelled || w->job_fails))
		json_object_object_add(o, "error", json_object_new_string("no space left"));
	json_object_object_add(o, "current-progress", json_object_new_int(1));
	json_object_object_add(o, "total-progress", json_object_new_int(4));
	json_object_array_add(list, o);
	return list;
}

static struct json_object *migration(struct world *w)
{
	if (str_eq(w->migration, "active") && w->polls-- == 0) {
		w->migration = w->job_fails ? "failed" : "completed";
		if (!w->job_fails)
			put(w, "memory");
	}
	return plan_args("status", w->migration == NULL ? "none" : w->migration, NULL);
}

static int unplug(struct world *w, const char *id, enum fault f, struct err *err)
{
	if (!has(w, id))
		return refuse(err, "there is no such device");
	if (f == NO_BY_EVENT) {
		event(w, "DEVICE_UNPLUG_GUEST_ERROR", "device", id);
	} else if (f != NO_EVENT) {
		drop(w, id);
		event(w, "DEVICE_DELETED", "device", id);
	}
	return 0;
}

static int carry(struct world *w, const char *command, struct json_object *args, enum fault f,
    struct json_object **result, struct err *err)
{
	const char *id = json_get_str(args, "id");
	if (str_eq(command, "add"))
		return has(w, id) ? refuse(err, "it exists") : (put(w, id), 0);
	if (str_eq(command, "del"))
		return drop(w, id) ? 0 : refuse(err, "there is none");
	if (str_eq(command, "unplug"))
		return unplug(w, id, f, err);
	if (str_eq(command, "make"))
		return make_job(w, f, err);
	if (str_eq(command, "query-jobs"))
		*result = jobs(w);
	else if (str_eq(command, "job-cancel") && w->job == NULL)
		return refuse(err, "no such job");
	else if (w->mirror && (str_eq(command, "job-cancel") || str_eq(command, "job-complete"))) {
		w->job_cancelled = str_eq(command, "job-cancel");
		if (str_eq(w->job, "ready") || w->job_cancelled)
			w->job = "concluded";
	} else if (str_eq(command, "job-cancel"))
		w->job_cancelled = str_eq(w->job, "running");
	else if (str_eq(command, "job-dismiss"))
		w->job = NULL;
	else if (str_eq(command, "query-migrate"))
		*result = migration(w);
	else if (str_eq(command, "migrate_cancel"))
		w->migration = str_eq(w->migration, "active") ? "cancelled" : w->migration;
	else if (str_eq(command, "freeze") || str_eq(command, "thaw"))
		w->frozen = str_eq(command, "freeze");
	else if (str_eq(command, "migrate")) {
		w->migration = "active";
		w->job_fails = f == FAILS_LATER;
		w->polls = 2;
	} else
		fail_msg("unknown command %s", command);
	return 0;
}

/* --- what the run acts through --- */

static void f_qmp(void *arg, const char *command, struct json_object *args, int fd,
    unsigned timeout_ms, void (*fn)(void *arg, struct json_object *result, const struct err *err),
    void *fn_arg)
{
	struct world *w = arg;
	struct json_object *result = NULL;
	struct err err = {0};
	(void)fd, (void)timeout_ms;
	if (w->dead) {
		push(w)->arg = fn_arg; /* of an answer that nobody will hear */
		return;
	}
	bool hit = ++w->commands == w->fault_at || str_eq(command, w->fault_command);
	enum fault f = hit ? w->fault : NO_FAULT;
	int rc = f == REFUSED       ? refuse(&err, "no")
	         : f == LOST_BEFORE ? err_set(&err, ERR_IO, "the connection was closed")
	                            : carry(w, command, args, f, &result, &err);
	if (f == LOST_AFTER)
		rc = err_set(&err, ERR_IO, "the connection was closed");
	struct item *i = push(w);
	i->fn = fn;
	i->arg = fn_arg;
	i->result = rc < 0 ? (json_object_put(result), NULL) : result;
	i->err = err;
	i->failed = rc < 0;
}

static void f_agent(void *arg, const char *command, struct json_object *args, unsigned timeout_ms,
    void (*fn)(void *arg, struct json_object *result, const struct err *err), void *fn_arg)
{
	f_qmp(arg, command, args, -1, timeout_ms, fn, fn_arg);
}

static void f_host(void *arg, const char *op, struct json_object *args,
    void (*fn)(void *arg, const struct err *err), void *fn_arg)
{
	struct world *w = arg;
	struct err err;
	bool slow = str_eq(op, "slow");
	if (w->dead) {
		push(w)->arg = fn_arg;
		return;
	}
	bool hit = ++w->commands == w->fault_at || str_eq(op, w->fault_command);
	bool fails = hit && w->fault == REFUSED;
	if (fails)
		refuse(&err, "no");
	else if (str_eq(op, "remove"))
		drop(w, json_get_str(args, "path"));
	else
		put(w, json_get_str(args, "path"));
	if (!slow) {
		fn(fn_arg, fails ? &err : NULL);
		return;
	}
	struct item *i = push(w);
	i->host_fn = fn;
	i->arg = fn_arg;
	i->err = err;
	i->failed = fails;
}

static int f_take_fd(void *arg, const char *name)
{
	(void)arg, (void)name;
	return -1;
}

static void f_timer(void *arg, unsigned ms)
{
	struct world *w = arg;
	w->timer_at = ms == 0 ? 0 : w->now + ms;
}

static void f_progress(
    void *arg, size_t step, size_t steps, const char *words, uint64_t done, uint64_t total)
{
	(void)arg;
	assert_true(step < steps);
	assert_true(words[0] != '\0');
	assert_true(done <= total);
}

static void f_note(void *arg, struct json_object *journal)
{
	struct world *w = arg;
	if (w->dead)
		return;
	free(w->journal);
	w->journal = journal == NULL ? NULL : xstrdup(json_object_to_json_string(journal));
	if (journal != NULL && ++w->notes == w->die_at_note)
		w->dead = true;
}

static void f_over(void *arg, const struct err *err, const char *notes)
{
	struct world *w = arg;
	if (w->dead)
		return;
	w->over++;
	w->err = err == NULL ? (struct err){0} : *err;
	free(w->said);
	w->said = notes == NULL ? NULL : xstrdup(notes);
	plan_run_free(TAKE_PTR(w->run));
}

static uint64_t f_now(void *arg)
{
	return ((struct world *)arg)->now;
}

static const struct plan_run_ops ops = {.qmp = f_qmp,
    .agent = f_agent,
    .host = f_host,
    .take_fd = f_take_fd,
    .timer = f_timer,
    .progress = f_progress,
    .note = f_note,
    .over = f_over,
    .now_ms = f_now};

/* --- turning --- */

static void item_fini(struct item *i)
{
	json_object_put(i->result);
	json_object_put(i->data);
}

/* One answer or event, or else the timer; false: nothing more happens. */
static bool turn(struct world *w)
{
	if (w->first == w->end) {
		w->first = w->end = 0;
		if (w->timer_at == 0 || w->run == NULL)
			return false;
		w->now = w->timer_at;
		w->timer_at = 0;
		plan_run_timer(w->run);
		return true;
	}
	struct item i = w->queue[w->first++];
	if (i.event != NULL && w->run != NULL)
		plan_run_event(w->run, i.event, i.data);
	else if (i.fn != NULL)
		i.fn(i.arg, i.result, i.failed ? &i.err : NULL);
	else if (i.host_fn != NULL)
		i.host_fn(i.arg, i.failed ? &i.err : NULL);
	item_fini(&i);
	return true;
}

static void finish(struct world *w)
{
	for (unsigned n = 0; turn(w); n++)
		assert_true(n < TURNS_MAX);
	assert_int_equal(w->over, 1);
	assert_null(w->run);
	assert_null(w->journal);
}

/* --- the plan --- */

static void make_plan(struct plan *p, bool with_commit)
{
	struct plan_step *s;
	plan_init(p, "test", 7);
	p->words = xstrdup("do everything");
	s = plan_host(p, "make a file", "make", plan_args("path", "file", NULL));
	plan_undo_host(s, "remove", plan_args("path", "file", NULL));
	s = plan_qmp(p, "add a node", "add", plan_args("id", "node", NULL));
	plan_undo_qmp(s, "del", plan_args("id", "node", NULL));
	s = plan_add(p, "freeze the guest");
	plan_action_set(&s->does, PLAN_AGENT, "freeze", NULL);
	plan_action_set(&s->undo, PLAN_AGENT, "thaw", NULL);
	s = plan_job(p, "copy the image", "make", plan_args("job-id", "job7", NULL));
	plan_undo_qmp(s, "del", plan_args("id", "image", NULL));
	s = plan_qmp(p, "the guest lets go of old", "unplug", plan_args("id", "old", NULL));
	s->does.until = xstrdup("DEVICE_DELETED");
	s->does.fails = xstrdup("DEVICE_UNPLUG_GUEST_ERROR");
	s->does.match = plan_args("device", "old", NULL);
	s->advice = xstrdup("try again");
	plan_undo_qmp(s, "add", plan_args("id", "old", NULL));
	if (with_commit)
		plan_commit(p);
	s = plan_add(p, "write the memory");
	plan_action_set(&s->does, PLAN_MIGRATE, "migrate", NULL);
	plan_undo_host(s, "remove", plan_args("path", "memory", NULL));
	s = plan_add(p, "thaw the guest");
	plan_action_set(&s->does, PLAN_AGENT, "thaw", NULL);
	s->flags = PLAN_ALWAYS;
	s = plan_host(p, "make another file", "slow", plan_args("path", "late", NULL));
	plan_undo_host(s, "remove", plan_args("path", "late", NULL));
}

static void begin(struct world *w, bool with_commit)
{
	struct plan p;
	make_plan(&p, with_commit);
	put(w, "old");
	w->run = plan_run_new(&p, &ops, w);
	plan_run_start(w->run);
}

static void world_fini(struct world *w)
{
	free(w->said);
	free(w->journal);
}

static bool is_as_before(const struct world *w)
{
	return w->n == 1 && has(w, "old") && !w->frozen && w->job == NULL;
}

static bool is_done(const struct world *w)
{
	return w->n == 5 && !has(w, "old") && !w->frozen && w->job == NULL;
}

static void check(const struct world *w, const char *what, unsigned at)
{
	bool good = w->err.code == ERR_NONE ? is_done(w) : is_as_before(w);
	if (good)
		return;
	for (size_t i = 0; i < w->n; i++)
		print_message("has %s\n", w->has[i]);
	fail_msg("%s at %u: %s; frozen %d; notes: %s", what, at, w->err.msg, w->frozen,
	    w->said == NULL ? "" : w->said);
}

/* --- tests --- */

static void test_plan_is_carried_out(void **state)
{
	struct world w = {0};
	(void)state;
	begin(&w, false);
	finish(&w);
	assert_int_equal(w.err.code, ERR_NONE);
	assert_null(w.said);
	check(&w, "all", 0);
	world_fini(&w);
}

/* Each fault at each command: of an agent, whose word counts for little, its no may have been a yes. */
static void test_plan_fault_at_each_command(void **state)
{
	(void)state;
	unsigned failed = 0;
	for (unsigned f = REFUSED; f < FAULTS; f++) {
		for (unsigned at = 1; at <= 16; at++) {
			struct world w = {.fault = (enum fault)f, .fault_at = at};
			begin(&w, false);
			finish(&w);
			check(&w, "fault", f * 100 + at);
			failed += w.err.code != ERR_NONE;
			world_fini(&w);
		}
	}
	assert_true(failed >= 20);
}

static void test_plan_words_of_failures(void **state)
{
	static const struct {
		enum fault fault;
		const char *command, *words;
	} cases[] = {
	    {REFUSED, "slow", "make another file: no"},
	    {REFUSED, "freeze", "freeze the guest: no"},
	    {FAILS_LATER, "make", "copy the image: no space left"},
	    {NO_EVENT, "unplug", "the guest lets go of old: not within 20 s; try again"},
	    {NO_BY_EVENT, "unplug", "the guest lets go of old: the guest refused; try again"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world w = {.fault = cases[i].fault, .fault_command = cases[i].command};
		begin(&w, false);
		finish(&w);
		assert_string_equal(w.err.msg, cases[i].words);
		assert_null(w.said);
		world_fini(&w);
	}
}

static void test_plan_cancelled_at_each_turn(void **state)
{
	(void)state;
	unsigned cancelled = 0;
	for (unsigned at = 0; at < 40; at++) {
		struct world w = {0};
		begin(&w, false);
		for (unsigned n = 0; n < at && turn(&w); n++)
			;
		if (w.run != NULL)
			plan_run_cancel(w.run, "root(0)");
		finish(&w);
		check(&w, "cancel", at);
		if (w.err.code == ERR_CANCELLED) {
			assert_string_equal(w.err.msg, "cancelled by root(0)");
			cancelled++;
		}
		world_fini(&w);
	}
	assert_true(cancelled >= 15);
}

static void test_plan_not_cancelled_behind_commit(void **state)
{
	(void)state;
	struct world w = {0};
	begin(&w, true);
	while (w.migration == NULL && turn(&w))
		;
	assert_false(plan_run_can_cancel(w.run));
	plan_run_cancel(w.run, "root(0)");
	finish(&w);
	assert_int_equal(w.err.code, ERR_NONE);
	assert_true(is_done(&w));
	world_fini(&w);
}

/* Behind the commit a failure stops nothing, and is told. */
static void test_plan_failure_behind_commit(void **state)
{
	(void)state;
	struct world w = {0};
	begin(&w, true);
	while (w.migration == NULL && turn(&w))
		;
	w.job_fails = true;
	finish(&w);
	assert_int_equal(w.err.code, ERR_FAIL);
	assert_non_null(strstr(w.err.msg, "no way back"));
	assert_non_null(strstr(w.said, "write the memory: "));
	assert_true(has(&w, "late"));
	assert_false(has(&w, "old"));
	assert_false(w.frozen);
	world_fini(&w);
}

static void lose_qemu(struct world *w)
{
	static const char *const its[] = {"node", "image", "old"};
	for (size_t i = 0; i < ARRAY_LEN(its); i++)
		drop(w, its[i]);
	w->frozen = false;
	w->job = w->migration = NULL;
}

static void test_plan_qemu_dies_at_each_turn(void **state)
{
	(void)state;
	for (unsigned commit = 0; commit < 2; commit++) {
		for (unsigned at = 0; at < 40; at++) {
			struct world w = {0};
			begin(&w, commit != 0);
			for (unsigned n = 0; n < at && turn(&w); n++)
				;
			lose_qemu(&w);
			if (w.run != NULL)
				plan_run_lost(w.run, "QEMU ended");
			finish(&w);
			if (w.err.code == ERR_NONE)
				assert_true(has(&w, "late") && has(&w, "file"));
			else
				assert_true(w.n == 0 && str_eq(w.err.msg, "QEMU ended"));
			world_fini(&w);
		}
	}
}

/* --- kill -9 --- */

/* What is under way arrives nowhere. */
static void bury(struct world *w)
{
	w->dead = true;
	plan_run_free(TAKE_PTR(w->run));
	while (w->first < w->end) {
		struct item i = w->queue[w->first++];
		if (i.event == NULL)
			free(i.arg);
		item_fini(&i);
	}
	w->first = w->end = 0;
	w->timer_at = 0;
}

static void resume(struct world *w)
{
	struct err err;
	struct json_object *o = json_tokener_parse(w->journal);
	w->dead = false;
	w->die_at_note = 0;
	w->run = plan_run_resume(o, &ops, w, &err);
	json_object_put(o);
	assert_non_null(w->run);
	plan_run_continue(w->run);
	finish(w);
}

static void test_plan_killed_at_each_turn(void **state)
{
	(void)state;
	unsigned resumed = 0, finished = 0;
	for (unsigned at = 0; at < 60; at++) {
		struct world w = {0};
		begin(&w, false);
		for (unsigned n = 0; n < at && turn(&w); n++)
			;
		if (w.run == NULL) {
			world_fini(&w);
			continue;
		}
		bury(&w);
		assert_non_null(w.journal);
		resume(&w);
		check(&w, "kill", at);
		resumed++;
		finished += w.err.code == ERR_NONE;
		world_fini(&w);
	}
	assert_true(resumed >= 15);
	assert_true(finished >= 1); /* a job that QEMU still knew was waited for */
}

/* Right after the journal was written, before the step itself: also while things are taken back. */
static void test_plan_killed_at_each_note(void **state)
{
	(void)state;
	unsigned killed = 0;
	for (unsigned fault = 0; fault < 12; fault++) {
		for (unsigned at = 1; at < 20; at++) {
			struct world w = {.die_at_note = at, .fault = REFUSED, .fault_at = fault};
			begin(&w, false);
			for (unsigned n = 0; !w.dead && turn(&w); n++)
				assert_true(n < TURNS_MAX);
			if (!w.dead) {
				world_fini(&w);
				continue;
			}
			bury(&w);
			w.fault_at = 0;
			resume(&w);
			check(&w, "kill at note", fault * 100 + at);
			killed++;
			world_fini(&w);
		}
	}
	assert_true(killed >= 60);
}

/* --- rows of firm steps --- */

/* A file, an image made of it, what is written down of that and belongs to it; then something else. */
static void begin_firm(struct world *w)
{
	struct plan p;
	struct plan_step *s;
	plan_init(&p, "test", 7);
	s = plan_host(&p, "make a file", "make", plan_args("path", "file", NULL));
	plan_undo_host(s, "remove", plan_args("path", "file", NULL));
	s = plan_job(&p, "copy the image", "make", plan_args("job-id", "job7", NULL));
	s->does.keep = true;
	s = plan_host(&p, "write it down", "slow", plan_args("path", "memory", NULL));
	s->flags = PLAN_FIRM;
	s = plan_qmp(&p, "forget the job", "job-dismiss", plan_args("id", "job7", NULL));
	s->flags = PLAN_FIRM;
	s = plan_qmp(&p, "add a node", "add", plan_args("id", "node", NULL));
	plan_undo_qmp(s, "del", plan_args("id", "node", NULL));
	s = plan_host(&p, "make another file", "slow", plan_args("path", "late", NULL));
	plan_undo_host(s, "remove", plan_args("path", "late", NULL));
	w->run = plan_run_new(&p, &ops, w);
	plan_run_start(w->run);
}

/* Nothing; or what the job made and what is written down of it; or all. */
static void check_firm(const struct world *w, const char *what, unsigned at)
{
	bool all = has(w, "late") && has(w, "node"), none = w->n == 0;
	bool row = has(w, "file") && has(w, "image") && has(w, "memory") && w->job == NULL;
	if (w->err.code == ERR_NONE ? row && all : none || (row && w->n == 3))
		return;
	for (size_t i = 0; i < w->n; i++)
		print_message("has %s\n", w->has[i]);
	fail_msg("%s at %u: %s; notes: %s", what, at, w->err.msg, w->said == NULL ? "" : w->said);
}

static void test_plan_firm_faults(void **state)
{
	(void)state;
	unsigned parts = 0;
	for (unsigned f = REFUSED; f < FAULTS; f++) {
		for (unsigned at = 1; at <= 12; at++) {
			struct world w = {.fault = (enum fault)f, .fault_at = at};
			begin_firm(&w);
			/* What belongs to the job fails itself: told, and nothing taken back. */
			finish(&w);
			bool told = strstr(w.err.msg, "no way back") != NULL;
			if (told)
				assert_true(has(&w, "file") && has(&w, "image"));
			else
				check_firm(&w, "fault", f * 100 + at);
			parts += w.err.code != ERR_NONE && w.n == 3;
			world_fini(&w);
		}
	}
	assert_true(parts >= 2);
}

static void test_plan_firm_cancelled(void **state)
{
	(void)state;
	unsigned parts = 0, none = 0;
	for (unsigned at = 0; at < 20; at++) {
		struct world w = {0};
		begin_firm(&w);
		for (unsigned n = 0; n < at && turn(&w); n++)
			;
		if (w.run != NULL)
			plan_run_cancel(w.run, "root(0)");
		finish(&w);
		check_firm(&w, "cancel", at);
		parts += w.err.code != ERR_NONE && w.n == 3;
		none += w.n == 0;
		world_fini(&w);
	}
	assert_true(parts >= 1 && none >= 1);
}

/* QEMU's things go with it; the written ones are those of a job that had ended. */
static void test_plan_firm_qemu_dies(void **state)
{
	(void)state;
	for (unsigned at = 0; at < 20; at++) {
		struct world w = {0};
		begin_firm(&w);
		for (unsigned n = 0; n < at && turn(&w); n++)
			;
		bool made = has(&w, "image");
		w.job = NULL;
		drop(&w, "node");
		if (w.run != NULL)
			plan_run_lost(w.run, "QEMU ended");
		finish(&w);
		assert_false(has(&w, "memory") && !made);
		if (has(&w, "memory"))
			assert_true(has(&w, "file"));
		assert_true(w.err.code == ERR_NONE || !has(&w, "late"));
		world_fini(&w);
	}
}

static void test_plan_firm_killed(void **state)
{
	(void)state;
	unsigned killed = 0, finished = 0;
	for (unsigned at = 0; at < 30; at++) {
		struct world w = {0};
		begin_firm(&w);
		for (unsigned n = 0; n < at && turn(&w); n++)
			;
		if (w.run == NULL) {
			world_fini(&w);
			continue;
		}
		bury(&w);
		resume(&w);
		check_firm(&w, "kill", at);
		killed++;
		finished += w.err.code == ERR_NONE;
		world_fini(&w);
	}
	assert_true(killed >= 6 && finished >= 3);
}

/* A journal that somebody cut is refused, whatever is missing. */
/* A copy that is ready ends when QEMU is told so: the one that was to tell it was killed before. */
static void test_plan_ready_job_killed(void **state)
{
	(void)state;
	static const char *const ends[] = {"job-complete", "job-cancel"};
	unsigned killed = 0;
	for (size_t e = 0; e < ARRAY_LEN(ends); e++) {
		for (unsigned at = 1; at < 6; at++) {
			struct world w = {.mirror = true, .die_at_note = at};
			struct plan p;
			plan_init(&p, "test", 7);
			struct plan_step *s = plan_job(
			    &p, "copy the image", "make", plan_args("job-id", "job7", NULL));
			s->does.to_ready = true;
			plan_job(&p, "end it", ends[e], plan_args("id", "job7", NULL));
			w.run = plan_run_new(&p, &ops, &w);
			plan_run_start(w.run);
			for (unsigned n = 0; !w.dead && turn(&w); n++)
				assert_true(n < TURNS_MAX);
			if (w.dead) {
				bury(&w);
				resume(&w);
				killed++;
			}
			assert_null(w.job);
			world_fini(&w);
		}
	}
	assert_int_equal(killed, 4);
}

static void test_plan_broken_journals(void **state)
{
	static const char *const bad[] = {"{}", "{\"plan\":{}}",
	    "{\"plan\":{\"version\":1,\"verb\":\"x\",\"id\":1,\"steps\":[]},\"at\":1,\"phase\":\"doing\",\"fates\":\"\","
	    "\"failed_at\":0}",
	    "{\"plan\":{\"version\":1,\"verb\":\"x\",\"id\":1,\"steps\":[]},\"at\":0,\"phase\":\"dreaming\",\"fates\":\"\","
	    "\"failed_at\":0}",
	    "{\"plan\":{\"version\":1,\"verb\":\"x\",\"id\":1,\"steps\":[]},\"at\":0,\"phase\":\"doing\",\"fates\":\"d\","
	    "\"failed_at\":0}"};
	struct world w = {0};
	struct err err;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct json_object *o = json_tokener_parse(bad[i]);
		assert_null(plan_run_resume(o, &ops, &w, &err));
		assert_int_equal(err.code, ERR_INVALID);
		json_object_put(o);
	}
	assert_null(plan_run_resume(NULL, &ops, &w, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plan_is_carried_out),
	    cmocka_unit_test(test_plan_fault_at_each_command),
	    cmocka_unit_test(test_plan_words_of_failures),
	    cmocka_unit_test(test_plan_cancelled_at_each_turn),
	    cmocka_unit_test(test_plan_not_cancelled_behind_commit),
	    cmocka_unit_test(test_plan_failure_behind_commit),
	    cmocka_unit_test(test_plan_qemu_dies_at_each_turn),
	    cmocka_unit_test(test_plan_killed_at_each_turn),
	    cmocka_unit_test(test_plan_killed_at_each_note),
	    cmocka_unit_test(test_plan_firm_faults),
	    cmocka_unit_test(test_plan_firm_cancelled),
	    cmocka_unit_test(test_plan_firm_qemu_dies),
	    cmocka_unit_test(test_plan_firm_killed),
	    cmocka_unit_test(test_plan_ready_job_killed),
	    cmocka_unit_test(test_plan_broken_journals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
