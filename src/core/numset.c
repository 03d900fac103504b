#include "core/numset.h"

#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/mem.h"
#include "core/str.h"

#define WHITE " \t\r\n"
#define BITS 64u

void numset_fini(struct numset *s)
{
	free(s->words);
	*s = (struct numset){0};
}

void numset_add(struct numset *s, unsigned number)
{
	size_t word = number / BITS;
	if (word >= s->n_words) {
		s->words = xreallocarray(s->words, word + 1, sizeof *s->words);
		memset(s->words + s->n_words, 0, (word + 1 - s->n_words) * sizeof *s->words);
		s->n_words = word + 1;
	}
	s->words[word] |= UINT64_C(1) << number % BITS;
}

void numset_add_all(struct numset *s, const struct numset *others)
{
	for (unsigned i = numset_next(others, 0); i < NUMSET_MAX; i = numset_next(others, i + 1))
		numset_add(s, i);
}

static void take_out(struct numset *s, unsigned number)
{
	if (number / BITS < s->n_words)
		s->words[number / BITS] &= ~(UINT64_C(1) << number % BITS);
}

bool numset_has(const struct numset *s, unsigned number)
{
	return number / BITS < s->n_words && s->words[number / BITS] >> number % BITS & 1;
}

unsigned numset_next(const struct numset *s, unsigned from)
{
	for (; from / BITS < s->n_words; from = (from / BITS + 1) * BITS) {
		uint64_t rest = s->words[from / BITS] >> from % BITS;
		if (rest != 0)
			return from + (unsigned)__builtin_ctzll(rest);
	}
	return NUMSET_MAX;
}

unsigned numset_last(const struct numset *s)
{
	for (size_t i = s->n_words; i > 0; i--)
		if (s->words[i - 1] != 0)
			return (unsigned)i * BITS - 1 - (unsigned)__builtin_clzll(s->words[i - 1]);
	return NUMSET_MAX;
}

bool numset_empty(const struct numset *s)
{
	return numset_next(s, 0) == NUMSET_MAX;
}

unsigned numset_count(const struct numset *s)
{
	unsigned n = 0;
	for (size_t i = 0; i < s->n_words; i++)
		n += (unsigned)__builtin_popcountll(s->words[i]);
	return n;
}

unsigned numset_common(const struct numset *a, const struct numset *b)
{
	for (unsigned i = numset_next(a, 0); i < NUMSET_MAX; i = numset_next(a, i + 1))
		if (numset_has(b, i))
			return i;
	return NUMSET_MAX;
}

/* --- text --- */
/* A decimal number under end at *s, which moves behind it and white space. */
static int take_number(const char **s, unsigned end, unsigned *out)
{
	size_t n = strspn(*s, "0123456789");
	unsigned long value = n > 0 && n < 9 ? strtoul(*s, NULL, 10) : end;
	if (value >= end)
		return -1;
	*out = (unsigned)value;
	*s += n;
	*s += strspn(*s, WHITE);
	return 0;
}

/* One number or range between commas. */
static int take_part(const char **s, unsigned end, struct numset *set)
{
	unsigned first, last;
	bool out = **s == '^';
	*s += out;
	if (take_number(s, end, &first) < 0)
		return -1;
	last = first;
	if (**s == '-') {
		++*s;
		*s += strspn(*s, WHITE);
		if (take_number(s, end, &last) < 0 || last < first)
			return -1;
	}
	for (unsigned i = first; i <= last; i++)
		if (out)
			take_out(set, i);
		else
			numset_add(set, i);
	return 0;
}

int numset_parse(const char *text, unsigned end, struct numset *s, struct err *err)
{
	const char *rest = text + strspn(text, WHITE);
	int rc;
	*s = (struct numset){0};
	while ((rc = take_part(&rest, end, s)) == 0 && *rest == ',') {
		rest++;
		rest += strspn(rest, WHITE);
	}
	if (rc == 0 && *rest == '\0' && !numset_empty(s))
		return 0;
	bool nothing = rc == 0 && *rest == '\0';
	numset_fini(s);
	CLEANUP_FREE char *shown = str_printable(text, strlen(text), 60);
	return err_set(err, ERR_INVALID,
	    nothing ? "'%s' leaves nothing over"
	            : "'%s' is not a list like 0-3,^2,8 of numbers up to %u",
	    shown, end - 1);
}

char *numset_format(const struct numset *s, const char *between)
{
	struct buf text = BUF_INIT;
	for (unsigned i = numset_next(s, 0); i < NUMSET_MAX; i = numset_next(s, i + 1)) {
		unsigned first = i;
		while (numset_has(s, i + 1))
			i++;
		buf_addf(&text, "%s%u", text.len > 0 ? between : "", first);
		if (i > first)
			buf_addf(&text, "-%u", i);
	}
	return text.len > 0 ? buf_take(&text) : xstrdup("");
}
