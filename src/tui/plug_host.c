#include "tui/plug_host.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "tui/dialog.h"
#include "tui/draw.h"
#include "tui/plug_forms.h"
#include "tui/view_form.h"
#include "tui/view_pick.h"

#define DEVICES_MAX 500
#define TEXT_MAX 200

/* --- what the command says --- */

static char *safe(struct json_object *o, const char *key)
{
	const char *s = json_get_str(o, key);
	return s && *s ? str_printable(s, strlen(s), TEXT_MAX) : NULL;
}

static bool take(struct json_object *o, struct plug_host_device *d)
{
	CLEANUP_FREE char *maker = safe(o, "maker"), *name = safe(o, "name"), *id = safe(o, "id"),
	                  *driver = safe(o, "driver");
	d->address = safe(o, "address");
	if (!d->address)
		return false;
	d->label = xasprintf("%s  %s", d->address, name ? name : maker ? maker : id ? id : "?");
	d->note =
	    xasprintf("%s%s%s", id ? id : "", driver ? "  driver " : "", driver ? driver : "");
	d->refused = safe(o, "refused");
	return true;
}

size_t plug_host_parse(const char *json, size_t n, struct plug_host_device **all)
{
	struct json_tokener *t = json_tokener_new();
	struct json_object *o = json_tokener_parse_ex(t, json, n > INT32_MAX ? 0 : (int)n);
	size_t len = json_object_is_type(o, json_type_array) ? json_object_array_length(o) : 0,
	       k = 0;
	json_tokener_free(t);
	*all = xcalloc(DEVICES_MAX, sizeof(**all));
	for (size_t i = 0; i < len && k < DEVICES_MAX; i++)
		k += take(json_object_array_get_idx(o, i), &(*all)[k]);
	json_object_put(o);
	return k;
}

void plug_host_free(struct plug_host_device *all, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(all[i].address);
		free(all[i].label);
		free(all[i].note);
		free(all[i].refused);
	}
	free(all);
}

/* --- the form --- */

enum { HOST_WHEN };

static const char *const when_words[] = {PLUG_WHEN_BOTH, PLUG_WHEN_NOW, PLUG_WHEN_NEXT, NULL};
static const struct form_field host_fields[] = {
    [HOST_WHEN] = {.label = "When",
        .kind = FORM_CHOICE,
        .choices = when_words,
        .help = "the host has it no more while the guest has it"},
};

static void host_compose(const struct form *f, struct form_words *w)
{
	form_words_add(w, f->subject);
	plug_words_when(f, HOST_WHEN, w);
}

const struct form_spec plug_spec_host = {.title = "plug a device of the host",
    .verb = "attach-host-device",
    .fields = host_fields,
    .n = ARRAY_LEN(host_fields),
    .compose = host_compose};

static bool host_fill(struct app *app, struct form *f, void *arg)
{
	const struct plug_host_device *d = arg;
	if (!plug_fill(app, f, HOST_WHEN))
		return false;
	f->subject = xstrdup(d->address);
	form_note(f, "%s  %s", d->label, d->note);
	return true;
}

/* --- the list --- */

struct listed {
	char *domain;
	struct plug_host_device *all;
	size_t n;
};

static void listed_free(void *arg)
{
	struct listed *l = arg;
	plug_host_free(l->all, l->n);
	free(l->domain);
	free(l);
}

static void picked(struct app *app, void *arg, unsigned which)
{
	const struct listed *l = arg;
	view_form_open(app, &plug_spec_host, l->domain, host_fill, &l->all[which]);
}

static void show_list(struct app *app, const char *domain, const char *bus, const struct job *j)
{
	struct listed *l = xcalloc(1, sizeof(*l));
	struct pick_item *items;
	CLEANUP_FREE char *title = xasprintf("%s: a %s device of the host", domain, bus);
	l->domain = xstrdup(domain);
	l->n = plug_host_parse(j->out.data ? j->out.data : "", j->out.len, &l->all);
	if (!l->n) {
		listed_free(l);
		app_message(app, STYLE_NOTE, "the host has no %s device", bus);
		return;
	}
	items = xcalloc(l->n, sizeof(*items));
	for (size_t i = 0; i < l->n; i++)
		items[i] = (struct pick_item){
		    .label = l->all[i].label, .note = l->all[i].note, .why = l->all[i].refused};
	view_pick_open(app, title, items, (unsigned)l->n, picked, l, listed_free);
	free(items);
}

/* --- the look, on the way to the list --- */

struct host_look {
	struct view v;
	char *domain;
	const char *bus;
	struct job *job; /* NULL: it has ended */
	struct sheet sheet;
};

static void look_draw(struct view *v)
{
	static const struct dialog_key keys[] = {{"Esc", "back"}, {NULL, NULL}};
	struct host_look *l = (struct host_look *)v;
	int cols = draw_cols() < 50 ? draw_cols() : 50;
	sheet_init(&l->sheet, draw_rows() < 4 ? draw_rows() : 4, cols, v->app->theme.utf8);
	dialog_frame(&l->sheet, l->domain, STYLE_DIALOG);
	sheet_textf(&l->sheet, 1, DIALOG_MARGIN, cols - 2 * DIALOG_MARGIN, STYLE_WARN,
	    "looking at the host's %s devices …", l->bus);
	dialog_keys(&l->sheet, 2, keys);
	dialog_show(&l->sheet, -1, 0);
}

static bool look_key(struct view *v, const struct vt_key *k)
{
	if (k->sym == VT_KEY_ESCAPE ||
	    (k->sym == VT_KEY_CHAR && (k->cp == 'q' || (k->cp == 'c' && k->mods == VT_MOD_CTRL))))
		view_pop(v);
	return true;
}

static void look_news(struct view *v)
{
	struct host_look *l = (struct host_look *)v;
	struct job *j = l->job;
	if (!j || j->state == JOB_RUNNING)
		return;
	l->job = NULL;
	view_remove(v);
	if (j->state == JOB_DONE) {
		show_list(v->app, l->domain, l->bus, j);
	} else {
		CLEANUP_FREE char *words = job_words(j);
		app_message(v->app, STYLE_ERROR, "%s", words);
	}
	jobs_drop(v->app->jobs, j);
}

static void look_close(struct view *v)
{
	struct host_look *l = (struct host_look *)v;
	if (l->job)
		jobs_drop(v->app->jobs, l->job);
	sheet_fini(&l->sheet);
	free(l->domain);
	free(l);
}

static const struct view_ops ops = {
    .overlay = true, .draw = look_draw, .key = look_key, .news = look_news, .close = look_close};

static void look_at(struct app *app, const char *domain, const char *bus, const char *option)
{
	const char *const words[] = {"host-devices", option, "--json", NULL};
	struct err err = {0};
	struct job *j = jobs_run_quiet(app->jobs, words, &err);
	struct host_look *l;
	if (!j) {
		app_message(app, STYLE_ERROR, "%s", err.msg);
		return;
	}
	l = xcalloc(1, sizeof(*l));
	l->v.ops = &ops;
	l->domain = xstrdup(domain);
	l->bus = bus;
	l->job = j;
	view_push(app, &l->v);
}

void plug_host_usb(struct app *app, const char *domain)
{
	look_at(app, domain, "USB", "--usb");
}

void plug_host_pci(struct app *app, const char *domain)
{
	look_at(app, domain, "PCI", "--pci");
}
