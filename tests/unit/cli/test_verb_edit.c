/* edit, with editors that are one line of shell. */
#include "unit/cli/run_cli.h"

#include <dirent.h>

#include "core/autostart.h"

#define XML                                                                               \
	"<domain type='qemu'>\n  <!-- keep -->\n  <name>e1</name>\n"                      \
	"  <uuid>00112233-4455-6677-8899-aabbccddeeff</uuid>\n  <memory>65536</memory>\n" \
	"  <os><type>hvm</type></os>\n  <features><acpi/></features>\n</domain>\n"
#define EDITED "Domain 'e1' XML configuration edited.\n\n"

static char *stored(void)
{
	CLEANUP_FREE char *path = home_domain_xml(&run_paths, "e1");
	return run_slurp(path);
}

/* The one file that an edit left, NULL none; more are a failure. */
static char *kept(void)
{
	CLEANUP_FREE char *dir = xasprintf("%s/edit", run_paths.data);
	char *found = NULL;
	DIR *d = opendir(dir);
	for (struct dirent *e; d && (e = readdir(d));) {
		if (e->d_name[0] == '.')
			continue;
		assert_null(found);
		found = xasprintf("%s/%s", dir, e->d_name);
	}
	if (d)
		closedir(d);
	return found;
}

static void edit(const char *editor, struct run *r)
{
	setenv("VISUAL", editor, 1);
	RUN(r, "edit", "e1");
}

static void test_edit(void **state)
{
	(void)state;
	struct run r;
	run_define("e1", XML);
	edit("true", &r);
	assert_string_equal(r.out, "Domain 'e1' XML configuration not changed.\n\n");
	run_free(&r);
	edit("sed -i s/65536/131072/", &r);
	assert_string_equal(r.out, EDITED);
	assert_int_equal(r.status, 0);
	run_free(&r);
	CLEANUP_FREE char *text = stored();
	assert_non_null(strstr(text, "131072"));
	assert_non_null(strstr(text, "<!-- keep -->"));
	assert_null(kept());
}

/* Whatever goes wrong after something was typed, the typed text is in a file that the message names. */
static void test_never_lost(void **state)
{
	(void)state;
	static const struct {
		const char *editor, *words, *typed;
	} cases[] = {
	    {"sed -i s/.name.e1/broken/", "not well-formed XML", "broken"},
	    {"sed -i s/.name.e1/\\<name\\>e2/", "hvmux domrename 'e1' 'e2'", "e2"},
	    {"sed -i s/0011/9911/", "<uuid> is another one now", "9911"},
	    {"sed -i s/65536/banana/", "<memory>", "banana"},
	    {"sh -c 'echo typed >$1; exit 3' -", "failed with exit status 3", "typed"},
	    {"sh -c 'echo typed >$1; kill -9 $$' -", "Killed", "typed"},
	};
	run_define("e1", XML);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct run r;
		edit(cases[i].editor, &r);
		assert_int_equal(r.status, 1);
		if (strstr(r.err, cases[i].words) == NULL &&
		    i != 5) /* sh may report the signal as 137 */
			fail_msg("%s: %s", cases[i].editor, r.err);
		CLEANUP_FREE char *file = kept(), *text = file ? run_slurp(file) : NULL;
		assert_non_null(text);
		assert_non_null(strstr(text, cases[i].typed));
		assert_non_null(strstr(r.err, file));
		unlink(file);
		run_free(&r);
		CLEANUP_FREE char *now = stored();
		assert_string_equal(now, XML);
	}
}

static void test_nothing_typed(void **state)
{
	(void)state;
	struct run r;
	run_define("e1", XML);
	edit("false", &r);
	assert_string_equal(r.err, "error: the editor 'false' failed with exit status 1\n");
	run_free(&r);
	edit("no-such-editor-here", &r);
	assert_non_null(strstr(r.err, "the editor 'no-such-editor-here' was not found"));
	run_free(&r);
	assert_null(kept());
}

/* Somebody else's change in the meantime is not written over. */
static void test_conflict(void **state)
{
	(void)state;
	struct run r;
	run_define("e1", XML);
	CLEANUP_FREE char *path = home_domain_xml(&run_paths, "e1");
	CLEANUP_FREE char *editor =
	    xasprintf("sh -c 'sed -i s/65536/131072/ $1; sed -i s/keep/other/ %s' -", path);
	edit(editor, &r);
	assert_int_equal(r.status, 1);
	assert_non_null(strstr(r.err, "was changed by somebody else meanwhile"));
	run_free(&r);
	CLEANUP_FREE char *text = stored();
	assert_non_null(strstr(text, "<!-- other -->"));
	assert_non_null(strstr(text, "65536"));
	CLEANUP_FREE char *file = kept();
	assert_non_null(file);
	/* The next one is told of it. */
	edit("true", &r);
	assert_non_null(strstr(r.err, file));
	run_free(&r);
}

static void test_rename(void **state)
{
	(void)state;
	run_define("e1", XML);
	CLEANUP_FREE char *old_logs = home_log_dir(&run_paths, "e1"),
	                  *logs = home_log_dir(&run_paths, "e2");
	EXPECT(0, "Domain 'e1' marked as autostarted\n\n",
	    "warning: --after db: there is no domain of that name; 'e1' does not wait for it\n",
	    "autostart", "e1", "--order", "5", "--after", "db");
	struct run r;
	RUN(&r, "dominfo", "e1");
	assert_non_null(strstr(r.out, "\nStart order:    5\nStarts after:   db\n"));
	assert_null(strstr(r.out, "Start delay"));
	run_free(&r);
	EXPECT(1, "\n",
	    "error: Failed to mark domain 'e1' as autostarted\n"
	    "error: --after e1: a domain cannot come after itself\n",
	    "autostart", "e1", "--after", "e1");
	assert_int_equal(access(old_logs, F_OK), 0);
	EXPECT(1, "\n", "error: Requested operation is not valid: Can't rename domain to itself\n",
	    "domrename", "e1", "e1");
	EXPECT(0, "Domain successfully renamed\n\n", "", "domrename", "e1", "e2");
	assert_true(autostart_get(&run_paths, "e2"));
	assert_int_not_equal(access(old_logs, F_OK), 0);
	assert_int_equal(access(logs, F_OK), 0);
	CLEANUP_FREE char *path = home_domain_xml(&run_paths, "e2"), *text = run_slurp(path);
	assert_non_null(strstr(text, "<name>e2</name>"));
	assert_non_null(strstr(text, "<hvmux:autostart order=\"5\"/>"));
	assert_non_null(strstr(text, "<hvmux:after>db</hvmux:after>"));
	EXPECT(1, "\n", "error: failed to get domain 'e1'\n", "domid", "e1");
	run_define("e3", XML);
	EXPECT(1, "\n", "error: operation failed: domain with name 'e3' already exists\n",
	    "domrename", "e2", "e3");
	EXPECT(0, "Domain 'e2' unmarked as autostarted\n\n", "", "autostart", "e2", "--disable");
	assert_false(autostart_get(&run_paths, "e2"));
	struct status_writer w;
	int lock;
	run_live("e2", 7, VM_RUNNING, VM_REASON_BOOTED, &w, &lock);
	EXPECT(1, "\n", "error: Requested operation is not valid: cannot rename active domain\n",
	    "domrename", "e2", "e4");
	run_end(&w, lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_edit, run_setup, run_teardown),
	    cmocka_unit_test_setup_teardown(test_never_lost, run_setup, run_teardown),
	    cmocka_unit_test_setup_teardown(test_nothing_typed, run_setup, run_teardown),
	    cmocka_unit_test_setup_teardown(test_conflict, run_setup, run_teardown),
	    cmocka_unit_test_setup_teardown(test_rename, run_setup, run_teardown)};
	/* There is nobody to ask. */
	if (freopen("/dev/null", "r", stdin) == NULL)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
