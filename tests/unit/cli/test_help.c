/* help and the man page tell the table, nothing else. */
#include "unit/cli/run_cli.h"

#include "cli/help.h"
#include "cli/help_text.h"
#include "cli/imgcmd_help.h"
#include "core/domain_rules.h"

static void test_one_command(void **state)
{
	static const char start[] =
	    "  NAME\n"
	    "    start - start a (previously defined) inactive domain\n\n"
	    "  SYNOPSIS\n"
	    "    start DOMAIN... [--paused] [--console] [--force-boot] [--throwaway] [--accept-chains]\n\n"
	    "  DESCRIPTION\n"
	    "    Starts a supervisor for the domain, outside the login session, and waits\n"
	    "    until the guest runs.\n\n"
	    "    With --throwaway, and for disks that say <transient/>, all that is written\n"
	    "    goes to files of this run, and the disks themselves are only read. The files\n"
	    "    are removed when the domain ends; a restart by its policy begins from the\n"
	    "    disks as they were. Firmware variables are not disks.\n\n"
	    "    An image names the files that back it, and while a guest runs its QEMU may\n"
	    "    write that name. What an image named is remembered for the run; when it\n"
	    "    names something else at the next start, and nobody saw who changed it, the\n"
	    "    start is refused, since a guest that broke out of QEMU could otherwise have\n"
	    "    any file of the host opened. --accept-chains takes the images as they are:\n"
	    "    for who has changed them after a crash of the host, or through QEMU's\n"
	    "    monitor.\n\n"
	    "  OPTIONS\n"
	    "    [--domain] DOMAIN domain name, id or uuid; several may be given\n"
	    "    --paused         leave the guest paused before its first instruction\n"
	    "    --console        attach to the console at once\n"
	    "    --force-boot     boot it, and discard what managedsave has saved\n"
	    "    --throwaway      discard at its end what the guest writes to its disks\n"
	    "    --accept-chains  its images may refer to other files than at its last start\n\n";
	(void)state;
	EXPECT(0, start, "", "start", "--help");
	EXPECT(0, start, "", "-q", "help", "start");
}

static void test_groups(void **state)
{
	struct run r;
	(void)state;
	RUN(&r, "help");
	for (size_t i = 0; i < VERB_COUNT; i++) {
		char *line =
		    xasprintf("\n    %-30s %s\n", verb_table[i]->name, verb_table[i]->summary);
		bool hidden = verb_table[i]->flags & VERB_HIDDEN;
		if ((strstr(r.out, line) == NULL) != hidden)
			fail_msg("%s: %s", verb_table[i]->name, hidden ? "not hidden" : "missing");
		free(line);
	}
	run_free(&r);
	EXPECT(0,
	    " Consoles (help keyword 'consoles'):\n"
	    "    console                        connect to the guest console\n"
	    "    screen                         print the console's present screen\n"
	    "    log                            what consoles have shown, by time and boot, searched\n"
	    "    expect                         wait for a pattern on a console and type an answer\n"
	    "    send-break                     send BREAK on a serial port\n"
	    "    sysrq                          send Linux a SysRq command\n"
	    "    record                         record a console as an asciicast\n"
	    "    replay                         play an asciicast\n"
	    "    wall                           show the consoles of many domains at once\n"
	    "    trigger                        what a domain's consoles are watched for\n"
	    "    acknowledge                    take away the badge that a trigger has set\n"
	    "    crashes                        what was kept of crashes\n\n\n",
	    "", "help", "consoles");
	RUN(&r, "help", "domain");
	assert_memory_equal(r.out, " Domains (", 10);
	run_free(&r);
	EXPECT(
	    1, "\n", "error: command or command group 'nosuch' doesn't exist\n", "help", "nosuch");
}

static void test_folding(void **state)
{
	struct buf b = BUF_INIT;
	(void)state;
	help_text_fold(&b, "one two three\n\nfour aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa b", 2, 11);
	assert_string_equal(
	    b.data, "  one two\n  three\n\n  four\n  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n  b\n");
	buf_fini(&b);
}

/* doc/PAGE is doc/PAGE.in with a table's part in place of the mark. */
static void compare_page(const char *name, const char *word, void (*format)(struct buf *out))
{
	const char *src = getenv("HVMUX_SRC");
	if (!src)
		skip();
	char *in_path = xasprintf("%s/doc/%s.in", src, name),
	     *page_path = xasprintf("%s/doc/%s", src, name);
	char *in = run_slurp(in_path), *page = run_slurp(page_path);
	char *mark = strstr(in, word);
	assert_non_null(mark);
	struct buf want = BUF_INIT;
	buf_add(&want, in, (size_t)(mark - in));
	format(&want);
	buf_adds(&want, mark + strlen(word));
	if (strcmp(page, want.data) != 0)
		fail_msg("doc/%s is out of date: run `make man`", name);
	buf_fini(&want);
	free(in_path);
	free(page_path);
	free(in);
	free(page);
}

static void test_man_pages_are_up_to_date(void **state)
{
	(void)state;
	compare_page("hvmux.1", "@VERBS@\n", help_format_man);
	compare_page("hvmux-domain.5", "@ELEMENTS@\n", domain_rules_format);
	compare_page("hvmux-img.1", "@COMMANDS@\n", imgcmd_help_man);
}

static void test_without_a_command(void **state)
{
	struct run r;
	(void)state;
	RUN(&r, "--help");
	assert_int_equal(r.status, 0);
	assert_non_null(strstr(r.out, "-r, --readonly"));
	run_free(&r);
	/* Standard output is a file here: no dashboard. */
	run_argv(&r, (const char *const[]){NULL});
	assert_int_equal(r.status, 2);
	assert_string_equal(r.out, "");
	assert_non_null(strstr(r.err, "'hvmux help' lists them"));
	run_free(&r);
}

static void test_version_of_the_program(void **state)
{
	struct run r;
	(void)state;
	RUN(&r, "--version");
	assert_memory_equal(r.out, "hvmux ", 6);
	assert_int_equal(r.status, 0);
	run_free(&r);
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) /* nobody may take this program for hvmux and start a supervisor with it */
		return 1;
#define T(f) cmocka_unit_test_setup_teardown(f, run_setup, run_teardown)
	const struct CMUnitTest tests[] = {T(test_one_command), T(test_groups), T(test_folding),
	    T(test_man_pages_are_up_to_date), T(test_without_a_command),
	    T(test_version_of_the_program)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
