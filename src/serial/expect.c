#include "serial/expect.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/pattern.h"
#include "core/str.h"
#include "serial/hub_text.h"

struct step {
	char *pattern;
	regex_t re;
	struct buf text; /* typed after it */
};

struct expect {
	struct expect_ops ops;
	void *arg;
	struct step *steps;
	unsigned n, at;   /* at: the one that is waited for */
	struct buf first; /* typed before all */
	struct hub_text text;
	bool begun;
	bool typed;      /* just now: what is there was there before it, and is no answer */
	size_t from;     /* of the present line: what a pattern may match */
	struct buf last; /* the last whole line that is not blank */
	struct buf line; /* the one that is looked at, NUL-terminated */
	struct buf echo; /* typed, not seen come back yet; lines end with '\n' */
};

struct expect *expect_new(const struct expect_ops *ops, void *arg)
{
	struct expect *e = xcalloc(1, sizeof(*e));
	e->ops = *ops;
	e->arg = arg;
	return e;
}

void expect_free(struct expect *e)
{
	if (!e)
		return;
	for (unsigned i = 0; i < e->n; i++) {
		free(e->steps[i].pattern);
		regfree(&e->steps[i].re);
		buf_fini(&e->steps[i].text);
	}
	free(e->steps);
	buf_fini(&e->first);
	hub_text_fini(&e->text);
	buf_fini(&e->last);
	buf_fini(&e->line);
	buf_fini(&e->echo);
	free(e);
}

int expect_add(struct expect *e, const char *pattern, struct err *err)
{
	regex_t re;
	if (e->n == EXPECT_STEPS_MAX)
		return err_set(err, ERR_INVALID, "%u patterns are the most", EXPECT_STEPS_MAX);
	if (!*pattern)
		return err_set(err, ERR_INVALID, "an empty pattern matches everything");
	if (pattern_check_cost(pattern, err) < 0 ||
	    pattern_regcomp(&re, pattern, REG_EXTENDED, err) < 0)
		return -1;
	e->steps = xreallocarray(e->steps, e->n + 1, sizeof(*e->steps));
	e->steps[e->n++] = (struct step){.pattern = xstrdup(pattern), .re = re};
	return 0;
}

/* --- C's escapes --- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* \xH or \xHH, \O to \OOO; p behind the backslash. Returns how many characters it took, 0 none. */
static size_t unescape_number(const char *p, unsigned *value)
{
	size_t n = p[0] == 'x';
	unsigned base = n ? 16 : 8;
	*value = 0;
	for (; n < 3; n++) {
		int digit = hex_digit(p[n]);
		if (digit < 0 || (unsigned)digit >= base || *value * base + (unsigned)digit > 0xff)
			break;
		*value = *value * base + (unsigned)digit;
	}
	return p[0] == 'x' && n == 1 ? 0 : n;
}

int expect_unescape(const char *text, struct buf *out, struct err *err)
{
	static const char names[] = "nrteabfv\\\"'", values[] = "\n\r\t\033\a\b\f\v\\\"'";
	for (const char *p = text; *p; p++) {
		unsigned value;
		if (*p != '\\') {
			buf_addc(out, *p);
			continue;
		}
		const char *known = p[1] ? strchr(names, p[1]) : NULL;
		size_t n = known ? 1 : unescape_number(p + 1, &value);
		if (n == 0)
			return err_set(err, ERR_INVALID,
			    "'%s': '\\%.1s' is no escape; \\n \\r \\t \\e \\xHH and \\\\ are", text,
			    p + 1);
		buf_addc(out, known ? values[known - names] : (char)value);
		p += n;
	}
	return 0;
}

int expect_add_text(struct expect *e, const char *text, struct err *err)
{
	struct buf *to = e->n ? &e->steps[e->n - 1].text : &e->first;
	if (expect_unescape(text, to, err) < 0)
		return -1;
	if (to->len > EXPECT_TEXT_MAX)
		return err_set(
		    err, ERR_INVALID, "a text of more than %u bytes to send", EXPECT_TEXT_MAX);
	return 0;
}

/* --- the echo --- */

/* Typed as a guest would echo it: lines, without what no echo shows. */
static void echo_expect(struct expect *e, const struct buf *typed)
{
	struct hub_text t = {0};
	buf_clear(&e->echo);
	for (size_t i = 0; i < typed->len; i++) {
		uint8_t c = (uint8_t)typed->data[i];
		c = c == '\r' ? '\n' : c;
		hub_text_feed(&t, &c, 1);
	}
	if (t.out.len)
		buf_add(&e->echo, t.out.data, t.out.len);
	hub_text_fini(&t);
}

/* Passes over the echo at the start of rest, a part of a line, whole when it has ended. True: what is there may still become
 * one, and is not to be looked at yet. */
static bool echo_skip(struct expect *e, const char *rest, bool whole)
{
	size_t have = strlen(rest), line;
	if (e->echo.len == 0)
		return false;
	const char *end = memchr(e->echo.data, '\n', e->echo.len);
	line = end ? (size_t)(end - e->echo.data) : e->echo.len;
	size_t same = have < line ? have : line;
	if (memcmp(rest, e->echo.data, same) != 0 || (whole && have != line) ||
	    (end && have > line && strspn(rest + line, " ") < have - line)) {
		buf_clear(&e->echo);
		return false;
	}
	if (whole || (!end && have >= line)) {
		e->from += line;
		buf_consume(&e->echo, line + (end != NULL));
		return whole;
	}
	return true;
}

/* --- matching --- */

static void type(struct expect *e, const struct buf *text)
{
	if (text->len == 0)
		return;
	echo_expect(e, text);
	e->typed = true;
	e->ops.send(e->arg, text->data, text->len);
}

/* Holds the patterns against one line, from e->from on. final: no echo is waited for. */
static void look(struct expect *e, const char *line, size_t n, bool whole, bool final)
{
	buf_clear(&e->line);
	buf_add(&e->line, line, n);
	while (e->at < e->n) {
		regmatch_t m;
		struct step *s = &e->steps[e->at];
		if (e->from > n)
			e->from = n;
		if (!final && echo_skip(e, e->line.data + e->from, whole))
			return;
		if (regexec(&s->re, e->line.data + e->from, 1, &m, e->from ? REG_NOTBOL : 0) != 0)
			return;
		e->from += (size_t)m.rm_eo;
		e->at++;
		e->ops.matched(e->arg, e->at - 1, e->line.data);
		type(e, &s->text);
		if (e->typed)
			return;
	}
}

static void remember(struct expect *e, const char *line, size_t n)
{
	if (n == 0)
		return;
	buf_clear(&e->last);
	buf_add(&e->last, line, n);
}

/* Past all that is there. */
static void pass_over(struct expect *e)
{
	const char *p = e->text.out.data;
	for (size_t at = 0, end; at < e->text.line; at = end + 1) {
		end = at + strcspn(p + at, "\n");
		remember(e, p + at, end - at);
	}
	hub_text_taken(&e->text);
	e->from = e->text.out.len;
	e->typed = false;
}

static void look_at_all(struct expect *e, bool final)
{
	const char *p = e->text.out.data, *end = p + e->text.line, *nl;
	for (; p < end && !e->typed; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		look(e, p, (size_t)(nl - p), true, final);
		remember(e, p, (size_t)(nl - p));
		e->from = 0;
	}
	if (!e->typed) {
		hub_text_taken(&e->text);
		look(e, e->text.out.data, e->text.out.len, false, final);
	}
	if (e->typed)
		pass_over(e);
}

void expect_feed(struct expect *e, const void *p, size_t n)
{
	hub_text_feed(&e->text, p, n);
	if (e->begun)
		look_at_all(e, false);
}

void expect_break(struct expect *e, bool forget)
{
	hub_text_end(&e->text);
	e->text = (struct hub_text){.out = e->text.out, .line = e->text.line};
	buf_clear(&e->echo);
	if (forget && !e->begun) {
		hub_text_taken(&e->text);
		buf_clear(&e->last);
	}
	if (e->begun && e->text.line)
		look_at_all(e, false);
}

/* The present line, or the last one that is not blank before it: moved to where it will be looked at. */
static void keep_last_line(struct expect *e)
{
	const char *p = e->text.out.data;
	size_t end = e->text.line;
	if (e->text.out.len > end || end == 0) {
		hub_text_taken(&e->text);
		return;
	}
	do {
		size_t at = end - 1;
		while (at > 0 && p[at - 1] != '\n')
			at--;
		if (end - 1 > at) {
			buf_consume(&e->text.out, at);
			e->text.line -= at;
			return;
		}
		end = at;
	} while (end > 0);
	hub_text_taken(&e->text);
}

void expect_begin(struct expect *e, enum expect_from from)
{
	if (e->begun)
		return;
	e->begun = true;
	if (e->text.out.data == NULL)
		hub_text_feed(&e->text, NULL, 0);
	if (from == EXPECT_NEW || e->first.len)
		pass_over(e);
	else if (from == EXPECT_LAST_LINE)
		keep_last_line(e);
	type(e, &e->first);
	e->typed = false;
	look_at_all(e, false);
}

void expect_end(struct expect *e)
{
	if (e->begun)
		look_at_all(e, true);
}

bool expect_done(const struct expect *e)
{
	return e->at == e->n;
}

const char *expect_pattern(const struct expect *e)
{
	return e->at < e->n ? e->steps[e->at].pattern : NULL;
}

const char *expect_last_line(struct expect *e)
{
	const struct buf *now = &e->text.out;
	if (now->len > e->text.line)
		return now->data + e->text.line;
	return e->last.len ? e->last.data : "";
}
