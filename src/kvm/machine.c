#include "kvm/machine.h"

#include <signal.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "kvm/machine_impl.h"

/* --- helpers --- */

void machine_go(struct machine *m, enum machine_state state, enum vm_reason reason)
{
	m->state = state;
	m->reason = reason;
	m->ops->changed(m->arg);
}

void machine_tell(struct machine *m, const char *what, const char *why)
{
	m->ops->event(m->arg, "lifecycle", what, why);
}

void machine_done(struct machine *m, void *req)
{
	if (req != NULL)
		m->ops->reply(m->arg, req, NULL);
}

static bool wants_restart(const struct machine *m, enum domain_action a)
{
	return !m->no_restart &&
	       (a == ACTION_RESTART || a == ACTION_RENAME_RESTART || a == ACTION_COREDUMP_RESTART);
}

/* Ends QEMU. A QEMU that cannot hear is killed at once: nothing else would ever end it. */
void machine_quit(struct machine *m, enum vm_reason reason, bool restart)
{
	m->restart = restart;
	m->reboot = false;
	m->escalation = 0;
	machine_go(m, MACHINE_QUITTING, reason);
	if (m->ops->answers(m->arg)) {
		m->ops->qmp(m->arg, "quit", NULL);
		m->ops->timer(m->arg, MACHINE_QUIT_MS);
		return;
	}
	m->escalation = 2;
	m->ops->signal(m->arg, SIGKILL);
}

static void end(struct machine *m)
{
	machine_go(m, MACHINE_ENDED, m->reason);
	/* Whoever is told of the end may start the domain anew at once: everything must be settled.
	 */
	m->ops->ended(m->arg);
	for (unsigned i = 0; i < m->n_waiters; i++)
		machine_done(m, m->waiters[i]);
	m->n_waiters = 0;
}

void machine_finish(struct machine *m, enum vm_reason reason)
{
	m->ops->timer(m->arg, 0);
	m->reason = reason;
	if (m->ops->release(m->arg))
		machine_go(m, MACHINE_RELEASING, reason);
	else
		end(m);
}

static void wait_to_restart(struct machine *m, enum vm_reason reason)
{
	if (m->steady)
		m->attempts = 0;
	m->steady = false;
	if (m->attempts < UINT16_MAX)
		m->attempts++;
	m->plug_pulled = false;
	machine_go(m, MACHINE_WAITING, reason);
	m->ops->timer(m->arg, machine_backoff_s(m) * 1000);
	m->ops->release(m->arg); /* what the next start needs waits for it by itself */
}

/* Does a reboot of the guest's end the domain? QEMU then makes a power-off of it. */
static bool ends_on_reboot(const struct machine *m)
{
	return m->on_reboot == ACTION_DESTROY || m->on_reboot == ACTION_PRESERVE;
}

/* --- actions --- */

static void ignore(struct machine *m, void *req)
{
	(void)m, (void)req;
}

/* In STARTING the reason says what the start is; virsh event's words. */
static const char *started_word(enum vm_reason reason)
{
	return reason == VM_REASON_RESTORED        ? "Restored"
	       : reason == VM_REASON_FROM_SNAPSHOT ? "Snapshot"
	                                           : "Booted";
}

/* Whatever else stands there is of an earlier run. */
static enum vm_reason start_reason(const struct machine *m, enum vm_reason booted)
{
	return m->reason == VM_REASON_RESTORED || m->reason == VM_REASON_FROM_SNAPSHOT ? m->reason
	                                                                               : booted;
}

static void tell_started(struct machine *m)
{
	machine_tell(m, "Started", started_word(m->reason));
}

static void run_first(struct machine *m, void *req)
{
	(void)req;
	if (m->restoring) {
		m->ops->restore(m->arg);
		return;
	}
	if (!m->start_paused) {
		m->ops->qmp(m->arg, "cont", NULL);
		return;
	}
	enum vm_reason reason = start_reason(m, VM_REASON_STARTED_PAUSED);
	machine_go(m, MACHINE_PAUSED, reason);
	tell_started(m);
	machine_tell(
	    m, "Suspended", reason == VM_REASON_STARTED_PAUSED ? "Paused" : started_word(reason));
	m->ops->started(m->arg);
}

static void first_run(struct machine *m, void *req)
{
	(void)req;
	machine_go(m, MACHINE_RUNNING, start_reason(m, VM_REASON_BOOTED));
	tell_started(m);
	m->ops->started(m->arg);
}

static void resumed(struct machine *m, void *req)
{
	(void)req;
	machine_go(m, MACHINE_RUNNING, VM_REASON_UNPAUSED);
	machine_tell(m, "Resumed", "Unpaused");
}

/* Stopped by us: the operator. Otherwise QEMU is asked why, and tells by another event. */
static void stopped(struct machine *m, void *req)
{
	(void)req;
	bool ours = m->stop_asked;
	m->stop_asked = false;
	if (!ours && m->stop_for != VM_REASON_UNKNOWN) {
		machine_go(m, MACHINE_PAUSED, m->stop_for);
		machine_tell(
		    m, "Suspended", m->stop_for == VM_REASON_SNAPSHOT ? "Snapshot" : "Paused");
		return;
	}
	machine_go(m, MACHINE_PAUSED, ours ? VM_REASON_USER : VM_REASON_UNKNOWN);
	machine_tell(m, "Suspended", "Paused");
	if (!ours)
		m->ops->ask(m->arg);
}

/* The answer to that question: no disk error, no watchdog; somebody stopped it. */
static void stopped_why(struct machine *m, void *req)
{
	(void)req;
	if (m->reason == VM_REASON_UNKNOWN)
		machine_go(m, MACHINE_PAUSED, VM_REASON_USER);
}

static void stopped_for(struct machine *m, enum vm_reason reason, const char *why)
{
	bool news = m->state != MACHINE_PAUSED || m->reason != reason;
	m->stop_asked = false;
	machine_go(m, MACHINE_PAUSED, reason);
	if (news)
		machine_tell(m, "Suspended", why);
}

static void stopped_ioerror(struct machine *m, void *req)
{
	(void)req;
	stopped_for(m, VM_REASON_IOERROR, "I/O Error");
}

static void stopped_watchdog(struct machine *m, void *req)
{
	(void)req;
	stopped_for(m, VM_REASON_WATCHDOG, "Watchdog");
}

static void stopped_internal(struct machine *m, void *req)
{
	(void)req;
	stopped_for(m, VM_REASON_INTERNAL, "API error");
}

/* A domain that started straight into a fault has started all the same. */
static void first_ioerror(struct machine *m, void *req)
{
	first_run(m, NULL);
	stopped_ioerror(m, req);
}

static void first_watchdog(struct machine *m, void *req)
{
	first_run(m, NULL);
	stopped_watchdog(m, req);
}

static void first_internal(struct machine *m, void *req)
{
	first_run(m, NULL);
	stopped_internal(m, req);
}

static void was_reset(struct machine *m, void *req)
{
	(void)req;
	/* SeaBIOS answers a reset with one of its own: only later ones are the guest's reboot. */
	if (ends_on_reboot(m))
		m->ops->timer(m->arg, MACHINE_REBOOT_GRACE_MS);
	m->ops->event(m->arg, "reboot", NULL, NULL);
}

static void reboot_ends_again(struct machine *m, void *req)
{
	(void)req;
	if (ends_on_reboot(m))
		m->ops->set_reboot(m->arg, "shutdown");
}

/* The guest was asked to power off or reboot and chose to reboot: it runs as before. */
static void asked_reset(struct machine *m, void *req)
{
	was_reset(m, req);
	m->reboot = false;
	machine_go(m, MACHINE_RUNNING, VM_REASON_BOOTED);
}

static void reset_hardware(struct machine *m, void *req)
{
	/* -action reboot=shutdown would turn our own reset into a power-off. */
	if (ends_on_reboot(m))
		m->ops->set_reboot(m->arg, "reset");
	m->ops->qmp(m->arg, "system_reset", req);
}

void machine_reset_and_go_on(struct machine *m)
{
	m->reboot = false;
	machine_go(m, MACHINE_RESETTING, VM_REASON_BOOTED);
	reset_hardware(m, NULL);
}

static void powered_off(struct machine *m, void *req)
{
	(void)req;
	bool again = (m->reboot && !m->no_restart) || wants_restart(m, m->on_poweroff);
	machine_tell(m, "Shutdown", "Finished");
	if (again)
		machine_reset_and_go_on(m);
	else if (m->on_poweroff == ACTION_PRESERVE)
		machine_go(m, MACHINE_PAUSED, VM_REASON_SHUTDOWN);
	else
		machine_quit(m, VM_REASON_SHUTDOWN, false);
}

static void rebooted_off(struct machine *m, void *req)
{
	(void)req;
	machine_tell(m, "Shutdown", "Finished");
	if (wants_restart(m, m->on_reboot))
		machine_reset_and_go_on(m);
	else if (m->on_reboot == ACTION_PRESERVE)
		machine_go(m, MACHINE_PAUSED, VM_REASON_SHUTDOWN);
	else
		machine_quit(m, VM_REASON_SHUTDOWN, false);
}

/* Powered off once more before the reset was done, or found so by an adopter. */
static void reset_again(struct machine *m, void *req)
{
	(void)req;
	reset_hardware(m, NULL);
}

static void reset_done(struct machine *m, void *req)
{
	was_reset(m, req);
	m->ops->qmp(m->arg, "cont", NULL);
}

static void go_on(struct machine *m, void *req)
{
	(void)req;
	m->ops->qmp(m->arg, "cont", NULL);
}

static void going_on(struct machine *m, void *req)
{
	(void)req;
	machine_go(m, MACHINE_RUNNING, VM_REASON_BOOTED);
}

/* What it does about it, it does by itself: a reboot is its own. */
static void was_asked(struct machine *m, void *req)
{
	(void)req;
	m->reboot = false;
	machine_go(m, MACHINE_ASKED, VM_REASON_USER);
}

static void asked_stopped(struct machine *m, void *req)
{
	m->reboot = false;
	stopped(m, req);
}

/* Somebody outside ended QEMU in good order. */
static void quits(struct machine *m, void *req)
{
	(void)req;
	m->restart = false;
	m->escalation = 0;
	machine_go(m, MACHINE_QUITTING, VM_REASON_DESTROYED);
	m->ops->timer(m->arg, MACHINE_QUIT_MS);
}

static void dump(struct machine *m, enum vm_reason reason, enum machine_then then)
{
	m->then = then;
	machine_go(m, MACHINE_DUMPING, reason);
	m->ops->dump(m->arg);
}

static void panicked(struct machine *m, void *req)
{
	(void)req;
	machine_tell(m, "Crashed", "Panicked");
	if (m->on_crash == ACTION_PRESERVE)
		machine_go(m, MACHINE_PRESERVED, VM_REASON_PANICKED);
	else if (m->on_crash == ACTION_COREDUMP_DESTROY)
		dump(m, VM_REASON_PANICKED, THEN_DESTROY);
	else if (m->on_crash == ACTION_COREDUMP_RESTART)
		dump(m, VM_REASON_PANICKED, THEN_RESTART);
	else
		machine_quit(m, VM_REASON_PANICKED, wants_restart(m, m->on_crash));
}

static void stopped_to_dump(struct machine *m, void *req)
{
	(void)req;
	m->stop_asked = false;
	machine_tell(m, "Suspended", "Watchdog");
	dump(m, VM_REASON_WATCHDOG, THEN_RESUME);
}

/* Found stopped for the same reason as before: by an adopter, which does not know how far the dump is. */
static void dump_on(struct machine *m, void *req)
{
	(void)req;
	m->ops->dump(m->arg);
}

static void dumped(struct machine *m, void *req)
{
	(void)req;
	if (m->then != THEN_RESUME) {
		machine_quit(m, m->reason, m->then == THEN_RESTART && !m->no_restart);
		return;
	}
	machine_go(m, MACHINE_PAUSED, VM_REASON_WATCHDOG);
	m->ops->qmp(m->arg, "cont", NULL);
}

/* QEMU's own end follows at once; until then nothing else is worth hearing. */
static void plug_pulled(struct machine *m, void *req)
{
	(void)req;
	m->plug_pulled = true;
	machine_tell(m, "Shutdown", "Finished");
}

static void first_dump(struct machine *m, void *req)
{
	first_run(m, NULL);
	stopped_to_dump(m, req);
}

/* What was saved is in the guest's memory. */
static void restored(struct machine *m, void *req)
{
	m->restoring = false;
	machine_go(m, MACHINE_STARTING, m->reason);
	run_first(m, req);
}

/* Found stopped by an adopter while it loads: QEMU has loaded it all. */
static void first_stopped(struct machine *m, void *req)
{
	if (m->restoring) {
		m->ops->restore(m->arg);
		return;
	}
	first_run(m, NULL);
	stopped(m, req);
}

static void first_panicked(struct machine *m, void *req)
{
	first_run(m, NULL);
	panicked(m, req);
}

static void sleeps(struct machine *m, void *req)
{
	(void)req;
	machine_go(m, MACHINE_SLEEPING, VM_REASON_UNKNOWN);
	machine_tell(m, "PMSuspended", "Memory");
}

static void wakes(struct machine *m, void *req)
{
	(void)req;
	machine_go(m, MACHINE_RUNNING, VM_REASON_UNPAUSED);
	machine_tell(m, "Resumed", "Unpaused");
}

static void died_starting(struct machine *m, void *req)
{
	(void)req;
	/* A start that was a restart is tried again; the first one is the operator's to see. */
	if (m->attempts > 0 && wants_restart(m, m->on_crash) && !m->death.lost) {
		wait_to_restart(m, VM_REASON_CRASHED);
		return;
	}
	machine_tell(m, "Stopped", "Failed");
	machine_finish(m, m->death.lost ? VM_REASON_LOST : VM_REASON_FAILED);
}

static void died(struct machine *m, void *req)
{
	(void)req;
	if (m->death.lost) {
		machine_tell(m, "Stopped", "Failed");
		machine_finish(m, VM_REASON_LOST);
	} else if (m->plug_pulled) {
		machine_tell(m, "Stopped", "Shutdown");
		if (wants_restart(m, m->on_poweroff))
			wait_to_restart(m, VM_REASON_SHUTDOWN);
		else
			machine_finish(m, VM_REASON_SHUTDOWN);
	} else if (m->death.known && m->death.clean) {
		machine_tell(m, "Stopped", "Destroyed");
		machine_finish(m, VM_REASON_DESTROYED);
	} else {
		machine_tell(m, "Stopped", "Crashed");
		if (wants_restart(m, m->on_crash))
			wait_to_restart(m, VM_REASON_CRASHED);
		else
			machine_finish(m, VM_REASON_CRASHED);
	}
}

static const char *stopped_word(enum vm_reason reason)
{
	switch (reason) {
	case VM_REASON_SHUTDOWN:
		return "Shutdown";
	case VM_REASON_PANICKED:
	case VM_REASON_CRASHED:
		return "Crashed";
	case VM_REASON_FAILED:
		return "Failed";
	case VM_REASON_SAVED:
		return "Saved";
	case VM_REASON_FROM_SNAPSHOT:
		return "Snapshot";
	default:
		return "Destroyed";
	}
}

static void died_quitting(struct machine *m, void *req)
{
	(void)req;
	m->ops->timer(m->arg, 0);
	machine_tell(m, "Stopped", stopped_word(m->reason));
	if (m->restart && !m->no_restart && !m->death.lost)
		wait_to_restart(m, m->reason);
	else
		machine_finish(m, m->reason);
}

/* The guest had crashed before its QEMU did: its policy is what counts. */
static void died_dumping(struct machine *m, void *req)
{
	if (m->then == THEN_RESUME || m->death.lost) {
		died(m, req);
		return;
	}
	machine_tell(m, "Stopped", "Crashed");
	if (m->then == THEN_RESTART && !m->no_restart)
		wait_to_restart(m, m->reason);
	else
		machine_finish(m, m->reason);
}

static void released(struct machine *m, void *req)
{
	(void)req;
	end(m);
}

static void died_preserved(struct machine *m, void *req)
{
	(void)req;
	machine_tell(m, "Stopped", "Crashed");
	machine_finish(m, m->reason);
}

static void quit_harder(struct machine *m, void *req)
{
	(void)req;
	if (m->escalation == 0 && m->ops->answers(m->arg)) {
		m->escalation = 1;
		m->ops->signal(m->arg, SIGTERM);
		m->ops->timer(m->arg, MACHINE_TERM_MS);
		return;
	}
	m->escalation = 2;
	m->ops->signal(m->arg, SIGKILL);
}

static void start_again(struct machine *m, void *req)
{
	(void)req;
	m->restart = m->reboot = m->stop_asked = m->restoring = false;
	machine_go(m, MACHINE_STARTING, VM_REASON_UNKNOWN);
	m->ops->spawn(m->arg);
}

/* --- the table --- */

/* clang-format off */
#define NEWS_IGNORED \
	[EV_PRELAUNCH] = ignore, [EV_RESUMED] = ignore, [EV_STOPPED] = ignore, [EV_RESET] = ignore, \
	[EV_POWEROFF] = ignore, [EV_REBOOT_OFF] = ignore, [EV_QUIT] = ignore, [EV_PANICKED] = ignore, \
	[EV_IOERROR] = ignore, [EV_WATCHDOG] = ignore, [EV_WATCHDOG_DUMP] = ignore, \
	[EV_WATCHDOG_OFF] = ignore, [EV_INTERNAL] = ignore, [EV_SLEEP] = ignore, [EV_WAKE] = ignore
/* They come where they were asked for, or late. */
#define NO_DUMP_NO_RELEASE \
	[EV_DUMPED] = ignore, [EV_RELEASED] = ignore, [EV_ASKED] = ignore, [EV_RESTORED] = ignore
#define REQUESTS_REFUSED \
	[EV_DO_SUSPEND] = machine_refuse, [EV_DO_RESUME] = machine_refuse, [EV_DO_RESET] = machine_refuse, \
	[EV_DO_SHUTDOWN] = machine_refuse, [EV_DO_REBOOT] = machine_refuse, [EV_DO_DESTROY] = machine_refuse
static machine_action *const actions[MACHINE_STATES][MACHINE_EVENTS] = {
    [MACHINE_OFF] = {
	NEWS_IGNORED, NO_DUMP_NO_RELEASE, [EV_DIED] = ignore, [EV_TIMER] = ignore,
	REQUESTS_REFUSED,
    },
    [MACHINE_STARTING] = {
	[EV_PRELAUNCH] = run_first, [EV_RESUMED] = first_run, [EV_STOPPED] = first_stopped, [EV_RESET] = ignore,
	[EV_POWEROFF] = powered_off, [EV_REBOOT_OFF] = rebooted_off, [EV_QUIT] = quits,
	[EV_PANICKED] = first_panicked, [EV_IOERROR] = first_ioerror, [EV_WATCHDOG] = first_watchdog,
	[EV_INTERNAL] = first_internal, [EV_SLEEP] = sleeps, [EV_WAKE] = ignore,
	[EV_WATCHDOG_DUMP] = first_dump, [EV_WATCHDOG_OFF] = plug_pulled, [EV_DUMPED] = ignore, [EV_RELEASED] = ignore,
	[EV_ASKED] = ignore, [EV_RESTORED] = restored, [EV_DIED] = died_starting, [EV_TIMER] = ignore,
	[EV_DO_SUSPEND] = machine_refuse, [EV_DO_RESUME] = machine_refuse, [EV_DO_RESET] = machine_refuse,
	[EV_DO_SHUTDOWN] = machine_shut_deaf, [EV_DO_REBOOT] = machine_refuse, [EV_DO_DESTROY] = machine_do_destroy,
    },
    [MACHINE_RUNNING] = {
	[EV_PRELAUNCH] = stopped, [EV_RESUMED] = ignore, [EV_STOPPED] = stopped, [EV_RESET] = was_reset,
	[EV_POWEROFF] = powered_off, [EV_REBOOT_OFF] = rebooted_off, [EV_QUIT] = quits,
	[EV_PANICKED] = panicked, [EV_IOERROR] = stopped_ioerror, [EV_WATCHDOG] = stopped_watchdog,
	[EV_INTERNAL] = stopped_internal, [EV_SLEEP] = sleeps, [EV_WAKE] = ignore,
	[EV_WATCHDOG_DUMP] = stopped_to_dump, [EV_WATCHDOG_OFF] = plug_pulled, [EV_DUMPED] = ignore, [EV_RELEASED] = ignore, [EV_ASKED] = was_asked, [EV_RESTORED] = ignore,
	[EV_DIED] = died, [EV_TIMER] = reboot_ends_again,
	[EV_DO_SUSPEND] = machine_do_suspend, [EV_DO_RESUME] = machine_runs_already, [EV_DO_RESET] = reset_hardware,
	[EV_DO_SHUTDOWN] = machine_do_shutdown, [EV_DO_REBOOT] = machine_do_reboot, [EV_DO_DESTROY] = machine_do_destroy,
    },
    [MACHINE_PAUSED] = {
	[EV_PRELAUNCH] = stopped_why, [EV_RESUMED] = resumed, [EV_STOPPED] = stopped_why,
	[EV_RESET] = was_reset, [EV_POWEROFF] = powered_off, [EV_REBOOT_OFF] = rebooted_off,
	[EV_QUIT] = quits, [EV_PANICKED] = panicked, [EV_IOERROR] = stopped_ioerror,
	[EV_WATCHDOG] = stopped_watchdog, [EV_INTERNAL] = stopped_internal, [EV_SLEEP] = sleeps,
	[EV_WATCHDOG_DUMP] = stopped_to_dump, [EV_WATCHDOG_OFF] = plug_pulled, NO_DUMP_NO_RELEASE,
	[EV_WAKE] = ignore, [EV_DIED] = died, [EV_TIMER] = reboot_ends_again,
	[EV_DO_SUSPEND] = machine_done_already, [EV_DO_RESUME] = machine_do_resume, [EV_DO_RESET] = reset_hardware,
	[EV_DO_SHUTDOWN] = machine_shut_paused, [EV_DO_REBOOT] = machine_shut_paused, [EV_DO_DESTROY] = machine_do_destroy,
    },
    [MACHINE_ASKED] = {
	[EV_PRELAUNCH] = asked_stopped, [EV_RESUMED] = ignore, [EV_STOPPED] = asked_stopped,
	[EV_RESET] = asked_reset, [EV_POWEROFF] = powered_off, [EV_REBOOT_OFF] = rebooted_off,
	[EV_QUIT] = quits, [EV_PANICKED] = panicked, [EV_IOERROR] = stopped_ioerror,
	[EV_WATCHDOG] = stopped_watchdog, [EV_INTERNAL] = stopped_internal, [EV_SLEEP] = sleeps,
	[EV_WATCHDOG_DUMP] = stopped_to_dump, [EV_WATCHDOG_OFF] = plug_pulled, NO_DUMP_NO_RELEASE,
	[EV_WAKE] = ignore, [EV_DIED] = died, [EV_TIMER] = reboot_ends_again,
	[EV_DO_SUSPEND] = machine_do_suspend, [EV_DO_RESUME] = machine_runs_already, [EV_DO_RESET] = reset_hardware,
	[EV_DO_SHUTDOWN] = machine_do_shutdown, [EV_DO_REBOOT] = machine_do_reboot, [EV_DO_DESTROY] = machine_do_destroy,
    },
    [MACHINE_SLEEPING] = {
	[EV_PRELAUNCH] = stopped, [EV_RESUMED] = wakes, [EV_STOPPED] = ignore, [EV_RESET] = reset_done,
	[EV_POWEROFF] = powered_off, [EV_REBOOT_OFF] = rebooted_off, [EV_QUIT] = quits,
	[EV_PANICKED] = panicked, [EV_IOERROR] = stopped_ioerror, [EV_WATCHDOG] = stopped_watchdog,
	[EV_INTERNAL] = stopped_internal, [EV_SLEEP] = ignore, [EV_WAKE] = wakes,
	[EV_WATCHDOG_DUMP] = stopped_to_dump, [EV_WATCHDOG_OFF] = plug_pulled, NO_DUMP_NO_RELEASE,
	[EV_DIED] = died, [EV_TIMER] = reboot_ends_again,
	[EV_DO_SUSPEND] = machine_refuse, [EV_DO_RESUME] = machine_do_wake, [EV_DO_RESET] = reset_hardware,
	[EV_DO_SHUTDOWN] = machine_shut_deaf, [EV_DO_REBOOT] = machine_refuse, [EV_DO_DESTROY] = machine_do_destroy,
    },
    [MACHINE_RESETTING] = {
	[EV_PRELAUNCH] = go_on, [EV_RESUMED] = going_on, [EV_STOPPED] = ignore, [EV_RESET] = reset_done,
	[EV_POWEROFF] = reset_again, [EV_REBOOT_OFF] = reset_again, [EV_QUIT] = quits,
	[EV_PANICKED] = reset_again, [EV_IOERROR] = stopped_ioerror, [EV_WATCHDOG] = stopped_watchdog,
	[EV_INTERNAL] = stopped_internal, [EV_SLEEP] = sleeps, [EV_WAKE] = ignore,
	[EV_WATCHDOG_DUMP] = stopped_to_dump, [EV_WATCHDOG_OFF] = plug_pulled, NO_DUMP_NO_RELEASE,
	[EV_DIED] = died, [EV_TIMER] = ignore,
	[EV_DO_SUSPEND] = machine_refuse, [EV_DO_RESUME] = machine_refuse, [EV_DO_RESET] = machine_done_already,
	[EV_DO_SHUTDOWN] = machine_shut_deaf, [EV_DO_REBOOT] = machine_done_already, [EV_DO_DESTROY] = machine_do_destroy,
    },
    [MACHINE_PRESERVED] = {
	[EV_PRELAUNCH] = stopped, [EV_RESUMED] = resumed, [EV_STOPPED] = ignore, [EV_RESET] = was_reset,
	[EV_POWEROFF] = ignore, [EV_REBOOT_OFF] = ignore, [EV_QUIT] = quits, [EV_PANICKED] = ignore,
	[EV_IOERROR] = ignore, [EV_WATCHDOG] = ignore, [EV_INTERNAL] = ignore, [EV_SLEEP] = ignore,
	[EV_WATCHDOG_DUMP] = ignore, [EV_WATCHDOG_OFF] = ignore, NO_DUMP_NO_RELEASE,
	[EV_WAKE] = ignore, [EV_DIED] = died_preserved, [EV_TIMER] = ignore,
	[EV_DO_SUSPEND] = machine_refuse, [EV_DO_RESUME] = machine_refuse, [EV_DO_RESET] = machine_reset_preserved,
	[EV_DO_SHUTDOWN] = machine_shut_paused, [EV_DO_REBOOT] = machine_refuse, [EV_DO_DESTROY] = machine_do_destroy,
    },
    [MACHINE_DUMPING] = {
	[EV_PRELAUNCH] = ignore, [EV_RESUMED] = resumed, [EV_STOPPED] = dump_on, [EV_RESET] = ignore,
	[EV_POWEROFF] = ignore, [EV_REBOOT_OFF] = ignore, [EV_QUIT] = quits, [EV_PANICKED] = dump_on,
	[EV_IOERROR] = ignore, [EV_WATCHDOG] = dump_on, [EV_WATCHDOG_DUMP] = ignore,
	[EV_WATCHDOG_OFF] = ignore, [EV_INTERNAL] = ignore, [EV_SLEEP] = ignore, [EV_WAKE] = ignore,
	[EV_DUMPED] = dumped, [EV_RELEASED] = ignore, [EV_ASKED] = ignore, [EV_RESTORED] = ignore, [EV_DIED] = died_dumping, [EV_TIMER] = ignore,
	[EV_DO_SUSPEND] = machine_refuse, [EV_DO_RESUME] = machine_refuse, [EV_DO_RESET] = machine_refuse,
	[EV_DO_SHUTDOWN] = machine_shut_deaf, [EV_DO_REBOOT] = machine_refuse, [EV_DO_DESTROY] = machine_do_destroy,
    },
    [MACHINE_QUITTING] = {
	NEWS_IGNORED, NO_DUMP_NO_RELEASE, [EV_DIED] = died_quitting, [EV_TIMER] = quit_harder,
	[EV_DO_SUSPEND] = machine_refuse, [EV_DO_RESUME] = machine_refuse, [EV_DO_RESET] = machine_refuse,
	[EV_DO_SHUTDOWN] = machine_done_already, [EV_DO_REBOOT] = machine_refuse, [EV_DO_DESTROY] = machine_do_destroy,
    },
    [MACHINE_WAITING] = {
	NEWS_IGNORED, NO_DUMP_NO_RELEASE, [EV_DIED] = ignore, [EV_TIMER] = start_again,
	[EV_DO_SUSPEND] = machine_refuse, [EV_DO_RESUME] = machine_refuse, [EV_DO_RESET] = machine_refuse,
	[EV_DO_SHUTDOWN] = machine_destroy_waiting, [EV_DO_REBOOT] = machine_refuse, [EV_DO_DESTROY] = machine_destroy_waiting,
    },
    [MACHINE_RELEASING] = {
	NEWS_IGNORED, [EV_DUMPED] = ignore, [EV_RELEASED] = released, [EV_ASKED] = ignore, [EV_RESTORED] = ignore, [EV_DIED] = ignore, [EV_TIMER] = ignore,
	[EV_DO_SUSPEND] = machine_refuse, [EV_DO_RESUME] = machine_refuse, [EV_DO_RESET] = machine_refuse,
	[EV_DO_SHUTDOWN] = machine_done_already, [EV_DO_REBOOT] = machine_refuse, [EV_DO_DESTROY] = machine_await_end,
    },
    [MACHINE_ENDED] = {
	NEWS_IGNORED, NO_DUMP_NO_RELEASE, [EV_DIED] = ignore, [EV_TIMER] = ignore,
	REQUESTS_REFUSED,
    },
};

/* clang-format on */

bool machine_cell_filled(enum machine_state s, enum machine_event ev)
{
	return actions[s][ev] != NULL;
}

void machine_handle(struct machine *m, enum machine_event ev, void *req)
{
	actions[m->state][ev](m, req);
}

void machine_start(struct machine *m)
{
	machine_go(m, MACHINE_STARTING, m->restoring ? m->reason : VM_REASON_UNKNOWN);
}

void machine_found(struct machine *m, const char *runstate)
{
	static const struct {
		const char *runstate; /* QEMU's qapi/run-state.json, RunState */
		enum machine_event event;
	} found[] = {
	    {"prelaunch", EV_PRELAUNCH},
	    {"inmigrate", EV_PRELAUNCH},
	    {"running", EV_RESUMED},
	    {"paused", EV_STOPPED},
	    {"debug", EV_STOPPED},
	    {"save-vm", EV_STOPPED},
	    {"restore-vm", EV_STOPPED},
	    {"postmigrate", EV_STOPPED},
	    {"shutdown", EV_POWEROFF},
	    {"guest-panicked", EV_PANICKED},
	    {"io-error", EV_IOERROR},
	    {"watchdog", EV_WATCHDOG},
	    {"internal-error", EV_INTERNAL},
	    {"suspended", EV_SLEEP},
	};
	for (size_t i = 0; i < ARRAY_LEN(found); i++)
		if (str_eq(found[i].runstate, runstate))
			machine_handle(m, found[i].event, NULL);
}

bool machine_end(struct machine *m, enum vm_reason reason)
{
	static const bool living[MACHINE_STATES] = {[MACHINE_RUNNING] = true,
	    [MACHINE_PAUSED] = true,
	    [MACHINE_ASKED] = true,
	    [MACHINE_SLEEPING] = true,
	    [MACHINE_PRESERVED] = true};
	if (!living[m->state])
		return false;
	machine_quit(m, reason, false);
	return true;
}

void machine_adopt(struct machine *m)
{
	if (m->state == MACHINE_QUITTING)
		machine_quit(m, m->reason, m->restart);
	else if (m->state == MACHINE_RELEASING)
		machine_finish(m, m->reason);
	else if (m->state == MACHINE_WAITING)
		m->ops->timer(m->arg, machine_backoff_s(m) * 1000);
	else if (ends_on_reboot(m))
		m->ops->timer(m->arg, MACHINE_REBOOT_GRACE_MS);
}
