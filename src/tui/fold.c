#include "tui/fold.h"

#include <string.h>

#include "serial/vt_screen.h"
#include "tui/draw.h"

/* Columns of the n bytes at s, which end between characters. */
static unsigned columns(const char *s, size_t n)
{
	unsigned sum = 0;
	for (const char *end = s + n; s < end;) {
		int w = vt_width(draw_next(&s));
		sum += w > 0 ? (unsigned)w : 0;
	}
	return sum;
}

/* line: ends with a NUL. */
static void fold_line(const char *line, unsigned width, unsigned hang, struct buf *out)
{
	unsigned indent = *line == ' ' && hang < width / 2 ? hang : 0, col = 0;
	bool first = true;
	while (*line) {
		size_t blanks = strspn(line, " "), word = strcspn(line + blanks, " ");
		unsigned wide = columns(line + blanks, word);
		if (!word)
			break;
		if (!first && col + blanks + wide > width) {
			buf_addf(out, "\n%*s", (int)indent, "");
			col = indent;
		} else {
			buf_addf(out, "%*s", (int)blanks, "");
			col += (unsigned)blanks;
		}
		buf_add(out, line + blanks, word);
		col += wide;
		first = false;
		line += blanks + word;
	}
}

void fold_text(const char *text, size_t n, unsigned width, unsigned hang, struct buf *out)
{
	struct buf line = BUF_INIT;
	if (width < FOLD_WIDTH_MIN)
		width = FOLD_WIDTH_MIN;
	while (n) {
		const char *nl = memchr(text, '\n', n);
		size_t len = nl ? (size_t)(nl - text) : n;
		buf_clear(&line);
		buf_add(&line, text, len);
		buf_addc(&line, '\0');
		fold_line(line.data, width, hang, out);
		if (nl)
			buf_addc(out, '\n');
		n -= nl ? len + 1 : len;
		text += nl ? len + 1 : len;
	}
	buf_fini(&line);
}
