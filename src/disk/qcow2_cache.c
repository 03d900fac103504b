#include "disk/qcow2_cache.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

#define NONE UINT64_MAX
#define BUCKETS 1024u /* a power of two, no fewer than the tables */

struct slot {
	uint64_t offset; /* NONE: empty */
	uint64_t used;   /* when: c->clock at the time */
	uint8_t *table;
	uint32_t next; /* in its bucket, plus one; 0 ends */
	bool dirty;
};

struct qcow2_cache {
	struct disk_io *io;
	size_t bytes;
	uint32_t n_slots, n_used;
	uint64_t clock;
	struct slot *slots;
	uint32_t *buckets; /* slot plus one */
	uint32_t n_dirty;
	int (*before)(void *arg, struct err *err);
	void *before_arg;
};

struct qcow2_cache *qcow2_cache_new(struct disk_io *io, size_t table_bytes)
{
	struct qcow2_cache *c = xcalloc(1, sizeof(*c));
	size_t n = QCOW2_CACHE_BYTES / table_bytes;
	c->io = io;
	c->bytes = table_bytes;
	c->n_slots = n < QCOW2_CACHE_MIN   ? QCOW2_CACHE_MIN
	             : n > QCOW2_CACHE_MAX ? QCOW2_CACHE_MAX
	                                   : (uint32_t)n;
	return c;
}

void qcow2_cache_free(struct qcow2_cache *c)
{
	if (!c)
		return;
	for (uint32_t i = 0; i < c->n_used; i++)
		free(c->slots[i].table);
	free(c->slots);
	free(c->buckets);
	free(c);
}

void qcow2_cache_before(struct qcow2_cache *c, int (*before)(void *arg, struct err *err), void *arg)
{
	c->before = before;
	c->before_arg = arg;
}

static uint32_t *bucket_of(struct qcow2_cache *c, uint64_t offset)
{
	return &c->buckets[(offset / c->bytes) & (BUCKETS - 1)];
}

static struct slot *find(struct qcow2_cache *c, uint64_t offset)
{
	if (!c->slots)
		return NULL;
	for (uint32_t i = *bucket_of(c, offset); i; i = c->slots[i - 1].next)
		if (c->slots[i - 1].offset == offset)
			return &c->slots[i - 1];
	return NULL;
}

static void unlink_slot(struct qcow2_cache *c, struct slot *s)
{
	if (s->offset == NONE)
		return;
	uint32_t self = (uint32_t)(s - c->slots) + 1, *p = bucket_of(c, s->offset);
	while (*p != self)
		p = &c->slots[*p - 1].next;
	*p = s->next;
	c->n_dirty -= s->dirty;
	s->offset = NONE;
	s->dirty = false;
	s->used = 0;
}

static int by_offset(const void *a, const void *b)
{
	const struct slot *const *x = a, *const *y = b;
	return (*x)->offset < (*y)->offset ? -1 : (*x)->offset > (*y)->offset;
}

int qcow2_cache_flush(struct qcow2_cache *c, struct err *err)
{
	if (c->n_dirty == 0)
		return 0;
	if (c->before && c->before(c->before_arg, err) != 0)
		return -1;
	CLEANUP_FREE struct slot **dirty = xcalloc(c->n_dirty, sizeof(struct slot *));
	size_t n = 0;
	for (uint32_t i = 0; i < c->n_used; i++)
		if (c->slots[i].dirty)
			dirty[n++] = &c->slots[i];
	qsort(dirty, n, sizeof(struct slot *), by_offset);
	for (size_t i = 0; i < n; i++) {
		if (disk_io_write(c->io, dirty[i]->offset, dirty[i]->table, c->bytes, err) != 0)
			return -1;
		dirty[i]->dirty = false;
		c->n_dirty--;
	}
	return 0;
}

/* The place for one more table. When the longest unused one was changed, all that were go out together: what has to be
 * in the file before costs the same for one. */
static struct slot *make_room(struct qcow2_cache *c, struct err *err)
{
	if (!c->slots) {
		c->slots = xcalloc(c->n_slots, sizeof(*c->slots));
		c->buckets = xcalloc(BUCKETS, sizeof(*c->buckets));
	}
	struct slot *oldest = &c->slots[0];
	if (c->n_used < c->n_slots) {
		oldest = &c->slots[c->n_used++];
		oldest->offset = NONE;
		oldest->table = xmalloc(c->bytes);
		return oldest;
	}
	for (uint32_t i = 1; i < c->n_used; i++)
		if (c->slots[i].used < oldest->used)
			oldest = &c->slots[i];
	if (oldest->dirty && qcow2_cache_flush(c, err) != 0)
		return NULL;
	unlink_slot(c, oldest);
	return oldest;
}

static void *put(struct qcow2_cache *c, struct slot *s, uint64_t offset)
{
	uint32_t *head = bucket_of(c, offset);
	s->offset = offset;
	s->used = ++c->clock;
	s->next = *head;
	*head = (uint32_t)(s - c->slots) + 1;
	return s->table;
}

void *qcow2_cache_get(struct qcow2_cache *c, uint64_t offset, struct err *err)
{
	struct slot *s = find(c, offset);
	if (s) {
		s->used = ++c->clock;
		return s->table;
	}
	s = make_room(c, err);
	if (!s || disk_io_read(c->io, offset, s->table, c->bytes, err) != 0)
		return NULL;
	return put(c, s, offset);
}

void *qcow2_cache_fresh(struct qcow2_cache *c, uint64_t offset, struct err *err)
{
	struct slot *s = find(c, offset);
	if (s)
		unlink_slot(c, s);
	else
		s = make_room(c, err);
	if (!s)
		return NULL;
	memset(s->table, 0, c->bytes);
	s->dirty = true;
	c->n_dirty++;
	return put(c, s, offset);
}

void qcow2_cache_dirty(struct qcow2_cache *c, const void *table)
{
	for (uint32_t i = 0; i < c->n_used; i++)
		if (c->slots[i].table == table) {
			c->n_dirty += !c->slots[i].dirty;
			c->slots[i].dirty = true;
			return;
		}
}

void qcow2_cache_forget(struct qcow2_cache *c, uint64_t from, uint64_t bytes)
{
	for (uint32_t i = 0; i < c->n_used; i++)
		if (c->slots[i].offset >= from && c->slots[i].offset - from < bytes)
			unlink_slot(c, &c->slots[i]);
}

bool qcow2_cache_changed(const struct qcow2_cache *c)
{
	return c->n_dirty > 0;
}
