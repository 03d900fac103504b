/* vt_keys: keys → the bytes that a guest's terminal driver expects, by the modes the guest has set.
 * Pure. Source: XTerm's ctlseqs, "PC-Style Function Keys", "Bracketed Paste Mode", "Mouse
 * Tracking". */
#ifndef SERIAL_VT_KEYS_H
#define SERIAL_VT_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "serial/vt_screen.h"

enum vt_key_sym {
	VT_KEY_CHAR = 0, /* cp */
	VT_KEY_UP,
	VT_KEY_DOWN,
	VT_KEY_RIGHT,
	VT_KEY_LEFT,
	VT_KEY_HOME,
	VT_KEY_END,
	VT_KEY_PGUP,
	VT_KEY_PGDN,
	VT_KEY_INSERT,
	VT_KEY_DELETE,
	VT_KEY_BACKSPACE,
	VT_KEY_TAB,
	VT_KEY_ENTER,
	VT_KEY_ESCAPE,
	VT_KEY_F1,
	VT_KEY_F2,
	VT_KEY_F3,
	VT_KEY_F4,
	VT_KEY_F5,
	VT_KEY_F6,
	VT_KEY_F7,
	VT_KEY_F8,
	VT_KEY_F9,
	VT_KEY_F10,
	VT_KEY_F11,
	VT_KEY_F12,
	VT_KEY_F13,
	VT_KEY_F14,
	VT_KEY_F15,
	VT_KEY_F16,
	VT_KEY_F17,
	VT_KEY_F18,
	VT_KEY_F19,
	VT_KEY_F20,
	VT_KEY_KP_0,
	VT_KEY_KP_1,
	VT_KEY_KP_2,
	VT_KEY_KP_3,
	VT_KEY_KP_4,
	VT_KEY_KP_5,
	VT_KEY_KP_6,
	VT_KEY_KP_7,
	VT_KEY_KP_8,
	VT_KEY_KP_9,
	VT_KEY_KP_ENTER,
	VT_KEY_KP_PLUS,
	VT_KEY_KP_MINUS,
	VT_KEY_KP_MULT,
	VT_KEY_KP_DIV,
	VT_KEY_KP_COMMA,
	VT_KEY_KP_PERIOD,
	VT_KEY_KP_EQUALS,
	VT_KEY_COUNT
};

enum { VT_MOD_SHIFT = 1, VT_MOD_ALT = 2, VT_MOD_CTRL = 4 };

struct vt_key {
	enum vt_key_sym sym;
	uint32_t cp; /* VT_KEY_CHAR: the code point without modifiers */
	unsigned mods;
};

#define VT_KEYS_MAX 32
/* Returns how many bytes were put into out (0: the key means nothing to a terminal). */
size_t vt_keys_encode(const struct vt_modes *m, const struct vt_key *k, uint8_t out[VT_KEYS_MAX]);

/* Prepares pasted text: line ends become CR; with bracketed paste on it is wrapped in ESC[200~ …
 * ESC[201~ and every ESC and C1 in the text is removed, so that it cannot end the bracket. *out is
 * on the heap; returns its length. */
size_t vt_keys_paste(const struct vt_modes *m, const char *text, size_t n, uint8_t **out);

/* An event of the operator's mouse over a cell of the guest's screen. */
struct vt_mouse {
	unsigned button;   /* as xterm numbers them: 0 to 2, 3 none, 64 and 65 the wheel */
	unsigned mods;     /* VT_MOD_* */
	unsigned row, col; /* from 0 */
	bool release, motion;
};
/* What the guest asked to hear of it, coded as it asked; 0: nothing. */
size_t vt_keys_mouse(const struct vt_modes *m, const struct vt_mouse *e, uint8_t out[VT_KEYS_MAX]);

#endif
