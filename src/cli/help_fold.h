/* help_fold: text in lines, for helps; a file of its own, as hvmux-img has no verbs to tell of. */
#ifndef CLI_HELP_FOLD_H
#define CLI_HELP_FOLD_H

#include "core/buf.h"

/* Adds text folded at blanks to lines of at most width bytes, each after indent blanks. */
void help_fold(struct buf *out, const char *text, unsigned indent, unsigned width);

#endif
