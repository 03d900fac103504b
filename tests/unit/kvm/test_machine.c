/* The life of a QEMU, told by the calls that the machine makes: every test reads as a log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/buf.h"
#include "kvm/machine.h"

struct fake {
	struct buf log;
	bool deaf, hooks;
};

static bool f_qmp(void *arg, const char *command, void *req)
{
	buf_addf(&((struct fake *)arg)->log, "qmp %s%s; ", command, req == NULL ? "" : " for req");
	return !((struct fake *)arg)->deaf;
}

static void f_restore(void *arg)
{
	buf_adds(&((struct fake *)arg)->log, "restore; ");
}

static void f_set_reboot(void *arg, const char *action)
{
	buf_addf(&((struct fake *)arg)->log, "reboot=%s; ", action);
}

static void f_ask(void *arg)
{
	buf_adds(&((struct fake *)arg)->log, "ask; ");
}

static void f_timer(void *arg, unsigned ms)
{
	buf_addf(&((struct fake *)arg)->log, "timer %u; ", ms);
}

static void f_signal(void *arg, int sig)
{
	buf_addf(&((struct fake *)arg)->log, "signal %d; ", sig);
}

static bool f_answers(void *arg)
{
	return !((struct fake *)arg)->deaf;
}

static void f_changed(void *arg)
{
	(void)arg;
}

static void f_event(void *arg, const char *event, const char *what, const char *why)
{
	if (what == NULL)
		buf_addf(&((struct fake *)arg)->log, "(%s) ", event);
	else
		buf_addf(&((struct fake *)arg)->log, "(%s %s) ", what, why);
}

static void f_reply(void *arg, void *req, const struct err *err)
{
	(void)req;
	buf_addf(&((struct fake *)arg)->log, "reply %s; ", err == NULL ? "ok" : err->msg);
}

static void f_started(void *arg)
{
	buf_adds(&((struct fake *)arg)->log, "started; ");
}

static void f_spawn(void *arg)
{
	buf_adds(&((struct fake *)arg)->log, "spawn; ");
}

static void f_ended(void *arg)
{
	buf_adds(&((struct fake *)arg)->log, "ended; ");
}

static void f_dump(void *arg)
{
	buf_adds(&((struct fake *)arg)->log, "dump; ");
}

/* A VM without hooks has nothing to release. */
static bool f_release(void *arg)
{
	struct fake *f = arg;
	if (f->hooks)
		buf_adds(&f->log, "release; ");
	return f->hooks;
}

static const struct machine_ops ops = {.qmp = f_qmp,
    .set_reboot = f_set_reboot,
    .restore = f_restore,
    .ask = f_ask,
    .timer = f_timer,
    .signal = f_signal,
    .answers = f_answers,
    .changed = f_changed,
    .event = f_event,
    .reply = f_reply,
    .started = f_started,
    .spawn = f_spawn,
    .dump = f_dump,
    .release = f_release,
    .ended = f_ended};

struct fixture {
	struct machine m;
	struct fake f;
	int req;
};

static int setup(void **state)
{
	static struct fixture x;
	memset(&x, 0, sizeof(x));
	x.m.ops = &ops;
	x.m.arg = &x.f;
	x.m.name = "web1";
	x.m.on_poweroff = ACTION_DESTROY;
	x.m.on_reboot = ACTION_RESTART;
	x.m.on_crash = ACTION_DESTROY;
	*state = &x;
	return 0;
}

static int teardown(void **state)
{
	buf_fini(&((struct fixture *)*state)->f.log);
	return 0;
}

/* What was logged since the last look, and the state that the page shows. */
#define expect(x, text, vmstate, vmreason)                            \
	do {                                                          \
		char *got_ = buf_take(&(x)->f.log);                   \
		assert_string_equal(got_, text);                      \
		free(got_);                                           \
		assert_int_equal(machine_vm_state(&(x)->m), vmstate); \
		assert_int_equal((x)->m.reason, vmreason);            \
	} while (0)

static void to_running(struct fixture *x)
{
	machine_start(&x->m);
	machine_handle(&x->m, EV_PRELAUNCH, NULL);
	machine_handle(&x->m, EV_RESUMED, NULL);
	expect(x, "qmp cont; (Started Booted) started; ", VM_RUNNING, VM_REASON_BOOTED);
}

static void test_no_empty_cell(void **state)
{
	(void)state;
	for (int s = 0; s < MACHINE_STATES; s++)
		for (int e = 0; e < MACHINE_EVENTS; e++)
			if (!machine_cell_filled((enum machine_state)s, (enum machine_event)e))
				fail_msg("nothing in state %s for event %d",
				    machine_state_name((enum machine_state)s), e);
}

/* Any event in any state leaves a state that exists, and a request is answered or handed to QEMU,
 * or waits. */
static void test_every_request_is_answered(void **state)
{
	struct fixture *x = *state;
	for (int s = 0; s < MACHINE_STATES; s++) {
		for (int e = 0; e < MACHINE_EVENTS; e++) {
			x->m.n_waiters = 0;
			x->m.state = (enum machine_state)s;
			machine_handle(
			    &x->m, (enum machine_event)e, e >= EV_DO_SUSPEND ? &x->req : NULL);
			assert_in_range(x->m.state, 0, MACHINE_STATES - 1);
			char *log = buf_take(&x->f.log);
			if (e >= EV_DO_SUSPEND && strstr(log, "reply ") == NULL &&
			    strstr(log, "for req") == NULL && x->m.n_waiters != 1)
				fail_msg("request %d in state %s: nobody answers: %s", e,
				    machine_state_name((enum machine_state)s), log);
			free(log);
		}
	}
}

static void test_start_paused(void **state)
{
	struct fixture *x = *state;
	x->m.start_paused = true;
	machine_start(&x->m);
	expect(x, "", VM_STARTING, VM_REASON_UNKNOWN);
	machine_handle(&x->m, EV_PRELAUNCH, NULL);
	expect(x, "(Started Booted) (Suspended Paused) started; ", VM_PAUSED,
	    VM_REASON_STARTED_PAUSED);
	machine_handle(&x->m, EV_DO_RESUME, &x->req);
	machine_handle(&x->m, EV_RESUMED, NULL);
	expect(x, "qmp cont for req; (Resumed Unpaused) ", VM_RUNNING, VM_REASON_UNPAUSED);
}

static void test_suspend_resume(void **state)
{
	struct fixture *x = *state;
	to_running(x);
	machine_handle(&x->m, EV_DO_SUSPEND, &x->req);
	machine_handle(&x->m, EV_STOPPED, NULL);
	expect(x, "qmp stop for req; (Suspended Paused) ", VM_PAUSED, VM_REASON_USER);
	machine_handle(&x->m, EV_DO_SUSPEND, &x->req);
	expect(x, "reply ok; ", VM_PAUSED, VM_REASON_USER);
	machine_handle(&x->m, EV_DO_SHUTDOWN, &x->req);
	expect(x,
	    "reply domain 'web1' is paused and cannot hear its power button: resume it first, or destroy it; ",
	    VM_PAUSED, VM_REASON_USER);
	machine_handle(&x->m, EV_DO_RESUME, &x->req);
	machine_handle(&x->m, EV_RESUMED, NULL);
	machine_handle(&x->m, EV_DO_RESUME, &x->req);
	expect(x, "qmp cont for req; (Resumed Unpaused) reply domain 'web1' is already running; ",
	    VM_RUNNING, VM_REASON_UNPAUSED);
}

static void test_stopped_by_somebody_else(void **state)
{
	struct fixture *x = *state;
	to_running(x);
	machine_handle(&x->m, EV_STOPPED, NULL);
	expect(x, "(Suspended Paused) ask; ", VM_PAUSED, VM_REASON_UNKNOWN);
	machine_found(&x->m, "internal-error");
	expect(x, "(Suspended API error) ", VM_PAUSED, VM_REASON_INTERNAL);
	machine_found(&x->m, "internal-error");
	machine_found(&x->m, "no such state");
	expect(x, "", VM_PAUSED, VM_REASON_INTERNAL);
}

static void test_io_error(void **state)
{
	struct fixture *x = *state;
	to_running(x);
	machine_handle(&x->m, EV_IOERROR, NULL);
	machine_handle(&x->m, EV_STOPPED, NULL);
	expect(x, "(Suspended I/O Error) ", VM_PAUSED, VM_REASON_IOERROR);
}

static void test_shutdown(void **state)
{
	struct fixture *x = *state;
	to_running(x);
	machine_handle(&x->m, EV_DO_SHUTDOWN, &x->req);
	expect(x, "qmp system_powerdown for req; ", VM_SHUTDOWN, VM_REASON_USER);
	machine_handle(&x->m, EV_DO_SHUTDOWN, &x->req); /* asks again */
	expect(x, "qmp system_powerdown for req; ", VM_SHUTDOWN, VM_REASON_USER);
	machine_handle(&x->m, EV_POWEROFF, NULL);
	machine_handle(&x->m, EV_STOPPED, NULL);
	expect(x, "(Shutdown Finished) qmp quit; timer 2000; ", VM_STOPPING, VM_REASON_SHUTDOWN);
	machine_handle(&x->m, EV_QUIT, NULL);
	x->m.death = (struct machine_death){.known = true, .clean = true};
	machine_handle(&x->m, EV_DIED, NULL);
	expect(x, "timer 0; (Stopped Shutdown) timer 0; ended; ", VM_OFF, VM_REASON_SHUTDOWN);
}

static void test_shutdown_that_cannot_be_asked_for(void **state)
{
	struct fixture *x = *state;
	to_running(x);
	x->f.deaf = true;
	machine_handle(&x->m, EV_DO_REBOOT, &x->req);
	assert_false(x->m.reboot);
	machine_handle(&x->m, EV_DO_SHUTDOWN, &x->req);
	expect(x, "qmp system_powerdown for req; qmp system_powerdown for req; ", VM_RUNNING,
	    VM_REASON_BOOTED);
}

static void test_reboot_is_a_poweroff_turned(void **state)
{
	struct fixture *x = *state;
	to_running(x);
	machine_handle(&x->m, EV_DO_REBOOT, &x->req);
	expect(x, "qmp system_powerdown for req; ", VM_SHUTDOWN, VM_REASON_USER);
	machine_handle(&x->m, EV_POWEROFF, NULL);
	machine_handle(&x->m, EV_STOPPED, NULL);
	expect(x, "(Shutdown Finished) qmp system_reset; ", VM_RUNNING, VM_REASON_BOOTED);
	machine_handle(&x->m, EV_RESET, NULL);
	machine_handle(&x->m, EV_RESUMED, NULL);
	expect(x, "(reboot) qmp cont; ", VM_RUNNING, VM_REASON_BOOTED);
	/* the next power-off is one */
	machine_handle(&x->m, EV_POWEROFF, NULL);
	expect(x, "(Shutdown Finished) qmp quit; timer 2000; ", VM_STOPPING, VM_REASON_SHUTDOWN);
}

static void test_guest_reboots_instead(void **state)
{
	struct fixture *x = *state;
	to_running(x);
	machine_handle(&x->m, EV_DO_REBOOT, &x->req);
	machine_handle(&x->m, EV_RESET, NULL);
	expect(x, "qmp system_powerdown for req; (reboot) ", VM_RUNNING, VM_REASON_BOOTED);
	assert_false(x->m.reboot);
}

static void test_poweroff_restart(void **state)
{
	struct fixture *x = *state;
	x->m.on_poweroff = ACTION_RESTART;
	to_running(x);
	machine_handle(&x->m, EV_POWEROFF, NULL);
	expect(x, "(Shutdown Finished) qmp system_reset; ", VM_RUNNING, VM_REASON_BOOTED);
	machine_found(
	    &x->m, "shutdown"); /* a supervisor was killed here and the next one finds this */
	machine_found(&x->m, "prelaunch");
	machine_found(&x->m, "running");
	expect(x, "qmp system_reset; qmp cont; ", VM_RUNNING, VM_REASON_BOOTED);
	x->m.no_restart = true;
	machine_handle(&x->m, EV_POWEROFF, NULL);
	expect(x, "(Shutdown Finished) qmp quit; timer 2000; ", VM_STOPPING, VM_REASON_SHUTDOWN);
}

static void test_reboot_destroy(void **state)
{
	struct fixture *x = *state;
	x->m.on_reboot = ACTION_DESTROY;
	to_running(x);
	machine_handle(&x->m, EV_DO_RESET, &x->req);
	machine_handle(&x->m, EV_RESET, NULL);
	expect(x, "reboot=reset; qmp system_reset for req; timer 5000; (reboot) ", VM_RUNNING,
	    VM_REASON_BOOTED);
	machine_handle(&x->m, EV_RESET, NULL); /* the firmware's own */
	machine_handle(&x->m, EV_TIMER, NULL);
	expect(x, "timer 5000; (reboot) reboot=shutdown; ", VM_RUNNING, VM_REASON_BOOTED);
	machine_handle(&x->m, EV_REBOOT_OFF, NULL);
	expect(x, "(Shutdown Finished) qmp quit; timer 2000; ", VM_STOPPING, VM_REASON_SHUTDOWN);
}

static void test_destroy_escalates(void **state)
{
	struct fixture *x = *state;
	to_running(x);
	machine_handle(&x->m, EV_DO_DESTROY, &x->req);
	expect(x, "qmp quit; timer 2000; ", VM_STOPPING, VM_REASON_DESTROYED);
	machine_handle(&x->m, EV_DO_DESTROY, &x->req); /* a second one waits for the same end */
	machine_handle(&x->m, EV_TIMER, NULL);
	expect(x, "signal 15; timer 3000; ", VM_STOPPING, VM_REASON_DESTROYED);
	machine_handle(&x->m, EV_TIMER, NULL);
	expect(x, "signal 9; ", VM_STOPPING, VM_REASON_DESTROYED);
	x->m.death = (struct machine_death){.known = true};
	machine_handle(&x->m, EV_DIED, NULL);
	expect(x, "timer 0; (Stopped Destroyed) timer 0; ended; reply ok; reply ok; ", VM_OFF,
	    VM_REASON_DESTROYED);
}

static void test_destroy_deaf(void **state)
{
	struct fixture *x = *state;
	to_running(x);
	x->f.deaf = true;
	machine_handle(&x->m, EV_DO_DESTROY, &x->req);
	expect(x, "signal 9; ", VM_STOPPING, VM_REASON_DESTROYED);
	machine_handle(&x->m, EV_DIED, NULL);
	expect(x, "timer 0; (Stopped Destroyed) timer 0; ended; reply ok; ", VM_OFF,
	    VM_REASON_DESTROYED);
}

static void test_goes_deaf_while_quitting(void **state)
{
	struct fixture *x = *state;
	to_running(x);
	machine_handle(&x->m, EV_DO_DESTROY, NULL);
	x->f.deaf = true;
	machine_handle(&x->m, EV_TIMER, NULL);
	expect(x, "qmp quit; timer 2000; signal 9; ", VM_STOPPING, VM_REASON_DESTROYED);
}

static void test_asked_by_agent(void **state)
{
	struct fixture *x = *state;
	to_running(x);
	machine_handle(&x->m, EV_ASKED, NULL);
	expect(x, "", VM_SHUTDOWN, VM_REASON_USER);
	machine_handle(&x->m, EV_RESET, NULL); /* it was a reboot */
	expect(x, "(reboot) ", VM_RUNNING, VM_REASON_BOOTED);
	machine_handle(&x->m, EV_ASKED, NULL);
	machine_handle(&x->m, EV_POWEROFF, NULL);
	expect(x, "(Shutdown Finished) qmp quit; timer 2000; ", VM_STOPPING, VM_REASON_SHUTDOWN);
}

static void test_panic(void **state)
{
	struct fixture *x = *state;
	to_running(x);
	machine_handle(&x->m, EV_PANICKED, NULL);
	machine_handle(&x->m, EV_STOPPED, NULL);
	expect(x, "(Crashed Panicked) qmp quit; timer 2000; ", VM_STOPPING, VM_REASON_PANICKED);
	machine_handle(&x->m, EV_DIED, NULL);
	expect(x, "timer 0; (Stopped Crashed) timer 0; ended; ", VM_CRASHED, VM_REASON_PANICKED);
}

static void test_panic_preserve(void **state)
{
	struct fixture *x = *state;
	x->m.on_crash = ACTION_PRESERVE;
	to_running(x);
	machine_handle(&x->m, EV_PANICKED, NULL);
	machine_handle(&x->m, EV_STOPPED, NULL);
	expect(x, "(Crashed Panicked) ", VM_CRASHED, VM_REASON_PANICKED);
	machine_handle(&x->m, EV_DO_SUSPEND, &x->req);
	expect(x,
	    "reply domain 'web1' has crashed and is kept for inspection: reset or destroy it; ",
	    VM_CRASHED, VM_REASON_PANICKED);
	machine_handle(&x->m, EV_DO_RESET, &x->req);
	machine_handle(&x->m, EV_RESET, NULL);
	machine_handle(&x->m, EV_RESUMED, NULL);
	expect(x, "reply ok; qmp system_reset; (reboot) qmp cont; ", VM_RUNNING, VM_REASON_BOOTED);
}

static void test_crash_restart_backs_off(void **state)
{
	static const unsigned seconds[] = {1, 2, 4, 8, 16, 32, 60, 60};
	struct fixture *x = *state;
	char want[128];
	x->m.on_crash = ACTION_RESTART;
	to_running(x);
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		x->m.death = (struct machine_death){.known = true};
		machine_handle(&x->m, EV_DIED, NULL);
		snprintf(want, sizeof(want), "(Stopped Crashed) timer %u; ", seconds[i] * 1000);
		expect(x, want, VM_STARTING, VM_REASON_CRASHED);
		machine_handle(&x->m, EV_TIMER, NULL);
		expect(x, "spawn; ", VM_STARTING, VM_REASON_UNKNOWN);
		machine_handle(&x->m, EV_RESUMED, NULL);
		expect(x, "(Started Booted) started; ", VM_RUNNING, VM_REASON_BOOTED);
	}
	x->m.steady = true;
	machine_handle(&x->m, EV_DIED, NULL);
	expect(x, "(Stopped Crashed) timer 1000; ", VM_STARTING, VM_REASON_CRASHED);
	machine_handle(&x->m, EV_DO_DESTROY, &x->req);
	expect(x, "(Stopped Destroyed) timer 0; ended; reply ok; ", VM_OFF, VM_REASON_DESTROYED);
}

static void test_panic_coredump(void **state)
{
	struct fixture *x = *state;
	x->m.on_crash = ACTION_COREDUMP_DESTROY;
	to_running(x);
	machine_handle(&x->m, EV_PANICKED, NULL);
	machine_handle(&x->m, EV_STOPPED, NULL);
	expect(x, "(Crashed Panicked) dump; dump; ", VM_CRASHED, VM_REASON_PANICKED);
	machine_handle(&x->m, EV_DO_RESUME, &x->req);
	expect(x,
	    "reply domain 'web1' is kept stopped while its memory is written to a file: wait, or destroy it; ",
	    VM_CRASHED, VM_REASON_PANICKED);
	/* Its supervisor is killed; the next one finds it so. */
	struct machine n = x->m;
	n.state = MACHINE_OFF;
	assert_true(machine_load(&n, machine_save(&x->m)));
	x->m = n;
	machine_adopt(&x->m);
	machine_found(&x->m, "guest-panicked");
	expect(x, "dump; ", VM_CRASHED, VM_REASON_PANICKED);
	machine_handle(&x->m, EV_DUMPED, NULL);
	machine_handle(&x->m, EV_DIED, NULL);
	expect(x, "qmp quit; timer 2000; timer 0; (Stopped Crashed) timer 0; ended; ", VM_CRASHED,
	    VM_REASON_PANICKED);
}

static void test_panic_coredump_restart(void **state)
{
	struct fixture *x = *state;
	x->m.on_crash = ACTION_COREDUMP_RESTART;
	to_running(x);
	machine_handle(&x->m, EV_PANICKED, NULL);
	machine_handle(&x->m, EV_DUMPED, NULL);
	machine_handle(&x->m, EV_DIED, NULL);
	expect(x,
	    "(Crashed Panicked) dump; qmp quit; timer 2000; timer 0; (Stopped Crashed) timer 1000; ",
	    VM_STARTING, VM_REASON_PANICKED);
	/* QEMU itself dies of the dump: the guest's crash is answered all the same. */
	machine_handle(&x->m, EV_TIMER, NULL);
	machine_handle(&x->m, EV_RESUMED, NULL);
	machine_handle(&x->m, EV_PANICKED, NULL);
	machine_handle(&x->m, EV_DIED, NULL);
	expect(x,
	    "spawn; (Started Booted) started; (Crashed Panicked) dump; (Stopped Crashed) timer 2000; ",
	    VM_STARTING, VM_REASON_PANICKED);
}

/* A dump that hangs on a dead disk is not waited for. */
static void test_destroy_while_dumping(void **state)
{
	struct fixture *x = *state;
	x->m.on_crash = ACTION_COREDUMP_RESTART;
	to_running(x);
	machine_handle(&x->m, EV_PANICKED, NULL);
	machine_handle(&x->m, EV_DO_DESTROY, &x->req);
	machine_handle(&x->m, EV_DUMPED, NULL);
	machine_handle(&x->m, EV_DIED, NULL);
	expect(x,
	    "(Crashed Panicked) dump; qmp quit; timer 2000; timer 0; (Stopped Destroyed) timer 0; ended; "
	    "reply ok; ",
	    VM_OFF, VM_REASON_DESTROYED);
}

static void test_watchdog_dump(void **state)
{
	struct fixture *x = *state;
	to_running(x);
	machine_handle(&x->m, EV_WATCHDOG_DUMP, NULL);
	expect(x, "(Suspended Watchdog) dump; ", VM_PAUSED, VM_REASON_WATCHDOG);
	machine_handle(&x->m, EV_DUMPED, NULL);
	machine_handle(&x->m, EV_RESUMED, NULL);
	expect(x, "qmp cont; (Resumed Unpaused) ", VM_RUNNING, VM_REASON_UNPAUSED);
}

/* The watchdog's poweroff ends QEMU itself: that is no crash, but the policy of a power-off. */
static void test_watchdog_poweroff(void **state)
{
	struct fixture *x = *state;
	to_running(x);
	x->m.on_crash = ACTION_PRESERVE;
	x->m.death = (struct machine_death){.known = true, .clean = true};
	machine_handle(&x->m, EV_WATCHDOG_OFF, NULL);
	machine_handle(&x->m, EV_DIED, NULL);
	expect(x, "(Shutdown Finished) (Stopped Shutdown) timer 0; ended; ", VM_OFF,
	    VM_REASON_SHUTDOWN);
	setup(state);
	x->m.on_poweroff = ACTION_RESTART;
	to_running(x);
	machine_handle(&x->m, EV_WATCHDOG_OFF, NULL);
	machine_handle(&x->m, EV_DIED, NULL);
	expect(x, "(Shutdown Finished) (Stopped Shutdown) timer 1000; ", VM_STARTING,
	    VM_REASON_SHUTDOWN);
	machine_handle(&x->m, EV_TIMER, NULL);
	machine_handle(&x->m, EV_RESUMED, NULL);
	machine_handle(&x->m, EV_DIED, NULL);
	expect(x, "spawn; (Started Booted) started; (Stopped Crashed) timer 0; ended; ", VM_CRASHED,
	    VM_REASON_CRASHED);
}

static void test_reboot_preserve(void **state)
{
	struct fixture *x = *state;
	x->m.on_reboot = ACTION_PRESERVE;
	to_running(x);
	machine_handle(&x->m, EV_REBOOT_OFF, NULL);
	machine_handle(&x->m, EV_STOPPED, NULL);
	expect(x, "(Shutdown Finished) ", VM_PAUSED, VM_REASON_SHUTDOWN);
}

/* What follows a VM's end is over before anybody hears of it and may start it anew. */
static void test_release(void **state)
{
	struct fixture *x = *state;
	x->f.hooks = true;
	to_running(x);
	machine_handle(&x->m, EV_DO_DESTROY, &x->req);
	machine_handle(&x->m, EV_DIED, NULL);
	expect(x, "qmp quit; timer 2000; timer 0; (Stopped Destroyed) timer 0; release; ",
	    VM_STOPPING, VM_REASON_DESTROYED);
	machine_handle(&x->m, EV_DO_DESTROY, &x->req); /* waits for the same end */
	machine_handle(&x->m, EV_DO_RESET, &x->req);
	expect(x, "reply domain 'web1' has ended; its hooks still run; ", VM_STOPPING,
	    VM_REASON_DESTROYED);
	/* Its supervisor is killed: the next one does it again. */
	machine_adopt(&x->m);
	expect(x, "timer 0; release; ", VM_STOPPING, VM_REASON_DESTROYED);
	machine_handle(&x->m, EV_RELEASED, NULL);
	expect(x, "ended; reply ok; reply ok; ", VM_OFF, VM_REASON_DESTROYED);
}

/* The next start does not wait for its time twice. */
static void test_release_before_restart(void **state)
{
	struct fixture *x = *state;
	x->f.hooks = true;
	x->m.on_crash = ACTION_RESTART;
	to_running(x);
	machine_handle(&x->m, EV_DIED, NULL);
	machine_handle(&x->m, EV_RELEASED, NULL);
	machine_handle(&x->m, EV_TIMER, NULL);
	expect(x, "(Stopped Crashed) timer 1000; release; spawn; ", VM_STARTING, VM_REASON_UNKNOWN);
}

static void test_dies_at_start(void **state)
{
	struct fixture *x = *state;
	x->m.on_crash =
	    ACTION_RESTART; /* a first start is not tried again behind the operator's back */
	machine_start(&x->m);
	machine_handle(&x->m, EV_DIED, NULL);
	expect(x, "(Stopped Failed) timer 0; ended; ", VM_OFF, VM_REASON_FAILED);
}

static void test_dies_running(void **state)
{
	struct fixture *x = *state;
	to_running(x);
	machine_handle(&x->m, EV_DIED, NULL); /* adopted: the exit status is unknown */
	expect(x, "(Stopped Crashed) timer 0; ended; ", VM_CRASHED, VM_REASON_CRASHED);
}

static void test_ended_from_outside(void **state)
{
	struct fixture *x = *state;
	to_running(x);
	machine_handle(&x->m, EV_QUIT, NULL);
	expect(x, "timer 2000; ", VM_STOPPING, VM_REASON_DESTROYED);
	machine_handle(&x->m, EV_DIED, NULL);
	expect(x, "timer 0; (Stopped Destroyed) timer 0; ended; ", VM_OFF, VM_REASON_DESTROYED);
}

static void test_sleep_wake(void **state)
{
	struct fixture *x = *state;
	to_running(x);
	machine_handle(&x->m, EV_SLEEP, NULL);
	expect(x, "(PMSuspended Memory) ", VM_PMSUSPENDED, VM_REASON_UNKNOWN);
	machine_handle(&x->m, EV_DO_RESUME, &x->req);
	machine_handle(&x->m, EV_WAKE, NULL);
	expect(x, "qmp system_wakeup for req; (Resumed Unpaused) ", VM_RUNNING, VM_REASON_UNPAUSED);
}

static void test_host_goes_down_with_a_paused_guest(void **state)
{
	struct fixture *x = *state;
	to_running(x);
	machine_handle(&x->m, EV_IOERROR, NULL);
	x->m.no_restart = true;
	machine_handle(&x->m, EV_DO_SHUTDOWN, NULL);
	expect(x, "(Suspended I/O Error) qmp quit; timer 2000; ", VM_STOPPING, VM_REASON_DESTROYED);
}

/* Nobody else would end it, and the host's own end would kill it with its images open. */
static void test_host_goes_down_with_a_deaf_guest(void **state)
{
	struct fixture *x = *state;
	to_running(x);
	machine_handle(&x->m, EV_SLEEP, NULL);
	machine_handle(&x->m, EV_DO_SHUTDOWN, &x->req);
	expect(x,
	    "(PMSuspended Memory) reply domain 'web1' is suspended to memory by its guest: resume it first; ",
	    VM_PMSUSPENDED, VM_REASON_UNKNOWN);
	x->m.no_restart = true;
	machine_handle(&x->m, EV_DO_SHUTDOWN, NULL);
	expect(x, "qmp quit; timer 2000; ", VM_STOPPING, VM_REASON_DESTROYED);
}

static void test_save_and_load(void **state)
{
	struct fixture *x = *state;
	to_running(x);
	machine_handle(&x->m, EV_DO_REBOOT, NULL);
	x->m.attempts = 5;
	struct machine n = {.ops = &ops, .arg = &x->f, .name = "web1"};
	assert_true(machine_load(&n, machine_save(&x->m)));
	assert_int_equal(n.state, MACHINE_ASKED);
	assert_true(n.reboot);
	assert_int_equal(n.attempts, 5);
	assert_false(machine_load(&n, 15));
	assert_false(machine_load(&n, 31u << 4));
}

/* What was saved is loaded before the first `cont`; whoever adopts a QEMU that loads waits for it, too. */
static void test_restore(void **state)
{
	struct fixture *x = *state;
	x->m.restoring = true;
	x->m.reason = VM_REASON_RESTORED;
	machine_start(&x->m);
	machine_found(&x->m, "inmigrate");
	expect(x, "restore; ", VM_STARTING, VM_REASON_RESTORED);
	struct machine n = {0};
	assert_true(machine_load(&n, machine_save(&x->m)));
	assert_true(n.restoring);
	machine_found(&x->m, "paused");
	expect(x, "restore; ", VM_STARTING, VM_REASON_RESTORED);
	machine_handle(&x->m, EV_RESTORED, NULL);
	expect(x, "qmp cont; ", VM_STARTING, VM_REASON_RESTORED);
	machine_handle(&x->m, EV_RESUMED, NULL);
	expect(x, "(Started Restored) started; ", VM_RUNNING, VM_REASON_RESTORED);
	assert_true(machine_end(&x->m, VM_REASON_SAVED));
	expect(x, "qmp quit; timer 2000; ", VM_STOPPING, VM_REASON_SAVED);
	machine_handle(&x->m, EV_DIED, NULL);
	expect(x, "timer 0; (Stopped Saved) timer 0; ended; ", VM_OFF, VM_REASON_SAVED);
	assert_false(machine_end(&x->m, VM_REASON_SAVED));
}

static void test_restore_paused(void **state)
{
	struct fixture *x = *state;
	x->m.restoring = x->m.start_paused = true;
	x->m.reason = VM_REASON_FROM_SNAPSHOT;
	machine_start(&x->m);
	machine_handle(&x->m, EV_RESTORED, NULL);
	expect(x, "(Started Snapshot) (Suspended Snapshot) started; ", VM_PAUSED,
	    VM_REASON_FROM_SNAPSHOT);
}

static void test_adopt(void **state)
{
	struct fixture *x = *state;
	x->m.state = MACHINE_QUITTING;
	x->m.reason = VM_REASON_SHUTDOWN;
	machine_adopt(&x->m);
	expect(x, "qmp quit; timer 2000; ", VM_STOPPING, VM_REASON_SHUTDOWN);
	x->m.state = MACHINE_STARTING;
	machine_adopt(&x->m);
	machine_found(&x->m, "prelaunch");
	expect(x, "qmp cont; ", VM_STARTING, VM_REASON_SHUTDOWN);
	machine_found(&x->m, "running");
	expect(x, "(Started Booted) started; ", VM_RUNNING, VM_REASON_BOOTED);
	machine_found(&x->m, "running");
	expect(x, "", VM_RUNNING, VM_REASON_BOOTED);
	x->m.death.lost = true;
	x->m.on_crash = ACTION_RESTART; /* not after the host restarted */
	machine_handle(&x->m, EV_DIED, NULL);
	expect(x, "(Stopped Failed) timer 0; ended; ", VM_OFF, VM_REASON_LOST);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_no_empty_cell),
	    T(test_every_request_is_answered),
	    T(test_start_paused),
	    T(test_suspend_resume),
	    T(test_stopped_by_somebody_else),
	    T(test_io_error),
	    T(test_shutdown),
	    T(test_shutdown_that_cannot_be_asked_for),
	    T(test_reboot_is_a_poweroff_turned),
	    T(test_guest_reboots_instead),
	    T(test_poweroff_restart),
	    T(test_reboot_destroy),
	    T(test_destroy_escalates),
	    T(test_destroy_deaf),
	    T(test_goes_deaf_while_quitting),
	    T(test_asked_by_agent),
	    T(test_panic),
	    T(test_panic_preserve),
	    T(test_crash_restart_backs_off),
	    T(test_panic_coredump),
	    T(test_panic_coredump_restart),
	    T(test_destroy_while_dumping),
	    T(test_watchdog_dump),
	    T(test_watchdog_poweroff),
	    T(test_reboot_preserve),
	    T(test_release),
	    T(test_release_before_restart),
	    T(test_dies_at_start),
	    T(test_dies_running),
	    T(test_ended_from_outside),
	    T(test_sleep_wake),
	    T(test_host_goes_down_with_a_paused_guest),
	    T(test_host_goes_down_with_a_deaf_guest),
	    T(test_save_and_load),
	    T(test_restore),
	    T(test_restore_paused),
	    T(test_adopt),
	};
	return cmocka_run_group_tests_name("machine", tests, NULL, NULL);
}
