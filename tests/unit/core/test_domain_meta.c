#include "unit/cm.h"

#include "core/domain_meta.h"
#include "core/str.h"

#define NS "xmlns:hvmux='urn:hvmux:domain:1'"

static const char full[] = "<domain type='kvm'>\n"
                           "  <!-- the shop -->\n"
                           "  <name>web1</name>\n"
                           "  <metadata>\n"
                           "    <app:x xmlns:app='http://example.org/app'>kept</app:x>\n"
                           "    <hvmux:domain xmlns:hvmux='urn:hvmux:domain:1'>\n"
                           "      <hvmux:tag>web</hvmux:tag>\n"
                           "      <!-- why -->\n"
                           "      <hvmux:tag>eu</hvmux:tag>\n"
                           "      <hvmux:group>prod/web</hvmux:group>\n"
                           "      <hvmux:later a='b'/>\n"
                           "      <hvmux:protect/>\n"
                           "      <hvmux:autostart order='10' delay='5'/>\n"
                           "      <hvmux:after>db1</hvmux:after>\n"
                           "      <hvmux:shutdown timeout='120'/>\n"
                           "      <hvmux:balloon floor='512' ceiling='4096'/>\n"
                           "    </hvmux:domain>\n"
                           "  </metadata>\n"
                           "  <memory>1</memory>\n"
                           "</domain>\n";

static void test_full(void **state)
{
	(void)state;
	struct domain_meta m;
	struct err err = {0};
	assert_int_equal(domain_meta_parse(full, sizeof full - 1, "f", &m, &err), 0);
	assert_int_equal(m.n_tags, 2);
	assert_string_equal(m.tags[0], "web");
	assert_string_equal(m.tags[1], "eu");
	assert_string_equal(m.group, "prod/web");
	assert_true(m.protect);
	assert_int_equal(m.order, 10);
	assert_int_equal(m.delay, 5);
	assert_int_equal(m.n_after, 1);
	assert_string_equal(m.after[0], "db1");
	assert_int_equal(m.timeout, 120);
	assert_true(m.balloon);
	assert_int_equal(m.balloon_floor, 512);
	assert_int_equal(m.balloon_ceiling, 4096);
	/* Nothing differs, nothing changes. */
	size_t n;
	char *same = domain_meta_apply(full, sizeof full - 1, "f", &m, &n, &err);
	assert_non_null(same);
	for (char *s = same; *s; s++) /* libxml2 writes the other quotes */
		*s = *s == '"' ? '\'' : *s;
	assert_string_equal(same, full);
	free(same);
	domain_meta_fini(&m);
}

static void test_change(void **state)
{
	(void)state;
	struct domain_meta m;
	struct err err = {0};
	size_t n;
	assert_int_equal(domain_meta_parse(full, sizeof full - 1, "f", &m, &err), 0);
	assert_int_equal(domain_meta_add_tag(&m, "new", &err), 1);
	assert_int_equal(domain_meta_add_tag(&m, "new", &err), 0);
	assert_int_equal(domain_meta_remove_tag(&m, "web"), 1);
	assert_int_equal(domain_meta_remove_tag(&m, "web"), 0);
	assert_int_equal(domain_meta_set_group(&m, "", &err), 0);
	m.protect = false;
	m.delay = 0;
	m.timeout = 9;
	m.balloon_floor = 0;
	m.balloon_ceiling = 2048;
	char *text = domain_meta_apply(full, sizeof full - 1, "f", &m, &n, &err);
	assert_non_null(text);
	assert_string_equal(text, "<domain type=\"kvm\">\n"
	                          "  <!-- the shop -->\n"
	                          "  <name>web1</name>\n"
	                          "  <metadata>\n"
	                          "    <app:x xmlns:app=\"http://example.org/app\">kept</app:x>\n"
	                          "    <hvmux:domain xmlns:hvmux=\"urn:hvmux:domain:1\">\n"
	                          "      <!-- why -->\n"
	                          "      <hvmux:tag>eu</hvmux:tag>\n"
	                          "      <hvmux:later a=\"b\"/>\n"
	                          "      <hvmux:autostart order=\"10\"/>\n"
	                          "      <hvmux:after>db1</hvmux:after>\n"
	                          "      <hvmux:shutdown timeout=\"9\"/>\n"
	                          "      <hvmux:balloon ceiling=\"2048\"/>\n"
	                          "      <hvmux:tag>new</hvmux:tag>\n"
	                          "    </hvmux:domain>\n"
	                          "  </metadata>\n"
	                          "  <memory>1</memory>\n"
	                          "</domain>\n");
	free(text);
	domain_meta_fini(&m);
}

/* From nothing and back to nothing. */
static void test_come_and_go(void **state)
{
	(void)state;
	static const char bare[] = "<domain>\n  <name>a</name>\n  <os/>\n</domain>\n";
	struct domain_meta m = {0}, again;
	struct err err = {0};
	size_t n, n2;
	m.protect = true;
	char *text = domain_meta_apply(bare, sizeof bare - 1, "f", &m, &n, &err);
	assert_string_equal(text, "<domain>\n  <name>a</name>\n  <metadata>\n"
	                          "    <hvmux:domain xmlns:hvmux=\"urn:hvmux:domain:1\">\n"
	                          "      <hvmux:protect/>\n"
	                          "    </hvmux:domain>\n"
	                          "  </metadata>\n  <os/>\n</domain>\n");
	assert_int_equal(domain_meta_parse(text, n, "f", &again, &err), 0);
	assert_true(again.protect);
	again.protect = false;
	char *back = domain_meta_apply(text, n, "f", &again, &n2, &err);
	assert_string_equal(back, bare);
	free(text);
	free(back);
	domain_meta_fini(&again);
	/* A document that uses another prefix keeps it, and what is written belongs to it. */
	static const char other[] =
	    "<domain><name>a</name><metadata><h:domain xmlns:h='urn:hvmux:domain:1'>"
	    "<h:tag>x</h:tag></h:domain></metadata></domain>";
	assert_int_equal(domain_meta_parse(other, sizeof other - 1, "f", &m, &err), 0);
	assert_int_equal(m.n_tags, 1);
	assert_int_equal(domain_meta_add_tag(&m, "y", &err), 1);
	text = domain_meta_apply(other, sizeof other - 1, "f", &m, &n, &err);
	assert_non_null(strstr(text, "<h:tag>y</h:tag>"));
	free(text);
	domain_meta_fini(&m);
}

static void test_wrong(void **state)
{
	(void)state;
	static const struct {
		const char *inside, *words;
	} cases[] = {
	    {"<hvmux:tag>a b</hvmux:tag>",
	        "f:1: <tag>: tag 'a b': spaces, commas, slashes and control characters cannot be in a tag"},
	    {"<hvmux:tag/>", "f:1: <tag>: a tag cannot be empty"},
	    {"<hvmux:tag>-x</hvmux:tag>", "f:1: <tag>: tag '-x' cannot begin with '-'"},
	    {"<hvmux:group>a//b</hvmux:group>",
	        "f:1: <group>: group 'a//b': a level is empty; levels are separated by one '/', as in prod/web"},
	    {"<hvmux:group>/a</hvmux:group>",
	        "f:1: <group>: group '/a': a level is empty; levels are separated by one '/', as in prod/web"},
	    {"<hvmux:group>a/b/c/d/e/f/g/h/i</hvmux:group>",
	        "f:1: <group>: group 'a/b/c/d/e/f/g/h/i' has more than 8 levels"},
	    {"<hvmux:group>a</hvmux:group><hvmux:group>b</hvmux:group>",
	        "f:1: <group>: a domain is in one group; tags may be many"},
	    {"<hvmux:autostart order='0'/>",
	        "f:1: <autostart>: order: a number from 1 to 9999 is needed"},
	    {"<hvmux:autostart order='10000'/>",
	        "f:1: <autostart>: order: a number from 1 to 9999 is needed"},
	    {"<hvmux:autostart delay='-1'/>",
	        "f:1: <autostart>: delay: a number from 0 to 86400 is needed"},
	    {"<hvmux:balloon floor='1G'/>",
	        "f:1: <balloon>: floor: a number from 1 to 16777216 is needed"},
	    {"<hvmux:shutdown timeout='99999999999999999999'/>",
	        "f:1: <shutdown>: timeout: a number from 1 to 86400 is needed"},
	    {"<hvmux:after>../x</hvmux:after>", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct domain_meta m;
		struct err err = {0};
		/* What is right beside what is wrong is still there. */
		CLEANUP_FREE char *xml = xasprintf("<domain><metadata><hvmux:domain " NS ">%s"
		                                   "<hvmux:protect/><hvmux:tag>ok</hvmux:tag>"
		                                   "</hvmux:domain></metadata></domain>",
		    cases[i].inside);
		assert_int_equal(domain_meta_parse(xml, strlen(xml), "f", &m, &err), -1);
		assert_int_equal(err.code, ERR_INVALID);
		if (cases[i].words != NULL)
			assert_string_equal(err.msg, cases[i].words);
		assert_true(m.protect);
		assert_true(domain_meta_has_tag(&m, "ok"));
		domain_meta_fini(&m);
	}
}

static void test_limits(void **state)
{
	(void)state;
	struct domain_meta m = {0};
	struct err err = {0};
	char tag[DOMAIN_META_TAG_MAX + 2];
	memset(tag, 'x', sizeof tag);
	tag[DOMAIN_META_TAG_MAX + 1] = '\0';
	assert_int_equal(domain_meta_tag_check(tag, &err), -1);
	tag[DOMAIN_META_TAG_MAX] = '\0';
	assert_int_equal(domain_meta_tag_check(tag, &err), 0);
	assert_int_equal(domain_meta_tag_check("a\x1b[2J", &err), -1);
	assert_int_equal(domain_meta_tag_check("\xff", &err), -1);
	assert_int_equal(domain_meta_tag_check("größe", &err), 0);
	for (unsigned i = 0; i < DOMAIN_META_TAGS_MAX; i++) {
		snprintf(tag, sizeof tag, "t%u", i);
		assert_int_equal(domain_meta_add_tag(&m, tag, &err), 1);
	}
	assert_int_equal(domain_meta_add_tag(&m, "one-more", &err), -1);
	/* Written by hand into the struct: apply looks, too. */
	m.order = DOMAIN_META_ORDER_MAX + 1;
	size_t n;
	assert_null(domain_meta_apply("<domain/>", 9, "f", &m, &n, &err));
	domain_meta_fini(&m);
}

static void test_groups(void **state)
{
	(void)state;
	struct domain_meta m = {0};
	struct err err = {0};
	assert_true(domain_meta_in_group(&m, ""));
	assert_false(domain_meta_in_group(&m, "prod"));
	assert_int_equal(domain_meta_set_group(&m, "prod/web shop", &err), 0);
	assert_true(domain_meta_in_group(&m, "prod"));
	assert_true(domain_meta_in_group(&m, "prod/web shop"));
	assert_false(domain_meta_in_group(&m, "pro"));
	assert_false(domain_meta_in_group(&m, "prod/web"));
	assert_int_equal(domain_meta_set_group(&m, "a/ b", &err), -1);
	assert_string_equal(m.group, "prod/web shop");
	domain_meta_fini(&m);
}

/* Documents that hide the name space from a search for its text. */
static void test_hidden(void **state)
{
	(void)state;
	static const char numbers[] =
	    "<domain><metadata><h:domain xmlns:h='urn&#x3a;hvmux:domain:1'><h:protect/></h:domain>"
	    "</metadata></domain>";
	static const char utf8[] = "<?xml version='1.0' encoding='UTF-16'?><domain><metadata>"
	                           "<h:domain " NS " xmlns:h='urn:hvmux:domain:1'><h:protect/>"
	                           "</h:domain></metadata></domain>";
	struct domain_meta m;
	struct err err = {0};
	assert_int_equal(domain_meta_parse(numbers, sizeof numbers - 1, "f", &m, &err), 0);
	assert_true(m.protect);
	domain_meta_fini(&m);
	char wide[2 * sizeof utf8] = "\xff\xfe";
	for (size_t i = 0; i < sizeof utf8 - 1; i++)
		wide[2 + 2 * i] = utf8[i];
	assert_int_equal(domain_meta_parse(wide, 2 * sizeof utf8, "f", &m, &err), 0);
	assert_true(m.protect);
	domain_meta_fini(&m);
	assert_int_equal(domain_meta_parse("<domain", 7, "f", &m, &err), 0);
	assert_int_equal(domain_meta_parse("urn:hvmux:domain:1", 18, "f", &m, &err), -1);
	domain_meta_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_full),
	    cmocka_unit_test(test_change), cmocka_unit_test(test_come_and_go),
	    cmocka_unit_test(test_wrong), cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_groups), cmocka_unit_test(test_hidden)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
