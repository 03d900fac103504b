/* What the executor acts through in a supervisor: the host, the page, the journal run/NAME/plan.json; monitor and agent are supervisor_plan_wire.c's. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/audit.h"
#include "core/file.h"
#include "core/jsonl.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "kvm/supervisor_gone.h"
#include "kvm/supervisor_plan_impl.h"

#define JOURNAL_MAX (32u << 20)

/* --- the host --- */

static void keep_fd(void *arg, const char *name, int fd)
{
	struct sup_plans *p = arg;
	p->fds = xreallocarray(p->fds, p->n_fds + 1, sizeof(*p->fds));
	p->fds[p->n_fds++] = (struct sup_kept_fd){xstrdup(name), fd};
}

static int take_fd(void *arg, const char *name)
{
	struct sup_plans *p = arg;
	for (size_t i = 0; i < p->n_fds; i++) {
		if (!str_eq(p->fds[i].name, name))
			continue;
		int fd = p->fds[i].fd;
		free(p->fds[i].name);
		p->fds[i] = p->fds[--p->n_fds];
		return fd;
	}
	return -1;
}

static void drop_fd(void *arg, const char *name)
{
	for (int fd; (fd = take_fd(arg, name)) >= 0;)
		close(fd);
}

static void drop_fds(struct sup_plans *p)
{
	while (p->n_fds > 0)
		drop_fd(p, p->fds[0].name);
	free(p->fds);
	p->fds = NULL;
}

static void end_machine(void *arg, unsigned reason)
{
	struct sup_plans *p = arg;
	machine_end(&p->s->machine, (enum vm_reason)reason);
}

static void thread_done(void *arg, const struct err *err)
{
	struct sup_plans *p = arg;
	struct err said = err == NULL ? (struct err){0} : *err;
	plan_thread_free(TAKE_PTR(p->thread));
	p->host_fn(p->host_arg, err == NULL ? NULL : &said);
}

static void run_host(void *arg, const char *name, struct json_object *args,
    void (*fn)(void *arg, const struct err *err), void *fn_arg)
{
	struct sup_plans *p = arg;
	const struct plan_host_op *op = plan_host_find(name);
	struct plan_host_ctx c = {.home = p->s->home,
	    .name = p->s->name,
	    .keep_fd = keep_fd,
	    .drop_fd = drop_fd,
	    .end = end_machine,
	    .arg = p,
	    .began_ns = p->began_ns};
	struct err err;
	if (op == NULL) {
		err_set(&err, ERR_UNSUPPORTED, "there is no operation '%s' on the host", name);
		fn(fn_arg, &err);
		return;
	}
	p->host_fn = fn;
	p->host_arg = fn_arg;
	if (op->slow && !p->at_once)
		p->thread = plan_thread_new(p->s->loop, op, &c, args, thread_done, p);
	if (p->thread == NULL) {
		int rc = op->run(&c, args, &err);
		fn(fn_arg, rc < 0 ? &err : NULL);
	}
}

/* --- time --- */

static void on_run_timer(evutil_socket_t fd, short what, void *arg)
{
	struct sup_plans *p = arg;
	(void)fd, (void)what;
	if (p->run != NULL)
		plan_run_timer(p->run);
}

static void run_timer(void *arg, unsigned ms)
{
	struct sup_plans *p = arg;
	struct timeval tv = {ms / 1000, (ms % 1000) * 1000};
	if (ms == 0)
		evtimer_del(p->run_timer);
	else
		evtimer_add(p->run_timer, &tv);
}

static uint64_t run_now(void *arg)
{
	(void)arg;
	return loop_now_ms();
}

/* --- what is seen of it --- */

static void audit(const struct sup_plans *p, const char *what, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void audit(const struct sup_plans *p, const char *what, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	CLEANUP_FREE char *rest = xvasprintf(fmt, ap);
	va_end(ap);
	audit_write(p->s->home, p->s->name, "who=%s what=%s plan=%s %s", p->now->who, what,
	    plan_run_plan(p->run)->verb, rest);
}

static void run_progress(
    void *arg, size_t step, size_t steps, const char *words, uint64_t done, uint64_t total)
{
	struct sup_plans *p = arg;
	struct status_page *page = status_begin(&p->s->page);
	bool anew = page->job_step != step + 1 || !str_eq(page->job_words, words);
	page->job_step = (uint32_t)step + 1;
	page->job_steps = (uint32_t)steps;
	page->job_cancel = p->run != NULL && plan_run_can_cancel(p->run);
	status_end(&p->s->page);
	sup_plan_show(p, words, done, total);
	if (!anew)
		sup_request_began(p);
	if (anew)
		audit(p, "plan-step", "step=%zu/%zu detail=%s", step + 1, steps, words);
}

static void show_job(struct sup_plans *p, const char *job)
{
	struct status_page *page = status_begin(&p->s->page);
	snprintf(page->job, sizeof(page->job), "%s", job);
	snprintf(page->job_who, sizeof(page->job_who), "%s", job[0] == '\0' ? "" : p->now->who);
	page->job_words[0] = '\0';
	page->job_done = page->job_total = 0;
	page->job_step = page->job_steps = page->job_cancel = 0;
	page->job_began_ns = job[0] == '\0' ? 0 : p->began_ns;
	status_end(&p->s->page);
}

static void run_note(void *arg, struct json_object *journal)
{
	struct sup_plans *p = arg;
	CLEANUP_FREE char *path = home_run_file(p->s->home, p->s->name, "plan.json");
	struct err err;
	if (journal == NULL) {
		plan_journal_remove(&p->journal, path);
		return;
	}
	json_object_object_add(journal, "who", json_object_new_string(p->now->who));
	json_object_object_add(journal, "began_ns", json_object_new_int64((int64_t)p->began_ns));
	json_object_object_add(journal, "qemu", json_object_new_int64(p->s->process.qemu));
	json_object_object_add(
	    journal, "qemu_start", json_object_new_int64((int64_t)p->s->process.qemu_start));
	if (plan_journal_write(&p->journal, path, journal, &err) < 0)
		log_error(
		    "a killed supervisor's plan of '%s' would be lost: %s", p->s->name, err.msg);
}

static bool writes_live(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->step[i].does.kind == PLAN_HOST &&
		    (str_eq(plan->step[i].does.name, "live") ||
		        str_eq(plan->step[i].does.name, "disk-live")))
			return true;
	return false;
}

static void run_over(void *arg, const struct err *err, const char *notes)
{
	struct sup_plans *p = arg;
	struct plan_run *r = p->run;
	uint64_t ms = (timestamp_ns() - p->began_ns) / 1000000u;
	audit(p, "plan-end", "ms=%" PRIu64 " result=%s%s%s", ms, err == NULL ? "ok" : err->msg,
	    notes == NULL ? "" : " notes=", notes == NULL ? "" : notes);
	struct json_object *data = json_object_new_object();
	json_object_object_add(data, "verb", json_object_new_string(plan_run_plan(r)->verb));
	json_object_object_add(data, "who", json_object_new_string(p->now->who));
	json_object_object_add(data, "ok", json_object_new_boolean(err == NULL));
	if (err != NULL)
		json_object_object_add(data, "words", json_object_new_string(err->msg));
	control_event(p->s->control, "plan", plan_run_plan(r)->verb, data);
	show_job(p, "");
	if (writes_live(plan_run_plan(r)) && sup_devices_changed(p->s))
		sup_ask_cpus(p->s);
	sup_count_snapshots(p->s);
	drop_fds(p);
	p->run = NULL;
	p->holds_guest = false;
	p->s->machine.stop_for = VM_REASON_UNKNOWN;
	sup_request_over(p, plan_run_plan(r), err, notes);
	plan_run_free(r);
	if (err != NULL)
		sup_gone_check(p->s);
}

static const struct plan_run_ops run_ops = {.qmp = sup_wire_qmp,
    .agent = sup_wire_agent,
    .host = run_host,
    .take_fd = take_fd,
    .timer = run_timer,
    .progress = run_progress,
    .note = run_note,
    .over = run_over,
    .now_ms = run_now};

/* --- beginning --- */

/* The guest must not run, or be stopped, by somebody else meanwhile. */
static bool stops_guest(const struct plan *plan)
{
	static const char *const commands[] = {
	    "stop", "cont", "migrate", "snapshot-save", "snapshot-load"};
	for (size_t i = 0; i < plan->n; i++)
		for (size_t k = 0; k < ARRAY_LEN(commands); k++)
			if (str_eq(plan->step[i].does.name, commands[k]))
				return true;
	return false;
}

static void hold_guest(struct sup_plans *p, const struct plan *plan)
{
	p->holds_guest = stops_guest(plan);
	if (p->holds_guest)
		p->s->machine.stop_for =
		    str_prefix(plan->verb, "snapshot") ? VM_REASON_SNAPSHOT : VM_REASON_SAVING;
}

void sup_run_begin(struct sup_plans *p, struct plan *plan)
{
	const char *words = plan->words == NULL ? plan->verb : plan->words;
	p->began_ns = timestamp_ns();
	p->at_once = false;
	show_job(p, plan->verb);
	hold_guest(p, plan);
	CLEANUP_FREE char *said = xstrdup(words);
	p->run = plan_run_new(plan, &run_ops, p);
	audit(p, "plan-begin", "steps=%zu detail=%s", plan_run_plan(p->run)->n, said);
	plan_run_start(p->run);
}

static struct json_object *read_journal(const struct sup_plans *p, const char *path)
{
	CLEANUP_BUF struct buf text = BUF_INIT;
	struct err err;
	if (access(path, F_OK) < 0)
		return NULL;
	if (file_read(path, JOURNAL_MAX, &text, &err) < 0) {
		log_error("%s", err.msg);
		return NULL;
	}
	buf_addc(&text, '\0');
	struct json_object *o = json_tokener_parse(text.data);
	if (json_object_is_type(o, json_type_object))
		return o;
	json_object_put(o);
	log_error("'%s' of domain '%s' is no journal of a plan", path, p->s->name);
	return NULL;
}

/* A journal that nobody can read is kept beside, for people. */
static void set_aside(const struct sup_plans *p, const char *path, const char *why)
{
	CLEANUP_FREE char *to = xasprintf("%s.bad", path);
	log_error("%s; it is kept as '%s'", why, to);
	audit_write(p->s->home, p->s->name, "who=supervisor what=plan-lost detail=%s", why);
	if (rename(path, to) < 0)
		unlink(path);
}

static struct sup_request *request_of(struct sup_plans *p, struct json_object *o)
{
	struct sup_request *q = xcalloc(1, sizeof(*q));
	const char *who = json_get_str(o, "who");
	q->plans = p;
	q->who = xstrdup(who == NULL ? "somebody" : who);
	q->verb = plan_verb_find(json_get_str(json_get_obj(o, "plan"), "verb") == NULL
	                             ? ""
	                             : json_get_str(json_get_obj(o, "plan"), "verb"));
	return q;
}

static bool same_qemu(const struct supervisor *s, struct json_object *o)
{
	return s->process.qemu > 0 && json_get_int(o, "qemu", 0) == s->process.qemu &&
	       json_get_int(o, "qemu_start", -1) == (int64_t)s->process.qemu_start;
}

bool sup_run_resume(struct sup_plans *p, bool lost)
{
	struct err err;
	CLEANUP_FREE char *path = home_run_file(p->s->home, p->s->name, "plan.json");
	if (p->looked || p->run != NULL)
		return false;
	p->looked = true;
	struct json_object *o = read_journal(p, path);
	if (o == NULL)
		return false;
	struct plan_run *r = plan_run_resume(o, &run_ops, p, &err);
	if (r == NULL) {
		set_aside(p, path, err.msg);
		json_object_put(o);
		return false;
	}
	p->run = r;
	p->now = request_of(p, o);
	p->began_ns = (uint64_t)json_get_int(o, "began_ns", 0);
	show_job(p, plan_run_plan(r)->verb);
	hold_guest(p, plan_run_plan(r));
	audit(p, "plan-resume",
	    "detail=found half-way after a supervisor's end: it is finished, or taken back");
	if (lost || !same_qemu(p->s, o))
		plan_run_lost(r, "QEMU ended before it was done");
	json_object_put(o);
	p->at_once = lost;
	plan_run_continue(r);
	p->at_once = false;
	return true;
}

/* --- making and freeing --- */

void sup_run_init(struct sup_plans *p)
{
	p->run_timer = evtimer_new(loop_base(p->s->loop), on_run_timer, p);
	if (p->run_timer == NULL)
		abort(); /* out of memory */
	sup_wire_init(p);
}

/* What is not over stays in its journal. */
void sup_run_fini(struct sup_plans *p)
{
	plan_run_free(TAKE_PTR(p->run));
	plan_thread_free(TAKE_PTR(p->thread));
	sup_wire_fini(p);
	plan_journal_fini(&p->journal);
	drop_fds(p);
	event_free(p->run_timer);
}
