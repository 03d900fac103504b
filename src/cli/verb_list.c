/* list: the table that everybody knows. Documents are read only when asked for what stands in them alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/dispatch.h"
#include "cli/facts.h"
#include "cli/out.h"
#include "core/autostart.h"
#include "core/domain_meta.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/snapshots.h"
#include "core/store.h"
#include "core/str.h"
#include "core/vm.h"
#include "core/xml.h"
#include "kvm/restore.h"

/* What a document says of its domain beside its hardware. */
struct identity {
	char uuid[OUT_UUID_MAX]; /* "" unknown: a definition that cannot be read */
	char *title;             /* NULL none */
	struct domain_meta meta;
};

/* What is shown, and which are: found out once. */
struct listing {
	struct cli *c;
	struct facts_filter state;
	bool documents; /* they have to be read */
	char **marked;  /* names with an autostart mark, sorted; NULL not asked for */
	size_t n_marked;
};

static void identity_fini(struct identity *id)
{
	free(id->title);
	domain_meta_fini(&id->meta);
}

/* The stored document; a domain that runs without one has its live document. */
static int read_document(const struct home *h, const struct vm *vm, struct buf *xml)
{
	CLEANUP_FREE char *live = home_run_file(h, vm->name, "live.xml");
	if (vm->defined)
		return store_read(h, vm->name, xml, NULL);
	return file_read(live, STORE_XML_MAX, xml, NULL);
}

static void identify(const struct home *h, const struct vm *vm, struct identity *id)
{
	CLEANUP_BUF struct buf xml = BUF_INIT;
	memset(id, 0, sizeof(*id));
	if (vm->live && vm->head)
		out_uuid(vm->head->uuid, id->uuid);
	if (read_document(h, vm, &xml) < 0 || !xml.data)
		return;
	domain_meta_parse(xml.data, xml.len, vm->name, &id->meta, NULL);
	CLEANUP_XML xmlDoc *doc = xml_read(xml.data, xml.len, vm->name, "domain", NULL);
	const xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;
	CLEANUP_FREE char *uuid = xml_child_text(root, "uuid");
	if (!id->uuid[0] && uuid && strlen(uuid) < OUT_UUID_MAX)
		snprintf(id->uuid, sizeof(id->uuid), "%s", uuid);
	id->title = xml_child_text(root, "title");
}

/* --- which --- */
static int by_name(const void *word, const void *item)
{
	return strcmp(word, *(char *const *)item);
}

static bool is_marked(const struct listing *l, const char *name)
{
	return l->n_marked &&
	       bsearch(name, l->marked, l->n_marked, sizeof(*l->marked), by_name) != NULL;
}

/* A pair of options that chooses those that have something and those that have not: both, or none, let all pass. */
static bool pair_passes(const struct cli *c, const char *with, const char *without, bool has)
{
	bool yes = cli_flag(c, with), no = cli_flag(c, without);
	return yes == no || yes == has;
}

static bool has_snapshots(const struct listing *l, const char *name)
{
	return snapshots_count(&l->c->home, name) > 0;
}

static bool words_pass(const struct listing *l, const struct vm *vm)
{
	unsigned n;
	const char *const *tags = cli_values(l->c, "tag", &n);
	const char *group = cli_value(l->c, "group");
	struct domain_meta m;
	if (n == 0 && !group)
		return true;
	(void)facts_meta(&l->c->home, vm->name, &m, NULL);
	bool passes = !group || domain_meta_in_group(&m, group);
	for (unsigned i = 0; i < n; i++)
		passes &= domain_meta_has_tag(&m, tags[i]);
	domain_meta_fini(&m);
	return passes;
}

/* By default active ones; a filter by state decides by itself. */
static bool selected(const struct listing *l, const struct vm *vm)
{
	const struct cli *c = l->c;
	const struct facts_filter *f = &l->state;
	bool by_state = f->running || f->paused || f->shutoff || f->other;
	if (!cli_flag(c, "all") && !by_state && vm->live == cli_flag(c, "inactive"))
		return false;
	if (!facts_pass(f, vm))
		return false;
	if (l->marked && !pair_passes(c, "autostart", "no-autostart", is_marked(l, vm->name)))
		return false;
	if (cli_flag(c, "with-snapshot") != cli_flag(c, "without-snapshot") &&
	    cli_flag(c, "with-snapshot") != has_snapshots(l, vm->name))
		return false;
	if (cli_flag(c, "with-managed-save") != cli_flag(c, "without-managed-save") &&
	    cli_flag(c, "with-managed-save") != restore_is_managed(&c->home, vm->name))
		return false;
	/* Nothing of this kind is kept. */
	if (!pair_passes(c, "with-checkpoint", "without-checkpoint", false))
		return false;
	return words_pass(l, vm);
}

/* --- how --- */
static void id_text(const struct vm *vm, char out[16])
{
	if (vm->live && vm->head && vm->head->id)
		snprintf(out, 16, "%u", vm->head->id);
	else
		snprintf(out, 16, "-");
}

/* virsh's --managed-save marks those whose next start goes on somewhere. */
static const char *state_word(const struct listing *l, const struct vm *vm)
{
	if (!vm->live && cli_flag(l->c, "managed-save") &&
	    restore_is_managed(&l->c->home, vm->name))
		return "saved";
	return vm_state_word(vm);
}

static char *join_tags(const struct domain_meta *m)
{
	struct buf b = BUF_INIT;
	for (size_t i = 0; i < m->n_tags; i++)
		buf_addf(&b, "%s%s", i ? "," : "", m->tags[i]);
	return buf_take(&b);
}

static void print_table(const struct listing *l, const struct vm *vms, size_t n)
{
	const char *heads[6] = {"Id", "Name", "State"};
	bool titles = cli_flag(l->c, "title"), tags = cli_flag(l->c, "tags");
	size_t cols = 3;
	if (titles)
		heads[cols++] = "Title";
	if (tags) {
		heads[cols++] = "Group";
		heads[cols++] = "Tags";
	}
	struct out_table *t = out_table_new(cols, heads);
	for (size_t i = 0; i < n; i++) {
		char id[16];
		struct identity who = {0};
		if (l->documents)
			identify(&l->c->home, &vms[i], &who);
		CLEANUP_FREE char *words = join_tags(&who.meta);
		id_text(&vms[i], id);
		const char *cells[6] = {id, vms[i].name, state_word(l, &vms[i])};
		size_t at = 3;
		if (titles)
			cells[at++] = who.title ? who.title : "";
		if (tags) {
			cells[at++] = who.meta.group ? who.meta.group : "-";
			cells[at++] = words;
		}
		out_table_row(t, cells);
		identity_fini(&who);
	}
	CLEANUP_BUF struct buf b = BUF_INIT;
	out_table_format(t, !l->c->quiet, &b);
	fputs(b.data ? b.data : "", stdout);
	out_table_free(t);
}

/* --uuid, --id, --name: in this order, whichever of them. */
static void print_words(const struct listing *l, const struct vm *vms, size_t n)
{
	const struct cli *c = l->c;
	bool uuid = cli_flag(c, "uuid"), id = cli_flag(c, "id"), name = cli_flag(c, "name");
	for (size_t i = 0; i < n; i++) {
		char number[16];
		id_text(&vms[i], number);
		if (id && !uuid && !name && number[0] == '-')
			continue;
		if (uuid) {
			struct identity who;
			identify(&c->home, &vms[i], &who);
			fputs(who.uuid[0] ? who.uuid : "-", stdout);
			identity_fini(&who);
		}
		if (id)
			printf("%s%s", uuid ? " " : "", number);
		if (name)
			printf("%s%s", uuid || id ? " " : "", vms[i].name);
		putchar('\n');
	}
}

static void print_json(const struct listing *l, const struct vm *vms, size_t n)
{
	struct json_object *all = json_object_new_array();
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_new_object();
		struct identity who;
		identify(&l->c->home, &vms[i], &who);
		facts_add_json(o, &vms[i]);
		out_add_str(o, "uuid", who.uuid[0] ? who.uuid : NULL);
		out_add_str(o, "title", who.title);
		out_add_bool(o, "autostart", is_marked(l, vms[i].name));
		facts_add_meta_json(o, &who.meta);
		identity_fini(&who);
		json_object_array_add(all, o);
	}
	out_json(all);
}

static void print(const struct listing *l, const struct vm *vms, size_t n, bool words)
{
	if (l->c->json)
		print_json(l, vms, n);
	else if (words)
		print_words(l, vms, n);
	else
		print_table(l, vms, n);
}

/* --- the verb --- */
static int listing_init(struct listing *l, struct cli *c, struct err *err)
{
	*l = (struct listing){.c = c};
	l->state = (struct facts_filter){
	    .running = cli_flag(c, "state-running"),
	    .paused = cli_flag(c, "state-paused"),
	    .shutoff = cli_flag(c, "state-shutoff"),
	    .other = cli_flag(c, "state-other"),
	    .persistent = cli_flag(c, "persistent"),
	    .transient = cli_flag(c, "transient"),
	};
	l->documents = cli_flag(c, "title") || cli_flag(c, "tags");
	if (c->json || cli_flag(c, "autostart") || cli_flag(c, "no-autostart"))
		return autostart_names(&c->home, &l->marked, &l->n_marked, err);
	return 0;
}

static int list(struct cli *c, bool words, struct err *err)
{
	struct vm *vms;
	struct listing l;
	size_t n, kept = 0;
	if (listing_init(&l, c, err) < 0)
		return -1;
	if (vm_list_brief(&c->home, &vms, &n, err) < 0) {
		store_names_free(l.marked);
		return -1;
	}
	struct vm *chosen = xcalloc(n + 1, sizeof(*chosen));
	for (size_t i = 0; i < n; i++)
		if (selected(&l, &vms[i]))
			chosen[kept++] = vms[i];
	facts_sort(chosen, kept);
	print(&l, chosen, kept, words);
	/* The answer first, then the repair. */
	fflush(stdout);
	if (!c->readonly)
		vm_adopt_all(&c->home, vms, n);
	free(chosen);
	vm_list_free(vms, n);
	store_names_free(l.marked);
	return 0;
}

int verb_list(struct cli *c)
{
	struct err err = {0};
	bool words = cli_flag(c, "uuid") || cli_flag(c, "id") || cli_flag(c, "name");
	const char *group = cli_value(c, "group");
	if (words && cli_flag(c, "table")) {
		out_error("Options --table and --%s are mutually exclusive",
		    cli_flag(c, "name")   ? "name"
		    : cli_flag(c, "uuid") ? "uuid"
		                          : "id");
		return CLI_USAGE;
	}
	if ((!group || domain_meta_group_check(group, &err) == 0) && list(c, words, &err) == 0)
		return CLI_DONE;
	out_error("%s", err.msg);
	return CLI_FAILED;
}
