/* console_copy: what is selected in a console's scrollback as text, onto the operator's clipboard or into a file. */
#ifndef TUI_CONSOLE_COPY_H
#define TUI_CONSOLE_COPY_H

#include <stdint.h>

#include "core/buf.h"
#include "serial/vt_screen.h"

/* The text from one place to another, both included, wherever which stands; whole: all of their lines. What the guest's
 * screen wrapped is one line; blanks at the ends are cut. Places that are not kept any more are the oldest line's. */
void console_copy_text(
    const struct vt_screen *s, struct vt_place a, struct vt_place b, bool whole, struct buf *out);

struct console;
/* To the clipboard; says what came of it. */
void console_copy_clipboard(struct console *c, const struct buf *text);
/* Into a file; an existing one is asked about. */
void console_copy_file(struct console *c, const char *path);

#endif
