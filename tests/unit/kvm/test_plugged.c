#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kvm/plugged.h"

#define MIB 1048576ull

static void test_memory(void **state)
{
	(void)state;
	struct plugged_memory m;
	struct json_object *list = json_tokener_parse(
	    "[{\"type\": \"dimm\", \"data\": {\"id\": \"dimm0\", \"addr\": 4294967296, \"size\": 268435456}},"
	    " {\"type\": \"virtio-mem\", \"data\": {\"memaddr\": 5368709120, \"size\": 134217728,"
	    "   \"requested-size\": 268435456, \"max-size\": 1073741824}},"
	    " {\"type\": \"sgx-epc\", \"data\": {\"size\": 1048576}},"
	    " {\"type\": \"dimm\", \"data\": {\"size\": -5}}]");
	/* Blocks of 128 MiB: 32 and 33 are the DIMM's, 34 is nobody's. */
	struct json_object *blocks = json_tokener_parse(
	    "[{\"phys-index\": 0, \"online\": true}, {\"phys-index\": 32, \"online\": true},"
	    " {\"phys-index\": 33, \"online\": false}, {\"phys-index\": 34, \"online\": true},"
	    " {\"phys-index\": -1, \"online\": true}, {\"phys-index\": 9223372036854775807, \"online\": true}]");
	plugged_memory_read(list, &m);
	assert_int_equal(m.n, 2);
	assert_int_equal(plugged_memory_kib(&m), (256 + 128) * 1024);
	assert_int_equal(plugged_memory_online_kib(&m, blocks, 128 * MIB), (128 + 128) * 1024);
	/* Nothing told: what needs nobody's word. */
	assert_int_equal(plugged_memory_online_kib(&m, NULL, 0), 128 * 1024);
	/* A guest that lies has not more than there is. */
	assert_int_equal(plugged_memory_online_kib(&m, blocks, 4096 * MIB), 128 * 1024);
	json_object_put(list);
	json_object_put(blocks);
	plugged_memory_read(NULL, &m);
	assert_int_equal(m.n, 0);
}

static void test_cpus(void **state)
{
	(void)state;
	struct json_object *plugged =
	    json_tokener_parse("{\"qom-path\": \"/machine/peripheral/vcpu1\"}");
	struct json_object *cold =
	    json_tokener_parse("{\"qom-path\": \"/machine/unattached/device[0]\"}");
	assert_true(plugged_cpu(plugged));
	assert_false(plugged_cpu(cold));
	json_object_put(plugged);
	json_object_put(cold);
	/* Never started, with the halt that TCG shows and without it, as KVM. */
	assert_true(plugged_cpu_unused("EIP=0000fff0 EFL=00000002 [-------] CPL=0 SMM=0 HLT=1"));
	assert_true(plugged_cpu_unused("EIP=0000fff0 EFL=00000002 [-------] CPL=0 SMM=0 HLT=0"));
	/* Idle, at work, and put to rest by its kernel. */
	assert_false(plugged_cpu_unused(
	    "RIP=ffffffff9dd1c0ab RFL=00000246 [---Z-P-] CPL=0 II=0 A20=1 SMM=0 HLT=1"));
	assert_false(plugged_cpu_unused(
	    "RIP=ffffffff9dd1c0ab RFL=00000046 [---Z-P-] CPL=0 II=0 A20=1 SMM=0 HLT=0"));
	assert_true(plugged_cpu_unused(
	    "RIP=ffffffff9dd1c0ab RFL=00000046 [---Z-P-] CPL=0 II=0 A20=1 SMM=0 HLT=1"));
	assert_false(plugged_cpu_unused("no such CPU"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_memory),
	    cmocka_unit_test(test_cpus),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
