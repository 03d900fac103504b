#include "serial/log_literal.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/mem.h"

/* POSIX 9.4, extended regular expressions. Where in doubt a string is left out: one too few costs time, one too many a
 * match. */

/* Behind the bracket expression that begins at p. */
static const char *bracket_end(const char *p)
{
	p++;
	p += *p == '^';
	p += *p == ']';
	while (*p && *p != ']') {
		if (*p == '[' && p[1] && strchr(".:=", p[1])) {
			char kind = p[1];

			for (p += 2; *p && !(*p == kind && p[1] == ']'); p++)
				;
			p += *p ? 1 : 0;
		}
		p += *p ? 1 : 0;
	}
	return *p ? p + 1 : p;
}

/* Behind the group that begins at p, whatever is in it. */
static const char *group_end(const char *p)
{
	unsigned depth = 0;

	while (*p) {
		if (*p == '[') {
			p = bracket_end(p);
			continue;
		}
		if (*p == '\\' && p[1])
			p++;
		else if (*p == '(')
			depth++;
		else if (*p == ')' && --depth == 0)
			return p + 1;
		p++;
	}
	return p;
}

struct branch {
	struct buf run, best;
};

static void run_end(struct branch *b)
{
	if (b->run.len > b->best.len) {
		buf_clear(&b->best);
		buf_add(&b->best, b->run.data, b->run.len);
	}
	buf_clear(&b->run);
}

/* The quantifier at p, if there is one: the atom before it may be missing, or come more than once. */
static const char *quantifier(struct branch *b, const char *p, bool literal)
{
	bool any = false;

	while (*p && strchr("*?+{", *p)) {
		bool optional = *p != '+';

		if (literal && !any && optional && b->run.len > 0)
			b->run.len--;
		any = true;
		if (*p == '{')
			p += strcspn(p, "}");
		p += *p ? 1 : 0;
	}
	if (any)
		run_end(b);
	return p;
}

/* One atom; a byte that stands for itself goes to the run. */
static const char *atom(struct branch *b, const char *p)
{
	unsigned char c = (unsigned char)*p;
	bool literal = false;

	if (c == '[') {
		p = bracket_end(p);
	} else if (c == '(') {
		p = group_end(p);
	} else if (c == '\\' && p[1]) {
		c = (unsigned char)p[1];
		literal = ispunct(c) && !strchr("<>`'", c);
		p += 2;
	} else {
		literal = c >= 0x20 && c < 0x7f && !strchr(".^$", c);
		p++;
	}
	if (literal)
		buf_addc(&b->run, (char)c);
	else
		run_end(b);
	return quantifier(b, p, literal);
}

size_t log_literal_find(const char *pattern, char *out[LOG_LITERALS_MAX])
{
	size_t n = 0;
	bool good = true;

	for (const char *p = pattern;; p++) {
		struct branch b = {0};

		while (*p && *p != '|')
			p = atom(&b, p);
		run_end(&b);
		good = n < LOG_LITERALS_MAX && b.best.len >= LOG_LITERAL_MIN;
		buf_fini(&b.run);
		if (good)
			out[n++] = buf_take(&b.best);
		buf_fini(&b.best);
		if (!good || !*p)
			break;
	}
	while (!good && n > 0)
		free(out[--n]);
	return n;
}
