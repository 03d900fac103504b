#include "tui/lines.h"

#include <stdlib.h>

#include "core/mem.h"
#include "tui/draw.h"

void lines_add(struct lines *l, enum style st, const char *fmt, ...)
{
	va_list ap;
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 64;
		l->all = xreallocarray(l->all, l->cap, sizeof(*l->all));
	}
	va_start(ap, fmt);
	l->all[l->n++] = (struct line){xvasprintf(fmt, ap), st};
	va_end(ap);
}

void lines_clear(struct lines *l)
{
	for (unsigned i = 0; i < l->n; i++)
		free(l->all[i].text);
	free(l->all);
	*l = (struct lines){0};
}

void lines_draw(const struct lines *l, unsigned first, int left, int row, int height, int cols)
{
	for (int r = 0; r < height && first + (unsigned)r < l->n; r++) {
		const struct line *line = &l->all[first + (unsigned)r];
		const char *s = line->text;
		for (int skip = left; skip > 0 && *s; skip--)
			draw_next(&s);
		draw_field(row + r, 0, cols, line->style, s);
	}
}
