#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/mem.h"
#include "kvm/caps.h"

#define HEAD                                                                                               \
	"hvmux-caps 1\nbinary /usr/bin/qemu-system-x86_64\ntarget x86_64\nversion 70222\npackage Debian\n" \
	"kvm_built 1\nsandbox 1\n"

static const char small[] = HEAD "machines 2\n288 pc-q35-7.2 q35\n1 isapc\n"
                                 "devices 2\ne1000\nvirtio-net-pci\ncpus 2\nhost\nqemu64\n"
                                 "cpu_features 0\ncommands 1\nquit\n";

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

/* What is written is read back the same, put in order and without what no QEMU says. */
static void test_written(void **state)
{
	(void)state;
	struct caps c;
	CLEANUP_BUF struct buf text = BUF_INIT;
	const struct caps_machine machines[] = {
	    {"pc-q35-7.2", "q35", 288}, {"two words", NULL, 1}, {"isapc", NULL, 1}};
	const char *devices[] = {"virtio-net-pci", "e1000", "line\nend", ""};
	const char *cpus[] = {"qemu64", "host"}, *commands[] = {"quit"};
	buf_adds(&text, CAPS_TEXT_HEAD);
	caps_add_value(&text, "binary", "/usr/bin/qemu-system-x86_64");
	caps_add_value(&text, "target", "x86_64");
	buf_adds(&text, "version 70222\n");
	caps_add_value(&text, "package", "Debian");
	buf_adds(&text, "kvm_built 1\nsandbox 1\n");
	caps_add_machines(&text, machines, 3);
	caps_add_names(&text, "devices", devices, 4);
	caps_add_names(&text, "cpus", cpus, 2);
	caps_add_names(&text, "cpu_features", NULL, 0);
	caps_add_names(&text, "commands", commands, 1);
	assert_string_equal(text.data, small);
	parse_ok(text.data, &c);
	assert_int_equal(c.version, 70222);
	assert_true(c.kvm_built && c.sandbox);
	assert_string_equal(c.package, "Debian");
	caps_fini(&c);
}

static void test_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "{}", "hvmux-caps 1", "hvmux-caps 2\n",
	    "hvmux-caps 1\nbinary /q\n", HEAD, HEAD "machines 1\n0 pc\n",
	    HEAD "machines 1\n99999999 pc\n", HEAD "machines 1\npc\n",
	    HEAD "machines 0\ndevices 0\n", HEAD "machines 2\n1 pc\n",
	    HEAD "machines 1\n1 pc\ndevices 99999999999\n",
	    HEAD "machines 1\n1 pc\ndevices 2\nb\na\ncpus 0\ncpu_features 0\ncommands 0\n",
	    HEAD "machines 1\n1 pc\ndevices 2\na\n"};
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
	    cmocka_unit_test(test_written),
	    cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
