/* vt_screen: the terminal's state: cells, cursor, modes, scrollback with reflow. Actions come from
 * vt_parser; no I/O and no curses inside. Owner: whoever called vt_screen_new. One thread. Sources:
 * ECMA-48 5th ed., DEC STD 070, XTerm's ctlseqs, Unicode East Asian Width.
 *
 * Hostile input is the normal case: every count and parameter is clamped by a limit named here or
 * in vt_parser.h, and memory is bounded by rows x cols + VT_HISTORY_BYTES_MAX (vt_history.h) +
 * VT_CLUSTERS_MAX. */
#ifndef SERIAL_VT_SCREEN_H
#define SERIAL_VT_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VT_ROWS_MAX 500
#define VT_COLS_MAX 1000
#define VT_SCROLLBACK_DEFAULT 100000 /* logical lines; memory is taken as they come */
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
	VT_MARKED = 1 << 9,    /* of a line that vt_screen_mark put there; no guest can set it */
	                       /* bits 10..12: how it is underlined, VT_UNDERLINE_STYLE */
};
#define VT_UNDERLINE_SHIFT 10
#define VT_UNDERLINE_STYLES (7 << VT_UNDERLINE_SHIFT)
/* As SGR 4:N has them: 1 single, 2 double, 3 curly, 4 dotted, 5 dashed; 0 not at all. */
#define VT_UNDERLINE_STYLE(attrs) \
	((attrs)&VT_UNDERLINE ? ((attrs) >> VT_UNDERLINE_SHIFT & 7u) + 1 : 0)

struct vt_cell {
	uint32_t cp; /* code point; 0 an erased cell; >= VT_CLUSTER an index into the clusters */
	uint32_t fg, bg;
	uint16_t attrs; /* enum vt_attr */
	uint8_t
	    width; /* 1, 2 (the cell on its right has width 0), 0 the right half of a wide one */
	uint8_t underline; /* its colour: 0 that of the text, else the number in the palette of 256
	                      that is nearest (16 for 0, which is black too) */
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
	/* Bytes for the guest (answers to DA, DSR: vt_reply.c has them all); NULL: no answers (replay,
	 * spectators, previews). */
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
/* Lines above the screen; line 0 is the newest one. cols cells each, borrowed until the next line
 * above the screen is read. */
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

/* --- Lines by number: the history and, after it, the screen as it is shown, as one sequence.
 *
 * Numbers stay with their lines while output comes, until the width changes or the screen is reset
 * (those of the screen count one up when a mark on it is moved to the history); a struct vt_place
 * outlives a change of the width too. A line is one row of cells; those that the
 * text wrapped over make one logical line. */
uint64_t vt_screen_first_line(const struct vt_screen *s); /* the oldest that is kept */
uint64_t vt_screen_top_line(const struct vt_screen *s);   /* row 0 of the screen */
uint64_t vt_screen_last_line(const struct vt_screen *s);  /* the last row of the screen */
/* cols cells, borrowed until the next line is read by number, or fed; NULL: there is no such line
 * (any more). */
const struct vt_cell *vt_screen_line(const struct vt_screen *s, uint64_t line);

struct vt_line_info {
	uint64_t first; /* number of the first line of its logical line */
	unsigned lines; /* how many the logical line has */
	uint64_t time;  /* when it was last written to, as vt_screen_set_time told; 0 unknown */
	bool wrapped;   /* its text goes on in the next line */
	bool mark;      /* one of ours, by vt_screen_mark */
};
/* False: there is no such line. */
bool vt_screen_line_info(const struct vt_screen *s, uint64_t line, struct vt_line_info *info);
/* The same, of its time alone; 0 unknown. */
uint64_t vt_screen_line_time(const struct vt_screen *s, uint64_t line);

/* A cell by its logical line. On the alternate screen it holds as long as that one is shown. */
struct vt_place {
	uint64_t logical; /* counts the logical lines */
	uint32_t cell;    /* of the logical line */
};
/* False: there is no such line. */
bool vt_screen_place(
    const struct vt_screen *s, uint64_t line, unsigned col, struct vt_place *place);
/* False: the line is not kept any more. */
bool vt_screen_find_place(
    const struct vt_screen *s, const struct vt_place *place, uint64_t *line, unsigned *col);

/* The text of a logical line, for search and copying. Owner: the caller; zeroed before the first
 * call, kept between calls, freed by vt_text_fini. */
struct vt_text {
	char *text; /* UTF-8 with a NUL; blanks at its end are cut */
	size_t len;
	uint32_t *cell; /* of each byte, and of the NUL: the cell of the logical line where its
	                   character stands */
	struct vt_line_info info;
	size_t room_; /* of text and cell */
};
/* Of the logical line that the line belongs to. False: there is no such line. */
bool vt_screen_line_text(const struct vt_screen *s, uint64_t line, struct vt_text *text);
void vt_text_fini(struct vt_text *text);

/* What time it is, in nanoseconds of whatever clock the caller uses: lines written to from now on
 * bear it. */
void vt_screen_set_time(struct vt_screen *s, uint64_t time_ns);
/* Puts a line of ours after the cursor's: UTF-8, cut to the width, control characters left out. Its
 * cells are VT_MARKED. A guest that erases it or writes over it moves it to the history. */
void vt_screen_mark(struct vt_screen *s, const char *text);
/* The guest starts anew: what the screen shows goes to the history, then RIS. */
void vt_screen_restart(struct vt_screen *s);
/* The guest is in the middle of an update that is to be seen whole (mode 2026): a renderer waits
 * for its end, yet no longer than VT_SYNC_MS. */
bool vt_screen_sync(const struct vt_screen *s);
#define VT_SYNC_MS 150

/* The present screen as text: rows joined by '\n', trailing blanks of each row and trailing empty
 * rows cut (all rows kept with whole = true). UTF-8, on the heap. */
char *vt_screen_text(const struct vt_screen *s, bool whole);

/* Width of a code point as we draw it: 0 combining, 1, 2; -1 for controls. Our own table, not the
 * locale's. */
int vt_width(uint32_t cp);

#endif
