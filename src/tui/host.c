#include "tui/host.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tui/widgets.h"

int host_parse_stat(const char *text, uint64_t *busy, uint64_t *total)
{
	uint64_t v[8] = {0}; /* user nice system idle iowait irq softirq steal (proc(5)) */
	if (sscanf(text,
	        "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
	        " %" SCNu64 " %" SCNu64,
	        &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]) < 4)
		return -1;
	*busy = v[0] + v[1] + v[2] + v[5] + v[6];
	*total = *busy + v[3] + v[4] + v[7];
	return 0;
}

static int field(const char *text, const char *name, uint64_t *out)
{
	const char *p = strstr(text, name);
	return p && sscanf(p + strlen(name), " %" SCNu64, out) == 1 ? 0 : -1;
}

int host_parse_meminfo(const char *text, uint64_t *total_kib, uint64_t *available_kib)
{
	if (field(text, "MemTotal:", total_kib) < 0 ||
	    field(text, "MemAvailable:", available_kib) < 0)
		return -1;
	return *available_kib <= *total_kib ? 0 : -1;
}

static int read_text(int fd, char *out, size_t n)
{
	ssize_t got = fd < 0 ? -1 : pread(fd, out, n - 1, 0);
	if (got <= 0)
		return -1;
	out[got] = '\0';
	return 0;
}

void host_init(struct host *h)
{
	memset(h, 0, sizeof(*h));
	if (gethostname(h->name, sizeof(h->name) - 1) < 0)
		memcpy(h->name, "host", 5);
	h->name[strcspn(h->name, ".")] = '\0';
	h->stat_fd = open("/proc/stat", O_RDONLY | O_CLOEXEC);
	h->mem_fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	h->load_fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
	host_tick(h);
}

void host_fini(struct host *h)
{
	int fds[] = {h->stat_fd, h->mem_fd, h->load_fd};
	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static void cpu_tick(struct host *h, const char *text)
{
	uint64_t busy, total;
	if (host_parse_stat(text, &busy, &total) < 0)
		return;
	if (h->seen && total > h->total && busy >= h->busy) {
		h->cpu_permille = (uint32_t)((busy - h->busy) * 1000 / (total - h->total));
		memmove(h->history, h->history + 1, sizeof(h->history) - sizeof(h->history[0]));
		h->history[HOST_HISTORY - 1] = h->cpu_permille;
		h->samples++;
		h->cpu_shown = widget_steady(h->cpu_shown, h->cpu_permille, 20);
	}
	h->busy = busy;
	h->total = total;
	h->seen = true;
}

void host_tick(struct host *h)
{
	char text[2048]; /* what is asked for stands in the first lines of each */
	uint64_t whole, available;
	if (read_text(h->stat_fd, text, sizeof(text)) == 0)
		cpu_tick(h, text);
	if (read_text(h->mem_fd, text, sizeof(text)) == 0 &&
	    host_parse_meminfo(text, &whole, &available) == 0) {
		h->mem_kib = whole;
		h->mem_used_kib = whole - available;
	}
	if (read_text(h->load_fd, text, sizeof(text)) == 0) {
		unsigned a = 0, b = 0;
		if (sscanf(text, "%u.%u", &a, &b) == 2) /* by hand: a locale has no say in it */
			snprintf(h->load, sizeof(h->load), "%u.%u", a % 100000, b / 10 % 10);
	}
}
