/* What the status page shows of a machine, and the word in which it keeps the machine's own memory. */
#include "kvm/machine.h"

enum vm_state machine_vm_state(const struct machine *m)
{
	static const enum vm_state shown[MACHINE_STATES] = {
	    [MACHINE_OFF] = VM_OFF,
	    [MACHINE_STARTING] = VM_STARTING,
	    [MACHINE_RUNNING] = VM_RUNNING,
	    [MACHINE_PAUSED] = VM_PAUSED,
	    [MACHINE_ASKED] = VM_SHUTDOWN,
	    [MACHINE_SLEEPING] = VM_PMSUSPENDED,
	    [MACHINE_RESETTING] = VM_RUNNING,
	    [MACHINE_PRESERVED] = VM_CRASHED,
	    [MACHINE_DUMPING] = VM_CRASHED,
	    [MACHINE_QUITTING] = VM_STOPPING,
	    [MACHINE_WAITING] = VM_STARTING,
	    [MACHINE_RELEASING] = VM_STOPPING,
	    [MACHINE_ENDED] = VM_OFF,
	};
	if (m->state == MACHINE_DUMPING && m->then == THEN_RESUME)
		return VM_PAUSED;
	if (m->state == MACHINE_ENDED &&
	    (m->reason == VM_REASON_CRASHED || m->reason == VM_REASON_PANICKED))
		return VM_CRASHED;
	return shown[m->state];
}

unsigned machine_backoff_s(const struct machine *m)
{
	if (m->attempts <= 1)
		return 1;
	return m->attempts > 6 ? MACHINE_BACKOFF_MAX_S : 1u << (m->attempts - 1);
}

const char *machine_state_name(enum machine_state s)
{
	static const char *const names[MACHINE_STATES] = {"off", "starting", "running", "paused",
	    "asked", "sleeping", "resetting", "preserved", "dumping", "quitting", "waiting",
	    "releasing", "ended"};
	return (unsigned)s < MACHINE_STATES ? names[s] : "?";
}

/* Bits 0-3 state, 4-8 reason, 9 start_paused, 10 reboot, 11 restart, 12 no_restart,
 * 13-14 then, 15 restoring, 16-31 attempts.
 */
uint32_t machine_save(const struct machine *m)
{
	return (uint32_t)m->state | (uint32_t)m->reason << 4 | (uint32_t)m->start_paused << 9 |
	       (uint32_t)m->reboot << 10 | (uint32_t)m->restart << 11 |
	       (uint32_t)m->no_restart << 12 | (uint32_t)m->then << 13 |
	       (uint32_t)m->restoring << 15 | (uint32_t)(m->attempts & 0xffff) << 16;
}

bool machine_load(struct machine *m, uint32_t word)
{
	unsigned state = word & 15, reason = word >> 4 & 31;
	unsigned then = word >> 13 & 3;
	if (state >= MACHINE_STATES || reason >= VM_REASON_COUNT || then > THEN_RESUME)
		return false;
	m->state = (enum machine_state)state;
	m->reason = (enum vm_reason)reason;
	m->start_paused = word >> 9 & 1;
	m->reboot = word >> 10 & 1;
	m->restart = word >> 11 & 1;
	m->no_restart = word >> 12 & 1;
	m->then = (enum machine_then)then;
	m->restoring = word >> 15 & 1;
	m->attempts = word >> 16;
	return true;
}
