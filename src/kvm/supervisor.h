/* supervisor: the process "hvmux: NAME", parent and only manager of one QEMU (doc/HACKING.md,
 * "Processes"). */
#ifndef KVM_SUPERVISOR_H
#define KVM_SUPERVISOR_H

#include "core/home.h"
#include "core/vm.h"

/* VM_SPAWN_* of core/vm.h, by the names of this room. */
enum {
	SUPERVISOR_PAUSED = VM_SPAWN_PAUSED,
	SUPERVISOR_ADOPT = VM_SPAWN_ADOPT,
	SUPERVISOR_THROWAWAY = VM_SPAWN_THROWAWAY,
};

/* Runs until the VM has ended; returns the exit status. ready_fd (>= 0, taken): one line is written
 * to it once the outcome of the start is known, "ok\n" or "error CODE MESSAGE\n" (CODE an enum
 * err_code, MESSAGE to the end of the line, its line ends as \x0a), then it is closed. */
int supervisor_main(const struct home *h, const char *name, unsigned flags, int ready_fd);

#endif
