/* shutdown: how a guest is asked to power off or reboot (--mode), and how long it is waited for
 * (--timeout, --force). Owner: the verbs shutdown and reboot. */
#ifndef CLI_SHUTDOWN_H
#define CLI_SHUTDOWN_H

#include "cli/dispatch.h"
#include "core/err.h"

enum { SHUTDOWN_ACPI = 1, SHUTDOWN_AGENT = 2, SHUTDOWN_TIMEOUT_MAX_S = 86400 };

/* The value of --mode; 0 without one. */
unsigned shutdown_modes(const struct cli *c);
/* Should the guest's agent be asked first? As virsh: when that was said, or nothing was said and an agent
 * answers. */
bool shutdown_by_agent(const struct home *h, const char *name, unsigned modes);
/* Asks it by its agent. */
int shutdown_ask_agent(const struct home *h, const char *name, bool reboot, struct err *err);

/* Waits until all of names (n of them) have ended, for ms at most, and says so of each; what runs then is destroyed when
 * force, else told as an error. How many were not ended. */
unsigned shutdown_await(struct cli *c, char *const *names, unsigned n, uint64_t ms, bool force);

#endif
