/* console. */
#include "cli/attach.h"
#include "cli/dispatch.h"
#include "cli/out.h"
#include "cli/port.h"
#include "core/mem.h"
#include "core/vm.h"
#include "serial/console_client.h"

int verb_console(struct cli *c)
{
	struct err err = {0};
	unsigned index = 0;
	CLEANUP_FREE char *name = vm_resolve(&c->home, cli_value(c, "domain"), &err);
	c->bare = true;
	if (!name || port_option(c, name, &index, &err) < 0) {
		out_error("%s", err.msg);
		return out_status(&err);
	}
	return attach_console(
	    c, name, index, cli_flag(c, "force") ? CONSOLE_TAKE : 0, cli_flag(c, "raw"));
}
