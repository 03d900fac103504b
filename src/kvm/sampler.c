#include "kvm/sampler.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/timestamp.h"

#define NS 1000000000ull

static uint32_t clamp32(uint64_t v)
{
	return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

static void shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void sampler_init(struct sampler *s, struct status_writer *page, const char *watch_path)
{
	memset(s, 0, sizeof(*s));
	s->page = page;
	s->watch_path = xstrdup(watch_path);
	s->watch_fd = s->statm_fd = s->stat_fd = -1;
}

void sampler_fini(struct sampler *s)
{
	sampler_detach(s);
	shut(&s->watch_fd);
	free(s->watch_path);
	s->watch_path = NULL;
}

static int open_proc(pid_t pid, const char *file)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	return open(path, O_RDONLY | O_CLOEXEC);
}

void sampler_attach(struct sampler *s, pid_t pid)
{
	sampler_detach(s);
	s->pid = pid;
	if (clock_getcpuclockid(pid, &s->clock) != 0)
		s->pid = 0;
	s->statm_fd = open_proc(pid, "statm");
	s->stat_fd = open_proc(pid, "stat");
	s->last_ns = s->last_cpu_ns = 0;
	s->look = true;
	s->counters_ns = 0;
	s->rd_kib = s->wr_kib = 0;
}

void sampler_detach(struct sampler *s)
{
	for (unsigned i = 0; i < s->n_vcpus; i++)
		shut(&s->vcpu_fd[i]);
	s->n_vcpus = 0;
	shut(&s->statm_fd);
	shut(&s->stat_fd);
	s->pid = 0;
	s->stopped_ns = 0;
	s->cpu_permille = 0;
}

void sampler_disk(struct sampler *s, unsigned i, const char *id)
{
	if (i < STATUS_DISKS_MAX)
		snprintf(s->disk_id[i], sizeof(s->disk_id[i]), "%s", id);
}

/* --- reading --- */

static bool due(uint64_t *at, uint64_t now, uint64_t every_s)
{
	/* Half a second of slack: ticks are not exactly a second apart. */
	if (*at != 0 && now - *at + NS / 2 < every_s * NS)
		return false;
	*at = now;
	return true;
}

static ssize_t read_text(int fd, char *out, size_t size)
{
	ssize_t n = fd < 0 ? -1 : pread(fd, out, size - 1, 0);
	out[n > 0 ? n : 0] = '\0';
	return n;
}

static uint64_t read_cpu(const struct sampler *s)
{
	struct timespec ts;
	if (s->pid == 0 || clock_gettime(s->clock, &ts) != 0)
		return s->last_cpu_ns;
	return (uint64_t)ts.tv_sec * NS + (uint64_t)ts.tv_nsec;
}

static uint64_t read_rss_kib(const struct sampler *s)
{
	char text[128];
	unsigned long size = 0, resident = 0;
	if (read_text(s->statm_fd, text, sizeof(text)) <= 0 ||
	    sscanf(text, "%lu %lu", &size, &resident) != 2)
		return 0;
	return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

/* proc(5), /proc/PID/stat: fields 3 (state), 14 (utime) and 15 (stime). */
static void read_stat(struct sampler *s, uint64_t now, struct status_page *p)
{
	char text[512];
	unsigned long long user = 0, system = 0;
	if (read_text(s->stat_fd, text, sizeof(text)) <= 0)
		return;
	const char *at = strrchr(text, ')');
	if (at == NULL || at[1] != ' ')
		return;
	if (at[2] != 'T')
		s->stopped_ns = 0;
	else if (s->stopped_ns == 0)
		s->stopped_ns = now;
	if (!s->times_stale || sscanf(at + 3, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu",
	                           &user, &system) != 2)
		return;
	s->times_stale = false;
	uint64_t tick = NS / (uint64_t)sysconf(_SC_CLK_TCK);
	p->user_ns = user * tick;
	p->system_ns = system * tick;
}

bool sampler_stopped(const struct sampler *s)
{
	char text[512];
	if (read_text(s->stat_fd, text, sizeof(text)) <= 0)
		return false;
	const char *at = strrchr(text, ')');
	return at != NULL && strncmp(at, ") T", 3) == 0;
}

static void read_vcpus(const struct sampler *s, struct status_page *p)
{
	char text[96];
	for (unsigned i = 0; i < s->n_vcpus; i++)
		if (read_text(s->vcpu_fd[i], text, sizeof(text)) > 0)
			p->vcpu_ns[i] = strtoull(text, NULL, 10);
}

/* What a process that did not run since the last tick cannot have changed is not read again: most of what the second of an
 * idle guest costs. Its memory may still be swapped out, and it may be stopped. */
static void read_figures(struct sampler *s, uint64_t now, bool ran, struct status_page *p)
{
	if (due(&s->rss_at_ns, now, ran ? 1 : SAMPLER_RSS_S))
		s->rss_kib = read_rss_kib(s);
	p->rss_kib = s->rss_kib;
	if (ran) {
		read_vcpus(s, p);
		s->times_stale = true;
	}
	if (due(&s->state_at_ns, now, SAMPLER_STATE_S))
		read_stat(s, now, p);
}

bool sampler_watched(struct sampler *s, uint64_t now)
{
	uint64_t then = 0;
	/* Made by whoever is first: to read a file that is open costs less than to look for one that is not there. */
	if (s->watch_fd < 0)
		s->watch_fd = open(
		    s->watch_path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0660);
	return s->watch_fd >= 0 &&
	       pread(s->watch_fd, &then, sizeof(then), 0) == (ssize_t)sizeof(then) && then <= now &&
	       now - then < STATUS_WATCH_NS;
}

/* --- history --- */

static void add_minute(struct sampler *s, struct status_page *p, const struct status_sample *x)
{
	s->minute.cpu += x->cpu_permille;
	s->minute.mem += x->mem_mib;
	s->minute.rd += x->rd_kib;
	s->minute.wr += x->wr_kib;
	if (++s->minute.n < 60)
		return;
	struct status_sample *m = &p->minutes[p->minutes_count++ % STATUS_MINUTES];
	*m = (struct status_sample){.cpu_permille = clamp32(s->minute.cpu / s->minute.n),
	    .mem_mib = clamp32(s->minute.mem / s->minute.n),
	    .rd_kib = clamp32(s->minute.rd / s->minute.n),
	    .wr_kib = clamp32(s->minute.wr / s->minute.n)};
	memset(&s->minute, 0, sizeof(s->minute));
}

static void add_second(struct sampler *s, struct status_page *p, uint64_t rss_kib)
{
	struct status_sample x = {.cpu_permille = s->cpu_permille,
	    .mem_mib = clamp32(rss_kib / 1024),
	    .rd_kib = s->rd_kib,
	    .wr_kib = s->wr_kib};
	p->seconds[p->seconds_count++ % STATUS_SECONDS] = x;
	p->seconds_ns = timestamp_ns();
	add_minute(s, p, &x);
}

unsigned sampler_tick(struct sampler *s, uint64_t now, uint64_t owed_ns)
{
	unsigned want = 0;
	uint64_t cpu = read_cpu(s);
	bool ran = s->look || cpu != s->last_cpu_ns;
	if (s->last_ns != 0 && now > s->last_ns && cpu >= s->last_cpu_ns)
		s->cpu_permille = clamp32((cpu - s->last_cpu_ns) * 1000 / (now - s->last_ns));
	s->last_ns = now;
	s->last_cpu_ns = cpu;
	s->look = false;
	bool watched = s->pid != 0 && sampler_watched(s, now);
	struct status_page *p = status_begin(s->page);
	if (s->pid != 0) {
		p->cpu_ns = cpu;
		read_figures(s, now, ran, p);
	}
	p->beat_ns = now;
	p->qmp_wait_ns = s->stopped_ns != 0 && (owed_ns == 0 || s->stopped_ns < owed_ns)
	                     ? s->stopped_ns
	                     : owed_ns;
	add_second(s, p, s->pid != 0 ? s->rss_kib : 0);
	status_end(s->page);
	if (s->pid == 0 || s->stopped_ns != 0)
		return 0;
	uint64_t every = watched                                   ? 1
	                 : s->cpu_permille < SAMPLER_IDLE_PERMILLE ? SAMPLER_COUNTERS_IDLE_S
	                                                           : SAMPLER_COUNTERS_S;
	if (due(&s->counters_at_ns, now, every))
		want |= SAMPLER_WANT_COUNTERS;
	if (watched && due(&s->balloon_at_ns, now, SAMPLER_BALLOON_S))
		want |= SAMPLER_WANT_BALLOON;
	return want;
}
