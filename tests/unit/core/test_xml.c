#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/buf.h"
#include "core/store.h"
#include "core/xml.h"

static void refused(const char *text, size_t n, const char *words)
{
	struct err err = {0};
	xmlDoc *doc = xml_read(text, n, "f.xml", "domain", &err);
	assert_null(doc);
	if (strstr(err.msg, words) == NULL)
		fail_msg("'%s' does not say '%s'", err.msg, words);
}

static void test_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text, *words;
	} cases[] = {
	    {"", "f.xml"},
	    {"plain", "f.xml:1: not well-formed XML"},
	    {"<domain>\n<a></domain>", "f.xml:2: not well-formed XML"},
	    {"<network/>", "f.xml:1: <network>: a document with <domain> is wanted"},
	    {"<x:domain xmlns:x='u'/>", "a document with <domain> is wanted"},
	    {"<!DOCTYPE domain SYSTEM 'file:///etc/passwd'><domain/>", "DOCTYPE"},
	    {"<!DOCTYPE d [<!ENTITY a 'x'><!ENTITY b '&a;&a;&a;'>]><domain>&b;</domain>",
	        "DOCTYPE"},
	    {"<!DOCTYPE d [<!ENTITY % p SYSTEM 'http://127.0.0.1:1/x'>%p;]><domain/>", "DOCTYPE"},
	    {"<domain>&nothere;</domain>", "not well-formed"},
	    {"<domain a='1' a='2'/>", "not well-formed"},
	    {"<domain>\xff</domain>", "not well-formed"},
	    {"<domain>\x01</domain>", "not well-formed"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		refused(cases[i].text, strlen(cases[i].text), cases[i].words);
	refused("<domain>\0</domain>", 18, "not well-formed");
}

static void test_limits(void **state)
{
	(void)state;
	struct buf b = BUF_INIT;
	buf_adds(&b, "<domain>");
	for (int i = 0; i < XML_DEPTH_MAX; i++)
		buf_adds(&b, "<a>");
	for (int i = 0; i < XML_DEPTH_MAX; i++)
		buf_adds(&b, "</a>");
	buf_adds(&b, "</domain>");
	refused(b.data, b.len, "nested more than 64 deep");
	buf_clear(&b);
	for (int i = 0; i < 100000; i++)
		buf_adds(&b, "<a>");
	refused(b.data, b.len, "f.xml:1: ");
	buf_clear(&b);
	char *big = buf_reserve(&b, STORE_XML_MAX + 1);
	memset(big, ' ', STORE_XML_MAX + 1);
	refused(big, STORE_XML_MAX + 1, "a definition has at most 4194304");
	buf_fini(&b);
}

static void test_change(void **state)
{
	(void)state;
	static const char text[] = "<!-- top --><domain>\n  <name>a</name>\n  <!-- in -->\n"
	                           "  <x:y xmlns:x='u'>&lt;\xc3\xa4</x:y>\n  <gone/>\n</domain>";
	static const char want[] = "<!-- top -->\n<domain>\n  <name>b &amp; c</name>\n"
	                           "  <uuid>1</uuid>\n  <!-- in -->\n"
	                           "  <x:y xmlns:x=\"u\">&lt;\xc3\xa4</x:y>\n"
	                           "  <new k=\"&quot;v\">\n    <inner/>\n  </new>\n</domain>\n";
	struct err err = {0};
	xmlDoc *doc = xml_read(text, sizeof text - 1, "f.xml", "domain", &err);
	assert_non_null(doc);
	xmlNode *root = xmlDocGetRootElement(doc);
	assert_null(xml_child(root, "y")); /* of another namespace */
	xml_set_text(xml_child(root, "name"), "b & c");
	xml_set_text(xml_add_after(root, xml_child(root, "name"), "uuid"), "1");
	xml_remove(xml_child(root, "gone"));
	xml_set_attr(xml_need_child(root, "new"), "k", "\"v");
	xml_need_child(xml_child(root, "new"), "inner");
	size_t n;
	char *out = xml_format(doc, &n);
	assert_string_equal(out, want);
	assert_int_equal(n, strlen(want));
	free(out);
	xmlFreeDoc(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_change),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
