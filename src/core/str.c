#include "core/str.h"

#include <stdio.h>
#include <string.h>

#include "core/buf.h"
#include "core/mem.h"

bool str_eq(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

uint64_t str_hash(const char *s)
{
	uint64_t hash = 14695981039346656037ull;
	for (; *s; s++)
		hash = (hash ^ (unsigned char)*s) * 1099511628211ull;
	return hash;
}

bool str_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

int str_u64(const char *s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;
	if (!*s)
		return -1;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		if (__builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v) || v > max)
			return -1;
	}
	*out = v;
	return 0;
}

/* Length of the valid UTF-8 sequence at s (1 to 4), 0 when there is none; *cp is the code point. */
static size_t utf8_next(const unsigned char *s, size_t n, uint32_t *cp)
{
	static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0x80) {
		*cp = s[0];
		return 1;
	}
	if (s[0] < 0xc2 || s[0] > 0xf4 || len > n)
		return 0;
	uint32_t c = s[0] & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*cp = c;
	return len;
}

bool str_char_safe(uint32_t cp)
{
	if (cp < 0x7f)
		return cp >= 0x20;
	/* Controls; what turns a line's direction, so that it reads as what it is not; separators of lines and paragraphs;
	 * what cannot be seen at all: deprecated format characters, annotations, tags. */
	return !(cp < 0xa0 || cp == 0x61c || cp == 0x180e || (cp >= 0x200e && cp <= 0x200f) ||
	         (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x206f) || cp == 0xfeff ||
	         (cp >= 0xfff9 && cp <= 0xfffb) || (cp >= 0xe0000 && cp <= 0xe007f));
}

bool str_char_visible(uint32_t cp)
{
	return str_char_safe(cp) && cp != 0xad && (cp < 0x200b || cp > 0x200d) &&
	       (cp < 0x2060 || cp > 0x2065);
}

void str_make_safe(char *s)
{
	for (unsigned char *p = (unsigned char *)s; *p != '\0';) {
		uint32_t cp = 0;
		size_t len = *p < 0x80 ? 1 : utf8_next(p, strnlen((char *)p, 4), &cp);
		if (len == 1)
			cp = *p;
		for (size_t i = len > 0 ? len : 1; i > 0; i--, p++)
			if (len == 0 || !str_char_safe(cp))
				*p = '?';
	}
}

static char *printable(const char *s, size_t n, size_t max, const char *kept)
{
	struct buf b = BUF_INIT;
	const unsigned char *u = (const unsigned char *)s;
	for (size_t i = 0; i < n;) {
		uint32_t cp = 0;
		size_t len = utf8_next(u + i, n - i, &cp);
		char piece[24];
		size_t piece_len;
		if (len && (str_char_safe(cp) || (cp && cp < 0x80 && strchr(kept, (int)cp)))) {
			memcpy(piece, u + i, len);
			piece_len = len;
		} else {
			len = len ? len : 1;
			piece_len = 0;
			for (size_t k = 0; k < len; k++)
				piece_len += (size_t)snprintf(piece + piece_len,
				    sizeof(piece) - piece_len, "\\x%02x", u[i + k]);
		}
		if (b.len + piece_len > max)
			break;
		buf_add(&b, piece, piece_len);
		i += len;
	}
	return buf_take(&b);
}

char *str_printable(const char *s, size_t n, size_t max)
{
	return printable(s, n, max, "");
}

char *str_printable_lines(const char *s)
{
	return printable(s, strlen(s), SIZE_MAX, "\n\t");
}

bool str_utf8_valid(const char *s, size_t n)
{
	uint32_t cp;
	for (size_t i = 0; i < n;) {
		size_t len = utf8_next((const unsigned char *)s + i, n - i, &cp);
		if (!len)
			return false;
		i += len;
	}
	return true;
}

void str_human(uint64_t bytes, char out[STR_HUMAN_MAX])
{
	static const char units[] = "BKMGTPE";
	unsigned u = 0;
	uint64_t rest = 0, v = bytes;
	while (v >= 1000 && u < 6) {
		rest = v % 1024;
		v /= 1024;
		u++;
	}
	/* A decimal point whatever the locale says. */
	if (u && v < 10)
		snprintf(out, STR_HUMAN_MAX, "%u.%u%c", (unsigned)v, (unsigned)(rest * 10 / 1024),
		    units[u]);
	else
		snprintf(out, STR_HUMAN_MAX, "%u%c", (unsigned)v, units[u]);
}

void str_age(uint64_t s, char out[STR_HUMAN_MAX])
{
	const uint64_t minute = 60, hour = 3600, day = 86400, week = 604800;
	if (s < minute)
		snprintf(out, STR_HUMAN_MAX, "%us", (unsigned)s);
	else if (s < hour)
		snprintf(out, STR_HUMAN_MAX, "%um", (unsigned)(s / minute));
	else if (s < day)
		snprintf(out, STR_HUMAN_MAX, "%uh%02um", (unsigned)(s / hour),
		    (unsigned)(s % hour / minute));
	else if (s < 10 * week)
		snprintf(out, STR_HUMAN_MAX, "%ud%02uh", (unsigned)(s / day),
		    (unsigned)(s % day / hour));
	else
		snprintf(out, STR_HUMAN_MAX, "%uw%ud", (unsigned)(s / week % 100000),
		    (unsigned)(s % week / day));
}

/* What nearly every name is: lists of many VMs check each of them. */
static bool name_plain(const char *name)
{
	size_t n = 0;
	for (const char *p = name; *p; p++, n++) {
		bool word = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		            (*p >= '0' && *p <= '9') || *p == '_';
		if (!word && (n == 0 || (*p != '-' && *p != '.' && *p != '+')))
			return false;
	}
	return n > 0 && n <= NAME_MAX_BYTES;
}

int name_check(const char *what, const char *name, struct err *err)
{
	if (name_plain(name))
		return 0;
	size_t n = strlen(name);
	CLEANUP_FREE char *shown = str_printable(name, n, 80);
	if (n == 0)
		return err_set(err, ERR_INVALID, "%s name is empty", what);
	if (n > NAME_MAX_BYTES)
		return err_set(err, ERR_INVALID,
		    "%s name '%s…' is %zu bytes long: at most %d are allowed", what, shown, n,
		    NAME_MAX_BYTES);
	if (!str_utf8_valid(name, n))
		return err_set(err, ERR_INVALID, "%s name '%s' is not valid UTF-8", what, shown);
	if (strchr(name, '/'))
		return err_set(err, ERR_INVALID, "%s name '%s' contains '/'", what, shown);
	CLEANUP_FREE char *clean = str_printable(name, n, SIZE_MAX);
	if (strcmp(clean, name) != 0)
		return err_set(
		    err, ERR_INVALID, "%s name '%s' contains control characters", what, shown);
	if (name[0] == '.' || name[0] == '-')
		return err_set(
		    err, ERR_INVALID, "%s name '%s' begins with '%c'", what, shown, name[0]);
	if (name[0] == ' ' || name[n - 1] == ' ')
		return err_set(
		    err, ERR_INVALID, "%s name '%s' begins or ends with a space", what, shown);
	return 0;
}
