/* What there is: pool-list, pool-info, pool-dumpxml, pool-name, pool-uuid. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/document.h"
#include "cli/out.h"
#include "cli/storage.h"
#include "core/mem.h"
#include "core/str.h"

/* A pool, and how full it is where that can be told. */
struct view {
	const struct pool *pool;
	bool known;
	struct pool_facts facts;
	char uuid[OUT_UUID_MAX];
	const char *state; /* libvirt's word: "inaccessible" where its storage does not answer */
};

static void look(struct view *v, const struct pool *pool, bool facts)
{
	struct err err = {0};
	*v = (struct view){.pool = pool, .state = pool_state_word(pool)};
	out_uuid(pool->def.uuid, v->uuid);
	if (!facts || !pool->active)
		return;
	v->known = pool_look(pool, &v->facts, &err) == 0;
	if (v->known)
		return;
	v->state = "inaccessible";
	out_warning("pool '%s': %s", pool->def.name, err.msg);
}

static void add_bytes(struct json_object *o, const char *key, bool known, uint64_t bytes)
{
	if (known)
		out_add_u64(o, key, bytes);
	else
		out_add_str(o, key, NULL);
}

static struct json_object *json_of(const struct view *v)
{
	const struct pool *p = v->pool;
	struct json_object *o = json_object_new_object();
	out_add_str(o, "name", p->def.name);
	out_add_str(o, "uuid", v->uuid);
	out_add_str(o, "type", pool_type_name(p->def.type));
	out_add_str(o, "state", v->state);
	out_add_bool(o, "persistent", p->persistent);
	out_add_bool(o, "autostart", p->autostart);
	out_add_str(o, "target", p->def.target);
	add_bytes(o, "capacity_bytes", v->known, v->facts.capacity);
	add_bytes(o, "allocation_bytes", v->known, v->facts.allocation);
	add_bytes(o, "available_bytes", v->known, v->facts.available);
	return o;
}

/* --- pool-list --- */
struct filter {
	bool active, inactive, persistent, transient, autostart, no_autostart;
	bool types[POOL_TYPES], any_type;
};

static int read_types(const char *list, struct filter *f, struct err *err)
{
	f->any_type = list == NULL;
	for (const char *p = list; p != NULL && *p != '\0';) {
		size_t n = strcspn(p, ",");
		CLEANUP_FREE char *word = xstrndup(p, n);
		int t = pool_type_find(word);
		if (t < 0)
			return err_set(err, ERR_INVALID, "Invalid pool type '%s'", word);
		f->types[t] = true;
		p += n + (p[n] == ',');
	}
	return 0;
}

static bool passes(const struct filter *f, const struct pool *p)
{
	if (p->active ? !f->active : !f->inactive)
		return false;
	if ((f->persistent || f->transient) && !(p->persistent ? f->persistent : f->transient))
		return false;
	if ((f->autostart || f->no_autostart) && !(p->autostart ? f->autostart : f->no_autostart))
		return false;
	return f->any_type || f->types[p->def.type];
}

static void add_row(struct out_table *t, const struct view *v, bool details)
{
	const struct pool *p = v->pool;
	char sizes[3][STORAGE_SIZE_MAX] = {"-", "-", "-"};
	const char *mark = p->autostart ? "yes" : "no";
	if (!details) {
		out_table_row(
		    t, (const char *const[]){p->def.name, p->active ? "active" : "inactive", mark});
		return;
	}
	if (v->known) {
		storage_pretty(v->facts.capacity, sizes[0]);
		storage_pretty(v->facts.allocation, sizes[1]);
		storage_pretty(v->facts.available, sizes[2]);
	}
	out_table_row(t, (const char *const[]){p->def.name, v->state, mark,
	                     p->persistent ? "yes" : "no", sizes[0], sizes[1], sizes[2]});
}

static void print_names(const struct cli *c, const struct view *v)
{
	if (cli_flag(c, "uuid"))
		printf("%s%s", v->uuid, cli_flag(c, "name") ? " " : "\n");
	if (cli_flag(c, "name"))
		printf("%-20s\n", v->pool->def.name);
}

static void print_list(struct cli *c, const struct view *views, size_t n)
{
	static const char *const heads[] = {
	    "Name", "State", "Autostart", "Persistent", "Capacity", "Allocation", "Available"};
	bool details = cli_flag(c, "details");
	if (cli_flag(c, "uuid") || cli_flag(c, "name")) {
		for (size_t i = 0; i < n; i++)
			print_names(c, &views[i]);
		return;
	}
	struct out_table *t = out_table_new(details ? 7 : 3, heads);
	for (size_t i = 0; i < n; i++)
		add_row(t, &views[i], details);
	CLEANUP_BUF struct buf b = BUF_INIT;
	out_table_format(t, !c->quiet, &b);
	fputs(b.data != NULL ? b.data : "", stdout);
	out_table_free(t);
}

static void print_json(const struct view *views, size_t n)
{
	struct json_object *all = json_object_new_array();
	for (size_t i = 0; i < n; i++)
		json_object_array_add(all, json_of(&views[i]));
	out_json(all);
}

int verb_pool_list(struct cli *c)
{
	size_t n, kept = 0;
	struct pool *pools;
	struct err err = {0};
	struct filter f = {
	    .active = !cli_flag(c, "inactive"),
	    .inactive = cli_flag(c, "inactive") || cli_flag(c, "all"),
	    .persistent = cli_flag(c, "persistent"),
	    .transient = cli_flag(c, "transient"),
	    .autostart = cli_flag(c, "autostart"),
	    .no_autostart = cli_flag(c, "no-autostart"),
	};
	f.active = f.active || cli_flag(c, "all");
	if (read_types(cli_value(c, "type"), &f, &err) < 0 ||
	    pool_list(&c->home, &pools, &n, &err) < 0) {
		out_error("%s", err.msg);
		return out_status(&err);
	}
	struct view *views = xcalloc(n + 1, sizeof *views);
	for (size_t i = 0; i < n; i++)
		if (passes(&f, &pools[i]))
			look(&views[kept++], &pools[i], c->json || cli_flag(c, "details"));
	if (c->json)
		print_json(views, kept);
	else
		print_list(c, views, kept);
	free(views);
	pool_list_free(pools, n);
	return CLI_DONE;
}

/* --- pool-info --- */
static void print_size(const char *label, uint64_t bytes, bool plain)
{
	char text[STORAGE_SIZE_MAX];
	storage_pretty(bytes, text);
	if (plain)
		printf("%-15s %" PRIu64 "\n", label, bytes);
	else
		printf("%-15s %s\n", label, text);
}

int verb_pool_info(struct cli *c)
{
	struct view v;
	CLEANUP(pool_fini) struct pool pool = {0};
	bool plain = cli_flag(c, "bytes");
	int status = storage_pool(c, "pool", &pool);
	if (status != CLI_DONE)
		return status;
	look(&v, &pool, true);
	if (c->json) {
		out_json(json_of(&v));
		return CLI_DONE;
	}
	printf("%-15s %s\n%-15s %s\n%-15s %s\n%-15s %s\n%-15s %s\n", "Name:", pool.def.name,
	    "UUID:", v.uuid, "State:", v.state, "Persistent:", pool.persistent ? "yes" : "no",
	    "Autostart:", pool.autostart ? "yes" : "no");
	if (v.known) {
		print_size("Capacity:", v.facts.capacity, plain);
		print_size("Allocation:", v.facts.allocation, plain);
		print_size("Available:", v.facts.available, plain);
	}
	return CLI_DONE;
}

/* --- pool-dumpxml --- */
/* An active pool's has the access that its target has. */
static void format_active(struct pool *pool, struct buf *xml)
{
	struct view v;
	look(&v, pool, true);
	uint64_t figures[] = {v.facts.capacity, v.facts.allocation, v.facts.available};
	struct storage_access *a = &pool->def.access;
	if (v.known && v.facts.access.mode >= 0) {
		a->mode = v.facts.access.mode;
		a->owner = v.facts.access.owner;
		a->group = v.facts.access.group;
	}
	pool_def_format(&pool->def, figures, xml);
}

int verb_pool_dumpxml(struct cli *c)
{
	struct err err = {0};
	CLEANUP_BUF struct buf xml = BUF_INIT;
	CLEANUP(pool_fini) struct pool pool = {0};
	int status = storage_pool(c, "pool", &pool);
	if (status != CLI_DONE)
		return status;
	if (pool.active && !cli_flag(c, "inactive")) {
		format_active(&pool, &xml);
	} else {
		static const uint64_t none[3];
		struct pool_def def;
		if (pool_definition(&c->home, &pool, &def, &err) < 0) {
			out_error("%s", err.msg);
			return out_status(&err);
		}
		pool_def_format(&def, none, &xml);
		pool_def_fini(&def);
	}
	if (document_print(
	        xml.data, xml.len, "pool", cli_value(c, "xpath"), cli_flag(c, "wrap"), &err) == 0)
		return CLI_DONE;
	out_error("%s", err.msg);
	return out_status(&err);
}

/* --- pool-name, pool-uuid --- */
static int print_word(struct cli *c, bool uuid)
{
	struct view v;
	CLEANUP(pool_fini) struct pool pool = {0};
	int status = storage_pool(c, "pool", &pool);
	if (status != CLI_DONE)
		return status;
	look(&v, &pool, false);
	if (c->json)
		out_json(json_of(&v));
	else
		puts(uuid ? v.uuid : pool.def.name);
	return CLI_DONE;
}

int verb_pool_name(struct cli *c)
{
	return print_word(c, false);
}

int verb_pool_uuid(struct cli *c)
{
	return print_word(c, true);
}
