/* Words of a command line: every way to say a thing, every way to get it wrong. */
#include "unit/cm.h"

#include "cli/dispatch.h"
#include "core/err.h"

#define WORDS_MAX 16

/* argv[0] is "hvmux"; words are separated by blanks, "''" is an empty one. */
struct line {
	char text[256];
	char *argv[WORDS_MAX];
	int argc;
	struct cli c;
	struct err err;
	int result;
};

static void parse(struct line *l, const char *words)
{
	memset(l, 0, sizeof(*l));
	strncpy(l->text, words, sizeof(l->text) - 1);
	l->argv[l->argc++] = (char *)"/usr/bin/hvmux";
	for (char *save = NULL, *w = strtok_r(l->text, " ", &save); w;
	     w = strtok_r(NULL, " ", &save)) {
		assert_true(l->argc < WORDS_MAX);
		l->argv[l->argc++] = strcmp(w, "''") == 0 ? w + 2 : w;
	}
	l->result = cli_parse(&l->c, l->argc, l->argv, &l->err);
}

static void parse_ok(struct line *l, const char *words)
{
	parse(l, words);
	if (l->result < 0)
		fail_msg("'%s': %s", words, l->err.msg);
}

static void expect_error(const char *words, const char *message)
{
	struct line l;
	parse(&l, words);
	assert_int_equal(l.result, -1);
	assert_int_equal(l.err.code, ERR_USAGE);
	assert_string_equal(l.err.msg, message);
	cli_fini(&l.c);
}

static void test_a_domain_by_position_and_by_name(void **state)
{
	static const char *const same[] = {"dominfo vm1", "dominfo --domain vm1",
	    "dominfo --domain=vm1", "dominfo -- vm1", "-c qemu:///session dominfo vm1"};
	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		struct line l;
		parse_ok(&l, same[i]);
		assert_string_equal(l.c.verb->name, "dominfo");
		assert_string_equal(cli_value(&l.c, "domain"), "vm1");
		assert_false(l.c.json);
		cli_fini(&l.c);
	}
}

static void test_several_domains(void **state)
{
	(void)state;
	struct line l;
	unsigned n;
	parse_ok(&l, "start a --paused --domain b c");
	const char *const *names = cli_values(&l.c, "domain", &n);
	assert_int_equal(n, 3);
	assert_string_equal(names[0], "a");
	assert_string_equal(names[1], "b");
	assert_string_equal(names[2], "c");
	assert_true(cli_flag(&l.c, "paused"));
	assert_false(cli_flag(&l.c, "console"));
	cli_fini(&l.c);
}

static void test_positionals_fill_in_order(void **state)
{
	(void)state;
	struct line l;
	parse_ok(&l, "domxml-to-native --domain vm1 qemu-argv");
	assert_string_equal(cli_value(&l.c, "format"), "qemu-argv");
	assert_string_equal(cli_value(&l.c, "domain"), "vm1");
	cli_fini(&l.c);
	parse_ok(&l, "domxml-to-native qemu-argv vm1");
	assert_string_equal(cli_value(&l.c, "domain"), "vm1");
	cli_fini(&l.c);
}

/* virsh's guides give these without their names. */
static void test_bare_options_follow_the_positionals(void **state)
{
	(void)state;
	struct line l;
	parse_ok(&l, "pool-define-as p dir - - - - /srv/p");
	assert_string_equal(cli_value(&l.c, "source-name"), "-");
	assert_string_equal(cli_value(&l.c, "target"), "/srv/p");
	assert_null(cli_value(&l.c, "source-format"));
	cli_fini(&l.c);
	parse_ok(&l, "pool-define-as p --target /srv/p dir host");
	assert_string_equal(cli_value(&l.c, "type"), "dir");
	assert_string_equal(cli_value(&l.c, "source-host"), "host");
	cli_fini(&l.c);
	parse_ok(&l, "vol-create-as --format qcow2 default v 10G 1G base");
	assert_string_equal(cli_value(&l.c, "allocation"), "1G");
	assert_string_equal(cli_value(&l.c, "backing-vol"), "base");
	cli_fini(&l.c);
	expect_error("vol-create-as default v 1G 0 raw b qcow2 more",
	    "unexpected data 'more'; see 'hvmux help vol-create-as'");
}

static void test_two_dashes_end_the_options(void **state)
{
	(void)state;
	struct line l;
	parse_ok(&l, "dominfo -- --json");
	assert_string_equal(cli_value(&l.c, "domain"), "--json");
	assert_false(l.c.json);
	cli_fini(&l.c);
}

static void test_the_rest_is_kept_as_it_is(void **state)
{
	(void)state;
	struct line l;
	unsigned n;
	parse_ok(&l, "complete -- start --pa ''");
	const char *const *words = cli_values(&l.c, "words", &n);
	assert_int_equal(n, 3);
	assert_string_equal(words[1], "--pa");
	assert_string_equal(words[2], "");
	cli_fini(&l.c);
	parse_ok(&l, "complete start --all -- -x");
	words = cli_values(&l.c, "words", &n);
	assert_int_equal(n, 4);
	assert_string_equal(words[2], "--");
	cli_fini(&l.c);
}

static void test_globals_before_and_after(void **state)
{
	(void)state;
	struct line l;
	parse_ok(&l, "-rq --progress-fd 7 --connect=qemu:///system list --json");
	assert_true(l.c.readonly && l.c.quiet && l.c.progress && l.c.json);
	assert_int_equal(l.c.progress_fd, 7);
	assert_string_equal(l.c.uri, "qemu:///system");
	cli_fini(&l.c);
	parse_ok(&l, "destroy vm1 --progress-fd=9 -q -cqemu:///session");
	assert_int_equal(l.c.progress_fd, 9);
	assert_true(l.c.quiet);
	assert_string_equal(l.c.uri, "qemu:///session");
	cli_fini(&l.c);
}

static void test_help_and_version_need_nothing_else(void **state)
{
	(void)state;
	struct line l;
	parse_ok(&l, "start --help");
	assert_true(l.c.help);
	assert_string_equal(l.c.verb->name, "start");
	cli_fini(&l.c);
	parse_ok(&l, "--version=long");
	assert_true(l.c.version);
	cli_fini(&l.c);
	parse_ok(&l, "-v");
	assert_true(l.c.version);
	cli_fini(&l.c);
	parse_ok(&l, "");
	assert_null(l.c.verb);
	assert_string_equal(l.c.prog, "hvmux");
	cli_fini(&l.c);
}

static void test_underscores_are_dashes(void **state)
{
	(void)state;
	struct line l;
	parse_ok(&l, "blkdeviotune vm vda --total_bytes_sec 5 --group_name=g");
	assert_string_equal(cli_value(&l.c, "total-bytes-sec"), "5");
	assert_string_equal(cli_value(&l.c, "group-name"), "g");
	cli_fini(&l.c);
}

static void test_numbers(void **state)
{
	(void)state;
	struct line l;
	parse_ok(&l, "events --timeout 30");
	assert_int_equal(cli_number(&l.c, "timeout", 5), 30);
	cli_fini(&l.c);
	parse_ok(&l, "events");
	assert_int_equal(cli_number(&l.c, "timeout", 5), 5);
	cli_fini(&l.c);
	static const char *const bad[] = {
	    "-1", "1.5", "0x10", "1000000001", "99999999999999999999", "''"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char words[64];
		snprintf(words, sizeof(words), "events --timeout %s", bad[i]);
		parse(&l, words);
		assert_int_equal(l.result, -1);
		assert_non_null(
		    strstr(l.err.msg, "--timeout: a number from 0 to 1000000000 is needed"));
		cli_fini(&l.c);
	}
}

static void test_what_is_wrong_is_named(void **state)
{
	(void)state;
	expect_error("foo", "unknown command: 'foo'; see 'hvmux help'");
	expect_error("''", "unknown command: ''; see 'hvmux help'");
	expect_error("--foo list", "unsupported option '--foo'; see 'hvmux help'");
	expect_error("-x", "unsupported option '-x'; see 'hvmux help'");
	expect_error("start", "command 'start' requires <domain> option; see 'hvmux help start'");
	expect_error(
	    "start --foo", "command 'start' doesn't support option --foo; see 'hvmux help start'");
	expect_error(
	    "start -x", "command 'start' doesn't support option -x; see 'hvmux help start'");
	expect_error("list extra", "unexpected data 'extra'; see 'hvmux help list'");
	expect_error("list --all=3", "invalid '=' after option --all; see 'hvmux help list'");
	expect_error("list --all --all", "option --all already seen; see 'hvmux help list'");
	expect_error("dominfo --domain",
	    "option --domain needs a value: --domain DOMAIN; see 'hvmux help dominfo'");
	expect_error("dominfo a b", "unexpected data 'b'; see 'hvmux help dominfo'");
	expect_error(
	    "dominfo a --domain b", "option --domain already seen; see 'hvmux help dominfo'");
	expect_error("shutdown a --mode initctl",
	    "invalid value 'initctl' for --mode, expected one of: acpi agent acpi,agent agent,acpi; see 'hvmux help shutdown'");
	expect_error("domxml-to-native xen-xl a",
	    "invalid value 'xen-xl' for format, expected one of: qemu-argv; see 'hvmux help domxml-to-native'");
	expect_error("-c", "option --connect needs a value: --connect URI; see 'hvmux help'");
	expect_error("-c xen:/// list",
	    "invalid value 'xen:///' for --connect, expected one of: qemu:///system qemu:///session; see 'hvmux help'");
	expect_error("--progress-fd nine list",
	    "invalid value 'nine' for --progress-fd: a number from 0 to 1000000000 is needed; see 'hvmux help'");
}

static void test_a_link_keeps_its_name(void **state)
{
	(void)state;
	char *argv[] = {(char *)"/usr/local/bin/virsh", (char *)"list", NULL};
	struct cli c;
	struct err err = {0};
	assert_int_equal(cli_parse(&c, 2, argv, &err), 0);
	assert_string_equal(c.prog, "virsh");
	cli_fini(&c);
	assert_int_equal(cli_parse(&c, 0, argv, &err), 0);
	assert_string_equal(c.prog, "hvmux");
	cli_fini(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_domain_by_position_and_by_name),
	    cmocka_unit_test(test_several_domains),
	    cmocka_unit_test(test_positionals_fill_in_order),
	    cmocka_unit_test(test_bare_options_follow_the_positionals),
	    cmocka_unit_test(test_two_dashes_end_the_options),
	    cmocka_unit_test(test_the_rest_is_kept_as_it_is),
	    cmocka_unit_test(test_globals_before_and_after),
	    cmocka_unit_test(test_help_and_version_need_nothing_else),
	    cmocka_unit_test(test_underscores_are_dashes),
	    cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_what_is_wrong_is_named),
	    cmocka_unit_test(test_a_link_keeps_its_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
