/* The connections to a QEMU that lives: its monitor, its consoles, its death; made by path, so that they can be made again
 * by the next supervisor. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/jsonl.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/sock.h"
#include "core/str.h"
#include "core/vm.h"
#include "kvm/qemu_log.h"
#include "kvm/spawn.h"
#include "kvm/supervisor_await.h"
#include "kvm/supervisor_devices.h"
#include "kvm/supervisor_impl.h"
#include "kvm/supervisor_kit.h"
#include "kvm/supervisor_plan.h"

#define REDIAL_MIN_MS 50
#define REDIAL_MAX_MS 5000
#define DEAF_NS \
	1000000000ull /* an answer owed for this long before a destroy: not worth asking politely */
#define LOG_LIMIT_TICKS 30
#define CONSOLE_TRIES \
	200 /* questions whether QEMU has taken the consoles' connections; the first says yes */
#define BALLOON_PATH "/machine/peripheral/balloon0"

/* --- death --- */

static void on_death(evutil_socket_t fd, short what, void *arg)
{
	struct supervisor *s = arg;
	int status = 0;
	(void)fd, (void)what;
	s->exit_status = -1;
	if (s->ours && waitpid(s->pid, &status, WNOHANG) == s->pid)
		s->exit_status = status;
	/* The guest's last words are still in the sockets. */
	for (unsigned i = 0; i < s->n_hubs; i++) {
		hub_drain(s->hubs[i]);
		hub_note(s->hubs[i], RING_NOTE_END, 0);
	}
	sup_detach(s);
	s->machine.steady = loop_now_ns() - s->began_ns >= MACHINE_STEADY_S * 1000000000ull;
	s->machine.death = (struct machine_death){.known = s->exit_status >= 0,
	    .clean = s->exit_status >= 0 && WIFEXITED(s->exit_status) &&
	             WEXITSTATUS(s->exit_status) == 0};
	sup_describe_death(s);
	sup_restore_describe(s);
	sup_crash_died(s);
	companion_end(s->companions);
	sup_check_chains(s);
	machine_handle(&s->machine, EV_DIED, NULL);
}

/* The file has its full size since the start: only a broken disk refuses. */
static void note_process(struct supervisor *s)
{
	struct err err;
	if (sup_note_process(s, &err) < 0)
		log_error("%s", err.msg);
}

void sup_attach(struct supervisor *s, pid_t pid, uint64_t start, int pidfd, bool ours)
{
	s->pid = pid;
	s->start = start;
	s->pidfd = pidfd;
	s->ours = ours;
	s->exit_status = -1;
	s->began_ns = loop_now_ns();
	s->detail[0] = '\0';
	s->death = event_new(loop_base(s->loop), pidfd, EV_READ, on_death, s);
	if (s->death == NULL)
		abort(); /* out of memory */
	event_add(s->death, NULL);
	s->process.qemu = pid;
	s->process.qemu_start = start;
	note_process(s);
	sampler_attach(&s->sampler, pid);
}

void sup_detach(struct supervisor *s)
{
	sup_dump_abandon(s);
	sup_plan_lost(s);
	qmp_free(s->qmp);
	s->qmp = NULL;
	s->qmp_ready = s->counting = false;
	evtimer_del(s->redial);
	sup_agent_detach(s);
	sampler_detach(&s->sampler);
	if (s->death != NULL)
		event_free(s->death);
	s->death = NULL;
	if (s->pidfd >= 0)
		close(s->pidfd);
	s->pidfd = -1;
	s->pid = 0;
	struct status_page *p = status_begin(&s->page);
	p->qmp_wait_ns = 0;
	status_end(&s->page);
	s->process.qemu = 0;
	s->process.qemu_start = 0;
	note_process(s);
}

/* --- the monitor --- */

static void redial_later(struct supervisor *s)
{
	struct timeval tv = {s->redial_ms / 1000, (s->redial_ms % 1000) * 1000};
	evtimer_add(s->redial, &tv);
	s->redial_ms = s->redial_ms * 2 > REDIAL_MAX_MS ? REDIAL_MAX_MS : s->redial_ms * 2;
}

static void got_status(void *arg, struct json_object *result, const struct err *err)
{
	struct supervisor *s = arg;
	(void)err;
	const char *status = json_get_str(result, "status");
	s->status_owed--;
	if (status == NULL || s->status_owed > 0)
		return; /* it is asked again, when QEMU may have all consoles */
	if (str_eq(status, "running"))
		s->detail[0] = '\0'; /* what it was stopped for, while nobody watched */
	machine_found(&s->machine, status);
	if (str_eq(status, "io-error"))
		sup_find_io_error(s);
	/* The host goes down, and QEMU could not be told before. */
	if (s->machine.no_restart && s->machine.state == MACHINE_RUNNING)
		machine_handle(&s->machine, EV_DO_SHUTDOWN, NULL);
}

static void ask_state(struct supervisor *s);

/* QEMU takes a console's connection in its own main loop; what the guest prints before that is lost. So the first
 * `cont` waits until QEMU itself says that it has them all: then the state that was asked for in the same breath counts. */
static void got_chardevs(void *arg, struct json_object *list, const struct err *err)
{
	struct supervisor *s = arg;
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	if (err != NULL)
		return;
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *file = json_get_str(o, "filename");
		unsigned console = 0;
		const char *name = file == NULL ? NULL : strstr(file, "/serial");
		if (file == NULL || !str_prefix(file, "disconnected:") || name == NULL ||
		    sscanf(name, "/serial%u.sock", &console) != 1 || console >= s->n_hubs)
			continue;
		if (++s->console_tries > CONSOLE_TRIES) {
			log_warn(
			    "QEMU has not taken the connection of console %u: its first output may be lost",
			    console);
			break;
		}
		sup_connect_consoles(s);
		ask_state(s);
		return;
	}
}

static void ask_state(struct supervisor *s)
{
	s->status_owed++;
	qmp_send(s->qmp, "query-chardev", NULL, 0, got_chardevs, s);
	qmp_send(s->qmp, "query-status", NULL, 0, got_status, s);
}

static void got_cpus(void *arg, struct json_object *result, const struct err *err)
{
	struct supervisor *s = arg;
	(void)err;
	if (result != NULL)
		sampler_cpus(&s->sampler, result);
	if (result != NULL && s->places)
		sup_place_cpus(s, result);
}

void sup_ask_cpus(struct supervisor *s)
{
	if (s->qmp_ready)
		qmp_send(s->qmp, "query-cpus-fast", NULL, 0, got_cpus, s);
}

static void got_iothreads(void *arg, struct json_object *result, const struct err *err)
{
	(void)err;
	if (result != NULL)
		sup_place_iothreads(arg, result);
}

static void got_balloon(void *arg, struct json_object *result, const struct err *err)
{
	struct supervisor *s = arg;
	(void)err; /* a machine without a balloon says so: no news */
	if (result != NULL)
		sampler_balloon(&s->sampler, result);
}

/* <currentMemory>: what the guest is to be content with, once it has a driver for its balloon. A machine without one says so. */
static void set_balloon(struct supervisor *s)
{
	const struct status_page *p = s->page.page;
	if (s->machine.state != MACHINE_STARTING || sup_restore_is_stream(s) ||
	    p->balloon_kib == 0 || p->balloon_kib >= p->memory_kib)
		return;
	struct json_object *args = json_object_new_object();
	json_object_object_add(
	    args, "value", json_object_new_int64((int64_t)p->balloon_kib * 1024));
	qmp_send(s->qmp, "balloon", args, 0, NULL, NULL);
}

static void qmp_up(void *arg, unsigned version)
{
	struct supervisor *s = arg;
	(void)version;
	s->qmp_ready = true;
	s->redial_ms = REDIAL_MIN_MS;
	s->console_tries = s->status_owed = 0;
	sup_devices_up(s);
	sup_agent_look(s);
	/* Threads get their places before the guest runs; nothing else keeps it waiting. */
	if (s->places) {
		qmp_send(s->qmp, "query-cpus-fast", NULL, 0, got_cpus, s);
		qmp_send(s->qmp, "query-iothreads", NULL, 0, got_iothreads, s);
	}
	sup_expire_passwords(s);
	ask_state(s);
	if (!s->places)
		qmp_send(s->qmp, "query-cpus-fast", NULL, 0, got_cpus, s);
	set_balloon(s);
	qmp_send(s->qmp, "query-balloon", NULL, 0, got_balloon, s);
	sup_plan_up(s);
	sup_await_up(s);
	sup_plugged_look(s);
	if (s->ready_wait != NULL)
		sup_ready(s, NULL);
}

static void qmp_down(void *arg, const char *why)
{
	struct supervisor *s = arg;
	log_info("QEMU's monitor: %s", why);
	qmp_free(s->qmp);
	s->qmp = NULL;
	s->qmp_ready = s->counting = false;
	if (s->pid != 0)
		redial_later(s);
}

/* BLOCK_IO_ERROR and WATCHDOG come with what was done about it. */
static bool action_is(struct json_object *data, const char *action)
{
	return str_eq(json_get_str(data, "action"), action);
}

static enum machine_event shutdown_event(struct json_object *data)
{
	const char *reason = json_get_str(data, "reason");
	if (str_eq(reason, "guest-reset"))
		return EV_REBOOT_OFF;
	if (str_eq(reason, "host-signal") || str_eq(reason, "host-qmp-quit"))
		return EV_QUIT;
	return EV_POWEROFF;
}

static void watchdog_fired(struct supervisor *s, struct json_object *data)
{
	const char *action = json_get_str(data, "action");
	bool dump = s->watchdog_dump && action_is(data, "pause");
	CLEANUP_FREE char *words =
	    xasprintf("the watchdog expired; action: %.40s", action == NULL ? "?" : action);
	sup_crash(s, "watchdog", words);
	sup_tell_rated(s, &s->watchdogs, "watchdog", dump ? "dump" : action, json_object_get(data));
	if (action_is(data, "poweroff")) {
		sup_detail(s, "powered off by its watchdog");
		machine_handle(&s->machine, EV_WATCHDOG_OFF, NULL);
	} else if (dump) {
		sup_detail(s, "its watchdog expired");
		machine_handle(&s->machine, EV_WATCHDOG_DUMP, NULL);
	} else if (action_is(data, "pause")) {
		sup_detail(s, "stopped by its watchdog: the guest has not answered it in time");
		machine_handle(&s->machine, EV_WATCHDOG, NULL);
	}
}

static void qmp_event(void *arg, const char *name, struct json_object *data, uint64_t time_ns)
{
	static const struct {
		const char *name;
		enum machine_event event;
	} plain[] = {{"STOP", EV_STOPPED}, {"RESUME", EV_RESUMED}, {"RESET", EV_RESET},
	    {"SUSPEND", EV_SLEEP}, {"WAKEUP", EV_WAKE}};
	struct supervisor *s = arg;
	control_qemu_event(s->control, name, data, time_ns);
	sup_plan_event(s, name, data);
	sup_crash_note(s, name, data, time_ns);
	sup_restore_event(s, name, data);
	sup_plugged_event(s, name);
	if (str_eq(name, "RESUME"))
		s->detail[0] = '\0'; /* what it was stopped for is over */
	for (unsigned i = 0; str_eq(name, "RESET") && i < s->n_hubs; i++)
		hub_note(s->hubs[i], RING_NOTE_BOOT, 1);
	if (str_eq(name, "RESET")) {
		sup_crash_boot(s);
		sup_triggers_boot(s);
	}
	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		if (str_eq(plain[i].name, name))
			machine_handle(&s->machine, plain[i].event, NULL);
	if (str_eq(name, "SHUTDOWN")) {
		machine_handle(&s->machine, shutdown_event(data), NULL);
	} else if (str_eq(name, "GUEST_PANICKED") && action_is(data, "run")) {
		sup_crash(s, "panic", "the guest panicked");
	} else if (str_eq(name, "GUEST_PANICKED")) {
		sup_describe_panic(s, data);
		sup_crash(s, "panic", s->detail);
		machine_handle(&s->machine, EV_PANICKED, NULL);
	} else if (str_eq(name, "BLOCK_IO_ERROR")) {
		sup_io_error(s, data);
	} else if (str_eq(name, "BLOCK_WRITE_THRESHOLD") || str_prefix(name, "BLOCK_JOB_")) {
		sup_block_event(s, name, data);
	} else if (str_eq(name, "WATCHDOG")) {
		watchdog_fired(s, data);
	} else if (str_eq(name, "VSERPORT_CHANGE")) {
		sup_agent_port(s, data);
	} else if (str_eq(name, "DUMP_COMPLETED")) {
		sup_dump_completed(s, data);
	} else if (str_eq(name, "BALLOON_CHANGE")) {
		sampler_balloon(&s->sampler, data);
		control_event(s->control, "balloon-change", NULL, json_object_get(data));
	}
}

static const struct qmp_ops sup_qmp_ops = {.ready = qmp_up, .event = qmp_event, .closed = qmp_down};

static void dial(struct supervisor *s)
{
	struct err err;
	CLEANUP_FREE char *path = home_run_file(s->home, s->name, "qmp.sock");
	int fd = sock_connect(path, &err);
	if (fd < 0) {
		log_debug("%s", err.msg);
		redial_later(s);
		return;
	}
	s->qmp = qmp_new(s->loop, fd, &sup_qmp_ops, s);
}

void sup_connect(struct supervisor *s)
{
	s->redial_ms = REDIAL_MIN_MS;
	sup_triggers_load(s);
	sup_connect_consoles(s);
	dial(s);
	sup_agent_connect(s);
}

/* --- once a second --- */

bool sup_answers(struct supervisor *s)
{
	uint64_t owed = s->qmp == NULL ? 0 : qmp_owed_since(s->qmp);
	if (s->qmp == NULL || !s->qmp_ready || (owed != 0 && loop_now_ns() - owed > DEAF_NS))
		return false;
	return !sampler_stopped(&s->sampler);
}

static void got_blocks(void *arg, struct json_object *result, const struct err *err)
{
	struct supervisor *s = arg;
	(void)err;
	s->counting = false;
	if (result != NULL)
		sampler_blocks(&s->sampler, loop_now_ns(), result);
}

static void got_guest_stats(void *arg, struct json_object *result, const struct err *err)
{
	struct supervisor *s = arg;
	(void)err;
	if (result != NULL)
		sampler_guest_stats(&s->sampler, result);
}

static void ask_guest_stats(struct supervisor *s)
{
	struct json_object *args = json_object_new_object();
	json_object_object_add(args, "path", json_object_new_string(BALLOON_PATH));
	json_object_object_add(args, "property", json_object_new_string("guest-stats"));
	qmp_send(s->qmp, "qom-get", args, 0, got_guest_stats, s);
}

void sup_tick(struct supervisor *s)
{
	static unsigned ticks; /* one supervisor per process */
	uint64_t owed = s->qmp == NULL ? 0 : qmp_owed_since(s->qmp);
	unsigned want = sampler_tick(&s->sampler, loop_now_ns(), owed);
	if ((want & SAMPLER_WANT_COUNTERS) != 0)
		sampler_nets(&s->sampler);
	if ((want & SAMPLER_WANT_COUNTERS) != 0 && s->qmp_ready && !s->counting) {
		s->counting = true;
		qmp_send(s->qmp, "query-blockstats", NULL, 0, got_blocks, s);
	}
	if ((want & SAMPLER_WANT_BALLOON) != 0 && s->qmp_ready && owed == 0)
		ask_guest_stats(s);
	sup_consoles_tick(s);
	sup_agent_tick(s);
	sup_plugged_tick(s);
	sup_balloon_tick(s);
	sup_dump_tick(s);
	sup_restore_tick(s);
	sup_growth_tick(s);
	sup_schedule_tick(s);
	if (++ticks % LOG_LIMIT_TICKS == 0)
		qemu_log_limit(s->home, s->name);
}

static void on_redial(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	dial(arg);
}

void sup_redial_init(struct supervisor *s)
{
	s->redial = evtimer_new(loop_base(s->loop), on_redial, s);
	if (s->redial == NULL)
		abort(); /* out of memory */
}
