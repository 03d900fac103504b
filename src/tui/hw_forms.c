#include "tui/hw_forms.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "tui/plug_facts.h"
#include "tui/plug_forms.h"
#include "tui/view_form.h"

static bool fill(
    struct app *app, struct form *f, const struct hw_row *row, const char *device, unsigned when)
{
	static const char *const now[] = {PLUG_WHEN_NOW, NULL};
	if (!plug_fill(app, f, when))
		return false;
	f->subject = xstrdup(device);
	form_note(f, "%s %s: %s", row->part.kind, row->part.name, row->part.text);
	/* What is in no definition can be changed in none. */
	if (row->mark == HW_GOES && !f->value[when].hidden) {
		form_choices(f, when, now, NULL);
		form_hide(f, when);
	}
	return true;
}

/* --- away with it --- */

enum { UNPLUG_WHEN };

static const char *const when_words[] = {PLUG_WHEN_BOTH, PLUG_WHEN_NOW, PLUG_WHEN_NEXT, NULL};
static const struct form_field unplug_fields[] = {
    [UNPLUG_WHEN] = {.label = "When",
        .kind = FORM_CHOICE,
        .choices = when_words,
        .help = "the guest is asked to let go of it, and waited for"},
};

static void unplug_compose(const struct form *f, struct form_words *w)
{
	form_words_add(w, f->subject);
	plug_words_when(f, UNPLUG_WHEN, w);
}

static void unplug_nic_compose(const struct form *f, struct form_words *w)
{
	/* "bridge 52:54:00:01:02:03" */
	const char *device = f->subject, *mac = strchr(device, ' ');
	CLEANUP_FREE char *type = xstrndup(device, mac ? (size_t)(mac - device) : strlen(device));
	form_words_add(w, type);
	form_words_option(w, "--mac", mac ? mac + 1 : "");
	plug_words_when(f, UNPLUG_WHEN, w);
}

#define UNPLUG_SPEC(verb_, compose_)                                       \
	{                                                                  \
		.title = "unplug", .verb = verb_, .fields = unplug_fields, \
		.n = ARRAY_LEN(unplug_fields), .compose = compose_         \
	}
const struct form_spec hw_spec_unplug_disk = UNPLUG_SPEC("detach-disk", unplug_compose);
const struct form_spec hw_spec_unplug_nic = UNPLUG_SPEC("detach-interface", unplug_nic_compose);
const struct form_spec hw_spec_unplug = UNPLUG_SPEC("detach-device-alias", unplug_compose);

static bool unplug_fill(struct app *app, struct form *f, void *arg)
{
	const struct hw_row *r = arg;
	CLEANUP_FREE char *nic =
	    xasprintf("%.*s %s", (int)strcspn(r->part.text, " "), r->part.text, r->part.name);
	const char *device = f->spec == &hw_spec_unplug_disk  ? r->part.name
	                     : f->spec == &hw_spec_unplug_nic ? nic
	                                                      : r->part.alias;
	return fill(app, f, r, device, UNPLUG_WHEN);
}

void hw_form_unplug(struct app *app, const char *domain, const struct hw_row *row)
{
	const struct form_spec *spec = strcmp(row->part.kind, "disk") == 0 ? &hw_spec_unplug_disk
	                               : strcmp(row->part.kind, "interface") == 0
	                                   ? &hw_spec_unplug_nic
	                                   : &hw_spec_unplug;
	view_form_open(app, spec, domain, unplug_fill, (void *)(uintptr_t)row);
}

/* --- another size --- */

enum { RESIZE_SIZE };

static const struct form_field resize_fields[] = {
    [RESIZE_SIZE] = {.label = "Size",
        .required = true,
        .help = "20G: what the guest sees then; it has to grow its file systems itself"},
};

static void resize_compose(const struct form *f, struct form_words *w)
{
	form_words_add(w, f->subject);
	form_words_add(w, form_text(f, RESIZE_SIZE));
}

const struct form_spec hw_spec_resize = {.title = "another size of a disk",
    .verb = "blockresize",
    .fields = resize_fields,
    .n = ARRAY_LEN(resize_fields),
    .compose = resize_compose};

static bool resize_fill(struct app *app, struct form *f, void *arg)
{
	const struct hw_row *r = arg;
	(void)app;
	f->subject = xstrdup(r->part.name);
	form_note(f, "%s: %s", r->part.name, r->part.text);
	form_note(f, "Smaller cuts off what stands at the end of the disk.");
	return true;
}

void hw_form_resize(struct app *app, const char *domain, const struct hw_row *row)
{
	view_form_open(app, &hw_spec_resize, domain, resize_fill, (void *)(uintptr_t)row);
}

/* --- limits --- */

enum { LIMIT_BYTES, LIMIT_OPS, LIMIT_WHEN };
enum { RATE_IN, RATE_OUT, RATE_WHEN };

static const struct form_field disk_limit_fields[] = {
    [LIMIT_BYTES] = {.label = "Bytes a second", .help = "10000000; 0: no limit; empty: as it is"},
    [LIMIT_OPS] = {.label = "Requests a second", .help = "500; 0: no limit; empty: as it is"},
    [LIMIT_WHEN] = {.label = "When", .kind = FORM_CHOICE, .choices = when_words},
};
static const struct form_field nic_limit_fields[] = {
    [RATE_IN] = {.label = "In, KiB a second",
        .help = "to the guest: average, or average,peak,burst; 0: no limit"},
    [RATE_OUT] = {.label = "Out, KiB a second", .help = "from the guest, the same"},
    [RATE_WHEN] = {.label = "When", .kind = FORM_CHOICE, .choices = when_words},
};

static const char *limits_check(const struct form *f, unsigned *at)
{
	*at = 0;
	return *form_text(f, 0) || *form_text(f, 1) ? NULL
	                                            : "Nothing is filled in: nothing would change";
}

static void disk_limits_compose(const struct form *f, struct form_words *w)
{
	form_words_add(w, f->subject);
	form_words_option(w, "--total-bytes-sec", form_text(f, LIMIT_BYTES));
	form_words_option(w, "--total-iops-sec", form_text(f, LIMIT_OPS));
	plug_words_when(f, LIMIT_WHEN, w);
}

static void nic_limits_compose(const struct form *f, struct form_words *w)
{
	form_words_add(w, f->subject);
	form_words_option(w, "--inbound", form_text(f, RATE_IN));
	form_words_option(w, "--outbound", form_text(f, RATE_OUT));
	plug_words_when(f, RATE_WHEN, w);
}

const struct form_spec hw_spec_disk_limits = {.title = "limits of a disk",
    .verb = "blkdeviotune",
    .fields = disk_limit_fields,
    .n = ARRAY_LEN(disk_limit_fields),
    .check = limits_check,
    .compose = disk_limits_compose};
const struct form_spec hw_spec_nic_limits = {.title = "limits of a network card",
    .verb = "domiftune",
    .fields = nic_limit_fields,
    .n = ARRAY_LEN(nic_limit_fields),
    .check = limits_check,
    .compose = nic_limits_compose};

static bool limits_fill(struct app *app, struct form *f, void *arg)
{
	const struct hw_row *r = arg;
	return fill(app, f, r, r->part.name,
	    f->spec == &hw_spec_disk_limits ? (unsigned)LIMIT_WHEN : (unsigned)RATE_WHEN);
}

void hw_form_limits(struct app *app, const char *domain, const struct hw_row *row)
{
	const struct form_spec *spec =
	    strcmp(row->part.kind, "disk") == 0 ? &hw_spec_disk_limits : &hw_spec_nic_limits;
	view_form_open(app, spec, domain, limits_fill, (void *)(uintptr_t)row);
}
