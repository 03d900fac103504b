/* pending: what differs between a running domain and its next start. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/change.h"
#include "cli/dispatch.h"
#include "cli/out.h"
#include "core/domain_diff.h"
#include "core/mem.h"
#include "core/vm.h"

static const char *or_dash(const char *s)
{
	return s == NULL || s[0] == '\0' ? "-" : s;
}

static void print_table(const struct domain_diff *d, bool heading)
{
	static const char *const heads[] = {"Device", "What", "Now", "Next start"};
	struct out_table *t = out_table_new(ARRAY_LEN(heads), heads);
	for (size_t i = 0; i < d->n; i++) {
		const struct domain_diff_item *x = &d->item[i];
		const char *what = x->kind == DIFF_COMES  ? "comes"
		                   : x->kind == DIFF_GOES ? "goes"
		                                          : or_dash(x->setting);
		out_table_row(
		    t, (const char *const[]){x->device, what, or_dash(x->now), or_dash(x->next)});
	}
	CLEANUP_BUF struct buf b = BUF_INIT;
	out_table_format(t, heading, &b);
	fputs(b.data != NULL ? b.data : "", stdout);
	out_table_free(t);
}

static void print_json(const struct domain_diff *d)
{
	struct json_object *all = json_object_new_array();
	for (size_t i = 0; i < d->n; i++) {
		const struct domain_diff_item *x = &d->item[i];
		struct json_object *o = json_object_new_object();
		out_add_str(o, "device", x->device);
		out_add_str(o, "change", domain_diff_kind_name(x->kind));
		out_add_str(o, "setting", x->setting[0] == '\0' ? NULL : x->setting);
		out_add_str(o, "now", x->now);
		out_add_str(o, "next", x->next);
		json_object_array_add(all, o);
	}
	out_json(all);
}

static int compare(struct cli *c, const char *name, struct domain_diff *d, struct err *err)
{
	CLEANUP_BUF struct buf live = BUF_INIT;
	CLEANUP_BUF struct buf config = BUF_INIT;
	if (change_read(&c->home, name, CHANGE_LIVE, &live, err) < 0 ||
	    change_read(&c->home, name, CHANGE_CONFIG, &config, err) < 0)
		return -1;
	return domain_diff_read(live.data, live.len, config.data, config.len, name, d, err);
}

/* What there is instead of differences; NULL: they are to be looked for. */
static const char *nothing_to_compare(const struct vm *vm)
{
	if (!vm->live)
		return "is off: its next start is as it is defined";
	return vm->defined ? NULL : "has no definition: it is gone when it ends";
}

static int pending(struct cli *c, const char *name, struct err *err)
{
	CLEANUP(domain_diff_fini) struct domain_diff d = {0};
	struct vm vm;
	if (vm_probe(&c->home, name, &vm, err) < 0)
		return -1;
	const char *why = nothing_to_compare(&vm);
	vm_fini(&vm);
	if (why == NULL && compare(c, name, &d, err) < 0)
		return -1;
	if (c->json)
		print_json(&d);
	else if (why != NULL)
		out_message(c, "Domain '%s' %s", name, why);
	else if (d.n == 0)
		out_message(c, "Domain '%s' runs as it is defined: nothing is pending", name);
	else
		print_table(&d, !c->quiet);
	return 0;
}

int verb_pending(struct cli *c)
{
	struct err err = {0};
	CLEANUP_FREE char *name = vm_resolve(&c->home, cli_value(c, "domain"), &err);
	if (name != NULL && pending(c, name, &err) == 0)
		return CLI_DONE;
	out_error("%s", err.msg);
	return out_status(&err);
}
