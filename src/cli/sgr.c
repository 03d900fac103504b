#include "cli/sgr.h"

struct pen {
	uint32_t fg, bg;
	uint16_t attrs;
};

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

static void set_pen(struct buf *out, const struct pen *p)
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

static struct pen pen_of(const struct vt_cell *c)
{
	/* how it is underlined is not for every terminal */
	return (struct pen){c->fg, c->bg, (uint16_t)(c->attrs & (VT_PROTECTED - 1))};
}

static bool plain_blank(const struct vt_cell *c)
{
	return (c->cp == 0 || c->cp == ' ') && c->bg == 0 &&
	       !(c->attrs & (VT_REVERSE | VT_UNDERLINE | VT_STRIKE));
}

static unsigned used_cols(const struct vt_screen *s, unsigned row)
{
	const struct vt_cell *cells = vt_screen_row(s, row);
	unsigned n = vt_screen_cols(s);
	while (n && plain_blank(&cells[n - 1]))
		n--;
	return n;
}

static void add_row(const struct vt_screen *s, unsigned row, struct buf *out)
{
	const struct vt_cell *cells = vt_screen_row(s, row);
	struct pen now = {0}, none = {0};
	unsigned n = used_cols(s, row);
	for (unsigned i = 0; i < n; i++) {
		char text[VT_CELL_UTF8_MAX];
		struct pen want = pen_of(&cells[i]);
		if (want.fg != now.fg || want.bg != now.bg || want.attrs != now.attrs)
			set_pen(out, &want);
		now = want;
		buf_add(out, text, vt_screen_cell_text(s, &cells[i], text));
	}
	if (now.fg || now.bg || now.attrs)
		set_pen(out, &none);
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
