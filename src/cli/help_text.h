/* help_text: text in lines and as mdoc, for helps; a file of its own, as hvmux-img has no verbs to tell of. */
#ifndef CLI_HELP_TEXT_H
#define CLI_HELP_TEXT_H

#include "core/buf.h"

/* Adds text folded at blanks to lines of at most width bytes, each after indent blanks. */
void help_text_fold(struct buf *out, const char *text, unsigned indent, unsigned width);
/* As mdoc, a sentence a line. */
void help_text_man(struct buf *out, const char *s, size_t n);
/* Paragraphs that an empty line separates. */
void help_text_man_paragraphs(struct buf *out, const char *text);

#endif
