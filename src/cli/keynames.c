#include "cli/keynames.h"

#include <linux/input-event-codes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

/* QEMU: qapi/ui.json, QKeyCode. USB: HID Usage Tables, page 7; 0 none there. */
#define KEY(name_, qcode_, usb_)                         \
	{                                                \
		"KEY_" #name_, KEY_##name_, qcode_, usb_ \
	}
static const struct key {
	const char *name;
	unsigned linux_code;
	const char *qcode;
	unsigned usb;
} keys[] = {
    KEY(ESC, "esc", 0x29),
    KEY(1, "1", 0x1e),
    KEY(2, "2", 0x1f),
    KEY(3, "3", 0x20),
    KEY(4, "4", 0x21),
    KEY(5, "5", 0x22),
    KEY(6, "6", 0x23),
    KEY(7, "7", 0x24),
    KEY(8, "8", 0x25),
    KEY(9, "9", 0x26),
    KEY(0, "0", 0x27),
    KEY(MINUS, "minus", 0x2d),
    KEY(EQUAL, "equal", 0x2e),
    KEY(BACKSPACE, "backspace", 0x2a),
    KEY(TAB, "tab", 0x2b),
    KEY(Q, "q", 0x14),
    KEY(W, "w", 0x1a),
    KEY(E, "e", 0x08),
    KEY(R, "r", 0x15),
    KEY(T, "t", 0x17),
    KEY(Y, "y", 0x1c),
    KEY(U, "u", 0x18),
    KEY(I, "i", 0x0c),
    KEY(O, "o", 0x12),
    KEY(P, "p", 0x13),
    KEY(LEFTBRACE, "bracket_left", 0x2f),
    KEY(RIGHTBRACE, "bracket_right", 0x30),
    KEY(ENTER, "ret", 0x28),
    KEY(LEFTCTRL, "ctrl", 0xe0),
    KEY(A, "a", 0x04),
    KEY(S, "s", 0x16),
    KEY(D, "d", 0x07),
    KEY(F, "f", 0x09),
    KEY(G, "g", 0x0a),
    KEY(H, "h", 0x0b),
    KEY(J, "j", 0x0d),
    KEY(K, "k", 0x0e),
    KEY(L, "l", 0x0f),
    KEY(SEMICOLON, "semicolon", 0x33),
    KEY(APOSTROPHE, "apostrophe", 0x34),
    KEY(GRAVE, "grave_accent", 0x35),
    KEY(LEFTSHIFT, "shift", 0xe1),
    KEY(BACKSLASH, "backslash", 0x31),
    KEY(Z, "z", 0x1d),
    KEY(X, "x", 0x1b),
    KEY(C, "c", 0x06),
    KEY(V, "v", 0x19),
    KEY(B, "b", 0x05),
    KEY(N, "n", 0x11),
    KEY(M, "m", 0x10),
    KEY(COMMA, "comma", 0x36),
    KEY(DOT, "dot", 0x37),
    KEY(SLASH, "slash", 0x38),
    KEY(RIGHTSHIFT, "shift_r", 0xe5),
    KEY(KPASTERISK, "kp_multiply", 0x55),
    KEY(LEFTALT, "alt", 0xe2),
    KEY(SPACE, "spc", 0x2c),
    KEY(CAPSLOCK, "caps_lock", 0x39),
    KEY(F1, "f1", 0x3a),
    KEY(F2, "f2", 0x3b),
    KEY(F3, "f3", 0x3c),
    KEY(F4, "f4", 0x3d),
    KEY(F5, "f5", 0x3e),
    KEY(F6, "f6", 0x3f),
    KEY(F7, "f7", 0x40),
    KEY(F8, "f8", 0x41),
    KEY(F9, "f9", 0x42),
    KEY(F10, "f10", 0x43),
    KEY(NUMLOCK, "num_lock", 0x53),
    KEY(SCROLLLOCK, "scroll_lock", 0x47),
    KEY(KP7, "kp_7", 0x5f),
    KEY(KP8, "kp_8", 0x60),
    KEY(KP9, "kp_9", 0x61),
    KEY(KPMINUS, "kp_subtract", 0x56),
    KEY(KP4, "kp_4", 0x5c),
    KEY(KP5, "kp_5", 0x5d),
    KEY(KP6, "kp_6", 0x5e),
    KEY(KPPLUS, "kp_add", 0x57),
    KEY(KP1, "kp_1", 0x59),
    KEY(KP2, "kp_2", 0x5a),
    KEY(KP3, "kp_3", 0x5b),
    KEY(KP0, "kp_0", 0x62),
    KEY(KPDOT, "kp_decimal", 0x63),
    KEY(102ND, "less", 0x64),
    KEY(F11, "f11", 0x44),
    KEY(F12, "f12", 0x45),
    KEY(RO, "ro", 0x87),
    KEY(HIRAGANA, "hiragana", 0x93),
    KEY(HENKAN, "henkan", 0x8a),
    KEY(KATAKANAHIRAGANA, "katakanahiragana", 0x88),
    KEY(MUHENKAN, "muhenkan", 0x8b),
    KEY(KPENTER, "kp_enter", 0x58),
    KEY(RIGHTCTRL, "ctrl_r", 0xe4),
    KEY(KPSLASH, "kp_divide", 0x54),
    KEY(SYSRQ, "sysrq", 0x46),
    KEY(RIGHTALT, "alt_r", 0xe6),
    KEY(LINEFEED, "lf", 0),
    KEY(HOME, "home", 0x4a),
    KEY(UP, "up", 0x52),
    KEY(PAGEUP, "pgup", 0x4b),
    KEY(LEFT, "left", 0x50),
    KEY(RIGHT, "right", 0x4f),
    KEY(END, "end", 0x4d),
    KEY(DOWN, "down", 0x51),
    KEY(PAGEDOWN, "pgdn", 0x4e),
    KEY(INSERT, "insert", 0x49),
    KEY(DELETE, "delete", 0x4c),
    KEY(MUTE, "audiomute", 0x7f),
    KEY(VOLUMEDOWN, "volumedown", 0x81),
    KEY(VOLUMEUP, "volumeup", 0x80),
    KEY(POWER, "power", 0x66),
    KEY(KPEQUAL, "kp_equals", 0x67),
    KEY(PAUSE, "pause", 0x48),
    KEY(KPCOMMA, "kp_comma", 0x85),
    KEY(HANGEUL, "lang1", 0x90),
    KEY(HANJA, "lang2", 0x91),
    KEY(YEN, "yen", 0x89),
    KEY(LEFTMETA, "meta_l", 0xe3),
    KEY(RIGHTMETA, "meta_r", 0xe7),
    KEY(COMPOSE, "compose", 0x65),
    KEY(STOP, "stop", 0x78),
    KEY(AGAIN, "again", 0x79),
    KEY(PROPS, "props", 0x76),
    KEY(UNDO, "undo", 0x7a),
    KEY(FRONT, "front", 0x77),
    KEY(COPY, "copy", 0x7c),
    KEY(OPEN, "open", 0x74),
    KEY(PASTE, "paste", 0x7d),
    KEY(FIND, "find", 0x7e),
    KEY(CUT, "cut", 0x7b),
    KEY(HELP, "help", 0x75),
    KEY(MENU, "menu", 0),
    KEY(CALC, "calculator", 0),
    KEY(SLEEP, "sleep", 0),
    KEY(WAKEUP, "wake", 0),
    KEY(MAIL, "mail", 0),
    KEY(BOOKMARKS, "ac_bookmarks", 0),
    KEY(COMPUTER, "computer", 0),
    KEY(BACK, "ac_back", 0),
    KEY(FORWARD, "ac_forward", 0),
    KEY(NEXTSONG, "audionext", 0),
    KEY(PLAYPAUSE, "audioplay", 0),
    KEY(PREVIOUSSONG, "audioprev", 0),
    KEY(STOPCD, "audiostop", 0),
    KEY(HOMEPAGE, "ac_home", 0),
    KEY(REFRESH, "ac_refresh", 0),
    KEY(MEDIA, "mediaselect", 0),
    KEY(PRINT, "print", 0),
};

/* Decimal, or hexadecimal after 0x. */
static bool number_of(const char *word, unsigned *n)
{
	char *end;
	if (word[0] < '0' || word[0] > '9')
		return false;
	unsigned long v = strtoul(word, &end, str_prefix(word, "0x") ? 16 : 10);
	*n = (unsigned)v;
	return *end == '\0' && v <= 0xffff;
}

static struct json_object *value_of(const char *type, struct json_object *data)
{
	struct json_object *o = json_object_new_object();
	json_object_object_add(o, "type", json_object_new_string(type));
	json_object_object_add(o, "data", data);
	return o;
}

/* QEMU's own numbers: scan codes of set 1, 0x80 added to those behind 0xe0. */
static struct json_object *scan_code(unsigned n)
{
	if (n >> 8 == 0xe0)
		n = (n & 0x7f) | 0x80;
	return n == 0 || n > 0xff ? NULL : value_of("number", json_object_new_int((int)n));
}

static const struct key *find(const char *codeset, const char *word)
{
	unsigned n = 0;
	bool usb = str_eq(codeset, "usb"), number = number_of(word, &n);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (number ? n != 0 && n == (usb ? keys[i].usb : keys[i].linux_code)
		           : !usb && str_eq(keys[i].name, word))
			return &keys[i];
	}
	return NULL;
}

struct json_object *key_value(const char *codeset, const char *word, struct err *err)
{
	struct json_object *v = NULL;
	unsigned n;
	if (codeset == NULL)
		codeset = "linux";
	if (str_eq(codeset, "linux") || str_eq(codeset, "usb")) {
		const struct key *k = find(codeset, word);
		v = k == NULL ? NULL : value_of("qcode", json_object_new_string(k->qcode));
	} else if (number_of(word, &n)) {
		v = scan_code(n);
	}
	if (v == NULL)
		err_set(err, ERR_INVALID, "invalid keycode: '%s' of codeset '%s'", word, codeset);
	return v;
}
