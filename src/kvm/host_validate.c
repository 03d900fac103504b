#include "kvm/host_validate.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/str.h"

struct validation {
	const struct host_facts *f;
	struct host_report *r;
};

const char *host_verdict_name(enum host_verdict v)
{
	static const char *const names[HOST_VERDICTS] = {
	    [HOST_PASS] = "PASS", [HOST_WARN] = "WARN", [HOST_FAIL] = "FAIL"};
	return names[v];
}

/* --- looking --- */
static bool exists(const struct host_facts *f, const char *path)
{
	CLEANUP_FREE char *full = xasprintf("%s%s", f->root, path);
	return access(full, F_OK) == 0;
}

static bool accessible(const struct host_facts *f, const char *path)
{
	CLEANUP_FREE char *full = xasprintf("%s%s", f->root, path);
	return access(full, R_OK | W_OK) == 0;
}

/* "" when it cannot be read. */
static char *text_of(const struct host_facts *f, const char *path)
{
	CLEANUP_FREE char *full = xasprintf("%s%s", f->root, path);
	struct buf b = BUF_INIT;
	(void)file_read(full, 1 << 20, &b, NULL);
	return buf_take(&b);
}

/* Is there a file in the folder whose name ends so? */
static bool folder_has(const struct host_facts *f, const char *path, const char *suffix)
{
	CLEANUP_FREE char *full = xasprintf("%s%s", f->root, path);
	DIR *d = opendir(full);
	bool found = false;
	size_t len = strlen(suffix);
	for (struct dirent *e; d && !found && (e = readdir(d));) {
		size_t n = strlen(e->d_name);
		found = e->d_name[0] != '.' && n >= len && strcmp(e->d_name + n - len, suffix) == 0;
	}
	if (d)
		closedir(d);
	return found;
}

static bool any_exists(const struct host_facts *f, const char *const *paths)
{
	for (; *paths; paths++)
		if (exists(f, *paths))
			return true;
	return false;
}

/* Does the word stand in the text, between blanks or line ends? */
static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);
	for (const char *at = text; (at = strstr(at, word)); at += n) {
		bool begins = at == text || strchr(" \n\t,:", at[-1]);
		if (begins && (at[n] == '\0' || strchr(" \n\t,:", at[n])))
			return true;
	}
	return false;
}

/* --- saying --- */
static struct host_check *add(struct validation *v, const char *id, char *what_take)
{
	struct host_report *r = v->r;
	r->checks = xreallocarray(r->checks, r->n + 1, sizeof(*r->checks));
	r->checks[r->n] = (struct host_check){.id = id, .what = what_take};
	return &r->checks[r->n++];
}

/* hint is for when it does not hold. */
static struct host_check *judge(struct validation *v, const char *id, char *what_take, bool good,
    enum host_verdict bad, const char *hint)
{
	struct host_check *c = add(v, id, what_take);
	c->verdict = good ? HOST_PASS : bad;
	c->hint = good ? NULL : xstrdup(hint);
	return c;
}

/* --- KVM --- */
static bool is_x86(const struct host_facts *f)
{
	return str_eq(f->node.arch, "x86_64") || str_eq(f->node.arch, "i686");
}

static bool has_virtualization(const struct host_facts *f)
{
	if (!is_x86(f))
		return exists(f, "/dev/kvm");
	return node_has_flag(&f->node, "vmx") || node_has_flag(&f->node, "svm");
}

static const char *kvm_module(const struct host_facts *f)
{
	if (!is_x86(f))
		return "kvm";
	return str_eq(f->node.vendor, "AuthenticAMD") || str_eq(f->node.vendor, "HygonGenuine")
	           ? "kvm_amd"
	           : "kvm_intel";
}

const char *host_kvm_problem(const struct host_facts *f)
{
	if (!exists(f, "/dev/kvm"))
		return has_virtualization(f) ? "/dev/kvm does not exist"
		                             : "Your CPU does not support KVM extensions";
	if (!accessible(f, "/dev/kvm"))
		return "/dev/kvm cannot be opened by this user";
	if (!f->qemu)
		return f->qemu_error;
	return f->kvm.usable ? NULL : f->kvm.why;
}

static void check_kvm(struct validation *v)
{
	const struct host_facts *f = v->f;
	/* Where KVM runs without the flag being seen, as in some guests, it is there. */
	judge(v, "virtualization", xstrdup("for hardware virtualization"),
	    has_virtualization(f) || f->kvm.usable, HOST_FAIL,
	    "Host not compatible with KVM; HW virtualization CPU features not found. Only emulated CPUs are "
	    "available; performance will be significantly limited");
	CLEANUP_FREE char *load = xasprintf(
	    "Check that virtualization is enabled in the firmware and load the '%s' module",
	    kvm_module(f));
	judge(v, "kvm-device", xstrdup("if device /dev/kvm exists"), exists(f, "/dev/kvm"),
	    HOST_FAIL, load);
	if (!exists(f, "/dev/kvm"))
		return;
	judge(v, "kvm-access", xstrdup("if device /dev/kvm is accessible"),
	    accessible(f, "/dev/kvm"), HOST_FAIL,
	    "Check /dev/kvm is world writable or you are in a group that is allowed to access it");
	if (!f->qemu || !accessible(f, "/dev/kvm"))
		return;
	struct host_check *c = judge(v, "kvm-runs", xstrdup("if a guest runs on KVM"),
	    f->kvm.usable, HOST_FAIL, f->kvm.why[0] ? f->kvm.why : "a trial guest did not run");
	if (f->kvm.usable)
		c->detail = xasprintf("CPU model '%s'", f->kvm.cpu_host);
	if (f->kvm.usable && is_x86(f))
		judge(v, "kvm-64bit", xstrdup("if a 64-bit guest runs on KVM"), f->kvm.modes_64bit,
		    HOST_WARN, "This KVM runs firmware and 16 and 32-bit code only");
}

static void check_nested(struct validation *v)
{
	const struct host_facts *f = v->f;
	CLEANUP_FREE char *path = xasprintf("/sys/module/%s/parameters/nested", kvm_module(f));
	CLEANUP_FREE char *hint = xasprintf(
	    "Guests cannot run guests of their own: load '%s' with nested=1", kvm_module(f));
	if (!is_x86(f) || !exists(f, path))
		return;
	CLEANUP_FREE char *text = text_of(f, path);
	judge(v, "nested", xstrdup("for nested virtualization"), text[0] == 'Y' || text[0] == '1',
	    HOST_WARN, hint);
}

/* --- devices --- */
struct device_rule {
	const char *id, *path;
	enum host_verdict bad;
	const char *hint;
};

static const struct device_rule devices[] = {
    {"vhost-net", "/dev/vhost-net", HOST_WARN,
        "Load the 'vhost_net' module to improve performance of virtio networking"},
    {"tun", "/dev/net/tun", HOST_FAIL,
        "Load the 'tun' module to enable networking for QEMU guests"},
    {"vhost-vsock", "/dev/vhost-vsock", HOST_WARN,
        "Load the 'vhost_vsock' module to give guests a vsock"},
};

static void check_devices(struct validation *v)
{
	for (size_t i = 0; i < ARRAY_LEN(devices); i++) {
		const struct device_rule *d = &devices[i];
		judge(v, d->id, xasprintf("if device %s exists", d->path), exists(v->f, d->path),
		    d->bad, d->hint);
	}
}

/* --- cgroups --- */
struct controller {
	const char *id, *v1, *v2; /* v2 NULL: always there, by eBPF */
};

static const struct controller controllers[] = {
    {"cgroup-cpu", "cpu", "cpu"},
    {"cgroup-cpuacct", "cpuacct", "cpu"},
    {"cgroup-cpuset", "cpuset", "cpuset"},
    {"cgroup-memory", "memory", "memory"},
    {"cgroup-devices", "devices", NULL},
    {"cgroup-blkio", "blkio", "io"},
};

static void check_cgroups(struct validation *v)
{
	const struct host_facts *f = v->f;
	bool unified = exists(f, "/sys/fs/cgroup/cgroup.controllers");
	CLEANUP_FREE char *have = text_of(f, "/sys/fs/cgroup/cgroup.controllers");
	CLEANUP_FREE char *mine = text_of(f, "/proc/self/cgroup");
	for (size_t i = 0; i < ARRAY_LEN(controllers); i++) {
		const struct controller *c = &controllers[i];
		bool good = unified ? !c->v2 || has_word(have, c->v2) : has_word(mine, c->v1);
		CLEANUP_FREE char *hint = xasprintf(
		    "Enable '%s' in kernel Kconfig file or mount/enable cgroup controller in your system",
		    c->v1);
		judge(v, c->id, xasprintf("for cgroup '%s' controller support", c->v1), good,
		    HOST_WARN, hint);
	}
}

/* --- passing devices through --- */
static void check_iommu(struct validation *v)
{
	const struct host_facts *f = v->f;
	bool intel = str_eq(f->node.vendor, "GenuineIntel"),
	     amd = str_eq(f->node.vendor, "AuthenticAMD");
	bool groups = folder_has(f, "/sys/kernel/iommu_groups", "");
	bool table = exists(f, "/sys/firmware/acpi/tables/DMAR") ||
	             exists(f, "/sys/firmware/acpi/tables/IVRS");
	const char *hint =
	    intel
	        ? "No ACPI DMAR table found, IOMMU either disabled in BIOS or not supported by this "
	          "hardware platform"
	    : amd
	        ? "No ACPI IVRS table found, IOMMU either disabled in BIOS or not supported by this "
	          "hardware platform"
	        : "Unknown if this platform has IOMMU support";
	judge(v, "iommu", xstrdup("for device assignment IOMMU support"), table || groups,
	    HOST_WARN, hint);
	if (!table && !groups)
		return;
	judge(v, "iommu-enabled", xstrdup("if IOMMU is enabled by kernel"), groups, HOST_WARN,
	    intel
	        ? "IOMMU appears to be disabled in kernel. Add intel_iommu=on to kernel cmdline arguments"
	        : "IOMMU appears to be disabled in kernel. Look for it in the kernel's command line");
}

static void check_secure_guest(struct validation *v)
{
	const struct host_facts *f = v->f;
	CLEANUP_FREE char *sev = text_of(f, "/sys/module/kvm_amd/parameters/sev");
	CLEANUP_FREE char *tdx = text_of(f, "/sys/module/kvm_intel/parameters/tdx");
	bool on = sev[0] == 'Y' || sev[0] == '1' || tdx[0] == 'Y' || tdx[0] == '1';
	judge(v, "secure-guest", xstrdup("for secure guest support"), on, HOST_WARN,
	    node_has_flag(&f->node, "sev")
	        ? "AMD Secure Encrypted Virtualization appears to be disabled in kernel. Add mem_encrypt=on "
	          "kvm_amd.sev=1 to kernel cmdline arguments"
	        : "Unknown if this platform has Secure Guest support");
}

/* --- memory --- */
static void check_memory(struct validation *v)
{
	CLEANUP_FREE char *thp = text_of(v->f, "/sys/kernel/mm/transparent_hugepage/enabled");
	judge(v, "thp", xstrdup("for transparent huge pages"),
	    strstr(thp, "[always]") || strstr(thp, "[madvise]"), HOST_WARN,
	    "Guests' memory is mapped in small pages: echo madvise "
	    ">/sys/kernel/mm/transparent_hugepage/enabled");
	uint64_t reserved = 0;
	for (size_t i = 0; i < v->f->node.n_cells; i++)
		for (size_t k = 1; k < v->f->node.cells[i].n_pages; k++)
			reserved += v->f->node.cells[i].pages[k].total;
	struct host_check *c =
	    judge(v, "hugepages", xstrdup("for reserved huge pages"), reserved > 0, HOST_WARN,
	        "None are reserved; <hugepages/> needs some: sysctl vm.nr_hugepages=NUMBER");
	if (reserved)
		c->detail = xasprintf("%llu", (unsigned long long)reserved);
}

/* --- programs --- */
static void check_qemu(struct validation *v)
{
	const struct host_facts *f = v->f;
	struct host_check *c = judge(v, "qemu", xstrdup("for QEMU"), f->qemu, HOST_FAIL,
	    f->qemu_error ? f->qemu_error : "not found");
	if (!f->qemu)
		return;
	unsigned n = f->caps.version;
	c->detail = xasprintf("%u.%u.%u, %s", n / 10000, n / 100 % 100, n % 100, f->caps.binary);
	CLEANUP_FREE char *old =
	    xasprintf("QEMU %u.%u.%u is older than %u.%u, the oldest that is tried", n / 10000,
	        n / 100 % 100, n % 100, CAPS_QEMU_OLDEST / 10000, CAPS_QEMU_OLDEST / 100 % 100);
	judge(v, "qemu-version", xstrdup("for QEMU's version"), n >= CAPS_QEMU_OLDEST, HOST_WARN,
	    old);
	judge(v, "sandbox", xstrdup("for QEMU's sandbox"), f->caps.sandbox, HOST_WARN,
	    "This QEMU was built without seccomp: guests are confined less");
}

struct program_rule {
	const char *id, *what;
	const char *paths[8];
	const char *hint;
};

static const struct program_rule programs[] = {
    {"qemu-img", "for qemu-img", {"/usr/bin/qemu-img", "/usr/local/bin/qemu-img"},
        "Install qemu-img (Debian: qemu-utils) to make and convert disk images"},
    {"swtpm", "for swtpm", {"/usr/bin/swtpm", "/usr/local/bin/swtpm"},
        "Install swtpm to give guests a TPM"},
    {"virtiofsd", "for virtiofsd",
        {"/usr/libexec/virtiofsd", "/usr/lib/qemu/virtiofsd", "/usr/bin/virtiofsd",
            "/usr/lib/virtiofsd", "/usr/local/bin/virtiofsd"},
        "Install virtiofsd to share folders with guests"},
};

static void check_programs(struct validation *v)
{
	const struct host_facts *f = v->f;
	for (size_t i = 0; i < ARRAY_LEN(programs); i++)
		judge(v, programs[i].id, xstrdup(programs[i].what),
		    any_exists(f, programs[i].paths), HOST_WARN, programs[i].hint);
	bool uefi = folder_has(f, "/usr/share/qemu/firmware", ".json") ||
	            folder_has(f, "/etc/qemu/firmware", ".json");
	judge(v, "uefi", xstrdup("for UEFI firmware"), uefi, HOST_WARN,
	    "Install UEFI firmware with its descriptors (Debian: ovmf, Fedora: edk2-ovmf)");
}

/* --- the host --- */
static void check_host(struct validation *v)
{
	static const char *const units[] = {"/etc/systemd/system/hvmux@.service",
	    "/usr/local/lib/systemd/system/hvmux@.service", "/lib/systemd/system/hvmux@.service",
	    "/usr/lib/systemd/system/hvmux@.service", NULL};
	const struct host_facts *f = v->f;
	judge(v, "time", xstrdup("if the host's clock is synchronised"), f->synchronised, HOST_WARN,
	    "Guests take their time from the host: run chrony or systemd-timesyncd");
	if (f->system && exists(f, "/run/systemd/system"))
		judge(v, "units", xstrdup("for hvmux's units of systemd"), any_exists(f, units),
		    HOST_WARN,
		    "Guests are neither started at boot nor shut down at halt: make install");
}

void host_validate(const struct host_facts *f, struct host_report *r)
{
	struct validation v = {f, r};
	*r = (struct host_report){0};
	check_kvm(&v);
	check_nested(&v);
	check_devices(&v);
	check_cgroups(&v);
	check_iommu(&v);
	check_secure_guest(&v);
	check_memory(&v);
	check_qemu(&v);
	check_programs(&v);
	check_host(&v);
}

void host_report_fini(struct host_report *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->checks[i].what);
		free(r->checks[i].hint);
		free(r->checks[i].detail);
	}
	free(r->checks);
	*r = (struct host_report){0};
}

/* --- the facts --- */
static bool clock_synchronised(void)
{
	struct timex t = {0};
	return adjtimex(&t) >= 0 && !(t.status & STA_UNSYNC);
}

int host_facts_read(const struct home *h, const char *root, struct host_facts *f, struct err *err)
{
	struct err why = {0};
	memset(f, 0, sizeof(*f));
	f->root = root;
	if (node_read(root, &f->node, err) < 0)
		return -1;
	f->system = h->mode == HOME_SYSTEM;
	f->synchronised = clock_synchronised();
	f->qemu = caps_get(h, NULL, f->node.arch, &f->caps, &why) == 0;
	if (!f->qemu)
		f->qemu_error = xstrdup(why.msg);
	else if (caps_kvm_get(h, &f->caps, &f->kvm, &why) < 0)
		snprintf(f->kvm.why, sizeof(f->kvm.why), "%.500s", why.msg);
	return 0;
}

void host_facts_fini(struct host_facts *f)
{
	node_fini(&f->node);
	if (f->qemu)
		caps_fini(&f->caps);
	free(f->qemu_error);
}
