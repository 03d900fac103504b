/* Hosts made of files. */
#include "unit/cm.h"

#include "core/str.h"
#include "kvm/host_validate.h"

static char *root;
static struct home nobody = {.mode = HOME_PRIVATE};

static void put(const char *path, const char *text)
{
	CLEANUP_FREE char *full = xasprintf("%s%s", root, path);
	CLEANUP_FREE char *dir = xstrdup(full);
	*strrchr(dir, '/') = '\0';
	assert_int_equal(home_mkdir(&nobody, dir, NULL), 0);
	assert_int_equal(file_write_atomic(full, text, strlen(text), 0600, NULL), 0);
}

static int setup(void **state)
{
	(void)state;
	root = cm_mkdtemp();
	put("/proc/meminfo", "MemTotal: 8388608 kB\nMemFree: 4194304 kB\n");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	cm_rmdir(root);
	return 0;
}

static struct host_facts facts(const char *vendor, const char *flags)
{
	struct host_facts f = {.root = root};
	CLEANUP_FREE char *text = xasprintf("vendor_id : %s\nflags : %s\n", vendor, flags);
	put("/proc/cpuinfo", text);
	assert_int_equal(node_read(root, &f.node, NULL), 0);
	snprintf(f.node.arch, sizeof(f.node.arch), "x86_64");
	return f;
}

static const struct host_check *find(const struct host_report *r, const char *id)
{
	for (size_t i = 0; i < r->n; i++)
		if (str_eq(r->checks[i].id, id))
			return &r->checks[i];
	return NULL;
}

static void expect(
    const struct host_report *r, const char *id, enum host_verdict want, const char *hint)
{
	const struct host_check *c = find(r, id);
	if (c == NULL)
		fail_msg("no check '%s'", id);
	if (c->verdict != want)
		fail_msg("%s: %s", id, host_verdict_name(c->verdict));
	if (hint && !(c->hint && strstr(c->hint, hint)))
		fail_msg("%s: hint '%s'", id, c->hint ? c->hint : "");
	if (want == HOST_PASS)
		assert_null(c->hint);
}

/* Nothing is there. */
static void test_bare(void **state)
{
	(void)state;
	struct host_report r;
	struct host_facts f = facts("GenuineIntel", "fpu");
	f.qemu_error = xstrdup("no QEMU here");
	host_validate(&f, &r);
	expect(&r, "virtualization", HOST_FAIL, "Host not compatible with KVM");
	expect(&r, "kvm-device", HOST_FAIL, "'kvm_intel' module");
	assert_null(find(&r, "kvm-access"));
	expect(&r, "vhost-net", HOST_WARN, "vhost_net");
	expect(&r, "tun", HOST_FAIL, "'tun' module");
	expect(&r, "cgroup-memory", HOST_WARN, "Enable 'memory'");
	expect(&r, "iommu", HOST_WARN, "No ACPI DMAR");
	expect(&r, "thp", HOST_WARN, "madvise");
	expect(&r, "qemu", HOST_FAIL, "no QEMU here");
	expect(&r, "swtpm", HOST_WARN, "Install swtpm");
	expect(&r, "uefi", HOST_WARN, "ovmf");
	expect(&r, "time", HOST_WARN, "chrony");
	assert_string_equal(host_kvm_problem(&f), "Your CPU does not support KVM extensions");
	host_report_fini(&r);
	host_facts_fini(&f);
}

/* All is there, cgroup v2. */
static void test_full(void **state)
{
	(void)state;
	struct host_report r;
	static const char *const files[] = {"/dev/kvm", "/dev/vhost-net", "/dev/vhost-vsock",
	    "/dev/net/tun", "/sys/firmware/acpi/tables/IVRS", "/sys/kernel/iommu_groups/0",
	    "/usr/bin/swtpm", "/usr/bin/qemu-img", "/usr/libexec/virtiofsd",
	    "/usr/share/qemu/firmware/60-x.json", "/run/systemd/system/x",
	    "/lib/systemd/system/hvmux@.service"};
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		put(files[i], "");
	put("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n");
	put("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
	put("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "4\n");
	put("/sys/module/kvm_amd/parameters/nested", "1\n");
	put("/sys/module/kvm_amd/parameters/sev", "Y\n");
	struct host_facts f = facts("AuthenticAMD", "svm sev");
	f.qemu = f.kvm.usable = f.kvm.modes_64bit = f.synchronised = f.system = f.caps.sandbox =
	    true;
	f.caps.version = 70222;
	f.caps.binary = "/usr/bin/qemu-system-x86_64";
	host_validate(&f, &r);
	for (size_t i = 0; i < r.n; i++)
		if (r.checks[i].verdict != HOST_PASS)
			fail_msg("%s: %s", r.checks[i].id, r.checks[i].hint);
	assert_string_equal(find(&r, "qemu")->detail, "7.2.22, /usr/bin/qemu-system-x86_64");
	assert_string_equal(find(&r, "hugepages")->detail, "4");
	assert_non_null(find(&r, "nested"));
	assert_non_null(find(&r, "units"));
	assert_null(host_kvm_problem(&f));
	host_report_fini(&r);
	/* KVM is there and does not run: its own words. */
	f.kvm.usable = false;
	snprintf(f.kvm.why, sizeof(f.kvm.why), "KVM is used by another hypervisor");
	f.caps.version = 50000;
	host_validate(&f, &r);
	expect(&r, "kvm-runs", HOST_FAIL, "used by another hypervisor");
	expect(&r, "qemu-version", HOST_WARN, "older than 6.2");
	assert_string_equal(host_kvm_problem(&f), "KVM is used by another hypervisor");
	host_report_fini(&r);
	host_facts_fini(&f);
}

/* cgroup v1: what this process is in. A word inside another is not that word. */
static void test_cgroup_v1(void **state)
{
	(void)state;
	struct host_report r;
	put("/proc/self/cgroup", "3:cpu,cpuacct:/\n2:cpuset:/\n1:name=systemd:/memory\n");
	struct host_facts f = facts("GenuineIntel", "vmx");
	host_validate(&f, &r);
	expect(&r, "cgroup-cpu", HOST_PASS, NULL);
	expect(&r, "cgroup-cpuacct", HOST_PASS, NULL);
	expect(&r, "cgroup-blkio", HOST_WARN, NULL);
	expect(&r, "cgroup-memory", HOST_WARN, NULL);
	host_report_fini(&r);
	host_facts_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_bare, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_full, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_cgroup_v1, setup, teardown)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
