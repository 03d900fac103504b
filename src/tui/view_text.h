/* view_text: text to read, scrolled: help, a command's output, the events. */
#ifndef TUI_VIEW_TEXT_H
#define TUI_VIEW_TEXT_H

#include "tui/app.h"

/* text is copied; lines are made printable. */
void view_text_open(struct app *app, const char *title, const char *text, size_t n);
/* The same of lines "  KEY   what it does": those that are too long go on under their words. */
void view_keys_open(struct app *app, const char *title, const char *text, size_t n);
void view_help_open(struct app *app);
/* All jobs and notes, newest first, with whole output. */
void view_events_open(struct app *app);

#endif
