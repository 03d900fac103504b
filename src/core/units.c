#include "core/units.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/mem.h"
#include "core/str.h"

#define WHITE " \t\r\n"

/* The factor of a unit; 0 when there is no such unit. */
static uint64_t unit_factor(const char *unit)
{
	static const char letters[] = "kmgtpe";
	if (strcasecmp(unit, "b") == 0 || strcasecmp(unit, "byte") == 0 ||
	    strcasecmp(unit, "bytes") == 0)
		return 1;
	const char *letter = strchr(letters, unit[0] | 0x20);
	if (unit[0] == '\0' || letter == NULL || *letter == '\0')
		return 0;
	uint64_t base;
	if (unit[1] == '\0' || strcasecmp(unit + 1, "iB") == 0)
		base = 1024;
	else if (strcasecmp(unit + 1, "B") == 0)
		base = 1000;
	else
		return 0;
	uint64_t factor = 1;
	for (const char *p = letters; p <= letter; p++)
		factor *= base; /* 1024^6 is 2^60 */
	return factor;
}

static char *trimmed(const char *s)
{
	s += strspn(s, WHITE);
	size_t n = strlen(s);
	while (n > 0 && strchr(WHITE, s[n - 1]) != NULL)
		n--;
	return xstrndup(s, n);
}

int units_bytes(const char *number, const char *unit, uint64_t implied, uint64_t max, uint64_t *out,
    struct err *err)
{
	CLEANUP_FREE char *digits = trimmed(number);
	CLEANUP_FREE char *shown = str_printable(digits, strlen(digits), 64);
	uint64_t factor = implied;
	if (unit != NULL && unit[0] != '\0')
		factor = unit_factor(unit);
	if (factor == 0) {
		CLEANUP_FREE char *u = str_printable(unit, strlen(unit), 64);
		return err_set(err, ERR_INVALID,
		    "unknown unit '%s': use b, KiB, MiB, GiB, TiB (1024) or KB, MB, GB (1000)", u);
	}
	uint64_t n, bytes;
	if (digits[0] == '\0' || digits[strspn(digits, "0123456789")] != '\0')
		return err_set(err, ERR_INVALID, "'%s' is not a whole positive number", shown);
	if (str_u64(digits, UINT64_MAX, &n) < 0 || __builtin_mul_overflow(n, factor, &bytes) ||
	    bytes > max)
		return err_set(err, ERR_INVALID, "%s%s%s is too large, at most %llu bytes", shown,
		    unit != NULL && unit[0] != '\0' ? " " : "", unit != NULL ? unit : "",
		    (unsigned long long)max);
	*out = bytes;
	return 0;
}

int units_kib(
    const char *number, const char *unit, uint64_t max_kib, uint64_t *out, struct err *err)
{
	uint64_t bytes;
	uint64_t max = max_kib > UINT64_MAX / 1024 ? UINT64_MAX : max_kib * 1024;
	if (units_bytes(number, unit, 1024, max, &bytes, err) < 0)
		return -1;
	*out = bytes / 1024 + (bytes % 1024 != 0);
	return 0;
}
