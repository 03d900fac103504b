/* trigger_find: where the first of several short literals occurs in a block of bytes, at several times the speed at which
 * a guest prints. Owner: struct trigger_set. Pure.
 *
 * Wu and Manber, "A fast algorithm for multi-pattern searching", TR-94-17, University of Arizona, 1994: the last two bytes
 * of a window as long as the shortest literal say how far the window may move. */
#ifndef SERIAL_TRIGGER_FIND_H
#define SERIAL_TRIGGER_FIND_H

#include <stdint.h>
#include <stddef.h>

#include "core/pattern.h"

#define TRIGGER_FIND_MAX 256u   /* literals */
#define TRIGGER_FIND_HASH 4096u /* two bytes, folded */

struct trigger_find {
	struct {
		char text[PATTERN_LITERAL_MAX + 1];
		uint16_t len, next; /* next: of those with the same hash, plus 1 */
		uint64_t rules;
	} lit[TRIGGER_FIND_MAX];
	unsigned n;
	size_t window; /* length of the shortest */
	uint8_t shift[TRIGGER_FIND_HASH];
	uint16_t first[TRIGGER_FIND_HASH]; /* plus 1 */
};

/* f is zeroed before the first. A literal of PATTERN_LITERAL_MIN to MAX bytes; rules: whose it is, a set of bits. Returns
 * -1 when there are too many. */
int trigger_find_add(struct trigger_find *f, const char *text, uint64_t rules);
/* After the last. */
void trigger_find_ready(struct trigger_find *f);
/* From offset `at` on: where the next one begins, or n. *rules: whose literals begin there. */
size_t trigger_find_next(
    const struct trigger_find *f, const uint8_t *p, size_t n, size_t at, uint64_t *rules);

#endif
