/* setmem, setmaxmem, update-memory-device: how much memory a guest has. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/device_doc.h"
#include "cli/out.h"
#include "cli/plan_verb.h"
#include "core/domain.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/units.h"
#include "kvm/plan_memory.h"

/* virsh's scaled integers, KiB by default, rounded up to them. false: that has been said. */
static bool take_size(const struct cli *c, const char *option, uint64_t *kib)
{
	struct err err = {0};
	const char *text = cli_value(c, option);
	size_t digits = strspn(text, "0123456789");
	CLEANUP_FREE char *number = xstrndup(text, digits);
	if (digits > 0 && units_kib(number, text + digits, DOMAIN_MEMORY_MAX_KIB, kib, &err) == 0)
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

/* --- update-memory-device --- */

static void write_request(void *arg, xmlNode *device)
{
	plan_memory_request(device, *(const uint64_t *)arg);
}

static int print_memory(struct cli *c, int64_t node, struct err *err)
{
	CLEANUP(device_doc_fini) struct device_doc doc = {0};
	uint64_t kib;
	if (!take_size(c, "requested-size", &kib))
		return CLI_FAILED;
	bool config = cli_flag(c, "config") && !cli_flag(c, "live");
	if (device_doc_open(c, config, &doc, err) < 0)
		return -1;
	const struct domain_memdev *m = plan_memory_find(&doc.d, cli_value(c, "alias"), node, err);
	if (m == NULL || plan_memory_check(m, kib, err) < 0)
		return -1;
	return device_doc_print(&doc, m->element, write_request, &kib, err);
}

static int run_memory(struct cli *c, int64_t node)
{
	struct json_object *args = json_object_new_object();
	if (cli_value(c, "alias") != NULL)
		out_add_str(args, "alias", cli_value(c, "alias"));
	if (node >= 0)
		json_object_object_add(args, "node", json_object_new_int64(node));
	return run_size(c, "requested-size", args);
}

int verb_update_memory_device(struct cli *c)
{
	struct err err = {0};
	const char *node = cli_value(c, "node");
	uint64_t n = 0;
	if (cli_value(c, "requested-size") == NULL) {
		out_error(
		    "nothing to change: --requested-size SIZE says what the guest is to have");
		return CLI_FAILED;
	}
	if (node != NULL && str_u64(node, UINT16_MAX, &n) < 0) {
		out_error(
		    "Numeric value '%s' for <node> option is malformed or out of range", node);
		return CLI_FAILED;
	}
	int64_t wanted = node != NULL ? (int64_t)n : -1;
	if (!cli_flag(c, "print-xml"))
		return run_memory(c, wanted);
	int status = print_memory(c, wanted, &err);
	if (status >= 0)
		return status;
	return out_refusal(NULL, &err);
}
