#include "kvm/argv_host.h"

#include <cpuid.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/str.h"

#define SYS_VALUE_MAX 4096u

/* One line of a file of sysfs, without its end; NULL: not there, not for us to read, empty. */
static char *sys_line(const char *path)
{
	CLEANUP_BUF struct buf text = BUF_INIT;
	if (file_read(path, SYS_VALUE_MAX, &text, NULL) < 0 || text.len == 0)
		return NULL;
	size_t n = 0;
	while (n < text.len && text.data[n] != '\n')
		n++;
	return n > 0 ? str_printable(text.data, n, 256) : NULL;
}

/* --- the host's SMBIOS --- */
static void take_smbios(struct argv_host *x)
{
	static const struct {
		unsigned type;
		const char *key, *file;
	} names[] = {
	    {0, "vendor", "bios_vendor"},
	    {0, "version", "bios_version"},
	    {0, "date", "bios_date"},
	    {1, "manufacturer", "sys_vendor"},
	    {1, "product", "product_name"},
	    {1, "version", "product_version"},
	    {1, "serial", "product_serial"},
	    {1, "sku", "product_sku"},
	    {1, "family", "product_family"},
	    {2, "manufacturer", "board_vendor"},
	    {2, "product", "board_name"},
	    {2, "version", "board_version"},
	    {2, "serial", "board_serial"},
	    {3, "manufacturer", "chassis_vendor"},
	    {3, "version", "chassis_version"},
	    {3, "serial", "chassis_serial"},
	};
	x->fields = xcalloc(ARRAY_LEN(names), sizeof *x->fields);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CLEANUP_FREE char *path = xasprintf("/sys/class/dmi/id/%s", names[i].file);
		char *value = sys_line(path);
		if (value == NULL)
			continue;
		x->fields[x->n_fields++] = (struct smbios_field){.type = names[i].type,
		    .table = names[i].type,
		    .key = names[i].key,
		    .value = value};
	}
}

/* --- encrypted memory --- */
/* CPUID 8000001F: where the C bit is, and by how many bits it shortens physical addresses. */
static void take_sev(struct argv_in *in)
{
#if defined(__x86_64__) || defined(__i386__)
	unsigned a = 0, b = 0, c = 0, d = 0;
	if (__get_cpuid_count(0x8000001f, 0, &a, &b, &c, &d) && (a & 2) != 0) {
		in->sev_cbitpos = b & 0x3f;
		in->sev_reduced = b >> 6 & 0x3f;
	}
#else
	(void)in;
#endif
}

int argv_host_init(struct argv_host *x, const struct home *h, const struct domain *d,
    const struct caps *c, struct argv_in *in, struct err *err)
{
	struct firmware_env env;
	struct tm tm;
	time_t now = time(NULL);
	*x = (struct argv_host){0};
	firmware_env_init(&env, h);
	env.no_smm = in->kvm != NULL && in->kvm->usable && !in->kvm->smm;
	int rc = firmware_resolve(d, c, &env, &x->firmware, err);
	firmware_env_fini(&env);
	if (rc < 0)
		return -1;
	x->ram_dir = home_data_file(h, "ram", d->name);
	if (d->os.smbios == SMBIOS_HOST)
		take_smbios(x);
	in->firmware = &x->firmware;
	in->ram_dir = x->ram_dir;
	in->host_smbios = x->fields;
	in->n_host_smbios = x->n_fields;
	in->now = (int64_t)now;
	in->utc_offset = localtime_r(&now, &tm) != NULL ? tm.tm_gmtoff : 0;
	if (d->security.sev)
		take_sev(in);
	return 0;
}

void argv_host_fini(struct argv_host *x)
{
	for (size_t i = 0; i < x->n_fields; i++)
		free(x->fields[i].value);
	free(x->fields);
	free(x->ram_dir);
	firmware_fini(&x->firmware);
	*x = (struct argv_host){0};
}

/* --- before a start: NUMA nodes --- */
static int check_nodes(const struct domain *d, const char *element, const struct numset *wanted,
    const struct numset *online, struct err *err)
{
	for (unsigned i = numset_next(wanted, 0); i < NUMSET_MAX; i = numset_next(wanted, i + 1)) {
		if (numset_has(online, i))
			continue;
		CLEANUP_FREE char *have = numset_format(online, ",");
		return err_set(err, ERR_UNSUPPORTED,
		    "domain '%s': <%s> wants memory of NUMA node %u, this host has only %s",
		    d->name, element, i, have);
	}
	return 0;
}

static int check_numa(const struct domain *d, struct err *err)
{
	const struct domain_numatune *t = &d->tune.numa;
	struct numset online = {0};
	CLEANUP_FREE char *line = sys_line("/sys/devices/system/node/online");
	if (line == NULL || numset_parse(line, NUMSET_MAX, &online, NULL) < 0)
		numset_add(&online, 0);
	int rc = check_nodes(d, "numatune", &t->nodes, &online, err);
	for (size_t i = 0; rc == 0 && i < t->n_memnodes; i++)
		rc = check_nodes(d, "memnode", &t->memnodes[i].nodes, &online, err);
	for (size_t i = 0; rc == 0 && i < d->memory.n_devices; i++)
		rc = check_nodes(d, "memory", &d->memory.devices[i].nodes, &online, err);
	numset_fini(&online);
	return rc;
}

/* --- huge pages --- */
/* The size that the host takes when none is given, in KiB; 0: it has none. */
static uint64_t default_huge(void)
{
	CLEANUP_BUF struct buf text = BUF_INIT;
	unsigned long kib = 0;
	if (file_read("/proc/meminfo", 64u << 10, &text, NULL) < 0 || text.data == NULL)
		return 0;
	const char *line = strstr(text.data, "\nHugepagesize:");
	return line != NULL && sscanf(line, "\nHugepagesize: %lu kB", &kib) == 1 ? kib : 0;
}

static int check_huge(const struct domain *d, uint64_t page_kib, uint64_t kib, struct err *err)
{
	unsigned long long page = page_kib > 0 ? page_kib : default_huge();
	CLEANUP_FREE char *path =
	    xasprintf("/sys/kernel/mm/hugepages/hugepages-%llukB/free_hugepages", page);
	CLEANUP_FREE char *line = sys_line(path);
	uint64_t free_pages = 0;
	if (page == 0 || line == NULL || str_u64(line, UINT64_MAX, &free_pages) < 0)
		return err_set(err, ERR_UNSUPPORTED,
		    "domain '%s': <hugepages>: this host has no huge pages of %llu KiB", d->name,
		    page);
	unsigned long long need = (kib + page - 1) / page;
	if (free_pages >= need)
		return 0;
	return err_set(err, ERR_FAIL,
	    "domain '%s': <hugepages>: %llu pages of %llu KiB are needed, %llu are free: raise nr_hugepages beside "
	    "'%s'",
	    d->name, need, page, (unsigned long long)free_pages, path);
}

/* Each size is checked with all that is to come from it. */
struct huge_need {
	uint64_t page_kib, kib;
};

static void add_need(struct huge_need *needs, size_t *n, uint64_t page_kib, uint64_t kib)
{
	size_t i = 0;
	while (i < *n && needs[i].page_kib != page_kib)
		i++;
	if (i == *n)
		needs[(*n)++] = (struct huge_need){.page_kib = page_kib};
	needs[i].kib += kib;
}

static int check_hugepages(const struct domain *d, struct err *err)
{
	const struct domain_memory *m = &d->memory;
	struct huge_need *needs = xcalloc(d->cpu.n_cells + m->n_devices + 1, sizeof *needs);
	size_t n = 0;
	uint64_t page;
	if (d->cpu.n_cells == 0 && memory_huge(m, 0, &page))
		add_need(needs, &n, page, m->boot_kib);
	for (size_t i = 0; i < d->cpu.n_cells; i++)
		if (memory_huge(m, (unsigned)i, &page))
			add_need(needs, &n, page, d->cpu.cells[i].memory_kib);
	for (size_t i = 0; i < m->n_devices; i++)
		if (m->devices[i].page_kib > MEMORY_PAGE_KIB)
			add_need(needs, &n, m->devices[i].page_kib,
			    m->devices[i].model == MEMDEV_VIRTIO_MEM ? m->devices[i].requested_kib
			                                             : m->devices[i].size_kib);
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = check_huge(d, needs[i].page_kib, needs[i].kib, err);
	free(needs);
	return rc;
}

/* --- files --- */
static int write_secret(const char *dir, const char *name, const char *text, struct err *err)
{
	CLEANUP_FREE char *path = xasprintf("%s/%s", dir, name);
	return text == NULL ? 0 : file_write_atomic(path, text, strlen(text), 0600, err);
}

static int prepare_sev(const struct domain *d, const struct argv_in *in, struct err *err)
{
	if (!d->security.sev)
		return 0;
	if (access("/dev/sev", R_OK | W_OK) < 0)
		return err_set(err, ERR_UNSUPPORTED,
		    "domain '%s': <launchSecurity>: this host has no SEV (/dev/sev: %s)", d->name,
		    strerror(errno));
	if (write_secret(in->run_dir, ARGV_SEV_CERT, d->security.dh_cert, err) < 0)
		return -1;
	return write_secret(in->run_dir, ARGV_SEV_SESSION, d->security.session, err);
}

static int check_sgx(const struct domain *d, struct err *err)
{
	for (size_t i = 0; i < d->memory.n_devices; i++)
		if (d->memory.devices[i].model == MEMDEV_SGX_EPC &&
		    access("/dev/sgx_vepc", R_OK | W_OK) < 0)
			return err_set(err, ERR_UNSUPPORTED,
			    "domain '%s': <memory model='sgx-epc'>: this host has no SGX (/dev/sgx_vepc: %s)",
			    d->name, strerror(errno));
	return 0;
}

static int check_file(
    const struct domain *d, const char *element, const char *path, struct err *err)
{
	if (path == NULL || access(path, R_OK) == 0)
		return 0;
	return err_errno(err, errno, "domain '%s': <%s>: cannot read '%s'", d->name, element, path);
}

static int check_files(const struct domain *d, struct err *err)
{
	for (size_t i = 0; i < d->os.n_tables; i++)
		if (check_file(d, "table", d->os.tables[i].path, err) < 0)
			return -1;
	for (size_t i = 0; i < d->os.n_fwcfg; i++)
		if (check_file(d, "entry", d->os.fwcfg[i].file, err) < 0)
			return -1;
	return 0;
}

static bool has_memory_files(const struct domain *d)
{
	return d->memory.source == MEMORY_SOURCE_FILE && !d->memory.hugepages;
}

int argv_host_prepare(const struct argv_host *x, const struct home *h, const struct domain *d,
    const struct argv_in *in, struct err *err)
{
	if (check_numa(d, err) < 0 || check_hugepages(d, err) < 0 || check_files(d, err) < 0 ||
	    check_sgx(d, err) < 0 || prepare_sev(d, in, err) < 0)
		return -1;
	if (has_memory_files(d) && home_mkdir(h, x->ram_dir, err) < 0)
		return -1;
	return firmware_prepare(&x->firmware, h, err);
}
