#include "cli/plan_off.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/audit.h"
#include "core/file.h"
#include "core/jsonl.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "core/vm.h"
#include "kvm/plan_host.h"
#include "kvm/plan_journal.h"
#include "kvm/plan_run.h"

#define JOURNAL_MAX (32u << 20)
#define LEAVING_MS 2000

struct off {
	const struct plan_off *o;
	struct plan_run *run;
	char *journal_path;
	struct plan_journal journal;
	char *who;
	uint64_t began_ns;
	bool over, resumed;
	struct err err; /* code ERR_NONE: it went well */
	char *notes;
};

/* --- what the executor acts through --- */

static void off_qmp(void *arg, const char *command, struct json_object *args, int fd,
    unsigned timeout_ms, void (*fn)(void *arg, struct json_object *result, const struct err *err),
    void *fn_arg)
{
	struct err err;
	(void)arg, (void)args, (void)fd, (void)timeout_ms;
	err_set(&err, ERR_STATE, "'%s': domain is not running", command);
	fn(fn_arg, NULL, &err);
}

static void off_agent(void *arg, const char *command, struct json_object *args, unsigned timeout_ms,
    void (*fn)(void *arg, struct json_object *result, const struct err *err), void *fn_arg)
{
	off_qmp(arg, command, args, -1, timeout_ms, fn, fn_arg);
}

/* Nothing takes descriptors here. */
static void no_fd(void *arg, const char *name, int fd)
{
	(void)arg, (void)name;
	close(fd);
}

static void no_drop(void *arg, const char *name)
{
	(void)arg, (void)name;
}

static int no_take(void *arg, const char *name)
{
	(void)arg, (void)name;
	return -1;
}

static void off_host(void *arg, const char *name, struct json_object *args,
    void (*fn)(void *arg, const struct err *err), void *fn_arg)
{
	struct off *f = arg;
	struct err err;
	const struct plan_host_op *op = plan_host_find(name);
	struct plan_host_ctx c = {.home = f->o->home,
	    .name = f->o->name,
	    .keep_fd = no_fd,
	    .drop_fd = no_drop,
	    .arg = f,
	    .began_ns = f->began_ns};
	int rc = op == NULL ? err_set(&err, ERR_UNSUPPORTED,
	                          "there is no operation '%s' on the host", name)
	                    : op->run(&c, args, &err);
	/* Every step ends before the next one: whoever interrupts is heard here. */
	if (f->run != NULL && f->o->cancelled != NULL && f->o->cancelled(f->o->arg))
		plan_run_cancel(f->run, f->who);
	fn(fn_arg, rc < 0 ? &err : NULL);
}

static void off_timer(void *arg, unsigned ms)
{
	(void)arg, (void)ms; /* nothing is waited for */
}

static void audit(const struct off *f, const char *what, const char *verb, const char *detail)
{
	audit_write(
	    f->o->home, f->o->name, "who=%s what=%s plan=%s detail=%s", f->who, what, verb, detail);
}

static void off_progress(
    void *arg, size_t step, size_t steps, const char *words, uint64_t done, uint64_t total)
{
	struct off *f = arg;
	CLEANUP_FREE char *at = xasprintf("%zu/%zu %s", step + 1, steps, words);
	audit(f, "plan-step", plan_run_plan(f->run)->verb, at);
	if (f->o->progress != NULL && !f->resumed)
		f->o->progress(f->o->arg, step, steps, words, done, total);
}

static void off_note(void *arg, struct json_object *journal)
{
	struct off *f = arg;
	if (journal == NULL) {
		plan_journal_remove(&f->journal, f->journal_path);
		return;
	}
	json_object_object_add(journal, "who", json_object_new_string(f->who));
	json_object_object_add(journal, "began_ns", json_object_new_int64((int64_t)f->began_ns));
	struct err err;
	if (plan_journal_write(&f->journal, f->journal_path, journal, &err) < 0)
		log_warn("%s", err.msg);
}

static void off_over(void *arg, const struct err *err, const char *notes)
{
	struct off *f = arg;
	const char *verb = plan_run_plan(f->run)->verb;
	CLEANUP_FREE char *said = xasprintf("%s%s%s", err == NULL ? "ok" : err->msg,
	    notes == NULL ? "" : "; ", notes == NULL ? "" : notes);
	f->over = true;
	f->err = err == NULL ? (struct err){0} : *err;
	f->notes = notes == NULL ? NULL : xstrdup(notes);
	audit_write(f->o->home, f->o->name, "who=%s what=plan-end plan=%s ms=%" PRIu64 " result=%s",
	    f->who, verb, (timestamp_ns() - f->began_ns) / 1000000u, said);
}

static uint64_t off_now(void *arg)
{
	(void)arg;
	return loop_now_ms();
}

static const struct plan_run_ops off_ops = {.qmp = off_qmp,
    .agent = off_agent,
    .host = off_host,
    .take_fd = no_take,
    .timer = off_timer,
    .progress = off_progress,
    .note = off_note,
    .over = off_over,
    .now_ms = off_now};

/* --- what was left --- */

/* Of a command, or a supervisor, that was killed. Under the lock. */
static int settle(struct off *f, struct err *err)
{
	CLEANUP_BUF struct buf text = BUF_INIT;
	if (access(f->journal_path, F_OK) < 0)
		return 0;
	if (file_read(f->journal_path, JOURNAL_MAX, &text, err) < 0)
		return -1;
	buf_addc(&text, '\0');
	struct json_object *o = json_tokener_parse(text.data);
	f->began_ns = (uint64_t)json_get_int(o, "began_ns", 0);
	f->run = plan_run_resume(o, &off_ops, f, err);
	json_object_put(o);
	if (f->run == NULL)
		return err_wrap(err,
		    "'%s', which an earlier plan has left, cannot be read (look at it, then remove it)",
		    f->journal_path);
	f->resumed = true;
	audit(f, "plan-resume", plan_run_plan(f->run)->verb,
	    "found half-way: it is finished, or taken back");
	plan_run_lost(f->run, "it was interrupted");
	plan_run_continue(f->run);
	plan_run_free(TAKE_PTR(f->run));
	free(TAKE_PTR(f->notes));
	f->resumed = f->over = false;
	f->err = (struct err){0};
	return 0;
}

/* --- building --- */

static void add_str(struct json_object *o, const char *key, const char *s)
{
	if (s != NULL)
		json_object_object_add(o, key, json_object_new_string(s));
}

static struct json_object *answer_of(const struct plan *p, const char *notes)
{
	struct json_object *o = json_object_new_object();
	add_str(o, "result", p->result);
	add_str(o, "words", p->words);
	add_str(o, "notes", notes);
	add_str(o, "told", p->notes);
	return o;
}

static int read_config(const struct plan_off *o, struct domain *d, struct err *err)
{
	CLEANUP_BUF struct buf xml = BUF_INIT;
	CLEANUP_FREE char *path = home_domain_xml(o->home, o->name);
	if (store_read(o->home, o->name, &xml, err) < 0)
		return -1;
	return domain_parse(
	    xml.data == NULL ? "" : xml.data, xml.len, path, DOMAIN_PARSE_LENIENT, d, NULL, err);
}

static int build_with(const struct plan_off *o, const struct domain *d, const struct caps *caps,
    struct plan *plan, struct err *err)
{
	struct json_object *facts = json_object_new_object();
	struct json_object *args =
	    o->args == NULL ? json_object_new_object() : json_object_get(o->args);
	struct plan_in in = {.home = o->home,
	    .name = o->name,
	    .config = d,
	    .caps = caps,
	    .where = PLAN_CONFIG,
	    .args = args,
	    .facts = facts,
	    .id = timestamp_ns() / 1000000u,
	    .now_ns = timestamp_ns()};
	plan_init(plan, o->verb->name, in.id);
	int rc = o->verb->look == NULL ? 0 : o->verb->look(&in, facts, err);
	if (rc == 0)
		rc = o->verb->build(&in, plan, err);
	if (rc < 0)
		plan_fini(plan);
	json_object_put(facts);
	json_object_put(args);
	return rc;
}

static int build(const struct plan_off *o, struct plan *plan, struct err *err)
{
	struct domain d;
	struct caps caps;
	if ((o->verb->flags & PLAN_VERB_OFF) == 0)
		return err_set(
		    err, ERR_STATE, "Requested operation is not valid: domain is not running");
	if (read_config(o, &d, err) < 0)
		return -1;
	int rc = caps_get(o->home, d.emulator, d.arch, &caps, err);
	if (rc == 0) {
		rc = build_with(o, &d, &caps, plan, err);
		caps_fini(&caps);
	}
	domain_fini(&d);
	return rc;
}

/* --- the whole --- */

static int carry_out(struct off *f, struct plan *plan, struct json_object **answer, struct err *err)
{
	f->began_ns = timestamp_ns();
	audit(f, "plan-begin", plan->verb, plan->words == NULL ? plan->verb : plan->words);
	f->run = plan_run_new(plan, &off_ops, f);
	plan_run_start(f->run);
	int rc = f->err.code == ERR_NONE ? 0 : -1;
	if (rc == 0)
		*answer = answer_of(plan_run_plan(f->run), f->notes);
	else
		err_set(err, f->err.code, "%s%s%s", f->err.msg, f->notes == NULL ? "" : "\n",
		    f->notes == NULL ? "" : f->notes);
	plan_run_free(f->run);
	free(f->notes);
	return rc;
}

static int run_locked(struct off *f, struct json_object **answer, struct err *err)
{
	struct plan plan;
	if (!f->o->dry_run && settle(f, err) < 0)
		return -1;
	if (build(f->o, &plan, err) < 0)
		return -1;
	int rc = 0;
	if (f->o->dry_run) {
		CLEANUP_FREE char *words = plan_to_words(&plan);
		*answer = json_object_new_object();
		json_object_object_add(*answer, "plan", plan_to_json(&plan));
		add_str(*answer, "words", words);
	} else if (plan.n == 0) {
		*answer = answer_of(&plan, NULL);
	} else {
		rc = carry_out(f, &plan, answer, err);
	}
	plan_fini(&plan);
	return rc;
}

/* The supervisor of a machine that has just ended goes in a moment. */
static int lock_it(const struct plan_off *o, struct err *err)
{
	int fd = vm_lock(o->home, o->name, err);
	for (unsigned ms = 0; fd < 0 && err->code == ERR_BUSY && ms < LEAVING_MS; ms += 10) {
		nanosleep(&(struct timespec){0, 10000000}, NULL);
		fd = vm_lock(o->home, o->name, err);
	}
	return fd;
}

int plan_off_run(const struct plan_off *o, struct json_object **answer, struct err *err)
{
	struct off f = {.o = o};
	CLEANUP_CLOSE int lock = o->dry_run ? -1 : lock_it(o, err);
	if (lock < 0 && !o->dry_run)
		return -1;
	f.journal_path = home_run_file(o->home, o->name, "plan.json");
	f.who = xasprintf("uid(%u) pid=%d", (unsigned)getuid(), (int)getpid());
	int rc = run_locked(&f, answer, err);
	plan_journal_fini(&f.journal);
	free(f.journal_path);
	free(f.who);
	return rc;
}
