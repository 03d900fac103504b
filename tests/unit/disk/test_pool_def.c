#include "unit/cm.h"

#include "disk/pool_def.h"

static int parse(const char *xml, struct pool_def *def, struct err *err)
{
	*err = (struct err){0};
	return pool_def_parse(xml, strlen(xml), "p.xml", def, err);
}

static void check_same(const char *xml)
{
	struct err err;
	struct pool_def def;
	struct buf out = BUF_INIT;
	if (parse(xml, &def, &err) < 0)
		fail_msg("%s", err.msg);
	pool_def_format(&def, NULL, &out);
	assert_string_equal(out.data, xml);
	buf_fini(&out);
	pool_def_fini(&def);
}

/* As libvirt formats them: a round trip changes nothing. */
static void test_round_trip(void **state)
{
	(void)state;
	check_same("<pool type='dir'>\n"
	           "  <name>p1</name>\n"
	           "  <uuid>02c9b1ce-59a5-44f5-9ad4-130741b6c401</uuid>\n"
	           "  <source>\n"
	           "  </source>\n"
	           "  <target>\n"
	           "    <path>/var/lib/a&amp;b &apos;c&apos;</path>\n"
	           "    <permissions>\n"
	           "      <mode>0711</mode>\n"
	           "      <owner>0</owner>\n"
	           "      <group>107</group>\n"
	           "      <label>virt_image_t</label>\n"
	           "    </permissions>\n"
	           "  </target>\n"
	           "</pool>\n");
	check_same("<pool type='netfs'>\n"
	           "  <name>n1</name>\n"
	           "  <uuid>085abdec-e9f9-432b-a0d2-d385472076d5</uuid>\n"
	           "  <source>\n"
	           "    <host name='nas' port='2049'/>\n"
	           "    <dir path='/export'/>\n"
	           "    <format type='nfs'/>\n"
	           "    <protocol ver='4.1'/>\n"
	           "  </source>\n"
	           "  <target>\n"
	           "    <path>/mnt/n</path>\n"
	           "  </target>\n"
	           "</pool>\n");
	check_same("<pool type='rbd'>\n"
	           "  <name>r1</name>\n"
	           "  <uuid>085abdec-e9f9-432b-a0d2-d385472076d5</uuid>\n"
	           "  <source>\n"
	           "    <host name='mon1'/>\n"
	           "    <host name='mon2'/>\n"
	           "    <name>rbdpool</name>\n"
	           "    <auth type='ceph' username='admin'>\n"
	           "      <secret usage='x'/>\n"
	           "    </auth>\n"
	           "  </source>\n"
	           "</pool>\n");
}

static void test_completed(void **state)
{
	(void)state;
	struct err err;
	struct pool_def def;
	assert_int_equal(
	    parse("<pool type='logical'><source><name>vg0</name></source></pool>", &def, &err), 0);
	assert_string_equal(def.name, "vg0");
	assert_string_equal(def.target, "/dev/vg0");
	assert_string_equal(def.format, "lvm2");
	pool_def_fini(&def);
	assert_int_equal(
	    parse("<pool type='dir'><name>a</name><target><path>//x//y/</path></target></pool>",
	        &def, &err),
	    0);
	assert_string_equal(def.target, "/x/y");
	pool_def_fini(&def);
}

/* Elements that we have no use for stay, with their name space. */
static void test_unknown_stays(void **state)
{
	(void)state;
	struct err err;
	struct pool_def def;
	struct buf out = BUF_INIT;
	assert_int_equal(
	    parse("<pool type='dir' xmlns:fs='http://libvirt.org/schemas/storagepool/fs/1.0'>"
	          "<name>a</name><features><cow state='no'/></features>"
	          "<fs:mount_opts><fs:option name='sync'/></fs:mount_opts>"
	          "<target><path>/x</path></target></pool>",
	        &def, &err),
	    0);
	pool_def_format(&def, NULL, &out);
	pool_def_fini(&def);
	assert_int_equal(parse(out.data, &def, &err), 0);
	assert_non_null(strstr(def.extra, "<cow state=\"no\"/>"));
	assert_non_null(strstr(def.extra, "http://libvirt.org/schemas/storagepool/fs/1.0"));
	assert_non_null(strstr(def.extra, "name=\"sync\""));
	pool_def_fini(&def);
	buf_fini(&out);
}

static void test_refused(void **state)
{
	(void)state;
	static const struct {
		const char *xml, *why;
	} cases[] = {
	    {"", "p.xml"},
	    {"<pool/>", "missing 'type'"},
	    {"<pool type='zzz'><name>a</name></pool>", "'zzz' is no type of pool"},
	    {"<pool type='dir'><name>a</name></pool>", "missing storage pool target path"},
	    {"<pool type='dir'><name>a/b</name><target><path>/x</path></target></pool>", "'/'"},
	    {"<pool type='dir'><name>.a</name><target><path>/x</path></target></pool>", "pool"},
	    {"<pool type='dir'><name>a</name><target><path>x</path></target></pool>",
	        "no absolute path"},
	    {"<pool type='dir'><name>a</name><uuid>zz</uuid><target><path>/x</path></target></pool>",
	        "no uuid"},
	    {"<pool type='fs'><name>a</name><target><path>/x</path></target></pool>",
	        "missing storage pool source device name"},
	    {"<pool type='netfs'><name>a</name><source><host name='-oevil'/><dir path='/'/></source>"
	     "<target><path>/x</path></target></pool>",
	        "'-oevil' is no host"},
	    {"<pool type='logical'><name>a</name><source><name>-vg</name></source></pool>",
	        "no name of a volume group"},
	    {"<pool type='logical'><name>a</name><source><name>../etc</name></source></pool>",
	        "no name of a volume group"},
	    {"<pool type='fs'><name>a</name><source><device path='/dev/x'/><format type='-evil'/></source>"
	     "<target><path>/x</path></target></pool>",
	        "unknown pool format type"},
	    {"<pool type='dir'><name>a</name><target><path>/x</path><permissions><mode>99</mode>"
	     "</permissions></target></pool>",
	        "octal mode"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err;
		struct pool_def def;
		if (parse(cases[i].xml, &def, &err) == 0)
			fail_msg("accepted: %s", cases[i].xml);
		if (strstr(err.msg, cases[i].why) == NULL)
			fail_msg("%s: %s", cases[i].xml, err.msg);
	}
}

static void check_conflict(const char *a, const char *b, bool conflict)
{
	struct err err;
	struct pool_def x, y;
	assert_int_equal(parse(a, &x, &err), 0);
	assert_int_equal(parse(b, &y, &err), 0);
	assert_int_equal(pool_def_conflict(&x, &y) != NULL, conflict);
	pool_def_fini(&x);
	pool_def_fini(&y);
}

#define DIR_AT(path) "<pool type='dir'><name>a</name><target><path>" path "</path></target></pool>"
#define GROUP(name) "<pool type='logical'><source><name>" name "</name></source></pool>"
#define DISK(path) \
	"<pool type='disk'><name>d</name><source><device path='" path "'/></source></pool>"
#define FS(path)                                                                           \
	"<pool type='fs'><name>f</name><source><device path='" path "'/></source><target>" \
	"<path>/mnt</path></target></pool>"

static void test_conflict(void **state)
{
	(void)state;
	check_conflict(DIR_AT("/x"), DIR_AT("/x/"), true);
	check_conflict(DIR_AT("/x"), DIR_AT("/y"), false);
	check_conflict(GROUP("v"), GROUP("v"), true);
	check_conflict(GROUP("v"), GROUP("w"), false);
	check_conflict(DISK("/dev/sdb"), FS("/dev/sdb"), true);
	check_conflict(DISK("/dev/sdb"), FS("/dev/sdb1"), false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_completed),
	    cmocka_unit_test(test_unknown_stays),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_conflict),
	};
	return cmocka_run_group_tests_name("pool_def", tests, NULL, NULL);
}
