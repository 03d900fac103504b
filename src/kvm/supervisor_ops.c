/* What the machine and the control socket make happen: QMP commands, timers, signals, the page, events, the end. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/audit.h"
#include "core/jsonl.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "core/vm.h"
#include "kvm/qemu_log.h"
#include "kvm/spawn.h"
#include "kvm/supervisor_await.h"
#include "kvm/supervisor_devices.h"
#include "kvm/supervisor_impl.h"
#include "kvm/throwaway.h"
#include "kvm/supervisor_kit.h"
#include "kvm/supervisor_plan.h"

#define OPERATION_TIMEOUT_MS 4000 /* under the front ends' RPC_TIMEOUT_MS: they hear our words */

/* --- the page --- */

/* A time of day, not a number of seconds: the text is read at any moment until then. */
static void publish_wait(const struct supervisor *s, struct status_page *p)
{
	char when[16];
	p->next_start_ns = p->changed_ns + machine_backoff_s(&s->machine) * 1000000000ull;
	timestamp_local(p->next_start_ns / 1000000000u, "%H:%M:%S", when, sizeof(when));
	snprintf(p->detail, sizeof(p->detail), "%.*s%s" SUP_STARTS_AGAIN "%s (attempt %u)",
	    SUP_DETAIL_MAX - 64, s->detail, s->detail[0] == '\0' ? "" : "; ", when,
	    s->machine.attempts);
}

void sup_publish(struct supervisor *s)
{
	const struct machine *m = &s->machine;
	struct status_page *p = status_begin(&s->page);
	p->state = machine_vm_state(m);
	p->reason = m->reason;
	p->machine = machine_save(m);
	p->changed_ns = timestamp_ns();
	p->beat_ns = loop_now_ns();
	if (m->state == MACHINE_WAITING) {
		publish_wait(s, p);
	} else {
		p->next_start_ns = 0;
		snprintf(p->detail, sizeof(p->detail), "%s", s->detail);
	}
	status_end(&s->page);
	audit_write(s->home, s->name, "who=supervisor pid=%d what=state state=%s reason=%s",
	    (int)getpid(), machine_state_name(m->state), vm_reason_name(m->reason));
}

static void op_changed(void *arg)
{
	sup_publish(arg);
	sup_plan_next(arg);
}

/* --- QMP --- */

struct pending {
	struct supervisor *s;
	struct control_req *req; /* NULL: the machine's own */
	bool first_cont;
};

/* The first `cont` is where QEMU takes its images' locks: a refusal is a start that failed. */
static void fail_start(struct supervisor *s, const struct err *err)
{
	if (s->machine.state != MACHINE_STARTING || s->pid == 0)
		return;
	sup_detail(s, "%s", err->msg);
	spawn_signal(s->pidfd, SIGKILL);
}

/* QEMU's words for a guest that powered off, or rebooted, and was kept: who reads them knows no command that does so. */
static void reply_refused(struct pending *p, const struct err *err)
{
	struct err said = *err;
	if (strstr(err->msg, "Resetting the Virtual Machine is required") != NULL)
		err_set(&said, ERR_STATE,
		    "the guest of domain '%s' has powered off and is kept as it was: 'hvmux reset %s' first, then resume it, or "
		    "destroy it",
		    p->s->name, p->s->name);
	control_reply(p->req, NULL, &said);
}

static void got_return(void *arg, struct json_object *result, const struct err *err)
{
	struct pending *p = arg;
	(void)result;
	if (p->req != NULL && err != NULL)
		reply_refused(p, err);
	else if (p->req != NULL)
		control_reply(p->req, NULL, NULL);
	else if (err != NULL && p->first_cont && err->code == ERR_FAIL)
		fail_start(p->s, err);
	else if (err != NULL)
		log_warn("%s", err->msg);
	free(p);
}

static void no_monitor(struct supervisor *s, struct control_req *req)
{
	struct err err;
	if (req == NULL)
		return; /* what QEMU is found to be after the reconnect leads on */
	err_set(&err, ERR_STATE,
	    "QEMU of domain '%s' does not answer on its monitor: try again, or destroy it",
	    s->name);
	control_reply(req, NULL, &err);
}

/* Nobody waits four seconds to hear what is known at once. */
static void stopped_process(struct supervisor *s, struct control_req *req)
{
	struct err err;
	err_set(&err, ERR_STATE,
	    "QEMU of domain '%s' (process %d) was stopped by a signal: kill -CONT %d lets it go on, destroy "
	    "ends it",
	    s->name, (int)s->pid, (int)s->pid);
	control_reply(req, NULL, &err);
}

static bool op_qmp(void *arg, const char *command, void *req)
{
	struct supervisor *s = arg;
	if (s->qmp == NULL || !s->qmp_ready) {
		no_monitor(s, req);
		return false;
	}
	if (req != NULL && sampler_stopped(&s->sampler)) {
		stopped_process(s, req);
		return false;
	}
	struct pending *p = xmalloc(sizeof(*p));
	p->s = s;
	p->req = req;
	p->first_cont = s->machine.state == MACHINE_STARTING && str_eq(command, "cont");
	qmp_send(s->qmp, command, NULL, req == NULL ? 0 : OPERATION_TIMEOUT_MS, got_return, p);
	return true;
}

static void op_set_reboot(void *arg, const char *action)
{
	struct supervisor *s = arg;
	if (s->qmp == NULL || !s->qmp_ready)
		return;
	struct json_object *args = json_object_new_object();
	json_object_object_add(args, "reboot", json_object_new_string(action));
	qmp_send(s->qmp, "set-action", args, 0, NULL, NULL);
}

static void got_status(void *arg, struct json_object *result, const struct err *err)
{
	struct supervisor *s = arg;
	(void)err;
	if (result != NULL)
		machine_found(&s->machine, json_get_str(result, "status"));
}

static void op_ask(void *arg)
{
	struct supervisor *s = arg;
	if (s->qmp != NULL && s->qmp_ready)
		qmp_send(s->qmp, "query-status", NULL, 0, got_status, s);
}

/* --- time, signals, answers --- */

static void op_timer(void *arg, unsigned ms)
{
	struct supervisor *s = arg;
	struct timeval tv = {ms / 1000, (ms % 1000) * 1000};
	if (ms == 0)
		evtimer_del(s->timer);
	else
		evtimer_add(s->timer, &tv);
}

static void op_signal(void *arg, int sig)
{
	struct supervisor *s = arg;
	if (sup_prepare_abort(s))
		return; /* there is no QEMU yet */
	if (s->pidfd >= 0 && spawn_signal(s->pidfd, sig) < 0)
		log_warn("cannot send signal %d to QEMU (pid %d): %s", sig, (int)s->pid,
		    strerror(errno));
}

static bool op_answers(void *arg)
{
	return sup_answers(arg);
}

static void op_reply(void *arg, void *req, const struct err *err)
{
	(void)arg;
	control_reply(req, NULL, err);
}

static void op_event(void *arg, const char *event, const char *what, const char *why)
{
	struct supervisor *s = arg;
	struct json_object *data = NULL;
	if (str_eq(what, "Suspended") && str_eq(why, "API error"))
		sup_crash(s, "internal-error", "QEMU or KVM cannot go on with the guest");
	CLEANUP_FREE char *detail = what == NULL ? NULL : xasprintf("%s %s", what, why);
	if (what != NULL) {
		data = json_object_new_object();
		json_object_object_add(data, "what", json_object_new_string(what));
		json_object_object_add(data, "why", json_object_new_string(why));
		if (s->detail[0] != '\0')
			json_object_object_add(data, "words", json_object_new_string(s->detail));
	}
	if (str_eq(event, "reboot"))
		sup_tell_rated(s, &s->reboots, event, detail, data);
	else
		sup_tell(s, event, detail, data);
}

/* A guest can reset itself, let its watchdog expire, and print what is looked for all day long: it must not push out of the
 * audit log what people did. */
#define TOLD_MAX 20                  /* in a row */
#define TOLD_EVERY_NS 60000000000ull /* another one */

bool sup_may_tell(struct supervisor *s, struct rate *r, const char *what)
{
	if (!rate_take(r, loop_now_ns(), TOLD_MAX, TOLD_EVERY_NS))
		return false;
	if (r->left_out > 0)
		audit_write(s->home, s->name,
		    "who=supervisor pid=%d what=left-out detail=%" PRIu64 " more of %s",
		    (int)getpid(), r->left_out, what);
	r->left_out = 0;
	return true;
}

void sup_tell_rated(struct supervisor *s, struct rate *r, const char *event, const char *detail,
    struct json_object *data)
{
	if (sup_may_tell(s, r, event))
		sup_tell(s, event, detail, data);
	else
		control_event(s->control, event, detail, data);
}

void sup_tell(struct supervisor *s, const char *event, const char *detail, struct json_object *data)
{
	const char *words = json_get_str(data, "words");
	audit_write(s->home, s->name, "who=supervisor pid=%d what=event event=%s detail=%s%s%s",
	    (int)getpid(), event, detail == NULL ? "-" : detail,
	    words == NULL ? "" : " words=", words == NULL ? "" : words);
	control_event(s->control, event, detail, data);
}

static void op_started(void *arg)
{
	sup_restore_started(arg);
	sup_ready(arg, NULL);
	sup_hooks_started(arg);
}

/* --- starting again, ending --- */

static void spawn_failed(void *arg)
{
	struct supervisor *s = arg;
	s->machine.death = (struct machine_death){.known = false};
	machine_handle(&s->machine, EV_DIED, NULL);
}

static void op_spawn(void *arg)
{
	struct supervisor *s = arg;
	struct err err;
	s->keep_rings = true;
	s->detail[0] = '\0';
	status_begin(&s->page)->restarts++;
	status_end(&s->page);
	sup_devices_clear(s);
	if (sup_prepare(s) || sup_launch_live(s, &err) == 0)
		return;
	sup_detail(s, "%s", err.msg);
	loop_defer(s->loop, spawn_failed, s);
}

static void op_dump(void *arg)
{
	sup_dump(arg);
}

static void op_restore(void *arg)
{
	sup_restore(arg);
}

static bool op_release(void *arg)
{
	return sup_release(arg);
}

/* The sockets of this run. Rings, page and watch word stay: the last word on it. */
static void unlink_files(const struct supervisor *s)
{
	CLEANUP_FREE char *dir = home_run_dir(s->home, s->name);
	DIR *d = opendir(dir);
	struct dirent *e;
	while (d != NULL && (e = readdir(d)) != NULL) {
		size_t n = strlen(e->d_name);
		if ((n > 5 && str_eq(e->d_name + n - 5, ".sock")) ||
		    (n > 4 && str_eq(e->d_name + n - 4, ".raw")) || str_eq(e->d_name, "live.xml"))
			unlinkat(dirfd(d), e->d_name, 0);
	}
	if (d != NULL)
		closedir(d);
}

/* Everything is settled and the lock given back before anybody is told: who hears of the end may start anew. */
static void op_ended(void *arg)
{
	struct supervisor *s = arg;
	struct err err;
	control_stop(s->control);
	sup_crash_end(s);
	sup_triggers_free(s);
	for (unsigned i = 0; i < s->n_hubs; i++)
		hub_free(s->hubs[i]);
	s->n_hubs = 0;
	companion_end_all(s->companions);
	sup_devices_clear(s);
	sup_check_chains(s);
	unlink_files(s);
	throwaway_clear(s->home, s->name);
	sup_restore_ended(s);
	sup_kit_clear(s);
	struct status_page *p = status_begin(&s->page);
	p->ended_ns = timestamp_ns();
	p->exit_status = s->exit_status;
	p->qmp_wait_ns = 0;
	p->id = 0;
	status_end(&s->page);
	s->ended = true;
	s->process = (struct vm_process){.qemu = 0};
	if (sup_note_process(s, &err) < 0)
		log_error("%s", err.msg);
	status_writer_close(&s->page);
	close(s->lock);
	s->lock = -1;
	err_set(&err, s->failure == ERR_NONE ? ERR_FAIL : s->failure, "%s",
	    s->detail[0] == '\0' ? "the domain ended while it was being started" : s->detail);
	sup_ready(s, &err);
	loop_stop(s->loop);
}

const struct machine_ops sup_machine_ops = {
    .qmp = op_qmp,
    .set_reboot = op_set_reboot,
    .ask = op_ask,
    .timer = op_timer,
    .signal = op_signal,
    .answers = op_answers,
    .changed = op_changed,
    .event = op_event,
    .reply = op_reply,
    .started = op_started,
    .spawn = op_spawn,
    .dump = op_dump,
    .restore = op_restore,
    .release = op_release,
    .ended = op_ended,
};

/* --- control.sock --- */

static void ctl_operate(void *arg, enum machine_event ev, struct control_req *r)
{
	struct supervisor *s = arg;
	struct err err;
	if (sup_await_event(s, ev, r))
		return;
	if (sup_plan_allows(s, ev, &err) < 0)
		control_reply(r, NULL, &err);
	else
		machine_handle(&s->machine, ev, r);
}

static void got_raw(void *arg, struct json_object *result, const struct err *err)
{
	control_reply(arg, json_object_get(result), err);
}

static void ctl_qmp(
    void *arg, const char *command, struct json_object *args, int fd, struct control_req *r)
{
	struct supervisor *s = arg;
	if (sup_await_qmp(s, command, args, fd, r))
		return;
	if (s->qmp == NULL || !s->qmp_ready)
		no_monitor(s, r);
	else if (sampler_stopped(&s->sampler))
		stopped_process(s, r);
	else
		qmp_send_fd(
		    s->qmp, command, json_object_get(args), fd, OPERATION_TIMEOUT_MS, got_raw, r);
}

static void ctl_status(void *arg, struct json_object *o)
{
	struct supervisor *s = arg;
	const struct machine *m = &s->machine;
	json_object_object_add(
	    o, "state", json_object_new_string(vm_state_name(machine_vm_state(m))));
	json_object_object_add(o, "reason", json_object_new_string(vm_reason_name(m->reason)));
	json_object_object_add(o, "machine", json_object_new_string(machine_state_name(m->state)));
	json_object_object_add(o, "qemu_pid", json_object_new_int((int)s->pid));
	json_object_object_add(o, "monitor", json_object_new_boolean(s->qmp_ready));
}

static const struct control_method methods[] = {
    {"agent", CONTROL_COMMAND, sup_ctl_agent},
    {"acknowledge", 0, sup_ctl_acknowledge},
    {"agent-info", CONTROL_READS, sup_ctl_agent_info},
    {"plan", CONTROL_MIXED, sup_ctl_plan},
    {"plan-cancel", 0, sup_ctl_plan_cancel},
    {"plan-status", CONTROL_READS, sup_ctl_plan_status},
    {"reload-triggers", 0, sup_ctl_reload_triggers},
    {"shutdown-agent", 0, sup_ctl_shutdown_agent},
    {0},
};

const struct control_ops sup_control_ops = {
    .operate = ctl_operate, .qmp = ctl_qmp, .status = ctl_status, .methods = methods};

/* --- side processes --- */

/* The guest has lost a device and cannot get it back: QEMU makes no new connection to either of them. */
static void companion_died(void *arg, const char *label, const char *words)
{
	(void)label;
	sup_tell(arg, "side-process", words, NULL);
}

const struct companion_ops sup_companion_ops = {.died = companion_died};
