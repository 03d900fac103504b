#include "cli/snapshot.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <json-c/json.h>

#include "cli/out.h"
#include "core/audit.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/vm.h"

int snapshot_exclusive(const struct cli *c, const char *a, const char *b, struct err *err)
{
	if (!cli_flag(c, a) || !cli_flag(c, b))
		return 0;
	return err_set(err, ERR_USAGE, "Options --%s and --%s are mutually exclusive", a, b);
}

static void tell_trouble(const struct snapshots *all)
{
	for (const char *line = all->trouble.data; line != NULL && *line != '\0';) {
		size_t n = strcspn(line, "\n");
		out_warning("%.*s", (int)n, line);
		line += n + (line[n] == '\n');
	}
}

int snapshot_call_open(struct cli *c, struct snapshot_call *s, struct err *err)
{
	*s = (struct snapshot_call){.c = c, .i = SNAPSHOTS_NONE, .all.current = SNAPSHOTS_NONE};
	s->domain = vm_resolve(&c->home, cli_value(c, "domain"), err);
	if (s->domain == NULL || snapshots_load(&c->home, s->domain, &s->all, err) < 0)
		return -1;
	tell_trouble(&s->all);
	return 0;
}

void snapshot_call_fini(struct snapshot_call *s)
{
	snapshots_fini(&s->all);
	free(s->domain);
}

int snapshot_call_find(struct snapshot_call *s, const char *by, bool need, struct err *err)
{
	const char *name = cli_value(s->c, by);
	bool current = cli_flag(s->c, "current");
	if (name != NULL && current)
		return err_set(
		    err, ERR_USAGE, "Options --%s and --current are mutually exclusive", by);
	if (name != NULL)
		return snapshots_need(&s->all, name, &s->i, err);
	if (!current)
		return need ? err_set(err, ERR_USAGE, "--%s or --current is required", by) : 0;
	s->i = s->all.current;
	return s->i != SNAPSHOTS_NONE
	           ? 0
	           : err_set(err, ERR_NOT_FOUND,
	                 "Domain snapshot not found: the domain does not have a current snapshot");
}

/* --- documents that users wrote --- */
static int check_parent(const struct snapshots *all, const struct snapshot *it, struct err *err)
{
	size_t own = snapshots_find(all, it->name);
	if (it->parent == NULL)
		return 0;
	size_t above = snapshots_find(all, it->parent);
	if (above == SNAPSHOTS_NONE)
		return err_set(
		    err, ERR_INVALID, "parent %s for snapshot %s not found", it->parent, it->name);
	if (above == own)
		return err_set(
		    err, ERR_INVALID, "cannot set snapshot %s as its own parent", it->name);
	if (own != SNAPSHOTS_NONE && snapshots_is_below(all, above, own))
		return err_set(
		    err, ERR_INVALID, "parent %s would create cycle to %s", it->parent, it->name);
	return 0;
}

/* libvirt's rule: what a document does not say, the one that is there goes on saying. */
static int keep_known(const struct snapshot *was, struct snapshot *it, struct err *err)
{
	bool was_off = was->state == SNAPSHOT_SHUTOFF;
	if (it->state == SNAPSHOT_NOSTATE)
		it->state = was->state;
	if (was_off != (it->state == SNAPSHOT_SHUTOFF))
		return err_set(err, ERR_INVALID,
		    "cannot change between online and offline snapshot state in snapshot %s",
		    it->name);
	if (it->domain == NULL)
		it->domain = xstrdup0(was->domain);
	if (it->inactive == NULL)
		it->inactive = xstrdup0(was->inactive);
	if (it->created == 0)
		it->created = was->created;
	return 0;
}

int snapshot_redefine(
    struct snapshot_call *s, struct snapshot *it, bool replace, bool current, struct err *err)
{
	const struct home *h = &s->c->home;
	if (it->name == NULL)
		return err_set(err, ERR_INVALID, "the document has no <name>");
	CLEANUP_CLOSE int lock = store_lock(h, err);
	if (lock < 0)
		return -1;
	size_t own = snapshots_find(&s->all, it->name);
	if (own != SNAPSHOTS_NONE && !replace)
		return err_set(err, ERR_EXISTS,
		    "operation failed: domain snapshot '%s' already exists", it->name);
	if (check_parent(&s->all, it, err) < 0)
		return -1;
	if (own != SNAPSHOTS_NONE) {
		struct snapshot was;
		int rc = snapshots_read(h, s->domain, it->name, &was, err);
		if (rc == 0)
			rc = keep_known(&was, it, err);
		snapshot_fini(&was);
		if (rc < 0)
			return -1;
	}
	if (it->state == SNAPSHOT_NOSTATE)
		return err_set(err, ERR_INVALID,
		    "missing state from existing snapshot: <state> says what the guest did then");
	if (snapshots_write(h, s->domain, it, false, current, err) < 0)
		return -1;
	audit_write(h, s->domain, "uid=%u pid=%d what=%s name=%s result=ok", (unsigned)getuid(),
	    (int)getpid(), s->c->verb->name, it->name);
	return 0;
}

/* --- JSON --- */
static struct json_object *disks_json(const struct snapshot *s)
{
	struct json_object *list = json_object_new_array();
	for (size_t i = 0; i < s->n_disks; i++) {
		struct json_object *o = json_object_new_object();
		out_add_str(o, "name", s->disks[i].name);
		out_add_str(o, "snapshot", snapshot_kind_name(s->disks[i].kind));
		out_add_str(o, "file", s->disks[i].file);
		json_object_array_add(list, o);
	}
	return list;
}

struct json_object *snapshot_json(const struct snapshots *all, size_t i)
{
	const struct snapshot *s = &all->v[i];
	struct json_object *o = json_object_new_object();
	out_add_str(o, "name", s->name);
	out_add_str(o, "description", s->description);
	out_add_u64(o, "created", s->created);
	out_add_str(o, "state", snapshot_state_name(s->state));
	out_add_str(o, "parent", s->parent);
	out_add_bool(o, "current", i == all->current);
	out_add_str(o, "location", snapshot_is_external(s) ? "external" : "internal");
	out_add_bool(o, "memory", snapshot_has_memory(s));
	out_add_str(o, "schedule", s->schedule);
	json_object_object_add(o, "disks", disks_json(s));
	return o;
}
