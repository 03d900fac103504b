#include "cli/imgcmd_copy.h"

#include "cli/imgcmd.h"

void imgcmd_copy_lost(void *call, const struct err *err)
{
	if (call)
		(void)imgcmd_fail(call, err);
}
