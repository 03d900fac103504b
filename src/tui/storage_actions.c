#include "tui/storage_actions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "tui/actions.h"
#include "tui/view_confirm.h"
#include "tui/view_palette.h"

#define NOTES_MAX 5

static void run(struct app *app, const char *const *words)
{
	action_line(app, (char *const *)(uintptr_t)words);
}

/* The command is there; what is missing is typed behind it. */
static void finish(struct app *app, const char *const *words, const char *rest)
{
	CLEANUP_FREE char *quoted = jobs_quote(words);
	CLEANUP_FREE char *line = xasprintf("%s%s%s", quoted, *rest ? " " : "", rest);
	if (app->options->readonly)
		app_message(app, STYLE_ERROR,
		    "this dashboard is read only: '%s' would change something", words[0]);
	else
		view_palette_edit(app, line);
}

static bool on_pool(struct app *app, const struct storage_pool *p)
{
	if (!p)
		app_message(app, STYLE_NOTE, "no pool is selected");
	return p != NULL;
}

static bool on_volume(struct app *app, const struct storage_volume *vol, bool trashed)
{
	if (!vol)
		app_message(app, STYLE_NOTE, "no volume is selected");
	else if (vol->trashed && !trashed)
		app_message(app, STYLE_NOTE, "'%s' is in the trash: u brings it back", vol->name);
	else if (!vol->trashed && trashed)
		app_message(app, STYLE_NOTE, "'%s' is not in the trash", vol->name);
	return vol && vol->trashed == trashed;
}

/* --- deletion --- */

/* Volumes of these are files, which have a trash to go to. */
static bool holds_files(const struct storage_pool *p)
{
	return !strcmp(p->type, "dir") || !strcmp(p->type, "fs") || !strcmp(p->type, "netfs");
}

static void notes_of(
    const struct storage_pool *p, const struct storage_volume *vol, char *notes[NOTES_MAX + 1])
{
	char size[STR_HUMAN_MAX];
	unsigned n = 0;
	CLEANUP_FREE char *users = storage_users_text(vol, false);
	str_human(vol->allocation, size);
	notes[n++] = xasprintf("%s  %s, %s on the host", vol->name, vol->format, size);
	if (!vol->users_known)
		notes[n++] = xstrdup("Who uses it is not known yet.");
	else
		notes[n++] =
		    *users ? xasprintf("Used by %s", users) : xstrdup("No domain uses it.");
	if (vol->above)
		notes[n++] = xasprintf("%u volume%s stand%s on it.", vol->above,
		    vol->above == 1 ? "" : "s", vol->above == 1 ? "s" : "");
	notes[n++] =
	    xstrdup(holds_files(p) ? "It goes to the trash of its pool: u brings it back."
	                           : "It is gone at once: a pool of this type has no trash.");
}

static void delete_volume(
    struct app *app, const struct storage_pool *p, const struct storage_volume *vol)
{
	const struct verb *verb = verb_find("vol-delete");
	const char *const words[] = {"vol-delete", "--pool", p->name, vol->name, NULL};
	char *notes[NOTES_MAX + 1] = {0};
	if (!verb || app->options->readonly) {
		run(app, words); /* which says what is wrong */
		return;
	}
	notes_of(p, vol, notes);
	view_confirm_about(app, verb, words, vol->name, (const char *const *)notes);
	for (int i = 0; i < NOTES_MAX; i++)
		free(notes[i]);
}

/* --- volumes --- */

static char *beside(const struct storage_volume *vol, const char *suffix)
{
	const char *slash = strrchr(vol->path, '/'), *dot = strrchr(vol->path, '.');
	int stem =
	    dot && slash && dot > slash + 1 ? (int)(dot - vol->path) : (int)strlen(vol->path);
	return xasprintf("%.*s%s", stem, vol->path, suffix);
}

static void convert(struct app *app, const struct storage_volume *vol, bool compress)
{
	bool raw = strcmp(vol->format, "raw") == 0;
	const char *to = compress || raw ? "qcow2" : "raw";
	CLEANUP_FREE char *out = beside(vol, compress ? "-small.qcow2" : raw ? ".qcow2" : ".raw");
	const char *words[12] = {"job-start", "img", "convert"};
	unsigned n = 3;
	if (compress)
		words[n++] = "-c";
	words[n++] = "-f";
	words[n++] = strcmp(vol->format, "iso") == 0 ? "raw" : vol->format;
	words[n++] = "-O";
	words[n++] = to;
	words[n++] = vol->path;
	words[n++] = out;
	finish(app, words, "");
}

static void act_volume(struct app *app, const struct storage_pool *p,
    const struct storage_volume *vol, const struct storage_binding *b)
{
	const char *const plain[] = {b->verb, "--pool", p->name, vol->name, NULL};
	switch (b->action) {
	case STORAGE_ACT_CLONE:
		finish(app, plain, "--newname ");
		break;
	case STORAGE_ACT_RESIZE:
		finish(app, plain, "--capacity ");
		break;
	case STORAGE_ACT_COMPRESS:
	case STORAGE_ACT_CONVERT:
		convert(app, vol, b->action == STORAGE_ACT_COMPRESS);
		break;
	case STORAGE_ACT_VOLUME:
		if (str_eq(b->verb, "vol-delete"))
			delete_volume(app, p, vol);
		else
			run(app, plain);
		break;
	default:
		run(app, plain);
	}
}

/* --- pools, jobs --- */

static void act_pool(struct app *app, const struct storage_pool *p, const struct storage_binding *b)
{
	const char *const plain[] = {b->verb, p->name, NULL};
	const char *const disable[] = {b->verb, p->name, "--disable", NULL};
	const char *const new[] = {b->verb, "--pool", p->name, NULL};
	if (b->action == STORAGE_ACT_NEW)
		finish(app, new,
		    holds_files(p) ? "--format qcow2 --capacity 10G --name "
		                   : "--capacity 10G --name ");
	else
		run(app, b->action == STORAGE_ACT_AUTOSTART && p->autostart ? disable : plain);
}

static void cancel_job(struct app *app, const struct storage_screen *v)
{
	unsigned at = v->at[STORAGE_JOBS];
	char id[16];
	const char *const words[] = {"job-cancel", id, NULL};
	if (at >= storage_count(v, STORAGE_JOBS)) {
		app_message(app, STYLE_NOTE, "no job is selected");
	} else if (v->facts->jobs[at].state != STORAGE_JOB_RUNS) {
		app_message(app, STYLE_NOTE, "job %u has ended already", v->facts->jobs[at].id);
	} else {
		snprintf(id, sizeof(id), "%u", v->facts->jobs[at].id);
		run(app, words);
	}
}

void storage_act(struct app *app, const struct storage_screen *v, const struct storage_binding *b)
{
	const struct storage_pool *p = storage_pool_at(v);
	const struct storage_volume *vol = storage_volume_at(v);
	const char *const new_pool[] = {b->verb, "--type", "dir", "--target", NULL};
	switch (b->action) {
	case STORAGE_ACT_CANCEL_JOB:
		cancel_job(app, v);
		break;
	case STORAGE_ACT_NEW_POOL:
		finish(app, new_pool, "/srv/images --name ");
		break;
	case STORAGE_ACT_NEW:
	case STORAGE_ACT_POOL:
	case STORAGE_ACT_AUTOSTART:
		if (on_pool(app, p))
			act_pool(app, p, b);
		break;
	case STORAGE_ACT_XML:
		if (v->focus == STORAGE_POOLS && on_pool(app, p))
			act_pool(app, p, b);
		else if (v->focus != STORAGE_POOLS && on_pool(app, p) && on_volume(app, vol, false))
			act_volume(app, p, vol, b);
		break;
	default:
		if (on_pool(app, p) && on_volume(app, vol, b->action == STORAGE_ACT_UNDELETE))
			act_volume(app, p, vol, b);
	}
}

void storage_open(struct app *app, const struct storage_screen *v)
{
	const struct storage_volume *vol = storage_volume_at(v);
	unsigned at = v->at[STORAGE_JOBS];
	char id[16];
	if (v->focus == STORAGE_JOBS && at < storage_count(v, STORAGE_JOBS)) {
		const char *const words[] = {"job-info", id, "--output", NULL};
		snprintf(id, sizeof(id), "%u", v->facts->jobs[at].id);
		run(app, words);
	} else if (v->focus == STORAGE_VOLUMES && on_volume(app, vol, false)) {
		/* -U: it may be in use, and nothing is written. */
		const char *const words[] = {
		    "img", "info", "-U", "--backing-chain", vol->path, NULL};
		run(app, words);
	}
}
