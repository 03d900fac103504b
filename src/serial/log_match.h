/* log_match: which lines of a console's log match a pattern, fast: strings that every match must hold are looked for in
 * the raw bytes, and only lines that hold one are cleaned (line_text.h) and given to regexec(3). A line whose bytes are
 * not what a reader sees is cleaned first, so that a colour inside a word hides no match. Owner: who searches; one
 * thread. */
#ifndef SERIAL_LOG_MATCH_H
#define SERIAL_LOG_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"

enum { LOG_MATCH_ICASE = 1, LOG_MATCH_INVERT = 2 };

struct log_match;

/* pattern: an extended regular expression. ERR_INVALID says what is wrong with it. */
struct log_match *log_match_new(const char *pattern, unsigned flags, struct err *err);
void log_match_free(struct log_match *m);

/* The first line at or behind *at that matches, in a block of whole lines (each ends with '\n'): its place, and in
 * `text` what a reader sees of it: of one that was several on the guest's screen those that match, '\n' between. False: none; *at is n. */
struct log_line {
	size_t at, n; /* in the block, without the '\n' */
};
bool log_match_next(struct log_match *m, const uint8_t *block, size_t n, size_t *at,
    struct log_line *line, struct buf *text);
/* Is this cleaned text, one line, wanted: does it match, or not where the sense is inverted? */
bool log_match_wanted(struct log_match *m, const char *text);
/* Where, from `from` on, the pattern is in cleaned text. False: nowhere any more. */
bool log_match_text(struct log_match *m, const char *text, size_t from, size_t *begin, size_t *end);

#endif
