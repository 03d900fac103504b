/* Completion: what may follow, and nothing else. */
#include "unit/cli/run_cli.h"

#include "cli/complete.h"
#include "core/snapshots.h"

/* Candidates without descriptions, separated by blanks. */
static void expect(const char *want, const char *const *words, unsigned n)
{
	struct buf b = BUF_INIT, got = BUF_INIT;
	complete_words(&run_paths, words, n, &b);
	for (char *save = NULL, *line = b.data ? strtok_r(b.data, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		char *tab = strchr(line, '\t');
		assert_non_null(tab);
		buf_addf(&got, "%s%.*s", got.len ? " " : "", (int)(tab - line), line);
	}
	assert_string_equal(got.data ? got.data : "", want);
	buf_fini(&b);
	buf_fini(&got);
}

#define COMPLETES(want, ...)                             \
	expect(want, (const char *const[]){__VA_ARGS__}, \
	    sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void test_commands(void **state)
{
	(void)state;
	COMPLETES("suspend", "su");
	COMPLETES("domstate domstats", "-q", "domst");
	COMPLETES("domstate domstats", "-c", "qemu:///session", "domst");
	COMPLETES("", "supervis");
	COMPLETES("", "nosuch", "");
	COMPLETES("events", "help", "ev");
	COMPLETES("", "help", "events", "");
}

static void test_storage(void **state)
{
	(void)state;
	/* The first look at pools makes the default one. */
	COMPLETES("default", "pool-info", "");
	COMPLETES("default", "vol-list", "def");
	COMPLETES("default", "vol-create-from", "default", "x.xml", "y", "--inputpool", "");
	CLEANUP_FREE char *path = xasprintf("%s/images/a.raw", run_paths.data);
	assert_int_equal(file_write_atomic(path, "x", 1, 0600, NULL), 0);
	COMPLETES("a.raw", "vol-info", "--pool", "default", "");
	COMPLETES("a.raw", "vol-create-as", "default", "b", "1G", "--backing-vol", "");
	const char *words[] = {"vol-path", ""};
	expect(path, words, 2);
	unlink(path);
}

static void test_options(void **state)
{
	(void)state;
	COMPLETES("--paused --progress-fd", "start", "--p");
	COMPLETES("--progress-fd", "start", "--paused", "--p");
	COMPLETES("--connect", "--con");
	COMPLETES("acpi agent acpi,agent agent,acpi", "shutdown", "x", "--mode", "");
	COMPLETES("--mode=acpi --mode=acpi,agent", "shutdown", "--mode=ac");
	COMPLETES("", "shutdown", "--mode=x");
	COMPLETES("qemu:///system qemu:///session", "-c", "q");
	COMPLETES("qemu-argv", "domxml-to-native", "");
	/* A number, a file: the shell's own affair. */
	COMPLETES("", "events", "--timeout", "");
	COMPLETES("", "define", "");
}

static void test_img(void **state)
{
	(void)state;
	COMPLETES("resize", "img", "resi");
	COMPLETES("resize", "img", "-v", "resi");
	COMPLETES("--shrink", "img", "resize", "--s");
	COMPLETES("-f", "img", "info", "x", "-f");
	COMPLETES("", "img", "info", "x");
	COMPLETES("", "img", "nosuch", "--s");
}

static void test_domains(void **state)
{
	struct status_writer w;
	int l;
	(void)state;
	run_define("off1", "<domain/>");
	run_define("off two", "<domain/>");
	run_define("on1", "<domain/>");
	run_live("on1", 1, VM_RUNNING, VM_REASON_BOOTED, &w, &l);
	COMPLETES("off two off1", "start", "");
	COMPLETES("off two", "start", "off1", "");
	COMPLETES("on1", "destroy", "");
	COMPLETES("off two off1 on1", "dominfo", "");
	COMPLETES("", "dominfo", "on1", "");
	COMPLETES("on1", "dominfo", "--json", "--domain", "o", "--domain", "on");
	COMPLETES("--domain=on1", "dominfo", "--domain=on");
	COMPLETES("on1", "console", "--", "");
	COMPLETES("", "console", "--", "--");
	COMPLETES("off two off1 on1", "domxml-to-native", "qemu-argv", "");
	run_end(&w, l);
}

static void test_ports(void **state)
{
	(void)state;
	run_define("two", "<domain type='qemu'><name>two</name><memory>65536</memory><os><type "
	                  "arch='x86_64'>hvm</type></os><devices><serial type='pty'/><console "
	                  "type='pty'><target type='virtio'/></console></devices></domain>");
	COMPLETES("serial0 hvc0", "console", "two", "--port", "");
	COMPLETES("hvc0", "console", "--force", "two", "--port", "h");
	COMPLETES("--port=hvc0", "console", "two", "--port=h");
	COMPLETES("serial0", "console", "--domain", "two", "--devname", "s");
	COMPLETES("serial0", "screen", "--rows", "3", "--domain=two", "--port", "s");
	COMPLETES("", "console", "--port", "");
	COMPLETES("", "console", "nosuch", "--port", "");
}

static void add_snapshot(const char *domain, const char *name, const char *description)
{
	struct snapshot s;
	struct err err = {0};
	snapshot_init(&s);
	s.name = xstrdup(name);
	s.description = xstrdup(description);
	assert_int_equal(snapshots_write(&run_paths, domain, &s, true, false, &err), 0);
	snapshot_fini(&s);
}

static void test_what_a_domain_has(void **state)
{
	(void)state;
	run_define("has", "<domain type='qemu'><name>has</name><memory>65536</memory><os><type "
	                  "arch='x86_64'>hvm</type></os><devices>"
	                  "<disk type='file' device='disk'><source file='/x'/><target dev='vda'/>"
	                  "<alias name='ua-root'/></disk>"
	                  "<disk type='file' device='cdrom'><target dev='sda'/></disk>"
	                  "<interface type='user'><mac address='52:54:00:00:00:01'/></interface>"
	                  "</devices></domain>");
	add_snapshot("has", "before", "two\nlines\tand more");
	add_snapshot("has", "beside", "");
	COMPLETES("before beside", "snapshot-revert", "has", "");
	COMPLETES("beside", "snapshot-delete", "--domain", "has", "--snapshotname", "besi");
	COMPLETES("before beside", "snapshot-list", "has", "--from", "b");
	COMPLETES("", "snapshot-create-as", "has", "b");
	COMPLETES("", "snapshot-revert", "nosuch", "");
	COMPLETES("vda sda", "detach-disk", "has", "");
	COMPLETES("vda", "blockjob", "has", "--path", "v");
	COMPLETES("sda", "change-media", "has", "");
	COMPLETES("52:54:00:00:00:01", "domif-setlink", "has", "5");
	COMPLETES("ua-root", "detach-device-alias", "has", "");
	/* New names are the operator's to invent. */
	COMPLETES("", "attach-disk", "has", "/x", "");
	COMPLETES("", "attach-interface", "has", "user", "--alias", "");
}

static void test_as_a_command(void **state)
{
	(void)state;
	EXPECT(0, "uri\tprint the hypervisor canonical URI\n", "", "complete", "--", "ur");
}

static void test_marks(void **state)
{
	(void)state;
	static const char xml[] =
	    "<domain type='qemu'><name>%s</name><metadata><h:domain "
	    "xmlns:h='urn:hvmux:domain:1'><h:tag>web</h:tag><h:tag>%s-only</h:tag>"
	    "<h:group>prod/web</h:group></h:domain></metadata></domain>";
	static const char *const names[] = {"m1", "m2"};
	for (size_t i = 0; i < 2; i++) {
		CLEANUP_FREE char *text = xasprintf(xml, names[i], names[i]);
		run_define(names[i], text);
	}
	COMPLETES("web m1-only m2-only", "tag", "m1", "");
	COMPLETES("--tag=web", "list", "--tag=w");
	COMPLETES("prod/web", "list", "--group", "");
	COMPLETES("prod/web", "group", "m1", "p");
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) /* nobody may take this program for hvmux and start a supervisor with it */
		return 1;
#define T(f) cmocka_unit_test_setup_teardown(f, run_setup, run_teardown)
	const struct CMUnitTest tests[] = {T(test_commands), T(test_options), T(test_storage),
	    T(test_img), T(test_domains), T(test_ports), T(test_what_a_domain_has),
	    T(test_as_a_command), T(test_marks)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
