/* QMP's answers into the status page. Everything in them is checked: a guest may have taken QEMU
 * over. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/jsonl.h"
#include "core/str.h"
#include "kvm/sampler.h"

static uint64_t count_of(struct json_object *o, const char *key)
{
	int64_t v = json_get_int(o, key, 0);
	return v < 0 ? 0 : (uint64_t)v;
}

void sampler_cpus(struct sampler *s, struct json_object *list)
{
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	for (unsigned i = 0; i < s->n_vcpus; i++)
		close(s->vcpu_fd[i]);
	s->n_vcpus = 0;
	s->look = true;
	for (size_t i = 0; i < n && s->n_vcpus < STATUS_VCPUS_MAX && s->pid != 0; i++) {
		char path[96];
		int64_t tid = json_get_int(json_object_array_get_idx(list, i), "thread-id", -1);
		if (tid <= 0 || tid > INT32_MAX)
			continue;
		/* Under the process's own folder: a thread of anybody else is not found there. */
		snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", (int)s->pid, (int)tid);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			s->vcpu_fd[s->n_vcpus++] = fd;
	}
}

/* Is id one whole element of the path? "/machine/peripheral/virtio-disk0/virtio-backend" */
static bool path_has(const char *path, const char *id)
{
	size_t n = strlen(id);
	for (const char *at = path; n > 0 && (at = strstr(at, id)) != NULL; at += n)
		if ((at == path || at[-1] == '/') && (at[n] == '\0' || at[n] == '/'))
			return true;
	return false;
}

static struct status_disk *find_disk(
    const struct sampler *s, struct status_page *p, struct json_object *block)
{
	const char *qdev = json_get_str(block, "qdev"), *device = json_get_str(block, "device");
	for (unsigned i = 0; i < p->disks && i < STATUS_DISKS_MAX; i++)
		if ((qdev != NULL && path_has(qdev, s->disk_id[i])) ||
		    (device != NULL && path_has(device, s->disk_id[i])))
			return &p->disk[i];
	return NULL;
}

static void take_disk(struct status_disk *d, struct json_object *stats)
{
	d->rd_bytes = count_of(stats, "rd_bytes");
	d->wr_bytes = count_of(stats, "wr_bytes");
	d->rd_ops = count_of(stats, "rd_operations");
	d->wr_ops = count_of(stats, "wr_operations");
	d->fl_ops = count_of(stats, "flush_operations");
	d->rd_ns = count_of(stats, "rd_total_time_ns");
	d->wr_ns = count_of(stats, "wr_total_time_ns");
	d->fl_ns = count_of(stats, "flush_total_time_ns");
	d->rd_failed = count_of(stats, "failed_rd_operations");
	d->wr_failed = count_of(stats, "failed_wr_operations");
	d->fl_failed = count_of(stats, "failed_flush_operations");
}

static uint32_t rate_kib(uint64_t from, uint64_t to, uint64_t ns)
{
	uint64_t kib =
	    to < from || ns == 0 ? 0 : (uint64_t)((double)(to - from) / 1024 * 1e9 / (double)ns);
	return kib > UINT32_MAX ? UINT32_MAX : (uint32_t)kib;
}

void sampler_blocks(struct sampler *s, uint64_t now, struct json_object *list)
{
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	uint64_t rd = 0, wr = 0;
	struct status_page *p = status_begin(s->page);
	for (size_t i = 0; i < n; i++) {
		struct json_object *block = json_object_array_get_idx(list, i);
		struct json_object *stats = json_get_obj(block, "stats");
		struct status_disk *d = find_disk(s, p, block);
		rd += count_of(stats, "rd_bytes");
		wr += count_of(stats, "wr_bytes");
		if (d != NULL && stats != NULL)
			take_disk(d, stats);
	}
	status_end(s->page);
	if (s->counters_ns != 0) {
		s->rd_kib = rate_kib(s->rd_bytes, rd, now - s->counters_ns);
		s->wr_kib = rate_kib(s->wr_bytes, wr, now - s->counters_ns);
	}
	s->counters_ns = now;
	s->rd_bytes = rd;
	s->wr_bytes = wr;
}

void sampler_balloon(struct sampler *s, struct json_object *answer)
{
	uint64_t actual = count_of(answer, "actual");
	struct status_page *p = status_begin(s->page);
	p->balloon_kib = actual / 1024;
	status_end(s->page);
}

/* Source: QEMU, docs/interop/virtio-balloon-stats; -1 stands for "not told". */
void sampler_guest_stats(struct sampler *s, struct json_object *answer)
{
	struct json_object *stats = json_get_obj(answer, "stats");
	if (stats == NULL || json_get_int(answer, "last-update", 0) == 0)
		return;
	struct status_page *p = status_begin(s->page);
	p->guest_free_kib = count_of(stats, "stat-free-memory") / 1024;
	p->guest_available_kib = count_of(stats, "stat-available-memory") / 1024;
	status_end(s->page);
}
