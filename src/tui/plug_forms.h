/* plug_forms: what is plugged into a domain, and how: a form each. Owner of what they know: the form (plug_facts). */
#ifndef TUI_PLUG_FORMS_H
#define TUI_PLUG_FORMS_H

#include "tui/app.h"
#include "tui/form.h"

/* The words of the field "When". */
#define PLUG_WHEN_BOTH "now, and at every start"
#define PLUG_WHEN_NOW "now, until it ends"
#define PLUG_WHEN_NEXT "from the next start on"

void plug_form_disk(struct app *app, const char *domain);
void plug_form_nic(struct app *app, const char *domain);
void plug_form_vcpus(struct app *app, const char *domain);
/* The balloon: how much of its memory the guest has. */
void plug_form_balloon(struct app *app, const char *domain);
/* A memory device: DIMM, virtio-mem. */
void plug_form_memory(struct app *app, const char *domain);
/* target: of which drive; NULL the first. */
void plug_form_medium(struct app *app, const char *domain, const char *target);
/* The same of the first drive. */
void plug_form_drive(struct app *app, const char *domain);
/* A device as an element in a file. */
void plug_form_file(struct app *app, const char *domain);

/* For tests. */
extern const struct form_spec plug_spec_disk, plug_spec_nic, plug_spec_vcpus, plug_spec_balloon,
    plug_spec_memory, plug_spec_medium, plug_spec_file;
/* The word of the field "When" as options: what now, what from the next start on. */
void plug_words_when(const struct form *f, unsigned field, struct form_words *w);
/* Gives a form its facts; false: it was said why there are none. */
bool plug_fill(struct app *app, struct form *f, unsigned when);

#endif
