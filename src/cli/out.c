#include "cli/out.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/file.h"
#include "core/mem.h"
#include "core/str.h"
#include "serial/vt_screen.h"

struct out_table {
	size_t cols, rows, room; /* rows: with the heading; room: for so many */
	char **cells;
	size_t *widths;
};

/* The next code point of valid UTF-8; a byte that is none stands for itself. */
static uint32_t next_char(const char **p)
{
	const unsigned char *s = (const unsigned char *)*p;
	unsigned n = s[0] >= 0xf0 ? 3 : s[0] >= 0xe0 ? 2 : s[0] >= 0xc0 ? 1 : 0;
	uint32_t cp = n == 0 ? s[0] : s[0] & (0x3fu >> n);
	unsigned i;
	for (i = 1; i <= n && (s[i] & 0xc0) == 0x80; i++)
		cp = cp << 6 | (s[i] & 0x3f);
	*p += i;
	return cp;
}

/* Columns on a terminal, by our own table: the locale may be C while the terminal is not. */
static size_t text_width(const char *s)
{
	size_t n = 0;
	while (*s) {
		int w = vt_width(next_char(&s));
		n += w > 0 ? (size_t)w : 0;
	}
	return n;
}

struct out_table *out_table_new(size_t cols, const char *const *heads)
{
	struct out_table *t = xcalloc(1, sizeof(*t));
	t->cols = cols;
	t->widths = xcalloc(cols, sizeof(*t->widths));
	out_table_row(t, heads);
	return t;
}

void out_table_row(struct out_table *t, const char *const *cells)
{
	if (t->rows == t->room) {
		t->room = t->room ? t->room * 2 : 16;
		t->cells = xreallocarray(t->cells, t->room * t->cols, sizeof(*t->cells));
	}
	for (size_t i = 0; i < t->cols; i++) {
		size_t w = text_width(cells[i]);
		if (w > t->widths[i])
			t->widths[i] = w;
		t->cells[t->rows * t->cols + i] = xstrdup(cells[i]);
	}
	t->rows++;
}

static void add_blanks(struct buf *out, char blank, size_t n)
{
	memset(buf_reserve(out, n + 1), blank, n);
	out->len += n;
	out->data[out->len] = '\0';
}

void out_table_format(const struct out_table *t, bool heading, struct buf *out)
{
	size_t rule = 0;
	for (size_t i = 0; i < t->cols; i++)
		rule += t->widths[i] + 3;
	for (size_t r = heading ? 0 : 1; r < t->rows; r++) {
		for (size_t i = 0; i < t->cols; i++) {
			const char *cell = t->cells[r * t->cols + i];
			buf_addc(out, ' ');
			buf_adds(out, cell);
			if (i + 1 < t->cols)
				add_blanks(out, ' ', t->widths[i] - text_width(cell) + 2);
		}
		buf_addc(out, '\n');
		if (r == 0) {
			add_blanks(out, '-', rule);
			buf_addc(out, '\n');
		}
	}
}

void out_table_free(struct out_table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->rows * t->cols; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t->widths);
	free(t);
}

static char *harmless(const char *fmt, va_list ap)
{
	CLEANUP_FREE char *text = xvasprintf(fmt, ap);
	return str_printable_lines(text);
}

void out_error(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	CLEANUP_FREE char *text = harmless(fmt, ap);
	va_end(ap);
	fflush(stdout);
	fprintf(stderr, "error: %s\n", text);
}

void out_warning(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	CLEANUP_FREE char *text = harmless(fmt, ap);
	va_end(ap);
	fflush(stdout);
	fprintf(stderr, "warning: %s\n", text);
}

void out_failed(const char *what, const char *name, const struct err *err)
{
	out_error("Failed to %s domain '%s'", what, name);
	out_error("%s", err->msg);
}

void out_message(const struct cli *c, const char *fmt, ...)
{
	va_list ap;
	if (c->quiet)
		return;
	va_start(ap, fmt);
	CLEANUP_FREE char *text = harmless(fmt, ap);
	va_end(ap);
	puts(text);
	fflush(stdout);
}

/* JSON escapes the controls below 0x20 by itself. */
static char *escape_controls(const char *text)
{
	struct buf b = BUF_INIT;
	for (const char *p = text; *p;) {
		const char *from = p;
		uint32_t cp = next_char(&p);
		if (cp > 0xffff && !str_char_safe(cp)) /* as JSON wants it: two halves */
			buf_addf(&b, "\\u%04x\\u%04x", (unsigned)(0xd7c0 + (cp >> 10)),
			    (unsigned)(0xdc00 + (cp & 0x3ff)));
		else if (cp >= 0x7f && !str_char_safe(cp))
			buf_addf(&b, "\\u%04x", (unsigned)cp);
		else
			buf_add(&b, from, (size_t)(p - from));
	}
	return buf_take(&b);
}

void out_json(struct json_object *o)
{
	out_json_foreign(o, true);
}

void out_json_foreign(struct json_object *o, bool pretty)
{
	const char *text = json_object_to_json_string_ext(
	    o, JSON_C_TO_STRING_NOSLASHESCAPE |
	           (pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED
	                   : JSON_C_TO_STRING_PLAIN));
	/* QEMU may quote bytes that are no UTF-8: then nothing is passed through. */
	CLEANUP_FREE char *shown =
	    str_utf8_valid(text, strlen(text)) ? escape_controls(text) : str_printable_lines(text);
	puts(shown);
	json_object_put(o);
}

void out_json_line(struct json_object *o)
{
	puts(json_object_to_json_string_ext(
	    o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	fflush(stdout);
	json_object_put(o);
}

void out_progress(const struct cli *c, unsigned done, unsigned total, const char *text)
{
	if (!c->progress)
		return;
	struct json_object *o = json_object_new_object();
	out_add_u64(o, "done", done);
	out_add_u64(o, "total", total);
	out_add_str(o, "text", text);
	const char *plain = json_object_to_json_string_ext(
	    o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	CLEANUP_FREE char *line = xasprintf("%s\n", plain);
	/* A dashboard that went away must not stop the work. */
	(void)fd_write_all(c->progress_fd, line, strlen(line));
	json_object_put(o);
}

void out_add_str(struct json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, value ? json_object_new_string(value) : NULL);
}

void out_add_u64(struct json_object *o, const char *key, uint64_t value)
{
	json_object_object_add(o, key, json_object_new_uint64(value));
}

void out_add_bool(struct json_object *o, const char *key, bool value)
{
	json_object_object_add(o, key, json_object_new_boolean(value));
}

int out_status(const struct err *err)
{
	return err->code == ERR_USAGE ? CLI_USAGE : CLI_FAILED;
}

int out_refusal(const char *what, const struct err *err)
{
	if (what != NULL)
		out_error("%s", what);
	out_error("%s", err->msg);
	return out_status(err);
}

void out_uuid(const unsigned char uuid[16], char out[OUT_UUID_MAX])
{
	static const char hex[] = "0123456789abcdef";
	for (size_t i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*out++ = '-';
		*out++ = hex[uuid[i] >> 4];
		*out++ = hex[uuid[i] & 15];
	}
	*out = '\0';
}

void out_time(uint64_t ns, char out[OUT_TIME_MAX])
{
	time_t seconds = (time_t)(ns / 1000000000u);
	struct tm tm;
	gmtime_r(&seconds, &tm);
	size_t n = strftime(out, OUT_TIME_MAX, "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(out + n, OUT_TIME_MAX - n, ".%03u+0000", (unsigned)(ns / 1000000u % 1000u));
}
