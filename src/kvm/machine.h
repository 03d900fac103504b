/* machine: the life of one QEMU as a state × event table. Pure: no socket, no clock, no process; it
 * acts through machine_ops. Owner: the supervisor, embedded.
 *
 * Its state is kept in the status page (machine_save), so that the next supervisor goes on where a
 * killed one stood: machine_load, then what QEMU says it is (`query-status`) is delivered as the
 * event that was missed. */
#ifndef KVM_MACHINE_H
#define KVM_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/domain.h"
#include "core/err.h"
#include "core/status.h"

enum machine_state {
	MACHINE_OFF = 0,  /* before the first start */
	MACHINE_STARTING, /* QEMU is being made, or waits for its first `cont` */
	MACHINE_RUNNING,
	MACHINE_PAUSED,
	MACHINE_ASKED,     /* the power button was pressed; the guest still runs */
	MACHINE_SLEEPING,  /* suspended to memory by the guest */
	MACHINE_RESETTING, /* powered off; is reset and then goes on in the same QEMU */
	MACHINE_PRESERVED, /* crashed, its QEMU kept stopped for inspection */
	MACHINE_DUMPING,   /* stopped; its memory is written to a file, then m->then */
	MACHINE_QUITTING,  /* QEMU was told to end */
	MACHINE_WAITING,   /* no QEMU: starts again when the timer fires */
	MACHINE_RELEASING, /* no QEMU any more; what comes after its end is being done */
	MACHINE_ENDED,
	MACHINE_STATES
};

enum machine_event {
	/* from QEMU, or what QEMU was found to be */
	EV_PRELAUNCH, /* connected, never run: ready for `cont` */
	EV_RESUMED,   /* vCPUs run */
	EV_STOPPED,   /* vCPUs stopped, by whomever */
	EV_RESET,
	EV_POWEROFF,   /* the guest powered off; QEMU waits */
	EV_REBOOT_OFF, /* the guest rebooted where QEMU turns that into a power-off */
	EV_QUIT,       /* QEMU ends by itself: a signal from outside, QMP's quit */
	EV_PANICKED,
	EV_IOERROR,       /* stopped by a disk error */
	EV_WATCHDOG,      /* stopped by the watchdog */
	EV_WATCHDOG_DUMP, /* … to have its memory written to a file, and to go on */
	EV_WATCHDOG_OFF,  /* the watchdog pulls the plug: QEMU ends by itself */
	EV_INTERNAL,      /* stopped by an error inside QEMU or KVM */
	EV_SLEEP,
	EV_WAKE,
	/* from the host */
	EV_DIED, /* the process is gone; m->death says how */
	EV_TIMER,
	EV_DUMPED,   /* ops->dump is over, well or not */
	EV_RELEASED, /* ops->release is over */
	EV_ASKED,    /* the guest's agent took a shutdown or a reboot */
	EV_RESTORED, /* ops->restore is over: what was saved is loaded */
	/* requests of operators; each is answered once through ops->reply */
	EV_DO_SUSPEND,
	EV_DO_RESUME,
	EV_DO_RESET,
	EV_DO_SHUTDOWN,
	EV_DO_REBOOT,
	EV_DO_DESTROY,
	MACHINE_EVENTS
};

#define MACHINE_QUIT_MS 2000 /* QMP quit → SIGTERM */
#define MACHINE_TERM_MS 3000 /* SIGTERM → SIGKILL */
#define MACHINE_BACKOFF_MAX_S 60
#define MACHINE_STEADY_S 60 /* a run this long starts the back-off anew */
#define MACHINE_REBOOT_GRACE_MS \
	5000                   /* after our own reset, before a reboot ends the domain again */
#define MACHINE_WAITERS_MAX 64 /* requests waiting for the end at a time; more are refused */

struct machine_ops {
	/* Sends a command to QEMU; req (may be NULL) is replied to with its outcome. false: it could not be
	 * sent, and req has heard why. */
	bool (*qmp)(void *arg, const char *command, void *req);
	/* QMP's set-action: what a guest's reboot does from now on ("reset", "shutdown"). */
	void (*set_reboot)(void *arg, const char *action);
	/* Why did QEMU stop? Answered by EV_STOPPED, EV_IOERROR … */
	void (*ask)(void *arg);
	void (*timer)(void *arg, unsigned ms); /* one EV_TIMER after ms; 0 takes it back */
	void (*signal)(void *arg, int sig);
	/* Can it hear us? false: stopped by SIGSTOP, or its monitor is gone. */
	bool (*answers)(void *arg);
	/* The state changed: publish it. */
	void (*changed)(void *arg);
	/* For subscribers, in virsh event's words: "lifecycle", "Started", "Booted". */
	void (*event)(void *arg, const char *event, const char *what, const char *why);
	void (*reply)(void *arg, void *req, const struct err *err); /* err NULL: done */
	void (*started)(void *arg); /* a start came to its good end */
	void (*spawn)(void *arg);   /* make a new QEMU; a failure comes back as EV_DIED */
	/* Write the guest's memory to a file; comes back as EV_DUMPED in any case. Asked again of a dump that
	 * goes on (also one that a killed supervisor began), it waits for that. */
	void (*dump)(void *arg);
	/* Load what was saved, instead of running; EV_RESTORED when it is done, the end of QEMU when it cannot be. Asked again of one that
	 * goes on (also one that a killed supervisor began), it waits for that. */
	void (*restore)(void *arg);
	/* QEMU is gone: do what follows its end. true: EV_RELEASED comes when that is done. */
	bool (*release)(void *arg);
	void (*ended)(void *arg); /* nothing is left to supervise */
};

struct machine_death {
	bool known; /* the exit status is known (our own child) */
	bool clean; /* exit status 0 */
	bool lost;  /* found gone at adoption after the host restarted, or it had never been made */
};

enum machine_then { THEN_DESTROY, THEN_RESTART, THEN_RESUME };

struct machine {
	const struct machine_ops *ops;
	void *arg;
	const char *name; /* for messages, borrowed */
	enum domain_action on_poweroff, on_reboot, on_crash;
	enum machine_state state;
	enum vm_reason
	    reason; /* why the state is what it is; in QUITTING: what will be said at the end */
	bool start_paused;
	bool reboot;     /* the power-off to come is a reboot's */
	bool restart;    /* in QUITTING: start again afterwards */
	bool stop_asked; /* we sent `stop` */
	enum vm_reason
	    stop_for; /* a plan stops the guest: what it is paused for then; UNKNOWN none does */
	bool
	    restoring; /* in STARTING: ops->restore before the first `cont`; reason says what it is */
	bool plug_pulled;       /* by the watchdog: the end to come is a power-off */
	enum machine_then then; /* after a dump */
	bool no_restart;        /* the host goes down: on_* = restart do not count */
	unsigned escalation;    /* in QUITTING: 0 quit sent, 1 SIGTERM sent, 2 SIGKILL sent */
	unsigned attempts;      /* restarts in a row */
	bool steady;            /* this run lasted MACHINE_STEADY_S: set by the owner */
	struct machine_death death;
	void *waiters[MACHINE_WAITERS_MAX];
	unsigned n_waiters;
};

/* MACHINE_OFF → MACHINE_STARTING; the owner makes the first QEMU. */
void machine_start(struct machine *m);
/* req: an operator's request, NULL for other events (and for requests that nobody waits for). */
void machine_handle(struct machine *m, enum machine_event ev, void *req);
/* QMP's run state ("running", "prelaunch", "io-error" …) delivered as the event that was missed. */
void machine_found(struct machine *m, const char *runstate);
/* After machine_load with a QEMU that lives: carries on what was being done (quit, back-off). */
void machine_adopt(struct machine *m);

/* QEMU has done its work (its state is saved): it is ended, and the machine with that reason. false: there is none to end. */
bool machine_end(struct machine *m, enum vm_reason reason);

/* What the page shows. */
enum vm_state machine_vm_state(const struct machine *m);
unsigned machine_backoff_s(const struct machine *m);
/* The machine's own memory in 32 bits, for the status page. load returns false on a word that makes
 * no sense. */
uint32_t machine_save(const struct machine *m);
bool machine_load(struct machine *m, uint32_t word);

const char *machine_state_name(enum machine_state s);
/* For the test that no cell is empty. */
bool machine_cell_filled(enum machine_state s, enum machine_event ev);

#endif
