/* Where a reader begins and where it ends: times, boots, tails. */
#include <stdlib.h>

#include "core/mem.h"
#include "serial/conlog_reader_impl.h"

/* A clock may have been set back: a file may hold times up to the latest of its own and the next one's beginning. */
static uint64_t file_last_ns(const struct conlog_reader *r, unsigned i)
{
	if (i + 1 < r->n_files && r->files[i + 1].begin_ns)
		return r->files[i + 1].begin_ns;
	return r->files[i].end_ns;
}

void conlog_reader_seek_time(struct conlog_reader *r, uint64_t ns)
{
	unsigned i = 0;
	uint64_t from = 0;

	while (i < r->n_files && !r->files[i].live && file_last_ns(r, i) < ns)
		i++;
	reader_go(r, i, 0);
	if (i == r->n_files)
		return;
	reader_enter(r);
	/* The last record before the first one that is late enough: bytes between the two may be, too. */
	for (size_t k = 0; k < r->index.n && r->index.records[k].time_ns < ns; k++)
		from = r->index.records[k].pos;
	reader_move(r, from);
}

void conlog_reader_until(struct conlog_reader *r, uint64_t ns)
{
	r->until_ns = ns;
	if (r->entered)
		r->stop = seek_stop(r);
}

uint64_t seek_stop(const struct conlog_reader *r)
{
	uint64_t stop = UINT64_MAX;

	if (r->bounded && r->file == r->stop_file)
		stop = r->stop_pos;
	if (r->until_ns == UINT64_MAX || r->index.n == 0)
		return stop;
	for (unsigned i = r->file + 1; i < r->n_files; i++)
		if (r->files[i].begin_ns == 0 || r->files[i].begin_ns <= r->until_ns)
			return stop;
	for (size_t k = r->index.n; k-- > 0 && r->index.records[k].time_ns > r->until_ns;)
		if (r->index.records[k].pos < stop)
			stop = r->index.records[k].pos;
	return stop;
}

bool conlog_reader_seek_back(struct conlog_reader *r, uint64_t bytes)
{
	uint64_t have = 0, size;
	unsigned i = r->n_files;

	/* What only the ring has is little, and comes on top. */
	while (i > 0) {
		if (!conlog_source_size(r->files[--i].source, &size)) {
			/* How much it is only reading tells: all of it. */
			reader_go(r, i, 0);
			return i == 0;
		}
		have += size;
		if (have >= bytes) {
			reader_go(r, i, have - bytes);
			return i == 0 && have == bytes;
		}
	}
	reader_go(r, 0, 0);
	return true;
}

/* --- boots --- */

struct boots {
	struct conlog_boot *all;
	size_t n, cap;
	uint64_t last_ns; /* known so far */
	bool any;         /* something was there before the first one */
};

static void boot_add(struct boots *b, const struct conlog_boot *boot)
{
	if (b->n > 0)
		b->all[b->n - 1].end_ns = b->last_ns;
	if (b->n == b->cap)
		b->all = xreallocarray(b->all, b->cap = b->cap ? b->cap * 2 : 16, sizeof(*b->all));
	b->all[b->n++] = *boot;
}

/* One record or note, in order. */
/* before: how many boots the log had seen, where it is not known which one this is. */
static void boot_see(
    struct boots *b, const struct conlog_record *rec, unsigned file, uint64_t pos, uint64_t before)
{
	struct conlog_boot boot = {.number = rec->number,
	    .begin_ns = rec->time_ns,
	    .how = rec->value ? CONLOG_BOOT_RESET : CONLOG_BOOT_STARTED,
	    .file = file,
	    .pos = pos};
	bool begins = rec->kind == CONLOG_BOOT;

	/* What is there before the first one begins at the first byte. */
	if (!begins && (b->n > 0 || rec->kind == CONLOG_BEGIN)) {
		b->last_ns = rec->time_ns;
		return;
	}
	if (!begins) {
		boot.number = before;
		boot.how = CONLOG_BOOT_CUT;
	}
	boot_add(b, &boot);
	b->last_ns = rec->time_ns;
}

/* Bytes before the first record of all. */
static void boot_cut(struct boots *b, const struct conlog_reader *r)
{
	struct conlog_boot cut = {.how = CONLOG_BOOT_CUT,
	    .number = r->index.boots,
	    .file = r->file,
	    .begin_ns = r->index.n > 0 ? r->index.records[0].time_ns : 0};

	boot_add(b, &cut);
}

static void boots_of_file(struct conlog_reader *r, struct boots *b)
{
	uint64_t size;
	size_t k = 0;

	while (k < r->index.n && r->index.records[k].kind == CONLOG_BEGIN)
		k++;
	if (b->n == 0 && (k == r->index.n || r->index.records[k].pos > 0) &&
	    (!conlog_source_size(r->files[r->file].source, &size) || size > 0))
		boot_cut(b, r);
	for (k = 0; k < r->index.n; k++)
		boot_see(b, &r->index.records[k], r->file, r->index.records[k].pos, r->index.boots);
	/* What came behind the last time that is known came until then, about. */
	if (b->n > 0 && r->index.n == 0)
		b->last_ns = r->files[r->file].end_ns;
}

static void boots_of_ring(struct conlog_reader *r, struct boots *b)
{
	while (reader_note(r)) {
		struct conlog_record rec = {
		    .kind = r->note.kind == RING_NOTE_BOOT ? CONLOG_BOOT : CONLOG_TIME,
		    .value = r->note.value != 0,
		    .time_ns = r->note.time_ns};

		if (rec.kind == CONLOG_BOOT)
			rec.number = b->n > 0 ? b->all[b->n - 1].number + 1 : 1;
		boot_see(b, &rec, r->n_files, r->note.offset, 0);
		r->has_note = false;
	}
}

static void see_marks(struct conlog_reader *r)
{
	size_t n = r->index.n > ARRAY_LEN(r->seen) ? ARRAY_LEN(r->seen) : r->index.n;

	r->n_seen = 0;
	for (size_t k = r->index.n - n; k < r->index.n; k++)
		r->seen[r->n_seen++] = r->index.records[k];
}

size_t conlog_reader_boots(struct conlog_reader *r, struct conlog_boot **boots)
{
	struct boots b = {0};
	uint64_t size;

	for (unsigned i = 0; i < r->n_files; i++) {
		reader_go(r, i, 0);
		reader_enter(r);
		boots_of_file(r, &b);
	}
	if (r->n_files > 0 && conlog_source_size(r->files[r->n_files - 1].source, &size)) {
		see_marks(r);
		r->place_known = conlog_index_offset(&r->index, size, &r->run, &r->offset);
	}
	if (reader_ring(r))
		boots_of_ring(r, &b);
	if (b.n > 0)
		b.all[b.n - 1].end_ns = b.last_ns;
	reader_go(r, 0, 0);
	*boots = b.all;
	return b.n;
}

void conlog_reader_seek_boot(
    struct conlog_reader *r, const struct conlog_boot *boots, size_t n, size_t i)
{
	reader_go(r, boots[i].file, boots[i].pos);
	r->boots = boots[i].number - (boots[i].number > 0);
	if (boots[i].file >= r->n_files && reader_ring(r)) {
		r->offset = boots[i].pos;
		ring_note_seek(r->ring, &r->notes, r->offset);
		r->has_note = false;
	}
	r->bounded = i + 1 < n;
	if (r->bounded) {
		r->stop_file = boots[i + 1].file;
		r->stop_pos = boots[i + 1].pos;
	}
}

/* --- the place of a byte of the ring --- */

static bool offset_in(struct conlog_reader *r, uint64_t run, uint64_t offset, uint64_t *pos)
{
	uint64_t now = 0;

	for (size_t k = 0; k < r->index.n; k++) {
		const struct conlog_record *rec = &r->index.records[k];
		uint64_t begin = rec->pos + rec->length;
		uint64_t end = k + 1 < r->index.n ? r->index.records[k + 1].pos : r->size;

		if (rec->kind == CONLOG_BEGIN)
			now = rec->number;
		if (now == run && end >= begin && offset >= rec->offset &&
		    offset - rec->offset < end - begin) {
			*pos = begin + (offset - rec->offset);
			return true;
		}
	}
	return false;
}

bool seek_offset(struct conlog_reader *r, uint64_t run, uint64_t offset)
{
	for (unsigned i = r->n_files; i-- > 0;) {
		uint64_t pos;

		reader_at(r, i, 0);
		reader_enter(r);
		if (offset_in(r, run, offset, &pos)) {
			reader_go(r, i, pos);
			return true;
		}
	}
	return false;
}
