#include "serial/line_text.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "serial/vt_screen.h"
#include "serial/vt_utf8.h"

#define MARKS 2u /* combining marks kept per cell */
#define PARAM_MAX 65535u
/* Cells that sequences may make of a line of n bytes, beside those of its text: a few bytes (ESC [ 65535 C) could otherwise
 * make 64 KiB, and one small log the reading of gigabytes. More than a terminal is wide. */
#define MADE_MAX(n) (512u + 4u * (n))
#define PARAMS 2u
#define COVERED UINT32_MAX /* the right half of a wide character */

struct line_cell {
	uint32_t cp; /* 0: blank */
	uint32_t marks[MARKS];
};

/* ECMA-48 5th ed., 5.3 to 5.6: ESC, then intermediates and a final byte; CSI parameters; strings up
 * to ST (or BEL). */
enum state { GROUND, ESCAPE, CHARSET, CSI, STRING, STRING_ESCAPE };

struct cleaner {
	struct line_text *t;
	struct buf *out;
	size_t n, col; /* cells in use; the cursor */
	size_t made;   /* cells that sequences may still make */
	bool written;  /* a line before this one */
	enum state state;
	bool graphics; /* VT100 line drawing is on */
	uint32_t last; /* for REP */
	unsigned params[PARAMS], n_params;
	struct vt_utf8 utf8;
};

/* --- cells --- */

static void cells_room(struct cleaner *c, size_t n)
{
	struct line_text *t = c->t;
	size_t had = t->cap;

	if (n <= had)
		return;
	t->cap = n > 2 * had ? n + 256 : 2 * had;
	t->cells = xreallocarray(t->cells, t->cap, sizeof(*t->cells));
}

/* Blank cells up to n. */
static void cells_fill(struct cleaner *c, size_t n)
{
	if (n <= c->n)
		return;
	cells_room(c, n);
	memset(c->t->cells + c->n, 0, (n - c->n) * sizeof(*c->t->cells));
	c->n = n;
}

static void utf8_add(struct buf *out, uint32_t cp)
{
	char s[4];

	buf_add(out, s, vt_utf8_encode(cp, s));
}

static bool cell_blank(const struct line_cell *cell)
{
	return (cell->cp == 0 || cell->cp == ' ') && cell->marks[0] == 0;
}

static void trim(struct cleaner *c)
{
	while (c->n > 0 && cell_blank(&c->t->cells[c->n - 1]))
		c->n--;
}

static void line_write(struct cleaner *c)
{
	const struct line_cell *cells = c->t->cells;

	trim(c);
	if (c->written)
		buf_addc(c->out, '\n');
	for (size_t i = 0; i < c->n; i++) {
		if (cells[i].cp == COVERED)
			continue;
		utf8_add(c->out, cells[i].cp ? cells[i].cp : ' ');
		for (unsigned k = 0; k < MARKS && cells[i].marks[k]; k++)
			utf8_add(c->out, cells[i].marks[k]);
	}
	c->written = true;
	c->n = c->col = 0;
}

/* The cursor goes to another line. */
static void line_jump(struct cleaner *c)
{
	trim(c);
	if (c->n > 0)
		line_write(c);
	c->col = 0;
}

/* --- characters --- */

static void mark_add(struct cleaner *c, uint32_t cp)
{
	size_t at = c->col;

	while (at > 0 && at <= c->n && c->t->cells[at - 1].cp == COVERED)
		at--;
	if (at == 0 || at > c->n)
		return;
	for (unsigned k = 0; k < MARKS; k++) {
		if (c->t->cells[at - 1].marks[k] == 0) {
			c->t->cells[at - 1].marks[k] = cp;
			return;
		}
	}
}

/* Writing over one half of a wide character takes the other with it. */
static void cell_set(struct cleaner *c, size_t at, uint32_t cp)
{
	struct line_cell *cells = c->t->cells;

	if (cells[at].cp == COVERED && at > 0)
		cells[at - 1] = (struct line_cell){0};
	if (at + 1 < c->n && cells[at + 1].cp == COVERED)
		cells[at + 1] = (struct line_cell){0};
	cells[at] = (struct line_cell){.cp = cp};
}

static void put(struct cleaner *c, uint32_t cp)
{
	int width;

	if (!str_char_visible(cp))
		return;
	width = cp < 0x300 ? 1 : vt_width(cp);
	if (width <= 0) {
		mark_add(c, cp);
		return;
	}
	if (c->col + (size_t)width > LINE_TEXT_COLS)
		line_write(c);
	if (c->col > c->n) /* column() and tab() saw to it that it is no more */
		c->made -= c->col - c->n < c->made ? c->col - c->n : c->made;
	cells_fill(c, c->col + (size_t)width);
	if (width == 2)
		cell_set(c, c->col + 1, COVERED);
	cell_set(c, c->col, cp);
	if (width == 2)
		c->t->cells[c->col + 1] = (struct line_cell){.cp = COVERED};
	c->col += (size_t)width;
	c->last = cp;
}

/* VT100's special graphics, 0x60 to 0x7e (VT102 user guide, table 5-15). */
static uint32_t graphic(uint8_t ch)
{
	static const uint16_t table[] = {0x25c6, 0x2592, 0x2409, 0x240c, 0x240d, 0x240a, 0x00b0,
	    0x00b1, 0x2424, 0x240b, 0x2518, 0x2510, 0x250c, 0x2514, 0x253c, 0x23ba, 0x23bb, 0x2500,
	    0x23bc, 0x23bd, 0x251c, 0x2524, 0x2534, 0x252c, 0x2502, 0x2264, 0x2265, 0x03c0, 0x2260,
	    0x00a3, 0x00b7};

	return ch >= 0x60 && ch < 0x60 + ARRAY_LEN(table) ? table[ch - 0x60] : ch;
}

/* One byte >= 0x80 of ground text. */
static void utf8(struct cleaner *c, uint8_t ch)
{
	uint32_t made[2];
	unsigned n = vt_utf8_feed(&c->utf8, ch, made);

	for (unsigned i = 0; i < n; i++)
		put(c, made[i]);
}

static void tab(struct cleaner *c)
{
	c->col = (c->col | 7) + 1;
	if (c->col >= LINE_TEXT_COLS)
		c->col = LINE_TEXT_COLS - 1;
}

static void ground(struct cleaner *c, uint8_t ch)
{
	if (ch >= 0x80) {
		utf8(c, ch);
		return;
	}
	if (vt_utf8_cut(&c->utf8))
		put(c, 0xfffd);
	switch (ch) {
	case '\n':
	case '\v':
	case '\f':
		line_write(c);
		break;
	case '\r':
		c->col = 0;
		break;
	case '\b':
		c->col -= c->col > 0;
		break;
	case '\t':
		tab(c);
		break;
	case 0x0e:
	case 0x0f:
		c->graphics = ch == 0x0e;
		break;
	case 0x1b:
		c->state = ESCAPE;
		break;
	default:
		put(c, c->graphics ? graphic(ch) : ch);
	}
}

/* --- control sequences --- */

static void blank(struct cleaner *c, size_t from, size_t to)
{
	if (to > c->n)
		to = c->n;
	for (size_t i = from; i < to; i++)
		cell_set(c, i, 0);
}

static void erase_in_line(struct cleaner *c, unsigned how)
{
	if (how == 1)
		blank(c, 0, c->col + 1);
	else if (how == 2)
		blank(c, 0, c->n);
	else
		blank(c, c->col, c->n);
}

static void delete_cells(struct cleaner *c, size_t n)
{
	if (c->col >= c->n)
		return;
	if (n > c->n - c->col)
		n = c->n - c->col;
	memmove(c->t->cells + c->col, c->t->cells + c->col + n,
	    (c->n - c->col - n) * sizeof(*c->t->cells));
	c->n -= n;
}

static void insert_cells(struct cleaner *c, size_t n)
{
	size_t tail;

	if (c->col >= c->n)
		return;
	if (n > LINE_TEXT_COLS - c->n)
		n = LINE_TEXT_COLS - c->n;
	n = n < c->made ? n : c->made;
	c->made -= n;
	tail = c->n - c->col;
	cells_fill(c, c->n + n);
	memmove(c->t->cells + c->col + n, c->t->cells + c->col, tail * sizeof(*c->t->cells));
	memset(c->t->cells + c->col, 0, n * sizeof(*c->t->cells));
}

static void column(struct cleaner *c, size_t col)
{
	size_t most = c->n + c->made;

	most = most < LINE_TEXT_COLS ? most : LINE_TEXT_COLS - 1;
	c->col = col < most ? col : most;
}

static void csi(struct cleaner *c, uint8_t final)
{
	unsigned p = c->params[0], n = p ? p : 1;

	switch (final) {
	case 'A':
	case 'B':
	case 'E':
	case 'F':
	case 'H':
	case 'd':
	case 'e':
	case 'f':
		line_jump(c);
		if (final == 'H' || final == 'f')
			column(c, c->params[1] ? c->params[1] - 1 : 0);
		break;
	case 'C':
	case 'a':
		column(c, c->col + n);
		break;
	case 'D':
		c->col -= n < c->col ? n : c->col;
		break;
	case 'G':
	case '`':
		column(c, n - 1);
		break;
	case 'J':
		if (p >= 2)
			line_jump(c);
		else
			erase_in_line(c, p);
		break;
	case 'K':
		erase_in_line(c, p);
		break;
	case 'P':
		delete_cells(c, n);
		break;
	case '@':
		insert_cells(c, n);
		break;
	case 'X':
		blank(c, c->col, c->col + n);
		break;
	case 'b':
		for (; c->last && n > 0 && c->made > 0; n--, c->made -= c->made > 0)
			put(c, c->last);
		break;
	default:
		break;
	}
}

static void csi_byte(struct cleaner *c, uint8_t ch)
{
	if (ch >= '0' && ch <= '9' && c->n_params <= PARAMS) {
		unsigned *p = &c->params[c->n_params - 1];

		*p = *p * 10 + (ch - '0');
		*p = *p < PARAM_MAX ? *p : PARAM_MAX;
	} else if (ch == ';' || ch == ':') {
		c->n_params += c->n_params <= PARAMS;
	} else if (ch >= 0x40 && ch < 0x7f) {
		c->state = GROUND;
		csi(c, ch);
	} else if (ch == 0x1b) {
		c->state = ESCAPE;
	} else if (ch == 0x18 || ch == 0x1a) {
		c->state = GROUND;
	} else if (ch < 0x20) {
		/* A control character in it is carried out and does not end it. */
		ground(c, ch);
	}
}

static void escape_byte(struct cleaner *c, uint8_t ch)
{
	c->state = GROUND;
	if (ch == '[') {
		c->state = CSI;
		c->n_params = 1;
		memset(c->params, 0, sizeof(c->params));
	} else if (ch == '(' || ch == ')') {
		c->state = CHARSET;
	} else if (ch && strchr("]PX^_", ch)) {
		c->state = STRING;
	} else if (ch == 0x1b || (ch >= 0x20 && ch < 0x30)) {
		c->state = ESCAPE;
	} else if (ch == 'D' || ch == 'E' || ch == 'M' || ch == 'c') {
		line_jump(c);
	} else if (ch < 0x20 || ch >= 0x80) {
		ground(c, ch);
	}
}

static void byte(struct cleaner *c, uint8_t ch)
{
	switch (c->state) {
	case GROUND:
		ground(c, ch);
		return;
	case ESCAPE:
		escape_byte(c, ch);
		return;
	case CHARSET:
		c->graphics = ch == '0';
		c->state = GROUND;
		return;
	case CSI:
		csi_byte(c, ch);
		return;
	case STRING:
	case STRING_ESCAPE:
		/* CAN, SUB and BEL end it; so does ESC \, and ESC anything else begins anew. */
		if (c->state == STRING_ESCAPE && ch != '\\') {
			c->state = ESCAPE;
			byte(c, ch);
		} else if (c->state == STRING_ESCAPE || ch == 0x07 || ch == 0x18 || ch == 0x1a) {
			c->state = GROUND;
		} else if (ch == 0x1b) {
			c->state = STRING_ESCAPE;
		}
		return;
	}
}

static void clean_slowly(struct line_text *t, const uint8_t *p, size_t n, struct buf *out)
{
	struct cleaner c = {.t = t, .out = out, .made = MADE_MAX(n)};

	for (size_t i = 0; i < n; i++)
		byte(&c, p[i]);
	if (c.state == GROUND && vt_utf8_cut(&c.utf8))
		put(&c, 0xfffd);
	trim(&c);
	if (c.n > 0 || !c.written)
		line_write(&c);
}

/* --- the common case: text with colours --- */

/* The length of the SGR sequence at p; 0 it is none. */
static size_t sgr_length(const uint8_t *p, size_t n)
{
	size_t i = 2;

	if (n < 3 || p[0] != 0x1b || p[1] != '[')
		return 0;
	while (i < n && ((p[i] >= '0' && p[i] <= '9') || p[i] == ';'))
		i++;
	return i < n && p[i] == 'm' ? i + 1 : 0;
}

void line_text_clean(struct line_text *t, const uint8_t *p, size_t n, struct buf *out)
{
	size_t had = out->len, i = 0;

	while (n > 0 && p[n - 1] == '\r')
		n--;
	while (i < n) {
		size_t run = i, skip;

		while (run < n && !line_text_special(p[run]))
			run++;
		buf_add(out, p + i, run - i);
		i = run;
		if (i == n)
			break;
		skip = sgr_length(p + i, n - i);
		if (!skip) {
			out->len = had;
			clean_slowly(t, p, n, out);
			return;
		}
		i += skip;
	}
	while (out->len > had && out->data[out->len - 1] == ' ')
		out->len--;
}

void line_text_fini(struct line_text *t)
{
	free(t->cells);
	*t = (struct line_text){0};
}
