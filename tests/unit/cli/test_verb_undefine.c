#include "unit/cli/run_cli.h"

#include "core/autostart.h"

#define XML                                                                                    \
	"<domain type='qemu'><name>u1</name><uuid>00112233-4455-6677-8899-aabbccddeeff</uuid>" \
	"<memory>65536</memory><os><type>hvm</type>%s</os><devices>"                           \
	"<disk type='file'><source file='%s/a.img'/><target dev='vda'/></disk>"                \
	"<disk type='file'><source file='%s/b.img'/><target dev='vdb'/></disk></devices></domain>"

static char *touch(const char *file)
{
	char *path = xasprintf("%s/%s", run_home, file);
	assert_int_equal(file_write_atomic(path, "x", 1, 0600, NULL), 0);
	return path;
}

static void define(const char *os)
{
	CLEANUP_FREE char *xml = xasprintf(XML, os, run_home, run_home);
	run_define("u1", xml);
}

static bool there(const char *path)
{
	return access(path, F_OK) == 0;
}

static void test_storage(void **state)
{
	(void)state;
	struct run r;
	CLEANUP_FREE char *a = touch("a.img"), *b = touch("b.img");
	define("");
	EXPECT(1, "\n",
	    "error: Failed to undefine domain 'u1'\nerror: Volume 'vdx' was not found in domain's definition; "
	    "see: hvmux domblklist 'u1'\n",
	    "undefine", "u1", "--storage", "vda,vdx");
	EXPECT(1, "\n",
	    "error: Failed to undefine domain 'u1'\nerror: Specified both --storage and --remove-all-storage\n",
	    "undefine", "u1", "--storage", "vda", "--remove-all-storage");
	assert_true(there(a) && there(b));
	RUN(&r, "undefine", "u1", "--storage", "vdb");
	assert_int_equal(r.status, 0);
	assert_non_null(strstr(r.out, "Domain 'u1' has been undefined\nVolume 'vdb'("));
	assert_true(there(a) && !there(b));
	run_free(&r);
	define("");
	RUN(&r, "undefine", "u1", "--storage", a);
	assert_false(there(a));
	run_free(&r);
}

static void test_protected(void **state)
{
	(void)state;
	CLEANUP_FREE char *a = touch("a.img");
	define("");
	assert_int_equal(autostart_set(&run_paths, "u1", true, NULL), 0);
	EXPECT(0, "Domain 'u1' is protected against deletion\n", "", "protect", "u1");
	EXPECT(1, "\n",
	    "error: Failed to undefine domain 'u1'\nerror: domain 'u1' is protected against deletion; allow it "
	    "by: hvmux unprotect 'u1'\n",
	    "undefine", "u1", "--remove-all-storage");
	assert_true(there(a) && autostart_get(&run_paths, "u1"));
	EXPECT(0, "Domain 'u1' is no longer protected\n", "", "unprotect", "u1");
	EXPECT(0, "Domain 'u1' has been undefined\n\n", "", "undefine", "u1");
	/* The mark is gone, too: the next domain of this name does not start by itself. */
	define("");
	assert_false(autostart_get(&run_paths, "u1"));
}

static void test_nvram(void **state)
{
	(void)state;
	CLEANUP_FREE char *vars = touch("vars.fd"),
	                  *os = xasprintf("<nvram template='/t'>%s</nvram>", vars);
	CLEANUP_FREE char *refused = xasprintf(
	    "error: Failed to undefine domain 'u1'\nerror: Requested operation is not valid: cannot undefine domain "
	    "with nvram: --nvram removes '%s', --keep-nvram keeps it\n",
	    vars);
	define(os);
	EXPECT(1, "\n", refused, "undefine", "u1");
	EXPECT(2, "", "error: Options --nvram and --keep-nvram are mutually exclusive\n",
	    "undefine", "u1", "--nvram", "--keep-nvram");
	EXPECT(0, "Domain 'u1' has been undefined\n\n", "", "undefine", "u1", "--keep-nvram");
	assert_true(there(vars));
	define(os);
	EXPECT(0, "Domain 'u1' has been undefined\n\n", "", "undefine", "u1", "--nvram");
	assert_false(there(vars));
	/* One that was never written is no reason to refuse. */
	define(os);
	EXPECT(0, "Domain 'u1' has been undefined\n\n", "", "undefine", "u1");
}

static void test_beside(void **state)
{
	(void)state;
	CLEANUP_FREE char *tpm =
	    home_data_file(&run_paths, "tpm", "00112233-4455-6677-8899-aabbccddeeff");
	CLEANUP_FREE char *snapshots = home_data_file(&run_paths, "snapshots", "u1");
	struct run r;
	define("");
	assert_int_equal(home_mkdir(&run_paths, tpm, NULL), 0);
	assert_int_equal(home_mkdir(&run_paths, snapshots, NULL), 0);
	RUN(&r, "undefine", "u1");
	assert_int_equal(r.status, 1);
	assert_non_null(strstr(r.err, "--snapshots-metadata removes"));
	run_free(&r);
	RUN(&r, "undefine", "u1", "--snapshots-metadata");
	assert_int_equal(r.status, 0);
	assert_non_null(strstr(r.err, "the TPM's state stays in"));
	assert_true(there(tpm) && !there(snapshots));
	run_free(&r);
	define("");
	EXPECT(0, "Domain 'u1' has been undefined\n\n", "", "undefine", "u1", "--tpm");
	assert_false(there(tpm));
}

/* A definition that cannot be read can be got rid of, but not its storage. */
static void test_unreadable(void **state)
{
	(void)state;
	struct run r;
	run_define("u1", "<domain><");
	RUN(&r, "undefine", "u1", "--remove-all-storage");
	assert_non_null(strstr(r.err, "what its storage is cannot be told"));
	run_free(&r);
	EXPECT(0, "Domain 'u1' has been undefined\n\n", "", "undefine", "u1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_storage, run_setup, run_teardown),
	    cmocka_unit_test_setup_teardown(test_protected, run_setup, run_teardown),
	    cmocka_unit_test_setup_teardown(test_nvram, run_setup, run_teardown),
	    cmocka_unit_test_setup_teardown(test_beside, run_setup, run_teardown),
	    cmocka_unit_test_setup_teardown(test_unreadable, run_setup, run_teardown)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
