/* complete: the words of a line so far → what the last one may become. */
#ifndef CLI_COMPLETE_H
#define CLI_COMPLETE_H

#include "core/buf.h"
#include "core/home.h"

/* words: those after the program's name, the last one (it may be "") is completed. Appends "CANDIDATE\tDESCRIPTION\n"
 * for each; nothing at all where a file name belongs. */
void complete_words(const struct home *h, const char *const *words, unsigned n, struct buf *out);

#endif
