/* Matches are found by hash chains of four bytes, those of three by a table of their own; a match waits for a better one
 * at the next byte (lazily). The window is small enough that all tables stay in the first cache. */
#include "disk/deflate.h"

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "disk/huffman.h"

#define WINDOW 4096u
#define MATCH_MIN 3u
#define MATCH_MAX 258u
#define HASH4_BITS 13u
#define HASH3_BITS 12u
/* What measured best: twice as fast as zlib's level 6 and no larger on text and programs. */
#define NICE 48u /* a match of that length is not to be bettered */
#define DEPTH 16u
#define DEPTH_LAZY 8u
#define SYMBOLS_MAX 32768u
#define SLACK 8u /* bytes that the writer stores ahead */

#define LITLENS 286u
#define DISTS 30u
#define END 256u
#define MATCH (1u << 31) /* of a symbol: MATCH | length << 16 | distance; else a literal */

struct deflate {
	uint16_t head4[1u << HASH4_BITS], head3[1u << HASH3_BITS];
	uint16_t prev[WINDOW];
	uint32_t litlen_freq[LITLENS], dist_freq[DISTS];
	uint32_t symbols[SYMBOLS_MAX + 1];
	size_t n_symbols;
	uint8_t dist_slot[WINDOW + 1], len_slot[MATCH_MAX + 1];
};

/* --- RFC 1951, 3.2.5 ---------------------------------------------------------------------------------- */

static const uint8_t len_extra[29] = {
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
static const uint16_t len_base[29] = {3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35,
    43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
static const uint8_t dist_extra[DISTS] = {0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8,
    8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};
static const uint16_t dist_base[DISTS] = {1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193,
    257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};

struct deflate *deflate_new(void)
{
	struct deflate *d = xcalloc(1, sizeof(*d));
	for (unsigned slot = 0; slot < ARRAY_LEN(len_base); slot++)
		for (unsigned len = len_base[slot]; len <= MATCH_MAX; len++)
			d->len_slot[len] = (uint8_t)slot;
	for (unsigned slot = 0; slot < DISTS; slot++)
		for (unsigned dist = dist_base[slot]; dist <= WINDOW; dist++)
			d->dist_slot[dist] = (uint8_t)slot;
	return d;
}

void deflate_free(struct deflate *d)
{
	free(d);
}

/* --- matches ------------------------------------------------------------------------------------------ */

static uint32_t load32(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static uint64_t load64(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static unsigned hash4(uint32_t v)
{
	return v * 0x9e3779b1u >> (32 - HASH4_BITS);
}

static unsigned hash3(uint32_t v)
{
	return (v << 8) * 0x9e3779b1u >> (32 - HASH3_BITS);
}

static unsigned common(const uint8_t *a, const uint8_t *b, unsigned from, unsigned most)
{
	unsigned n = from;
	for (; n + 8 <= most; n += 8) {
		uint64_t diff = load64(a + n) ^ load64(b + n);
		if (diff != 0)
			return n + (unsigned)__builtin_ctzll(diff) / 8;
	}
	while (n < most && a[n] == b[n])
		n++;
	return n;
}

struct match {
	unsigned len, dist; /* len 0: none */
};

/* Needs four bytes at `at`; they are noted for later. Positions are kept modulo 65536: an old one that comes to lie inside
 * of the window is looked at in vain, never believed. */
static struct match find(
    struct deflate *d, const uint8_t *in, size_t at, size_t n, unsigned longer, unsigned depth)
{
	const uint8_t *here = in + at;
	uint32_t v = load32(here);
	uint16_t pos = (uint16_t)at;
	uint16_t *head = &d->head4[hash4(v)], *head3 = &d->head3[hash3(v)];
	unsigned most = n - at < MATCH_MAX ? (unsigned)(n - at) : MATCH_MAX;
	unsigned reach = at < WINDOW ? (unsigned)at : WINDOW;
	struct match best = {longer, 0};
	unsigned dist = (uint16_t)(pos - *head), dist3 = (uint16_t)(pos - *head3), last = 0;
	d->prev[pos % WINDOW] = *head;
	*head = *head3 = pos;
	if (best.len < MATCH_MIN && dist3 - 1 < reach && ((load32(here - dist3) ^ v) << 8) == 0)
		best = (struct match){MATCH_MIN, dist3};
	while (dist > last && dist <= reach && best.len < most && depth-- > 0) {
		const uint8_t *there = here - dist;
		if (load32(there) == v &&
		    (best.len < 4 || load32(there + best.len - 3) == load32(here + best.len - 3))) {
			unsigned len = common(here, there, 4, most);
			if (len > best.len) {
				best = (struct match){len, dist};
				if (len >= NICE)
					break;
			}
		}
		last = dist;
		dist = (uint16_t)(pos - d->prev[(uint16_t)(pos - dist) % WINDOW]);
	}
	return best.dist == 0 ? (struct match){0} : best;
}

static void note(struct deflate *d, const uint8_t *in, size_t at)
{
	uint32_t v = load32(in + at);
	uint16_t pos = (uint16_t)at;
	uint16_t *head = &d->head4[hash4(v)];
	d->prev[pos % WINDOW] = *head;
	*head = pos;
	d->head3[hash3(v)] = pos;
}

/* --- symbols ------------------------------------------------------------------------------------------ */

static void add_literal(struct deflate *d, uint8_t byte)
{
	d->litlen_freq[byte]++;
	d->symbols[d->n_symbols++] = byte;
}

static void add_match(struct deflate *d, struct match m)
{
	d->litlen_freq[257 + d->len_slot[m.len]]++;
	d->dist_freq[d->dist_slot[m.dist]]++;
	d->symbols[d->n_symbols++] = MATCH | m.len << 16 | m.dist;
}

static unsigned log2_of(unsigned v)
{
	return 31u - (unsigned)__builtin_clz(v);
}

/* Is it worth a literal to take the later one? A length is worth more than the bits of a distance. */
static bool better(struct match later, struct match now)
{
	return 4 * (int)(later.len - now.len) + (int)(log2_of(now.dist) - log2_of(later.dist)) > 2;
}

/* Symbols of the input from `at` on until the block is full; returns where it stands. */
static size_t find_symbols(struct deflate *d, const uint8_t *in, size_t at, size_t n)
{
	/* Four bytes can be looked at before `last`. */
	size_t last = n < 4 ? 0 : n - 3;
	while (at < last && d->n_symbols + 1 < SYMBOLS_MAX) {
		struct match now = find(d, in, at, n, MATCH_MIN - 1, DEPTH);
		/* Three bytes from far away cost more than literals do. */
		if (now.len == 0 || (now.len == MATCH_MIN && now.dist > 2048)) {
			add_literal(d, in[at++]);
			continue;
		}
		while (now.len < NICE && at + 1 < last && d->n_symbols + 2 < SYMBOLS_MAX) {
			struct match later = find(d, in, at + 1, n, now.len - 1, DEPTH_LAZY);
			if (later.len < now.len || !better(later, now))
				break;
			add_literal(d, in[at++]);
			now = later;
		}
		add_match(d, now);
		size_t end = at + now.len;
		/* The byte behind was noted by the search for a better one. */
		at += now.len < NICE && at + 1 < last ? 2 : 1;
		for (; at < end && at < last; at++)
			note(d, in, at);
		at = end;
	}
	while (at >= last && at < n && d->n_symbols < SYMBOLS_MAX)
		add_literal(d, in[at++]);
	return at;
}

/* --- what no compression makes smaller: random bytes, what is compressed or encrypted already ----------- */

#define HOPELESS_MIN 4096u /* fewer bytes tell too little, and cost little */
#define SAMPLES 16u
#define SAMPLE 256u

static void count_bytes(const uint8_t *in, size_t n, uint32_t count[256])
{
	for (size_t i = 0; i < n; i++)
		count[in[i]]++;
}

/* The sum of squares is n²/256 + n for n random bytes, and more the less they are so (Rényi's entropy, which is never more
 * than Shannon's). How much more, in percent of n²/256. */
static uint64_t uneven(const uint32_t count[256], size_t n)
{
	uint64_t sum = 0, even = (uint64_t)n * n / 256;
	for (unsigned i = 0; i < 256; i++)
		sum += (uint64_t)count[i] * count[i];
	return sum < even + n ? 0 : (sum - even - n) * 100 / even;
}

/* Bytes in matches of four, looked for in one place each. */
static size_t count_matches(struct deflate *d, const uint8_t *in, size_t n)
{
	size_t found = 0;
	for (size_t at = 0; at + 4 <= n; at++) {
		uint32_t v = load32(in + at);
		uint16_t *head = &d->head4[hash4(v)], dist = (uint16_t)(at - *head);
		*head = (uint16_t)at;
		if (dist == 0 || dist > WINDOW || dist > at || load32(in + at - dist) != v)
			continue;
		found += 4;
		at += 3;
	}
	return found;
}

/* Would less than about two percent be won? */
static bool hopeless(struct deflate *d, const uint8_t *in, size_t n)
{
	uint32_t count[256] = {0};
	if (n < HOPELESS_MIN)
		return false;
	for (size_t i = 0; i < SAMPLES; i++)
		count_bytes(in + i * (n / SAMPLES), SAMPLE, count);
	if (uneven(count, SAMPLES * SAMPLE) > 6)
		return false;
	memset(count, 0, sizeof(count));
	count_bytes(in, n, count);
	return uneven(count, n) <= 2 && count_matches(d, in, n) < n / 100;
}

/* --- blocks ------------------------------------------------------------------------------------------- */

struct bits {
	uint8_t *to;
	uint64_t kept;
	unsigned n; /* < 8 after each store */
};

static inline void put(struct bits *b, uint64_t v, unsigned n)
{
	b->kept |= v << b->n;
	b->n += n;
}

/* At most 56 bits were put since the last one. */
static inline void store(struct bits *b)
{
	uint64_t v = htole64(b->kept);
	memcpy(b->to, &v, sizeof(v));
	b->to += b->n / 8;
	b->kept >>= b->n & ~7u;
	b->n &= 7;
}

struct codes {
	struct huffman litlen[LITLENS + 2], dist[DISTS + 2];
};

static uint64_t cost(const struct deflate *d, const struct codes *c)
{
	uint64_t bits = 0;
	for (unsigned i = 0; i < LITLENS; i++)
		bits += (uint64_t)d->litlen_freq[i] *
		        (c->litlen[i].bits + (i > 256u ? len_extra[i - 257] : 0u));
	for (unsigned i = 0; i < DISTS; i++)
		bits += (uint64_t)d->dist_freq[i] * (c->dist[i].bits + (unsigned)dist_extra[i]);
	return bits;
}

static void put_symbols(const struct deflate *d, const struct codes *c, struct bits *b)
{
	for (size_t i = 0; i < d->n_symbols; i++) {
		uint32_t s = d->symbols[i];
		if (!(s & MATCH)) {
			put(b, c->litlen[s].code, c->litlen[s].bits);
			store(b);
			continue;
		}
		unsigned len = s >> 16 & 0x1ff, dist = s & 0xffff;
		unsigned slot = d->len_slot[len], far = d->dist_slot[dist];
		put(b, c->litlen[257 + slot].code, c->litlen[257 + slot].bits);
		put(b, len - len_base[slot], len_extra[slot]);
		put(b, c->dist[far].code, c->dist[far].bits);
		put(b, dist - dist_base[far], dist_extra[far]);
		store(b);
	}
	put(b, c->litlen[END].code, c->litlen[END].bits);
	store(b);
}

/* RFC 1951, 3.2.6 */
static void fixed_codes(struct codes *c)
{
	for (unsigned i = 0; i < 288; i++)
		c->litlen[i].bits = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
	for (unsigned i = 0; i < 32; i++)
		c->dist[i].bits = 5;
	huffman_codes(c->litlen, 288);
	huffman_codes(c->dist, 32);
}

/* RFC 1951, 3.2.7: how the lengths of both alphabets are told. */
struct head {
	unsigned litlens, dists, n, used;
	uint16_t items[LITLENS + DISTS]; /* code | repeats << 8 */
	struct huffman pre[19];
	uint64_t bits;
};
static const uint8_t pre_order[19] = {
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
static const uint8_t pre_extra[19] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 3, 7};

static void add_lengths(struct head *h, const uint8_t *lengths, unsigned n, uint32_t *freq)
{
	for (unsigned i = 0, run; i < n; i += run) {
		unsigned len = lengths[i], left, take, code;
		for (run = 1; i + run < n && lengths[i + run] == len;)
			run++;
		left = run;
		if (len != 0) { /* itself, then its repeats */
			h->items[h->n++] = (uint16_t)len;
			freq[len]++;
			left--;
		}
		for (; left >= 3; left -= take) {
			code = len != 0 ? 16 : left >= 11 ? 18 : 17;
			unsigned least = code == 18 ? 11 : 3, most = code == 16   ? 6
			                                             : code == 17 ? 10
			                                                          : 138;
			take = left < most ? left : most;
			h->items[h->n++] = (uint16_t)(code | (take - least) << 8);
			freq[code]++;
		}
		for (; left > 0; left--) {
			h->items[h->n++] = (uint16_t)len;
			freq[len]++;
		}
	}
}

static void make_head(struct head *h, const struct codes *c)
{
	uint8_t lengths[LITLENS + DISTS];
	uint32_t freq[19] = {0};
	*h = (struct head){.litlens = LITLENS, .dists = DISTS, .used = 19};
	while (h->litlens > 257 && c->litlen[h->litlens - 1].bits == 0)
		h->litlens--;
	while (h->dists > 1 && c->dist[h->dists - 1].bits == 0)
		h->dists--;
	for (unsigned i = 0; i < h->litlens; i++)
		lengths[i] = c->litlen[i].bits;
	for (unsigned i = 0; i < h->dists; i++)
		lengths[h->litlens + i] = c->dist[i].bits;
	add_lengths(h, lengths, h->litlens + h->dists, freq);
	huffman_make(h->pre, freq, 19, 7);
	while (h->used > 4 && h->pre[pre_order[h->used - 1]].bits == 0)
		h->used--;
	h->bits = 14 + 3 * h->used;
	for (unsigned i = 0; i < 19; i++)
		h->bits += (uint64_t)freq[i] * (h->pre[i].bits + (unsigned)pre_extra[i]);
}

static void put_head(const struct head *h, struct bits *b)
{
	put(b, h->litlens - 257, 5);
	put(b, h->dists - 1, 5);
	put(b, h->used - 4, 4);
	store(b);
	for (unsigned i = 0; i < h->used; i++) {
		put(b, h->pre[pre_order[i]].bits, 3);
		store(b);
	}
	for (unsigned i = 0; i < h->n; i++) {
		unsigned code = h->items[i] & 0xff;
		put(b, h->pre[code].code, h->pre[code].bits);
		put(b, h->items[i] >> 8, pre_extra[code]);
		store(b);
	}
}

/* false: there is no room for it before `end`. */
static bool put_block(struct deflate *d, bool last, struct bits *b, const uint8_t *end)
{
	struct codes own = {0}, fixed = {0};
	struct head h;
	d->litlen_freq[END] = 1;
	huffman_make(own.litlen, d->litlen_freq, LITLENS, 15);
	huffman_make(own.dist, d->dist_freq, DISTS, 15);
	make_head(&h, &own);
	fixed_codes(&fixed);
	uint64_t bits = h.bits + cost(d, &own), fixed_bits = cost(d, &fixed);
	bool use_fixed = fixed_bits <= bits;
	uint64_t all = 3 + (use_fixed ? fixed_bits : bits);
	if ((uint64_t)(end - b->to) < (b->n + all) / 8 + 1 + SLACK)
		return false;
	put(b, last, 1);
	put(b, use_fixed ? 1 : 2, 2);
	store(b);
	if (!use_fixed)
		put_head(&h, b);
	put_symbols(d, use_fixed ? &fixed : &own, b);
	return true;
}

size_t deflate_run(struct deflate *d, const void *bytes, size_t n, void *out)
{
	const uint8_t *in = bytes;
	struct bits b = {.to = out};
	if (n == 0 || hopeless(d, in, n))
		return 0;
	memset(d->head4, 0, sizeof(d->head4));
	memset(d->head3, 0, sizeof(d->head3));
	for (size_t at = 0; at < n;) {
		memset(d->litlen_freq, 0, sizeof(d->litlen_freq));
		memset(d->dist_freq, 0, sizeof(d->dist_freq));
		d->n_symbols = 0;
		at = find_symbols(d, in, at, n);
		if (!put_block(d, at == n, &b, (uint8_t *)out + n))
			return 0;
	}
	if (b.n > 0)
		*b.to++ = (uint8_t)b.kept;
	return (size_t)(b.to - (uint8_t *)out);
}
