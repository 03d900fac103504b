/* tty: the operator's terminal. Raw input as bytes, ncurses' output sent without ever waiting, and the terminal put back
 * as it was on every way out: return, exit(), a fatal signal, suspension. Owner: tui.c. One per process.
 *
 * ncurses writes each frame into memory (its output file is a memfd); from there it goes to the terminal through
 * our own non-blocking descriptor, and on a slow link no faster than it gets through (tui/tty_pace). While a frame is still
 * on its way no new one is made: a slow link gets fewer frames, never older ones, and a stopped one (Ctrl+S, a dead SSH link)
 * stops nothing else. */
#ifndef TUI_TTY_H
#define TUI_TTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/err.h"
#include "core/loop.h"

#define TTY_ROWS_MAX 500
#define TTY_COLS_MAX 1000

struct tty;

struct tty_ops {
	void (*input)(void *arg, const uint8_t *p, size_t n);
	void (*resized)(void *arg);
	void (*drained)(void *arg); /* the last frame is out: the next may be drawn */
	void (*gone)(void *arg);    /* hang-up */
};

struct tty *tty_open(struct loop *l, const struct tty_ops *ops, void *arg, struct err *err);
/* Restores the terminal. What is still queued gets half a second. */
void tty_close(struct tty *t);
int tty_rows(const struct tty *t);
int tty_cols(const struct tty *t);
/* May a frame be sent? */
bool tty_ready(const struct tty *t);
/* Sends what was drawn on stdscr since the last frame; returns its bytes. */
size_t tty_frame(struct tty *t);
/* What is drawn next replaces what was drawn: the rest of a frame that still waits for a slow link is not sent. */
void tty_supersede(struct tty *t);
/* The next frame repaints everything (Ctrl+L). */
void tty_repaint(struct tty *t);
/* Stops the process as Ctrl+Z does in a shell; returns when it is continued. */
void tty_suspend(struct tty *t);
/* Takes up the terminal again after somebody else stopped and continued us. */
void tty_resume(struct tty *t);
/* Hands the terminal, put back as it was, to a child; no key is read until tty_take or tty_words. */
void tty_give(struct tty *t);
void tty_take(struct tty *t);
/* Which group of processes is in front and hears its Ctrl+C. */
void tty_foreground(struct tty *t, pid_t group);
/* Given away: writes a line there, and reads keys again. */
void tty_words(struct tty *t, const char *text);
/* Reads the size anew (SIGWINCH). */
void tty_measure(struct tty *t);
/* Stops reading keys, so that the terminal's own buffer holds a paste that the guest cannot take yet. */
void tty_pause_input(struct tty *t, bool paused);
void tty_bell(struct tty *t);
/* Which events of the mouse the terminal tells: TTY_MOUSE_OFF is how it is found and left, for then its own selection of text
 * works. */
enum tty_mouse {
	TTY_MOUSE_OFF,
	TTY_MOUSE_CLICKS = 1000,
	TTY_MOUSE_DRAGS = 1002,
	TTY_MOUSE_MOTION = 1003
};
void tty_mouse(struct tty *t, enum tty_mouse mode);
/* Puts text on the operator's clipboard by OSC 52, where the terminal can. ERR_UNSUPPORTED: it is one that cannot;
 * ERR_INVALID: more than TTY_CLIPBOARD_MAX. Whether the terminal obeys is not told by any. */
#define TTY_CLIPBOARD_MAX 74000u /* bytes; 100,000 coded, which is what xterm and tmux take */
int tty_clipboard(struct tty *t, const char *text, size_t n, struct err *err);
/* Bytes that get through in about a fifth of a second, as far as is known; SIZE_MAX: nothing limits it. */
size_t tty_window(const struct tty *t);

#endif
