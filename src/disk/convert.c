#include "disk/convert.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/mem.h"
#include "disk/pack.h"
#include "disk/workers.h"
#include "disk/zeroes.h"

#define ITEM_BYTES (512u << 10) /* through a processor's cache, not around it */
#define ITEMS_SPARE 2u          /* more than threads: there is always one to be filled */
#define MEMORY_MAX (32u << 20)  /* of all items' bytes; fewer processors where clusters are large */
#define HOLE_MIN (64u << 10)    /* what is shorter is read as zeroes with what surrounds it */
#define SALVAGE_STEP 4096u
#define SECOND 1000000000ull

struct piece { /* of an item: where its bytes come from */
	size_t at, bytes;
	uint64_t offset; /* of the guest of that image */
	struct img_extent e;
};
struct item {
	struct convert_item out; /* first: the targets' view */
	const struct copy *copy;
	struct piece *pieces;
	size_t n_pieces, cap_pieces, cap_runs;
};
struct copy {
	const struct convert *c;
	struct convert_target *t;
	size_t room; /* of an item */
	struct item items[WORKERS_MAX + ITEMS_SPARE];
	struct pack *packs[WORKERS_MAX];
	struct workers *workers;
	uint64_t total;
	/* The mapping thread's place. */
	size_t source;
	uint64_t source_at; /* where that source begins */
	struct img_extent e;
	uint64_t e_at, e_end; /* what e covers, of all sources together */
	struct item *open;
	/* The rate's, in `place`. */
	uint64_t start_ns, placed;
	pthread_mutex_t lost_lock;
};

uint64_t convert_bytes(const struct convert *c)
{
	uint64_t total = 0;
	for (size_t i = 0; i < c->n_sources; i++)
		if (__builtin_add_overflow(total, c->sources[i]->size, &total))
			return UINT64_MAX;
	total -= c->skip < total ? c->skip : total;
	return c->limit > 0 && c->limit < total ? c->limit : total;
}

/* --- work: read, look for zeroes, compress ------------------------------------------------------------ */

static void tell_lost(const struct copy *x, const struct err *err)
{
	struct copy *shared = (struct copy *)(uintptr_t)x;
	pthread_mutex_lock(&shared->lost_lock);
	x->c->lost(x->c->lost_arg, err);
	pthread_mutex_unlock(&shared->lost_lock);
}

/* What can be read of a piece that cannot be read as one. */
static void salvage(const struct copy *x, const struct piece *p, uint8_t *to)
{
	struct err err = {0};
	for (size_t at = 0, n; at < p->bytes; at += n) {
		n = p->bytes - at < SALVAGE_STEP ? p->bytes - at : SALVAGE_STEP;
		if (img_read_extent(&p->e, p->offset + at, to + at, n, &err) == 0)
			continue;
		memset(to + at, 0, n);
		tell_lost(x, &err);
	}
}

static int read_piece(const struct copy *x, const struct piece *p, uint8_t *to, struct err *err)
{
	if (p->e.kind == IMG_ABSENT || p->e.kind == IMG_ZERO) {
		memset(to, 0, p->bytes);
		return 0;
	}
	if (img_read_extent(&p->e, p->offset, to, p->bytes, err) == 0)
		return 0;
	if (!x->c->lost)
		return -1;
	salvage(x, p, to);
	return 0;
}

static void add_run(struct item *item, size_t at, size_t bytes, bool zero)
{
	struct convert_item *o = &item->out;
	struct convert_run *last = o->n_runs > 0 ? &o->runs[o->n_runs - 1] : NULL;
	if (last && last->zero == zero) {
		last->bytes += bytes;
		return;
	}
	if (o->n_runs == item->cap_runs) {
		item->cap_runs = item->cap_runs ? 2 * item->cap_runs : 64;
		o->runs = xreallocarray(o->runs, item->cap_runs, sizeof(*o->runs));
	}
	o->runs[o->n_runs++] = (struct convert_run){at, bytes, zero};
}

/* Zeroes that are fewer than `sparse` are data. */
static void find_runs(struct item *item)
{
	struct convert_item *o = &item->out;
	uint64_t sparse = item->copy->c->sparse;
	size_t n = (size_t)o->bytes,
	       unit = sparse < CONVERT_SPARSE ? (size_t)sparse : CONVERT_SPARSE;
	bool zero;
	o->n_runs = 0;
	if (sparse == 0) {
		add_run(item, 0, n, false);
		return;
	}
	for (size_t at = 0, run; at < n; at += run) {
		run = zeroes_run(o->buf + at, n - at, unit, &zero);
		add_run(item, at, run, zero && (run >= sparse || run == n));
	}
}

static void pack_units(struct item *item, struct pack *pack)
{
	struct convert_item *o = &item->out;
	size_t unit = item->copy->t->unit;
	for (size_t i = 0; i * unit < o->bytes; i++) {
		const uint8_t *from = o->buf + i * unit;
		o->packed_bytes[i] = zeroes_all(from, unit)
		                         ? 0
		                         : pack_cluster(pack, from, unit, o->packed + i * unit);
	}
}

static int work(void *arg, unsigned thread, struct err *err)
{
	struct item *item = arg;
	const struct copy *x = item->copy;
	struct convert_item *o = &item->out;
	if (o->empty)
		return 0;
	for (size_t i = 0; i < item->n_pieces; i++)
		if (read_piece(x, &item->pieces[i], o->buf + item->pieces[i].at, err) < 0)
			return -1;
	size_t tail = (size_t)(-o->bytes & (x->t->unit - 1));
	memset(o->buf + o->bytes, 0, tail);
	find_runs(item);
	if (x->t->packs)
		pack_units(item, x->packs[thread]);
	return 0;
}

/* --- place and finish --------------------------------------------------------------------------------- */

static uint64_t now_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

/* Slept where all have to pass, one after the other. */
static void keep_rate(struct copy *x, uint64_t bytes)
{
	x->placed += bytes;
	double due = (double)x->placed / (double)x->c->rate * (double)SECOND;
	double spent = (double)(now_ns() - x->start_ns);
	while (spent < due && progress_interrupted() == 0) {
		double wait = due - spent < 1e8 ? due - spent : 1e8;
		nanosleep(&(struct timespec){.tv_nsec = (long)wait}, NULL);
		spent = (double)(now_ns() - x->start_ns);
	}
}

static int place(void *arg, struct err *err)
{
	struct item *item = arg;
	struct copy *x = (struct copy *)(uintptr_t)item->copy;
	if (progress_check(err) < 0)
		return -1;
	if (x->c->rate > 0 && !item->out.empty)
		keep_rate(x, item->out.bytes);
	return x->t->place ? x->t->place(x->t, &item->out, err) : 0;
}

static int finish(void *arg, struct err *err)
{
	struct item *item = arg;
	const struct copy *x = item->copy;
	if (x->t->finish && x->t->finish(x->t, &item->out, err) < 0)
		return -1;
	progress_add(x->c->progress, item->out.bytes);
	return 0;
}

/* --- the map ------------------------------------------------------------------------------------------ */

/* x->e becomes what lies at `at`. */
static int look(struct copy *x, uint64_t at, struct err *err)
{
	if (at >= x->e_at && at < x->e_end)
		return 0;
	uint64_t from = at + x->c->skip;
	while (from - x->source_at >= x->c->sources[x->source]->size)
		x->source_at += x->c->sources[x->source++]->size;
	struct img *im = x->c->sources[x->source];
	uint64_t offset = from - x->source_at, bytes = im->size - offset;
	bytes = bytes < x->total - at ? bytes : x->total - at;
	int r = x->c->top_only ? img_map(im, offset, bytes, &x->e, err)
	                       : img_map_chain(im, offset, bytes, &x->e, err);
	if (r < 0)
		return -1;
	x->e_at = at;
	x->e_end = at + x->e.bytes;
	return 0;
}

static void add_piece(struct item *item, size_t bytes, uint64_t offset, const struct img_extent *e)
{
	if (item->n_pieces == item->cap_pieces) {
		item->cap_pieces = item->cap_pieces ? 2 * item->cap_pieces : 16;
		item->pieces = xreallocarray(item->pieces, item->cap_pieces, sizeof(*item->pieces));
	}
	item->pieces[item->n_pieces++] = (struct piece){(size_t)item->out.bytes, bytes, offset, *e};
	item->out.bytes += bytes;
}

/* Part of a unit of which the top image holds another part: as the whole chain has it. */
static int add_below(struct copy *x, uint64_t offset, size_t bytes, struct err *err)
{
	struct img_extent e;
	for (size_t done = 0, n; done < bytes; done += n) {
		if (img_map_chain(x->c->sources[x->source], offset + done, bytes - done, &e, err) <
		    0)
			return -1;
		n = (size_t)e.bytes;
		add_piece(x->open, n, offset + done, &e);
	}
	return 0;
}

static struct item *begin(struct copy *x, uint64_t at, bool empty)
{
	struct item *item = workers_take(x->workers);
	if (!item)
		return NULL;
	item->n_pieces = 0;
	item->out.guest = at;
	item->out.bytes = 0;
	item->out.empty = empty;
	return item;
}

static void give(struct copy *x)
{
	x->open = NULL;
	workers_give(x->workers);
}

static bool is_empty(const struct img_extent *e)
{
	return e->kind == IMG_ABSENT || e->kind == IMG_ZERO;
}

/* [at, end) holds nothing; both are whole units or the end. 0 or -1 when the workers have failed. */
static int pass_empty(struct copy *x, uint64_t at, uint64_t end)
{
	if (!x->t->tell_zeroes || (x->c->top_only && x->e.kind == IMG_ABSENT)) {
		progress_add(x->c->progress, end - at);
		return 0;
	}
	struct item *item = begin(x, at, true);
	if (!item)
		return -1;
	item->out.bytes = end - at;
	give(x);
	return 0;
}

/* What lies at `at` goes into the open item, as much as fits; returns how much, 0 when it closed the item instead. */
static int64_t add_some(struct copy *x, uint64_t at, struct err *err)
{
	uint64_t unit = x->t->unit, n = x->e_end - at;
	uint64_t end = (x->open->out.guest / x->room + 1) * x->room;
	uint64_t boundary = (at + unit - 1) & ~(unit - 1);
	uint64_t offset = at + x->c->skip - x->source_at;
	bool below = x->c->top_only && x->e.kind == IMG_ABSENT;
	uint64_t hole = below || unit > HOLE_MIN ? unit : HOLE_MIN;
	if (is_empty(&x->e) && at == boundary && (n >= hole || (below && x->e_end == x->total))) {
		give(x);
		return 0;
	}
	/* Never over whole units that hold nothing. */
	if (is_empty(&x->e) && at != boundary && n > boundary - at && n - (boundary - at) >= hole)
		n = boundary - at;
	n = n < end - at ? n : end - at;
	if (!below)
		add_piece(x->open, (size_t)n, offset, &x->e);
	else if (add_below(x, offset, (size_t)n, err) < 0)
		return -1;
	if (at + n == end || at + n == x->total)
		give(x);
	return (int64_t)n;
}

static int map_all(struct copy *x, struct err *err)
{
	uint64_t unit = x->t->unit;
	for (uint64_t at = 0; at < x->total;) {
		if (progress_check(err) < 0 || look(x, at, err) < 0)
			return -1;
		uint64_t end = x->e_end == x->total ? x->total : x->e_end & ~(unit - 1);
		if (!x->open && is_empty(&x->e) && end > at) {
			if (pass_empty(x, at, end) < 0)
				return -1;
			at = end;
			continue;
		}
		if (!x->open && !(x->open = begin(x, at, false)))
			return -1;
		int64_t n = add_some(x, at, err);
		if (n < 0)
			return -1;
		at += (uint64_t)n;
	}
	return 0;
}

/* --- all together ------------------------------------------------------------------------------------- */

static void item_init(struct item *item, const struct copy *x)
{
	size_t units = x->room / x->t->unit;
	item->copy = x;
	item->out.buf = xmalloc(x->room);
	item->out.hosts = xcalloc(units, sizeof(uint64_t));
	if (!x->t->packs)
		return;
	item->out.packed = xmalloc(x->room);
	item->out.packed_bytes = xcalloc(units, sizeof(size_t));
}

static void item_fini(struct item *item)
{
	free(item->pieces);
	free(item->out.buf);
	free(item->out.runs);
	free(item->out.packed);
	free(item->out.packed_bytes);
	free(item->out.hosts);
}

static int copy_all(struct copy *x, unsigned threads, struct err *err)
{
	static const struct workers_steps steps = {work, place, finish};
	void *items[ARRAY_LEN(x->items)];
	struct err why = {0};
	size_t n = threads + ITEMS_SPARE;
	for (size_t i = 0; i < n; i++)
		items[i] = &x->items[i];
	x->workers = workers_new(&steps, threads, items, n);
	int mapped = map_all(x, &why);
	int worked = mapped < 0 && why.code != ERR_NONE ? 0 : workers_end(x->workers, err);
	workers_free(x->workers);
	if (mapped < 0 && why.code != ERR_NONE)
		return err_set(err, why.code, "%s", why.msg);
	return worked;
}

static unsigned count_threads(const struct copy *x)
{
	size_t each = x->room * (x->t->packs ? 2 : 1);
	unsigned most = (unsigned)(MEMORY_MAX / each) - ITEMS_SPARE, n = workers_processors();
	n = x->c->threads > 0 && x->c->threads < n ? x->c->threads : n;
	return n < most ? n : most;
}

int convert_run(const struct convert *c, struct convert_target *t, struct err *err)
{
	struct copy *x = xcalloc(1, sizeof(*x));
	int r = 0;
	x->c = c;
	x->t = t;
	x->room = t->unit > ITEM_BYTES ? t->unit : ITEM_BYTES;
	unsigned threads = count_threads(x);
	x->total = convert_bytes(c);
	x->start_ns = now_ns();
	pthread_mutex_init(&x->lost_lock, NULL);
	for (size_t i = 0; i < threads + ITEMS_SPARE; i++)
		item_init(&x->items[i], x);
	for (unsigned i = 0; t->packs && i < threads && r == 0; i++)
		r = (x->packs[i] = pack_new(t->compression, err)) ? 0 : -1;
	if (r == 0)
		r = copy_all(x, threads, err);
	if (r == 0)
		r = t->end(t, err);
	for (size_t i = 0; i < ARRAY_LEN(x->items); i++)
		item_fini(&x->items[i]);
	for (unsigned i = 0; i < WORKERS_MAX; i++)
		pack_free(x->packs[i]);
	pthread_mutex_destroy(&x->lost_lock);
	free(x);
	return r;
}
