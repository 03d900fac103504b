#include "serial/vt_screen.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "serial/vt_reflow.h"
#include "serial/vt_state.h"

#define MODES_INITIAL (VT_BIT(VT_M_DECAWM) | VT_BIT(VT_M_DECTCEM) | VT_BIT(VT_M_DECARM))

/* --- what the parser calls
 * -------------------------------------------------------------------------------- */

static void on_ascii(void *arg, const uint8_t *p, size_t n)
{
	struct vt_screen *s = arg;
	s->stamp++;
	vt_print_ascii(s, p, n);
}

static void on_text(void *arg, const uint32_t *cp, size_t n)
{
	struct vt_screen *s = arg;
	s->stamp++;
	vt_print_text(s, cp, n);
}

static void on_control(void *arg, uint8_t c)
{
	struct vt_screen *s = arg;
	s->stamp++;
	vt_escape_control(s, c);
	s->last = 0;
}

static void on_escape(void *arg, const uint8_t *intermediate, unsigned n, uint8_t final)
{
	struct vt_screen *s = arg;
	s->stamp++;
	vt_escape_run(s, intermediate, n, final);
	s->last = 0;
}

static void on_csi(void *arg, const struct vt_csi *c)
{
	struct vt_screen *s = arg;
	s->stamp++;
	vt_csi_run(s, c);
	s->last = 0;
}

static void on_string(void *arg, enum vt_string kind, const uint8_t *p, size_t n, bool whole)
{
	(void)whole; /* a title that was cut is one still */
	struct vt_screen *s = arg;
	s->stamp++;
	vt_escape_string(s, kind, p, n);
	s->last = 0;
}

static void on_vt52_address(void *arg, int row, int col)
{
	struct vt_screen *s = arg;
	s->stamp++;
	vt_cursor_set(s, row, col);
}

static const struct vt_parser_ops parser_ops = {
    .ascii = on_ascii,
    .text = on_text,
    .control = on_control,
    .escape = on_escape,
    .csi = on_csi,
    .string = on_string,
    .vt52_address = on_vt52_address,
};

/* --- resets
 * --------------------------------------------------------------------------------------------------
 */

void vt_screen_reset_tabs(struct vt_screen *s)
{
	for (int i = 0; i < VT_COLS_MAX; i++)
		s->tabs[i] = i > 0 && i % 8 == 0;
}

static void reset_margins(struct vt_screen *s)
{
	s->top = 0;
	s->bottom = s->rows - 1;
	s->left = 0;
	s->right = s->cols - 1;
}

static void forget_cursor(struct vt_screen *s, bool alt)
{
	s->saved[alt] = (struct vt_saved){0};
	vt_charsets_init(&s->saved[alt].sets);
}

/* What DECSTR and RIS have in common; the alternate screen stays shown. */
static void reset_state(struct vt_screen *s)
{
	s->modes = (s->modes & VT_BIT(VT_M_ALT)) | MODES_INITIAL;
	s->parser.vt52 = false;
	s->app_keypad = false;
	s->pen = (struct vt_pen){0};
	s->iso_protection = false;
	vt_charsets_init(&s->sets);
	reset_margins(s);
	forget_cursor(s, vt_mode(s, VT_M_ALT));
}

void vt_screen_soft_reset(struct vt_screen *s)
{
	const uint64_t kept = VT_BIT(VT_M_LNM) | VT_BIT(VT_M_DECSCNM) | VT_BIT(VT_M_PASTE) |
	                      VT_BIT(VT_M_FOCUS) | VT_BIT(VT_M_SRM) | VT_BIT(VT_M_COLM_ALLOWED) |
	                      VT_BIT(VT_M_DECCOLM);
	uint64_t modes = s->modes & kept;
	reset_state(s);
	s->modes |= modes;
}

void vt_screen_ris(struct vt_screen *s)
{
	vt_screen_alternate(s, false);
	reset_state(s);
	forget_cursor(s, true);
	s->modes = MODES_INITIAL;
	s->saved_modes = MODES_INITIAL;
	s->exact_rect = false;
	s->mouse = s->mouse_coding = s->saved_mouse = s->saved_mouse_coding = 0;
	s->cursor_style = 0;
	s->title[0] = 0;
	s->last = 0;
	s->last_row = -1;
	vt_screen_reset_tabs(s);
	vt_edit_erase_display(s, 2, false);
	vt_cursor_set(s, 0, 0);
	s->all_dirty = true;
}

void vt_screen_reset(struct vt_screen *s)
{
	vt_parser_reset(&s->parser);
	vt_screen_ris(s);
	vt_history_clear(&s->history);
	vt_history_skip(&s->history, (unsigned)s->rows); /* nobody's place is found again */
	s->stamp++;
}

/* --- life
 * ------------------------------------------------------------------------------------------------------
 */

static int clamp_size(unsigned v, unsigned max)
{
	return (int)(v < 1 ? 1 : v > max ? max : v);
}

struct vt_screen *vt_screen_new(
    unsigned rows, unsigned cols, unsigned scrollback, const struct vt_screen_ops *ops, void *arg)
{
	struct vt_screen *s = xcalloc(1, sizeof(*s));
	s->ops = ops;
	s->arg = arg;
	s->answer = true;
	s->rows = clamp_size(rows, VT_ROWS_MAX);
	s->cols = clamp_size(cols, VT_COLS_MAX);
	if (scrollback > VT_SCROLLBACK_MAX)
		scrollback = VT_SCROLLBACK_MAX;
	vt_history_init(&s->history, scrollback, (unsigned)s->cols, &s->clusters);
	vt_grid_init(&s->main, s->rows, s->cols, &s->history);
	vt_grid_init(&s->alt, s->rows, s->cols, NULL);
	s->grid = &s->main;
	vt_clusters_init(&s->clusters);
	vt_parser_init(&s->parser, &parser_ops, s);
	vt_screen_ris(s);
	return s;
}

void vt_screen_free(struct vt_screen *s)
{
	if (!s)
		return;
	vt_grid_fini(&s->main);
	vt_grid_fini(&s->alt);
	vt_history_fini(&s->history);
	vt_clusters_fini(&s->clusters);
	free(s);
}

void vt_screen_feed(struct vt_screen *s, const uint8_t *p, size_t n)
{
	vt_parser_feed(&s->parser, p, n);
}

void vt_screen_answer(struct vt_screen *s, bool on)
{
	s->answer = on;
}

void vt_screen_alternate(struct vt_screen *s, bool on)
{
	if (vt_mode(s, VT_M_ALT) == on)
		return;
	s->modes ^= VT_BIT(VT_M_ALT);
	s->grid = on ? &s->alt : &s->main;
	s->last_row = -1;
	s->all_dirty = true;
}

void vt_screen_save_cursor(struct vt_screen *s)
{
	s->saved[vt_mode(s, VT_M_ALT)] = (struct vt_saved){
	    .row = s->row,
	    .col = s->col,
	    .wrap = s->wrap,
	    .origin = vt_mode(s, VT_M_DECOM),
	    .pen = s->pen,
	    .sets = s->sets,
	};
}

void vt_screen_restore_cursor(struct vt_screen *s)
{
	const struct vt_saved *v = &s->saved[vt_mode(s, VT_M_ALT)];
	s->modes = v->origin ? s->modes | VT_BIT(VT_M_DECOM) : s->modes & ~VT_BIT(VT_M_DECOM);
	s->pen = v->pen;
	s->sets = v->sets;
	/* Margins set since then hold back at the bottom and at the right only, as in xterm. */
	if (v->origin && (v->row > s->bottom || v->col > vt_right(s)))
		vt_cursor_set(s, v->row < s->bottom ? v->row : s->bottom,
		    v->col < vt_right(s) ? v->col : vt_right(s));
	else
		vt_cursor_set(s, v->row, v->col);
	s->wrap = v->wrap && s->col == v->col;
}

void vt_screen_resize(struct vt_screen *s, unsigned want_rows, unsigned want_cols)
{
	int rows = clamp_size(want_rows, VT_ROWS_MAX), cols = clamp_size(want_cols, VT_COLS_MAX);
	if (rows == s->rows && cols == s->cols)
		return;
	bool alt = vt_mode(s, VT_M_ALT);
	struct vt_saved *under =
	    &s->saved[0]; /* where the cursor returns to when the alternate screen closes */
	struct vt_reflow_cursor c = {
	    alt ? under->row : s->row, alt ? under->col : s->col, alt ? under->wrap : s->wrap};
	if (vt_clusters_full(&s->clusters))
		vt_print_collect(s);
	vt_reflow(&s->main, &s->clusters, rows, cols, &c);
	vt_grid_crop(&s->alt, rows, cols);
	s->rows = rows;
	s->cols = cols;
	if (alt) {
		under->row = c.row;
		under->col = c.col;
		under->wrap = c.wrap;
		vt_cursor_set(s, s->row, s->col);
	} else {
		s->row = c.row;
		s->col = c.col;
		s->wrap = c.wrap;
	}
	reset_margins(s);
	s->modes &= ~VT_BIT(VT_M_SYNC); /* the size is seen at once */
	s->last_row = -1;
	s->all_dirty = true;
	s->stamp++;
}

/* --- questions
 * --------------------------------------------------------------------------------------------------
 */

unsigned vt_screen_rows(const struct vt_screen *s)
{
	return (unsigned)s->rows;
}

unsigned vt_screen_cols(const struct vt_screen *s)
{
	return (unsigned)s->cols;
}

const struct vt_cell *vt_screen_row(const struct vt_screen *s, unsigned row)
{
	int r = vt_clamp((int)(row < VT_ROWS_MAX ? row : VT_ROWS_MAX), 0, s->rows - 1);
	return vt_grid_read(s->grid, vt_grid_line(s->grid, r));
}

void vt_screen_cursor(const struct vt_screen *s, unsigned *row, unsigned *col)
{
	*row = (unsigned)s->row;
	*col = (unsigned)s->col;
}

void vt_screen_modes(const struct vt_screen *s, struct vt_modes *m)
{
	*m = (struct vt_modes){
	    .app_cursor = vt_mode(s, VT_M_DECCKM),
	    .app_keypad = s->app_keypad || vt_mode(s, VT_M_DECNKM),
	    .newline = vt_mode(s, VT_M_LNM),
	    .backarrow_bs = vt_mode(s, VT_M_DECBKM),
	    .bracketed_paste = vt_mode(s, VT_M_PASTE),
	    .focus_events = vt_mode(s, VT_M_FOCUS),
	    .reverse_screen = vt_mode(s, VT_M_DECSCNM),
	    .cursor_visible = vt_mode(s, VT_M_DECTCEM),
	    .alt_screen = vt_mode(s, VT_M_ALT),
	    .mouse = s->mouse,
	    .mouse_coding = s->mouse_coding,
	    .cursor_style = s->cursor_style,
	};
}

const char *vt_screen_title(const struct vt_screen *s)
{
	return s->title;
}

bool vt_screen_dirty(const struct vt_screen *s, unsigned row)
{
	return row < (unsigned)s->rows && (s->all_dirty || s->dirty[row]);
}

void vt_screen_clean(struct vt_screen *s)
{
	memset(s->dirty, 0, sizeof(s->dirty));
	s->all_dirty = false;
}

uint64_t vt_screen_stamp(const struct vt_screen *s)
{
	return s->stamp;
}
