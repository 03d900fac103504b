/* list: the table that everybody knows. Definitions are parsed only when asked for what stands in them alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/dispatch.h"
#include "cli/facts.h"
#include "cli/out.h"
#include "core/mem.h"
#include "core/vm.h"

struct identity {
	char uuid[OUT_UUID_MAX]; /* "" unknown: a definition that cannot be read */
	char *title;             /* NULL none */
};

static void identify(const struct home *h, const struct vm *vm, struct identity *id)
{
	struct domain d;
	memset(id, 0, sizeof(*id));
	if (vm->live && vm->head) {
		out_uuid(vm->head->uuid, id->uuid);
		id->title = vm->head->title[0] ? xstrdup(vm->head->title) : NULL;
		return;
	}
	if (facts_definition(h, vm->name, &d, NULL) < 0)
		return;
	if (d.has_uuid)
		out_uuid(d.uuid, id->uuid);
	id->title = TAKE_PTR(d.title);
	domain_fini(&d);
}

/* By default active ones; a filter by state decides by itself. */
static bool selected(const struct cli *c, const struct facts_filter *f, const struct vm *vm)
{
	bool by_state = f->running || f->paused || f->shutoff || f->other;
	bool inactive = cli_flag(c, "inactive");
	if (!cli_flag(c, "all") && !by_state && vm->live == inactive)
		return false;
	return facts_pass(f, vm);
}

static void id_text(const struct vm *vm, char out[16])
{
	if (vm->live && vm->head && vm->head->id)
		snprintf(out, 16, "%u", vm->head->id);
	else
		snprintf(out, 16, "-");
}

static void print_table(struct cli *c, const struct vm *vms, size_t n)
{
	static const char *const heads[] = {"Id", "Name", "State", "Title"};
	bool titles = cli_flag(c, "title");
	struct out_table *t = out_table_new(titles ? 4 : 3, heads);
	for (size_t i = 0; i < n; i++) {
		char id[16];
		struct identity who = {0};
		if (titles)
			identify(&c->home, &vms[i], &who);
		id_text(&vms[i], id);
		out_table_row(t, (const char *const[]){id, vms[i].name, vm_state_word(&vms[i]),
		                     who.title ? who.title : ""});
		free(who.title);
	}
	CLEANUP_BUF struct buf b = BUF_INIT;
	out_table_format(t, !c->quiet, &b);
	fputs(b.data ? b.data : "", stdout);
	out_table_free(t);
}

/* --uuid, --id, --name: in this order, whichever of them. */
static void print_words(struct cli *c, const struct vm *vms, size_t n)
{
	bool uuid = cli_flag(c, "uuid"), id = cli_flag(c, "id"), name = cli_flag(c, "name");
	for (size_t i = 0; i < n; i++) {
		char number[16];
		struct identity who = {0};
		id_text(&vms[i], number);
		if (id && !uuid && !name && number[0] == '-')
			continue;
		if (uuid) {
			identify(&c->home, &vms[i], &who);
			free(who.title);
			fputs(who.uuid[0] ? who.uuid : "-", stdout);
		}
		if (id)
			printf("%s%s", uuid ? " " : "", number);
		if (name)
			printf("%s%s", uuid || id ? " " : "", vms[i].name);
		putchar('\n');
	}
}

static void print_json(struct cli *c, const struct vm *vms, size_t n)
{
	struct json_object *all = json_object_new_array();
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_new_object();
		struct identity who;
		identify(&c->home, &vms[i], &who);
		facts_add_json(o, &vms[i]);
		out_add_str(o, "uuid", who.uuid[0] ? who.uuid : NULL);
		out_add_str(o, "title", who.title);
		free(who.title);
		json_object_array_add(all, o);
	}
	out_json(all);
}

int verb_list(struct cli *c)
{
	struct err err = {0};
	struct vm *vms;
	size_t n, kept = 0;
	bool words = cli_flag(c, "uuid") || cli_flag(c, "id") || cli_flag(c, "name");
	struct facts_filter f = {
	    .running = cli_flag(c, "state-running"),
	    .paused = cli_flag(c, "state-paused"),
	    .shutoff = cli_flag(c, "state-shutoff"),
	    .other = cli_flag(c, "state-other"),
	    .persistent = cli_flag(c, "persistent"),
	    .transient = cli_flag(c, "transient"),
	};
	if (words && cli_flag(c, "table")) {
		out_error("Options --table and --%s are mutually exclusive",
		    cli_flag(c, "name")   ? "name"
		    : cli_flag(c, "uuid") ? "uuid"
		                          : "id");
		return CLI_USAGE;
	}
	if (vm_list_brief(&c->home, &vms, &n, &err) < 0) {
		out_error("%s", err.msg);
		return CLI_FAILED;
	}
	struct vm *chosen = xcalloc(n + 1, sizeof(*chosen));
	for (size_t i = 0; i < n; i++)
		if (selected(c, &f, &vms[i]))
			chosen[kept++] = vms[i];
	facts_sort(chosen, kept);
	if (c->json)
		print_json(c, chosen, kept);
	else if (words)
		print_words(c, chosen, kept);
	else
		print_table(c, chosen, kept);
	/* The answer first, then the repair. */
	fflush(stdout);
	if (!c->readonly)
		vm_adopt_all(&c->home, vms, n);
	free(chosen);
	vm_list_free(vms, n);
	return CLI_DONE;
}
