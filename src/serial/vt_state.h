/* vt_state: the inside of struct vt_screen, shared by the files that carry out its sequences:
 * vt_print, vt_edit, vt_cursor, vt_csi, vt_escape, vt_mode, vt_sgr, vt_reply. Nobody outside of
 * serial/vt_* includes it.
 *
 * Rows and columns are 0-based ints here. Unless a comment says otherwise the behaviour is xterm's
 * (patch 379). */
#ifndef SERIAL_VT_STATE_H
#define SERIAL_VT_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "serial/vt_charset.h"
#include "serial/vt_cluster.h"
#include "serial/vt_grid.h"
#include "serial/vt_history.h"
#include "serial/vt_parser.h"
#include "serial/vt_screen.h"

/* Bits of vt_screen.modes. */
enum vt_mode_bit {
	VT_M_KAM,
	VT_M_IRM,
	VT_M_SRM,
	VT_M_LNM,
	VT_M_DECCKM,
	VT_M_VT52,
	VT_M_DECSCLM,
	VT_M_DECSCNM,
	VT_M_DECOM,
	VT_M_DECAWM,
	VT_M_DECARM,
	VT_M_BLINK,
	VT_M_DECTCEM,
	VT_M_COLM_ALLOWED,
	VT_M_DECCOLM,
	VT_M_MORE_FIX,
	VT_M_NRC,
	VT_M_REVWRAP,
	VT_M_ALT,
	VT_M_DECNKM,
	VT_M_DECBKM,
	VT_M_DECLRMM,
	VT_M_DECNCSM,
	VT_M_FOCUS,
	VT_M_ALT_SCROLL,
	VT_M_META,
	VT_M_PASTE,
	VT_M_SYNC,
	VT_M_REVWRAP_FAR,
};
#define VT_BIT(bit) (UINT64_C(1) << (bit))

/* What DECSC keeps. */
struct vt_saved {
	int row, col;
	bool wrap, origin;
	struct vt_pen pen;
	struct vt_charsets sets;
};

/* A box of cells, all bounds inclusive. */
struct vt_box {
	int top, left, bottom, right;
};

struct vt_screen {
	const struct vt_screen_ops *ops;
	void *arg;
	bool answer;
	struct vt_parser parser;
	int rows, cols;
	struct vt_history history;
	struct vt_grid main, alt;
	struct vt_grid *grid; /* the one shown */

	int row, col;
	bool wrap; /* the last column was written: the next character goes to the next line */
	struct vt_pen pen;
	struct vt_charsets sets;
	uint64_t modes, saved_modes;  /* VT_BIT(enum vt_mode_bit) */
	int top, bottom, left, right; /* margins, inclusive; left and right in force with DECLRMM */
	struct vt_saved saved[2];     /* of the main and the alternate screen */
	bool iso_protection;          /* SPA was used: plain erasing spares protected cells too */
	bool exact_rect;              /* DECSACE 2 */
	int mouse, mouse_coding, saved_mouse, saved_mouse_coding;
	int cursor_style;
	bool app_keypad;
	bool tabs[VT_COLS_MAX];
	char title[VT_TITLE_MAX + 1];

	struct vt_clusters clusters;
	uint64_t collect_due; /* no collection of clusters before so many marks more: its cost stays
	                         in proportion */
	uint32_t last; /* character printed just before, for REP; 0: something else came since */
	int last_row, last_col; /* where it is, for combining marks; last_row -1 nowhere */

	bool all_dirty;
	bool dirty[VT_ROWS_MAX];
	uint64_t stamp;
};

static inline bool vt_mode(const struct vt_screen *s, enum vt_mode_bit bit)
{
	return (s->modes & VT_BIT(bit)) != 0;
}
static inline int vt_clamp(int v, int low, int high)
{
	return v < low ? low : v > high ? high : v;
}
static inline struct vt_line *vt_current_line(const struct vt_screen *s)
{
	return vt_grid_line(s->grid, s->row);
}
static inline int vt_left(const struct vt_screen *s)
{
	return vt_mode(s, VT_M_DECLRMM) ? s->left : 0;
}
static inline int vt_right(const struct vt_screen *s)
{
	return vt_mode(s, VT_M_DECLRMM) ? s->right : s->cols - 1;
}
/* The last column of a row: half of them on a double-width line. */
static inline int vt_last_col(const struct vt_screen *s, int row)
{
	bool single = vt_grid_line(s->grid, row)->size == VT_LINE_SINGLE;
	return (single || s->cols < 2 ? s->cols : s->cols / 2) - 1;
}
/* The cursor was set, or its line changed: no wrap is pending, the character printed last is last no more. */
static inline void vt_settle(struct vt_screen *s)
{
	s->wrap = false;
	s->last_row = -1;
}
static inline void vt_mark(struct vt_screen *s, int row)
{
	s->dirty[row] = true;
}

/* vt_screen.c */
void vt_screen_ris(struct vt_screen *s);
void vt_screen_soft_reset(struct vt_screen *s);
void vt_screen_alternate(struct vt_screen *s, bool on);
void vt_screen_save_cursor(struct vt_screen *s);
void vt_screen_restore_cursor(struct vt_screen *s);
void vt_screen_reset_tabs(struct vt_screen *s);

/* vt_print.c: characters into cells. */
void vt_print_collect(struct vt_screen *s); /* clusters that no cell uses any more */
void vt_print_ascii(struct vt_screen *s, const uint8_t *p, size_t n);
void vt_print_text(struct vt_screen *s, const uint32_t *cp, size_t n);
void vt_print_repeat(struct vt_screen *s, int n); /* REP */
bool vt_print_is_format(uint32_t cp);

/* vt_cursor.c: movement. */
void vt_cursor_set(struct vt_screen *s, int row, int col); /* absolute, clamped */
void vt_cursor_address(
    struct vt_screen *s, int row, int col); /* relative to the margins with DECOM */
void vt_cursor_up(struct vt_screen *s, int n);
void vt_cursor_down(struct vt_screen *s, int n);
void vt_cursor_forward(struct vt_screen *s, int n);
void vt_cursor_back(struct vt_screen *s, int n);
void vt_cursor_return(struct vt_screen *s); /* CR */
void vt_cursor_index(struct vt_screen *s, int n);
void vt_cursor_reverse_index(struct vt_screen *s, int n);
void vt_cursor_column_index(struct vt_screen *s, bool forward); /* DECFI, DECBI */
void vt_cursor_tab(struct vt_screen *s, int n);
void vt_cursor_back_tab(struct vt_screen *s, int n);
void vt_cursor_home(struct vt_screen *s);

/* vt_edit.c: erasing, inserting, deleting, scrolling. n is clamped. */
/* Cells [from, to) of a row; spare: protected ones stay. */
void vt_edit_erase_cells(struct vt_screen *s, int row, int from, int to, bool spare);
void vt_edit_erase_display(struct vt_screen *s, int what, bool selective);
void vt_edit_erase_line(struct vt_screen *s, int what, bool selective);
void vt_edit_erase_chars(struct vt_screen *s, int n);
void vt_edit_insert_chars(struct vt_screen *s, int n);
void vt_edit_delete_chars(struct vt_screen *s, int n);
void vt_edit_insert_lines(struct vt_screen *s, int n);
void vt_edit_delete_lines(struct vt_screen *s, int n);
void vt_edit_insert_columns(struct vt_screen *s, int n);
void vt_edit_delete_columns(struct vt_screen *s, int n);
void vt_edit_scroll_up(struct vt_screen *s, int n); /* within the margins, wherever the cursor is */
void vt_edit_scroll_down(struct vt_screen *s, int n);
void vt_edit_scroll_left(struct vt_screen *s, int n);
void vt_edit_scroll_right(struct vt_screen *s, int n);
void vt_edit_shift(
    struct vt_screen *s, int row, int at, int right, int n); /* n > 0: cells go right */
void vt_edit_alignment(struct vt_screen *s);                 /* DECALN */
void vt_edit_line_size(struct vt_screen *s, enum vt_line_size size);

/* vt_rect.c: the VT420's rectangles. */
void vt_rect_fill(struct vt_screen *s, const struct vt_csi *c);
void vt_rect_erase(struct vt_screen *s, const struct vt_csi *c);
void vt_rect_erase_selective(struct vt_screen *s, const struct vt_csi *c);
void vt_rect_copy(struct vt_screen *s, const struct vt_csi *c);
void vt_rect_change_attrs(struct vt_screen *s, const struct vt_csi *c);
void vt_rect_reverse_attrs(struct vt_screen *s, const struct vt_csi *c);

/* vt_csi.c, vt_escape.c: dispatch. */
void vt_csi_run(struct vt_screen *s, const struct vt_csi *c);
void vt_escape_run(struct vt_screen *s, const uint8_t *intermediate, unsigned n, uint8_t final);
void vt_escape_control(struct vt_screen *s, uint8_t c);
void vt_escape_string(struct vt_screen *s, enum vt_string kind, const uint8_t *p, size_t n);

/* vt_mode.c */
void vt_mode_set(struct vt_screen *s, const struct vt_csi *c, bool on);
void vt_mode_save(struct vt_screen *s, const struct vt_csi *c);
void vt_mode_restore(struct vt_screen *s, const struct vt_csi *c);

/* vt_sgr.c */
void vt_sgr_run(struct vt_screen *s, const struct vt_csi *c);

/* vt_reply.c */
void vt_reply_attributes(struct vt_screen *s, const struct vt_csi *c); /* DA1, DA2, DA3 */
void vt_reply_status(struct vt_screen *s, const struct vt_csi *c);     /* DSR */
void vt_reply_bytes(struct vt_screen *s, const char *text);

#endif
