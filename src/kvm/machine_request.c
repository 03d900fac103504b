/* What operators ask of a QEMU: each request is answered once. */
#include "core/err.h"
#include "kvm/machine_impl.h"

static void refuse_with(struct machine *m, void *req, const char *why)
{
	struct err err;
	if (req == NULL)
		return;
	err_set(&err, ERR_STATE, "domain '%s' %s", m->name, why);
	m->ops->reply(m->arg, req, &err);
}

void machine_do_suspend(struct machine *m, void *req)
{
	m->stop_asked = m->ops->qmp(m->arg, "stop", req);
}

void machine_done_already(struct machine *m, void *req)
{
	machine_done(m, req);
}

void machine_do_resume(struct machine *m, void *req)
{
	m->ops->qmp(m->arg, "cont", req);
}

void machine_do_wake(struct machine *m, void *req)
{
	m->ops->qmp(m->arg, "system_wakeup", req);
}

void machine_runs_already(struct machine *m, void *req)
{
	refuse_with(m, req, "is already running");
}

void machine_do_shutdown(struct machine *m, void *req)
{
	if (!m->ops->qmp(m->arg, "system_powerdown", req))
		return;
	m->reboot = false;
	machine_go(m, MACHINE_ASKED, VM_REASON_USER);
}

void machine_do_reboot(struct machine *m, void *req)
{
	if (!m->ops->qmp(m->arg, "system_powerdown", req))
		return;
	m->reboot = true;
	machine_go(m, MACHINE_ASKED, VM_REASON_USER);
}

/* A guest that does not run cannot hear its power button. When the host itself goes down, ending
 * QEMU in good order (its images are flushed) is the best that is left. */
void machine_shut_paused(struct machine *m, void *req)
{
	if (m->no_restart)
		machine_quit(m, VM_REASON_DESTROYED, false);
	else
		refuse_with(m, req,
		    "is paused and cannot hear its power button: resume it first, or destroy it");
}

void machine_do_destroy(struct machine *m, void *req)
{
	if (req != NULL && m->n_waiters == MACHINE_WAITERS_MAX) {
		refuse_with(m, req, "is being ended already, and too many requests wait for it");
		return;
	}
	if (req != NULL)
		m->waiters[m->n_waiters++] = req;
	if (m->state == MACHINE_QUITTING)
		m->restart = false;
	else
		machine_quit(m, VM_REASON_DESTROYED, false);
}

void machine_destroy_waiting(struct machine *m, void *req)
{
	machine_tell(m, "Stopped", "Destroyed");
	if (req != NULL)
		m->waiters[m->n_waiters++] = req; /* none waits in this state: it has room */
	machine_finish(m, VM_REASON_DESTROYED);
}

/* Nothing is left to destroy, but its end is not complete. */
void machine_await_end(struct machine *m, void *req)
{
	if (req == NULL)
		return;
	if (m->n_waiters == MACHINE_WAITERS_MAX)
		refuse_with(m, req, "has ended, and too many requests wait for its hooks");
	else
		m->waiters[m->n_waiters++] = req;
}

void machine_refuse(struct machine *m, void *req)
{
	static const char *const why[MACHINE_STATES] = {
	    [MACHINE_OFF] = "is not running",
	    [MACHINE_STARTING] = "is still being started: try again, or destroy it",
	    [MACHINE_RUNNING] = "is running",
	    [MACHINE_PAUSED] = "is paused",
	    [MACHINE_ASKED] = "is shutting down",
	    [MACHINE_SLEEPING] = "is suspended to memory by its guest: resume it first",
	    [MACHINE_RESETTING] = "is being reset: try again",
	    [MACHINE_PRESERVED] = "has crashed and is kept for inspection: reset or destroy it",
	    [MACHINE_DUMPING] =
	        "is kept stopped while its memory is written to a file: wait, or destroy it",
	    [MACHINE_QUITTING] = "is being ended",
	    [MACHINE_WAITING] = "crashed and will be started again: wait, or destroy it",
	    [MACHINE_RELEASING] = "has ended; its hooks still run",
	    [MACHINE_ENDED] = "is not running",
	};
	refuse_with(m, req, why[m->state]);
}

/* One that cannot hear its power button now either. */
void machine_shut_deaf(struct machine *m, void *req)
{
	if (m->no_restart)
		machine_quit(m, VM_REASON_DESTROYED, false);
	else
		machine_refuse(m, req);
}

/* A crashed guest is of no use but with its hardware reset, so it goes on after that. */
void machine_reset_preserved(struct machine *m, void *req)
{
	machine_done(m, req);
	machine_reset_and_go_on(m);
}
