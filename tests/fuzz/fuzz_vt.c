/* The terminal emulator on bytes from a hostile guest. The first two bytes choose the size. A byte 0xFE in the input, which no
 * UTF-8 text holds, is followed by two more that say what happens in the middle of the stream: another size, a mark of ours, a
 * new start, the passing of time. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "serial/vt_screen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t sum; /* keeps what is read from being optimised away */

static void reply(void *arg, const uint8_t *p, size_t n)
{
	(void)arg;
	sum += n + p[0];
}

static void title(void *arg, const char *text)
{
	(void)arg;
	if (strlen(text) > VT_TITLE_MAX)
		abort();
}

static void check_row(const struct vt_screen *s, const struct vt_cell *cells)
{
	char text[VT_CELL_UTF8_MAX];
	unsigned cols = vt_screen_cols(s);
	for (unsigned c = 0; c < cols; c++) {
		if (cells[c].width > 2 ||
		    (cells[c].width == 2 && (c + 1 == cols || cells[c + 1].width != 0)))
			abort(); /* half a wide character */
		if (cells[c].width == 0 && (c == 0 || cells[c - 1].width != 2))
			abort();
		sum += vt_screen_cell_text(s, &cells[c], text);
	}
}

/* A place leads back to where it was taken, and its logical line says the same of itself everywhere. */
static void check_line(const struct vt_screen *s, uint64_t line, struct vt_text *t)
{
	struct vt_line_info i;
	struct vt_place p;
	uint64_t back;
	unsigned col;
	if (!vt_screen_line_info(s, line, &i) || i.first > line || line - i.first >= i.lines ||
	    i.first < vt_screen_first_line(s) || i.time > 255)
		abort();
	for (unsigned c = 0; c < vt_screen_cols(s); c += 3)
		if (!vt_screen_place(s, line, c, &p) || !vt_screen_find_place(s, &p, &back, &col))
			abort();
	if (!vt_screen_place(s, line, 0, &p) || !vt_screen_find_place(s, &p, &back, &col) ||
	    back != line || col != 0)
		abort();
	if (i.first != line)
		return;
	if (!vt_screen_line_text(s, line, t) || strlen(t->text) != t->len)
		abort();
	for (size_t k = 0; k < t->len; k++)
		if (t->cell[k] > t->cell[k + 1])
			abort();
}

/* Everything that a renderer reads, and what always holds. */
static void check(const struct vt_screen *s)
{
	unsigned row, col;
	uint64_t first = vt_screen_first_line(s), top = vt_screen_top_line(s);
	struct vt_text t = {0};
	vt_screen_cursor(s, &row, &col);
	if (row >= vt_screen_rows(s) || col >= vt_screen_cols(s))
		abort();
	if (top - first != vt_screen_history(s) ||
	    vt_screen_last_line(s) - top + 1 != vt_screen_rows(s))
		abort();
	for (uint64_t l = first; l <= vt_screen_last_line(s); l++) {
		const struct vt_cell *cells = vt_screen_line(s, l);
		if (!cells)
			abort();
		check_row(s, cells);
		check_line(s, l, &t);
	}
	if (vt_screen_line(s, vt_screen_last_line(s) + 1))
		abort();
	vt_text_fini(&t);
}

/* A line of the history stays what it is while output comes. */
static void feed(struct vt_screen *s, const uint8_t *p, size_t n)
{
	uint64_t line = vt_screen_top_line(s) - 1;
	unsigned cols = vt_screen_cols(s);
	const struct vt_cell *cells = vt_screen_history(s) ? vt_screen_line(s, line) : NULL;
	uint32_t was[100];
	for (unsigned i = 0; cells && i < cols; i++)
		was[i] = cells[i].cp & ~0x3FFFFFFFu ? 0 : cells[i].cp;
	vt_screen_feed(s, p, n);
	if (!cells || line < vt_screen_first_line(s))
		return;
	if (line >= vt_screen_top_line(s) || !(cells = vt_screen_line(s, line)))
		abort();
	for (unsigned i = 0; i < cols; i++)
		if (was[i] != (cells[i].cp & ~0x3FFFFFFFu ? 0 : cells[i].cp))
			abort();
}

static void meddle(struct vt_screen *s, unsigned what, unsigned with)
{
	switch (what % 8) {
	case 0:
		vt_screen_mark(s, "-- our \xe4\xbd\xa0 own --");
		break;
	case 1:
		vt_screen_restart(s);
		break;
	case 2:
		vt_screen_set_time(s, with);
		break;
	case 3:
		vt_screen_answer(s, with & 1);
		break;
	default:
		vt_screen_resize(s, what % 40, with % 100);
		break;
	}
}

/* The input through a screen; checked where something happens in the middle of it, unless it comes byte by byte. */
static struct vt_screen *run(const uint8_t *data, size_t size, bool bytes)
{
	static const struct vt_screen_ops ops = {.reply = reply, .title = title};
	struct vt_screen *s = vt_screen_new(data[0] % 40, data[1] % 100, 30, &ops, NULL);
	const uint8_t *p = data + 2, *end = data + size;
	while (p < end) {
		const uint8_t *mark = memchr(p, 0xFE, (size_t)(end - p));
		const uint8_t *stop = mark ? mark : end;
		if (!bytes)
			feed(s, p, (size_t)(stop - p));
		for (; bytes && p < stop; p++)
			vt_screen_feed(s, p, 1);
		if (!mark || end - mark < 3)
			break;
		meddle(s, mark[1], mark[2]);
		if (!bytes)
			check(s);
		p = mark + 3;
	}
	return s;
}

/* However the input was cut, the lines are the same. */
static void compare(const struct vt_screen *a, const struct vt_screen *b)
{
	char x[VT_CELL_UTF8_MAX], y[VT_CELL_UTF8_MAX];
	uint64_t first = vt_screen_first_line(a), last = vt_screen_last_line(a);
	if (first != vt_screen_first_line(b) || last != vt_screen_last_line(b))
		abort();
	for (uint64_t l = first; l <= last; l++) {
		const struct vt_cell *c = vt_screen_line(a, l), *d = vt_screen_line(b, l);
		for (unsigned i = 0; i < vt_screen_cols(a); i++) {
			vt_screen_cell_text(a, &c[i], x);
			vt_screen_cell_text(b, &d[i], y);
			if (strcmp(x, y) != 0 || c[i].fg != d[i].fg || c[i].bg != d[i].bg ||
			    c[i].attrs != d[i].attrs || c[i].width != d[i].width)
				abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	struct vt_screen *s = run(data, size, false), *t = run(data, size, true);
	check(s);
	compare(s, t);
	free(vt_screen_text(s, true));
	vt_screen_free(s);
	vt_screen_free(t);
	return 0;
}
