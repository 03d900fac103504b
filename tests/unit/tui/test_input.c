/* input: bytes to keys and pastes. */
#include "unit/cm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "tui/input.h"

#define PASTE(text) "\033[200~" text "\033[201~"

struct seen {
	struct buf keys, paste, mouse;
	unsigned pastes;  /* that were whole */
	int refuse_after; /* keys taken before the first refusal; -1 never */
	bool refuse_paste;
};

static bool on_key(void *arg, const struct vt_key *k)
{
	struct seen *s = arg;
	char name[32];
	if (s->refuse_after == 0)
		return false;
	if (s->refuse_after > 0)
		s->refuse_after--;
	if (k->sym == VT_KEY_CHAR && k->cp > 0x7e)
		snprintf(name, sizeof(name), "U+%04X", k->cp);
	else
		input_key_name(k, name, sizeof(name));
	buf_addf(&s->keys, "%s%s", s->keys.len ? " " : "", name);
	return true;
}

static bool on_paste(void *arg, const char *p, size_t n)
{
	struct seen *s = arg;
	if (s->refuse_paste)
		return false;
	buf_add(&s->paste, p, n);
	return true;
}

static void on_pasted(void *arg)
{
	struct seen *s = arg;
	s->pastes++;
}

static void on_mouse(void *arg, const struct vt_mouse *e)
{
	struct seen *s = arg;
	buf_addf(&s->mouse, "%s%u%s%s%s@%u,%u", s->mouse.len ? " " : "", e->button,
	    e->mods & VT_MOD_CTRL ? "c" : "", e->motion ? "m" : "", e->release ? "r" : "", e->row,
	    e->col);
}

static const struct input_ops ops = {on_key, on_paste, on_pasted, on_mouse};

struct rig {
	struct loop *loop;
	struct input *in;
	struct seen s;
};

static void rig_open(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	setenv("TERM", "xterm-256color", 1);
	r->s.refuse_after = -1;
	r->loop = loop_new();
	r->in = input_new(r->loop, &ops, &r->s);
	assert_non_null(r->in);
}

static void rig_close(struct rig *r)
{
	input_free(r->in);
	loop_free(r->loop);
	buf_fini(&r->s.keys);
	buf_fini(&r->s.paste);
	buf_fini(&r->s.mouse);
}

static void feed(struct rig *r, const char *p, size_t n)
{
	input_feed(r->in, (const uint8_t *)p, n);
}

static void settle(struct rig *r)
{
	event_base_loop(loop_base(r->loop), EVLOOP_ONCE); /* the timer of a lone ESC */
}

static void check_keys(const char *bytes, size_t n, bool wait, const char *want)
{
	struct rig r;
	rig_open(&r);
	feed(&r, bytes, n);
	if (wait)
		settle(&r);
	assert_string_equal(r.s.keys.data ? r.s.keys.data : "", want);
	rig_close(&r);
	/* And the same byte by byte. */
	rig_open(&r);
	for (size_t i = 0; i < n; i++)
		feed(&r, bytes + i, 1);
	if (wait)
		settle(&r);
	assert_string_equal(r.s.keys.data ? r.s.keys.data : "", want);
	rig_close(&r);
}
#define KEYS(bytes, want) check_keys(bytes, sizeof(bytes) - 1, false, want)
#define KEYS_WAIT(bytes, want) check_keys(bytes, sizeof(bytes) - 1, true, want)

static void keys_have_names(void **state)
{
	(void)state;
	KEYS("aZ \t\r", "a Z Space Tab Enter");
	KEYS("\001\003\032\035", "Ctrl+A Ctrl+C Ctrl+Z Ctrl+]");
	KEYS("\033[A\033OB\033[5~\033[1;2D", "Up Down PgUp Shift+Left");
	KEYS("\033OP\033[24~\033[15~", "F1 F12 F5");
	KEYS("\033x\177", "Alt+x Backspace");
	KEYS("\xc3\xbc\xe6\xbc\xa2", "U+00FC U+6F22");
	KEYS_WAIT("\033", "Esc");
	KEYS_WAIT("\000", "Ctrl+Space");
}

static void rubbish_is_dropped(void **state)
{
	(void)state;
	KEYS("\033[?1;2cq", "q");
	KEYS("\xff\xfeq", "q");
	KEYS("\033[99;5~q", "q");
}

static void pastes_are_not_keys(void **state)
{
	static const char text[] = "a\033[200~rm -rf /\r\xc3\xbc\033[A\033[201~b";
	struct rig r;
	(void)state;
	for (size_t cut = 0; cut <= sizeof(text) - 1; cut++) {
		rig_open(&r);
		feed(&r, text, cut);
		feed(&r, text + cut, sizeof(text) - 1 - cut);
		assert_string_equal(r.s.keys.data, "a b");
		assert_string_equal(r.s.paste.data, "rm -rf /\r\xc3\xbc\033[A");
		assert_int_equal(r.s.pastes, 1);
		rig_close(&r);
	}
}

static void the_mouse_is_no_key(void **state)
{
	static const char text[] =
	    "a\033[<0;5;3M\033[<32;6;3M\033[<0;6;3m\033[<65;1;1M\033[<35;300;2M\033[<16;1;1Mb";
	struct rig r;
	(void)state;
	for (size_t cut = 0; cut <= sizeof(text) - 1; cut++) {
		rig_open(&r);
		feed(&r, text, cut);
		feed(&r, text + cut, sizeof(text) - 1 - cut);
		assert_string_equal(r.s.keys.data, "a b");
		assert_string_equal(r.s.mouse.data, "0@2,4 0m@2,5 0r@2,5 65@0,0 3m@1,299 0c@0,0");
		rig_close(&r);
	}
}

static void refused_keys_come_again(void **state)
{
	struct rig r;
	(void)state;
	rig_open(&r);
	r.s.refuse_after = 2;
	feed(&r, "abcd", 4);
	assert_true(input_blocked(r.in));
	feed(&r, "ef", 2);
	assert_string_equal(r.s.keys.data, "a b");
	r.s.refuse_after = -1;
	input_continue(r.in);
	assert_false(input_blocked(r.in));
	assert_string_equal(r.s.keys.data, "a b c d e f");
	rig_close(&r);
}

static void refused_pastes_come_again(void **state)
{
	struct rig r;
	(void)state;
	rig_open(&r);
	r.s.refuse_paste = true;
	feed(&r, PASTE("one"), strlen(PASTE("one")));
	assert_true(input_blocked(r.in));
	assert_null(r.s.paste.data);
	r.s.refuse_paste = false;
	feed(&r, "q", 1);
	input_continue(r.in);
	assert_string_equal(r.s.paste.data, "one");
	assert_string_equal(r.s.keys.data, "q");
	rig_close(&r);
}

/* Begun and never ended: after a silence a single key is a key again. Time itself is what is tested. */
static void a_paste_without_an_end_does_not_swallow_the_keys(void **state)
{
	struct rig r;
	(void)state;
	rig_open(&r);
	feed(&r, "\033[200~half", 10);
	feed(&r, "\x1d", 1); /* at once: part of the paste */
	assert_null(r.s.keys.data);
	usleep(2100000);
	feed(&r, "the paste's slow rest", 21); /* too much at a time for a person */
	assert_null(r.s.keys.data);
	usleep(2100000);
	feed(&r, "\x1d", 1);
	assert_string_equal(r.s.keys.data, "Ctrl+]");
	assert_string_equal(r.s.paste.data, "half\x1dthe paste's slow rest");
	rig_close(&r);
}

static void check_parse(const char *text, enum vt_key_sym sym, uint32_t cp, unsigned mods)
{
	struct vt_key k;
	assert_int_equal(input_key_parse(text, &k), 0);
	assert_int_equal(k.sym, sym);
	assert_int_equal(k.cp, cp);
	assert_int_equal(k.mods, mods);
}

static void names_are_read_back(void **state)
{
	struct vt_key k;
	(void)state;
	check_parse("F12", VT_KEY_F12, 0, 0);
	check_parse("Ctrl+]", VT_KEY_CHAR, ']', VT_MOD_CTRL);
	check_parse("C-B", VT_KEY_CHAR, 'b', VT_MOD_CTRL);
	check_parse("^t", VT_KEY_CHAR, 't', VT_MOD_CTRL);
	check_parse("Shift+PgUp", VT_KEY_PGUP, 0, VT_MOD_SHIFT);
	check_parse("Space", VT_KEY_CHAR, ' ', 0);
	check_parse("S", VT_KEY_CHAR, 'S', 0);
	check_parse("^", VT_KEY_CHAR, '^', 0);
	assert_int_equal(input_key_parse("F21", &k), -1);
	assert_int_equal(input_key_parse("Hyper+x", &k), -1);
	assert_int_equal(input_key_parse("", &k), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(keys_have_names),
	    cmocka_unit_test(rubbish_is_dropped),
	    cmocka_unit_test(pastes_are_not_keys),
	    cmocka_unit_test(the_mouse_is_no_key),
	    cmocka_unit_test(refused_keys_come_again),
	    cmocka_unit_test(refused_pastes_come_again),
	    cmocka_unit_test(a_paste_without_an_end_does_not_swallow_the_keys),
	    cmocka_unit_test(names_are_read_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
