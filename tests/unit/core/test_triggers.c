/* triggers: a domain's own over the defaults; what its metadata may say of consoles, and what is put back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/domain_meta.h"
#include "core/mem.h"
#include "core/pattern.h"
#include "core/triggers.h"

#define DOC(inside)                                                                              \
	"<domain>\n  <metadata>\n    <hvmux:domain xmlns:hvmux=\"urn:hvmux:domain:1\">\n" inside \
	"    </hvmux:domain>\n  </metadata>\n</domain>\n"

static const char some[] = DOC(
    "      <hvmux:trigger name=\"login\" badge=\"none\"/>\n"
    "      <hvmux:trigger name=\"oom-killer\" hook=\"/bin/page\" every=\"60\"/>\n"
    "      <hvmux:trigger name=\"disk\" pattern=\"disk [0-9]+ failed\" badge=\"bad\" port=\"hvc1\"/>\n"
    "      <hvmux:respond pattern=\"boot: $\" send=\"linux\\r\" port=\"serial0\"/>\n"
    "      <hvmux:console answer=\"no\" scrollback=\"5000\"/>\n");

static void parse(const char *xml, struct domain_meta *m)
{
	struct err err = {0};

	if (domain_meta_parse(xml, strlen(xml), "web1.xml", m, &err) < 0)
		fail_msg("%s", err.msg);
}

static void test_defaults(void **state)
{
	struct domain_meta m = {0};
	struct triggers_entry e[TRIGGER_RULES_MAX];

	(void)state;
	assert_int_equal(triggers_of(&m, e), trigger_n_defaults);
	for (unsigned i = 0; i < trigger_n_defaults; i++) {
		struct err err = {0};

		if (pattern_check(trigger_defaults[i].pattern, &err) < 0)
			fail_msg("%s", err.msg);
		assert_true(strlen(trigger_defaults[i].name) < TRIGGER_NAME_MAX);
		assert_string_equal(e[i].rule.name, trigger_defaults[i].name);
	}
	assert_non_null(trigger_default_find(TRIGGER_PANIC));
	assert_int_equal(status_badge_parse("warn"), STATUS_BADGE_WARN);
	assert_int_equal(status_badge_parse("loud"), -1);
}

static void test_joined(void **state)
{
	struct domain_meta m;
	struct triggers_entry e[TRIGGER_RULES_MAX];
	unsigned n;

	(void)state;
	parse(some, &m);
	assert_true(m.console_deaf);
	assert_int_equal(m.scrollback, 5000);
	n = triggers_of(&m, e);
	assert_int_equal(n, trigger_n_defaults - 1 + 2);
	for (unsigned i = 0; i < n; i++)
		assert_string_not_equal(e[i].rule.name, "login");
	assert_string_equal(e[1].rule.name, "oom-killer");
	assert_string_equal(e[1].hook, "/bin/page");
	assert_int_equal(e[1].rule.badge, STATUS_BADGE_BAD);
	assert_int_equal(e[1].rule.every_ms, 60000);
	assert_string_equal(e[n - 2].rule.name, "disk");
	assert_string_equal(e[n - 2].rule.port, "hvc1");
	assert_true(e[n - 1].rule.once);
	assert_int_equal(e[n - 1].n_send, 6);
	assert_memory_equal(e[n - 1].send, "linux\r", 6);
	domain_meta_fini(&m);
}

/* The most that a domain may say fits. */
static void test_most(void **state)
{
	struct domain_meta m = {0};
	struct triggers_entry e[TRIGGER_RULES_MAX];

	(void)state;
	assert_true(trigger_n_defaults + DOMAIN_META_TRIGGERS_MAX + DOMAIN_META_RESPONDS_MAX <=
	            TRIGGER_RULES_MAX);
	for (unsigned i = 0; i <= DOMAIN_META_TRIGGERS_MAX; i++) {
		char name[8] = {'t', (char)('a' + i / 10), (char)('0' + i % 10), '\0'};
		const struct domain_trigger t = {.name = name, .pattern = name, .badge = -1};

		assert_int_equal(
		    domain_meta_set_trigger(&m, &t, NULL), i < DOMAIN_META_TRIGGERS_MAX ? 0 : -1);
	}
	assert_int_equal(triggers_of(&m, e), trigger_n_defaults + DOMAIN_META_TRIGGERS_MAX);
	domain_meta_fini(&m);
}

static void test_refused(void **state)
{
	static const struct {
		const char *inside, *says;
	} cases[] = {
	    {"<hvmux:trigger pattern='x'/>", "web1.xml:4: <trigger>: a name is needed"},
	    {"<hvmux:trigger name='x'/>", "trigger 'x' needs a pattern"},
	    {"<hvmux:trigger name='x' pattern='(a'/>", "Unmatched"},
	    {"<hvmux:trigger name='x' pattern='(a)\\1'/>", "compare parts"},
	    {"<hvmux:trigger name='x' pattern='y' badge='loud'/>", "none, info, warn or bad"},
	    {"<hvmux:trigger name='x' pattern='y' hook='page'/>", "absolute path"},
	    {"<hvmux:trigger name='x' pattern='y' port='ttyS'/>", "port 'ttyS'"},
	    {"<hvmux:trigger name='x' pattern='y' every='0'/>", "every: a number"},
	    {"<hvmux:trigger name='login'/><hvmux:trigger name='login'/>", "there twice"},
	    {"<hvmux:respond pattern='x'/>", "what to send"},
	    {"<hvmux:respond pattern='x' send=''/>", "1 to 256 bytes"},
	    {"<hvmux:respond pattern='x' send='a\\q'/>", "after a backslash"},
	    {"<hvmux:console answer='maybe'/>", "yes or no"},
	    {"<hvmux:console scrollback='-1'/>", "scrollback: a number"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP_FREE char *xml = xasprintf(DOC("%s\n"), cases[i].inside);
		struct domain_meta m;
		struct err err = {0};

		assert_int_equal(domain_meta_parse(xml, strlen(xml), "web1.xml", &m, &err), -1);
		if (!strstr(err.msg, cases[i].says))
			fail_msg("'%s' does not say '%s'", err.msg, cases[i].says);
		domain_meta_fini(&m);
	}
}

static void test_change(void **state)
{
	struct domain_meta m;
	struct err err = {0};
	size_t n;
	char *text;
	const struct domain_trigger t = {
	    .name = (char[]){"disk"}, .pattern = (char[]){"sector"}, .badge = -1};

	(void)state;
	parse(some, &m);
	text = domain_meta_apply(some, strlen(some), "f", &m, &n, &err);
	assert_string_equal(text, some);
	free(text);
	assert_int_equal(domain_meta_set_trigger(&m, &t, &err), 0);
	assert_int_equal(domain_meta_remove_trigger(&m, "login"), 1);
	assert_int_equal(domain_meta_remove_trigger(&m, "login"), 0);
	text = domain_meta_apply(some, strlen(some), "f", &m, &n, &err);
	assert_string_equal(text,
	    DOC("      <hvmux:trigger name=\"oom-killer\" hook=\"/bin/page\" every=\"60\"/>\n"
	        "      <hvmux:trigger name=\"disk\" pattern=\"sector\"/>\n"
	        "      <hvmux:respond pattern=\"boot: $\" send=\"linux\\r\" port=\"serial0\"/>\n"
	        "      <hvmux:console answer=\"no\" scrollback=\"5000\"/>\n"));
	free(text);
	domain_meta_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_joined),
	    cmocka_unit_test(test_most),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_change),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
