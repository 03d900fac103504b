#include "disk/deflate.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#define MOST (2u << 20)

static uint32_t seed = 1;

static uint32_t next_random(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 8;
}

/* zlib reads it with a window of 4 KiB, also a byte at a time, which keeps to the window strictly. */
static size_t round_trip(struct deflate *d, const uint8_t *in, size_t n)
{
	uint8_t *out = malloc(n + 1), *back = malloc(n + 1);
	size_t packed = deflate_run(d, in, n, out);
	assert_true(packed < n || n == 0);
	for (unsigned step = 1; packed > 0 && step <= 2; step++) {
		z_stream z = {0};
		int r = Z_OK;
		assert_int_equal(inflateInit2(&z, -12), Z_OK);
		z.next_in = out;
		z.avail_in = (unsigned)packed;
		z.next_out = back;
		while (r == Z_OK && z.total_out <= n) {
			z.avail_out = step == 1 ? (unsigned)(n - z.total_out) : 1;
			if (z.avail_out == 0)
				z.avail_out = 1;
			r = inflate(&z, Z_NO_FLUSH);
		}
		assert_int_equal(r, Z_STREAM_END);
		assert_int_equal(z.total_out, n);
		assert_int_equal(z.avail_in, 0);
		assert_memory_equal(back, in, n);
		inflateEnd(&z);
	}
	free(out);
	free(back);
	return packed;
}

static void fill_text(uint8_t *p, size_t n)
{
	static const char *const words[] = {"kernel", "panic", " at ", "0x", "\n", "the ", "disk",
	    "[    0.00", "]", "e", "systemd", "Started ", "ing", "failed"};
	for (size_t at = 0; at < n;) {
		const char *w = words[next_random() % 14];
		size_t k = strlen(w) < n - at ? strlen(w) : n - at;
		memcpy(p + at, w, k);
		at += k;
	}
}

static void every_size_comes_back(void **state)
{
	(void)state;
	struct deflate *d = deflate_new();
	uint8_t *p = malloc(70000);
	for (size_t n = 0; n < 70000; n += n < 600 ? 1 : 9973) {
		fill_text(p, n);
		size_t packed = round_trip(d, p, n);
		assert_true(n < 1000 || (packed > 0 && packed < n / 2));
		for (size_t i = 0; i < n; i++)
			p[i] = (uint8_t)(next_random() >>
			                 (i / 1000 % 9)); /* of less and less information */
		round_trip(d, p, n);
	}
	free(p);
	deflate_free(d);
}

static void long_and_far_matches(void **state)
{
	(void)state;
	struct deflate *d = deflate_new();
	uint8_t *p = malloc(MOST);
	memset(p, 'x', MOST);
	assert_true(round_trip(d, p, MOST) < MOST / 500);
	for (size_t period = 4090; period <= 4100; period++) {
		for (size_t i = 0; i < MOST / 8; i++)
			p[i] = i < period ? (uint8_t)next_random() : p[i - period];
		size_t packed = round_trip(d, p, MOST / 8);
		assert_true(period > 4096 || (packed > 0 && packed < MOST / 8 / 10));
	}
	/* Positions wrap around many times. */
	fill_text(p, MOST);
	assert_true(round_trip(d, p, MOST) < MOST / 2);
	free(p);
	deflate_free(d);
}

static void what_is_random_is_given_up(void **state)
{
	(void)state;
	struct deflate *d = deflate_new();
	uint8_t *p = malloc(65536);
	for (size_t i = 0; i < 65536; i++)
		p[i] = (uint8_t)(next_random() >> 4);
	assert_int_equal(round_trip(d, p, 65536), 0);
	assert_int_equal(round_trip(d, p, 100), 0);
	/* Not when only its beginning is so, nor when it repeats itself. */
	memset(p + 40000, 0, 25536);
	assert_true(round_trip(d, p, 65536) > 0);
	memcpy(p + 4096, p, 4096);
	assert_true(round_trip(d, p, 8192) > 0);
	free(p);
	deflate_free(d);
}

static void the_same_again(void **state)
{
	(void)state;
	struct deflate *d = deflate_new();
	uint8_t *p = malloc(65536), *a = malloc(65536), *b = malloc(65536);
	fill_text(p, 65536);
	size_t n = deflate_run(d, p, 65536, a);
	round_trip(d, p + 1, 60000);
	assert_int_equal(deflate_run(d, p, 65536, b), n);
	assert_memory_equal(a, b, n);
	free(p);
	free(a);
	free(b);
	deflate_free(d);
}

/* Of a program (this one), against zlib at QEMU's level: no more than a hundredth larger. */
static void as_small_as_zlib(void **state)
{
	(void)state;
	struct deflate *d = deflate_new();
	uint8_t *p = malloc(1 << 20), *out = malloc(1 << 20);
	size_t ours = 0, theirs = 0;
	int fd = open("/proc/self/exe", O_RDONLY);
	ssize_t n = read(fd, p, 1 << 20);
	close(fd);
	assert_true(n >= 65536);
	for (size_t at = 0; at + 65536 <= (size_t)n; at += 65536) {
		z_stream z = {0};
		size_t packed = deflate_run(d, p + at, 65536, out);
		ours += packed > 0 ? packed : 65536;
		deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -12, 9, Z_DEFAULT_STRATEGY);
		z.next_in = p + at;
		z.avail_in = 65536;
		z.next_out = out;
		z.avail_out = 65536;
		assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
		theirs += z.total_out;
		deflateEnd(&z);
	}
	assert_true(ours <= theirs + theirs / 100);
	free(p);
	free(out);
	deflate_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_size_comes_back),
	    cmocka_unit_test(long_and_far_matches),
	    cmocka_unit_test(what_is_random_is_given_up),
	    cmocka_unit_test(the_same_again),
	    cmocka_unit_test(as_small_as_zlib),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
