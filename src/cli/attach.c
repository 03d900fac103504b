#include "cli/attach.h"

#include <stdio.h>
#include <unistd.h>

#include "cli/out.h"
#include "core/mem.h"
#include "core/vm.h"
#include "serial/console_client.h"
#include "tui/tui.h"

int attach_check(struct cli *c, const char *name, unsigned index, struct err *err)
{
	struct vm vm;
	if (vm_probe(&c->home, name, &vm, err) < 0)
		return -1;
	int rc = 0;
	if (!vm.live)
		rc = err_set(err, ERR_STATE, "The domain is not running");
	else if (vm.head && index >= vm.head->consoles && vm.state != VM_STARTING)
		rc = vm.head->consoles == 0
		         ? err_set(err, ERR_NOT_FOUND,
		               "'%s' has no console: add <serial type='pty'/> to its <devices>",
		               name)
		         : err_set(err, ERR_NOT_FOUND,
		               "cannot find character device console%u: '%s' has %u", index, name,
		               vm.head->consoles);
	else if (vm.orphan && vm_spawn_supervisor(&c->home, name, VM_SPAWN_ADOPT, err) < 0 &&
	         err->code != ERR_BUSY)
		rc = -1;
	vm_fini(&vm);
	return rc;
}

static int attach_screen(
    struct cli *c, const char *name, unsigned index, unsigned flags, struct err *err)
{
	const struct tui_console_options o = {
	    .index = index, .flags = flags, .readonly = c->readonly, .escape = c->escape};
	return tui_console(&c->home, name, &o, err);
}

int attach_console(struct cli *c, const char *word, unsigned index, unsigned flags, bool raw)
{
	struct err err = {0};
	CLEANUP_FREE char *name = vm_resolve(&c->home, word, &err);
	c->bare = true;
	raw |= !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO);
	flags = c->readonly ? CONSOLE_READ_ONLY : flags | CONSOLE_KEYBOARD;
	fflush(stdout);
	int rc = name ? attach_check(c, name, index, &err) : -1;
	if (rc == 0)
		rc = raw ? attach_raw(c, name, index, flags, &err)
		         : attach_screen(c, name, index, flags, &err);
	if (rc == 0)
		return CLI_DONE;
	out_error("%s", err.msg);
	return out_status(&err);
}
