#include "core/mem.h"
#include "serial/vt_state.h"

/* The last column that text may reach in the cursor's row; half of them on a double-width line, where
 * the cursor may be beyond it: then text is lost. */
static int text_limit(const struct vt_screen *s)
{
	int last = vt_last_col(s, s->row);
	return s->col <= vt_right(s) && vt_right(s) < last ? vt_right(s) : last;
}

/* gap: a column is left over where a wide character had no room. */
static void wrap_line(struct vt_screen *s, bool gap)
{
	struct vt_line *l = vt_current_line(s);
	l->wrapped = s->col == s->cols - 1;
	l->gap = gap;
	vt_cursor_index(s, 1);
	s->col = vt_left(s);
	s->wrap = false;
}

static struct vt_cell pen_cell(const struct vt_pen *pen)
{
	return (struct vt_cell){.fg = pen->fg,
	    .bg = pen->bg,
	    .attrs = pen->attrs,
	    .width = 1,
	    .underline = pen->underline};
}

/* Format controls: zero-width spaces and joiners, bidirectional marks and overrides, line and
 * paragraph separators, invisible operators, musical ones, tags. xterm drops most of them, and on the
 * way to an operator's terminal, a list or JSON they could only mislead. */
bool vt_print_is_format(uint32_t cp)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {{0x061C, 0x061C}, {0x180E, 0x180E}, {0x200B, 0x200F}, {0x2028, 0x202E},
	    {0x2060, 0x206F}, {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0x1D173, 0x1D17A},
	    {0xE0000, 0xE007F}};
	if (cp < ranges[0].first)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
		if (cp >= ranges[i].first && cp <= ranges[i].last)
			return true;
	return false;
}

/* The cells [col, col + n) of the cursor's row, ready to be overwritten. */
static struct vt_cell *cells_at_cursor(struct vt_screen *s, struct vt_line *l, int n)
{
	if (l->wide) {
		vt_grid_split(l, s->col);
		vt_grid_split(l, s->col + n);
	}
	vt_mark(s, s->row);
	return vt_grid_write(s->grid, l, s->col, s->col + n) + s->col;
}

/* The cursor goes on by n columns, at most onto the limit with a wrap pending. */
static void advance(struct vt_screen *s, int n, int limit)
{
	s->last_row = s->row;
	s->col += n;
	s->last_col = s->col - 1;
	if (s->col > limit) {
		s->col = limit;
		s->wrap = true;
	}
}

static void print_one(struct vt_screen *s, uint32_t cp, int width)
{
	if (s->wrap && vt_mode(s, VT_M_DECAWM))
		wrap_line(s, false);
	int limit = text_limit(s);
	if (s->col > limit)
		return;
	if (s->col + width - 1 > limit) {
		if (!vt_mode(s, VT_M_DECAWM) || limit - width + 1 < vt_left(s))
			return; /* a wide character with no place */
		wrap_line(s, true);
		limit = text_limit(s);
		if (s->col + width - 1 > limit)
			return; /* nor has the next line, of double width */
	}
	s->wrap = false;
	if (vt_mode(s, VT_M_IRM) && s->col >= vt_left(s) && s->col <= vt_right(s))
		vt_edit_shift(s, s->row, s->col, limit, width);
	struct vt_line *l = vt_current_line(s);
	struct vt_cell *c = cells_at_cursor(s, l, width);
	c[0] = pen_cell(&s->pen);
	c[0].cp = cp;
	c[0].width = (uint8_t)width;
	if (width == 2) {
		c[1] = pen_cell(&s->pen);
		c[1].width = 0;
		l->wide = true;
	}
	advance(s, width, limit);
	s->last_col = s->col + (s->wrap ? 1 : 0) - width;
	s->last = cp;
}

static void put_ascii(struct vt_cell *c, const struct vt_pen *pen, const uint8_t *p, int n)
{
#ifdef __SSE2__
	const __m128i v = vt_cell_vector(pen);
	for (int i = 0; i < n; i++)
		_mm_storeu_si128(
		    (__m128i *)(void *)&c[i], _mm_or_si128(v, _mm_cvtsi32_si128(p[i])));
#else
	for (int i = 0; i < n; i++) {
		c[i] = pen_cell(pen);
		c[i].cp = p[i];
	}
#endif
}

void vt_print_ascii(struct vt_screen *s, const uint8_t *p, size_t n)
{
	bool awm = vt_mode(s, VT_M_DECAWM);
	while (n && (vt_charsets_active(&s->sets) || vt_mode(s, VT_M_IRM))) {
		print_one(s, vt_charsets_map(&s->sets, *p), 1);
		p++;
		n--;
	}
	while (n) {
		if (s->wrap && awm)
			wrap_line(s, false);
		s->wrap = false;
		int limit = text_limit(s);
		int room = limit - s->col + 1;
		if (room <= 0)
			return;
		int k = n < (size_t)room ? (int)n : room;
		struct vt_cell *c = cells_at_cursor(s, vt_current_line(s), k);
		put_ascii(c, &s->pen, p, k);
		if (!awm && n > (size_t)k) {
			/* the rest goes onto the last column, one over the other */
			c[k - 1].cp = p[n - 1];
			k = (int)n;
			advance(s, room, limit);
			s->last = p[n - 1];
			return;
		}
		advance(s, k, limit);
		p += k;
		n -= (size_t)k;
		s->last = p[-1];
	}
}

static void mark_cells(struct vt_screen *s, const struct vt_line *l)
{
	for (int i = 0; i < l->used; i++)
		if (l->cells[i].cp >= VT_CLUSTER)
			vt_clusters_mark(&s->clusters, l->cells[i].cp);
}

void vt_print_collect(struct vt_screen *s)
{
	uint64_t cost = 0;
	struct vt_grid *grids[] = {&s->main, &s->alt};
	for (int g = 0; g < 2; g++) {
		for (int i = 0; i < s->rows; i++)
			mark_cells(s, &grids[g]->ring[i]);
		cost += (uint64_t)s->rows * (uint64_t)s->cols;
	}
	vt_clusters_sweep(&s->clusters);
	s->collect_due = cost / 16;
}

/* As in xterm a mark joins the character printed last, or, when the cursor has moved since, the one under it. */
static void combine(struct vt_screen *s, uint32_t mark)
{
	int row = s->last_row < 0 ? s->row : s->last_row,
	    col = s->last_row < 0 ? s->col : s->last_col;
	struct vt_line *l = vt_grid_line(s->grid, row);
	if (col >= l->used || l->mark)
		return;
	struct vt_cell *c = &l->cells[col];
	if (c->width == 0)
		c--;
	if (c->cp == 0)
		return;
	if (s->collect_due)
		s->collect_due--;
	if (vt_clusters_full(&s->clusters) && s->collect_due == 0)
		vt_print_collect(s);
	c->cp = vt_clusters_add(&s->clusters, c->cp, mark);
	vt_mark(s, row);
}

void vt_print_text(struct vt_screen *s, const uint32_t *cp, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int width = vt_width(cp[i]);
		/* none of the wide ones is a format control */
		if (width < 2 && vt_print_is_format(cp[i]))
			continue;
		if (width == 0)
			combine(s, cp[i]);
		else if (width > 0)
			print_one(s, cp[i] == 0xFFFE || cp[i] == 0xFFFF ? 0xFFFD : cp[i], width);
	}
	s->sets.shift = 0;
}

/* As much of a run of one character as goes into the cursor's line; returns how many. 0: none does,
 * and none ever will. */
static int print_in_line(struct vt_screen *s, uint32_t cp, int width, int n)
{
	if (s->wrap && vt_mode(s, VT_M_DECAWM))
		wrap_line(s, false);
	int limit = text_limit(s), room = (limit - s->col + 1) / width;
	int k = n < room ? n : room;
	if (vt_mode(s, VT_M_IRM) && s->col < vt_left(s) && s->col + k * width > vt_left(s))
		k = (vt_left(s) - s->col) / width; /* inserting begins at the margin */
	if (k < 2) {                               /* the borders are print_one's */
		print_one(s, cp, width);
		return vt_mode(s, VT_M_DECAWM) && s->last_row >= 0 ? 1 : 0;
	}
	s->wrap = false;
	if (vt_mode(s, VT_M_IRM) && s->col >= vt_left(s) && s->col <= vt_right(s))
		vt_edit_shift(s, s->row, s->col, limit, k * width);
	struct vt_line *l = vt_current_line(s);
	struct vt_cell *c = cells_at_cursor(s, l, k * width), one = pen_cell(&s->pen);
	one.cp = cp;
	one.width = (uint8_t)width;
	for (int i = 0; i < k * width; i += width) {
		c[i] = one;
		if (width == 2) {
			c[i + 1] = pen_cell(&s->pen);
			c[i + 1].width = 0;
		}
	}
	l->wide |= width == 2;
	advance(s, k * width, limit);
	s->last_col = s->col + (s->wrap ? 1 : 0) - width;
	return k;
}

/* A count of more than a screen is cut by whole lines: the screen comes out the same, in bounded
 * time. */
void vt_print_repeat(struct vt_screen *s, int n)
{
	uint32_t cp = s->last;
	if (cp == 0)
		return;
	int width = vt_width(cp);
	/* the rest of this line, which may be outside the margins, then whole ones between them */
	int line = (vt_right(s) - vt_left(s) + 1) / width;
	int most = (text_limit(s) - s->col + 1) / width + (s->rows + 2) * line;
	if (n > most && line > 0)
		n = most + (n - most) % line;
	while (n > 0) {
		int k = print_in_line(s, cp, width, n);
		if (k == 0)
			break;
		n -= k;
	}
	s->last = cp;
}
