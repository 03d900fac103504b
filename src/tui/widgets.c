#include "tui/widgets.h"

#include <stdio.h>
#include <string.h>

static const char *const eighths[9] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
static const char ascii_levels[] = "_.-:=+*#";

static size_t put(char *out, size_t at, const char *s)
{
	size_t n = strlen(s);
	memcpy(out + at, s, n);
	return at + n;
}

/* 0..steps, where only a true zero is 0. */
static unsigned level_of(uint32_t v, uint32_t max, unsigned steps)
{
	if (!v || !max)
		return 0;
	if (v >= max)
		return steps;
	uint64_t l = ((uint64_t)v * steps + max - 1) / max;
	return (unsigned)l;
}

void widget_spark(const uint32_t *values, unsigned n, uint32_t max, bool utf8, char *out)
{
	size_t at = 0;
	for (unsigned i = 0; i < n && i < WIDGET_WIDTH_MAX; i++) {
		/* Seven levels above the floor line, which is what zero looks like. */
		unsigned l = level_of(values[i], max, 7);
		if (utf8)
			at = put(out, at, eighths[l + 1]);
		else
			out[at++] = ascii_levels[l];
	}
	out[at] = '\0';
}

void widget_bar(uint64_t part, uint64_t whole, unsigned width, bool utf8, char *out)
{
	size_t at = 0;
	unsigned full = 0;
	if (width > WIDGET_WIDTH_MAX)
		width = WIDGET_WIDTH_MAX;
	if (whole)
		full =
		    part >= whole ? width : (unsigned)((double)part / (double)whole * width + 0.5);
	for (unsigned i = 0; i < width; i++) {
		if (utf8)
			at = put(out, at, i < full ? "█" : "░");
		else
			out[at++] = i < full ? '#' : '.';
	}
	out[at] = '\0';
}

void widget_graph_row(const uint32_t *values, unsigned n, uint32_t max, unsigned row,
    unsigned height, bool utf8, char *out)
{
	size_t at = 0;
	for (unsigned i = 0; i < n && i < WIDGET_WIDTH_MAX; i++) {
		unsigned l = level_of(values[i], max, height * 8);
		l = l <= row * 8 ? 0 : l - row * 8 >= 8 ? 8 : l - row * 8;
		if (utf8)
			at = put(out, at, eighths[l]);
		else
			out[at++] = l == 0 ? ' ' : l < 4 ? '.' : l < 8 ? ':' : '#';
	}
	out[at] = '\0';
}

void widget_buckets(
    const uint32_t *values, unsigned have, uint64_t count, unsigned per, uint32_t *out, unsigned n)
{
	uint64_t last = count / per; /* buckets [0, last) are whole */
	for (unsigned i = 0; i < n; i++) {
		uint64_t sum = 0, from, seen = 0;
		out[i] = 0;
		if (last + i < n)
			continue;
		from = (last + i - n) * per;
		for (uint64_t s = from; s < from + per; s++) {
			if (count - s > have)
				continue;
			sum += values[have - (count - s)];
			seen++;
		}
		if (seen)
			out[i] = (uint32_t)((sum + seen / 2) / seen);
	}
}

uint32_t widget_steady(uint32_t shown, uint32_t now, uint32_t step)
{
	uint32_t d = shown > now ? shown - now : now - shown;
	uint32_t tenth = shown / 10;
	if (d == 0 || (now == 0) != (shown == 0))
		return now;
	return d > (tenth > step ? tenth : step) ? now : shown;
}

void widget_permille(uint32_t permille, char out[16])
{
	if (permille >= 1000)
		snprintf(out, 16, "%u", (permille + 5) / 10);
	else
		snprintf(out, 16, "%u.%u", permille / 10, permille % 10);
}

/* v/unit in three figures at most: "9.5", "120". */
static void figures(char out[32], uint64_t v, uint64_t unit, const char *suffix)
{
	uint64_t tenths = (uint64_t)((double)v * 10.0 / (double)unit + 0.5);
	if (tenths < 100 && unit > 1)
		snprintf(
		    out, 32, "%u.%u%s", (unsigned)(tenths / 10), (unsigned)(tenths % 10), suffix);
	else
		snprintf(out, 32, "%llu%s", (unsigned long long)((tenths + 5) / 10), suffix);
}

void widget_rate(uint64_t kib, char out[32])
{
	if (!kib)
		memcpy(out, "-", 2);
	else if (kib < 1000)
		figures(out, kib, 1, "K");
	else if (kib < 1000ull * 1024)
		figures(out, kib, 1024, "M");
	else
		figures(out, kib, 1024ull * 1024, "G");
}

void widget_memory_auto(uint64_t used_kib, uint64_t whole_kib, bool utf8, char out[32])
{
	char plain[32];
	widget_memory(used_kib, whole_kib, plain);
	/* "980/1000 GiB" fills a column of 13: the mark needs the room of the unit. */
	size_t n = strcspn(plain, " ");
	snprintf(
	    out, 32, "%.*s%.1s %s", (int)n, plain, plain[n] ? plain + n + 1 : "", utf8 ? "↕" : "~");
}

void widget_memory(uint64_t used_kib, uint64_t whole_kib, char out[32])
{
	uint64_t unit = whole_kib >= 1ull << 20 ? 1ull << 20 : whole_kib >= 1024 ? 1024 : 1;
	const char *word = unit == 1 ? "KiB" : unit == 1024 ? "MiB" : "GiB";
	char a[32], b[32];
	if (!whole_kib) {
		memcpy(out, "-", 2);
		return;
	}
	figures(a, used_kib, unit, "");
	figures(b, whole_kib, unit, "");
	if (unit == 1024) { /* whole MiB are what people give */
		snprintf(a, sizeof(a), "%llu", (unsigned long long)(used_kib / 1024));
		snprintf(b, sizeof(b), "%llu", (unsigned long long)(whole_kib / 1024));
	}
	snprintf(out, 32, "%.9s/%.9s %s", a, b, word);
}
