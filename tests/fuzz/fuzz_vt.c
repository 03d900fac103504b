/* The terminal emulator on bytes from a hostile guest. The first two bytes choose the size; a byte 0xFE in the input, which no
 * UTF-8 text holds, is followed by a size to change to, so that sequences are cut in the middle by a resize. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "serial/vt_screen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t sum; /* keeps what is read from being optimised away */

static void reply(void *arg, const uint8_t *p, size_t n)
{
	(void)arg;
	sum += n + p[0];
}

static void title(void *arg, const char *text)
{
	(void)arg;
	if (strlen(text) > VT_TITLE_MAX)
		abort();
}

static void check_row(const struct vt_screen *s, const struct vt_cell *cells)
{
	char text[VT_CELL_UTF8_MAX];
	unsigned cols = vt_screen_cols(s);
	for (unsigned c = 0; c < cols; c++) {
		if (cells[c].width > 2 ||
		    (cells[c].width == 2 && (c + 1 == cols || cells[c + 1].width != 0)))
			abort(); /* half a wide character */
		if (cells[c].width == 0 && (c == 0 || cells[c - 1].width != 2))
			abort();
		sum += vt_screen_cell_text(s, &cells[c], text);
	}
}

/* Everything that a renderer reads, and what always holds. */
static void check(const struct vt_screen *s)
{
	unsigned row, col;
	vt_screen_cursor(s, &row, &col);
	if (row >= vt_screen_rows(s) || col >= vt_screen_cols(s))
		abort();
	for (unsigned r = 0; r < vt_screen_rows(s); r++)
		check_row(s, vt_screen_row(s, r));
	for (unsigned r = 0; r < vt_screen_history(s); r++)
		check_row(s, vt_screen_history_row(s, r));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct vt_screen_ops ops = {.reply = reply, .title = title};
	if (size < 2)
		return 0;
	struct vt_screen *s = vt_screen_new(data[0] % 40, data[1] % 100, 30, &ops, NULL);
	const uint8_t *p = data + 2, *end = data + size;
	while (p < end) {
		const uint8_t *mark = memchr(p, 0xFE, (size_t)(end - p));
		vt_screen_feed(s, p, (size_t)((mark ? mark : end) - p));
		if (!mark || end - mark < 3)
			break;
		vt_screen_resize(s, mark[1] % 40, mark[2] % 100);
		check(s);
		p = mark + 3;
	}
	check(s);
	free(vt_screen_text(s, true));
	vt_screen_free(s);
	return 0;
}
