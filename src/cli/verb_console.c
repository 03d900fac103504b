/* console. */
#include "cli/attach.h"
#include "cli/dispatch.h"
#include "cli/out.h"
#include "serial/console_client.h"

int verb_console(struct cli *c)
{
	struct err err = {0};
	unsigned index = 0;
	const char *device = cli_value(c, "devname");
	if (device && attach_device(device, &index, &err) < 0) {
		out_error("%s", err.msg);
		return CLI_USAGE;
	}
	return attach_console(c, cli_value(c, "domain"), index,
	    cli_flag(c, "force") ? CONSOLE_TAKE : 0, cli_flag(c, "raw"));
}
