/* editor: a text in the operator's editor. What was typed is never lost: it lives in data/edit/NAME-XXXXXX.xml (or .txt)
 * until somebody says that it is stored; a hang-up, a failing editor, a refused text leave it there, and the message says
 * where. Owner: whoever called editor_new; ended by editor_done or editor_give_up. */
#ifndef CLI_EDITOR_H
#define CLI_EDITOR_H

#include <stdbool.h>
#include <stddef.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/home.h"

struct editor;

/* suffix: ".xml" makes editors colour it. From here on a hang-up or SIGTERM ends no longer the process: editor_edit and
 * editor_ask then fail. */
struct editor *editor_new(const struct home *h, const char *name, const char *suffix,
    const char *text, size_t n, struct err *err);
/* Runs $VISUAL, $EDITOR or what there is on the file and reads it back. 1 the text differs from the one before, 0 it
 * does not, -1. */
int editor_edit(struct editor *e, struct err *err);
const struct buf *editor_text(const struct editor *e);
/* Prints the question and reads one of these letters; an empty answer is none. -1: there is nobody to ask. */
int editor_ask(struct editor *e, const char *question, const char *letters);
/* The text is stored, or nothing was typed: the file goes. */
void editor_done(struct editor *e);
/* The file stays, and err says where; it goes when nothing was typed. */
void editor_give_up(struct editor *e, struct err *err);
/* Names of files that earlier edits of this domain left, a line each, "" none. */
void editor_leftovers(const struct home *h, const char *name, struct buf *out);

#endif
