/* input: bytes from the terminal → keys and pastes. libtermkey decodes, in its abstract mode: no descriptor, no curses.
 * Owner: tui.c. Bracketed pastes are kept apart from keys, so that a paste never runs commands. */
#ifndef TUI_INPUT_H
#define TUI_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/loop.h"
#include "serial/vt_keys.h"

#define INPUT_ESCAPE_MS 50 /* a lone ESC is the key after this long */

struct input;

struct input_ops {
	/* Returns false when it cannot take more now: input_feed then keeps the rest until input_continue. */
	bool (*key)(void *arg, const struct vt_key *k);
	/* A piece of pasted text. Same return. */
	bool (*paste)(void *arg, const char *p, size_t n);
	/* The paste is whole. May be NULL. */
	void (*pasted)(void *arg);
	/* Row and column are the terminal's. May be NULL. */
	void (*mouse)(void *arg, const struct vt_mouse *e);
};

struct input *input_new(struct loop *l, const struct input_ops *ops, void *arg);
void input_free(struct input *in);
void input_feed(struct input *in, const uint8_t *p, size_t n);
/* Goes on with what was kept. */
void input_continue(struct input *in);
/* Somebody refused a key or a paste, and was not asked again yet. */
bool input_blocked(const struct input *in);

/* "Ctrl+]", "F12", "Alt+x", "Enter", "Space"; for help and footers. */
void input_key_name(const struct vt_key *k, char *out, size_t n);
/* The reverse, as typed in an environment variable: "F12", "Ctrl+]", "C-b", "^]". 0 or -1. */
int input_key_parse(const char *s, struct vt_key *k);

#endif
