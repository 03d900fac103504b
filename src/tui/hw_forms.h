/* hw_forms: the forms of what is done to a device that is there: unplug it, another size, limits. row: borrowed for the call. */
#ifndef TUI_HW_FORMS_H
#define TUI_HW_FORMS_H

#include "tui/app.h"
#include "tui/form.h"
#include "tui/hw_rows.h"

void hw_form_unplug(struct app *app, const char *domain, const struct hw_row *row);
void hw_form_resize(struct app *app, const char *domain, const struct hw_row *row);
/* Of a disk or a network card. */
void hw_form_limits(struct app *app, const char *domain, const struct hw_row *row);

extern const struct form_spec hw_spec_unplug_disk, hw_spec_unplug_nic, hw_spec_unplug,
    hw_spec_resize, hw_spec_disk_limits, hw_spec_nic_limits;

#endif
