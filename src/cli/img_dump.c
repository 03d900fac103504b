#include "cli/img_dump.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/mem.h"
#include "core/str.h"

#define INDENT 4

void img_dump_init(struct img_dump *d, bool json, unsigned depth)
{
	*d = (struct img_dump){.json = json, .depth = json ? 0 : depth};
}

void img_dump_fini(struct img_dump *d)
{
	buf_fini(&d->text);
}

/* The code point at s, its length in *n; of broken UTF-8 one byte, -1. */
static int32_t next_char(const char *s, size_t *n)
{
	const unsigned char *p = (const unsigned char *)s;
	*n = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (strnlen(s, *n) < *n || !str_utf8_valid(s, *n)) {
		*n = 1;
		return -1;
	}
	int32_t c = *n == 1 ? p[0] : p[0] & (0x7f >> *n);
	for (size_t i = 1; i < *n; i++)
		c = c << 6 | (p[i] & 0x3f);
	return c;
}

void img_dump_quote(struct buf *out, const char *s)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	size_t n;
	buf_addc(out, '"');
	for (; *s; s += n) {
		int32_t c = next_char(s, &n);
		const char *at = c > 0 && c < 128 ? strchr(from, c) : NULL;
		if (c < 0)
			c = 0xfffd;
		if (at)
			buf_addf(out, "\\%c", to[at - from]);
		else if (c >= 0x20 && c < 0x7f)
			buf_addc(out, (char)c);
		else if (c < 0x10000)
			buf_addf(out, "\\u%04" PRIX32, (uint32_t)c);
		else
			buf_addf(out, "\\u%04" PRIX32 "\\u%04" PRIX32,
			    (uint32_t)(0xd800 + ((c - 0x10000) >> 10)),
			    (uint32_t)(0xdc00 + ((c - 0x10000) & 0x3ff)));
	}
	buf_addc(out, '"');
}

static void add_indent(struct img_dump *d)
{
	buf_addf(&d->text, "%*s", (int)(d->depth * INDENT), "");
}

/* What stands before a member. */
static void begin(struct img_dump *d, const char *key)
{
	unsigned *count = &d->count[d->depth], i = (*count)++;
	bool in_list = d->list[d->depth];
	if (d->json) {
		if (d->depth > 0)
			buf_adds(&d->text, i > 0 ? ",\n" : "\n");
		add_indent(d);
		if (key)
			buf_addf(&d->text, "\"%s\": ", key);
		return;
	}
	add_indent(d);
	if (in_list)
		buf_addf(&d->text, "[%u]:", i);
	for (; key && *key; key++)
		buf_addc(&d->text, *key == '-' ? ' ' : *key);
	if (!in_list)
		buf_addc(&d->text, ':');
}

static void open_level(struct img_dump *d, const char *key, bool list)
{
	/* The outermost object of the lines is where the caller wants them. */
	if (d->json || d->count[d->depth] > 0 || key || d->list[d->depth]) {
		begin(d, key);
		buf_adds(&d->text, !d->json ? "\n" : list ? "[" : "{");
		d->depth++;
	} else {
		d->count[d->depth]++;
	}
	d->list[d->depth] = list;
	d->count[d->depth] = 0;
}

void img_dump_object(struct img_dump *d, const char *key)
{
	open_level(d, key, false);
}

void img_dump_list(struct img_dump *d, const char *key)
{
	open_level(d, key, true);
}

void img_dump_end(struct img_dump *d)
{
	bool list = d->list[d->depth];
	if (d->depth > 0)
		d->depth--;
	if (!d->json)
		return;
	buf_addc(&d->text, '\n');
	add_indent(d);
	buf_addc(&d->text, list ? ']' : '}');
	if (d->depth == 0)
		buf_addc(&d->text, '\n');
}

void img_dump_text(struct img_dump *d, const char *key, const char *value)
{
	begin(d, key);
	if (d->json) {
		img_dump_quote(&d->text, value);
		return;
	}
	CLEANUP_FREE char *safe = str_printable(value, strlen(value), SIZE_MAX);
	buf_addf(&d->text, " %s\n", safe);
}

void img_dump_u64(struct img_dump *d, const char *key, uint64_t value)
{
	begin(d, key);
	buf_addf(&d->text, d->json ? "%" PRIu64 : " %" PRIu64 "\n", value);
}

void img_dump_bool(struct img_dump *d, const char *key, bool value)
{
	begin(d, key);
	buf_addf(&d->text, d->json ? "%s" : " %s\n", value ? "true" : "false");
}

void img_dump_size(uint64_t bytes, char out[IMG_DUMP_SIZE_MAX])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	size_t i = 0;
	/* Never four digits in front of the unit. */
	while (value >= 1000 && i + 1 < ARRAY_LEN(units)) {
		value /= 1024;
		i++;
	}
	snprintf(out, IMG_DUMP_SIZE_MAX, "%0.3g %s", value, units[i]);
}

static void add_snapshot(const struct img_snapshot *s, struct buf *out)
{
	char size[IMG_DUMP_SIZE_MAX], date[64] = "", icount[24] = "";
	time_t when = (time_t)s->date;
	struct tm tm;
	uint64_t seconds = s->clock_ns / 1000000000;
	CLEANUP_FREE char *id = str_printable(s->id, strlen(s->id), SIZE_MAX);
	CLEANUP_FREE char *name = str_printable(s->name, strlen(s->name), SIZE_MAX);
	if (localtime_r(&when, &tm))
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
	CLEANUP_FREE char *clock = xasprintf("%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64 ".%03" PRIu64,
	    seconds / 3600, seconds / 60 % 60, seconds % 60, s->clock_ns / 1000000 % 1000);
	if (s->icount != UINT64_MAX)
		snprintf(icount, sizeof(icount), "%" PRIu64, s->icount);
	img_dump_size(s->vm_state, size);
	buf_addf(out, "%-9s %-16s %8s%20s%13s%11s\n", id, name, size, date, clock, icount);
}

void img_dump_snapshots(const struct img_snapshot *snapshots, size_t n, struct buf *out)
{
	if (n == 0)
		return;
	buf_addf(out, "Snapshot list:\n%-9s %-16s %8s%20s%13s%11s\n", "ID", "TAG", "VM SIZE",
	    "DATE", "VM CLOCK", "ICOUNT");
	for (size_t i = 0; i < n; i++)
		add_snapshot(&snapshots[i], out);
}
