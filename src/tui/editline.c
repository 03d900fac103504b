#include "tui/editline.h"

#include <stdint.h>
#include <string.h>

#include "core/str.h"
#include "serial/vt_utf8.h"
#include "tui/draw.h"

void editline_set(struct editline *e, const char *text)
{
	e->len = strlen(text) < EDITLINE_MAX ? strlen(text) : 0;
	memcpy(e->text, text, e->len);
	e->text[e->len] = '\0';
	e->cursor = e->len;
}

static size_t before(const struct editline *e, size_t at)
{
	while (at > 0 && ((unsigned char)e->text[--at] & 0xc0) == 0x80)
		;
	return at;
}

static size_t after(const struct editline *e, size_t at)
{
	if (at < e->len)
		at++;
	while (at < e->len && ((unsigned char)e->text[at] & 0xc0) == 0x80)
		at++;
	return at;
}

static void cut(struct editline *e, size_t from, size_t to)
{
	memmove(e->text + from, e->text + to, e->len - to + 1);
	e->len -= to - from;
	e->cursor = from;
}

static void insert_char(struct editline *e, const char *p, size_t n)
{
	if (e->len + n >= EDITLINE_MAX)
		return;
	memmove(e->text + e->cursor + n, e->text + e->cursor, e->len - e->cursor + 1);
	memcpy(e->text + e->cursor, p, n);
	e->len += n;
	e->cursor += n;
}

void editline_insert(struct editline *e, const char *p, size_t n)
{
	char text[EDITLINE_MAX];
	const char *s = text;
	n = n < sizeof(text) - 1 ? n : sizeof(text) - 1;
	for (size_t i = 0; i < n; i++)
		text[i] = p[i] ? p[i] : ' ';
	text[n] = '\0';
	for (uint32_t cp; (cp = draw_next(&s));) {
		char u[4];
		if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
			cp = ' ';
		insert_char(e, u, vt_utf8_encode(cp, u));
	}
}

static size_t word_start(const struct editline *e)
{
	size_t at = e->cursor;
	while (at > 0 && e->text[at - 1] == ' ')
		at--;
	while (at > 0 && e->text[at - 1] != ' ')
		at--;
	return at;
}

static bool control_key(struct editline *e, uint32_t cp)
{
	switch (cp) {
	case 'a':
		e->cursor = 0;
		return true;
	case 'e':
		e->cursor = e->len;
		return true;
	case 'u':
		cut(e, 0, e->cursor);
		return true;
	case 'k':
		cut(e, e->cursor, e->len);
		return true;
	case 'w':
		cut(e, word_start(e), e->cursor);
		return true;
	default:
		return false;
	}
}

bool editline_key(struct editline *e, const struct vt_key *k)
{
	char u[4];
	switch (k->sym) {
	case VT_KEY_CHAR:
		if (k->mods & VT_MOD_CTRL)
			return control_key(e, k->cp);
		if (k->mods & VT_MOD_ALT)
			return false;
		insert_char(e, u, vt_utf8_encode(k->cp, u));
		return true;
	case VT_KEY_LEFT:
		e->cursor = before(e, e->cursor);
		return true;
	case VT_KEY_RIGHT:
		e->cursor = after(e, e->cursor);
		return true;
	case VT_KEY_HOME:
		e->cursor = 0;
		return true;
	case VT_KEY_END:
		e->cursor = e->len;
		return true;
	case VT_KEY_BACKSPACE:
		cut(e, before(e, e->cursor), e->cursor);
		return true;
	case VT_KEY_DELETE:
		cut(e, e->cursor, after(e, e->cursor));
		return true;
	default:
		return false;
	}
}

/* What of the text is shown so that the cursor is; *at: its column. */
static const char *scrolled(const struct editline *e, int width, int *at)
{
	char head[EDITLINE_MAX];
	const char *from = e->text;
	memcpy(head, e->text, e->cursor);
	head[e->cursor] = '\0';
	*at = draw_width(head);
	while (*at >= width && *from) {
		uint32_t cp = draw_next(&from);
		int w = vt_width(cp);
		*at -= w < 0 ? 1 : w;
	}
	if (*at >= width)
		*at = width - 1;
	return from;
}

void editline_draw(const struct editline *e, int row, int col, int width, enum style st)
{
	int at;
	const char *from = scrolled(e, width, &at);
	draw_fill(row, col, width, st);
	draw_text(row, col, width, st, from);
	draw_cursor(row, col + at);
}

int editline_sheet(
    const struct editline *e, struct sheet *s, int row, int col, int width, enum style st)
{
	int at;
	const char *from = scrolled(e, width, &at);
	for (int c = 0; c < width; c++)
		sheet_text(s, row, col + c, 1, st, " ");
	sheet_text(s, row, col, width, st, from);
	return col + (at > 0 ? at : 0);
}
