/* Life-cycle verbs as far as no supervisor is needed: who is refused, in whose words, with which status. */
#include "unit/cli/run_cli.h"

#define OFF "error: Requested operation is not valid: domain is not running\n"

static const char xml[] = "<domain type='qemu'><name>x</name><memory>8192</memory><vcpu>1</vcpu>"
                          "<os><type>hvm</type></os></domain>";

static void test_what_needs_a_running_domain(void **state)
{
	static const char *const verbs[] = {
	    "shutdown", "reboot", "reset", "destroy", "suspend", "resume"};
	(void)state;
	run_define("vm1", xml);
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		char *want = xasprintf("error: Failed to %s domain 'vm1'\n" OFF, verbs[i]);
		EXPECT(1, "\n", want, verbs[i], "vm1");
		EXPECT(
		    1, "\n", "error: failed to get domain 'nope'\n", verbs[i], "--domain", "nope");
		free(want);
	}
	EXPECT(1, "", "error: The domain is not running\n", "console", "vm1");
}

static void test_every_domain_is_tried(void **state)
{
	(void)state;
	run_define("vm1", xml);
	run_define("vm2", xml);
	EXPECT(1, "\n",
	    "error: Failed to destroy domain 'vm1'\n" OFF "error: failed to get domain 'nope'\n"
	    "error: Failed to destroy domain 'vm2'\n" OFF,
	    "destroy", "vm1", "nope", "vm2");
}

static void test_progress(void **state)
{
	(void)state;
	run_define("vm1", xml);
	EXPECT(1,
	    "{\"done\":0,\"total\":2,\"text\":\"suspend vm1\"}\n{\"done\":1,\"total\":2,\"text\":\"suspend a\\\"b\"}\n"
	    "{\"done\":2,\"total\":2,\"text\":\"failed\"}\n",
	    "error: Failed to suspend domain 'vm1'\n" OFF "error: failed to get domain 'a\"b'\n",
	    "-q", "suspend", "vm1", "a\"b", "--progress-fd", "1");
}

static void test_start_of_an_active_domain(void **state)
{
	struct status_writer w;
	int l;
	(void)state;
	run_define("vm1", xml);
	run_live("vm1", 1, VM_RUNNING, VM_REASON_BOOTED, &w, &l);
	EXPECT(1, "\n", "error: Domain is already active\n", "start", "vm1");
	run_end(&w, l);
}

static void test_one_console_at_a_time(void **state)
{
	(void)state;
	EXPECT(2, "",
	    "error: --console attaches to one domain, but 2 are named; see 'hvmux help start'\n",
	    "start", "--console", "a", "b");
	run_define("vm1",
	    "<domain type='qemu'><name>vm1</name><memory>65536</memory><os><type "
	    "arch='x86_64'>hvm</type></os><devices><serial type='pty'/></devices></domain>");
	EXPECT(1, "", "error: cannot find character device tty1: 'vm1' has serial0\n", "console",
	    "vm1", "--devname", "tty1");
	EXPECT(2, "", "error: --port and --devname name two consoles: 'serial0', 'hvc0'\n",
	    "console", "vm1", "--devname", "hvc0", "--port=serial0");
}

/* As many words as the verb cannot do without. */
static void run_readonly(const struct verb *v)
{
	const char *words[16] = {"--readonly", v->name};
	char first[8][32];
	unsigned n = 2;
	for (const struct verb_opt *o = v->opts; o->name && n < 15; o++) {
		if (!o->required || n == 10)
			continue;
		const char *allowed = o->words ? o->words : "x";
		snprintf(
		    first[n - 2], sizeof(first[0]), "%.*s", (int)strcspn(allowed, " "), allowed);
		words[n] = first[n - 2];
		n++;
	}
	struct run r;
	CLEANUP_FREE char *want =
	    xasprintf("error: operation %s forbidden for read only access\n", v->name);
	run_argv(&r, words);
	assert_string_equal(r.err, want);
	assert_int_equal(r.status, 1);
	run_free(&r);
}

static void test_readonly_changes_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < VERB_COUNT; i++)
		if (!(verb_table[i]->flags & (VERB_READS | VERB_SHOWS | VERB_HIDDEN)))
			run_readonly(verb_table[i]);
}

static void test_events(void **state)
{
	(void)state;
	EXPECT(0,
	    "lifecycle\nreboot\nio-error\nwatchdog\nballoon-change\ndump\nagent-lifecycle\nside-process\nhook\nconsole-log\nconsole-match\ncrash-record\nblock-job\nblock-threshold\nplan\n\n",
	    "", "events", "--list");
	EXPECT(1, "event loop timed out\nevents received: 0\n\n", "", "event", "--all", "--timeout",
	    "0");
	EXPECT(1, "", "", "events", "--json", "--timeout", "0");
	EXPECT(2, "", "error: unknown event type 'tea'; see 'hvmux events --list'\n", "events",
	    "--event", "tea");
	EXPECT(1, "\n", "error: failed to get domain 'nope'\n", "events", "--domain", "nope");
}

/* A full disk is not success. */
static void test_lost_output_is_a_failure(void **state)
{
	(void)state;
	int kept = dup(1), full = open("/dev/full", O_WRONLY);
	if (full < 0)
		skip();
	fflush(stdout);
	dup2(full, 1);
	int kept_err = dup(2), null = open("/dev/null", O_WRONLY);
	dup2(null, 2);
	const char *argv[] = {"hvmux", "uri", NULL};
	int status = cli_main(2, (char **)(uintptr_t)argv);
	clearerr(stdout);
	dup2(kept, 1);
	dup2(kept_err, 2);
	close(kept);
	close(kept_err);
	close(full);
	close(null);
	assert_int_equal(status, 1);
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) /* nobody may take this program for hvmux and start a supervisor with it */
		return 1;
#define T(f) cmocka_unit_test_setup_teardown(f, run_setup, run_teardown)
	const struct CMUnitTest tests[] = {T(test_what_needs_a_running_domain),
	    T(test_every_domain_is_tried), T(test_progress), T(test_start_of_an_active_domain),
	    T(test_one_console_at_a_time), T(test_readonly_changes_nothing), T(test_events),
	    T(test_lost_output_is_a_failure)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
