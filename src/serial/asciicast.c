#include "serial/asciicast.h"

#include <json-c/json.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "serial/vt_screen.h"

#define DEPTH_MAX 8 /* of nested JSON */

/* --- writing --- */

/* JSON's escapes (RFC 8259, 7), and DEL and C1 too, which need none: whoever looks at the file with less or cat. */
static void put_char(struct buf *out, uint32_t cp, const uint8_t *p, size_t n)
{
	if (cp == '"' || cp == '\\')
		buf_addf(out, "\\%c", (char)cp);
	else if (cp == '\n')
		buf_adds(out, "\\n");
	else if (cp == '\r')
		buf_adds(out, "\\r");
	else if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x2028 || cp == 0x2029)
		buf_addf(out, "\\u%04x", cp);
	else
		buf_add(out, p, n);
}

/* One character from p: its length; 0 it is cut off at the end; -1 no character begins here. */
static int utf8_char(const uint8_t *p, size_t n, uint32_t *cp)
{
	unsigned len = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] >= 0x80 && (p[0] < 0xc2 || p[0] > 0xf4))
		return -1;
	*cp = len == 1 ? p[0] : p[0] & (0x7fu >> len);
	for (unsigned i = 1; i < len; i++) {
		if (i == n)
			return 0;
		if ((p[i] & 0xc0) != 0x80)
			return -1;
		/* Overlong forms, surrogates, beyond Unicode: seen in the second byte. */
		if (i == 1 && ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
		                  (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f)))
			return -1;
		*cp = *cp << 6 | (p[i] & 0x3f);
	}
	return (int)len;
}

static void put_text(struct buf *out, struct asciicast_text *t, const uint8_t *p, size_t n)
{
	while (n > 0) {
		uint32_t cp;
		int len = utf8_char(p, n, &cp);
		if (len == 0) {
			memcpy(t->rest, p, n);
			t->n = (unsigned)n;
			return;
		}
		if (len < 0)
			buf_adds(out, "\xef\xbf\xbd");
		else
			put_char(out, cp, p, (size_t)len);
		p += len < 0 ? 1 : len;
		n -= len < 0 ? 1 : (size_t)len;
	}
}

static void put_quoted(struct buf *out, const char *text)
{
	struct asciicast_text t = {0};
	buf_addc(out, '"');
	put_text(out, &t, (const uint8_t *)text, strlen(text));
	buf_addc(out, '"');
}

/* Not by printf's %f: the decimal point is the locale's there. */
static void put_event(struct buf *out, uint64_t ns, char code)
{
	buf_addf(out, "[%llu.%06llu, \"%c\", \"", (unsigned long long)(ns / 1000000000u),
	    (unsigned long long)(ns / 1000u % 1000000u), code);
}

void asciicast_header(
    struct buf *out, unsigned rows, unsigned cols, uint64_t unix_s, const char *title)
{
	buf_addf(out, "{\"version\": 2, \"width\": %u, \"height\": %u, \"timestamp\": %llu", cols,
	    rows, (unsigned long long)unix_s);
	if (title) {
		buf_adds(out, ", \"title\": ");
		put_quoted(out, title);
	}
	buf_adds(out, ", \"env\": {\"TERM\": \"xterm-256color\"}}\n");
}

void asciicast_resize(struct buf *out, uint64_t ns, unsigned rows, unsigned cols)
{
	put_event(out, ns, 'r');
	buf_addf(out, "%ux%u\"]\n", cols, rows);
}

void asciicast_output(
    struct buf *out, struct asciicast_text *t, uint64_t ns, const void *p, size_t n)
{
	size_t before = out->len, begun;
	const uint8_t *from = p;
	put_event(out, ns, 'o');
	begun = out->len;
	/* The character that was cut, byte by byte, as far as it goes. */
	while (t->n && n) {
		uint8_t whole[5];
		unsigned have = t->n;
		memcpy(whole, t->rest, have);
		whole[have] = *from;
		t->n = 0;
		put_text(out, t, whole, have + 1);
		from++;
		n--;
	}
	put_text(out, t, from, n);
	if (out->len == begun)
		out->len = before;
	else
		buf_adds(out, "\"]\n");
}

void asciicast_output_end(struct buf *out, struct asciicast_text *t, uint64_t ns)
{
	if (t->n == 0)
		return;
	t->n = 0;
	put_event(out, ns, 'o');
	buf_adds(out, "\xef\xbf\xbd\"]\n");
}

/* --- reading --- */

struct reader {
	const char *name;
	unsigned line;
	struct asciicast *cast;
	struct json_tokener *json;
	struct err *err;
	size_t cap;
};

#define BAD(r, ...) bad((r), xasprintf(__VA_ARGS__))

static int bad(struct reader *r, char *why)
{
	err_set(r->err, ERR_INVALID, "%s:%u: %s", r->name, r->line, why);
	free(why);
	return -1;
}

static bool size_ok(int64_t rows, int64_t cols)
{
	return rows >= 1 && rows <= VT_ROWS_MAX && cols >= 1 && cols <= VT_COLS_MAX;
}

static int64_t int_member(struct json_object *o, const char *key)
{
	struct json_object *v;
	if (!json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, json_type_int))
		return -1;
	return json_object_get_int64(v);
}

static int read_header(struct reader *r, struct json_object *o)
{
	struct asciicast *c = r->cast;
	const char *title;
	if (!json_object_is_type(o, json_type_object))
		return BAD(r, "this is no asciicast: its first line is no JSON object");
	int64_t version = int_member(o, "version");
	if (version != 2)
		return version < 0 ? BAD(r, "this is no asciicast: its header has no version")
		                   : BAD(r, "asciicast version %lld is not known here: 2 is",
		                         (long long)version);
	int64_t rows = int_member(o, "height"), cols = int_member(o, "width");
	if (!size_ok(rows, cols))
		return BAD(r, "width and height are numbers from 1 to %u and %u", VT_COLS_MAX,
		    VT_ROWS_MAX);
	c->rows = (unsigned)rows;
	c->cols = (unsigned)cols;
	int64_t began = int_member(o, "timestamp");
	c->unix_s = began > 0 ? (uint64_t)began : 0;
	title = json_get_str(o, "title");
	c->title = title ? str_printable(title, strlen(title), 256) : NULL;
	return 0;
}

static int read_size(struct reader *r, struct asciicast_event *e, const char *text)
{
	uint64_t rows = 0, cols = 0;
	const char *x = strchr(text, 'x');
	CLEANUP_FREE char *first = xstrndup(text, x ? (size_t)(x - text) : 0);
	if (!x || str_u64(first, VT_COLS_MAX, &cols) < 0 ||
	    str_u64(x + 1, VT_ROWS_MAX, &rows) < 0 || !size_ok((int64_t)rows, (int64_t)cols))
		return BAD(r, "a size is COLSxROWS, 1x1 to %ux%u", VT_COLS_MAX, VT_ROWS_MAX);
	e->rows = (unsigned)rows;
	e->cols = (unsigned)cols;
	return 0;
}

static int read_event(struct reader *r, struct json_object *o)
{
	struct asciicast *c = r->cast;
	struct asciicast_event e = {0};
	struct json_object *parts[3] = {NULL};
	if (!json_object_is_type(o, json_type_array) || json_object_array_length(o) != 3)
		return BAD(r, "an event is [seconds, code, text]");
	for (size_t i = 0; i < 3; i++)
		parts[i] = json_object_array_get_idx(o, i);
	e.time = json_object_get_double(parts[0]);
	if ((!json_object_is_type(parts[0], json_type_double) &&
	        !json_object_is_type(parts[0], json_type_int)) ||
	    !isfinite(e.time) || e.time < 0 || e.time > ASCIICAST_TIME_MAX)
		return BAD(r, "an event begins with seconds since the start");
	if (!json_object_is_type(parts[1], json_type_string) ||
	    !json_object_is_type(parts[2], json_type_string))
		return BAD(r, "an event's code and text are strings");
	const char *code = json_object_get_string(parts[1]),
	           *text = json_object_get_string(parts[2]);
	/* Input and markers are there to be ignored. */
	if (!str_eq(code, "o") && !str_eq(code, "r"))
		return 0;
	if (c->n_events && e.time < c->events[c->n_events - 1].time)
		e.time = c->events[c->n_events - 1].time;
	if (code[0] == 'r' && read_size(r, &e, text) < 0)
		return -1;
	if (code[0] == 'o') {
		e.n = (size_t)json_object_get_string_len(parts[2]);
		e.text = xmalloc(e.n + 1);
		memcpy(e.text, text, e.n + 1);
	}
	if (c->n_events == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 256;
		c->events = xreallocarray(c->events, r->cap, sizeof(*c->events));
	}
	c->events[c->n_events++] = e;
	return 0;
}

static bool blank(const char *p, size_t n)
{
	while (n > 0 && strchr(" \t\r", p[n - 1]) && p[n - 1])
		n--;
	return n == 0;
}

/* last: no line end follows. */
static int read_line(struct reader *r, const char *p, size_t n, bool last)
{
	if (blank(p, n))
		return 0;
	if (n > ASCIICAST_LINE_MAX)
		return BAD(r, "a line of more than %u MiB", ASCIICAST_LINE_MAX >> 20);
	json_tokener_reset(r->json);
	struct json_object *o = json_tokener_parse_ex(r->json, p, (int)n);
	enum json_tokener_error e = json_tokener_get_error(r->json);
	size_t end = json_tokener_get_parse_end(r->json);
	int rc = -1;
	if (e == json_tokener_continue && last && r->cast->rows) {
		r->cast->cut = true;
		rc = 0;
	} else if (e != json_tokener_success)
		BAD(r, "no whole JSON value: %s",
		    e == json_tokener_continue ? "it is cut off" : json_tokener_error_desc(e));
	else if (!blank(p + end, n - end))
		BAD(r, "there is something behind the JSON value");
	else
		rc = r->cast->rows ? read_event(r, o) : read_header(r, o);
	json_object_put(o);
	return rc;
}

int asciicast_parse(
    const char *data, size_t n, const char *name, struct asciicast *cast, struct err *err)
{
	struct err local;
	struct reader r = {.name = name,
	    .cast = cast,
	    .json = json_tokener_new_ex(DEPTH_MAX),
	    .err = err ? err : &local};
	int rc = 0;
	memset(cast, 0, sizeof(*cast));
	for (size_t at = 0; rc == 0 && at < n;) {
		const char *nl = memchr(data + at, '\n', n - at);
		size_t len = nl ? (size_t)(nl - data) - at : n - at;
		r.line++;
		rc = read_line(&r, data + at, len, nl == NULL);
		at += len + 1;
	}
	json_tokener_free(r.json);
	if (rc == 0 && cast->rows == 0) {
		r.line = 1;
		rc = BAD(&r, "this is no asciicast: it is empty");
	}
	if (rc < 0)
		asciicast_fini(cast);
	return rc;
}

void asciicast_fini(struct asciicast *cast)
{
	for (size_t i = 0; i < cast->n_events; i++)
		free(cast->events[i].text);
	free(cast->events);
	free(cast->title);
	memset(cast, 0, sizeof(*cast));
}
