/* What is known of one snapshot: snapshot-info, snapshot-dumpxml, snapshot-current, snapshot-parent. */
#include <stdio.h>
#include <unistd.h>
#include <json-c/json.h>

#include "cli/document.h"
#include "cli/out.h"
#include "cli/snapshot.h"
#include "core/audit.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "core/timestamp.h"

/* --- snapshot-info --- */
static size_t descendants(const struct snapshots *all, size_t of)
{
	size_t n = 0;
	for (size_t i = 0; i < all->n; i++)
		n += snapshots_is_below(all, i, of);
	return n;
}

static void print_json(const struct snapshot_call *s)
{
	struct json_object *o = snapshot_json(&s->all, s->i);
	out_add_str(o, "domain", s->domain);
	out_add_u64(o, "children", snapshots_children(&s->all, s->i));
	out_add_u64(o, "descendants", descendants(&s->all, s->i));
	out_json(o);
}

static void print_info(const struct snapshot_call *s)
{
	const struct snapshot *it = &s->all.v[s->i];
	printf("%-15s %s\n", "Name:", it->name);
	printf("%-15s %s\n", "Domain:", s->domain);
	printf("%-15s %s\n", "Current:", s->i == s->all.current ? "yes" : "no");
	printf("%-15s %s\n", "State:", snapshot_state_name(it->state));
	printf("%-15s %s\n", "Location:", snapshot_is_external(it) ? "external" : "internal");
	printf("%-15s %s\n", "Parent:", it->parent != NULL ? it->parent : "-");
	printf("%-15s %zu\n", "Children:", snapshots_children(&s->all, s->i));
	printf("%-15s %zu\n", "Descendants:", descendants(&s->all, s->i));
	printf("%-15s %s\n", "Metadata:", "yes");
}

int verb_snapshot_info(struct cli *c)
{
	struct err err = {0};
	CLEANUP(snapshot_call_fini) struct snapshot_call s = {.c = c};
	if (snapshot_call_open(c, &s, &err) < 0 ||
	    snapshot_call_find(&s, "snapshotname", true, &err) < 0)
		return out_refusal(NULL, &err);
	if (c->json)
		print_json(&s);
	else
		print_info(&s);
	return CLI_DONE;
}

/* --- snapshot-dumpxml --- */
static int print_xml(const struct snapshot *s, const char *xpath, bool wrap, struct err *err)
{
	size_t n;
	CLEANUP_FREE char *text = snapshot_format(s, &n, err);
	return text != NULL ? document_print(text, n, "domainsnapshot", xpath, wrap, err) : -1;
}

int verb_snapshot_dumpxml(struct cli *c)
{
	struct err err = {0};
	CLEANUP(snapshot_call_fini) struct snapshot_call s = {.c = c};
	if (snapshot_call_open(c, &s, &err) < 0 ||
	    snapshots_need(&s.all, cli_value(c, "snapshotname"), &s.i, &err) < 0 ||
	    print_xml(&s.all.v[s.i], cli_value(c, "xpath"), cli_flag(c, "wrap"), &err) < 0)
		return out_refusal(NULL, &err);
	return CLI_DONE;
}

/* --- snapshot-current --- */
static int set_current(struct snapshot_call *s, const char *name, struct err *err)
{
	struct cli *c = s->c;
	if (c->readonly)
		return err_set(
		    err, ERR_DENIED, "operation snapshot-current forbidden for read only access");
	CLEANUP_CLOSE int lock = store_lock(&c->home, err);
	if (lock < 0 || snapshots_need(&s->all, name, &s->i, err) < 0 ||
	    snapshots_set_current(&c->home, s->domain, name, err) < 0)
		return -1;
	audit_write(&c->home, s->domain, "uid=%u pid=%d what=snapshot-current name=%s result=ok",
	    (unsigned)getuid(), (int)getpid(), name);
	out_message(c, "Snapshot %s set as current", name);
	return 0;
}

static int show_current(struct snapshot_call *s, struct err *err)
{
	if (s->all.current == SNAPSHOTS_NONE)
		return err_set(
		    err, ERR_NOT_FOUND, "domain '%s' has no current snapshot", s->domain);
	const struct snapshot *it = &s->all.v[s->all.current];
	if (!cli_flag(s->c, "name"))
		return print_xml(it, NULL, false, err);
	puts(it->name);
	return 0;
}

int verb_snapshot_current(struct cli *c)
{
	struct err err = {0};
	const char *name = cli_value(c, "snapshotname");
	CLEANUP(snapshot_call_fini) struct snapshot_call s = {.c = c};
	if (snapshot_exclusive(c, "name", "snapshotname", &err) < 0 ||
	    snapshot_call_open(c, &s, &err) < 0)
		return out_refusal(NULL, &err);
	int rc = name != NULL ? set_current(&s, name, &err) : show_current(&s, &err);
	return rc == 0 ? CLI_DONE : out_refusal(NULL, &err);
}

/* --- snapshot-parent --- */
int verb_snapshot_parent(struct cli *c)
{
	struct err err = {0};
	CLEANUP(snapshot_call_fini) struct snapshot_call s = {.c = c};
	if (snapshot_call_open(c, &s, &err) < 0 ||
	    snapshot_call_find(&s, "snapshotname", true, &err) < 0)
		return out_refusal(NULL, &err);
	const struct snapshot *it = &s.all.v[s.i];
	if (c->json) {
		struct json_object *o = json_object_new_object();
		out_add_str(o, "name", it->name);
		out_add_str(o, "parent", it->parent);
		out_json(o);
		return CLI_DONE;
	}
	if (it->parent == NULL) {
		err_set(&err, ERR_NOT_FOUND, "snapshot '%s' has no parent", it->name);
		return out_refusal(NULL, &err);
	}
	puts(it->parent);
	return CLI_DONE;
}
