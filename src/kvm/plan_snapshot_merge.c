/* A snapshot that put overlays on top of its disks' images deleted while the guest runs: what was written since goes down
 * into the images that the snapshot kept, and every document that names an overlay names the image below from then on. */
#include <stdlib.h>
#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/plan_chain.h"
#include "kvm/plan_merge.h"
#include "kvm/plan_snapshot.h"
#include "kvm/plan_snapshot_off.h"

/* What a path is called from now on. */
struct moved {
	char *from, *to, *format;
};

struct merging {
	const struct plan_in *in;
	const struct snapshot *s;
	struct plan *p;
	struct moved *moved;
	size_t n;
};

static void merging_fini(struct merging *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->moved[i].from);
		free(m->moved[i].to);
		free(m->moved[i].format);
	}
	free(m->moved);
}

static ssize_t find_link(const struct plan_chain *c, const char *path)
{
	for (size_t i = 0; i < c->n; i++)
		if (str_eq(c->link[i].path, path))
			return (ssize_t)i;
	return -1;
}

static int merge_chain(
    struct merging *m, const struct plan_chain *c, const struct snapshot_disk *sd, struct err *err)
{
	ssize_t at = find_link(c, sd->file);
	if (at < 0 || (size_t)at + 1 >= c->n)
		return err_set(err, ERR_STATE,
		    "disk '%s' is not made of '%s' any more: delete snapshot '%s' while the domain is off, or forget it alone "
		    "with --metadata",
		    sd->name, sd->file, m->s->name);
	const struct plan_merge how = {.top = (size_t)at, .base = (size_t)at + 1, .remove = true};
	if (plan_commit_add(m->p, m->in, c, &how, err) < 0)
		return -1;
	const struct plan_link *base = &c->link[at + 1];
	m->moved = xreallocarray(m->moved, m->n + 1, sizeof(*m->moved));
	m->moved[m->n++] =
	    (struct moved){xstrdup(sd->file), xstrdup(base->path), xstrdup(base->format)};
	return 0;
}

static int merge_disk(struct merging *m, const struct snapshot_disk *sd, struct err *err)
{
	size_t i;
	struct plan_chain c;
	if (sd->kind != SNAPSHOT_EXTERNAL || sd->file == NULL)
		return 0;
	if (plan_disk_find(m->in->live, sd->name, &i, err) < 0 ||
	    plan_chain_get(m->in, i, &c, err) < 0)
		return -1;
	int rc = merge_chain(m, &c, sd, err);
	plan_chain_fini(&c);
	return rc;
}

/* --- the documents of the others --- */

static int move_text(const struct merging *m, char **xml, struct err *err)
{
	for (size_t i = 0; *xml != NULL && i < m->n; i++) {
		const struct moved *v = &m->moved[i];
		char *fresh = plan_off_moved(*xml, v->from, v->to, v->format, err);
		if (fresh == NULL)
			return -1;
		free(*xml);
		*xml = fresh;
	}
	return 0;
}

static int move_document(const struct merging *m, const char *name, struct err *err)
{
	struct snapshot was, s;
	if (str_eq(name, m->s->name))
		return 0;
	if (plan_snapshot_read(m->in, name, &was, err) < 0)
		return -1;
	int rc = plan_snapshot_read(m->in, name, &s, err);
	if (rc == 0) {
		rc = move_text(m, &s.domain, err);
		if (rc == 0)
			rc = move_text(m, &s.inactive, err);
		if (rc == 0)
			rc = plan_off_add_write(&was, &s, m->p, err);
		snapshot_fini(&s);
	}
	snapshot_fini(&was);
	return rc;
}

static int move_documents(const struct merging *m, struct err *err)
{
	struct json_object *list = json_get_arr(plan_fact(m->in, "snapshots"), "list");
	size_t n = list == NULL ? 0 : json_object_array_length(list);
	for (size_t i = 0; m->n > 0 && i < n; i++)
		if (move_document(
		        m, json_get_str(json_object_array_get_idx(list, i), "name"), err) < 0)
			return -1;
	return 0;
}

int plan_snapshot_merge(
    const struct plan_in *in, const struct snapshot *s, struct plan *p, struct err *err)
{
	struct merging m = {.in = in, .s = s, .p = p};
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < s->n_disks; i++)
		rc = merge_disk(&m, &s->disks[i], err);
	/* The images are what they are now; so shall the documents be. */
	if (rc == 0 && m.n > 0)
		plan_commit(p);
	if (rc == 0)
		rc = move_documents(&m, err);
	if (rc == 0 && s->memory_file != NULL)
		plan_host(p, "remove the guest's memory", "remove",
		    plan_args("path", s->memory_file, NULL))
		    ->flags = PLAN_MAY_FAIL;
	merging_fini(&m);
	return rc;
}
