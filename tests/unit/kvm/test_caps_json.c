#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kvm/caps.h"

static const char small[] =
    "{\"format\":1,\"binary\":\"/usr/bin/qemu-system-x86_64\",\"target\":\"x86_64\","
    "\"version\":70222,\"package\":\"Debian\",\"kvm_built\":true,\"sandbox\":true,"
    "\"machines\":[{\"name\":\"pc-q35-7.2\",\"alias\":\"q35\",\"cpus_max\":288},"
    "{\"name\":\"isapc\",\"cpus_max\":1}],"
    "\"devices\":[\"virtio-net-pci\",\"e1000\"],\"cpus\":[\"qemu64\",\"host\"],"
    "\"commands\":[\"quit\"]}";

static void parse_ok(const char *json, struct caps *c)
{
	struct err err = {0};
	if (caps_parse(json, strlen(json), c, &err) < 0)
		fail_msg("%s", err.msg);
}

static void test_questions(void **state)
{
	(void)state;
	struct caps c;
	parse_ok(small, &c);
	assert_true(caps_has_device(&c, "e1000"));
	assert_true(caps_has_device(&c, "virtio-net-pci"));
	assert_false(caps_has_device(&c, "e1000e"));
	assert_false(caps_has_device(&c, NULL));
	assert_true(caps_has_cpu(&c, "host"));
	assert_false(caps_has_cpu(&c, "max"));
	assert_true(caps_has_command(&c, "quit"));
	assert_int_equal(caps_machine(&c, "q35")->cpus_max, 288);
	assert_ptr_equal(caps_machine(&c, "q35"), caps_machine(&c, "pc-q35-7.2"));
	assert_null(caps_machine(&c, "virt"));
	assert_null(caps_machine(&c, NULL));
	caps_fini(&c);
}

static void test_round_trip(void **state)
{
	(void)state;
	struct caps a, b;
	parse_ok(small, &a);
	char *text = caps_format(&a);
	parse_ok(text, &b);
	char *again = caps_format(&b);
	assert_string_equal(text, again);
	assert_int_equal(b.version, 70222);
	assert_true(b.kvm_built && b.sandbox);
	assert_string_equal(b.package, "Debian");
	free(text);
	free(again);
	caps_fini(&a);
	caps_fini(&b);
}

static void test_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "[]", "{", "{}", "{\"format\":2}",
	    "{\"format\":1,\"binary\":\"/q\",\"target\":\"x86_64\",\"version\":70200}",
	    "{\"format\":1,\"binary\":\"/q\",\"target\":\"x86_64\",\"version\":70200,"
	    "\"machines\":[{\"name\":\"pc\",\"cpus_max\":0}]}",
	    "{\"format\":1,\"binary\":\"/q\",\"target\":\"x86_64\",\"version\":70200,"
	    "\"machines\":[{\"name\":\"pc\",\"cpus_max\":1}],\"devices\":[1]}"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct caps c;
		struct err err = {0};
		assert_int_equal(caps_parse(bad[i], strlen(bad[i]), &c, &err), -1);
		assert_int_equal(err.code, ERR_INVALID);
		assert_null(c.binary);
		assert_int_equal(c.n_machines, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_questions),
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
