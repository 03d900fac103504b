#include "core/node.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/str.h"

#define PROC_MAX (16u << 20) /* bytes; /proc/cpuinfo of 4,096 processors has 6 MiB */

/* A small file of one line without its line end; NULL when it is not there. */
static char *line_of(const char *root, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static char *line_of(const char *root, const char *fmt, ...)
{
	va_list ap;
	CLEANUP_BUF struct buf text = BUF_INIT;
	va_start(ap, fmt);
	CLEANUP_FREE char *name = xvasprintf(fmt, ap);
	va_end(ap);
	CLEANUP_FREE char *path = xasprintf("%s%s", root, name);
	if (file_read(path, 65536, &text, NULL) < 0 || !text.data)
		return NULL;
	text.data[strcspn(text.data, "\n")] = '\0';
	return buf_take(&text);
}

static unsigned number_or(char *text, unsigned absent)
{
	CLEANUP_FREE char *mine = text;
	uint64_t n = absent;
	if (mine)
		(void)str_u64(mine, UINT32_MAX, &n);
	return (unsigned)n;
}

/* --- lists of processors: "0-3,8" --- */
/* Calls fn for each number below max. */
static void each_of(const char *list, unsigned max,
    void (*fn)(struct node *n, unsigned i, unsigned arg), struct node *node, unsigned arg)
{
	while (list && isdigit((unsigned char)*list)) {
		char *end;
		unsigned long from = strtoul(list, &end, 10), to = from;
		if (*end == '-')
			to = strtoul(end + 1, &end, 10);
		for (unsigned long i = from; i <= to && i < max; i++)
			fn(node, (unsigned)i, arg);
		list = *end == ',' ? end + 1 : NULL;
	}
}

static void set_present(struct node *n, unsigned i, unsigned arg)
{
	(void)arg;
	if (i >= n->n_cpus) {
		n->cpus = xreallocarray(n->cpus, i + 1u, sizeof(*n->cpus));
		memset(&n->cpus[n->n_cpus], 0, (i + 1u - n->n_cpus) * sizeof(*n->cpus));
		n->n_cpus = i + 1u;
	}
	n->cpus[i].present = true;
}

static void set_online(struct node *n, unsigned i, unsigned arg)
{
	(void)arg;
	if (i < n->n_cpus)
		n->cpus[i].online = true;
}

static void set_cell(struct node *n, unsigned i, unsigned cell)
{
	if (i < n->n_cpus)
		n->cpus[i].cell = cell;
}

#define CPU "/sys/devices/system/cpu"

static void read_cpus(const char *root, struct node *n)
{
	CLEANUP_FREE char *present = line_of(root, CPU "/present");
	CLEANUP_FREE char *online = line_of(root, CPU "/online");
	each_of(present ? present : "0", NODE_CPUS_MAX, set_present, n, 0);
	each_of(online ? online : present ? present : "0", NODE_CPUS_MAX, set_online, n, 0);
	for (unsigned i = 0; i < n->n_cpus; i++) {
		struct node_cpu *c = &n->cpus[i];
		if (!c->online)
			continue;
		/* -1 where a machine does not say: not a number, so 0. */
		c->socket =
		    number_or(line_of(root, CPU "/cpu%u/topology/physical_package_id", i), 0);
		c->die = number_or(line_of(root, CPU "/cpu%u/topology/die_id", i), 0);
		c->core = number_or(line_of(root, CPU "/cpu%u/topology/core_id", i), i);
		CLEANUP_FREE char *list =
		    line_of(root, CPU "/cpu%u/topology/thread_siblings_list", i);
		if (list)
			snprintf(c->siblings, sizeof(c->siblings), "%s", list);
		else
			snprintf(c->siblings, sizeof(c->siblings), "%u", i);
	}
}

/* --- memory --- */
/* "NAME: 123 kB" in a text of such lines, whatever stands before NAME. */
static uint64_t kib_of(const char *text, const char *name)
{
	const char *at = text ? strstr(text, name) : NULL;
	return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

static int read_memory(const char *root, struct node *n, struct err *err)
{
	CLEANUP_FREE char *path = xasprintf("%s/proc/meminfo", root);
	CLEANUP_BUF struct buf text = BUF_INIT;
	if (file_read(path, PROC_MAX, &text, err) < 0)
		return -1;
	n->memory_kib = kib_of(text.data, "MemTotal:");
	n->free_kib = kib_of(text.data, "MemFree:");
	n->buffers_kib = kib_of(text.data, "Buffers:");
	n->cached_kib = kib_of(text.data, "\nCached:");
	return 0;
}

static void add_pages(const char *root, const char *dir, struct node_cell *cell)
{
	CLEANUP_FREE char *path = xasprintf("%s%s", root, dir);
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));) {
		uint64_t kib = 0;
		if (!str_prefix(e->d_name, "hugepages-") || cell->n_pages == NODE_PAGE_SIZES_MAX)
			continue;
		CLEANUP_FREE char *digits = xstrdup(e->d_name + strlen("hugepages-"));
		digits[strcspn(digits, "k")] = '\0';
		if (str_u64(digits, UINT32_MAX, &kib) < 0 || kib == 0)
			continue;
		struct node_pages *p = &cell->pages[cell->n_pages++];
		p->size_kib = kib;
		p->total = number_or(line_of(root, "%s/%s/nr_hugepages", dir, e->d_name), 0);
		p->free = number_or(line_of(root, "%s/%s/free_hugepages", dir, e->d_name), 0);
	}
	if (d)
		closedir(d);
}

static int by_size(const void *pa, const void *pb)
{
	const struct node_pages *a = pa, *b = pb;
	return a->size_kib < b->size_kib ? -1 : a->size_kib > b->size_kib;
}

/* libvirt's way: the normal pages are what the huge ones leave. */
static void finish_pages(struct node_cell *cell)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE) / 1024, huge = 0;
	for (size_t i = 0; i < cell->n_pages; i++)
		huge += cell->pages[i].total * cell->pages[i].size_kib;
	if (cell->n_pages == NODE_PAGE_SIZES_MAX)
		cell->n_pages--;
	struct node_pages *p = &cell->pages[cell->n_pages++];
	p->size_kib = page;
	p->total = cell->memory_kib > huge ? (cell->memory_kib - huge) / page : 0;
	p->free = cell->free_kib / page;
	qsort(cell->pages, cell->n_pages, sizeof(*cell->pages), by_size);
}

static void add_cell(struct node *n, unsigned id, unsigned arg)
{
	(void)arg;
	n->cells = xreallocarray(n->cells, n->n_cells + 1, sizeof(*n->cells));
	n->cells[n->n_cells++] = (struct node_cell){.id = id};
}

#define NODE "/sys/devices/system/node"

static void read_cells(const char *root, struct node *n)
{
	CLEANUP_FREE char *online = line_of(root, NODE "/online");
	each_of(online, NODE_CELLS_MAX, add_cell, n, 0);
	for (size_t i = 0; i < n->n_cells; i++) {
		struct node_cell *c = &n->cells[i];
		CLEANUP_FREE char *path = xasprintf("%s" NODE "/node%u/meminfo", root, c->id);
		CLEANUP_FREE char *dir = xasprintf(NODE "/node%u/hugepages", c->id);
		CLEANUP_FREE char *cpus = line_of(root, NODE "/node%u/cpulist", c->id);
		CLEANUP_BUF struct buf text = BUF_INIT;
		if (file_read(path, PROC_MAX, &text, NULL) == 0) {
			c->memory_kib = kib_of(text.data, "MemTotal:");
			c->free_kib = kib_of(text.data, "MemFree:");
		}
		each_of(cpus, NODE_CPUS_MAX, set_cell, n, c->id);
		add_pages(root, dir, c);
		finish_pages(c);
	}
	/* A kernel without NUMA is one cell. */
	if (n->n_cells == 0) {
		add_cell(n, 0, 0);
		n->cells[0].memory_kib = n->memory_kib;
		n->cells[0].free_kib = n->free_kib;
		add_pages(root, "/sys/kernel/mm/hugepages", &n->cells[0]);
		finish_pages(&n->cells[0]);
	}
}

/* --- processors in words --- */
/* The value of "name<tab>: value" in /proc/cpuinfo's first paragraph; on the heap, NULL none. */
static char *cpuinfo_value(const char *text, const char *name)
{
	size_t n = strlen(name);
	for (const char *s = text; s && *s && *s != '\n'; s = strchr(s, '\n'), s += s != NULL) {
		const char *at = s + n;
		if (strncmp(s, name, n) != 0)
			continue;
		at += strspn(at, " \t");
		if (*at != ':')
			continue;
		at++;
		at += strspn(at, " ");
		return xstrndup(at, strcspn(at, "\n"));
	}
	return NULL;
}

static void copy_value(char *out, size_t size, const char *text, const char *name)
{
	CLEANUP_FREE char *value = cpuinfo_value(text, name);
	CLEANUP_FREE char *shown = value ? str_printable(value, strlen(value), size - 1) : NULL;
	snprintf(out, size, "%s", shown ? shown : "");
}

static void read_words(const char *root, struct node *n)
{
	struct utsname u;
	CLEANUP_FREE char *path = xasprintf("%s/proc/cpuinfo", root);
	CLEANUP_BUF struct buf text = BUF_INIT;
	snprintf(n->arch, sizeof(n->arch), "%.31s", uname(&u) == 0 ? u.machine : "unknown");
	(void)file_read(path, PROC_MAX, &text, NULL);
	copy_value(n->vendor, sizeof(n->vendor), text.data, "vendor_id");
	copy_value(n->model, sizeof(n->model), text.data, "model name");
	CLEANUP_FREE char *mhz = cpuinfo_value(text.data, "cpu MHz");
	CLEANUP_FREE char *microcode = cpuinfo_value(text.data, "microcode");
	CLEANUP_FREE char *flags = cpuinfo_value(text.data, "flags");
	if (!flags)
		flags = cpuinfo_value(text.data, "Features");
	n->mhz = mhz ? (unsigned)strtoul(mhz, NULL, 10) : 0;
	n->microcode = microcode ? (unsigned)strtoul(microcode, NULL, 0) : 0;
	n->flags = xasprintf(" %s ", flags ? flags : "");
}

int node_read(const char *root, struct node *n, struct err *err)
{
	memset(n, 0, sizeof(*n));
	if (read_memory(root, n, err) < 0)
		return -1;
	read_words(root, n);
	read_cpus(root, n);
	read_cells(root, n);
	return 0;
}

void node_fini(struct node *n)
{
	free(n->flags);
	free(n->cpus);
	free(n->cells);
	memset(n, 0, sizeof(*n));
}

bool node_has_flag(const struct node *n, const char *flag)
{
	CLEANUP_FREE char *word = xasprintf(" %s ", flag);
	return n->flags && strstr(n->flags, word) != NULL;
}

/* --- topology --- */
/* How many different values the online processors of a cell (or of one of its sockets) have. */
static unsigned count_different(const struct node *n, unsigned cell, int socket)
{
	unsigned found = 0;
	for (size_t i = 0; i < n->n_cpus; i++) {
		const struct node_cpu *c = &n->cpus[i];
		bool first =
		    c->online && c->cell == cell && (socket < 0 || c->socket == (unsigned)socket);
		for (size_t k = 0; first && k < i; k++) {
			const struct node_cpu *o = &n->cpus[k];
			if (!o->online || o->cell != cell)
				continue;
			first = socket < 0 ? o->socket != c->socket
			                   : o->socket != c->socket || o->die != c->die ||
			                         o->core != c->core;
		}
		found += first;
	}
	return found;
}

static void max_of(unsigned *most, unsigned n)
{
	*most = n > *most ? n : *most;
}

struct node_topology node_topology(const struct node *n)
{
	struct node_topology t = {.cells = (unsigned)n->n_cells};
	for (size_t i = 0; i < n->n_cells; i++)
		max_of(&t.sockets, count_different(n, n->cells[i].id, -1));
	for (size_t i = 0; i < n->n_cpus; i++) {
		const struct node_cpu *c = &n->cpus[i];
		unsigned threads = 0;
		if (!c->online)
			continue;
		t.cpus++;
		for (size_t k = 0; k < n->n_cpus; k++)
			threads += n->cpus[k].online && n->cpus[k].socket == c->socket &&
			           n->cpus[k].die == c->die && n->cpus[k].core == c->core;
		max_of(&t.threads, threads);
		if (i == 0 || n->cpus[i - 1].socket != c->socket)
			max_of(&t.cores, count_different(n, c->cell, (int)c->socket));
	}
	if (t.cells * t.sockets * t.cores * t.threads != t.cpus)
		t = (struct node_topology){t.cpus, 1, 1, t.cpus, 1};
	return t;
}

/* --- times --- */
/* proc(5), /proc/stat: user nice system idle iowait irq softirq, in clock ticks. */
static bool parse_times(const char *line, struct node_times *t)
{
	unsigned long long v[7];
	uint64_t tick = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
	if (sscanf(line, "%*s %llu %llu %llu %llu %llu %llu %llu", &v[0], &v[1], &v[2], &v[3],
	        &v[4], &v[5], &v[6]) != 7)
		return false;
	t->user_ns = (v[0] + v[1]) * tick;
	t->system_ns = (v[2] + v[5] + v[6]) * tick;
	t->idle_ns = v[3] * tick;
	t->iowait_ns = v[4] * tick;
	return true;
}

int node_times(const char *root, int cpu, struct node_times *t, struct err *err)
{
	CLEANUP_FREE char *path = xasprintf("%s/proc/stat", root);
	CLEANUP_FREE char *name = cpu < 0 ? xstrdup("cpu ") : xasprintf("cpu%d ", cpu);
	CLEANUP_BUF struct buf text = BUF_INIT;
	if (file_read(path, PROC_MAX, &text, err) < 0)
		return -1;
	for (const char *s = text.data; s && *s; s = strchr(s, '\n'), s += s != NULL)
		if (str_prefix(s, name))
			return parse_times(s, t)
			           ? 0
			           : err_set(err, ERR_INVALID, "'%s' is not understood", path);
	return err_set(err, ERR_INVALID, "Invalid cpuNum: there is no online CPU %d", cpu);
}
