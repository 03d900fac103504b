/* snapshot-edit: a snapshot's document in the operator's editor. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/editor.h"
#include "cli/out.h"
#include "cli/snapshot.h"
#include "core/mem.h"
#include "core/str.h"

struct edit {
	struct snapshot_call *s;
	struct editor *editor;
	char *name;   /* of the one that is edited */
	char *stored; /* under which name it is now */
};

/* Images know it by its first name, whatever the document says from now on. */
static void keep_inside(const struct snapshot *was, struct snapshot *it)
{
	if (it->inside == NULL && !str_eq(was->name, it->name))
		it->inside = xstrdup(snapshot_tag(was));
}

static int check_name(const struct edit *e, const struct snapshot *it, struct err *err)
{
	struct cli *c = e->s->c;
	if (it->name == NULL)
		return err_set(err, ERR_INVALID, "the document has no <name>");
	if (str_eq(it->name, e->name))
		return 0;
	if (!cli_flag(c, "rename") && !cli_flag(c, "clone"))
		return err_set(err, ERR_INVALID, "must use --rename or --clone to change %s to %s",
		    e->name, it->name);
	if (snapshots_find(&e->s->all, it->name) != SNAPSHOTS_NONE)
		return err_set(err, ERR_EXISTS, "there is a snapshot '%s' already", it->name);
	return 0;
}

/* The children go with it: they name their parent. */
static int rename_parent(const struct edit *e, const char *to, struct err *err)
{
	struct snapshots *all = &e->s->all;
	size_t own = snapshots_find(all, e->name);
	for (size_t i = 0; i < all->n; i++) {
		if (all->parent[i] != own)
			continue;
		free(all->v[i].parent);
		all->v[i].parent = xstrdup(to);
		if (snapshots_write(&e->s->c->home, e->s->domain, &all->v[i], false, false, err) <
		    0)
			return -1;
	}
	return 0;
}

/* Only the document: the copy of the variables is the new one's. */
static int forget_old(const struct edit *e, struct err *err)
{
	CLEANUP_FREE char *path = snapshots_path(&e->s->c->home, e->s->domain, e->name);
	return unlink(path) == 0 ? 0 : err_errno(err, errno, "cannot remove '%s'", path);
}

static int store(struct edit *e, struct err *err)
{
	struct cli *c = e->s->c;
	struct snapshot was, it = {0};
	const struct buf *text = editor_text(e->editor);
	if (snapshots_read(&c->home, e->s->domain, e->name, &was, err) < 0)
		return -1;
	bool current = cli_flag(c, "current") && cli_value(c, "snapshotname") != NULL;
	current |=
	    e->s->all.current == snapshots_find(&e->s->all, e->name) && !cli_flag(c, "clone");
	int rc = snapshot_parse(text->data != NULL ? text->data : "", text->len, e->name, &it, err);
	if (rc == 0)
		rc = check_name(e, &it, err);
	if (rc == 0) {
		keep_inside(&was, &it);
		/* A copy of the variables has one owner. */
		if (cli_flag(c, "clone") && !str_eq(it.name, e->name))
			free(TAKE_PTR(it.nvram));
		rc = snapshot_redefine(e->s, &it, true, current, err);
	}
	if (rc == 0 && !str_eq(it.name, e->name) && cli_flag(c, "rename")) {
		rc = rename_parent(e, it.name, err);
		if (rc == 0)
			rc = forget_old(e, err);
	}
	if (rc == 0)
		e->stored = xstrdup(it.name);
	snapshot_fini(&it);
	snapshot_fini(&was);
	return rc;
}

/* 1 stored, 0 nothing was changed, -1. */
static int loop(struct edit *e, struct err *err)
{
	for (bool typed = false;;) {
		int rc = editor_edit(e->editor, err);
		typed |= rc > 0;
		if (rc < 0 || (rc == 0 && !typed))
			return rc;
		if (store(e, err) == 0)
			return 1;
		out_error("%s", err->msg);
		if (editor_ask(e->editor, "Failed. Try again? [y,n]: ", "yn") != 'y')
			return err_set(err, ERR_FAIL, "Failed to edit snapshot %s", e->name);
	}
}

static int edit(struct edit *e, struct err *err)
{
	size_t n;
	struct cli *c = e->s->c;
	CLEANUP_FREE char *xml = snapshot_format(&e->s->all.v[e->s->i], &n, err);
	if (xml == NULL)
		return -1;
	e->editor = editor_new(&c->home, e->s->domain, ".xml", xml, n, err);
	if (e->editor == NULL)
		return -1;
	int rc = loop(e, err);
	if (rc < 0) {
		editor_give_up(e->editor, err);
		return -1;
	}
	editor_done(e->editor);
	if (rc == 0)
		out_message(c, "Snapshot %s XML configuration not changed.", e->name);
	else if (str_eq(e->stored, e->name))
		out_message(c, "Snapshot %s edited.", e->name);
	else
		out_message(c, "Snapshot %s %s to %s.", e->name,
		    cli_flag(c, "clone") ? "cloned" : "renamed", e->stored);
	return 0;
}

/* Which one: --current alone the current one; with a name it says what becomes of that. */
static int find(struct snapshot_call *s, struct err *err)
{
	const char *name = cli_value(s->c, "snapshotname");
	return name != NULL ? snapshots_need(&s->all, name, &s->i, err)
	                    : snapshot_call_find(s, "snapshotname", true, err);
}

int verb_snapshot_edit(struct cli *c)
{
	struct err err = {0};
	CLEANUP(snapshot_call_fini) struct snapshot_call s = {.c = c};
	int rc = snapshot_exclusive(c, "rename", "clone", &err);
	if (rc == 0)
		rc = snapshot_call_open(c, &s, &err);
	if (rc == 0)
		rc = find(&s, &err);
	if (rc == 0) {
		struct edit e = {.s = &s, .name = xstrdup(s.all.v[s.i].name)};
		rc = edit(&e, &err);
		free(e.name);
		free(e.stored);
	}
	if (rc == 0)
		return CLI_DONE;
	out_error("%s", err.msg);
	return out_status(&err);
}
