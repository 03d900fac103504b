#include "disk/huffman.h"

#include <stdbool.h>
#include <stddef.h>

/* The symbols that occur, the rarest first. */
struct leaf {
	uint32_t freq;
	uint16_t symbol;
};

static void sort(struct leaf *a, unsigned n)
{
	static const unsigned gaps[] = {132, 57, 23, 10, 4, 1};
	for (unsigned g = 0; g < sizeof(gaps) / sizeof(gaps[0]); g++)
		for (unsigned i = gaps[g]; i < n; i++) {
			struct leaf x = a[i];
			unsigned k = i;
			for (; k >= gaps[g] && (a[k - gaps[g]].freq > x.freq ||
			                           (a[k - gaps[g]].freq == x.freq &&
			                               a[k - gaps[g]].symbol > x.symbol));
			     k -= gaps[g])
				a[k] = a[k - gaps[g]];
			a[k] = x;
		}
}

/* How many leaves lie how deep in the tree: two queues, of leaves and of the nodes made of them, both in rising order.
 * depth is of 2n - 1 nodes at most. */
static void count_depths(const struct leaf *leaves, unsigned n, unsigned *count, unsigned most)
{
	uint64_t weight[HUFFMAN_SYMBOLS_MAX];
	uint16_t parent[2 * HUFFMAN_SYMBOLS_MAX], depth[2 * HUFFMAN_SYMBOLS_MAX];
	unsigned leaf = 0, node = 0, made = 0;
	for (; made + 1 < n; made++) {
		uint64_t sum = 0;
		for (unsigned k = 0; k < 2; k++) {
			bool take_leaf =
			    leaf < n && (node >= made || leaves[leaf].freq <= weight[node]);
			sum += take_leaf ? leaves[leaf].freq : weight[node];
			parent[take_leaf ? leaf++ : n + node++] = (uint16_t)(n + made);
		}
		weight[made] = sum;
	}
	depth[n + made - 1] = 0;
	for (unsigned i = n + made - 1; i-- > 0;) {
		depth[i] = (uint16_t)(depth[parent[i]] + 1);
		if (i < n)
			count[depth[i] < most ? depth[i] : most]++;
	}
}

/* Codes that were cut to `most` bits take more room than there is: others become longer until it is right again. */
static void fit(unsigned *count, unsigned most)
{
	uint64_t room = 0;
	for (unsigned bits = 1; bits <= most; bits++)
		room += (uint64_t)count[bits] << (most - bits);
	for (; room > 1ull << most; room--) {
		unsigned bits = most - 1;
		while (count[bits] == 0)
			bits--;
		/* One of `most` moves up beside one of `bits`, which goes a step down. */
		count[most]--;
		count[bits]--;
		count[bits + 1] += 2;
	}
}

void huffman_codes(struct huffman *h, unsigned n)
{
	unsigned count[HUFFMAN_BITS_MAX + 1] = {0}, next[HUFFMAN_BITS_MAX + 2] = {0};
	for (unsigned i = 0; i < n; i++)
		count[h[i].bits]++;
	count[0] = 0;
	for (unsigned bits = 1; bits <= HUFFMAN_BITS_MAX; bits++)
		next[bits] = (next[bits - 1] + count[bits - 1]) << 1;
	for (unsigned i = 0; i < n; i++) {
		unsigned code = h[i].bits != 0 ? next[h[i].bits]++ : 0, back = 0;
		for (unsigned bit = 0; bit < h[i].bits; bit++)
			back |= (code >> bit & 1) << (h[i].bits - 1u - bit);
		h[i].code = (uint16_t)back;
	}
}

void huffman_make(struct huffman *h, const uint32_t *freq, unsigned n, unsigned most)
{
	struct leaf leaves[HUFFMAN_SYMBOLS_MAX];
	unsigned count[HUFFMAN_BITS_MAX + 1] = {0}, used = 0;
	for (unsigned i = 0; i < n; i++) {
		h[i] = (struct huffman){0};
		if (freq[i] != 0)
			leaves[used++] = (struct leaf){freq[i], (uint16_t)i};
	}
	for (unsigned i = 0; used < 2; i++)
		if (freq[i] == 0)
			leaves[used++] = (struct leaf){0, (uint16_t)i};
	sort(leaves, used);
	count_depths(leaves, used, count, most);
	fit(count, most);
	for (unsigned bits = most, at = 0; bits > 0; bits--)
		for (unsigned k = 0; k < count[bits]; k++)
			h[leaves[at++].symbol].bits = (uint8_t)bits;
	huffman_codes(h, n);
}
