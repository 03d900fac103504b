/* log: what is printed of a console's history, by every option; rotated, compressed, with times. */
#include "unit/cli/run_cli.h"

#include <time.h>

#include "serial/conlog.h"

#define NS 1000000000ull
#define T0 (1795258080 * NS) /* 2026-11-21 10:48:00 UTC */

static struct conlog *conlog;

static void note(enum ring_note_kind kind, unsigned value, unsigned second)
{
	struct ring_note n = {.offset = conlog_next(conlog),
	    .kind = kind,
	    .value = value,
	    .time_ns = T0 + second * NS};

	conlog_note(conlog, &n);
}

static void say(unsigned second, const char *text)
{
	struct iovec iov = {.iov_base = (char *)(uintptr_t)text, .iov_len = strlen(text)};

	note(RING_NOTE_TIME, 0, second);
	assert_int_equal(conlog_write(conlog, conlog_next(conlog), &iov, 1), iov.iov_len);
}

static void log_open(const char *name, unsigned index)
{
	CLEANUP_FREE char *file = xasprintf("console%u.log", index);
	CLEANUP_FREE char *path = home_log_file(&run_paths, name, file);
	CLEANUP_FREE char *dir = home_log_dir(&run_paths, name);
	struct conlog_limits limits = {.size = 65536, .files = 4};
	struct conlog_place at = {.run = 1};

	assert_int_equal(home_mkdir(&run_paths, dir, NULL), 0);
	setenv("TZ", "UTC", 1);
	tzset();
	conlog = conlog_new(path, &limits, &at);
}

static void log_close(void)
{
	conlog_free(conlog);
}

static void write_two_boots(void)
{
	log_open("vm1", 0);
	note(RING_NOTE_BOOT, 0, 0);
	say(1, "Linux version 6.1\r\n[\033[32m  OK  \033[m] Started ssh\r\n");
	say(5, "  1%\r 50%\r100%\r\nvm1 login: ");
	note(RING_NOTE_BOOT, 1, 60);
	say(61, "second\r\n");
	say(62, "oom-kil\033[31mler\033[m came\r\nlast");
	log_close();
}

static void test_text(void **state)
{
	(void)state;
	write_two_boots();
	EXPECT(0,
	    "-- boot 1, 2026-11-21 10:48:00 --\nLinux version 6.1\n[  OK  ] Started ssh\n100%\nvm1 login:\n"
	    "-- boot 2 (reset), 2026-11-21 10:49:00 --\nsecond\noom-killer came\nlast\n",
	    "", "log", "vm1");
	EXPECT(0, "oom-killer came\nlast\n", "", "log", "vm1", "-n", "2");
	EXPECT(0, "2026-11-21 10:49:02 oom-killer came\n2026-11-21 10:49:02 last\n", "", "log",
	    "vm1", "--since", "2026-11-21 10:49:02", "--timestamps");
	EXPECT(0, "100%\nvm1 login:\n", "", "log", "vm1", "--since", "2026-11-21 10:48:05",
	    "--until", "2026-11-21 10:48:30");
	EXPECT(0,
	    "-- boot 1, 2026-11-21 10:48:00 --\nLinux version 6.1\n[  OK  ] Started ssh\n100%\nvm1 login:\n",
	    "", "log", "vm1", "--boot", "-1");
	EXPECT(0, "-- boot 2 (reset), 2026-11-21 10:49:00 --\nsecond\noom-killer came\nlast\n", "",
	    "log", "vm1", "--boot", "0");
	EXPECT(0,
	    "Linux version 6.1\r\n[\033[32m  OK  \033[m] Started ssh\r\n  1%\r 50%\r100%\r\nvm1 login: "
	    "second\r\noom-kil\033[31mler\033[m came\r\nlast",
	    "", "log", "vm1", "--raw");
	EXPECT(0,
	    "{\"domain\":\"vm1\",\"port\":\"console0\",\"time_ns\":1795258142000000000,\"text\":\"last\"}\n",
	    "", "log", "vm1", "--json", "-n1");
}

static void test_boots(void **state)
{
	struct run r;

	(void)state;
	write_two_boots();
	RUN(&r, "log", "vm1", "--list-boots");
	assert_non_null(
	    strstr(r.out, " -1   1      2026-11-21 10:48:00   2026-11-21 10:48:05   started"));
	assert_non_null(
	    strstr(r.out, " 0    2      2026-11-21 10:49:00   2026-11-21 10:49:02   reset"));
	run_free(&r);
	EXPECT(1, "",
	    "error: vm1:console0: there is no boot 3 of 'vm1' in its log; --list-boots tells which there "
	    "are\n",
	    "log", "vm1", "--boot", "3");
}

static void test_grep(void **state)
{
	(void)state;
	write_two_boots();
	log_open("vm2", 1);
	say(3, "here OOM-KILLER too\n");
	log_close();
	EXPECT(0, "vm1:console0: 2026-11-21 10:49:02: oom-killer came\n", "", "log", "--all",
	    "--grep", "oom-killer");
	EXPECT(0,
	    "vm1:console0: 2026-11-21 10:49:02: oom-killer came\n"
	    "vm2:console1: 2026-11-21 10:48:03: here OOM-KILLER too\n",
	    "", "log", "--all", "-i", "--grep", "oom-killer");
	EXPECT(1, "", "", "log", "vm1", "--grep", "never");
	EXPECT(0, "vm1:console0: 2026-11-21 10:49:02: last\n", "", "log", "vm1", "--grep",
	    "[eo]|100|O", "-v", "--since", "2026-11-21 10:49");
}

static void test_context(void **state)
{
	(void)state;
	log_open("vm1", 0);
	say(1, "a\nb\nhit\nc\nd\ne\nf\ng\nhit hit\n");
	log_close();
	EXPECT(0,
	    "vm1:console0- 2026-11-21 10:48:01- b\nvm1:console0: 2026-11-21 10:48:01: hit\n"
	    "vm1:console0- 2026-11-21 10:48:01- c\n--\nvm1:console0- 2026-11-21 10:48:01- g\n"
	    "vm1:console0: 2026-11-21 10:48:01: hit hit\n",
	    "", "log", "vm1", "--grep", "hit", "-C", "1");
}

/* A line that a rotation cut is one. */
static void test_line_across_files(void **state)
{
	struct run r;

	(void)state;
	log_open("vm1", 0);
	for (unsigned i = 0; i < 3000; i++)
		say(i, "some thirty bytes of a line..\n");
	say(3000, "the cut ");
	for (unsigned i = 0; i < 2000; i++) /* the file is full meanwhile */
		say(3000, "and thirty bytes without end..");
	say(3000, " line\n");
	log_close();
	RUN(&r, "log", "vm1", "-n", "1");
	assert_memory_equal(r.out, "the cut and thirty", 18);
	assert_non_null(strstr(r.out, "end.. line\n"));
	assert_int_equal(strlen(r.out), 8 + 2000 * 30 + 6);
	run_free(&r);
}

#define REFUSED(status_, words, ...)                                  \
	do {                                                          \
		struct run r_;                                        \
		RUN(&r_, __VA_ARGS__);                                \
		if (!strstr(r_.err, words) || r_.status != (status_)) \
			fail_msg("%d: %s", r_.status, r_.err);        \
		assert_string_equal(r_.out, "");                      \
		run_free(&r_);                                        \
	} while (0)

static void test_refused(void **state)
{
	(void)state;
	write_two_boots();
	REFUSED(2, "requires a domain, or --all", "log");
	REFUSED(2, "a domain or --all, not both", "log", "vm1", "--all");
	REFUSED(2, "needs --grep", "log", "vm1", "-i");
	REFUSED(2, "invalid regular expression", "log", "vm1", "--grep", "(");
	REFUSED(2, "--since: 'soon' is no time", "log", "vm1", "--since", "soon");
	REFUSED(2, "invalid value '0' for --lines", "log", "vm1", "-n", "0");
	REFUSED(2, "invalid value 'x' for --boot", "log", "vm1", "--boot", "x");
	REFUSED(2, "not with --until or --boot", "log", "vm1", "-f", "--until", "now");
	REFUSED(1, "failed to get domain 'nobody'", "log", "nobody");
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) /* nobody may take this program for hvmux and start a supervisor with it */
		return 1;
#define T(f) cmocka_unit_test_setup_teardown(f, run_setup, run_teardown)
	const struct CMUnitTest tests[] = {T(test_text), T(test_boots), T(test_grep),
	    T(test_context), T(test_line_across_files), T(test_refused)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
