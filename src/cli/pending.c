/* pending: the verb that is still on its way. Goes when it has come. */
#include "cli/dispatch.h"
#include "cli/out.h"

#if !__has_include("cli/verb_supervise.c")
__attribute__((weak)) int verb_supervise(struct cli *c)
{
	out_error("command '%s' is not built in", c->verb->name);
	return CLI_FAILED;
}
#endif
