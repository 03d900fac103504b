/* actions, jobs, editline: typed lines to words and back; host and theme: what is read and mapped. */
#include "unit/cm.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "serial/vt_screen.h"
#include "tui/actions.h"
#include "tui/editline.h"
#include "tui/host.h"
#include "tui/theme.h"

static void check_split(const char *line, const char *joined)
{
	unsigned n;
	char **words = action_split(line, &n);
	struct buf b = BUF_INIT;
	assert_non_null(words);
	for (unsigned i = 0; i < n; i++)
		buf_addf(&b, "[%s]", words[i]);
	assert_string_equal(b.data ? b.data : "", joined);
	buf_fini(&b);
	action_targets_free(words);
}

static void lines_are_split_as_a_shell_would(void **state)
{
	unsigned n;
	(void)state;
	check_split("", "");
	check_split("  start  a ", "[start][a]");
	check_split("define '/tmp/with space.xml'", "[define][/tmp/with space.xml]");
	check_split("a \"b'c\" d\\ e ''", "[a][b'c][d e][]");
	check_split("x'y z'w", "[xy zw]");
	assert_null(action_split("start 'open", &n));
}

static void quoting_is_undone_by_splitting(void **state)
{
	const char *words[] = {"start", "it's", "a b", "", "plain-1.2", "\"", "\\", "$(x)", NULL};
	(void)state;
	CLEANUP_FREE char *line = jobs_quote(words);
	unsigned n;
	char **back = action_split(line, &n);
	assert_int_equal(n, 8);
	for (unsigned i = 0; i < n; i++)
		assert_string_equal(back[i], words[i]);
	action_targets_free(back);
}

static bool wants_domain(const char *line, unsigned i)
{
	unsigned n;
	char **words = action_split(line, &n);
	bool wants = action_wants_domain(verb_find(words[0]), words, i);
	action_targets_free(words);
	return wants;
}

static void domains_have_their_places(void **state)
{
	(void)state;
	assert_false(wants_domain("domxml-to-native qemu-argv x", 1));
	assert_true(wants_domain("domxml-to-native qemu-argv x", 2));
	assert_true(wants_domain("events --domain x", 2));
	assert_false(wants_domain("define x", 1));
	assert_true(wants_domain("start a --paused b", 1));
	assert_true(wants_domain("start a --paused b", 3));
}

static void type(struct editline *e, const char *keys)
{
	for (; *keys; keys++) {
		struct vt_key k = {.cp = (uint32_t)*keys};
		assert_true(editline_key(e, &k));
	}
}

static void press(struct editline *e, enum vt_key_sym sym)
{
	struct vt_key k = {.sym = sym};
	assert_true(editline_key(e, &k));
}

static void a_line_is_edited(void **state)
{
	struct editline e = {0};
	struct vt_key ctrl_u = {.cp = 'u', .mods = VT_MOD_CTRL}, u = {.cp = 0xfc};
	(void)state;
	type(&e, "qweb1");
	press(&e, VT_KEY_HOME);
	press(&e, VT_KEY_DELETE);
	press(&e, VT_KEY_END);
	press(&e, VT_KEY_BACKSPACE);
	assert_true(editline_key(&e, &u));
	assert_string_equal(e.text, "web\xc3\xbc");
	press(&e, VT_KEY_LEFT);
	type(&e, "-");
	assert_string_equal(e.text, "web-\xc3\xbc");
	press(&e, VT_KEY_DELETE);
	assert_string_equal(e.text, "web-");
	editline_insert(&e, "a\nb\033c", 5);
	assert_string_equal(e.text, "web-a b c");
	assert_true(editline_key(&e, &ctrl_u));
	assert_string_equal(e.text, "");
	press(&e, VT_KEY_BACKSPACE);
	for (int i = 0; i < 2 * EDITLINE_MAX; i++)
		type(&e, "x");
	assert_int_equal(strlen(e.text), EDITLINE_MAX - 1);
}

static void host_figures_are_read(void **state)
{
	uint64_t a, b;
	(void)state;
	assert_int_equal(
	    host_parse_stat("cpu  100 2 30 4000 50 6 7 8 9 10\ncpu0 1 2\n", &a, &b), 0);
	assert_int_equal(a, 145);
	assert_int_equal(b, 4203);
	assert_int_equal(host_parse_stat("intr 5\n", &a, &b), -1);
	assert_int_equal(
	    host_parse_meminfo(
	        "MemTotal:       24 kB\nMemFree: 1 kB\nMemAvailable:   20 kB\n", &a, &b),
	    0);
	assert_int_equal(a, 24);
	assert_int_equal(b, 20);
	assert_int_equal(host_parse_meminfo("MemTotal: 24 kB\n", &a, &b), -1);
}

static void colours_are_mapped_down(void **state)
{
	struct theme none = {0}, eight = {.colors = 8}, full = {.colors = 256};
	(void)state;
	assert_int_equal(theme_color(&none, VT_INDEXED | 3), -1);
	assert_int_equal(theme_color(&full, 0), -1);
	assert_int_equal(theme_color(&full, VT_INDEXED | 208), 208);
	assert_int_equal(theme_color(&full, VT_RGB | 0xff0000), 196);
	assert_int_equal(theme_color(&full, VT_RGB | 0x808080), 244);
	assert_int_equal(theme_color(&full, VT_RGB | 0x000000), 16);
	assert_int_equal(theme_color(&eight, VT_INDEXED | 9), 1);
	assert_int_equal(theme_color(&eight, VT_INDEXED | 208), 3);
	assert_int_equal(theme_color(&eight, VT_INDEXED | 255), 7);
	assert_int_equal(theme_color(&eight, VT_RGB | 0x0000ff), 4);
}

static void glyphs_have_ascii_stand_ins(void **state)
{
	(void)state;
	assert_int_equal(theme_ascii('a'), 'a');
	assert_int_equal(theme_ascii(0x2500), '-');
	assert_int_equal(theme_ascii(0x2502), '|');
	assert_int_equal(theme_ascii(0x250c), '+');
	assert_int_equal(theme_ascii(0x2588), '#');
	assert_int_equal(theme_ascii(0x6f22), '?');
	for (uint32_t cp = 0x2500; cp < 0x2580; cp++)
		assert_non_null(strchr("-|+?", theme_ascii(cp)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_are_split_as_a_shell_would),
	    cmocka_unit_test(quoting_is_undone_by_splitting),
	    cmocka_unit_test(domains_have_their_places),
	    cmocka_unit_test(a_line_is_edited),
	    cmocka_unit_test(host_figures_are_read),
	    cmocka_unit_test(colours_are_mapped_down),
	    cmocka_unit_test(glyphs_have_ascii_stand_ins),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
