/* vt_text: cells as UTF-8. */
#include <string.h>

#include "core/buf.h"
#include "serial/vt_state.h"
#include "serial/vt_utf8.h"

size_t vt_screen_cell_text(
    const struct vt_screen *s, const struct vt_cell *c, char out[VT_CELL_UTF8_MAX])
{
	uint32_t cp[VT_CLUSTER_CHARS];
	size_t len = 0;
	if (c->width) {
		size_t n = vt_unpacked_get(&s->history.marks, &s->clusters, c->cp, cp);
		for (size_t i = 0; i < n; i++)
			len += vt_utf8_encode(cp[i], out + len);
	}
	out[len] = 0;
	return len;
}

static bool is_blank(const struct vt_cell *c)
{
	return c->width == 1 && (c->cp == 0 || c->cp == ' ');
}

static void add_row(const struct vt_screen *s, unsigned row, struct buf *out)
{
	char text[VT_CELL_UTF8_MAX];
	const struct vt_cell *cells = vt_screen_row(s, row);
	int end = s->cols;
	while (end > 0 && is_blank(&cells[end - 1]))
		end--;
	for (int i = 0; i < end; i++)
		buf_add(out, text, vt_screen_cell_text(s, &cells[i], text));
}

char *vt_screen_text(const struct vt_screen *s, bool whole)
{
	struct buf out = BUF_INIT;
	size_t filled = 0; /* up to the end of the last row that has text */
	for (unsigned r = 0; r < (unsigned)s->rows; r++) {
		if (r)
			buf_addc(&out, '\n');
		size_t before = out.len;
		add_row(s, r, &out);
		if (out.len > before)
			filled = out.len;
	}
	if (!whole && out.data) {
		out.len = filled;
		out.data[filled] = 0;
	}
	return buf_take(&out);
}
