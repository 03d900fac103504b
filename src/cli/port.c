#include "cli/port.h"

#include "core/str.h"
#include "serial/console_port.h"

int port_option(const struct cli *c, const char *name, unsigned *index, struct err *err)
{
	const char *port = cli_value(c, "port"), *device = cli_value(c, "devname");
	*index = 0;
	if (port && device && !str_eq(port, device))
		return err_set(err, ERR_USAGE, "--port and --devname name two consoles: '%s', '%s'",
		    port, device);
	if (!port && !device)
		return 0;
	return console_port_find(&c->home, name, port ? port : device, index, err);
}
