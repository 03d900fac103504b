#include "core/pattern.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

/* glibc's matcher makes the states of its automaton while it runs and keeps them, 2 KiB each: a guest that knows the
 * pattern could have it make very many. So a pattern that is held against few texts, those with its literals, is made for
 * one of them; any other for this many. */
#define USES_MAX 8u
#define NODES_MANY 100000ul /* counted no further */

/* --- walking over a pattern: POSIX.1-2017, Base Definitions, 9.4 --- */

/* Behind a bracket expression, which begins at s; its end where it is not closed. */
static const char *skip_bracket(const char *s)
{
	s++;
	if (*s == '^')
		s++;
	if (*s == ']')
		s++;
	while (*s != '\0' && *s != ']') {
		if (s[0] == '[' && s[1] != '\0' && strchr(":.=", s[1]) != NULL) {
			const char close[] = {s[1], ']', '\0'};
			const char *end = strstr(s + 2, close);
			if (end == NULL)
				return s + strlen(s);
			s = end + 2;
		} else {
			s++;
		}
	}
	return *s == ']' ? s + 1 : s;
}

/* Behind one token: a character, an escape, a bracket expression, a repeat. */
static const char *skip_token(const char *s)
{
	const char *end;
	if (*s == '\\' && s[1] != '\0')
		return s + 2;
	if (*s == '[')
		return skip_bracket(s);
	if (*s == '{' && (end = strchr(s, '}')) != NULL)
		return end + 1;
	return s + 1;
}

static const char *skip_group(const char *s)
{
	unsigned depth = 0;
	do {
		depth += *s == '(';
		depth -= *s == ')';
		s = skip_token(s);
	} while (*s != '\0' && depth > 0);
	return s;
}

/* --- what is refused --- */

static unsigned long repeat_of(const char *s)
{
	char *end;
	unsigned long least = strtoul(s + 1, &end, 10), most = least;
	if (*end == ',' && isdigit((unsigned char)end[1]))
		most = strtoul(end + 1, NULL, 10);
	most = most > least ? most : least;
	return most > 0 ? most : 1;
}

/* The states of the machine that is made of the pattern, up to the end of the group; one of a literal character counts only
 * where it is repeated: what has to be just there makes no choice. */
static unsigned long nodes_of(const char **s)
{
	unsigned long all = 0, last = 0; /* last: of the token that a repeat repeats */
	while (**s != '\0' && **s != ')') {
		char c = **s;
		const char *next = skip_token(*s);
		if (c == '(') {
			*s += 1;
			last = nodes_of(s) + 1;
			all += last;
			next = *s + (**s == ')');
		} else if (c == '{' && next[-1] == '}') {
			all += last * repeat_of(*s);
			last *= repeat_of(*s);
		} else if (strchr("*+?|", c) != NULL) {
			all++;
		} else {
			last = 1;
			all += c == '.' || c == '[' || c == '\\';
		}
		*s = next;
		all = all < NODES_MANY ? all : NODES_MANY;
		last = last < NODES_MANY ? last : NODES_MANY;
	}
	return all;
}

static int check_nodes(const char *text, struct err *err)
{
	unsigned long all = 0;
	for (const char *s = text; *s != '\0'; s += *s == ')')
		all += nodes_of(&s);
	if (all <= PATTERN_NODES_MAX)
		return 0;
	return err_set(err, ERR_INVALID,
	    "pattern '%s' is too costly: with its repeats {…} written out it has more than %u parts that may be this or that; "
	    "use * or +",
	    text, PATTERN_NODES_MAX);
}

int pattern_check_cost(const char *text, struct err *err)
{
	for (const char *s = text; *s != '\0'; s = skip_token(s))
		if (*s == '\\' && s[1] >= '1' && s[1] <= '9')
			return err_set(err, ERR_INVALID,
			    "pattern '%s': \\%c would compare parts of a text with one another, which can take hours; "
			    "write out what is meant",
			    text, s[1]);
	return check_nodes(text, err);
}

static int check_text(const char *text, struct err *err)
{
	size_t n = strlen(text);
	CLEANUP_FREE char *shown = str_printable(text, n, PATTERN_MAX);
	if (n == 0)
		return err_set(
		    err, ERR_INVALID, "a pattern cannot be empty: it would match every line");
	if (n > PATTERN_MAX)
		return err_set(err, ERR_INVALID, "pattern '%.40s…' is longer than %u bytes", shown,
		    PATTERN_MAX);
	if (strcmp(shown, text) != 0)
		return err_set(err, ERR_INVALID,
		    "pattern '%s' holds control characters, which no cleaned line has", shown);
	return pattern_check_cost(text, err);
}

/* --- literals: what has to be in a text that matches --- */

struct literals {
	struct pattern *p;
	char run[PATTERN_LITERAL_MAX + 1], best[PATTERN_LITERAL_MAX + 1];
	size_t n;  /* of run */
	bool none; /* a branch has none */
	bool plain;
};

static void run_end(struct literals *l)
{
	l->run[l->n] = '\0';
	if (l->n > strlen(l->best))
		memcpy(l->best, l->run, l->n + 1);
	l->n = 0;
}

static void run_add(struct literals *l, char c)
{
	if (l->n == PATTERN_LITERAL_MAX) {
		l->plain = false;
		run_end(l);
	}
	l->run[l->n++] = c;
}

/* It may be repeated, or not be there at all. */
static void run_drop_last(struct literals *l)
{
	while (l->n > 0 && ((unsigned char)l->run[l->n - 1] & 0xc0) == 0x80)
		l->n--;
	if (l->n > 0)
		l->n--;
	run_end(l);
}

static void branch_end(struct literals *l)
{
	run_end(l);
	if (strlen(l->best) < PATTERN_LITERAL_MIN || l->p->n_literals == PATTERN_LITERALS_MAX)
		l->none = true;
	else
		memcpy(l->p->literals[l->p->n_literals++], l->best, sizeof(l->best));
	l->best[0] = '\0';
}

/* Only what stands outside parentheses counts. */
static const char *literal_token(struct literals *l, const char *s)
{
	if (*s == '\\' && s[1] != '\0' && !isalnum((unsigned char)s[1]) &&
	    strchr("<>`'", s[1]) == NULL) {
		run_add(l, s[1]);
		return s + 2;
	}
	if (strchr("\\[(){}*?+|.^$", *s) == NULL) {
		run_add(l, *s);
		return s + 1;
	}
	l->plain = false;
	if (*s == '*' || *s == '?' || *s == '{')
		run_drop_last(l);
	else if (*s == '|')
		branch_end(l);
	else
		run_end(l);
	return *s == '(' ? skip_group(s) : skip_token(s);
}

static void find_literals(struct pattern *p)
{
	struct literals l = {.p = p, .plain = true};
	for (const char *s = p->text; *s != '\0';)
		s = literal_token(&l, s);
	branch_end(&l);
	if (l.none)
		p->n_literals = 0;
	p->plain = l.plain && p->n_literals == 1;
}

/* --- matching --- */

int pattern_regcomp(regex_t *re, const char *text, int flags, struct err *err)
{
	char why[120];
	int rc = regcomp(re, text, flags);
	if (rc == 0)
		return 0;
	regerror(rc, re, why, sizeof(why));
	return err_set(err, ERR_INVALID, "invalid regular expression '%s': %s", text, why);
}

static int make(regex_t *re, const char *text, struct err *err)
{
	return pattern_regcomp(re, text, REG_EXTENDED | REG_NOSUB, err);
}

int pattern_compile(struct pattern *p, const char *text, struct err *err)
{
	memset(p, 0, sizeof(*p));
	if (check_text(text, err) < 0 || make(&p->re, text, err) < 0)
		return -1;
	regfree(&p->re);
	p->text = xstrdup(text);
	find_literals(p);
	return 0;
}

int pattern_check(const char *text, struct err *err)
{
	struct pattern p;
	if (pattern_compile(&p, text, err) < 0)
		return -1;
	pattern_fini(&p);
	return 0;
}

static void forget(struct pattern *p)
{
	if (p->made)
		regfree(&p->re);
	p->made = false;
	p->uses = 0;
}

bool pattern_matches(struct pattern *p, const char *text)
{
	if (p->plain)
		return strstr(text, p->literals[0]) != NULL;
	if (!p->made && make(&p->re, p->text, NULL) < 0)
		return false; /* no memory */
	p->made = true;
	bool yes = regexec(&p->re, text, 0, NULL, 0) == 0;
	if (p->n_literals > 0 || ++p->uses >= USES_MAX)
		forget(p);
	return yes;
}

void pattern_fini(struct pattern *p)
{
	forget(p);
	free(p->text);
	memset(p, 0, sizeof(*p));
}
