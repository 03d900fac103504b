/* log_literal: strings that every match of an extended regular expression must hold one of. Pure. */
#ifndef SERIAL_LOG_LITERAL_H
#define SERIAL_LOG_LITERAL_H

#include <stddef.h>

#define LOG_LITERALS_MAX 16u /* branches of a pattern */
#define LOG_LITERAL_MIN 2u   /* bytes: one is in every line */

/* Each on the heap, ASCII. 0: no such set is known; then nothing is on the heap. */
size_t log_literal_find(const char *pattern, char *out[LOG_LITERALS_MAX]);

#endif
