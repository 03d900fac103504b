#include "tui/preview.h"

#include <stdlib.h>

#include "core/mem.h"
#include "serial/ring.h"
#include "tui/draw.h"

struct preview {
	char *path;
	struct ring *ring;
	uint64_t at;
	struct vt_screen *screen;
	uint64_t stamp;
};

static void start_over(struct preview *p)
{
	uint64_t end = ring_end(p->ring), start = ring_start(p->ring);
	p->at = end - start > PREVIEW_TAIL ? end - PREVIEW_TAIL : start;
	vt_screen_reset(p->screen);
}

struct preview *preview_open(
    const struct home *h, const char *name, unsigned index, unsigned rows, unsigned cols)
{
	struct preview *p = xcalloc(1, sizeof(*p));
	CLEANUP_FREE char *file = xasprintf("console%u.ring", index);
	p->path = home_run_file(h, name, file);
	p->ring = ring_open_reader(p->path, NULL);
	if (!p->ring) {
		preview_free(p);
		return NULL;
	}
	p->screen = vt_screen_new(rows ? rows : 24, cols ? cols : 80, 0, NULL, NULL);
	start_over(p);
	return p;
}

void preview_free(struct preview *p)
{
	if (!p)
		return;
	if (p->ring)
		ring_free(p->ring);
	if (p->screen)
		vt_screen_free(p->screen);
	free(p->path);
	free(p);
}

bool preview_poll(struct preview *p)
{
	uint8_t data[16384];
	size_t n, total = 0;
	uint64_t now;
	if (ring_end(p->ring) < p->at || ring_end(p->ring) - p->at > PREVIEW_TAIL)
		start_over(p);
	while (total < PREVIEW_TAIL && (n = ring_read(p->ring, &p->at, data, sizeof(data))) > 0) {
		vt_screen_feed(p->screen, data, n);
		p->at += n;
		total += n;
	}
	now = vt_screen_stamp(p->screen);
	if (now == p->stamp)
		return false;
	p->stamp = now;
	return true;
}

bool preview_written(const struct preview *p)
{
	return ring_end(p->ring) > 0;
}

static bool row_empty(const struct vt_screen *s, unsigned row)
{
	const struct vt_cell *c = vt_screen_row(s, row);
	for (unsigned i = 0; i < vt_screen_cols(s); i++)
		if ((c[i].cp && c[i].cp != ' ') || c[i].bg)
			return false;
	return true;
}

void preview_draw(struct preview *p, int row, int col, int height, int width)
{
	const struct vt_screen *s = p->screen;
	unsigned rows = vt_screen_rows(s), last = rows, crow, ccol, first;
	struct vt_modes m;
	vt_screen_modes(s, &m);
	vt_screen_cursor(s, &crow, &ccol);
	while (last > crow + 1 && row_empty(s, last - 1))
		last--;
	first = last > (unsigned)height ? last - (unsigned)height : 0;
	for (unsigned r = first; r < last && height > 0; r++)
		draw_cells(row + (int)(r - first), col, width, s, vt_screen_row(s, r),
		    vt_screen_cols(s), m.reverse_screen);
}
