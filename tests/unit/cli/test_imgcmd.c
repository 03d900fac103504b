/* img's words: the commands' tables, messages, sizes. What is done with images is tests/disk's. */
#include "unit/cli/run_cli.h"

#include "cli/imgcmd.h"
#include "cli/imgcmd_help.h"
#include "core/str.h"

static void expect_size(const char *text, uint64_t want)
{
	uint64_t got = 12345;
	struct err err = {0};
	if (imgcmd_size(text, &got, &err) < 0 || got != want)
		fail_msg("'%s': %llu, not %llu (%s)", text, (unsigned long long)got,
		    (unsigned long long)want, err.msg);
}

/* What qemu-img 7.2 takes these for. */
static void test_sizes(void **state)
{
	(void)state;
	expect_size("0", 0);
	expect_size("512", 512);
	expect_size("010", 10);
	expect_size("0x10", 16);
	expect_size("+5", 5);
	expect_size(" 10k", 10240);
	expect_size("1b", 1);
	expect_size("1K", 1024);
	expect_size("1.5k", 1536);
	expect_size(".5k", 512);
	expect_size("5.k", 5120);
	expect_size("1.0", 1);
	expect_size("12.345M", 12944670);
	expect_size("3g", 3ull << 30);
	expect_size("2T", 2ull << 40);
	expect_size("1P", 1ull << 50);
	expect_size("7E", 7ull << 60);
	expect_size("18446744073709551615", UINT64_MAX);
}

static void test_sizes_refused(void **state)
{
	static const char *const bad[] = {"", "k", ".", ".k", "-5", "1.5", "1.5b", "10q", "10kB",
	    "1KiB", "1e3", "10k+", "0x", "0x1.8k", "0x10k", "1 k", "++1", "nan", "inf"};
	static const char *const large[] = {
	    "16E", "18446744073709551616", "0x10000000000000000", "99999999999999999999999G"};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = {0};
		uint64_t n;
		if (imgcmd_size(bad[i], &n, &err) == 0 || err.code != ERR_INVALID)
			fail_msg("'%s' was taken for a size", bad[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(large); i++) {
		struct err err = {0};
		uint64_t n;
		if (imgcmd_size(large[i], &n, &err) == 0 || err.code != ERR_USAGE)
			fail_msg("'%s' was not too large", large[i]);
	}
}

static void check_opts(const struct imgcmd *c)
{
	for (const struct imgcmd_opt *o = c->opts; o->code; o++) {
		if (!o->help || !*o->help)
			fail_msg("%s: an option without help", c->name);
		if (o->code == 'h' || o->code == 'v')
			fail_msg("%s: -%c is every command's", c->name, o->code);
		if (o->code < IMGCMD_LONG ? o->code <= ' ' || o->code > '~' : !o->name)
			fail_msg("%s: an option without a name", c->name);
		for (const struct imgcmd_opt *k = c->opts; k < o; k++)
			if (k->code == o->code || (k->name && str_eq(k->name, o->name)))
				fail_msg("%s: option %d (%s) twice", c->name, o->code, o->name);
	}
}

static void test_commands_are_whole(void **state)
{
	(void)state;
	for (size_t i = 0; imgcmds[i]; i++) {
		const struct imgcmd *c = imgcmds[i];
		assert_non_null(c->name);
		assert_non_null(c->args);
		assert_non_null(c->summary);
		assert_non_null(c->run);
		assert_non_null(c->opts);
		assert_ptr_equal(imgcmd_find(c->name), c);
		check_opts(c);
		CLEANUP_BUF struct buf b = BUF_INIT;
		imgcmd_help_format("hvmux img", c, &b);
		for (const struct imgcmd_opt *o = c->opts; o->code; o++)
			if (o->name && !strstr(b.data, o->name))
				fail_msg("%s: the help knows no --%s", c->name, o->name);
	}
}

#define TRY "Try 'hvmux img --help' for more information\n"

static void test_messages(void **state)
{
	(void)state;
	EXPECT(1, "", "hvmux img: Not enough arguments\n" TRY, "img");
	EXPECT(1, "", "hvmux img: unrecognized option '-x'\n" TRY, "img", "-x", "info");
	EXPECT(1, "", "hvmux img: unrecognized option '--zzz'\n" TRY, "img", "--zzz");
	EXPECT(1, "", "hvmux img: missing argument for option '-T'\n" TRY, "img", "-T");
	EXPECT(1, "", "hvmux img: Command not found: frob\n" TRY, "img", "help", "frob");
	EXPECT(1, "", "hvmux img: operation frob forbidden for read only access\n", "-r", "img",
	    "frob", "x");
}

/* No home is opened: a broken one does not matter to a tool on files. */
static void test_needs_no_home(void **state)
{
	(void)state;
	setenv("HVMUX_HOME", "not/absolute", 1);
	struct run r;
	RUN(&r, "img", "--version");
	setenv("HVMUX_HOME", run_home, 1);
	assert_int_equal(r.status, 0);
	assert_string_equal(r.err, "");
	assert_non_null(strstr(r.out, "version 7.2"));
	run_free(&r);
}

/* Without a qemu-img to hand over to, or when what it was handed to leads back here. */
static void test_nobody_to_hand_over_to(void **state)
{
	(void)state;
	CLEANUP_FREE char *kept = xstrdup0(getenv("PATH"));
#define WHERE                                                                                    \
	"; QEMU's own qemu-img may be able to do it, but is not installed (Debian: qemu-utils, " \
	"Fedora: qemu-img)\n"
	setenv("PATH", run_home, 1);
	EXPECT(1, "", "hvmux img: Command not found: frob" WHERE, "img", "-v", "frob", "x");
	EXPECT(1, "", "hvmux img: tracing is QEMU's own" WHERE, "img", "-T", "x", "info");
	CLEANUP_FREE char *self = xasprintf("%s/qemu-img", run_home);
	assert_int_equal(symlink("/proc/self/exe", self), 0);
	EXPECT(1, "", "hvmux img: Command not found: frob" WHERE, "img", "frob");
	unlink(self);
	setenv("PATH", kept, 1);
	setenv("HVMUX_IMG_HANDED_OVER", "1", 1);
	EXPECT(1, "", "hvmux img: Command not found: frob" WHERE, "img", "frob");
	unsetenv("HVMUX_IMG_HANDED_OVER");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sizes),
	    cmocka_unit_test(test_sizes_refused),
	    cmocka_unit_test(test_commands_are_whole),
	    cmocka_unit_test(test_messages),
	    cmocka_unit_test(test_needs_no_home),
	    cmocka_unit_test(test_nobody_to_hand_over_to),
	};
	return cmocka_run_group_tests(tests, run_setup, run_teardown);
}
