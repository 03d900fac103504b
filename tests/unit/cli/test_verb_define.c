#include "unit/cli/run_cli.h"

#define XML(name, disk)                                                                    \
	"<domain type='qemu'><name>" name "</name><memory unit='MiB'>16</memory>"          \
	"<os><type>hvm</type></os><features><acpi/></features><devices><disk type='file'>" \
	"<source file='%s/" disk "'/><target dev='vda'/></disk></devices></domain>"

static char *make_disk(const char *file)
{
	char *path = xasprintf("%s/%s", run_home, file);
	assert_int_equal(file_write_new(path, "x", 1, 0600, NULL), 0);
	return path;
}

static void put_live_xml(const char *name, const char *xml)
{
	CLEANUP_FREE char *path = home_run_file(&run_paths, name, "live.xml");
	assert_int_equal(file_write_new(path, xml, strlen(xml), 0600, NULL), 0);
}

/* A start has the lock and has not published anything yet: the page is the last run's. */
static void test_start_in_between(void **state)
{
	(void)state;
	struct status_writer w;
	struct run r;
	int lock;
	CLEANUP_FREE char *disk = make_disk("a.img"), *xml = xasprintf(XML("a", "a.img"), run_home);
	run_define("a", xml);
	run_live("a", 0, VM_OFF, VM_REASON_SHUTDOWN, &w, &lock);
	RUN(&r, "undefine", "a", "--remove-all-storage");
	assert_int_equal(r.status, CLI_FAILED);
	assert_non_null(strstr(r.err, "'a' is running"));
	assert_int_equal(access(disk, F_OK), 0);
	run_free(&r);
	/* Without its storage it becomes a domain without a definition, as a running one does. */
	RUN(&r, "undefine", "a");
	assert_int_equal(r.status, CLI_DONE);
	run_free(&r);
	CLEANUP_FREE char *page = home_run_file(&run_paths, "a", "status");
	assert_int_equal(access(page, F_OK), 0);
	run_end(&w, lock);
}

/* The next domain of that name does not inherit a crash. */
static void test_forgets_the_run(void **state)
{
	(void)state;
	struct status_writer w;
	struct run r;
	int lock;
	CLEANUP_FREE char *disk = make_disk("b.img"), *xml = xasprintf(XML("b", "b.img"), run_home);
	CLEANUP_FREE char *dir = home_run_dir(&run_paths, "b");
	run_define("b", xml);
	run_live("b", 0, VM_CRASHED, VM_REASON_CRASHED, &w, &lock);
	status_begin(&w)->qemu_pid = 0;
	status_end(&w);
	run_end(&w, lock);
	EXPECT(CLI_DONE, "crashed\n\n", "", "domstate", "b");
	RUN(&r, "undefine", "b", "--remove-all-storage");
	assert_int_equal(r.status, CLI_DONE);
	run_free(&r);
	assert_int_equal(access(dir, F_OK), -1);
	assert_int_equal(access(disk, F_OK), -1);
	run_define("b", xml);
	EXPECT(CLI_DONE, "shut off\n\n", "", "domstate", "b");
}

/* A domain that was undefined while it runs still has its disk. */
static void test_disk_of_a_running_one(void **state)
{
	(void)state;
	struct status_writer w;
	struct run r;
	int lock;
	CLEANUP_FREE char *disk = make_disk("c.img"), *xml = xasprintf(XML("c", "c.img"), run_home);
	CLEANUP_FREE char *other = xasprintf(XML("gone", "c.img"), run_home);
	run_live("gone", 7, VM_RUNNING, VM_REASON_BOOTED, &w, &lock);
	put_live_xml("gone", other);
	run_define("c", xml);
	RUN(&r, "undefine", "c", "--remove-all-storage");
	assert_int_equal(access(disk, F_OK), 0);
	assert_non_null(strstr(r.err, "is used by other domains too"));
	run_free(&r);
	run_end(&w, lock);
}

/* Many in one command are stored together, each as if it came alone: same name twice, one uuid twice, one broken. */
static void test_many(void **state)
{
	(void)state;
	static const char uuid[] = "00112233-4455-6677-8899-aabbccddee0%u";
	struct run r;
	const char *words[24] = {"-q", "define"};
	char *files[8];
	for (unsigned i = 0; i < 8; i++) {
		CLEANUP_FREE char *id = xasprintf(uuid, i == 5 ? 4 : i);
		CLEANUP_FREE char *xml = xasprintf(
		    "<domain type='qemu'><name>m%u</name><uuid>%s</uuid><memory>%u</memory><os><type>hvm%s"
		    "</type></os><features><acpi/></features></domain>",
		    i == 7 ? 2 : i, i == 7 ? "00112233-4455-6677-8899-aabbccddee02" : id, 65536 + i,
		    i == 3 ? "<" : "");
		words[2 + i] = files[i] = xasprintf("%s/m%u.xml", run_home, i);
		assert_int_equal(file_write_new(files[i], xml, strlen(xml), 0600, NULL), 0);
	}
	run_argv(&r, words);
	assert_int_equal(r.status, CLI_FAILED);
	assert_non_null(strstr(r.err, "m3.xml:1: not well-formed"));
	assert_non_null(strstr(r.err, "domain 'm4' is already defined with uuid"));
	run_free(&r);
	EXPECT(CLI_DONE, "m0\nm1\nm2\nm4\nm6\n\n", "", "list", "--all", "--name");
	CLEANUP_FREE char *path = home_domain_xml(&run_paths, "m2"), *text = run_slurp(path);
	assert_non_null(strstr(text, "<memory>65543</memory>"));
	for (unsigned i = 0; i < 8; i++)
		free(files[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_start_in_between),
	    cmocka_unit_test(test_forgets_the_run),
	    cmocka_unit_test(test_disk_of_a_running_one),
	};
	return cmocka_run_group_tests(tests, run_setup, run_teardown);
}
