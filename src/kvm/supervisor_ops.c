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
#include "kvm/supervisor_impl.h"
#include "kvm/supervisor_kit.h"

#define OPERATION_TIMEOUT_MS 4000 /* under the front ends' RPC_TIMEOUT_MS: they hear our words */
#define PANIC_LINES 60            /* of the console are searched for the guest's own word */

/* --- the page --- */

void sup_publish(struct supervisor *s)
{
	const struct machine *m = &s->machine;
	struct status_page *p = status_begin(&s->page);
	p->state = machine_vm_state(m);
	p->reason = m->reason;
	p->machine = machine_save(m);
	p->changed_ns = timestamp_ns();
	p->beat_ns = loop_now_ns();
	if (m->state == MACHINE_WAITING)
		snprintf(p->detail, sizeof(p->detail), "%.*s%sstarting again in %u s (attempt %u)",
		    SUP_DETAIL_MAX - 64, s->detail, s->detail[0] == '\0' ? "" : "; ",
		    machine_backoff_s(m), m->attempts);
	else
		snprintf(p->detail, sizeof(p->detail), "%s", s->detail);
	status_end(&s->page);
	audit_write(s->home, s->name, "who=supervisor pid=%d what=state state=%s reason=%s",
	    (int)getpid(), machine_state_name(m->state), vm_reason_name(m->reason));
}

static void op_changed(void *arg)
{
	sup_publish(arg);
}

/* --- why it ended --- */

/* The guest's own word, from the end of its consoles: "panic: …" or its last line; on the heap, NULL none. */
static char *guest_word(const struct supervisor *s, bool panic)
{
	for (unsigned i = 0; i < s->n_hubs; i++) {
		CLEANUP_FREE char *lines = hub_last_lines(s->hubs[i], PANIC_LINES);
		char *at = lines == NULL || !panic ? NULL : strstr(lines, "panic");
		if (at == NULL)
			continue;
		while (at > lines && at[-1] != '\n')
			at--;
		return xstrndup(at, strcspn(at, "\n"));
	}
	for (unsigned i = 0; i < s->n_hubs; i++) {
		struct hub_facts f;
		hub_facts(s->hubs[i], &f);
		if (f.line[0] != '\0')
			return xstrdup(f.line);
	}
	return NULL;
}

/* The kernel's "[   12.345678] " says nothing in a list of VMs. */
static const char *skip_time(const char *line)
{
	const char *end = line[0] == '[' ? strchr(line, ']') : NULL;
	if (end == NULL || end - line > 20 ||
	    strspn(line + 1, " .0123456789") != (size_t)(end - line - 1))
		return line;
	return end[1] == ' ' ? end + 2 : end + 1;
}

static void describe_exit(const struct supervisor *s, char out[80])
{
	int st = s->exit_status;
	if (st < 0)
		snprintf(out, 80, "QEMU ended (exit status unknown)");
	else if (WIFSIGNALED(st))
		snprintf(out, 80, "QEMU was killed by signal %d (%s)", WTERMSIG(st),
		    strsignal(WTERMSIG(st)));
	else
		snprintf(out, 80, "QEMU ended with exit status %d", WEXITSTATUS(st));
}

static void describe_panic(struct supervisor *s)
{
	CLEANUP_FREE char *line = guest_word(s, true);
	if (line != NULL)
		sup_detail(s, "panic: \"%.200s\"", skip_time(line));
	else
		sup_detail(s, "the guest panicked and left no word on its console");
}

static void describe_crash(struct supervisor *s)
{
	char how[80];
	CLEANUP_FREE char *words = qemu_log_words(s->home, s->name);
	CLEANUP_FREE char *line = guest_word(s, false);
	describe_exit(s, how);
	sup_detail(s, "%s%s%s%s%.160s%s", how, words[0] == '\0' ? "" : ": ", words,
	    line == NULL ? "" : "; last on the console: \"", line == NULL ? "" : skip_time(line),
	    line == NULL ? "" : "\"");
}

/* The disk that QEMU speaks of by the name of its node (kvm/argv_disk.c). */
static const struct status_disk *disk_meant(const struct status_page *p, const char *words)
{
	static const char *const keys[] = {"node-name=", ",drive="};
	for (unsigned i = 0; i < p->disks * ARRAY_LEN(keys); i++) {
		const struct status_disk *disk = &p->disk[i / ARRAY_LEN(keys)];
		const char *key = keys[i % ARRAY_LEN(keys)];
		const char *at = strstr(words, key);
		size_t n = strlen(disk->target);
		if (at == NULL || n == 0 || strncmp(at += strlen(key), disk->target, n) != 0)
			continue;
		if (str_prefix(at + n, "-file") || str_prefix(at + n, "-format"))
			return disk;
	}
	return NULL;
}

/* The running domain whose disk this is, too; on the heap, NULL none that we know of. */
static char *disk_holder(const struct supervisor *s, const char *path)
{
	struct vm *vms;
	size_t n;
	const char *holder = NULL;
	if (vm_list(s->home, &vms, &n, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < n && holder == NULL; i++) {
		bool other = vms[i].live && vms[i].has_page && !str_eq(vms[i].name, s->name);
		for (unsigned k = 0; other && k < vms[i].head->disks; k++)
			if (str_eq(vms[i].head->disk[k].path, path))
				holder = vms[i].name;
	}
	char *name = holder != NULL ? xstrdup(holder) : NULL;
	vm_list_free(vms, n);
	return name;
}

static void describe_disk(struct supervisor *s, const struct status_disk *disk, const char *words)
{
	CLEANUP_FREE char *holder =
	    strstr(words, "lock") != NULL ? disk_holder(s, disk->path) : NULL;
	if (holder != NULL)
		sup_detail(s, "QEMU did not start: disk '%s' (%s) is in use by domain '%.200s': %s",
		    disk->target, disk->path, holder, words);
	else
		sup_detail(
		    s, "QEMU did not start: disk '%s' (%s): %s", disk->target, disk->path, words);
}

/* A QEMU that did not start speaks for itself. */
static void describe_failure(struct supervisor *s)
{
	char how[80];
	CLEANUP_FREE char *words = qemu_log_words(s->home, s->name);
	describe_exit(s, how);
	const struct status_disk *disk = disk_meant(s->page.page, words);
	if (disk != NULL)
		describe_disk(s, disk, words);
	else if (words[0] != '\0')
		sup_detail(s, "QEMU did not start: %s", words);
	else
		sup_detail(s, "QEMU did not start and says nothing: %s", how);
}

static void describe_quit(struct supervisor *s)
{
	CLEANUP_FREE char *words = qemu_log_words(s->home, s->name);
	if (s->machine.reason == VM_REASON_DESTROYED &&
	    strstr(words, "terminating on signal") != NULL)
		sup_detail(s, "ended from outside: %s", words);
}

void sup_describe_death(struct supervisor *s)
{
	if (s->detail[0] != '\0')
		return;
	if (s->pid != 0)
		describe_panic(s); /* it lives: its guest does not */
	else if (s->machine.state == MACHINE_QUITTING)
		describe_quit(s);
	else if (s->machine.state == MACHINE_STARTING)
		describe_failure(s);
	else
		describe_crash(s);
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

static void got_return(void *arg, struct json_object *result, const struct err *err)
{
	struct pending *p = arg;
	(void)result;
	if (p->req != NULL)
		control_reply(p->req, NULL, err);
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
	CLEANUP_FREE char *detail = what == NULL ? NULL : xasprintf("%s %s", what, why);
	if (what != NULL) {
		data = json_object_new_object();
		json_object_object_add(data, "what", json_object_new_string(what));
		json_object_object_add(data, "why", json_object_new_string(why));
		if (s->detail[0] != '\0')
			json_object_object_add(data, "words", json_object_new_string(s->detail));
	}
	control_event(s->control, event, detail, data);
	audit_write(s->home, s->name, "who=supervisor pid=%d what=event event=%s detail=%s",
	    (int)getpid(), event, detail == NULL ? "-" : detail);
}

static void op_started(void *arg)
{
	sup_ready(arg, NULL);
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
	struct domain d;
	int rc = sup_read_domain(s, true, &d, &err);
	s->keep_rings = true;
	s->detail[0] = '\0';
	if (rc == 0) {
		rc = sup_launch(s, &d, &err);
		domain_fini(&d);
	}
	if (rc == 0)
		return;
	sup_detail(s, "%s", err.msg);
	loop_defer(s->loop, spawn_failed, s);
}

/* The sockets of this run. Rings, page and watch word stay: the last word on it. */
static void unlink_files(const struct supervisor *s)
{
	CLEANUP_FREE char *dir = home_run_dir(s->home, s->name);
	DIR *d = opendir(dir);
	struct dirent *e;
	while (d != NULL && (e = readdir(d)) != NULL) {
		size_t n = strlen(e->d_name);
		if ((n > 5 && str_eq(e->d_name + n - 5, ".sock")) || str_eq(e->d_name, "live.xml"))
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
	for (unsigned i = 0; i < s->n_hubs; i++)
		hub_free(s->hubs[i]);
	s->n_hubs = 0;
	unlink_files(s);
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
    .ended = op_ended,
};

/* --- control.sock --- */

static void ctl_operate(void *arg, enum machine_event ev, struct control_req *r)
{
	struct supervisor *s = arg;
	machine_handle(&s->machine, ev, r);
}

static void got_raw(void *arg, struct json_object *result, const struct err *err)
{
	control_reply(arg, json_object_get(result), err);
}

static void ctl_qmp(void *arg, const char *command, struct json_object *args, struct control_req *r)
{
	struct supervisor *s = arg;
	if (s->qmp == NULL || !s->qmp_ready)
		no_monitor(s, r);
	else if (sampler_stopped(&s->sampler))
		stopped_process(s, r);
	else
		qmp_send(s->qmp, command, json_object_get(args), OPERATION_TIMEOUT_MS, got_raw, r);
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
    {"agent-info", CONTROL_READS, sup_ctl_agent_info},
    {0},
};

const struct control_ops sup_control_ops = {
    .operate = ctl_operate, .qmp = ctl_qmp, .status = ctl_status, .methods = methods};

/* --- consoles --- */

static void hub_changed(void *arg)
{
	struct supervisor *s = arg;
	struct status_page *p = status_begin(&s->page);
	for (unsigned i = 0; i < s->n_hubs; i++) {
		struct hub_facts f;
		struct status_console *c = &p->console[i];
		hub_facts(s->hubs[i], &f);
		c->bytes = f.bytes;
		c->last_ns = f.last_ns;
		c->clients = f.clients;
		c->rows = f.rows;
		c->cols = f.cols;
		memcpy(c->holder, f.holder, sizeof(c->holder));
		memcpy(c->line, f.line, sizeof(c->line));
	}
	status_end(&s->page);
}

static void hub_audit(void *arg, const char *what)
{
	struct supervisor *s = arg;
	audit_write(s->home, s->name, "via=console %s", what);
}

const struct hub_ops sup_hub_ops = {.changed = hub_changed, .audit = hub_audit};
