/* view_form: a form over the present view. Enter shows what its command line would do (view_plan), and nothing is lost on the
 * way there and back; Esc asks before it throws away what was typed. */
#ifndef TUI_VIEW_FORM_H
#define TUI_VIEW_FORM_H

#include "tui/app.h"
#include "tui/form.h"

/* fill: sets what is only known now (may be NULL); when it returns false it has said why there is nothing to fill in, and no
 * form is opened. */
void view_form_open(struct app *app, const struct form_spec *spec, const char *domain,
    bool (*fill)(struct app *app, struct form *f, void *arg), void *arg);

#endif
