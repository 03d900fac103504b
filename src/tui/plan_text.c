#include "tui/plan_text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

#define LINES_MAX 4000
#define LINE_BYTES 2000 /* shown of one line */
#define STEP_DIGITS 4   /* PLAN_STEPS_MAX of kvm/plan.h has as many */

/* " 3. words": 3, and where the words begin; 0 for another line. */
static unsigned step_of(const char *p, size_t n, size_t *words)
{
	size_t at = 0, digits;
	unsigned step = 0;
	while (at < n && p[at] == ' ')
		at++;
	for (digits = 0; at < n && digits < STEP_DIGITS && isdigit((unsigned char)p[at]);
	     at++, digits++)
		step = step * 10 + (unsigned)(p[at] - '0');
	if (!digits || at + 1 >= n || p[at] != '.' || p[at + 1] != ' ')
		return 0;
	*words = at + 2;
	return step;
}

static void add(struct plan_text *t, unsigned *cap, const char *p, size_t n)
{
	struct plan_line l = {.kind = PLAN_LINE_WORDS};
	size_t at = 0;
	unsigned step = step_of(p, n, &at), *steps = &t->steps[t->parts ? t->parts - 1 : 0];
	if (step == 1 && t->parts < PLAN_PARTS_MAX)
		*(steps = &t->steps[t->parts++]) = 0;
	if (t->parts && step == *steps + 1) {
		l.kind = PLAN_LINE_STEP;
		l.step = *steps = step;
	} else {
		for (at = 0; at < n && p[at] == ' ';)
			at++;
		if (at >= 4 && *steps) {
			l.kind = PLAN_LINE_DETAIL;
			l.step = *steps;
		}
	}
	l.part = t->parts ? t->parts - 1 : 0;
	if (t->n == *cap) {
		*cap = *cap ? *cap * 2 : 32;
		t->line = xreallocarray(t->line, *cap, sizeof(*t->line));
	}
	l.text = at < n ? str_printable(p + at, n - at, LINE_BYTES) : xstrdup("");
	t->line[t->n++] = l;
}

void plan_text_read(struct plan_text *t, const char *text, size_t n)
{
	unsigned cap = 0;
	memset(t, 0, sizeof(*t));
	while (n && t->n < LINES_MAX) {
		const char *nl = memchr(text, '\n', n);
		size_t len = nl ? (size_t)(nl - text) : n;
		add(t, &cap, text, len);
		n -= nl ? len + 1 : len;
		text += nl ? len + 1 : len;
	}
	while (t->n && !*t->line[t->n - 1].text)
		free(t->line[--t->n].text);
}

unsigned plan_text_part(
    const struct plan_text *t, unsigned part, unsigned before, unsigned step, unsigned steps)
{
	if (part < t->parts && t->steps[part] == steps && step >= before)
		return part;
	for (unsigned i = part + 1; i < t->parts; i++)
		if (t->steps[i] == steps)
			return i;
	return part;
}

void plan_text_fini(struct plan_text *t)
{
	for (unsigned i = 0; i < t->n; i++)
		free(t->line[i].text);
	free(t->line);
	memset(t, 0, sizeof(*t));
}
