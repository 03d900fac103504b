#include "unit/cm.h"

#include "disk/vmdk.h"

static const char text[] = "# Disk DescriptorFile\n"
                           "version=1\r\n"
                           "CID=d19bd6c4\n"
                           "parentCID = 0000FFFF\n"
                           "createType=\"twoGbMaxExtentFlat\"\n"
                           "parentFileNameHint=\"a base.vmdk\"\n"
                           "\n"
                           "# Extent description\n"
                           "RW 10240 FLAT \"a disk-f001.vmdk\" 63\n"
                           "  rdonly 5 zero\r\n"
                           "RW 7 SPARSE plain.vmdk\n"
                           "#RW 7 SPARSE no.vmdk\n"
                           "ddb.adapterType = \"ide\"\n"
                           "a line of something else\n";

static void test_parse(void **state)
{
	(void)state;
	struct vmdk_descriptor d;
	struct err err = {0};
	assert_int_equal(vmdk_descriptor_parse(text, sizeof(text) - 1, "x", &d, &err), 0);
	assert_int_equal(d.cid, 0xd19bd6c4);
	assert_int_equal(d.parent_cid, 0xffff);
	assert_string_equal(d.create_type, "twoGbMaxExtentFlat");
	assert_string_equal(d.parent, "a base.vmdk");
	assert_int_equal(d.n_lines, 3);
	assert_string_equal(d.lines[0].name, "a disk-f001.vmdk");
	assert_string_equal(d.lines[0].type, "FLAT");
	assert_int_equal(d.lines[0].sectors, 10240);
	assert_int_equal(d.lines[0].offset, 63);
	assert_string_equal(d.lines[1].access, "rdonly");
	assert_string_equal(d.lines[1].type, "zero");
	assert_null(d.lines[1].name);
	assert_string_equal(d.lines[2].name, "plain.vmdk");
	vmdk_descriptor_fini(&d);
	/* Cut off anywhere, it is read or refused, never more than that. */
	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		char *part = xmalloc(n ? n : 1);
		memcpy(part, text, n);
		(void)vmdk_descriptor_parse(part, n, "x", &d, &err);
		vmdk_descriptor_fini(&d);
		(void)vmdk_descriptor_probe((const uint8_t *)part, n);
		free(part);
	}
}

static void refused(const char *line, const char *words)
{
	struct vmdk_descriptor d;
	struct err err = {0};
	if (vmdk_descriptor_parse(line, strlen(line), "x", &d, &err) == 0 ||
	    !strstr(err.msg, words))
		fail_msg("%s: '%s' was expected, it said: %s", line, words, err.msg);
	vmdk_descriptor_fini(&d);
}

static void test_refused(void **state)
{
	(void)state;
	refused("CID=x", "its CID is not");
	refused("CID=-1", "its CID is not");
	refused("CID=123456789", "its CID is not");
	refused("parentCID=0x12", "its parentCID is not");
	refused("RW", "without a number of sectors");
	refused("RW 0 FLAT \"a\" 0", "without a number of sectors");
	refused("RW -1 FLAT \"a\" 0", "without a number of sectors");
	refused("RW 18014398509481984 FLAT \"a\" 0", "without a number of sectors");
	refused("RW 99999999999999999999999 FLAT \"a\" 0", "without a number of sectors");
	refused("RW 5", "without type and file");
	refused("RW 5 FLAT", "without type and file");
	refused("RW 5 FLAT \"a\" -5", "with a bad offset");
	refused("RW 5 FLAT \"a\" 18446744073709551615", "with a bad offset");
	refused("RW 5 \x1b[31mFLAT", "\\x1b[31mFLAT");
	char *many = NULL;
	size_t n = 0;
	for (unsigned i = 0; i <= VMDK_EXTENTS_MAX; i++) {
		static const char line[] = "RW 5 ZERO\n";
		many = xrealloc(many, n + sizeof(line));
		memcpy(many + n, line, sizeof(line));
		n += sizeof(line) - 1;
	}
	refused(many, "more than 2048 extents");
	free(many);
}

static void probe(const char *head, bool want)
{
	if (vmdk_descriptor_probe((const uint8_t *)head, strlen(head)) != want)
		fail_msg("'%s' was %staken for a descriptor", head, want ? "not " : "");
}

static void test_probe(void **state)
{
	(void)state;
	probe(text, true);
	probe("version=1\n", true);
	probe("# c\n  \n\nversion=3\r\n", true);
	probe("version=4\n", false);
	probe("version=10\n", false);
	probe("version=1", false);
	probe("# Disk DescriptorFile\nCID=1\n", false);
	probe("# Disk", false);
	probe("", false);
	probe("\n\n\n", false);
	assert_false(vmdk_descriptor_probe((const uint8_t *)"\0version=1\n", 11));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parse),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_probe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
