/* domiftune: how much goes over an interface, shown and changed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/device_doc.h"
#include "cli/out.h"
#include "cli/plan_verb.h"
#include "cli/rates.h"
#include "core/mem.h"
#include "core/str.h"

#define FAILED_SET "Unable to set interface parameters"
#define FAILED_GET "Unable to get interface parameters"

static const char *const directions[] = {"inbound", "outbound"};

/* --- showing --- */

static void print(const struct cli *c, const struct domain_net *net)
{
	struct json_object *o = c->json ? json_object_new_object() : NULL;
	for (size_t i = 0; i < ARRAY_LEN(directions); i++)
		for (unsigned k = 0; k < RATE_FIELDS - i; k++) {
			const char *field = rates_field(k);
			CLEANUP_FREE char *name = xasprintf("%s.%s", directions[i], field);
			CLEANUP_FREE char *attr =
			    xasprintf("bandwidth/%s@%s", directions[i], field);
			uint64_t v = attrs_number(&net->attrs, attr, 0);
			if (o != NULL)
				out_add_u64(o, name, v);
			else
				printf("%-15s: %" PRIu64 "\n", name, v);
		}
	if (o != NULL)
		out_json(o);
}

static int show(struct cli *c, struct err *err)
{
	CLEANUP(device_doc_fini) struct device_doc doc = {0};
	const char *word = cli_value(c, "interface");
	size_t i;
	if (device_doc_open_shown(c, &doc, err) < 0)
		return -1;
	if (!domain_net_find(&doc.d, word, &i))
		return err_set(
		    err, ERR_INVALID, "invalid argument: '%s' is not a known interface", word);
	print(c, &doc.d.nets[i]);
	return 0;
}

/* --- changing --- */

/* "" takes a limit away: an average of 0. */
static int add_rate(
    const struct cli *c, const char *direction, struct json_object *o, struct err *err)
{
	const char *text = cli_value(c, direction);
	uint64_t v[RATE_FIELDS];
	if (text == NULL)
		return 0;
	if (rates_read(direction, text, v, err) < 0)
		return -1;
	CLEANUP_FREE char *rate = xasprintf("%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64,
	    v[RATE_AVERAGE], v[RATE_PEAK], v[RATE_BURST], v[RATE_FLOOR]);
	out_add_str(o, direction, v[RATE_AVERAGE] > 0 ? rate : "");
	return 0;
}

int verb_domiftune(struct cli *c)
{
	struct err err = {0};
	struct json_object *args = json_object_new_object();
	bool set = cli_value(c, "inbound") != NULL || cli_value(c, "outbound") != NULL;
	out_add_str(args, "interface", cli_value(c, "interface"));
	if (set && !c->readonly && add_rate(c, "inbound", args, &err) == 0 &&
	    add_rate(c, "outbound", args, &err) == 0) {
		const struct plan_request r = {.args = args, .failed = FAILED_SET};
		return plan_verb_run(c, &r);
	}
	json_object_put(args);
	if (set && c->readonly) {
		out_error("operation %s forbidden for read only access", c->verb->name);
		return CLI_FAILED;
	}
	if (!set && show(c, &err) == 0)
		return CLI_DONE;
	if (!set)
		out_error(FAILED_GET);
	return out_refusal(NULL, &err);
}
