/* setmem, setmaxmem, update-memory-device: how much memory a guest has. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/out.h"
#include "cli/plan_verb.h"
#include "core/domain.h"
#include "core/mem.h"
#include "core/units.h"

/* virsh's scaled integers, KiB by default, rounded up to them. false: that has been said. */
static bool take_size(const struct cli *c, const char *option, uint64_t *kib)
{
	struct err err = {0};
	const char *text = cli_value(c, option);
	size_t digits = strspn(text, "0123456789");
	CLEANUP_FREE char *number = xstrndup(text, digits);
	if (digits > 0 && units_kib(number, text + digits, DOMAIN_MEMORY_MAX_KIB, kib, &err) == 0 &&
	    *kib > 0)
		return true;
	out_error(
	    "Scaled numeric value '%s' for <%s> option is malformed or out of range: 512M, 4G, or KiB",
	    text, option);
	return false;
}

static int run_size(struct cli *c, const char *option, struct json_object *args)
{
	uint64_t kib;
	if (!take_size(c, option, &kib)) {
		json_object_put(args);
		return CLI_FAILED;
	}
	json_object_object_add(args, "kib", json_object_new_int64((int64_t)kib));
	struct plan_request r = {.args = args};
	return plan_verb_run(c, &r);
}

int verb_setmem(struct cli *c)
{
	return run_size(c, "size", json_object_new_object());
}

int verb_setmaxmem(struct cli *c)
{
	return run_size(c, "size", json_object_new_object());
}
