/* vt_screen: the terminal's state: cells, cursor, modes, scrollback with reflow. Actions come from
 * vt_parser; no I/O and no curses inside. Owner: whoever called vt_screen_new. One thread. Sources:
 * ECMA-48 5th ed., DEC STD 070, XTerm's ctlseqs, Unicode East Asian Width.
 *
 * Hostile input is the normal case: every count and parameter is clamped by a limit named here or
 * in vt_parser.h, and memory is bounded by rows x cols + scrollback + VT_CLUSTERS_MAX. */
#ifndef SERIAL_VT_SCREEN_H
#define SERIAL_VT_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VT_ROWS_MAX 500
#define VT_COLS_MAX 1000
#define VT_SCROLLBACK_DEFAULT 2000 /* lines */
#define VT_SCROLLBACK_MAX 100000
#define VT_CLUSTERS_MAX 4096 /* distinct base+combining sequences kept at a time */
#define VT_CLUSTER_CHARS 6   /* code points of one sequence; more combining marks are dropped */
#define VT_TITLE_MAX 256

/* Colours: 0 the terminal's default; VT_INDEXED | 0..255; VT_RGB | 0xrrggbb. */
#define VT_INDEXED 0x01000000u
#define VT_RGB 0x02000000u

enum vt_attr {
	VT_BOLD = 1 << 0,
	VT_FAINT = 1 << 1,
	VT_ITALIC = 1 << 2,
	VT_UNDERLINE = 1 << 3, /* any style */
	VT_BLINK = 1 << 4,
	VT_REVERSE = 1 << 5,
	VT_INVISIBLE = 1 << 6,
	VT_STRIKE = 1 << 7,
	VT_PROTECTED = 1 << 8, /* DECSCA */
};

struct vt_cell {
	uint32_t cp; /* code point; 0 an erased cell; >= VT_CLUSTER an index into the clusters */
	uint32_t fg, bg;
	uint16_t attrs; /* enum vt_attr */
	uint8_t
	    width; /* 1, 2 (the cell on its right has width 0), 0 the right half of a wide one */
	uint8_t pad_;
};
#define VT_CLUSTER 0x80000000u
#define VT_CELL_UTF8_MAX (VT_CLUSTER_CHARS * 4 + 1)

/* What vt_keys and a renderer need to know. */
struct vt_modes {
	bool app_cursor;   /* DECCKM */
	bool app_keypad;   /* DECKPAM */
	bool newline;      /* LNM */
	bool backarrow_bs; /* DECBKM: Backspace sends BS, not DEL */
	bool bracketed_paste;
	bool focus_events;
	bool reverse_screen; /* DECSCNM */
	bool cursor_visible; /* DECTCEM */
	bool alt_screen;
	int mouse;        /* 0, or 9, 1000, 1002, 1003 */
	int mouse_coding; /* 0, or 1005, 1006, 1015 */
	int cursor_style; /* DECSCUSR 0..6 */
};

struct vt_screen;

struct vt_screen_ops {
	/* Bytes for the guest (answers to DA, DSR, DECRQM …); NULL: no answers (replay, spectators,
	 * previews). */
	void (*reply)(void *arg, const uint8_t *p, size_t n);
	void (*bell)(void *arg);
	/* Title set by OSC 0/2: printable UTF-8, at most VT_TITLE_MAX bytes. Never goes to the
	 * operator's terminal. */
	void (*title)(void *arg, const char *title);
};

/* Rows and columns are clamped to 1..MAX. ops may be NULL. */
struct vt_screen *vt_screen_new(
    unsigned rows, unsigned cols, unsigned scrollback, const struct vt_screen_ops *ops, void *arg);
void vt_screen_free(struct vt_screen *s);
/* Takes any bytes, in any cuts. Never fails, never blocks. */
void vt_screen_feed(struct vt_screen *s, const uint8_t *p, size_t n);
/* Switches answers on or off (replay off, live on). */
void vt_screen_answer(struct vt_screen *s, bool on);
/* RIS, and the scrollback is emptied. */
void vt_screen_reset(struct vt_screen *s);
/* Reflows the main screen and its scrollback; the alternate screen is cut or padded. */
void vt_screen_resize(struct vt_screen *s, unsigned rows, unsigned cols);

unsigned vt_screen_rows(const struct vt_screen *s);
unsigned vt_screen_cols(const struct vt_screen *s);
/* cols cells, row 0 is the top one. Borrowed until the next feed, resize or reset. */
const struct vt_cell *vt_screen_row(const struct vt_screen *s, unsigned row);
/* 0-based; col may equal cols only never: a pending wrap is reported at the last column. */
void vt_screen_cursor(const struct vt_screen *s, unsigned *row, unsigned *col);
void vt_screen_modes(const struct vt_screen *s, struct vt_modes *m);
const char *vt_screen_title(const struct vt_screen *s); /* "" none */
/* Lines above the screen; line 0 is the newest one. cols cells each. */
unsigned vt_screen_history(const struct vt_screen *s);
const struct vt_cell *vt_screen_history_row(const struct vt_screen *s, unsigned line);
/* The cell's text as UTF-8 with a NUL; length without it. An erased cell is a space, a right half
 * is "". */
size_t vt_screen_cell_text(
    const struct vt_screen *s, const struct vt_cell *c, char out[VT_CELL_UTF8_MAX]);

/* Damage since the last vt_screen_clean: per row, plus how far the whole screen scrolled is not
 * told: redraw the rows. */
bool vt_screen_dirty(const struct vt_screen *s, unsigned row);
void vt_screen_clean(struct vt_screen *s);
/* Counts up with every change that a renderer could see. */
uint64_t vt_screen_stamp(const struct vt_screen *s);

/* The present screen as text: rows joined by '\n', trailing blanks of each row and trailing empty
 * rows cut (all rows kept with whole = true). UTF-8, on the heap. */
char *vt_screen_text(const struct vt_screen *s, bool whole);

/* Width of a code point as we draw it: 0 combining, 1, 2; -1 for controls. Our own table, not the
 * locale's. */
int vt_width(uint32_t cp);

#endif
