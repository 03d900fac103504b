/* Requests for plans: who comes when, what their plans are built from. */
#include "kvm/supervisor_plan.h"

#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/audit.h"
#include "core/file.h"
#include "core/jsonl.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "kvm/supervisor_gone.h"
#include "kvm/supervisor_plan_impl.h"

#define QUERY_MS 4000

static void serve_next(void *arg);

/* --- making and freeing --- */

static void on_queue_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	serve_next(arg);
}

static struct sup_plans *plans(struct supervisor *s)
{
	if (s->plans != NULL)
		return s->plans;
	struct sup_plans *p = xcalloc(1, sizeof(*p));
	p->s = s;
	TAILQ_INIT(&p->queue);
	p->queue_timer = evtimer_new(loop_base(s->loop), on_queue_timer, s);
	if (p->queue_timer == NULL)
		abort(); /* out of memory */
	sup_run_init(p);
	s->plans = p;
	return p;
}

static void request_free(struct sup_request *q)
{
	if (q == NULL)
		return;
	sup_plan_drop_sources(q);
	json_object_put(q->params);
	free(q->who);
	free(q);
}

static void answer(struct sup_request *q, struct json_object *result, const struct err *err)
{
	if (q->req != NULL)
		control_reply(q->req, result, err);
	else
		json_object_put(result);
	q->req = NULL;
}

/* --- where it stands, for those who look --- */

static struct json_object *shown(const struct sup_plans *p, const char *words)
{
	const struct status_page *page = p->s->page.page;
	struct json_object *o = json_object_new_object();
	json_object_object_add(
	    o, "verb", json_object_new_string(p->now->verb == NULL ? "plan" : p->now->verb->name));
	json_object_object_add(o, "who", json_object_new_string(p->now->who));
	json_object_object_add(o, "words", json_object_new_string(words));
	json_object_object_add(o, "step", json_object_new_int64(page->job_step));
	json_object_object_add(o, "steps", json_object_new_int64(page->job_steps));
	json_object_object_add(o, "done", json_object_new_int64((int64_t)page->job_done));
	json_object_object_add(o, "total", json_object_new_int64((int64_t)page->job_total));
	return o;
}

static void tell_waiting(const struct sup_plans *p, struct sup_request *q)
{
	struct json_object *o = shown(p, p->s->page.page->job_words);
	json_object_object_add(o, "waiting", json_object_new_boolean(1));
	control_req_notify(q->req, "plan", o);
}

void sup_plan_show(struct sup_plans *p, const char *words, uint64_t done, uint64_t total)
{
	struct status_page *page = status_begin(&p->s->page);
	snprintf(page->job_words, sizeof(page->job_words), "%s", words);
	page->job_done = done;
	page->job_total = total;
	page->job_waiting = p->n_queue;
	status_end(&p->s->page);
	if (p->now != NULL && p->now->req != NULL && !p->now->silent)
		control_req_notify(p->now->req, "plan", shown(p, words));
}

static void busy_words(const struct sup_plans *p, struct err *err)
{
	const struct status_page *page = p->s->page.page;
	uint64_t s = (timestamp_ns() - p->began_ns) / 1000000000u;
	if (p->s->dump != NULL)
		err_set(err, ERR_BUSY, "domain '%s' is busy: its memory is being written to a file",
		    p->s->name);
	else if (p->now == NULL)
		err_set(err, ERR_BUSY,
		    "domain '%s' is being started, or QEMU's monitor is not connected: try again, or destroy it",
		    p->s->name);
	else
		err_set(err, ERR_BUSY,
		    "domain '%s' is busy: %s has been doing '%s' for %" PRIu64
		    " s (step %u of %u: %s); try again later, or 'hvmux domjobabort %s'",
		    p->s->name, p->now->who, page->job, s, page->job_step, page->job_steps,
		    page->job_words, p->s->name);
}

/* --- one request --- */

static bool is_up(const struct supervisor *s)
{
	static const bool up[MACHINE_STATES] = {[MACHINE_RUNNING] = true,
	    [MACHINE_PAUSED] = true,
	    [MACHINE_ASKED] = true,
	    [MACHINE_SLEEPING] = true,
	    [MACHINE_PRESERVED] = true};
	return s->qmp != NULL && s->qmp_ready && up[s->machine.state];
}

static void next_later(struct sup_plans *p)
{
	loop_defer(p->s->loop, serve_next, p->s);
}

static void request_end(struct sup_plans *p, struct json_object *result, const struct err *err)
{
	struct sup_request *q = TAKE_PTR(p->now);
	answer(q, result, err);
	request_free(q);
	next_later(p);
}

static void add_str(struct json_object *o, const char *key, const char *s)
{
	if (s != NULL)
		json_object_object_add(o, key, json_object_new_string(s));
}

void sup_request_over(
    struct sup_plans *p, const struct plan *plan, const struct err *err, const char *notes)
{
	struct err said;
	if (err != NULL) {
		size_t n = notes == NULL ? 0 : strlen(notes);
		err_set(&said, err->code, "%s%s%.*s", err->msg, n == 0 ? "" : "\n",
		    n == 0 ? 0 : (int)n - 1, n == 0 ? "" : notes);
		request_end(p, NULL, &said);
		return;
	}
	struct json_object *o = json_object_new_object();
	add_str(o, "result", plan->result);
	add_str(o, "words", plan->words);
	add_str(o, "notes", notes);
	add_str(o, "told", plan->notes);
	request_end(p, o, NULL);
}

void sup_request_began(struct sup_plans *p)
{
	struct sup_request *q = p->now;
	if (q == NULL || !q->background || q->req == NULL)
		return;
	struct json_object *o = json_object_new_object();
	json_object_object_add(o, "began", json_object_new_boolean(1));
	add_str(o, "told", plan_run_plan(p->run)->notes);
	answer(q, o, NULL);
}

static void dry_run(struct sup_plans *p, struct plan *plan)
{
	struct json_object *o = json_object_new_object();
	CLEANUP_FREE char *words = plan_to_words(plan);
	json_object_object_add(o, "plan", plan_to_json(plan));
	json_object_object_add(o, "words", json_object_new_string(words));
	plan_fini(plan);
	request_end(p, o, NULL);
}

static void got_all(struct sup_plans *p)
{
	struct sup_request *q = p->now;
	struct plan plan;
	struct err err = q->err;
	if (err.code != ERR_NONE || sup_plan_build(p->s, q, &plan, &err) < 0) {
		request_end(p, NULL, &err);
		return;
	}
	sup_plan_drop_sources(q);
	sup_xml_done(p->s);
	if (q->dry_run) {
		dry_run(p, &plan);
	} else if (plan.n == 0) {
		sup_request_over(p, &plan, NULL, NULL);
		plan_fini(&plan);
	} else {
		sup_run_begin(p, &plan);
	}
}

struct question {
	struct sup_request *q;
	const char *command;
};

static void got_fact(void *arg, struct json_object *result, const struct err *err)
{
	struct question *w = arg;
	struct sup_request *q = w->q;
	if (result != NULL)
		json_object_object_add(q->facts, w->command, json_object_get(result));
	else if (err != NULL && (err->code == ERR_TIMEOUT || err->code == ERR_IO))
		q->err = *err;
	free(w);
	if (--q->asked == 0)
		got_all(q->plans);
}

static void serve(struct sup_plans *p, struct sup_request *q)
{
	struct supervisor *s = p->s;
	struct err err;
	p->now = q;
	p->began_ns = timestamp_ns();
	if (!is_up(s)) {
		err_set(&err, ERR_STATE,
		    "QEMU of domain '%s' does not answer on its monitor: try again, or destroy it",
		    s->name);
		request_end(p, NULL, &err);
		return;
	}
	if (sup_plan_read_sources(s, q, &err) < 0) {
		request_end(p, NULL, &err);
		return;
	}
	const char *const *names = q->verb->queries;
	q->asked = 1;
	qmp_hold(s->qmp, true);
	for (size_t i = 0; names != NULL && names[i] != NULL; i++) {
		struct question *w = xcalloc(1, sizeof(*w));
		*w = (struct question){q, names[i]};
		q->asked++;
		qmp_send(s->qmp, names[i], NULL, QUERY_MS, got_fact, w);
	}
	qmp_hold(s->qmp, false);
	if (--q->asked == 0)
		got_all(p);
}

/* --- the queue --- */

/* It is being started, or reset, or its monitor is connected anew. */
static bool is_coming(const struct supervisor *s)
{
	return s->machine.state == MACHINE_STARTING || s->machine.state == MACHINE_RESETTING ||
	       (s->pid != 0 && !s->qmp_ready);
}

static bool busy(const struct sup_plans *p)
{
	return p->now != NULL || p->run != NULL || p->s->dump != NULL || is_coming(p->s);
}

static void leave_queue(struct sup_plans *p, struct sup_request *q)
{
	TAILQ_REMOVE(&p->queue, q, entry);
	p->n_queue--;
	struct status_page *page = status_begin(&p->s->page);
	page->job_waiting = p->n_queue;
	status_end(&p->s->page);
}

/* The supervisor's own stay. */
static bool has_left(const struct sup_request *q)
{
	return q->req != NULL && control_req_left(q->req);
}

/* Those whose client has left, or whose time is up, go. The time of the next one, 0 none. */
static uint64_t sift(struct sup_plans *p, uint64_t now)
{
	uint64_t first = 0;
	struct sup_request *q, *next;
	for (q = TAILQ_FIRST(&p->queue); q != NULL; q = next) {
		next = TAILQ_NEXT(q, entry);
		struct err err;
		bool left = has_left(q);
		if (!left && q->until_ms > now) {
			first = first == 0 || q->until_ms < first ? q->until_ms : first;
			continue;
		}
		leave_queue(p, q);
		if (left)
			err_set(&err, ERR_CANCELLED, "whoever asked has left");
		else
			busy_words(p, &err);
		answer(q, NULL, &err);
		request_free(q);
	}
	return first;
}

static void serve_next(void *arg)
{
	struct supervisor *s = arg;
	struct sup_plans *p = s->plans;
	if (p == NULL)
		return;
	uint64_t now = loop_now_ms(), until = 0;
	evtimer_del(p->queue_timer);
	while (!busy(p) && !TAILQ_EMPTY(&p->queue)) {
		struct sup_request *q = TAILQ_FIRST(&p->queue);
		leave_queue(p, q);
		if (has_left(q)) {
			struct err err;
			err_set(&err, ERR_CANCELLED, "whoever asked has left");
			answer(q, NULL, &err);
			request_free(q);
		} else {
			serve(p, q);
		}
	}
	until = sift(p, now);
	if (until != 0) {
		uint64_t ms = until > now ? until - now : 1;
		struct timeval tv = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};
		evtimer_add(p->queue_timer, &tv);
	} else if (!busy(p)) {
		malloc_trim(0); /* what QEMU tells of a long chain is megabytes */
	}
}

static void enqueue(struct sup_plans *p, struct sup_request *q)
{
	TAILQ_INSERT_TAIL(&p->queue, q, entry);
	p->n_queue++;
	if (busy(p) && p->now != NULL && q->req != NULL) {
		struct status_page *page = status_begin(&p->s->page);
		page->job_waiting = p->n_queue;
		status_end(&p->s->page);
		tell_waiting(p, q);
	}
	serve_next(p->s);
}

/* --- control.sock --- */

static int check_request(const struct supervisor *s, struct json_object *params,
    struct control_req *r, const struct plan_verb **verb, struct err *err)
{
	const char *name = json_get_str(params, "verb");
	bool dry = json_get_bool(params, "dry_run", 0) != 0;
	*verb = name == NULL ? NULL : plan_verb_find(name);
	if (*verb == NULL || ((*verb)->flags & PLAN_VERB_OWN) != 0)
		return err_set(
		    err, ERR_INVALID, "plan: there is no verb '%.64s'", name == NULL ? "" : name);
	CLEANUP_FREE char *what = xasprintf("plan:%s", (*verb)->name);
	control_req_name(r, what, !dry);
	if (control_req_reader(r) && (!dry || ((*verb)->flags & PLAN_VERB_READER) == 0))
		return err_set(err, ERR_DENIED,
		    "you may look at this domain and change nothing: that is for root and the operators' group");
	if (s->plans != NULL && s->plans->n_queue >= SUP_PLAN_QUEUE_MAX)
		return err_set(err, ERR_BUSY, "too many requests wait for domain '%s'", s->name);
	return 0;
}

void sup_ctl_plan(void *arg, struct json_object *params, struct control_req *r)
{
	struct supervisor *s = arg;
	const struct plan_verb *verb;
	struct err err;
	if (check_request(s, params, r, &verb, &err) < 0) {
		control_reply(r, NULL, &err);
		return;
	}
	struct sup_request *q = xcalloc(1, sizeof(*q));
	int64_t wait = json_get_int(params, "wait_ms", SUP_PLAN_WAIT_MS);
	if (wait < 0 || wait > SUP_PLAN_WAIT_MAX_MS)
		wait = SUP_PLAN_WAIT_MAX_MS;
	q->plans = plans(s);
	q->req = r;
	q->who = xstrdup(control_req_who(r));
	q->verb = verb;
	q->params = json_object_get(params);
	q->until_ms = loop_now_ms() + (uint64_t)wait;
	q->dry_run = json_get_bool(params, "dry_run", 0) != 0;
	q->background = json_get_bool(params, "background", 0) != 0;
	q->silent = json_get_bool(params, "progress", 1) == 0;
	enqueue(q->plans, q);
}

/* Requests of this client that have not begun; true: there were some. */
static bool withdraw(struct sup_plans *p, const struct control_req *r)
{
	bool found = false;
	struct sup_request *q, *next;
	struct err err;
	err_set(&err, ERR_CANCELLED, "interrupted before it began: nothing was done");
	for (q = TAILQ_FIRST(&p->queue); q != NULL; q = next) {
		next = TAILQ_NEXT(q, entry);
		if (q->req == NULL || !control_req_same_client(q->req, r))
			continue;
		leave_queue(p, q);
		answer(q, NULL, &err);
		request_free(q);
		found = true;
	}
	return found;
}

static bool is_mine(const struct sup_plans *p, const struct control_req *r)
{
	return p->now != NULL && p->now->req != NULL && control_req_same_client(p->now->req, r);
}

void sup_ctl_plan_cancel(void *arg, struct json_object *params, struct control_req *r)
{
	struct supervisor *s = arg;
	struct sup_plans *p = s->plans;
	struct err err;
	bool mine = json_get_bool(params, "mine", 0) != 0;
	bool withdrawn = mine && p != NULL && withdraw(p, r);
	if (withdrawn) {
		control_reply(r, NULL, NULL);
	} else if (p == NULL || p->run == NULL || (mine && !is_mine(p, r))) {
		err_set(&err, ERR_STATE,
		    "Requested operation is not valid: no job is active on the domain");
		control_reply(r, NULL, &err);
	} else if (!plan_run_can_cancel(p->run)) {
		err_set(&err, ERR_STATE,
		    "the job of domain '%s' cannot be cancelled any more: it is nearly done, or is being taken back",
		    s->name);
		control_reply(r, NULL, &err);
	} else {
		plan_run_cancel(p->run, control_req_who(r));
		control_reply(r, NULL, NULL);
	}
}

/* What QEMU calls the job that a step makes or ends; NULL: it has to do with none. */
static const char *job_of(const struct plan_action *a)
{
	const char *id = json_get_str(a->args, "job-id");
	return a->kind != PLAN_JOB ? NULL : id != NULL ? id : json_get_str(a->args, "id");
}

/* Words and jobs alone: what goes to QEMU may hold passwords, and whoever may look asks, too. */
static struct json_object *outline(const struct plan *plan)
{
	struct json_object *o = json_object_new_object(), *steps = json_object_new_array();
	add_str(o, "verb", plan->verb);
	add_str(o, "words", plan->words);
	for (size_t i = 0; i < plan->n; i++) {
		struct json_object *step = json_object_new_object();
		add_str(step, "words", plan->step[i].words);
		add_str(step, "kind", plan_kind_name(plan->step[i].does.kind));
		add_str(step, "job", job_of(&plan->step[i].does));
		json_object_array_add(steps, step);
	}
	json_object_object_add(o, "steps", steps);
	return o;
}

void sup_ctl_plan_status(void *arg, struct json_object *params, struct control_req *r)
{
	struct supervisor *s = arg;
	struct sup_plans *p = s->plans;
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();
	(void)params;
	if (p != NULL && p->now != NULL) {
		json_object_put(o);
		o = shown(p, s->page.page->job_words);
		json_object_object_add(o, "began_ns", json_object_new_int64((int64_t)p->began_ns));
		json_object_object_add(o, "job", json_object_new_string(s->page.page->job));
	}
	if (p != NULL && p->run != NULL) {
		json_object_object_add(o, "plan", outline(plan_run_plan(p->run)));
		json_object_object_add(o, "state", plan_run_state(p->run));
	}
	struct sup_request *q;
	if (p != NULL)
		TAILQ_FOREACH(q, &p->queue, entry)
		{
			struct json_object *w = json_object_new_object();
			add_str(w, "who", q->who);
			add_str(w, "verb", q->verb->name);
			json_object_array_add(list, w);
		}
	json_object_object_add(o, "waiting", list);
	control_reply(r, o, NULL);
}

/* --- the supervisor's own calls --- */

void sup_plan_own(struct supervisor *s, const char *verb, struct json_object *args)
{
	struct sup_request *q = xcalloc(1, sizeof(*q));
	q->plans = plans(s);
	q->who = xstrdup("supervisor");
	q->verb = plan_verb_find(verb);
	q->params = json_object_new_object();
	json_object_object_add(q->params, "verb", json_object_new_string(verb));
	json_object_object_add(q->params, "args", args);
	q->until_ms = loop_now_ms() + SUP_PLAN_WAIT_MAX_MS;
	enqueue(q->plans, q);
}

bool sup_plan_busy(const struct supervisor *s)
{
	return s->plans != NULL && busy(s->plans);
}

int sup_plan_allows(const struct supervisor *s, enum machine_event ev, struct err *err)
{
	bool touches = ev == EV_DO_SUSPEND || ev == EV_DO_RESUME || ev == EV_DO_RESET;
	if (!touches || s->plans == NULL || s->plans->run == NULL || !s->plans->holds_guest)
		return 0;
	busy_words(s->plans, err);
	return -1;
}

void sup_plan_up(struct supervisor *s)
{
	CLEANUP_FREE char *path = home_run_file(s->home, s->name, "plan.json");
	sup_gone_check(s);
	if (s->plans == NULL && access(path, F_OK) < 0)
		return;
	struct sup_plans *p = plans(s);
	sup_run_monitor_up(p);
	if (p->now == NULL && p->run == NULL)
		sup_run_resume(p, false);
	serve_next(s);
}

/* Does a plan that runs take this device out, or back out? */
static bool is_expected(const struct supervisor *s, const char *device)
{
	const struct plan *p =
	    s->plans != NULL && s->plans->run != NULL ? plan_run_plan(s->plans->run) : NULL;
	for (size_t i = 0; p != NULL && i < p->n; i++) {
		const struct plan_action *both[] = {&p->step[i].does, &p->step[i].undo};
		for (size_t k = 0; k < ARRAY_LEN(both); k++)
			if (str_eq(both[k]->name, "device_del") &&
			    str_eq(json_get_str(both[k]->args, "id"), device))
				return true;
	}
	return false;
}

void sup_plan_event(struct supervisor *s, const char *event, struct json_object *data)
{
	if (str_eq(event, "DEVICE_DELETED") && !is_expected(s, json_get_str(data, "device")))
		sup_gone_event(s, data);
	if (s->plans != NULL && s->plans->run != NULL)
		plan_run_event(s->plans->run, event, data);
}

void sup_plan_lost(struct supervisor *s)
{
	if (s->plans == NULL || s->plans->run == NULL)
		return;
	/* The supervisor is about to go, too: what is taken back on the host is waited for. */
	s->plans->at_once = true;
	plan_run_lost(s->plans->run, "QEMU ended before it was done");
}

bool sup_plan_in_thread(const struct supervisor *s)
{
	return s->plans != NULL && s->plans->thread != NULL;
}

void sup_plan_next(struct supervisor *s)
{
	if (s->plans != NULL && s->plans->n_queue > 0)
		loop_defer(s->loop, serve_next, s);
}

void sup_plan_settle(struct supervisor *s)
{
	CLEANUP_FREE char *path = home_run_file(s->home, s->name, "plan.json");
	if (access(path, F_OK) == 0)
		sup_run_resume(plans(s), true);
}

void sup_plan_free(struct supervisor *s)
{
	struct sup_plans *p = TAKE_PTR(s->plans);
	struct sup_request *q;
	struct err err;
	if (p == NULL)
		return;
	err_set(&err, ERR_STATE, "the domain has ended");
	while ((q = TAILQ_FIRST(&p->queue)) != NULL) {
		leave_queue(p, q);
		answer(q, NULL, &err);
		request_free(q);
	}
	if (p->now != NULL) {
		answer(p->now, NULL, &err);
		request_free(p->now);
	}
	sup_run_fini(p);
	event_free(p->queue_timer);
	free(p);
}
