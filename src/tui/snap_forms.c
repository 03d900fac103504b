#include "tui/snap_forms.h"

#include <string.h>
#include <time.h>

#include "cli/table.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "tui/actions.h"
#include "tui/view_form.h"

static bool verb_has(const char *verb, const char *option)
{
	const struct verb *v = verb_find(verb);
	return v && opt_find(v->opts, option, strlen(option));
}

/* --- a new one --- */

enum { NEW_NAME, NEW_WORDS, NEW_WHAT, NEW_QUIESCE };
#define WHAT_ALL "memory and disks"
#define WHAT_DISKS "disks only, in new files"
#define WHAT_INSIDE "inside the images"
#define WHAT_FILES "in new files"

static const struct form_field new_fields[] = {
    [NEW_NAME] = {.label = "Name", .help = "without one it is named by the present time"},
    [NEW_WORDS] = {.label = "Description",
        .help = "what it is good for, for whoever reads the list"},
    [NEW_WHAT] = {.label = "What is kept",
        .kind = FORM_CHOICE,
        .help = "memory: going back goes on at this moment. New files: quick, no memory, a chain"},
    [NEW_QUIESCE] = {.label = "Quiesce",
        .kind = FORM_MARK,
        .help = "the guest's agent freezes its file systems meanwhile; for disks only"},
};

static bool new_is_disks(const struct form *f)
{
	const char *what = form_text(f, NEW_WHAT);
	return !strcmp(what, WHAT_DISKS) || !strcmp(what, WHAT_FILES);
}

static const char *new_check(const struct form *f, unsigned *at)
{
	if (form_mark(f, NEW_QUIESCE) && !new_is_disks(f)) {
		*at = NEW_QUIESCE;
		return "With the memory there is nothing to quiesce: choose disks only, or take the mark away";
	}
	if (strchr(form_text(f, NEW_NAME), '/')) {
		*at = NEW_NAME;
		return "A name has no '/' in it: a file is called by it";
	}
	return NULL;
}

static void new_compose(const struct form *f, struct form_words *w)
{
	form_words_option(w, "--name", form_text(f, NEW_NAME));
	form_words_option(w, "--description", form_text(f, NEW_WORDS));
	if (new_is_disks(f))
		form_words_add(w, "--disk-only");
	if (form_mark(f, NEW_QUIESCE))
		form_words_add(w, "--quiesce");
}

const struct form_spec snap_spec_new = {.title = "new snapshot",
    .verb = "snapshot-create-as",
    .fields = new_fields,
    .n = ARRAY_LEN(new_fields),
    .check = new_check,
    .compose = new_compose};

static bool new_fill(struct app *app, struct form *f, void *arg)
{
	static const char *const live[] = {WHAT_ALL, WHAT_DISKS, NULL};
	static const char *const off[] = {WHAT_INSIDE, WHAT_FILES, NULL};
	bool runs = action_live(app, f->domain);
	(void)arg;
	form_choices(f, NEW_WHAT, runs ? live : off, NULL);
	if (!runs)
		form_hide(f, NEW_QUIESCE);
	return true;
}

void snap_form_new(struct app *app, const char *domain)
{
	view_form_open(app, &snap_spec_new, domain, new_fill, NULL);
}

/* --- back to one --- */

enum { REVERT_SAFETY, REVERT_THEN };
#define THEN_AS "as it was"
#define THEN_RUNS "running"
#define THEN_PAUSED "paused"

static const char *const then_words[] = {THEN_AS, THEN_RUNS, THEN_PAUSED, NULL};
static const struct form_field revert_fields[] = {
    [REVERT_SAFETY] = {.label = "Safety snapshot first",
        .kind = FORM_MARK,
        .initial = "yes",
        .help = "what is now is kept, too, and can be gone back to"},
    [REVERT_THEN] = {.label = "Afterwards it is",
        .kind = FORM_CHOICE,
        .choices = then_words,
        .help = "as it was: running if it ran then, off if it was off"},
};

static void revert_compose(const struct form *f, struct form_words *w)
{
	const char *then = form_text(f, REVERT_THEN);
	form_words_add(w, f->subject);
	if (form_mark(f, REVERT_SAFETY))
		form_words_add(w, "--safety-snapshot");
	if (!strcmp(then, THEN_RUNS))
		form_words_add(w, "--running");
	else if (!strcmp(then, THEN_PAUSED))
		form_words_add(w, "--paused");
}

/* With a safety snapshot nothing is, and it says so. */
static char *revert_losses(const struct form *f)
{
	return form_mark(f, REVERT_SAFETY)
	           ? xasprintf(
	                 "nothing for good: a safety snapshot is taken first, of %s", f->losses)
	           : xstrdup(f->losses);
}

const struct form_spec snap_spec_revert = {.title = "back to a snapshot",
    .verb = "snapshot-revert",
    .fields = revert_fields,
    .n = ARRAY_LEN(revert_fields),
    .losses = revert_losses,
    .compose = revert_compose};

static void age_of(const struct snap_row *r, char out[STR_HUMAN_MAX])
{
	uint64_t now = (uint64_t)time(NULL);
	memcpy(out, "?", 2);
	if (r->created && now >= r->created)
		str_age(now - r->created, out);
}

static void about(struct form *f, const struct snap_row *r)
{
	char when[32] = "", age[STR_HUMAN_MAX];
	age_of(r, age);
	if (r->created)
		timestamp_local(r->created, "%Y-%m-%d %H:%M", when, sizeof(when));
	form_note(f, "%s: made %s, %s ago%s%s", r->shown, when, age, *r->description ? ": " : "",
	    r->description);
	f->subject = xstrdup(r->name);
}

static bool revert_fill(struct app *app, struct form *f, void *arg)
{
	const struct snap_row *r = arg;
	char age[STR_HUMAN_MAX];
	bool live = action_live(app, f->domain);
	about(f, r);
	age_of(r, age);
	f->losses = xasprintf("all that %s wrote to its disks since '%s' (%s)%s", f->domain,
	    r->shown, age, live ? ", and what it is doing now" : "");
	form_note(f, "Without a safety snapshot lost: %s", f->losses);
	if (!verb_has("snapshot-revert", "safety-snapshot"))
		form_hide(f, REVERT_SAFETY);
	return true;
}

void snap_form_revert(struct app *app, const char *domain, const struct snap_row *r)
{
	view_form_open(app, &snap_spec_revert, domain, revert_fill, (void *)(uintptr_t)r);
}

/* --- away with one --- */

enum { DELETE_WHAT, DELETE_METADATA };
#define DELETE_ONE "this one alone"
#define DELETE_ALL "this one and all below it"
#define DELETE_BELOW "all below it"

static const char *const delete_words[] = {DELETE_ONE, DELETE_ALL, DELETE_BELOW, NULL};
static const struct form_field delete_fields[] = {
    [DELETE_WHAT] = {.label = "What goes",
        .kind = FORM_CHOICE,
        .choices = delete_words,
        .help = "alone: what stands on it stands on its parent afterwards"},
    [DELETE_METADATA] = {.label = "Only its record",
        .kind = FORM_MARK,
        .help = "the images stay as they are; only what hvmux knows of it goes"},
};

static void delete_compose(const struct form *f, struct form_words *w)
{
	const char *what = form_text(f, DELETE_WHAT);
	form_words_add(w, f->subject);
	if (!strcmp(what, DELETE_ALL))
		form_words_add(w, "--children");
	else if (!strcmp(what, DELETE_BELOW))
		form_words_add(w, "--children-only");
	if (form_mark(f, DELETE_METADATA))
		form_words_add(w, "--metadata");
}

const struct form_spec snap_spec_delete = {.title = "delete a snapshot",
    .verb = "snapshot-delete",
    .fields = delete_fields,
    .n = ARRAY_LEN(delete_fields),
    .compose = delete_compose};

static bool delete_fill(struct app *app, struct form *f, void *arg)
{
	const struct snap_row *r = arg;
	(void)app;
	about(f, r);
	f->losses = xasprintf("the way back to '%s'; what the guest sees now stays", r->shown);
	if (!r->below)
		form_hide(f, DELETE_WHAT);
	else
		form_note(
		    f, "%u snapshot%s below it.", r->below, r->below == 1 ? " stands" : "s stand");
	return true;
}

void snap_form_delete(struct app *app, const char *domain, const struct snap_row *r)
{
	view_form_open(app, &snap_spec_delete, domain, delete_fill, (void *)(uintptr_t)r);
}

/* --- by the clock --- */

enum { SCHEDULE_EVERY, SCHEDULE_KEEP, SCHEDULE_DISKS };

static const struct form_field schedule_fields[] = {
    [SCHEDULE_EVERY] = {.label = "Every",
        .initial = "6h",
        .required = true,
        .help = "30m, 6h, 1d: how often one is made"},
    [SCHEDULE_KEEP] = {.label = "Keep",
        .initial = "7d",
        .required = true,
        .help = "how long; only snapshots that the schedule made are ever deleted"},
    [SCHEDULE_DISKS] = {.label = "Disks only",
        .kind = FORM_MARK,
        .help = "without the guest's memory"},
};

static void schedule_compose(const struct form *f, struct form_words *w)
{
	form_words_option(w, "--every", form_text(f, SCHEDULE_EVERY));
	form_words_option(w, "--keep", form_text(f, SCHEDULE_KEEP));
	if (form_mark(f, SCHEDULE_DISKS))
		form_words_add(w, "--disk-only");
}

const struct form_spec snap_spec_schedule = {.title = "snapshots by the clock",
    .verb = "snapshot-schedule",
    .fields = schedule_fields,
    .n = ARRAY_LEN(schedule_fields),
    .compose = schedule_compose};

void snap_form_schedule(struct app *app, const char *domain)
{
	view_form_open(app, &snap_spec_schedule, domain, NULL, NULL);
}
