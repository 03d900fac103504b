/* supervise: the hidden verb behind start: becomes the supervisor of one VM. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>

#include "cli/dispatch.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/supervisor.h"

int verb_supervise(struct cli *c)
{
	const char *ready = cli_value(c, "ready-fd");
	uint64_t fd = 0;
	unsigned flags = 0;
	/* An fd that is not open is as good as none: the start goes on, nobody listens. */
	int ready_fd =
	    ready != NULL && str_u64(ready, 1023, &fd) == 0 && fcntl((int)fd, F_GETFD) >= 0
	        ? (int)fd
	        : -1;
	/* The supervisor overwrites the strings of argv with its title. */
	CLEANUP_FREE char *name = xstrdup(cli_value(c, "name"));
	if (cli_flag(c, "paused"))
		flags |= SUPERVISOR_PAUSED;
	if (cli_flag(c, "throwaway"))
		flags |= SUPERVISOR_THROWAWAY;
	if (cli_flag(c, "adopt"))
		flags |= SUPERVISOR_ADOPT;
	return supervisor_main(&c->home, name, flags, ready_fd);
}
