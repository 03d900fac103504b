#include "disk/convert_target.h"

#include <stdlib.h>

#include "core/mem.h"
#include "disk/qcow2_build.h"
#include "disk/qcow2_create.h"

#define RAW_UNIT 4096u

/* --- raw --------------------------------------------------------------------------------------------- */

static int raw_finish(struct convert_target *t, const struct convert_item *item, struct err *err)
{
	if (item->empty)
		return disk_io_zero(t->io, item->guest, item->bytes, t->punch, err);
	for (size_t i = 0; i < item->n_runs; i++) {
		const struct convert_run *run = &item->runs[i];
		if (run->zero && t->zeroed)
			continue;
		int r = run->zero
		            ? disk_io_zero(t->io, item->guest + run->at, run->bytes, t->punch, err)
		            : disk_io_write_fresh(t->io, item->guest + run->at, item->buf + run->at,
		                  run->bytes, err);
		if (r < 0)
			return -1;
	}
	return 0;
}

static int raw_end(struct convert_target *t, struct err *err)
{
	return t->io->size >= t->size ? 0 : disk_io_resize(t->io, t->size, err);
}

struct convert_target *convert_target_raw(
    struct disk_io *io, uint64_t size, bool zeroed, bool punch)
{
	struct convert_target *t = xcalloc(1, sizeof(*t));
	t->unit = RAW_UNIT;
	t->tell_zeroes = !zeroed;
	t->finish = raw_finish;
	t->end = raw_end;
	t->io = io;
	t->size = size;
	t->zeroed = zeroed;
	t->punch = punch;
	return t;
}

/* --- a fresh qcow2 image ----------------------------------------------------------------------------- */

static int place_empty(
    struct convert_target *t, uint64_t guest, uint64_t bytes, uint64_t *host, struct err *err)
{
	uint64_t clusters = bytes / t->unit + (bytes % t->unit != 0);
	if (t->prealloc == IMG_PREALLOC_OFF)
		return t->backed ? qcow2_build_zero(t->build, guest, clusters, err) : 0;
	for (; clusters > 0; clusters--, guest += t->unit)
		if (qcow2_build_data(t->build, guest, host, err) < 0 ||
		    (t->prealloc == IMG_PREALLOC_FULL || !t->zeroed
		            ? disk_io_zero(qcow2_build_file(t->build), *host, t->unit,
		                  t->prealloc == IMG_PREALLOC_METADATA, err)
		            : 0) < 0)
			return -1;
	return 0;
}

static int place_unit(
    struct convert_target *t, struct convert_item *item, size_t i, struct err *err)
{
	uint64_t guest = item->guest + (uint64_t)i * t->unit;
	if (t->packs && item->packed_bytes[i] > 0)
		return qcow2_build_packed(
		    t->build, guest, item->packed + i * t->unit, item->packed_bytes[i], err);
	return qcow2_build_data(t->build, guest, &item->hosts[i], err);
}

/* hosts: UINT64_MAX where nothing is to be written. */
static int qcow2_place(struct convert_target *t, struct convert_item *item, struct err *err)
{
	uint64_t unused;
	if (item->empty)
		return place_empty(t, item->guest, item->bytes, &unused, err);
	size_t units = (size_t)((item->bytes + t->unit - 1) / t->unit), run = 0;
	for (size_t i = 0; i < units; i++) {
		size_t from = i * t->unit, to = from + t->unit;
		bool data = false;
		item->hosts[i] = UINT64_MAX;
		while (run < item->n_runs && item->runs[run].at + item->runs[run].bytes <= from)
			run++;
		for (size_t k = run; k < item->n_runs && item->runs[k].at < to; k++)
			data |= !item->runs[k].zero;
		int r = data ? place_unit(t, item, i, err)
		             : place_empty(t, item->guest + from, t->unit, &unused, err);
		if (r < 0)
			return -1;
	}
	return 0;
}

/* [from, to) of the item, as few writes as the clusters' places allow. */
static int write_range(struct convert_target *t, const struct convert_item *item, size_t from,
    size_t to, struct err *err)
{
	struct disk_io *io = qcow2_build_file(t->build);
	while (from < to) {
		size_t i = from / t->unit, end = (i + 1) * t->unit;
		if (item->hosts[i] == UINT64_MAX) {
			from = end;
			continue;
		}
		while (
		    end < to && item->hosts[end / t->unit] == item->hosts[i] + (end - i * t->unit))
			end += t->unit;
		end = end < to ? end : to;
		if (disk_io_write_fresh(
		        io, item->hosts[i] + from % t->unit, item->buf + from, end - from, err) < 0)
			return -1;
		from = end;
	}
	return 0;
}

static int qcow2_finish(struct convert_target *t, const struct convert_item *item, struct err *err)
{
	if (item->empty)
		return 0;
	/* On a device, what was there before stands between the runs. */
	if (!t->zeroed)
		return write_range(
		    t, item, 0, (size_t)((item->bytes + t->unit - 1) / t->unit * t->unit), err);
	for (size_t i = 0; i < item->n_runs; i++) {
		const struct convert_run *run = &item->runs[i];
		if (!run->zero && write_range(t, item, run->at, run->at + run->bytes, err) < 0)
			return -1;
	}
	return 0;
}

static int qcow2_end(struct convert_target *t, struct err *err)
{
	if (qcow2_build_end(t->build, err) < 0)
		return -1;
	if (t->data && t->data->size < t->size && disk_io_resize(t->data, t->size, err) < 0)
		return -1;
	struct disk_io *io = qcow2_build_file(t->build);
	if (t->prealloc < IMG_PREALLOC_FALLOC || io->block)
		return 0;
	return disk_io_allocate(io, 0, io->size, err);
}

struct convert_target *convert_target_qcow2(struct disk_io *io, struct disk_io *data,
    const struct qcow2_options *o, bool pack, struct err *err)
{
	struct qcow2_build *build = qcow2_build_new(io, data, err);
	if (!build)
		return NULL;
	struct convert_target *t = xcalloc(1, sizeof(*t));
	t->unit = (uint32_t)qcow2_build_cluster(build);
	t->packs = pack;
	t->compression = qcow2_build_compression(build);
	t->place = qcow2_place;
	t->finish = qcow2_finish;
	t->end = qcow2_end;
	t->io = io;
	t->data = data;
	t->build = build;
	t->size = o->size;
	t->backed = o->backing != NULL;
	t->prealloc = o->prealloc;
	t->zeroed = !qcow2_build_file(build)->block;
	t->tell_zeroes = t->backed || t->prealloc != IMG_PREALLOC_OFF;
	return t;
}

/* --- an image that exists ---------------------------------------------------------------------------- */

/* One after the other: an image's tables are one thread's. */
static int img_place(struct convert_target *t, struct convert_item *item, struct err *err)
{
	if (item->empty)
		return img_zero(t->img, item->guest, item->bytes, !t->punch, err);
	for (size_t i = 0; i < item->n_runs; i++) {
		const struct convert_run *run = &item->runs[i];
		if (run->zero && t->zeroed)
			continue;
		int r = run->zero
		            ? img_zero(t->img, item->guest + run->at, run->bytes, !t->punch, err)
		            : img_write(t->img, item->guest + run->at, item->buf + run->at,
		                  run->bytes, err);
		if (r < 0)
			return -1;
	}
	return 0;
}

static int img_end(struct convert_target *t, struct err *err)
{
	return img_flush(t->img, err);
}

struct convert_target *convert_target_img(struct img *im, bool zeroed, bool punch)
{
	struct convert_target *t = xcalloc(1, sizeof(*t));
	t->unit = im->cluster > RAW_UNIT ? im->cluster : RAW_UNIT;
	t->tell_zeroes = !zeroed;
	t->place = img_place;
	t->end = img_end;
	t->img = im;
	t->size = im->size;
	t->zeroed = zeroed;
	t->punch = punch;
	return t;
}

void convert_target_free(struct convert_target *t)
{
	if (!t)
		return;
	qcow2_build_free(t->build);
	free(t);
}
