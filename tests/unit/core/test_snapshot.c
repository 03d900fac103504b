#include "unit/cm.h"

#include "core/snapshot.h"
#include "core/str.h"

/* As libvirt 9 writes it to its folder. */
static const char internal[] =
    "<!--\nWARNING: THIS IS AN AUTO-GENERATED FILE.\n-->\n"
    "<domainsnapshot>\n"
    "  <name>snap1</name>\n"
    "  <description>Before &lt;upgrade&gt;</description>\n"
    "  <state>running</state>\n"
    "  <parent>\n"
    "    <name>base</name>\n"
    "  </parent>\n"
    "  <creationTime>1517702400</creationTime>\n"
    "  <memory snapshot='internal'/>\n"
    "  <disks>\n"
    "    <disk name='vda' snapshot='internal'/>\n"
    "    <disk name='hdc' snapshot='no'/>\n"
    "  </disks>\n"
    "  <domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\n"
    "    <name>vm1</name>\n"
    "    <memory unit='KiB'>65536</memory>\n"
    "    <qemu:commandline>\n"
    "      <qemu:arg value='-name'/>\n"
    "    </qemu:commandline>\n"
    "  </domain>\n"
    "  <cookie>\n"
    "    <cpu mode='custom' match='exact'/>\n"
    "  </cookie>\n"
    "  <active>1</active>\n"
    "</domainsnapshot>\n";

static const char external[] =
    "<domainsnapshot><name>ext</name><state>disk-snapshot</state>"
    "<memory file='/var/lib/mem.img'/>"
    "<disks><disk name='vda' snapshot='external' type='file'><driver type='qcow2'/>"
    "<source file='/images/vda.ext'><seclabel model='dac' relabel='no'/></source></disk>"
    "<disk name='vdb' type='block'><source dev='/dev/vg/b'/></disk></disks>"
    "<inactiveDomain type='qemu'><name>vm1</name></inactiveDomain></domainsnapshot>";

static void read_text(const char *text, struct snapshot *s)
{
	struct err err = {0};
	if (snapshot_parse(text, strlen(text), "x.xml", s, &err) < 0)
		fail_msg("%s", err.msg);
}

static void test_internal(void **state)
{
	(void)state;
	struct snapshot s;
	read_text(internal, &s);
	assert_string_equal(s.name, "snap1");
	assert_string_equal(s.description, "Before <upgrade>");
	assert_string_equal(s.parent, "base");
	assert_int_equal(s.state, SNAPSHOT_RUNNING);
	assert_int_equal(s.created, 1517702400);
	assert_int_equal(s.memory, SNAPSHOT_INTERNAL);
	assert_int_equal(s.n_disks, 2);
	assert_int_equal(s.disks[0].kind, SNAPSHOT_INTERNAL);
	assert_int_equal(s.disks[1].kind, SNAPSHOT_NO);
	assert_true(s.active);
	assert_false(snapshot_is_external(&s));
	assert_true(snapshot_has_memory(&s));
	assert_string_equal(snapshot_tag(&s), "snap1");
	assert_string_equal(s.domain,
	    "<domain xmlns:qemu=\"http://libvirt.org/schemas/domain/qemu/1.0\" type=\"kvm\">\n"
	    "  <name>vm1</name>\n"
	    "  <memory unit=\"KiB\">65536</memory>\n"
	    "  <qemu:commandline>\n"
	    "    <qemu:arg value=\"-name\"/>\n"
	    "  </qemu:commandline>\n"
	    "</domain>\n");
	assert_null(s.inactive);
	snapshot_fini(&s);
}

static void test_external(void **state)
{
	(void)state;
	struct snapshot s;
	read_text(external, &s);
	assert_int_equal(s.state, SNAPSHOT_DISKS_ONLY);
	assert_int_equal(s.memory, SNAPSHOT_EXTERNAL);
	assert_string_equal(s.memory_file, "/var/lib/mem.img");
	assert_string_equal(snapshot_disk_find(&s, "vda")->file, "/images/vda.ext");
	assert_string_equal(snapshot_disk_find(&s, "vda")->format, "qcow2");
	assert_int_equal(snapshot_disk_find(&s, "vdb")->kind, SNAPSHOT_EXTERNAL);
	assert_true(snapshot_disk_find(&s, "vdb")->block);
	assert_null(snapshot_disk_find(&s, "vdc"));
	assert_true(snapshot_is_external(&s));
	assert_null(s.domain);
	assert_string_equal(s.inactive, "<domain type=\"qemu\">\n  <name>vm1</name>\n</domain>\n");
	snapshot_fini(&s);
}

/* Read, written, read again: the same. What is not known stays; whether it is current is not said. */
static void test_round_trip(void **state)
{
	(void)state;
	static const char *const texts[] = {internal, external};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct snapshot s, again;
		struct err err = {0};
		size_t n, m;
		read_text(texts[i], &s);
		CLEANUP_FREE char *once = snapshot_format(&s, &n, &err);
		assert_non_null(once);
		read_text(once, &again);
		CLEANUP_FREE char *twice = snapshot_format(&again, &m, &err);
		assert_string_equal(once, twice);
		assert_null(strstr(once, "<active>"));
		if (i == 0)
			assert_non_null(
			    strstr(once, "    <cpu mode=\"custom\" match=\"exact\"/>\n"));
		else
			assert_non_null(strstr(once, "<seclabel model=\"dac\" relabel=\"no\"/>"));
		snapshot_fini(&s);
		snapshot_fini(&again);
	}
}

static void test_fresh(void **state)
{
	(void)state;
	struct snapshot s;
	struct err err = {0};
	size_t n;
	snapshot_init(&s);
	s.name = xstrdup("a & b");
	s.parent = xstrdup("p");
	s.state = SNAPSHOT_SHUTOFF;
	s.created = 7;
	s.memory = SNAPSHOT_NO;
	s.schedule = xstrdup("auto");
	s.inside = xstrdup("tag");
	s.nvram = xstrdup("a.nvram");
	s.nvram_format = xstrdup("raw");
	s.domain = xstrdup("<domain type='kvm'><name>vm1</name></domain>");
	struct snapshot_disk *d = snapshot_disk_add(&s, "vda", SNAPSHOT_EXTERNAL);
	d->file = xstrdup("/i/a.q");
	d->format = xstrdup("qcow2");
	snapshot_disk_add(&s, "vdb", SNAPSHOT_NO);
	CLEANUP_FREE char *text = snapshot_format(&s, &n, &err);
	assert_non_null(text);
	assert_int_equal(n, strlen(text));
	assert_string_equal(text, "<domainsnapshot>\n"
	                          "  <name>a &amp; b</name>\n"
	                          "  <state>shutoff</state>\n"
	                          "  <parent>\n"
	                          "    <name>p</name>\n"
	                          "  </parent>\n"
	                          "  <creationTime>7</creationTime>\n"
	                          "  <memory snapshot=\"no\"/>\n"
	                          "  <disks>\n"
	                          "    <disk name=\"vda\" snapshot=\"external\" type=\"file\">\n"
	                          "      <driver type=\"qcow2\"/>\n"
	                          "      <source file=\"/i/a.q\"/>\n"
	                          "    </disk>\n"
	                          "    <disk name=\"vdb\" snapshot=\"no\"/>\n"
	                          "  </disks>\n"
	                          "  <domain type=\"kvm\">\n"
	                          "    <name>vm1</name>\n"
	                          "  </domain>\n"
	                          "  <hvmux:snapshot xmlns:hvmux=\"urn:hvmux:snapshot:1\">\n"
	                          "    <hvmux:schedule name=\"auto\"/>\n"
	                          "    <hvmux:inside name=\"tag\"/>\n"
	                          "    <hvmux:nvram file=\"a.nvram\" format=\"raw\"/>\n"
	                          "  </hvmux:snapshot>\n"
	                          "</domainsnapshot>\n");
	struct snapshot again;
	read_text(text, &again);
	assert_string_equal(again.schedule, "auto");
	assert_string_equal(again.nvram, "a.nvram");
	assert_string_equal(snapshot_tag(&again), "tag");
	/* What is taken away goes from the document, too. */
	free(again.schedule);
	free(again.inside);
	free(again.nvram);
	free(again.parent);
	again.schedule = again.inside = again.nvram = again.parent = NULL;
	CLEANUP_FREE char *less = snapshot_format(&again, &n, &err);
	assert_null(strstr(less, "hvmux"));
	assert_null(strstr(less, "parent"));
	snapshot_fini(&again);
	snapshot_fini(&s);
}

static void test_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text, *words;
	} bad[] = {
	    {"<domain/>", "<domainsnapshot> is wanted"},
	    {"<domainsnapshot><name>../x</name></domainsnapshot>", "x.xml:1: <name>: "},
	    {"<domainsnapshot><state>asleep</state></domainsnapshot>", "<state>: a state"},
	    {"<domainsnapshot><creationTime>-1</creationTime></domainsnapshot>", "seconds"},
	    {"<domainsnapshot><memory file='rel'/></domainsnapshot>", "absolute path"},
	    {"<domainsnapshot><memory snapshot='no' file='/a'/></domainsnapshot>", "alone"},
	    {"<domainsnapshot><memory snapshot='manual'/></domainsnapshot>", "manual"},
	    {"<domainsnapshot><disks><disk/></disks></domainsnapshot>", "which disk"},
	    {"<domainsnapshot><disks><disk name='a'/><disk name='a'/></disks></domainsnapshot>",
	        "twice"},
	    {"<domainsnapshot><disks><disk name='a' snapshot='x'/></disks></domainsnapshot>",
	        "no, internal, external or manual"},
	    {"<domainsnapshot><disks><disk name='a' type='network'/></disks></domainsnapshot>",
	        "type='block'"},
	    {"<domainsnapshot><disks><disk name='a' snapshot='internal'><source file='/x'/></disk></disks>"
	     "</domainsnapshot>",
	        "<source> goes"},
	    {"<domainsnapshot><x:snapshot xmlns:x='urn:hvmux:snapshot:1'><x:nvram file='/etc/shadow'/>"
	     "</x:snapshot></domainsnapshot>",
	        "beside this document"},
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct snapshot s;
		struct err err = {0};
		assert_int_equal(
		    snapshot_parse(bad[i].text, strlen(bad[i].text), "x.xml", &s, &err), -1);
		if (strstr(err.msg, bad[i].words) == NULL)
			fail_msg("%s: %s", bad[i].text, err.msg);
	}
}

/* A brief reading tells the same, but for the two documents; also where the words that it looks for stand in a comment. */
static void test_brief(void **state)
{
	(void)state;
	static const char tricky[] =
	    "<domainsnapshot><!-- <domain > --><name>x</name><domain type='qemu'><name>v</name></domain>"
	    "<memory snapshot='no'/></domainsnapshot>";
	static const char *const texts[] = {internal, external, tricky};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct snapshot whole, brief;
		struct err err = {0};
		size_t n, m;
		read_text(texts[i], &whole);
		assert_int_equal(
		    snapshot_parse_brief(texts[i], strlen(texts[i]), "x.xml", &brief, &err), 0);
		assert_null(brief.domain);
		assert_null(brief.inactive);
		CLEANUP_FREE char *a = snapshot_format(&whole, &n, &err);
		CLEANUP_FREE char *b = snapshot_format(&brief, &m, &err);
		assert_string_equal(a, b);
		assert_int_equal(whole.memory, brief.memory);
		assert_string_equal(whole.name, brief.name);
		assert_int_equal(whole.n_disks, brief.n_disks);
		snapshot_fini(&whole);
		snapshot_fini(&brief);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_internal),
	    cmocka_unit_test(test_external),
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_fresh),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_brief),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
