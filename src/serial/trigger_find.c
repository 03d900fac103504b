#include "serial/trigger_find.h"

#include <string.h>

static unsigned hash(const uint8_t *p)
{
	return ((unsigned)p[0] << 5 ^ p[1]) % TRIGGER_FIND_HASH;
}

int trigger_find_add(struct trigger_find *f, const char *text, uint64_t rules)
{
	size_t len = strlen(text);

	if (f->n == TRIGGER_FIND_MAX || len < PATTERN_LITERAL_MIN || len > PATTERN_LITERAL_MAX)
		return -1;
	memcpy(f->lit[f->n].text, text, len + 1);
	f->lit[f->n].len = (uint16_t)len;
	f->lit[f->n++].rules = rules;
	if (f->window == 0 || len < f->window)
		f->window = len;
	return 0;
}

void trigger_find_ready(struct trigger_find *f)
{
	memset(f->first, 0, sizeof(f->first));
	memset(f->shift, (int)f->window - 1, sizeof(f->shift));
	for (unsigned i = 0; i < f->n; i++) {
		const uint8_t *text = (const uint8_t *)f->lit[i].text;
		unsigned h = 0;

		for (size_t end = 2; end <= f->window; end++) {
			uint8_t far = (uint8_t)(f->window - end);

			h = hash(text + end - 2);
			if (far < f->shift[h])
				f->shift[h] = far;
		}
		f->lit[i].next = f->first[h];
		f->first[h] = (uint16_t)(i + 1);
	}
}

static uint64_t rules_at(const struct trigger_find *f, unsigned h, const uint8_t *p, size_t n)
{
	uint64_t rules = 0;

	for (unsigned i = f->first[h]; i != 0; i = f->lit[i - 1].next)
		if (f->lit[i - 1].len <= n && memcmp(p, f->lit[i - 1].text, f->lit[i - 1].len) == 0)
			rules |= f->lit[i - 1].rules;
	return rules;
}

/* Most of the time goes by in here: how far from p[at] on the window cannot be over any literal. */
static size_t skip(
    const struct trigger_find *f, const uint8_t *p, size_t last, size_t at, unsigned *h)
{
	const uint8_t *end = p + f->window - 2;

	while (at <= last) {
		*h = hash(end + at);
		if (f->shift[*h] == 0)
			break;
		at += f->shift[*h];
	}
	return at;
}

size_t trigger_find_next(
    const struct trigger_find *f, const uint8_t *p, size_t n, size_t at, uint64_t *rules)
{
	unsigned h = 0;

	if (f->n == 0 || n < f->window)
		return n;
	for (;; at++) {
		at = skip(f, p, n - f->window, at, &h);
		if (at > n - f->window)
			return n;
		*rules = rules_at(f, h, p + at, n - at);
		if (*rules != 0)
			return at;
	}
}
