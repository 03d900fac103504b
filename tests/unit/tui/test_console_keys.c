/* console_keys: which keys a console keeps for itself, and who decides that. */
#include "unit/cm.h"

#include <sys/stat.h>

#include "tui/console_keys.h"

struct rig {
	char *dir;
	struct home home;
	struct console_keys keys;
	char words[256];
};

static void rig_open(struct rig *r, const char *conf)
{
	unsetenv("HVMUX_PREFIX");
	unsetenv("HVMUX_DETACH");
	unsetenv("HVMUX_CONSOLE_ANSWERS");
	r->dir = cm_mkdtemp();
	setenv("HVMUX_HOME", r->dir, 1);
	assert_int_equal(home_init(&r->home, NULL, NULL), 0);
	CLEANUP_FREE char *path = xasprintf("%s/hvmux.conf", r->home.conf);
	assert_int_equal(mkdir(r->home.conf, 0700), 0);
	if (conf)
		assert_int_equal(file_write_atomic(path, conf, strlen(conf), 0600, NULL), 0);
}

static void rig_close(struct rig *r)
{
	home_fini(&r->home);
	cm_rmdir(r->dir);
}

static void expect(struct rig *r, const char *escape, const char *want)
{
	char text[128];
	assert_int_equal(console_keys_choose(&r->keys, &r->home, escape, r->words, NULL), 0);
	snprintf(text, sizeof(text), "%s %s %s%s", r->keys.escape_name, r->keys.detach_name,
	    r->keys.has_prefix ? r->keys.prefix_name : "none", r->keys.answers ? "" : " silent");
	assert_string_equal(text, want);
}

static void who_decides(void **state)
{
	struct rig r;
	struct err err = {0};
	(void)state;
	rig_open(&r, "prefix_key = ^A\ndetach_key = F10\nconsole_answers = off\n");
	expect(&r, NULL, "Ctrl+] F10 Ctrl+A silent");
	setenv("HVMUX_PREFIX", "M-x", 1);
	setenv("HVMUX_CONSOLE_ANSWERS", "yes", 1);
	expect(&r, "^T", "Ctrl+T F10 Alt+x");
	setenv("HVMUX_PREFIX", "none", 1);
	expect(&r, NULL, "Ctrl+] F10 none");
	assert_string_equal(r.words, "");
	setenv("HVMUX_DETACH", "Hyper+q", 1);
	expect(&r, NULL, "Ctrl+] F12 none");
	assert_non_null(strstr(r.words, "HVMUX_DETACH says 'Hyper+q', which is no key: it is F12"));
	assert_int_equal(console_keys_choose(&r.keys, &r.home, "Hyper", r.words, &err), -1);
	assert_non_null(strstr(err.msg, "'Hyper' is no key"));
	rig_close(&r);
}

/* Esc and Ctrl+] in one packet leave, too; Alt and any other key is the guest's. */
static void behind_esc(void **state)
{
	const struct vt_key leave = {VT_KEY_CHAR, ']', VT_MOD_CTRL | VT_MOD_ALT},
	                    menu = {VT_KEY_CHAR, '\\', VT_MOD_CTRL | VT_MOD_ALT},
	                    other = {VT_KEY_CHAR, 'x', VT_MOD_ALT},
	                    bare = {VT_KEY_CHAR, ']', VT_MOD_CTRL};
	struct vt_key plain;
	struct rig r;
	(void)state;
	rig_open(&r, NULL);
	expect(&r, NULL, "Ctrl+] F12 Ctrl+\\");
	assert_true(console_keys_behind_esc(&r.keys, &leave, &plain));
	assert_true(console_keys_leaves(&r.keys, &plain));
	assert_true(console_keys_behind_esc(&r.keys, &menu, &plain));
	assert_true(console_keys_opens(&r.keys, &plain));
	assert_false(console_keys_behind_esc(&r.keys, &other, &plain));
	assert_false(console_keys_behind_esc(&r.keys, &bare, &plain));
	/* A key that was chosen with Alt in it is itself. */
	setenv("HVMUX_PREFIX", "M-x", 1);
	expect(&r, NULL, "Ctrl+] F12 Alt+x");
	assert_false(console_keys_behind_esc(&r.keys, &other, &plain));
	setenv("HVMUX_PREFIX", "none", 1);
	expect(&r, NULL, "Ctrl+] F12 none");
	assert_false(console_keys_behind_esc(&r.keys, &menu, &plain));
	rig_close(&r);
}

/* A keyboard sends Esc for Ctrl+[, and so on. */
static void keys_that_are_others(void **state)
{
	static const struct {
		const char *escape;
		struct vt_key comes;
	} cases[] = {{"^[", {VT_KEY_ESCAPE, 0, 0}}, {"^M", {VT_KEY_ENTER, 0, 0}},
	    {"^@", {VT_KEY_CHAR, ' ', VT_MOD_CTRL}}, {"^]", {VT_KEY_CHAR, ']', VT_MOD_CTRL}},
	    {"~", {VT_KEY_CHAR, '~', 0}}};
	const struct vt_key other = {VT_KEY_CHAR, 'x', 0}, f12 = {VT_KEY_F12, 0, 0},
	                    prefix = {VT_KEY_CHAR, '\\', VT_MOD_CTRL};
	struct rig r;
	(void)state;
	rig_open(&r, NULL);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(
		    console_keys_choose(&r.keys, &r.home, cases[i].escape, r.words, NULL), 0);
		assert_true(console_keys_leaves(&r.keys, &cases[i].comes));
		assert_true(console_keys_leaves(&r.keys, &f12));
		assert_false(console_keys_leaves(&r.keys, &other));
		assert_true(console_keys_opens(&r.keys, &prefix));
		assert_true(r.keys.answers);
	}
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_decides),
	    cmocka_unit_test(behind_esc),
	    cmocka_unit_test(keys_that_are_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
