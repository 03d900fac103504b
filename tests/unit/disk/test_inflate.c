#include "disk/inflate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#define MOST 70000u
#define ROUNDS 3000u

static uint32_t seed = 7;

static uint32_t next_random(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 8;
}

/* Exact rooms, so that a sanitizer sees every byte beside them. */
static bool ours(const uint8_t *packed, size_t k, uint8_t *out, size_t n)
{
	uint8_t *in = malloc(k ? k : 1);
	memcpy(in, packed, k);
	struct inflater *f = inflater_new();
	bool good = inflate_run(f, in, k, out, n);
	inflater_free(f);
	free(in);
	return good;
}

static bool theirs(const uint8_t *packed, size_t k, uint8_t *out, size_t n)
{
	z_stream z = {0};
	inflateInit2(&z, -15);
	z.next_in = (Bytef *)(uintptr_t)packed;
	z.avail_in = (unsigned)k;
	z.next_out = out;
	z.avail_out = (unsigned)n;
	int r = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	return (r == Z_STREAM_END || r == Z_BUF_ERROR) && z.avail_out == 0;
}

static void fill(uint8_t *p, size_t n)
{
	unsigned kind = next_random() % 4, period = 1 + next_random() % 12;
	for (size_t i = 0; i < n; i++)
		p[i] = kind == 0   ? (uint8_t)next_random()
		       : kind == 1 ? (uint8_t)(i < period ? i : p[i - period])
		       : kind == 2 ? (uint8_t)((next_random() & next_random() & next_random()) % 77)
		       : i > 300 && next_random() % 9 ? p[i - 1 - next_random() % 300]
		                                      : (uint8_t)next_random();
}

static size_t squeeze(const uint8_t *p, size_t n, uint8_t *packed)
{
	z_stream z = {0};
	deflateInit2(&z, (int)(next_random() % 10), Z_DEFLATED, -(int)(9 + next_random() % 7), 9,
	    (int)(next_random() % 5));
	z.next_in = (Bytef *)(uintptr_t)p;
	z.avail_in = (unsigned)n;
	z.next_out = packed;
	z.avail_out = 2 * MOST;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

/* All of zlib's levels and strategies; then bits turned over: what zlib still reads is the same here. */
static void as_zlib(void **state)
{
	(void)state;
	uint8_t *p = malloc(MOST), *packed = malloc(2 * MOST);
	unsigned damaged = 0;
	for (unsigned round = 0; round < ROUNDS; round++) {
		size_t n = 1 + next_random() % (round % 20 == 0 ? MOST : 3000);
		uint8_t *a = malloc(n), *b = malloc(n);
		fill(p, n);
		size_t k = squeeze(p, n, packed);
		assert_true(ours(packed, k, a, n));
		assert_memory_equal(a, p, n);
		size_t less = 1 + next_random() % n; /* only its beginning is wanted */
		assert_true(ours(packed, k, a, less));
		assert_memory_equal(a, p, less);
		for (unsigned flips = 1 + next_random() % 3; flips > 0; flips--)
			packed[next_random() % (flips % 2   ? k
			                           : k < 90 ? k
			                                    : 90)] ^=
			    (uint8_t)(1u << next_random() % 8);
		if (next_random() % 3 == 0)
			k = next_random() % (k + 1);
		memset(a, 0, n);
		memset(b, 0, n);
		bool good = theirs(packed, k, b, n);
		bool taken = ours(packed, k, a, n); /* libdeflate is no stricter about odd codes */
		damaged += !taken;
		if (good) {
			assert_true(taken);
			assert_memory_equal(a, b, n);
		}
		free(a);
		free(b);
	}
	assert_true(damaged > ROUNDS / 4);
	free(p);
	free(packed);
}

static void too_short(void **state)
{
	(void)state;
	uint8_t p[1000], packed[3000], a[2000];
	fill(p, sizeof(p));
	size_t k = squeeze(p, sizeof(p), packed);
	assert_false(ours(packed, k, a, 1001)); /* its end comes too soon */
	assert_false(ours(packed, 0, a, 1));
	assert_true(ours(packed, 0, a, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(as_zlib),
	    cmocka_unit_test(too_short),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
