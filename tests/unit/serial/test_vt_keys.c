/* Keys and pasted text, against XTerm's ctlseqs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/mem.h"
#include "serial/vt_keys.h"

static const struct vt_modes normal;
static const struct vt_modes application = {.app_cursor = true, .app_keypad = true};
static const struct vt_modes odd = {.newline = true, .backarrow_bs = true};

static const struct {
	const struct vt_modes *modes;
	enum vt_key_sym sym;
	uint32_t cp;
	unsigned mods;
	const char *want;
	size_t n; /* 0: strlen(want) */
} cases[] = {
    {&normal, VT_KEY_CHAR, 'a', 0, "a"},
    {&normal, VT_KEY_CHAR, 0xE4, 0, "\303\244"},
    {&normal, VT_KEY_CHAR, 0x1F600, VT_MOD_ALT, "\033\360\237\230\200"},
    {&normal, VT_KEY_CHAR, 'c', VT_MOD_CTRL, "\003"},
    {&normal, VT_KEY_CHAR, 'C', VT_MOD_CTRL, "\003"},
    {&normal, VT_KEY_CHAR, ' ', VT_MOD_CTRL, "\000", 1},
    {&normal, VT_KEY_CHAR, '[', VT_MOD_CTRL, "\033"},
    {&normal, VT_KEY_CHAR, '\\', VT_MOD_CTRL, "\034"},
    {&normal, VT_KEY_CHAR, '/', VT_MOD_CTRL, "\037"},
    {&normal, VT_KEY_CHAR, '8', VT_MOD_CTRL, "\177"},
    {&normal, VT_KEY_CHAR, '1', VT_MOD_CTRL, "1"},
    {&normal, VT_KEY_CHAR, 'x', VT_MOD_CTRL | VT_MOD_ALT, "\033\030"},
    {&normal, VT_KEY_CHAR, 0xD800, 0, ""},
    {&normal, VT_KEY_CHAR, 0x110000, 0, ""},
    {&normal, VT_KEY_UP, 0, 0, "\033[A"},
    {&application, VT_KEY_UP, 0, 0, "\033OA"},
    {&application, VT_KEY_UP, 0, VT_MOD_CTRL, "\033[1;5A"},
    {&normal, VT_KEY_LEFT, 0, VT_MOD_SHIFT | VT_MOD_ALT | VT_MOD_CTRL, "\033[1;8D"},
    {&normal, VT_KEY_HOME, 0, 0, "\033[H"},
    {&application, VT_KEY_END, 0, 0, "\033OF"},
    {&normal, VT_KEY_END, 0, VT_MOD_SHIFT, "\033[1;2F"},
    {&normal, VT_KEY_INSERT, 0, 0, "\033[2~"},
    {&normal, VT_KEY_DELETE, 0, VT_MOD_ALT, "\033[3;3~"},
    {&normal, VT_KEY_PGUP, 0, 0, "\033[5~"},
    {&normal, VT_KEY_PGDN, 0, VT_MOD_CTRL, "\033[6;5~"},
    {&normal, VT_KEY_F1, 0, 0, "\033OP"},
    {&normal, VT_KEY_F4, 0, VT_MOD_SHIFT, "\033[1;2S"},
    {&normal, VT_KEY_F5, 0, 0, "\033[15~"},
    {&normal, VT_KEY_F10, 0, 0, "\033[21~"},
    {&normal, VT_KEY_F11, 0, 0, "\033[23~"},
    {&normal, VT_KEY_F12, 0, VT_MOD_CTRL, "\033[24;5~"},
    {&normal, VT_KEY_F20, 0, 0, "\033[34~"},
    {&normal, VT_KEY_BACKSPACE, 0, 0, "\177"},
    {&normal, VT_KEY_BACKSPACE, 0, VT_MOD_CTRL, "\010"},
    {&odd, VT_KEY_BACKSPACE, 0, 0, "\010"},
    {&odd, VT_KEY_BACKSPACE, 0, VT_MOD_ALT | VT_MOD_CTRL, "\033\177"},
    {&normal, VT_KEY_ENTER, 0, 0, "\r"},
    {&odd, VT_KEY_ENTER, 0, 0, "\r\n"},
    {&normal, VT_KEY_TAB, 0, 0, "\t"},
    {&normal, VT_KEY_TAB, 0, VT_MOD_SHIFT, "\033[Z"},
    {&normal, VT_KEY_ESCAPE, 0, 0, "\033"},
    {&normal, VT_KEY_ESCAPE, 0, VT_MOD_ALT, "\033\033"},
    {&normal, VT_KEY_KP_5, 0, 0, "5"},
    {&application, VT_KEY_KP_5, 0, 0, "\033Ou"},
    {&application, VT_KEY_KP_ENTER, 0, 0, "\033OM"},
    {&application, VT_KEY_KP_PLUS, 0, VT_MOD_CTRL, "\033O5k"},
    {&odd, VT_KEY_KP_ENTER, 0, 0, "\r\n"},
    {&normal, VT_KEY_KP_EQUALS, 0, 0, "="},
    {&normal, VT_KEY_COUNT, 0, 0, ""},
};

static void test_encode(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t out[VT_KEYS_MAX];
		struct vt_key k = {cases[i].sym, cases[i].cp, cases[i].mods};
		size_t want = cases[i].n ? cases[i].n : strlen(cases[i].want);
		print_message("case %zu\n", i);
		assert_int_equal(vt_keys_encode(cases[i].modes, &k, out), want);
		assert_memory_equal(out, cases[i].want, want);
	}
}

static void test_every_key_sends_something(void **state)
{
	(void)state;
	for (int sym = 0; sym < VT_KEY_COUNT; sym++)
		for (unsigned mods = 0; mods < 8; mods++) {
			uint8_t out[VT_KEYS_MAX];
			struct vt_key k = {(enum vt_key_sym)sym, 'q', mods};
			size_t n = vt_keys_encode(&normal, &k, out);
			assert_in_range(n, 1, VT_KEYS_MAX - 1);
		}
}

static void expect_paste(const struct vt_modes *m, const char *text, const char *want)
{
	uint8_t *out;
	size_t n = vt_keys_paste(m, text, strlen(text), &out);
	assert_int_equal(n, strlen(want));
	assert_memory_equal(out, want, n);
	free(out);
}

static void test_paste(void **state)
{
	(void)state;
	const struct vt_modes bracketed = {.bracketed_paste = true};
	expect_paste(&normal, "a\nb\r\nc\rd", "a\rb\rc\rd");
	expect_paste(&normal, "\033[A", "\033[A");
	expect_paste(&bracketed, "ls\n", "\033[200~ls\r\033[201~");
	expect_paste(&bracketed, "x\033[201~rm\n", "\033[200~x[201~rm\r\033[201~");
	expect_paste(&bracketed, "\302\233201~\233201~", "\033[200~201~201~\033[201~");
	expect_paste(&bracketed, "\303\233 \342\202\254 \360\237\230\200",
	    "\033[200~\303\233 \342\202\254 \360\237\230\200\033[201~");
	expect_paste(&bracketed, "\302\240", "\033[200~\302\240\033[201~");
	expect_paste(&bracketed, "", "\033[200~\033[201~");
	/* An ESC, or what was split around one, must not become an ESC again. */
	expect_paste(&bracketed, "\302\033\233", "\033[200~\302\033[201~");
}

static void expect_mouse(int mode, int coding, const struct vt_mouse *e, const char *want, size_t n)
{
	const struct vt_modes m = {.mouse = mode, .mouse_coding = coding};
	uint8_t out[VT_KEYS_MAX];
	assert_int_equal(vt_keys_mouse(&m, e, out), n);
	assert_memory_equal(out, want, n);
}
#define MOUSE(mode, coding, event, want) expect_mouse(mode, coding, event, want, sizeof(want) - 1)

static void test_mouse(void **state)
{
	(void)state;
	const struct vt_mouse press = {.button = 0, .row = 1, .col = 2},
	                      far = {.button = 2, .row = 9, .col = 299},
	                      up = {.button = 0, .release = true}, wheel = {.button = 65},
	                      drag = {.button = 1, .motion = true, .mods = VT_MOD_CTRL},
	                      hover = {.button = 3, .motion = true};
	MOUSE(0, 0, &press, "");
	MOUSE(9, 0, &press, "\033[M #\"");
	MOUSE(9, 0, &up, "");
	MOUSE(9, 0, &wheel, "");
	MOUSE(1000, 0, &press, "\033[M #\"");
	MOUSE(1000, 0, &up, "\033[M#!!");
	MOUSE(1000, 1006, &up, "\033[<0;1;1m");
	MOUSE(1000, 1006, &far, "\033[<2;300;10M");
	MOUSE(1000, 1015, &far, "\033[34;300;10M");
	MOUSE(1000, 1005, &far, "\033[M\"\305\214*"); /* 300 + 32 in UTF-8 */
	MOUSE(1000, 0, &far, "");                     /* no byte for column 300 */
	MOUSE(1000, 1006, &wheel, "\033[<65;1;1M");
	MOUSE(1000, 1006, &drag, "");
	MOUSE(1002, 1006, &drag, "\033[<49;1;1M");
	MOUSE(1002, 1006, &hover, "");
	MOUSE(1003, 1006, &hover, "\033[<35;1;1M");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mouse),
	    cmocka_unit_test(test_encode),
	    cmocka_unit_test(test_every_key_sends_something),
	    cmocka_unit_test(test_paste),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
