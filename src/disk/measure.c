#include "disk/measure.h"

#include <string.h>

#include "disk/img_info.h"

#define BITMAP_ENTRY_BYTES 24u /* of the directory, before the name */

static uint64_t round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

/* Whole clusters of what does not read as zeroes. */
static int count_data(struct img *from, uint64_t cluster, uint64_t *data, struct err *err)
{
	struct img_extent e;
	uint64_t counted = 0; /* up to there, whole clusters */
	*data = 0;
	for (uint64_t at = 0; at < from->size; at += e.bytes) {
		if (img_map_chain(from, at, from->size - at, &e, err) < 0)
			return -1;
		if (e.kind == IMG_ZERO || e.kind == IMG_ABSENT || e.hole)
			continue;
		uint64_t first = at / cluster * cluster, end = round_up(at + e.bytes, cluster);
		first = first > counted ? first : counted;
		if (end > first)
			*data += end - first;
		counted = end > counted ? end : counted;
	}
	return 0;
}

/* As if each bitmap was full. */
static int count_bitmaps(
    const struct img *from, uint64_t cluster, struct measure *m, struct err *err)
{
	struct img_info info;
	uint64_t directory = 0;
	m->with_bitmaps = true;
	if (img_info(from, &info, err) < 0)
		return -1;
	for (size_t i = 0; i < info.n_bitmaps; i++) {
		const struct img_bitmap *b = &info.bitmaps[i];
		uint64_t bits = from->size / b->granularity + (from->size % b->granularity != 0);
		uint64_t clusters = round_up(round_up(bits, 8) / 8, cluster) / cluster;
		m->bitmaps += clusters * cluster + round_up(clusters * 8, cluster);
		directory += round_up(BITMAP_ENTRY_BYTES + strlen(b->name), 8);
	}
	m->bitmaps += round_up(directory, cluster);
	img_info_fini(&info);
	return 0;
}

int measure_qcow2(
    const struct qcow2_options *o, struct img *from, struct measure *m, struct err *err)
{
	struct qcow2_layout l;
	struct qcow2_options plan = *o;
	*m = (struct measure){0};
	if (from != NULL)
		plan.size = from->size;
	/* Checks what cannot be; then everything in one file. */
	if (qcow2_layout_plan(&plan, &l, err) < 0)
		return -1;
	plan.data_file = NULL;
	plan.data_file_raw = false;
	uint64_t disk = round_up(l.size, l.cluster), data = 0;
	if (qcow2_layout_plan_for(&plan, l.l1_entries, disk / l.cluster, &l, err) < 0)
		return -1;
	/* Reserved at once; or what another image below it will hold, which nobody knows yet. */
	if (o->prealloc >= IMG_PREALLOC_FALLOC || o->backing != NULL)
		data = disk;
	else if (from != NULL && count_data(from, l.cluster, &data, err) < 0)
		return -1;
	m->full = l.end;
	m->required = l.end - disk + data;
	if (from != NULL && from->driver == &img_qcow2 && l.version >= 3)
		return count_bitmaps(from, l.cluster, m, err);
	return 0;
}

void measure_raw(uint64_t size, struct measure *m)
{
	size = round_up(size, IMG_SECTOR);
	*m = (struct measure){.required = size, .full = size};
}
