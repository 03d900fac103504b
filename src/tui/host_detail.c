#include "tui/host_detail.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/str.h"

#define TEXT_MAX 16384 /* of cpuinfo the beginning will do */

/* The beginning of a small file; "" when it cannot be read. */
static const char *text_of(const char *root, const char *path, char out[TEXT_MAX])
{
	char whole[PATH_MAX];
	ssize_t n = -1;
	snprintf(whole, sizeof(whole), "%s%s", root, path);
	CLEANUP_CLOSE int fd = open(whole, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0)
		n = read(fd, out, TEXT_MAX - 1);
	out[n > 0 ? n : 0] = '\0';
	return out;
}

static uint64_t number_of(const char *root, const char *path)
{
	char text[TEXT_MAX];
	return strtoull(text_of(root, path, text), NULL, 10);
}

/* "Name:   123 kB" → 123; 0 when it is not there. */
static uint64_t field(const char *text, const char *name)
{
	const char *p = strstr(text, name);
	return p ? strtoull(p + strlen(name), NULL, 10) : 0;
}

/* "some avg10=1.23 avg60=…" → 123, by hand: a locale has no say in it. */
static uint32_t average(const char *text, const char *word)
{
	const char *p = strstr(text, word);
	unsigned whole = 0, part = 0;
	p = p ? strstr(p, "avg10=") : NULL;
	if (!p || sscanf(p, "avg10=%u.%2u", &whole, &part) < 1)
		return 0;
	return (whole > 100 ? 100 : whole) * 100 + part;
}

static void read_pressure(const char *root, const char *path, struct host_pressure *p)
{
	char text[TEXT_MAX];
	text_of(root, path, text);
	p->known = strstr(text, "avg10=") != NULL;
	p->some = average(text, "some");
	p->full = average(text, "full");
}

static void read_cpus(const char *root, struct host_detail *h)
{
	char text[TEXT_MAX];
	const char *p = strstr(text_of(root, "/proc/cpuinfo", text), "model name");
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	h->cpus = online > 0 ? (unsigned)online : 1;
	p = p ? strchr(p, ':') : NULL;
	if (p) {
		CLEANUP_FREE char *shown =
		    str_printable(p + 2, strcspn(p + 2, "\n"), sizeof(h->model) - 1);
		snprintf(h->model, sizeof(h->model), "%s", shown);
	}
}

static void read_nodes(const char *root, struct host_detail *h)
{
	char text[TEXT_MAX], path[96];
	for (unsigned id = 0; id < 1024 && h->n_nodes < HOST_NODES_MAX; id++) {
		struct host_node *n = &h->nodes[h->n_nodes];
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/meminfo", id);
		if (!*text_of(root, path, text)) {
			if (id > h->n_nodes + 64) /* numbers may have gaps, but not such */
				break;
			continue;
		}
		n->id = id;
		n->total_kib = field(text, "MemTotal:");
		n->free_kib = field(text, "MemFree:");
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/cpulist", id);
		text_of(root, path, text);
		text[strcspn(text, "\n")] = '\0';
		snprintf(n->cpus, sizeof(n->cpus), "%.39s", text);
		h->n_nodes++;
	}
}

static void read_pages(const char *root, struct host_detail *h)
{
	static const unsigned sizes[HOST_SIZES_MAX] = {2048, 1048576, 65536, 16384};
	char path[96], text[TEXT_MAX];
	for (unsigned i = 0; i < HOST_SIZES_MAX; i++) {
		struct host_pages *p = &h->pages[h->n_pages];
		snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%ukB/nr_hugepages",
		    sizes[i]);
		if (!*text_of(root, path, text))
			continue;
		p->size_kib = sizes[i];
		p->total = strtoull(text, NULL, 10);
		snprintf(path, sizeof(path),
		    "/sys/kernel/mm/hugepages/hugepages-%ukB/free_hugepages", sizes[i]);
		p->free = number_of(root, path);
		h->n_pages++;
	}
	text_of(root, "/sys/kernel/mm/transparent_hugepage/enabled", text);
	const char *open = strchr(text, '[');
	if (open)
		snprintf(h->thp, sizeof(h->thp), "%.*s", (int)strcspn(open + 1, "]"), open + 1);
}

static void read_kvm(const char *root, struct host_detail *h)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/dev/kvm", root);
	CLEANUP_CLOSE int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0)
		snprintf(h->kvm, sizeof(h->kvm), "/dev/kvm can be used");
	else
		snprintf(h->kvm, sizeof(h->kvm), "/dev/kvm: %s", strerror(errno));
}

void host_detail_read(struct host_detail *h, const char *root)
{
	char text[TEXT_MAX];
	memset(h, 0, sizeof(*h));
	read_cpus(root, h);
	read_nodes(root, h);
	read_pages(root, h);
	read_kvm(root, h);
	text_of(root, "/proc/meminfo", text);
	h->swap_kib = field(text, "SwapTotal:");
	h->swap_free_kib = field(text, "SwapFree:");
	h->ksm_pages = number_of(root, "/sys/kernel/mm/ksm/pages_sharing");
	read_pressure(root, "/proc/pressure/cpu", &h->cpu);
	read_pressure(root, "/proc/pressure/memory", &h->memory);
	read_pressure(root, "/proc/pressure/io", &h->io);
}
