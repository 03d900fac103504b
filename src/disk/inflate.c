/* Tables of 11 and 8 bits tell a symbol, its base and how many bits it takes with its extra bits; longer codes go through a
 * second table. As long as both ends are far away nothing is checked but what the data themselves can break. */
#include "disk/inflate.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define LITLENS 288u
#define DISTS 32u
#define BITS_MAX 15u
#define LITLEN_BITS 11u
#define DIST_BITS 8u
/* A whole tree has two codes at least behind each entry that leads to a second table. */
#define LITLEN_TABLE ((1u << LITLEN_BITS) + LITLENS / 2 * (1u << (BITS_MAX - LITLEN_BITS)))
#define DIST_TABLE ((1u << DIST_BITS) + DISTS / 2 * (1u << (BITS_MAX - DIST_BITS)))
#define MATCH_MAX 258u
/* What the quick loop may read and write ahead in one turn. */
#define IN_AHEAD 24u
#define OUT_AHEAD (3 + MATCH_MAX + 32)

/* An entry: bits 0–4 how many bits it takes in all, 5–8 how many of them are the code, 9–24 literal, base or place of the
 * second table, then its kind. */
#define LITERAL (1u << 25)
#define SECOND (1u << 26)
#define END (1u << 27)
#define BAD (1u << 28)

struct reader {
	const uint8_t *in, *in_end;
	uint64_t kept;
	unsigned bits; /* in kept; what stands above them is what comes next, or zero */
	uint8_t *out, *out_start, *out_end;
};
struct tables {
	uint32_t litlen[LITLEN_TABLE], dist[DIST_TABLE];
};

/* --- RFC 1951, 3.2.5 ---------------------------------------------------------------------------------- */

static const uint8_t len_extra[31] = {
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
static const uint16_t len_base[31] = {3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35,
    43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
static const uint8_t dist_extra[DISTS] = {0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8,
    8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};
static const uint16_t dist_base[DISTS] = {1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193,
    257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};

static uint32_t litlen_entry(unsigned symbol, unsigned code_bits)
{
	unsigned slot = symbol - 257;
	if (symbol < 256)
		return LITERAL | symbol << 9 | code_bits << 5 | code_bits;
	if (symbol == 256)
		return END | code_bits << 5 | code_bits;
	if (len_base[slot] == 0)
		return BAD;
	return (uint32_t)len_base[slot] << 9 | code_bits << 5 | (code_bits + len_extra[slot]);
}

static uint32_t dist_entry(unsigned symbol, unsigned code_bits)
{
	if (dist_base[symbol] == 0)
		return BAD;
	return (uint32_t)dist_base[symbol] << 9 | code_bits << 5 | (code_bits + dist_extra[symbol]);
}

/* The code lengths' own symbols: 0–18, as they are. */
static uint32_t plain_entry(unsigned symbol, unsigned code_bits)
{
	return symbol << 9 | code_bits << 5 | code_bits;
}

/* --- tables ------------------------------------------------------------------------------------------- */

static unsigned reverse(unsigned code, unsigned bits)
{
	unsigned back = 0;
	for (; bits > 0; bits--, code >>= 1)
		back = back << 1 | (code & 1);
	return back;
}

/* May codes of these lengths be? Whole trees, one code of one bit, and none at all, as in zlib. */
static bool check_lengths(const unsigned *count, bool whole)
{
	int left = 1;
	unsigned most = 0;
	for (unsigned bits = 1; bits <= BITS_MAX; bits++) {
		left = left * 2 - (int)count[bits];
		if (left < 0)
			return false;
		most = count[bits] != 0 ? bits : most;
	}
	return left == 0 || (!whole && most <= 1);
}

/* lengths of n symbols into a table of 1 << first entries, and second ones behind it. */
static bool make_table(uint32_t *table, unsigned first, const uint8_t *lengths, unsigned n,
    uint32_t (*entry)(unsigned symbol, unsigned code_bits), bool whole)
{
	unsigned count[BITS_MAX + 1] = {0}, next[BITS_MAX + 2] = {0}, most = BITS_MAX;
	for (unsigned i = 0; i < n; i++)
		count[lengths[i]]++;
	count[0] = 0;
	if (!check_lengths(count, whole))
		return false;
	while (most > first && count[most] == 0)
		most--;
	for (unsigned bits = 1; bits <= BITS_MAX; bits++)
		next[bits] = (next[bits - 1] + count[bits - 1]) << 1;
	unsigned size = 1u << first, second = most - first, end = size;
	for (unsigned i = 0; i < size; i++)
		table[i] = BAD;
	for (unsigned i = 0; i < n; i++) {
		unsigned bits = lengths[i];
		if (bits == 0)
			continue;
		unsigned code = reverse(next[bits]++, bits);
		uint32_t e = entry(i, bits);
		if (bits <= first) {
			for (unsigned k = code; k < size; k += 1u << bits)
				table[k] = e;
			continue;
		}
		uint32_t *lead = &table[code & (size - 1)];
		if (!(*lead & SECOND)) {
			*lead = SECOND | end << 9;
			end += 1u << second;
		}
		for (unsigned k = code >> first; k < 1u << second; k += 1u << (bits - first))
			table[(*lead >> 9 & 0xffff) + k] = e;
	}
	/* Where to look in a second table. */
	for (unsigned i = 0; second > 0 && i < size; i++)
		if (table[i] & SECOND)
			table[i] |= second;
	return true;
}

static inline uint32_t look_up(const uint32_t *table, unsigned first, uint64_t kept)
{
	uint32_t e = table[kept & ((1u << first) - 1)];
	if (!(e & SECOND))
		return e;
	return table[(e >> 9 & 0xffff) + (kept >> first & ((1u << (e & 31)) - 1))];
}

/* Base and extra bits, which lie in kept behind the code. */
static inline unsigned value_of(uint32_t e, uint64_t kept)
{
	uint64_t all = kept & ((1ull << (e & 31)) - 1);
	return (e >> 9 & 0xffff) + (unsigned)(all >> (e >> 5 & 15));
}

/* --- bits --------------------------------------------------------------------------------------------- */

static uint64_t load64(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

/* 56 bits at least, when eight bytes may be read. */
static inline void refill(struct reader *r)
{
	r->kept |= load64(r->in) << r->bits;
	r->in += (63 - r->bits) / 8;
	r->bits |= 56;
}

static void refill_slowly(struct reader *r)
{
	for (; r->bits < 56 && r->in < r->in_end; r->bits += 8)
		r->kept |= (uint64_t)*r->in++ << r->bits;
	/* What is no bit of the input is not to be taken for one. */
	if (r->in == r->in_end && r->bits < 64)
		r->kept &= (1ull << r->bits) - 1;
}

/* false: the input is at its end. */
static bool take(struct reader *r, unsigned n, unsigned *v)
{
	if (r->bits < n)
		refill_slowly(r);
	if (r->bits < n)
		return false;
	*v = (unsigned)(r->kept & ((1ull << n) - 1));
	r->kept >>= n;
	r->bits -= n;
	return true;
}

/* --- blocks ------------------------------------------------------------------------------------------- */

enum result { FAILED, BLOCK_ENDED, FULL };

static enum result stored(struct reader *r)
{
	unsigned skip, head;
	if (!take(r, r->bits & 7, &skip) || !take(r, 32, &head) ||
	    (head & 0xffff) != (~head >> 16 & 0xffff))
		return FAILED;
	r->in -= r->bits / 8;
	r->kept = 0;
	r->bits = 0;
	size_t n = head & 0xffff, has = (size_t)(r->in_end - r->in),
	       room = (size_t)(r->out_end - r->out);
	bool full = n >= room;
	n = full ? room : n;
	if (n > has)
		return FAILED;
	memcpy(r->out, r->in, n);
	r->in += n;
	r->out += n;
	return full ? FULL : BLOCK_ENDED;
}

/* OUT_AHEAD bytes of room: up to 31 are written too many. */
static inline void copy_quickly(uint8_t *to, unsigned dist, unsigned len)
{
	const uint8_t *from = to - dist;
	uint8_t *end = to + len;
	if (__builtin_expect(dist >= 16, 1)) {
		do {
			memcpy(to, from, 16);
			memcpy(to + 16, from + 16, 16);
			to += 32;
			from += 32;
		} while (to < end);
	} else if (dist == 1) {
		memset(to, *from, len);
	} else {
		while (to < end)
			*to++ = *from++;
	}
}

static inline void skip(struct reader *r, uint32_t e)
{
	r->kept >>= e & 31;
	r->bits -= e & 31;
}

/* While both ends are far away. BLOCK_ENDED, FAILED, or FULL: go on slowly. */
static enum result symbols_quickly(struct reader *reader, const struct tables *t)
{
	struct reader r = *reader;
	const uint8_t *in_last = r.in_end - IN_AHEAD;
	uint8_t *out_last = r.out_end - OUT_AHEAD;
	enum result result = FULL;
	refill(&r);
	uint32_t e = look_up(t->litlen, LITLEN_BITS, r.kept);
	while (r.in <= in_last && r.out <= out_last) {
		/* e is looked up and not yet taken. Three codes of 15 bits and one more fit into 56 bits. */
		if (e & LITERAL) {
			*r.out++ = (uint8_t)(e >> 9);
			skip(&r, e);
			e = look_up(t->litlen, LITLEN_BITS, r.kept);
			if (e & LITERAL) {
				*r.out++ = (uint8_t)(e >> 9);
				skip(&r, e);
				e = look_up(t->litlen, LITLEN_BITS, r.kept);
			}
			refill(&r);
			if (e & LITERAL)
				continue;
		}
		unsigned len = value_of(e, r.kept);
		skip(&r, e);
		if (__builtin_expect(e & (END | BAD), 0)) {
			result = e & END ? BLOCK_ENDED : FAILED;
			break;
		}
		e = look_up(t->dist, DIST_BITS, r.kept);
		unsigned dist = value_of(e, r.kept);
		skip(&r, e);
		if (__builtin_expect((e & BAD) || dist > (size_t)(r.out - r.out_start), 0)) {
			result = FAILED;
			break;
		}
		refill(&r);
		e = look_up(t->litlen, LITLEN_BITS, r.kept);
		copy_quickly(r.out, dist, len);
		r.out += len;
	}
	*reader = r;
	return result;
}

/* One code with its extra bits. */
static bool take_code(
    struct reader *r, const uint32_t *table, unsigned first, uint32_t *e, unsigned *value)
{
	if (r->bits < 48)
		refill_slowly(r);
	*e = look_up(table, first, r->kept);
	if ((*e & BAD) || (*e & 31) > r->bits)
		return false;
	*value = value_of(*e, r->kept);
	r->kept >>= *e & 31;
	r->bits -= *e & 31;
	return true;
}

static enum result symbols(struct reader *r, const struct tables *t)
{
	uint32_t e;
	unsigned len, dist;
	if (r->in_end - r->in > (ptrdiff_t)IN_AHEAD && r->out_end - r->out > (ptrdiff_t)OUT_AHEAD) {
		enum result result = symbols_quickly(r, t);
		if (result != FULL)
			return result;
	}
	while (r->out < r->out_end) {
		if (!take_code(r, t->litlen, LITLEN_BITS, &e, &len))
			return FAILED;
		if (e & LITERAL) {
			*r->out++ = (uint8_t)(e >> 9);
			continue;
		}
		if (e & END)
			return BLOCK_ENDED;
		if (!take_code(r, t->dist, DIST_BITS, &e, &dist) ||
		    dist > (size_t)(r->out - r->out_start))
			return FAILED;
		for (; len > 0 && r->out < r->out_end; len--, r->out++)
			*r->out = *(r->out - dist);
	}
	return FULL;
}

/* RFC 1951, 3.2.6 */
static bool fixed_tables(struct tables *t)
{
	uint8_t lengths[LITLENS];
	for (unsigned i = 0; i < LITLENS; i++)
		lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
	if (!make_table(t->litlen, LITLEN_BITS, lengths, LITLENS, litlen_entry, true))
		return false;
	memset(lengths, 5, DISTS);
	return make_table(t->dist, DIST_BITS, lengths, DISTS, dist_entry, true);
}

/* RFC 1951, 3.2.7: lengths of both alphabets, themselves coded. */
static bool take_lengths(struct reader *r, const uint32_t *pre, uint8_t *lengths, unsigned n)
{
	static const uint8_t extra[3] = {2, 3, 7}, least[3] = {3, 3, 11};
	uint32_t e;
	unsigned symbol, more;
	for (unsigned i = 0; i < n;) {
		if (!take_code(r, pre, 7, &e, &symbol))
			return false;
		if (symbol < 16) {
			lengths[i++] = (uint8_t)symbol;
			continue;
		}
		if (!take(r, extra[symbol - 16], &more))
			return false;
		more += least[symbol - 16];
		if (more > n - i || (symbol == 16 && i == 0))
			return false;
		memset(lengths + i, symbol == 16 ? lengths[i - 1] : 0, more);
		i += more;
	}
	return true;
}

static bool own_tables(struct reader *r, struct tables *t)
{
	static const uint8_t order[19] = {
	    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
	uint8_t lengths[LITLENS + DISTS] = {0}, pre_lengths[19] = {0};
	uint32_t pre[1u << 7];
	unsigned litlens, dists, n, bits;
	if (!take(r, 5, &litlens) || !take(r, 5, &dists) || !take(r, 4, &n))
		return false;
	litlens += 257;
	dists += 1;
	if (litlens > 286 || dists > 30)
		return false;
	for (unsigned i = 0; i < n + 4; i++) {
		if (!take(r, 3, &bits))
			return false;
		pre_lengths[order[i]] = (uint8_t)bits;
	}
	return make_table(pre, 7, pre_lengths, 19, plain_entry, true) &&
	       take_lengths(r, pre, lengths, litlens + dists) && lengths[256] != 0 &&
	       make_table(t->litlen, LITLEN_BITS, lengths, litlens, litlen_entry, false) &&
	       make_table(t->dist, DIST_BITS, lengths + litlens, dists, dist_entry, false);
}

static enum result block(struct reader *r, struct tables *t, unsigned kind)
{
	if (kind == 0)
		return stored(r);
	if (kind == 3 || !(kind == 1 ? fixed_tables(t) : own_tables(r, t)))
		return FAILED;
	return symbols(r, t);
}

bool inflate_run(const void *in, size_t packed, void *out, size_t n)
{
	struct reader r = {.in = in, .out = out, .out_start = out};
	struct tables t;
	unsigned last = 0, kind;
	r.in_end = r.in + packed;
	r.out_end = r.out + n;
	while (r.out < r.out_end) {
		if (last || !take(&r, 1, &last) || !take(&r, 2, &kind))
			return false;
		enum result result = block(&r, &t, kind);
		if (result == FAILED)
			return false;
	}
	return true;
}
