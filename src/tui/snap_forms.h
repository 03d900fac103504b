/* snap_forms: the forms of snapshots: a new one, going back to one, deleting one, a schedule. */
#ifndef TUI_SNAP_FORMS_H
#define TUI_SNAP_FORMS_H

#include "tui/app.h"
#include "tui/form.h"
#include "tui/snap_rows.h"

void snap_form_new(struct app *app, const char *domain);
void snap_form_revert(struct app *app, const char *domain, const struct snap_row *r);
void snap_form_delete(struct app *app, const char *domain, const struct snap_row *r);
void snap_form_schedule(struct app *app, const char *domain);

/* For tests: what the forms are. */
extern const struct form_spec snap_spec_new, snap_spec_revert, snap_spec_delete, snap_spec_schedule;
#endif
