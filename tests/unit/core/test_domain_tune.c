#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/domain.h"

#define DOC(more)                                                                                  \
	"<domain type='qemu'><name>x</name><memory unit='MiB'>8</memory><os><type>hvm</type></os>" \
	"<features><acpi/></features>" more "</domain>"

static int parse(const char *xml, struct domain *d, struct err *err)
{
	return domain_parse(xml, strlen(xml), "x.xml", 0, d, NULL, err);
}

static void test_members(void **state)
{
	(void)state;
	struct domain d;
	struct err err = {0};
	if (parse(
	        DOC("<iothreads>1</iothreads><vcpu cpuset='0-3,^2'>2</vcpu>"
	            "<cputune><shares>2048</shares><period>100000</period><quota>-1</quota>"
	            "<global_quota>25000</global_quota><vcpupin vcpu='1' cpuset='5'/>"
	            "<emulatorpin cpuset='6-7'/><iothreadpin iothread='1' cpuset='7'/>"
	            "<vcpusched vcpus='0' scheduler='fifo' priority='7'/>"
	            "<emulatorsched scheduler='idle'/></cputune>"
	            "<memtune><hard_limit unit='MiB'>64</hard_limit>"
	            "<swap_hard_limit>9007199254740991</swap_hard_limit></memtune>"
	            "<blkiotune><weight>500</weight><device><path>/dev/sda</path><weight>10</weight>"
	            "<write_bytes_sec>1048576</write_bytes_sec></device></blkiotune>"
	            "<numatune><memory mode='interleave' nodeset='0'/></numatune>"
	            "<resource><partition>/machine/web</partition></resource>"
	            "<memoryBacking><locked/></memoryBacking>"),
	        &d, &err) < 0)
		fail_msg("%s", err.msg);
	const struct domain_cputune *c = &d.tune.cpu;
	assert_int_equal(numset_count(&d.tune.cpuset), 3);
	assert_true(c->has_shares && c->shares == 2048);
	assert_int_equal(c->vcpu.period, 100000);
	assert_int_equal(c->vcpu.quota, -1);
	assert_int_equal(c->global.quota, 25000);
	assert_int_equal(c->n_vcpupins, 1);
	assert_int_equal(c->vcpupins[0].id, 1);
	assert_true(numset_has(&c->vcpupins[0].cpus, 5));
	assert_int_equal(numset_last(&c->emulatorpin), 7);
	assert_int_equal(c->iothreadpins[0].id, 1);
	assert_int_equal(c->vcpuscheds[0].scheduler, TUNE_FIFO);
	assert_int_equal(c->vcpuscheds[0].priority, 7);
	assert_true(c->has_emulatorsched && c->emulatorsched.scheduler == TUNE_IDLE);
	assert_int_equal(d.tune.mem.hard_limit, 65536);
	assert_true(d.tune.mem.swap_hard_limit == TUNE_UNLIMITED);
	assert_int_equal(d.tune.blkio.weight, 500);
	assert_string_equal(d.tune.blkio.devices[0].path, "/dev/sda");
	assert_int_equal(d.tune.blkio.devices[0].write_bytes, 1048576);
	assert_int_equal(d.tune.numa.mode, NUMA_INTERLEAVE);
	assert_true(numset_has(&d.tune.numa.nodes, 0));
	assert_string_equal(d.tune.partition, "/machine/web");
	assert_true(d.tune.locked);
	domain_fini(&d);
}

static void test_refused(void **state)
{
	(void)state;
	static const struct {
		const char *xml, *words;
	} cases[] = {
	    {DOC("<cputune><shares>many</shares></cputune>"), "<shares>: 'many' is not a number"},
	    {DOC("<cputune><period>10</period></cputune>"), "<period>: 10: from 1000 to 1000000"},
	    {DOC("<cputune><quota>10</quota></cputune>"),
	        "<quota>: 10: at least 1000 microseconds"},
	    {DOC("<cputune><vcpupin cpuset='0'/></cputune>"), "<vcpupin>: has no vcpu"},
	    {DOC("<cputune><vcpupin vcpu='0'/></cputune>"), "<vcpupin>: has no cpuset"},
	    {DOC("<cputune><vcpupin vcpu='0' cpuset='1'/><vcpupin vcpu='0' cpuset='2'/></cputune>"),
	        "<vcpupin>: vcpu 0 is there twice"},
	    {DOC("<cputune><emulatorpin cpuset='a'/></cputune>"), "cpuset: 'a' is not a list"},
	    {DOC("<cputune><vcpusched vcpus='0-1' scheduler='rr' priority='1'/>"
	         "<vcpusched vcpus='1' scheduler='idle'/></cputune>"),
	        "vcpus: 1 has another scheduler already"},
	    {DOC("<cputune><vcpusched vcpus='0' scheduler='fifo'/></cputune>"), "needs a priority"},
	    {DOC("<cputune><vcpusched vcpus='0' scheduler='rr' priority='100'/></cputune>"),
	        "priority='100' is not a number from 0 to 99"},
	    {DOC("<memtune><hard_limit unit='GiB'>2</hard_limit>"
	         "<swap_hard_limit unit='GiB'>1</swap_hard_limit></memtune>"),
	        "<swap_hard_limit>: 1048576 KiB is less than the hard_limit"},
	    {DOC("<blkiotune><weight>5</weight></blkiotune>"), "5 is not a number from 10 to 1000"},
	    {DOC("<blkiotune><device><path>sda</path></device></blkiotune>"),
	        "not an absolute path"},
	    {DOC("<numatune><memory mode='strict'/></numatune>"), "<memory>: has no nodeset"},
	    {DOC("<numatune><memory nodeset='0,^0'/></numatune>"), "leaves nothing over"},
	    {DOC("<numatune><memory mode='restrictive' nodeset='0'/>"
	         "<memnode cellid='0' mode='strict' nodeset='0'/></numatune>"),
	        "mode 'restrictive' has to stand in"},
	    {DOC("<resource><partition>/a/../b</partition></resource>"), "no '..'"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct domain d;
		struct err err = {0};
		if (parse(cases[i].xml, &d, &err) == 0)
			fail_msg("accepted: %s", cases[i].xml);
		if (strstr(err.msg, cases[i].words) == NULL)
			fail_msg("wanted '%s', got: %s", cases[i].words, err.msg);
	}
}

/* A machine that runs since before anybody looked at these wishes is read back all the same. */
static void test_lenient(void **state)
{
	(void)state;
	static const char xml[] = DOC("<cputune><shares>many</shares></cputune>"
	                              "<memtune><hard_limit unit='MiB'>64</hard_limit></memtune>");
	struct domain d;
	struct err err = {0};
	assert_int_equal(
	    domain_parse(xml, sizeof xml - 1, "x.xml", DOMAIN_PARSE_LENIENT, &d, NULL, &err), 0);
	assert_false(d.tune.cpu.has_shares);
	assert_int_equal(d.tune.mem.hard_limit, 0);
	domain_fini(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_members),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_lenient),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
