#include "serial/sgr.h"

#define SHOWN 0xff /* of the attributes: bold to strike */

/* 38;5;N and 38;2;R;G;B: ISO 8613-6 as XTerm writes them; the first sixteen have numbers of their own. */
static void add_colour(struct buf *out, uint32_t colour, unsigned base)
{
	unsigned n = colour & 0xff;
	if (colour & VT_RGB)
		buf_addf(out, ";%u;2;%u;%u;%u", base + 8, (colour >> 16) & 0xff,
		    (colour >> 8) & 0xff, n);
	else if (!(colour & VT_INDEXED))
		return;
	else if (n < 8)
		buf_addf(out, ";%u", base + n);
	else if (n < 16)
		buf_addf(out, ";%u", base + 60 + n - 8);
	else
		buf_addf(out, ";%u;5;%u", base + 8, n);
}

void sgr_pen_put(const struct sgr_pen *p, struct buf *out)
{
	static const struct {
		uint16_t attr;
		char code;
	} codes[] = {{VT_BOLD, '1'}, {VT_FAINT, '2'}, {VT_ITALIC, '3'}, {VT_UNDERLINE, '4'},
	    {VT_BLINK, '5'}, {VT_REVERSE, '7'}, {VT_INVISIBLE, '8'}, {VT_STRIKE, '9'}};
	buf_adds(out, "\033[0");
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (p->attrs & codes[i].attr)
			buf_addf(out, ";%c", codes[i].code);
	add_colour(out, p->fg, 30);
	add_colour(out, p->bg, 40);
	buf_addc(out, 'm');
}

struct sgr_pen sgr_pen_of(const struct vt_cell *c)
{
	/* how it is underlined is not for every terminal */
	return (struct sgr_pen){c->fg, c->bg, c->attrs & SHOWN};
}

bool sgr_pen_same(const struct sgr_pen *a, const struct sgr_pen *b)
{
	return a->fg == b->fg && a->bg == b->bg && a->attrs == b->attrs;
}

bool sgr_blank(const struct vt_cell *c)
{
	return (c->cp == 0 || c->cp == ' ') && c->bg == 0 &&
	       !(c->attrs & (VT_REVERSE | VT_UNDERLINE | VT_STRIKE));
}

static unsigned used_cols(const struct vt_screen *s, unsigned row)
{
	const struct vt_cell *cells = vt_screen_row(s, row);
	unsigned n = vt_screen_cols(s);
	while (n && sgr_blank(&cells[n - 1]))
		n--;
	return n;
}

static void add_row(const struct vt_screen *s, unsigned row, struct buf *out)
{
	const struct vt_cell *cells = vt_screen_row(s, row);
	struct sgr_pen now = {0}, none = {0};
	unsigned n = used_cols(s, row);
	for (unsigned i = 0; i < n; i++) {
		char text[VT_CELL_UTF8_MAX];
		struct sgr_pen want = sgr_pen_of(&cells[i]);
		if (!sgr_pen_same(&want, &now))
			sgr_pen_put(&want, out);
		now = want;
		buf_add(out, text, vt_screen_cell_text(s, &cells[i], text));
	}
	if (!sgr_pen_same(&now, &none))
		sgr_pen_put(&none, out);
}

void sgr_format(const struct vt_screen *s, struct buf *out)
{
	unsigned rows = vt_screen_rows(s);
	while (rows && used_cols(s, rows - 1) == 0)
		rows--;
	for (unsigned i = 0; i < rows; i++) {
		if (i)
			buf_addc(out, '\n');
		add_row(s, i, out);
	}
}
