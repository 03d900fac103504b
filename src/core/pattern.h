/* pattern: a POSIX extended regular expression that an administrator wrote and that is held against text of a hostile
 * guest. What could make a match cost without bound (back-references, huge repeats) is refused. Owner:
 * whoever called pattern_compile. Pure. */
#ifndef CORE_PATTERN_H
#define CORE_PATTERN_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

#define PATTERN_MAX 256u /* bytes of a pattern */
/* States, of which a hostile text can have glibc make combinations, one a character, at some 16 us each for each state: this
 * many cost under 1 s and 80 MB on 512 bytes where the pattern is of the worst kind ("[ab]*a[ab]{120}c"). */
#define PATTERN_NODES_MAX 128u
#define PATTERN_LITERALS_MAX 8u
#define PATTERN_LITERAL_MIN 3u /* bytes: shorter ones are everywhere */
#define PATTERN_LITERAL_MAX 32u

struct pattern {
	regex_t re;
	char *text;
	bool made;     /* re is there */
	unsigned uses; /* since it was made */
	/* Text in which none of these occurs cannot match; none: anything may. */
	char literals[PATTERN_LITERALS_MAX][PATTERN_LITERAL_MAX + 1];
	unsigned n_literals;
	bool plain; /* it is its one literal and nothing else */
};

/* regcomp(3), its complaint in *err (ERR_INVALID). regfree on success only. */
int pattern_regcomp(regex_t *re, const char *text, int flags, struct err *err);
/* Refuses what could make a match take hours or memory without end: for whoever compiles a pattern by himself. */
int pattern_check_cost(const char *text, struct err *err);

/* ERR_INVALID says what is wrong, and where it can the place. pattern_fini on success only. */
int pattern_compile(struct pattern *p, const char *text, struct err *err);
int pattern_check(const char *text, struct err *err);
/* NUL-terminated text, which the caller bounds. */
bool pattern_matches(struct pattern *p, const char *text);
void pattern_fini(struct pattern *p);

#endif
