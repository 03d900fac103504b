/* detach: this program again, in a process that nothing reaches that happens to the caller's session: twice forked, in a
 * session of its own, with nothing of the caller's open. Under systemd too: logind's KillUserProcesses spares root by
 * default, and who wants more has units for supervisors. */
#ifndef CORE_DETACH_H
#define CORE_DETACH_H

#include <stdbool.h>

#include "core/err.h"
#include "core/home.h"

#define DETACH_READY_FD 3

struct detach {
	const char *what;     /* for messages: "the supervisor of 'web1'" */
	const struct home *h; /* HVMUX_HOME is set to where it is */
	char *const *argv;    /* words for this program, the first being its name */
	int (*run)(
	    void *arg); /* not NULL: a fork calls it instead, and ends with what it returns */
	void *arg;
	int ready; /* becomes descriptor 3 of the process; -1 none */
	bool
	    keep_folder; /* its words may name files relative to the present folder; else it is "/" */
};

/* Returns once the process exists; whether it can do what it should it tells by `ready`. */
int detach(const struct detach *d, struct err *err);

#endif
