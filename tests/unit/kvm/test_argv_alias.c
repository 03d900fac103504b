#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/mem.h"
#include "core/str.h"
#include "kvm/argv.h"
#include "kvm/argv_alias.h"
#include "unit/golden.h"

static struct caps caps;

static int load_caps(void **state)
{
	(void)state;
	struct buf json = BUF_INIT;
	struct err err = {0};
	char *path = golden_path("caps/qemu-7.2-x86_64.caps");
	golden_read(path, &json);
	int rc = caps_parse(json.data, json.len, &caps, &err);
	buf_fini(&json);
	free(path);
	return rc;
}

static int free_caps(void **state)
{
	(void)state;
	caps_fini(&caps);
	return 0;
}

static void parse(const char *text, size_t n, unsigned flags, struct domain *d)
{
	struct err err = {0};
	if (domain_parse(text, n, "test.xml", flags, d, NULL, &err) < 0 ||
	    domain_complete(d, NULL, NULL, &err) < 0)
		fail_msg("%s", err.msg);
}

/* NULL: this document needs more of the host than is here. */
static char *command_line(const struct domain *d)
{
	struct argv_out out;
	struct err err = {0};
	const struct argv_in in = {.run_dir = "/r", .log_dir = "/l", .ram_dir = "/m", .now = 1};
	if (argv_build(d, &caps, &in, &out, &err) < 0)
		return NULL;
	char *text = argv_shell(&out);
	argv_fini(&out);
	return text;
}

static char *written(struct domain *d)
{
	struct err err = {0};
	char *xml = domain_format(d, &err);
	if (xml == NULL)
		fail_msg("%s", err.msg);
	return xml;
}

static unsigned n_lines;

/* The document of a machine that runs makes the command line that it was started with. */
static void check_same(const char *stem)
{
	CLEANUP_FREE char *path = xasprintf("%s.xml", stem);
	struct buf xml = BUF_INIT;
	struct domain d, live;
	golden_read(path, &xml);
	parse(xml.data, xml.len, 0, &d);
	CLEANUP_FREE char *plain = command_line(&d);
	argv_aliases(&d);
	CLEANUP_FREE char *named = command_line(&d);
	CLEANUP_FREE char *text = written(&d);
	parse(text, strlen(text), DOMAIN_PARSE_LENIENT | DOMAIN_PARSE_LIVE, &live);
	argv_aliases(&live);
	CLEANUP_FREE char *again = command_line(&live);
	if (plain != NULL) {
		if (!str_eq(named, plain) || !str_eq(again, plain))
			fail_msg("%s:\n%s\n%s\n%s", path, plain, named, again);
		n_lines++;
	}
	DEVICE_FOREACH (&live, r) {
		const char *alias = device_alias(&live, r);
		struct device_ref found;
		CLEANUP_FREE char *id = argv_device_id(&live, r);
		assert_true(str_eq(id, alias));
		assert_true(alias == NULL || device_by_alias(&live, alias, &found));
	}
	domain_fini(&d);
	domain_fini(&live);
	buf_fini(&xml);
}

static void test_same_command_line(void **state)
{
	(void)state;
	golden_each("argv/*.xml", check_same);
	assert_true(n_lines > 20);
}

#define DOC(devices)                                                                       \
	"<domain type='qemu'><name>x</name><memory>8192</memory><os><type>hvm</type></os>" \
	"<devices>" devices "</devices></domain>"
#define RNG(alias) "<rng model='virtio'><backend model='random'/>" alias "</rng>"
#define NET(mac, alias)                                            \
	"<interface type='user'><mac address='52:54:00:00:00:" mac \
	"'/><model type='e1000'/>" alias "</interface>"

static const char *net_alias(const struct domain *d, size_t i)
{
	return device_alias(d, (struct device_ref){DEVICE_NET, i});
}

/* In a definition the names are those of the host that it came from, but for the operator's own. */
static void test_definition(void **state)
{
	(void)state;
	static const char doc[] = DOC(NET("01", "<alias name='net7'/>")
	        NET("02", "<alias name='ua-lan'/>") NET("03", "<alias name='ua- lan'/>"));
	struct domain d;
	parse(doc, sizeof doc - 1, 0, &d);
	assert_null(net_alias(&d, 0));
	assert_string_equal(net_alias(&d, 1), "ua-lan");
	assert_null(net_alias(&d, 2));
	argv_aliases(&d);
	assert_string_equal(net_alias(&d, 0), "net0");
	assert_string_equal(net_alias(&d, 1), "ua-lan");
	assert_string_equal(net_alias(&d, 2), "net2");
	CLEANUP_FREE char *text = written(&d);
	assert_null(strstr(text, "net7"));
	assert_non_null(strstr(text, "<alias name=\"net0\"/>"));
	domain_fini(&d);
}

/* When a device has gone, those behind it keep their ids, and a new one gets one that is free. */
static void test_ids_stay(void **state)
{
	(void)state;
	static const char doc[] = DOC(NET("01", "<alias name='net1'/>") NET("02", "")
	        RNG("<alias name='rng1'/>") RNG("") RNG(""));
	struct domain d;
	parse(doc, sizeof doc - 1, DOMAIN_PARSE_LENIENT | DOMAIN_PARSE_LIVE, &d);
	assert_true(d.live);
	argv_aliases(&d);
	assert_string_equal(net_alias(&d, 0), "net1");
	assert_string_equal(net_alias(&d, 1), "net0");
	struct device_ref r;
	assert_true(device_by_alias(&d, "rng1", &r));
	assert_int_equal(device_element(&d, r), 3);
	assert_true(device_by_alias(&d, "rng0", &r));
	assert_int_equal(device_element(&d, r), 4);
	assert_true(device_by_alias(&d, "rng2", &r));
	assert_false(device_by_alias(&d, "rng3", &r));
	assert_true(device_by_element(&d, 2, &r));
	assert_int_equal(r.kind, DEVICE_NET);
	assert_string_equal(device_element_name(&d, r), "interface");
	domain_fini(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_same_command_line),
	    cmocka_unit_test(test_definition),
	    cmocka_unit_test(test_ids_stay),
	};
	return cmocka_run_group_tests(tests, load_caps, free_caps);
}
