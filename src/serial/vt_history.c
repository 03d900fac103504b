#include "serial/vt_history.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

#define BLOCK_BYTES (64u << 10) /* a block takes no new record after so many */
#define BLOCK_RECORDS 2048
#define BLOCK_FIRST 2048 /* bytes that the first block starts with */
#define NONE UINT64_MAX

void vt_history_init(struct vt_history *h, unsigned max, unsigned cols, const struct vt_clusters *k)
{
	*h = (struct vt_history){
	    .max = max, .cols = cols, .clusters = k, .cells_id = NONE, .seen_id = NONE};
}

static void forget_read(struct vt_history *h)
{
	free(h->cells);
	free(h->line);
	vt_unpacked_fini(&h->marks);
	h->cells = h->line = NULL;
	h->cells_room = 0;
	h->cells_id = NONE;
}

static void free_block(struct vt_history *h, struct vt_block *b)
{
	h->bytes -= b->size + b->room * sizeof(*b->record);
	free(b->data);
	free(b->record);
}

void vt_history_clear(struct vt_history *h)
{
	for (unsigned i = 0; i < h->blocks; i++)
		free_block(h, &h->block[i]);
	free(h->block);
	h->block = NULL;
	h->blocks = h->room = 0;
	h->row = h->end;
	h->id += h->count;
	h->count = 0;
	h->seen_id = NONE;
	forget_read(h);
}

void vt_history_skip(struct vt_history *h, unsigned n)
{
	h->row += n;
	h->end += n;
	h->id += n;
}

void vt_history_fini(struct vt_history *h)
{
	vt_history_clear(h);
}

/* --- coming --- */

static void resize_data(struct vt_history *h, struct vt_block *b, size_t size)
{
	b->data = xrealloc(b->data, size);
	h->bytes += size - b->size;
	b->size = size;
}

static void resize_records(struct vt_history *h, struct vt_block *b, unsigned room)
{
	b->record = xrealloc(b->record, room * sizeof(*b->record));
	h->bytes += room * sizeof(*b->record) - b->room * sizeof(*b->record);
	b->room = room;
}

static struct vt_block *newest(const struct vt_history *h)
{
	return h->blocks ? &h->block[h->blocks - 1] : NULL;
}

static struct vt_record *last_record(const struct vt_history *h)
{
	struct vt_block *b = newest(h);
	return b ? &b->record[b->count - 1] : NULL;
}

static struct vt_block *add_block(struct vt_history *h)
{
	struct vt_block *full = newest(h);
	if (full) {
		resize_data(h, full, full->used ? full->used : 1);
		resize_records(h, full, full->count);
	}
	if (h->blocks == h->room) {
		h->room = h->room ? h->room * 2 : 4;
		h->block = xrealloc(h->block, h->room * sizeof(*h->block));
	}
	struct vt_block *b = &h->block[h->blocks++];
	*b = (struct vt_block){.row = h->end, .id = vt_history_end_id(h)};
	resize_data(h, b, full ? BLOCK_BYTES : BLOCK_FIRST);
	resize_records(h, b, full ? BLOCK_RECORDS / 2 : BLOCK_FIRST / 64);
	return b;
}

/* The block that takes the next record. */
static struct vt_block *block_with_room(struct vt_history *h)
{
	struct vt_block *b = newest(h);
	if (!b || b->used >= BLOCK_BYTES || b->count == BLOCK_RECORDS)
		b = add_block(h);
	if (b->count == b->room)
		resize_records(h, b, b->room * 2);
	return b;
}

/* Does the row go on with the text of the last record? */
static bool continues(const struct vt_record *last, const struct vt_row *row)
{
	bool wide = row->n > 1 && row->cells[1].width == 0;
	return last && (last->flags & VT_RECORD_OPEN) && row->n > 0 && !row->mark &&
	       row->size == 0 && (wide || !(last->flags & VT_RECORD_GAP));
}

static bool has_room(const struct vt_record *r, const struct vt_row *row)
{
	return r->cells + row->n <= VT_LOGICAL_MAX;
}

bool vt_history_joins(const struct vt_history *h, const struct vt_row *row)
{
	const struct vt_record *last = last_record(h);
	return continues(last, row) && has_room(last, row);
}

static void end_record(struct vt_record *r, bool cut)
{
	r->flags =
	    (uint8_t)((r->flags & ~(VT_RECORD_OPEN | VT_RECORD_GAP)) | (cut ? VT_RECORD_CUT : 0));
}

static void add_record(struct vt_history *h, const struct vt_row *row)
{
	struct vt_block *b = block_with_room(h);
	b->record[b->count++] = (struct vt_record){.time = row->time,
	    .at = (uint32_t)b->used,
	    .flags = row->mark ? VT_RECORD_MARK : 0,
	    .size = row->size};
	h->count++;
	h->pen = (struct vt_pen){0};
}

static void append_cells(struct vt_history *h, const struct vt_row *row)
{
	struct vt_block *b = newest(h);
	struct vt_record *r = &b->record[b->count - 1];
	size_t most = (size_t)row->n * VT_PACK_CELL_MAX;
	if (b->size - b->used < most) {
		size_t size = b->size * 2;
		resize_data(h, b, size - b->used < most ? b->used + most : size);
	}
	uint8_t *end =
	    vt_pack(b->data + b->used, row->cells, row->n, &h->pen, h->clusters, &h->marks);
	b->used = (size_t)(end - b->data);
	r->cells = (uint16_t)(r->cells + row->n);
	if (row->time > r->time)
		r->time = row->time;
	bool open = row->wrapped && !row->mark && row->size == 0;
	bool gap = open && (unsigned)row->n < h->cols;
	r->flags =
	    (uint8_t)((r->flags & ~(VT_RECORD_OPEN | VT_RECORD_GAP)) | (open ? VT_RECORD_OPEN : 0) |
	              (gap ? VT_RECORD_GAP : 0) | (row->wide ? VT_RECORD_WIDE : 0));
}

/* --- going --- */

static const uint8_t *record_end(const struct vt_block *b, unsigned i)
{
	return b->data + (i + 1 < b->count ? b->record[i + 1].at : b->used);
}

static unsigned count_rows(const struct vt_history *h, const struct vt_block *b, unsigned i)
{
	const struct vt_record *r = &b->record[i];
	if (r->cells <= h->cols)
		return 1;
	if (r->flags & VT_RECORD_WIDE)
		return vt_pack_rows(b->data + r->at, record_end(b, i), h->cols);
	return (r->cells + h->cols - 1) / h->cols;
}

static void drop_oldest(struct vt_history *h)
{
	struct vt_block *b = &h->block[0];
	unsigned rows = count_rows(h, b, b->gone);
	h->row += rows;
	h->id++;
	h->count--;
	b->gone++;
	b->row += rows;
	b->id++;
	if (b->gone < b->count)
		return;
	free_block(h, b);
	memmove(h->block, h->block + 1, --h->blocks * sizeof(*h->block));
}

void vt_history_push(struct vt_history *h, const struct vt_row *row)
{
	if (h->max == 0) {
		vt_history_skip(h, 1);
		return;
	}
	if (!vt_history_joins(h, row)) {
		if (vt_history_open(h))
			end_record(last_record(h), continues(last_record(h), row));
		add_record(h, row);
	}
	append_cells(h, row);
	h->end++;
	h->cells_id = NONE;
	while (h->count > h->max || (h->bytes > VT_HISTORY_BYTES_MAX && h->count > 1))
		drop_oldest(h);
}

bool vt_history_open(const struct vt_history *h)
{
	const struct vt_record *last = last_record(h);
	return last && (last->flags & VT_RECORD_OPEN);
}

void vt_history_close(struct vt_history *h)
{
	struct vt_record *last = last_record(h);
	if (last)
		end_record(last, last->flags & VT_RECORD_CUT);
}

void vt_history_drop_newest(struct vt_history *h)
{
	struct vt_block *b = newest(h);
	h->end -= count_rows(h, b, b->count - 1);
	h->count--;
	h->cells_id = h->seen_id = NONE;
	b->used = b->record[--b->count].at;
	if (b->count > b->gone)
		return;
	free_block(h, b);
	h->blocks--;
}

void vt_history_set_cols(struct vt_history *h, unsigned cols)
{
	if (cols == h->cols)
		return;
	h->cols = cols;
	h->seen_id = NONE;
	h->end = h->row;
	for (unsigned i = 0; i < h->blocks; i++) {
		struct vt_block *b = &h->block[i];
		b->row = h->end;
		for (unsigned k = b->gone; k < b->count; k++)
			h->end += count_rows(h, b, k);
	}
	free(h->line);
	h->line = NULL;
}

/* --- reading --- */

/* The last block of which `number` is not below the first row, or the first record. */
static const struct vt_block *find_block(const struct vt_history *h, uint64_t number, bool by_row)
{
	unsigned low = 0, high = h->blocks; /* it is in [low, high) */
	while (high - low > 1) {
		unsigned middle = (low + high) / 2;
		const struct vt_block *b = &h->block[middle];
		if ((by_row ? b->row : b->id) <= number)
			low = middle;
		else
			high = middle;
	}
	return &h->block[low];
}

/* The first record of the block, or the one that was found last if it is there. */
static void start_search(const struct vt_history *h, const struct vt_block *b, struct vt_spot *spot)
{
	bool near = h->seen_id >= b->id && h->seen_id - b->id < b->count - b->gone;
	spot->id = near ? h->seen_id : b->id;
	spot->row = near ? h->seen_row : b->row;
}

static void end_search(struct vt_history *h, const struct vt_block *b, struct vt_spot *spot)
{
	unsigned i = b->gone + (unsigned)(spot->id - b->id);
	spot->record = &b->record[i];
	spot->data = b->data + b->record[i].at;
	spot->end = record_end(b, i);
	spot->rows = count_rows(h, b, i);
	h->seen_id = spot->id;
	h->seen_row = spot->row;
}

static unsigned rows_of(const struct vt_history *h, const struct vt_block *b, uint64_t id)
{
	return count_rows(h, b, b->gone + (unsigned)(id - b->id));
}

static uint64_t last_id(const struct vt_block *b)
{
	return b->id + (b->count - b->gone) - 1;
}

bool vt_history_find_row(struct vt_history *h, uint64_t row, struct vt_spot *spot)
{
	if (row < h->row || row >= h->end)
		return false;
	const struct vt_block *b = find_block(h, row, true);
	start_search(h, b, spot);
	while (row < spot->row)
		spot->row -= rows_of(h, b, --spot->id);
	for (unsigned n; spot->id < last_id(b) && row >= spot->row + (n = rows_of(h, b, spot->id));
	     spot->id++)
		spot->row += n;
	end_search(h, b, spot);
	return true;
}

bool vt_history_find(struct vt_history *h, uint64_t id, struct vt_spot *spot)
{
	if (id < h->id || id >= vt_history_end_id(h))
		return false;
	const struct vt_block *b = find_block(h, id, false);
	start_search(h, b, spot);
	while (id < spot->id)
		spot->row -= rows_of(h, b, --spot->id);
	for (; id > spot->id; spot->id++)
		spot->row += rows_of(h, b, spot->id);
	end_search(h, b, spot);
	return true;
}

const struct vt_cell *vt_history_cells(struct vt_history *h, const struct vt_spot *spot)
{
	unsigned n = spot->record->cells;
	if (h->cells_id == spot->id)
		return h->cells;
	if (h->cells_room < n || !h->cells) {
		free(h->cells);
		h->cells_room = n < 256 ? 256 : n;
		h->cells = xmalloc(h->cells_room * sizeof(*h->cells));
	}
	h->marks.n = 0;
	vt_unpack(spot->data, spot->end, h->cells, n, &h->marks);
	h->cells_id = spot->id;
	return h->cells;
}

unsigned vt_history_row_start(struct vt_history *h, const struct vt_spot *spot, unsigned k)
{
	unsigned n = spot->record->cells, at = 0;
	if (!(spot->record->flags & VT_RECORD_WIDE))
		return k * h->cols < n ? k * h->cols : n;
	const struct vt_cell *c = vt_history_cells(h, spot);
	while (k-- > 0 && at < n) {
		unsigned end = at + h->cols < n ? at + h->cols : n;
		bool cuts = end < n && c[end].width == 0;
		if (cuts && h->cols == 1)
			end++; /* it stands there as a blank */
		else if (cuts)
			end--;
		at = end;
	}
	return at;
}

const struct vt_cell *vt_history_line(struct vt_history *h, uint64_t row)
{
	struct vt_spot spot;
	if (!vt_history_find_row(h, row, &spot))
		return NULL;
	const struct vt_cell *c = vt_history_cells(h, &spot);
	unsigned k = (unsigned)(row - spot.row);
	unsigned from = vt_history_row_start(h, &spot, k),
	         to = vt_history_row_start(h, &spot, k + 1);
	unsigned n = to - from < h->cols ? to - from : h->cols;
	if (!h->line)
		h->line = xmalloc(h->cols * sizeof(*h->line));
	memcpy(h->line, c + from, n * sizeof(*c));
	if (h->cols == 1 && n && c[from].width == 2)
		n = 0;
	for (unsigned i = n; i < h->cols; i++)
		h->line[i] = vt_blank;
	return h->line;
}
