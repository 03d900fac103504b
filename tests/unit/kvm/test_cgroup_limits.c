#include "unit/cm.h"

#include "core/buf.h"
#include "core/domain.h"
#include "kvm/cgroup_limits.h"

static const char more[] =
    "<vcpu cpuset='0-1'>4</vcpu>"
    "<cputune><shares>2048</shares><global_period>50000</global_period><global_quota>75000</global_quota>"
    "<vcpupin vcpu='0' cpuset='3'/><emulatorpin cpuset='4'/></cputune>"
    "<memtune><hard_limit unit='KiB'>200000</hard_limit><soft_limit unit='KiB'>100000</soft_limit>"
    "<swap_hard_limit unit='KiB'>300000</swap_hard_limit></memtune>"
    "<blkiotune><weight>300</weight><device><path>/no/such/device</path><weight>200</weight></device></blkiotune>"
    "<numatune><memory mode='strict' nodeset='0'/></numatune>";

static void parse(const char *elements, struct domain *d)
{
	struct err err = {0};
	CLEANUP_FREE char *xml = xasprintf("<domain type='qemu'><name>x</name><memory>8192</memory>"
	                                   "<os><type>hvm</type></os>%s</domain>",
	    elements);
	if (domain_parse(xml, strlen(xml), "x.xml", 0, d, NULL, &err) < 0)
		fail_msg("%s", err.msg);
}

static char *plan(const char *elements, bool version2, char **notes)
{
	struct domain d;
	struct cgroup_limits l;
	struct buf out = BUF_INIT, said = BUF_INIT;
	bool v2[CGROUP_CONTROLLERS];
	parse(elements, &d);
	memset(v2, version2, sizeof(v2));
	cgroup_limits_plan(&d.tune, v2, &l, &said);
	for (size_t i = 0; i < l.n; i++)
		buf_addf(&out, "%s=%s\n", l.setting[i].file, l.setting[i].value);
	cgroup_limits_fini(&l);
	domain_fini(&d);
	*notes = buf_take(&said);
	return buf_take(&out);
}

static void version_2(void **state)
{
	(void)state;
	char *notes;
	CLEANUP_FREE char *got = plan(more, true, &notes);
	assert_string_equal(got,
	    "cpu.weight=200\ncpu.max=75000 50000\ncpuset.cpus=0-1,3-4\ncpuset.mems=0\n"
	    "memory.max=204800000\nmemory.high=102400000\nmemory.swap.max=102400000\n"
	    "io.weight=default 300\n");
	assert_string_equal(notes,
	    "<blkiotune>: '/no/such/device' is no block device of this host: no limit for it\n");
	free(notes);
}

static void version_1(void **state)
{
	(void)state;
	char *notes;
	CLEANUP_FREE char *got = plan(more, false, &notes);
	assert_string_equal(got,
	    "cpu.shares=2048\ncpu.cfs_period_us=50000\ncpu.cfs_quota_us=75000\ncpuset.cpus=0-1,3-4\n"
	    "cpuset.memory_migrate=1\ncpuset.mems=0\nmemory.limit_in_bytes=204800000\n"
	    "memory.soft_limit_in_bytes=102400000\nmemory.memsw.limit_in_bytes=307200000\n"
	    "blkio.bfq.weight=300\n");
	free(notes);
}

static void no_wish(void **state)
{
	(void)state;
	char *notes;
	CLEANUP_FREE char *got =
	    plan("<vcpu>2</vcpu><cputune><vcpupin vcpu='0' cpuset='0'/></cputune>"
	         "<numatune><memory mode='preferred' nodeset='0'/></numatune>",
	        true, &notes);
	assert_string_equal(got, "");
	assert_string_equal(notes, "");
	free(notes);
}

static void properties(void **state)
{
	(void)state;
	struct domain d;
	struct buf out = BUF_INIT;
	size_t n;
	parse(more, &d);
	char **words = cgroup_limits_properties(&d.tune, &n);
	for (size_t i = 0; i < n; i++) {
		buf_addf(&out, "%s\n", words[i]);
		free(words[i]);
	}
	free(words);
	assert_string_equal(out.data,
	    "CPUWeight=200\nCPUQuota=150%\nCPUQuotaPeriodSec=50000us\nAllowedCPUs=0-1 3-4\n"
	    "AllowedMemoryNodes=0\nMemoryMax=204800000\nMemoryHigh=102400000\nMemorySwapMax=102400000\n"
	    "IOWeight=300\nIODeviceWeight=/no/such/device 200\n");
	buf_fini(&out);
	domain_fini(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(version_2), cmocka_unit_test(version_1),
	    cmocka_unit_test(no_wish), cmocka_unit_test(properties)};
	return cmocka_run_group_tests_name("cgroup_limits", tests, NULL, NULL);
}
