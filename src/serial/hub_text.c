#include "serial/hub_text.h"

#include <stdbool.h>
#include <string.h>

#include "core/str.h"
#include "serial/vt_utf8.h"

/* ECMA-48 5th ed., 5.3 to 5.6: ESC, then intermediates and a final byte; CSI parameters; strings up
 * to ST (or BEL). */
enum state { GROUND, ESCAPE, CSI, STRING, STRING_ESCAPE };

static void line_end(struct hub_text *c)
{
	while (c->out.len > c->line && c->out.data[c->out.len - 1] == ' ')
		c->out.len--;
	buf_addc(&c->out, '\n');
	c->line = c->out.len;
	c->returned = false;
}

static void line_jump(struct hub_text *c)
{
	if (c->out.len > c->line)
		line_end(c);
}

static void backspace(struct hub_text *c)
{
	while (c->out.len > c->line && (c->out.data[c->out.len - 1] & 0xc0) == 0x80)
		c->out.len--;
	if (c->out.len > c->line)
		c->out.len--;
}

static void put(struct hub_text *c, uint32_t cp)
{
	char s[4];

	if (!str_char_visible(cp))
		return;
	if (c->returned) {
		c->out.len = c->line;
		c->returned = false;
	}
	buf_add(&c->out, s, vt_utf8_encode(cp, s));
}

/* One byte >= 0x80 of ground text. */
static void utf8(struct hub_text *c, uint8_t ch)
{
	uint32_t made[2];
	unsigned n = vt_utf8_feed(&c->utf8, ch, made);

	for (unsigned i = 0; i < n; i++)
		put(c, made[i]);
}

static void ground(struct hub_text *c, uint8_t ch)
{
	if (ch >= 0x80) {
		utf8(c, ch);
		return;
	}
	if (vt_utf8_cut(&c->utf8))
		put(c, 0xfffd);
	switch (ch) {
	case '\n':
	case '\v':
	case '\f':
		line_end(c);
		break;
	case '\r':
		c->returned = true;
		break;
	case '\b':
		backspace(c);
		break;
	case '\t':
		put(c, ' ');
		break;
	case 0x1b:
		c->state = ESCAPE;
		break;
	default:
		put(c, ch);
	}
}

static void byte(struct hub_text *c, uint8_t ch)
{
	switch (c->state) {
	case GROUND:
		ground(c, ch);
		return;
	case ESCAPE:
		if (ch == '[')
			c->state = CSI;
		else if (ch && strchr("]PX^_", ch))
			c->state = STRING;
		else if (ch == 0x1b || (ch >= 0x20 && ch < 0x30))
			return;
		else
			c->state = GROUND;
		return;
	case CSI:
		if (ch >= 0x20 && ch < 0x40)
			return;
		c->state = ch == 0x1b ? ESCAPE : GROUND;
		if (ch && strchr("HfdEF", ch))
			line_jump(c);
		else if (ch < 0x20 && ch != 0x1b)
			ground(c, ch);
		return;
	case STRING:
	case STRING_ESCAPE:
		/* CAN, SUB and BEL end it; so does ESC \, and ESC anything else begins anew. A line
		 * end too: an unterminated string must not hide all that follows. */
		if (c->state == STRING_ESCAPE && ch != '\\') {
			c->state = ESCAPE;
			byte(c, ch);
		} else if (c->state == STRING_ESCAPE || ch == 0x07 || ch == 0x18 || ch == 0x1a ||
		           ch == '\n') {
			c->state = GROUND;
		} else if (ch == 0x1b) {
			c->state = STRING_ESCAPE;
		}
		return;
	}
}

void hub_text_feed(struct hub_text *t, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		byte(t, p[i]);
		if (t->out.len - t->line >= HUB_TEXT_LINE_MAX)
			line_end(t);
	}
	buf_add(&t->out, "", 0);
	t->out.data[t->out.len] = '\0'; /* backspaces shorten it without saying so */
}

void hub_text_end(struct hub_text *t)
{
	line_jump(t);
}

void hub_text_taken(struct hub_text *t)
{
	buf_consume(&t->out, t->line);
	t->line = 0;
}

void hub_text_fini(struct hub_text *t)
{
	buf_fini(&t->out);
}

void hub_text_clean(const uint8_t *p, size_t n, struct buf *out)
{
	struct hub_text t = {.out = *out, .line = out->len};

	hub_text_feed(&t, p, n);
	hub_text_end(&t);
	*out = t.out;
}

static bool blank(const char *p, size_t n)
{
	while (n > 0 && p[n - 1] == ' ')
		n--;
	return n == 0;
}

void hub_text_tail(const char *text, size_t n, unsigned lines, struct buf *out)
{
	size_t from = n, kept = 0, begin;
	bool first = true;

	/* Backwards to the first line wanted, blank ones not counted. */
	for (size_t end = n; end > 0 && kept < lines; end = begin) {
		begin = end - (text[end - 1] == '\n');
		while (begin > 0 && text[begin - 1] != '\n')
			begin--;
		kept += !blank(text + begin, end - begin - (text[end - 1] == '\n'));
		from = begin;
	}
	while (from < n) {
		const char *nl = memchr(text + from, '\n', n - from);
		size_t len = nl ? (size_t)(nl - text) - from : n - from;

		if (!blank(text + from, len)) {
			if (!first)
				buf_addc(out, '\n');
			buf_add(out, text + from, len);
			first = false;
		}
		from += len + 1;
	}
}
