#include "disk/zeroes.h"

#include <stdint.h>
#include <string.h>

#define WIDE 128u

/* GCC makes the widest loads of these that the target has. */
typedef uint64_t wide __attribute__((vector_size(32)));

static uint64_t load(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

static bool small_zero(const uint8_t *p, size_t n)
{
	uint8_t any = 0;
	for (size_t i = 0; i < n; i++)
		any |= p[i];
	return any == 0;
}

/* WIDE bytes. */
static bool wide_zero(const uint8_t *p)
{
	wide v[4];
	memcpy(v, p, sizeof(v));
	v[0] |= v[1];
	v[2] |= v[3];
	v[0] |= v[2];
	return (v[0][0] | v[0][1] | v[0][2] | v[0][3]) == 0;
}

bool zeroes_all(const void *at, size_t n)
{
	const uint8_t *p = at;
	if (n < 2 * sizeof(uint64_t))
		return small_zero(p, n);
	/* What is not zero mostly shows it at once. */
	if ((load(p) | load(p + n - 8) | load(p + n / 2 - 4)) != 0)
		return false;
	size_t i = 0;
	for (; i + WIDE <= n; i += WIDE)
		if (!wide_zero(p + i))
			return false;
	for (; i + 8 <= n; i += 8)
		if (load(p + i) != 0)
			return false;
	return small_zero(p + i, n - i);
}

size_t zeroes_run(const void *at, size_t n, size_t unit, bool *zero)
{
	const uint8_t *p = at;
	size_t end = n < unit ? n : unit;
	*zero = zeroes_all(p, end);
	while (end < n) {
		size_t piece = n - end < unit ? n - end : unit;
		if (zeroes_all(p + end, piece) != *zero)
			break;
		end += piece;
	}
	return end;
}
