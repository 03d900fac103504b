#include "unit/cm.h"

#include "core/domain.h"
#include "kvm/argv.h"
#include "kvm/native.h"
#include "unit/golden.h"

static struct caps caps;

static int load_caps(void **state)
{
	(void)state;
	struct buf json = BUF_INIT;
	struct err err = {0};
	char *path = golden_path("caps/qemu-7.2-x86_64.caps");
	golden_read(path, &json);
	int rc = caps_parse(json.data, json.len, &caps, &err);
	buf_fini(&json);
	free(path);
	return rc;
}

static int free_caps(void **state)
{
	(void)state;
	caps_fini(&caps);
	return 0;
}

static char *convert(const char *text, struct buf *notes)
{
	struct native_cmd cmd;
	struct err err = {0};
	if (native_split(text, strlen(text), &cmd, &err) < 0)
		fail_msg("%s", err.msg);
	cmd.cwd = xstrdup("/home/me");
	char *xml = native_to_xml(&cmd, notes, &err);
	native_cmd_fini(&cmd);
	if (xml == NULL)
		fail_msg("%s", err.msg);
	return xml;
}

/* --- our own command lines come back as they were --- */
static char *argv_of(const char *xml)
{
	struct domain d;
	struct argv_out out;
	struct err err = {0};
	const struct argv_in in = {.run_dir = "/run/hvmux/x", .log_dir = "/var/log/hvmux/x"};
	if (domain_parse(xml, strlen(xml), "native.xml", 0, &d, NULL, &err) < 0 ||
	    domain_complete(&d, NULL, NULL, &err) < 0 || argv_build(&d, &caps, &in, &out, &err) < 0)
		fail_msg("%s\n%s", err.msg, xml);
	char *text = argv_shell(&out);
	argv_fini(&out);
	domain_fini(&d);
	return text;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The words in an order of their own: what is kept word for word comes last. */
static char *sorted(const char *text)
{
	struct native_cmd cmd;
	struct buf out = BUF_INIT;
	assert_int_equal(native_split(text, strlen(text), &cmd, NULL), 0);
	for (size_t i = 0; i < cmd.n; i++)
		for (char *at; (at = strstr(cmd.words[i], "native-")) != NULL;)
			memmove(at, at + 7, strlen(at + 7) + 1);
	qsort(cmd.words, cmd.n, sizeof *cmd.words, by_text);
	for (size_t i = 0; i < cmd.n; i++)
		buf_addf(&out, "%s\n", cmd.words[i]);
	native_cmd_fini(&cmd);
	return buf_take(&out);
}

static void test_fixed_point(void **state)
{
	(void)state;
	static const char *const stems[] = {
	    "minimal", "virt-install-q35", "pc-usb-ich9", "kernel-commandline", "nic-models"};
	for (size_t i = 0; i < ARRAY_LEN(stems); i++) {
		struct buf want = BUF_INIT, notes = BUF_INIT;
		CLEANUP_FREE char *file = xasprintf("argv/%s.args", stems[i]);
		CLEANUP_FREE char *path = golden_path(file);
		golden_read(path, &want);
		CLEANUP_FREE char *xml = convert(want.data, &notes), *got = argv_of(xml);
		CLEANUP_FREE char *sorted_want = sorted(want.data), *sorted_got = sorted(got);
		if (strcmp(sorted_got, sorted_want) != 0)
			fail_msg("%s: got\n%s\nfrom\n%s", path, got, xml);
		buf_fini(&want);
		buf_fini(&notes);
	}
}

/* --- other people's command lines: tests/data/native --- */
static void check_golden(const char *stem)
{
	struct buf text = BUF_INIT, notes = BUF_INIT;
	CLEANUP_FREE char *in = xasprintf("%s.args", stem), *out = xasprintf("%s.xml", stem);
	golden_read(in, &text);
	CLEANUP_FREE char *xml = convert(text.data, &notes);
	CLEANUP_FREE char *both =
	    xasprintf("%s<!--\n%s-->\n", xml, notes.len > 0 ? notes.data : "");
	for (char *dashes = both; (dashes = strstr(dashes, " --")) != NULL;)
		memcpy(dashes, " ==", 3);
	golden_check(out, both);
	/* Nothing of ours may choke on it. */
	struct domain d;
	struct err err = {0};
	if (domain_parse(xml, strlen(xml), out, DOMAIN_PARSE_LENIENT, &d, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	domain_fini(&d);
	buf_fini(&text);
	buf_fini(&notes);
}

static void test_goldens(void **state)
{
	(void)state;
	golden_each("native/*.xml", check_golden);
}

/* --- a shell's words --- */
static void expect_words(const char *text, const char *want)
{
	struct native_cmd cmd;
	struct err err = {0};
	struct buf got = BUF_INIT;
	if (native_split(text, strlen(text), &cmd, &err) < 0)
		buf_adds(&got, err.msg);
	for (size_t i = 0; i < cmd.n_env; i++)
		buf_addf(&got, "{%s}", cmd.env[i]);
	for (size_t i = 0; i < cmd.n; i++)
		buf_addf(&got, "[%s]", cmd.words[i]);
	assert_string_equal(got.data, want);
	buf_fini(&got);
	native_cmd_fini(&cmd);
}

static void test_words(void **state)
{
	(void)state;
	expect_words("kvm -m 1", "[kvm][-m][1]");
	expect_words(
	    "  A=1 B='x y' /usr/bin/kvm \"a b\"'c'\\ d", "{A=1}{B=x y}[/usr/bin/kvm][a bc d]");
	expect_words(
	    "sudo -u x env C=2 qemu-kvm \\\n  -m\\\n 2 # no more", "{C=2}[qemu-kvm][-m][2]");
	expect_words("kvm -append 'a' -name $'it\\'s\\101'", "[kvm][-append][a][-name][it'sA]");
	expect_words("kvm \"\\$x \\\\ \\y\"", "[kvm][$x \\ \\y]");
	expect_words("kvm -m 4 >log 2>&1 </dev/null &", "[kvm][-m][4]");
	expect_words("(: <>/dev/kvm); kvm -m 5 2> /tmp/x -S", "[kvm][-m][5][-S]");
	expect_words("kvm ''", "[kvm][]");
	expect_words("echo kvm; kvm -m 3 && echo done; kvm2", "[kvm][-m][3]");
	expect_words("kvm -m 1\nkvm -m 2\n", "[kvm][-m][2]");
	expect_words("2023-01-05 10:00:00.000+0000: a host's log\nkvm -S\n", "[kvm][-S]");
	expect_words("kvm -m $MEM",
	    "line 1: a shell variable or command substitution: write its value instead");
	expect_words("kvm\t\"a\n", "line 2: a quote \" without its end");
	expect_words("ls -l",
	    "no QEMU command in it: the program's name must be qemu-system-ARCH, qemu-kvm or kvm");
	expect_words("",
	    "no QEMU command in it: the program's name must be qemu-system-ARCH, qemu-kvm or kvm");
}

static void test_process(void **state)
{
	(void)state;
	struct native_cmd cmd;
	struct err err = {0};
	assert_int_equal(native_process(getpid(), &cmd, &err), -1);
	assert_non_null(strstr(err.msg, "is no QEMU"));
	assert_int_equal(native_process(0x7ffffffe, &cmd, &err), -1);
	assert_non_null(strstr(err.msg, "there is no process"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fixed_point),
	    cmocka_unit_test(test_goldens),
	    cmocka_unit_test(test_words),
	    cmocka_unit_test(test_process),
	};
	return cmocka_run_group_tests(tests, load_caps, free_caps);
}
