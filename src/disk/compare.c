#include "disk/compare.h"

#include <string.h>

#include "core/mem.h"
#include "disk/workers.h"
#include "disk/zeroes.h"

#define ITEM_BYTES (512u << 10)
#define ITEMS (WORKERS_MAX + 2)

struct compare {
	struct img *a, *b;
	bool strict;
	struct progress *progress;
	uint64_t end, both; /* of the larger one, of the smaller one */
	struct workers *workers;
	/* Set by `place`, which comes in the guest's order. */
	enum compare_result result;
	uint64_t where;
};
struct item {
	struct compare *c;
	uint64_t offset;
	size_t bytes;
	struct img_extent a, b;
	bool with_a, with_b; /* there are bytes to be read; else zeroes */
	uint8_t *buf_a, *buf_b;
	bool differs;
	uint64_t where;
};

static bool is_empty(const struct img_extent *e)
{
	return e->kind == IMG_ABSENT || e->kind == IMG_ZERO;
}

/* The first sector that is not the same; b NULL: not zero. */
static void find_sector(struct item *i, const uint8_t *a, const uint8_t *b)
{
	for (size_t at = 0; at < i->bytes; at += IMG_SECTOR) {
		size_t n = i->bytes - at < IMG_SECTOR ? i->bytes - at : IMG_SECTOR;
		if (b ? memcmp(a + at, b + at, n) == 0 : zeroes_all(a + at, n))
			continue;
		i->differs = true;
		i->where = i->offset + at;
		return;
	}
}

static int work(void *arg, unsigned thread, struct err *err)
{
	struct item *i = arg;
	(void)thread;
	i->differs = false;
	if (i->with_a && img_read_extent(&i->a, i->offset, i->buf_a, i->bytes, err) < 0)
		return -1;
	if (i->with_b && img_read_extent(&i->b, i->offset, i->buf_b, i->bytes, err) < 0)
		return -1;
	if (i->with_a && i->with_b && memcmp(i->buf_a, i->buf_b, i->bytes) != 0)
		find_sector(i, i->buf_a, i->buf_b);
	else if (i->with_a != i->with_b)
		find_sector(i, i->with_a ? i->buf_a : i->buf_b, NULL);
	return 0;
}

/* The first that differs ends it: as an error that is none. */
static int place(void *arg, struct err *err)
{
	struct item *i = arg;
	struct compare *c = i->c;
	progress_add(c->progress, i->bytes);
	if (!i->differs)
		return 0;
	c->result = COMPARE_CONTENT;
	c->where = i->where;
	return err_set(err, ERR_NONE, "differs");
}

/* What lies at `at` in an image, of at most `bytes`; behind its end, zeroes. */
static int look(struct img *im, uint64_t at, uint64_t bytes, struct img_extent *e, struct err *err)
{
	*e = (struct img_extent){.offset = at, .bytes = bytes, .kind = IMG_ZERO};
	if (at >= im->size)
		return 0;
	bytes = bytes < im->size - at ? bytes : im->size - at;
	return img_map_chain(im, at, bytes, e, err);
}

/* Strictly, a whole area that one image tells otherwise than the other. */
static bool status_differs(const struct compare *c, const struct item *i)
{
	return c->strict && i->offset < c->both &&
	       (is_empty(&i->a) != is_empty(&i->b) ||
	           (i->a.kind == IMG_ABSENT) != (i->b.kind == IMG_ABSENT));
}

/* Fills the item from `at` on; 0 or -1. Nothing to be read: bytes of both are zeroes. */
static int fill(struct compare *c, struct item *i, uint64_t at, struct err *err)
{
	if (look(c->a, at, c->end - at, &i->a, err) < 0 ||
	    look(c->b, at, i->a.bytes, &i->b, err) < 0)
		return -1;
	i->offset = at;
	i->with_a = !is_empty(&i->a);
	i->with_b = !is_empty(&i->b);
	uint64_t n = i->b.bytes;
	i->bytes = (size_t)((i->with_a || i->with_b) && n > ITEM_BYTES ? ITEM_BYTES : n);
	return 0;
}

static int go_through(struct compare *c, struct err *err)
{
	struct item next = {0};
	for (uint64_t at = 0; at < c->end; at += next.bytes) {
		if (progress_check(err) < 0 || fill(c, &next, at, err) < 0)
			return -1;
		if (status_differs(c, &next)) {
			/* Only when all before it was the same. */
			if (workers_end(c->workers, err) < 0)
				return -1;
			c->result = COMPARE_STATUS;
			c->where = at;
			return 0;
		}
		if (!next.with_a && !next.with_b) {
			progress_add(c->progress, next.bytes);
			continue;
		}
		struct item *i = workers_take(c->workers);
		if (!i)
			break;
		next.c = c;
		next.buf_a = i->buf_a;
		next.buf_b = i->buf_b;
		*i = next;
		workers_give(c->workers);
	}
	return workers_end(c->workers, err);
}

int compare_images(struct img *a, struct img *b, bool strict, struct progress *progress,
    uint64_t *offset, struct err *err)
{
	static const struct workers_steps steps = {work, place, NULL};
	struct compare c = {.a = a,
	    .b = b,
	    .strict = strict,
	    .progress = progress,
	    .end = a->size > b->size ? a->size : b->size,
	    .both = a->size < b->size ? a->size : b->size};
	struct item items[ITEMS] = {0};
	void *list[ITEMS];
	struct err why = {0};
	unsigned threads = workers_processors();
	size_t n = threads + 2;
	if (strict && a->size != b->size)
		return COMPARE_SIZE;
	CLEANUP_FREE uint8_t *room = xmalloc(2 * n * ITEM_BYTES);
	for (size_t i = 0; i < n; i++) {
		items[i].buf_a = room + 2 * i * ITEM_BYTES;
		items[i].buf_b = items[i].buf_a + ITEM_BYTES;
		list[i] = &items[i];
	}
	progress_total(progress, c.end);
	c.workers = workers_new(&steps, threads, list, n);
	int r = go_through(&c, &why);
	workers_free(c.workers);
	*offset = c.where;
	if (r < 0 && c.result == COMPARE_SAME)
		return err_set(err, why.code, "%s", why.msg);
	return (int)c.result;
}
