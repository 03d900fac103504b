#include "serial/vt_keys.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"

enum kind {
	CURSOR = 1, /* CSI or SS3 (DECCKM) and a letter; CSI 1 ; modifiers letter */
	SS3,        /* F1 to F4: SS3 letter; CSI 1 ; modifiers letter */
	TILDE,      /* CSI number ~; CSI number ; modifiers ~ */
	KEYPAD,     /* the character itself; SS3 letter in application mode */
};

static const struct {
	uint8_t kind;
	char letter;    /* final, or the keypad's in application mode */
	uint8_t number; /* TILDE's; KEYPAD's character */
} keys[VT_KEY_COUNT] = {
    [VT_KEY_UP] = {CURSOR, 'A', 0},
    [VT_KEY_DOWN] = {CURSOR, 'B', 0},
    [VT_KEY_RIGHT] = {CURSOR, 'C', 0},
    [VT_KEY_LEFT] = {CURSOR, 'D', 0},
    [VT_KEY_HOME] = {CURSOR, 'H', 0},
    [VT_KEY_END] = {CURSOR, 'F', 0},
    [VT_KEY_INSERT] = {TILDE, '~', 2},
    [VT_KEY_DELETE] = {TILDE, '~', 3},
    [VT_KEY_PGUP] = {TILDE, '~', 5},
    [VT_KEY_PGDN] = {TILDE, '~', 6},
    [VT_KEY_F1] = {SS3, 'P', 0},
    [VT_KEY_F2] = {SS3, 'Q', 0},
    [VT_KEY_F3] = {SS3, 'R', 0},
    [VT_KEY_F4] = {SS3, 'S', 0},
    [VT_KEY_F5] = {TILDE, '~', 15},
    [VT_KEY_F6] = {TILDE, '~', 17},
    [VT_KEY_F7] = {TILDE, '~', 18},
    [VT_KEY_F8] = {TILDE, '~', 19},
    [VT_KEY_F9] = {TILDE, '~', 20},
    [VT_KEY_F10] = {TILDE, '~', 21},
    [VT_KEY_F11] = {TILDE, '~', 23},
    [VT_KEY_F12] = {TILDE, '~', 24},
    [VT_KEY_F13] = {TILDE, '~', 25},
    [VT_KEY_F14] = {TILDE, '~', 26},
    [VT_KEY_F15] = {TILDE, '~', 28},
    [VT_KEY_F16] = {TILDE, '~', 29},
    [VT_KEY_F17] = {TILDE, '~', 31},
    [VT_KEY_F18] = {TILDE, '~', 32},
    [VT_KEY_F19] = {TILDE, '~', 33},
    [VT_KEY_F20] = {TILDE, '~', 34},
    [VT_KEY_KP_0] = {KEYPAD, 'p', '0'},
    [VT_KEY_KP_1] = {KEYPAD, 'q', '1'},
    [VT_KEY_KP_2] = {KEYPAD, 'r', '2'},
    [VT_KEY_KP_3] = {KEYPAD, 's', '3'},
    [VT_KEY_KP_4] = {KEYPAD, 't', '4'},
    [VT_KEY_KP_5] = {KEYPAD, 'u', '5'},
    [VT_KEY_KP_6] = {KEYPAD, 'v', '6'},
    [VT_KEY_KP_7] = {KEYPAD, 'w', '7'},
    [VT_KEY_KP_8] = {KEYPAD, 'x', '8'},
    [VT_KEY_KP_9] = {KEYPAD, 'y', '9'},
    [VT_KEY_KP_ENTER] = {KEYPAD, 'M', '\r'},
    [VT_KEY_KP_PLUS] = {KEYPAD, 'k', '+'},
    [VT_KEY_KP_MINUS] = {KEYPAD, 'm', '-'},
    [VT_KEY_KP_MULT] = {KEYPAD, 'j', '*'},
    [VT_KEY_KP_DIV] = {KEYPAD, 'o', '/'},
    [VT_KEY_KP_COMMA] = {KEYPAD, 'l', ','},
    [VT_KEY_KP_PERIOD] = {KEYPAD, 'n', '.'},
    [VT_KEY_KP_EQUALS] = {KEYPAD, 'X', '='},
};

static size_t utf8(uint32_t cp, uint8_t *out)
{
	if (cp < 0x80) {
		out[0] = (uint8_t)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (uint8_t)(0xC0 | cp >> 6);
		out[1] = (uint8_t)(0x80 | (cp & 0x3F));
		return 2;
	}
	if (cp < 0x10000) {
		out[0] = (uint8_t)(0xE0 | cp >> 12);
		out[1] = (uint8_t)(0x80 | (cp >> 6 & 0x3F));
		out[2] = (uint8_t)(0x80 | (cp & 0x3F));
		return 3;
	}
	out[0] = (uint8_t)(0xF0 | cp >> 18);
	out[1] = (uint8_t)(0x80 | (cp >> 12 & 0x3F));
	out[2] = (uint8_t)(0x80 | (cp >> 6 & 0x3F));
	out[3] = (uint8_t)(0x80 | (cp & 0x3F));
	return 4;
}

/* Ctrl with a character, as keyboards and xterm have it; cp itself where Ctrl changes nothing. */
static uint32_t control(uint32_t cp)
{
	if (cp >= 'a' && cp <= 'z')
		return cp - 'a' + 1;
	if (cp >= '@' && cp <= '_')
		return cp - '@';
	switch (cp) {
	case ' ':
	case '2':
		return 0x00;
	case '3':
		return 0x1B;
	case '4':
		return 0x1C;
	case '5':
		return 0x1D;
	case '6':
	case '~':
		return 0x1E;
	case '7':
	case '/':
		return 0x1F;
	case '8':
	case '?':
		return 0x7F;
	default:
		return cp;
	}
}

static size_t encode_char(const struct vt_key *k, uint8_t *out)
{
	size_t n = 0;
	if (k->cp > 0x10FFFF || (k->cp >= 0xD800 && k->cp <= 0xDFFF))
		return 0;
	if (k->mods & VT_MOD_ALT)
		out[n++] = 0x1B;
	return n + utf8(k->mods & VT_MOD_CTRL ? control(k->cp) : k->cp, out + n);
}

/* Keys that send one character of their own, and another one with Ctrl. */
static size_t encode_simple(const struct vt_modes *m, const struct vt_key *k, uint8_t *out)
{
	size_t n = 0;
	bool ctrl = k->mods & VT_MOD_CTRL;
	if (k->mods & VT_MOD_ALT)
		out[n++] = 0x1B;
	switch (k->sym) {
	case VT_KEY_BACKSPACE:
		out[n++] = m->backarrow_bs != ctrl ? 0x08 : 0x7F;
		break;
	case VT_KEY_ENTER:
		out[n++] = '\r';
		if (m->newline)
			out[n++] = '\n';
		break;
	case VT_KEY_ESCAPE:
		out[n++] = 0x1B;
		break;
	default: /* Tab; with Shift it is back-tab */
		if (k->mods & VT_MOD_SHIFT) {
			out[n++] = 0x1B;
			out[n++] = '[';
			out[n++] = 'Z';
		} else {
			out[n++] = '\t';
		}
		break;
	}
	return n;
}

static size_t encode_keypad(const struct vt_modes *m, const struct vt_key *k, uint8_t *out)
{
	size_t n = 0;
	if (m->app_keypad) {
		if (k->mods)
			return (size_t)snprintf((char *)out, VT_KEYS_MAX, "\033O%u%c", k->mods + 1,
			    keys[k->sym].letter);
		return (size_t)snprintf((char *)out, VT_KEYS_MAX, "\033O%c", keys[k->sym].letter);
	}
	if (k->mods & VT_MOD_ALT)
		out[n++] = 0x1B;
	out[n++] = keys[k->sym].number;
	if (k->sym == VT_KEY_KP_ENTER && m->newline)
		out[n++] = '\n';
	return n;
}

size_t vt_keys_encode(const struct vt_modes *m, const struct vt_key *k, uint8_t out[VT_KEYS_MAX])
{
	unsigned mods = 1 + (k->mods & (VT_MOD_SHIFT | VT_MOD_ALT | VT_MOD_CTRL));
	char *text = (char *)out;
	if ((unsigned)k->sym >= VT_KEY_COUNT)
		return 0;
	char letter = keys[k->sym].letter;
	int n = 0;
	switch ((enum kind)keys[k->sym].kind) {
	case CURSOR:
	case SS3:
		if (mods > 1)
			n = snprintf(text, VT_KEYS_MAX, "\033[1;%u%c", mods, letter);
		else if (keys[k->sym].kind == SS3 || m->app_cursor)
			n = snprintf(text, VT_KEYS_MAX, "\033O%c", letter);
		else
			n = snprintf(text, VT_KEYS_MAX, "\033[%c", letter);
		return (size_t)n;
	case TILDE:
		if (mods > 1)
			n = snprintf(text, VT_KEYS_MAX, "\033[%u;%u~", keys[k->sym].number, mods);
		else
			n = snprintf(text, VT_KEYS_MAX, "\033[%u~", keys[k->sym].number);
		return (size_t)n;
	case KEYPAD:
		return encode_keypad(m, k, out);
	}
	return k->sym == VT_KEY_CHAR ? encode_char(k, out) : encode_simple(m, k, out);
}

/* ESC, or a C1 control in UTF-8 (C2 80..9F) or bare (80..9F outside a character): how many bytes to
 * leave out. */
static size_t harmful(const unsigned char *p, size_t n)
{
	if (p[0] == 0x1B)
		return 1;
	if (p[0] == 0xC2 && n > 1 && p[1] >= 0x80 && p[1] <= 0x9F)
		return 2;
	return p[0] >= 0x80 && p[0] <= 0x9F ? 1 : 0;
}

static size_t character_length(const unsigned char *p, size_t n)
{
	size_t want = p[0] < 0xC2 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : p[0] < 0xF5 ? 4 : 1;
	size_t have = 1;
	while (have < want && have < n && (p[have] & 0xC0) == 0x80)
		have++;
	return have;
}

size_t vt_keys_paste(const struct vt_modes *m, const char *text, size_t n, uint8_t **out)
{
	static const char open[] = "\033[200~", close[] = "\033[201~";
	const unsigned char *p = (const unsigned char *)text;
	uint8_t *to = xmalloc(n + sizeof(open) + sizeof(close));
	size_t len = 0;
	*out = to;
	if (m->bracketed_paste) {
		memcpy(to, open, sizeof(open) - 1);
		len = sizeof(open) - 1;
	}
	for (size_t i = 0; i < n;) {
		size_t skip = m->bracketed_paste ? harmful(p + i, n - i) : 0;
		if (skip) {
			i += skip;
		} else if (p[i] == '\n' || p[i] == '\r') {
			i += p[i] == '\r' && i + 1 < n && p[i + 1] == '\n' ? 2 : 1;
			to[len++] = '\r';
		} else {
			size_t k = character_length(p + i, n - i);
			memcpy(to + len, p + i, k);
			len += k;
			i += k;
		}
	}
	if (m->bracketed_paste) {
		memcpy(to + len, close, sizeof(close) - 1);
		len += sizeof(close) - 1;
	}
	return len;
}

/* --- mouse --- */

static bool mouse_wanted(const struct vt_modes *m, const struct vt_mouse *e)
{
	switch (m->mouse) {
	case 9:
		return !e->release && !e->motion && e->button < 3;
	case 1000:
		return !e->motion;
	case 1002:
		return !e->motion || e->button != 3;
	case 1003:
		return true;
	default:
		return false;
	}
}

static size_t mouse_utf8(unsigned v, uint8_t *out)
{
	if (v < 0x80) {
		out[0] = (uint8_t)v;
		return 1;
	}
	out[0] = (uint8_t)(0xC0 | v >> 6);
	out[1] = (uint8_t)(0x80 | (v & 0x3F));
	return 2;
}

size_t vt_keys_mouse(const struct vt_modes *m, const struct vt_mouse *e, uint8_t out[VT_KEYS_MAX])
{
	const bool sgr = m->mouse_coding == 1006;
	unsigned code = e->button, x = e->col + 1, y = e->row + 1;
	const unsigned most = m->mouse_coding == 1005 ? 2047 - 32 : 255 - 32;
	if (!mouse_wanted(m, e))
		return 0;
	if (e->release && !sgr)
		code = 3; /* which one is not told */
	if (m->mouse != 9)
		code |= (e->mods & VT_MOD_SHIFT ? 4u : 0) | (e->mods & VT_MOD_ALT ? 8u : 0) |
		        (e->mods & VT_MOD_CTRL ? 16u : 0) | (e->motion ? 32u : 0);
	if (sgr)
		return (size_t)snprintf((char *)out, VT_KEYS_MAX, "\033[<%u;%u;%u%c", code, x, y,
		    e->release ? 'm' : 'M');
	if (m->mouse_coding == 1015)
		return (size_t)snprintf(
		    (char *)out, VT_KEYS_MAX, "\033[%u;%u;%uM", code + 32, x, y);
	if (x > most || y > most)
		return 0;
	memcpy(out, "\033[M", 3);
	out[3] = (uint8_t)(code + 32);
	if (m->mouse_coding != 1005) {
		out[4] = (uint8_t)(x + 32);
		out[5] = (uint8_t)(y + 32);
		return 6;
	}
	size_t n = 4 + mouse_utf8(x + 32, out + 4);
	return n + mouse_utf8(y + 32, out + n);
}
