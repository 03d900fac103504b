#include "tui/preview.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "core/loop.h"
#include "core/mem.h"
#include "serial/ring.h"
#include "tui/screen_part.h"

#define SLICE 4096u /* bytes between two looks at the clock */
#define SLICES_MS \
	12 /* of one poll: a guest can make a kilobyte cost what a megabyte should; the rest is for the next one */
#define MEND_MS 500 /* nothing had to be left out for this long: the flood is over */

struct preview {
	char *path;
	struct ring *ring;
	ino_t inode; /* of the ring's file */
	uint64_t at;
	bool fresh; /* what led to the screen is still to be read */
	bool torn;  /* bytes were left out: the screen may not be what the guest thinks */
	uint64_t torn_ms;
	struct vt_screen *screen;
	uint64_t stamp;
	bool held; /* the last poll found the guest in the middle of an update */
};

static void start_over(struct preview *p)
{
	uint64_t end = ring_end(p->ring), start = ring_start(p->ring);
	p->at = end - start > PREVIEW_TAIL ? end - PREVIEW_TAIL : start;
	p->torn = false;
	p->fresh = true;
	vt_screen_reset(p->screen);
}

struct preview *preview_open(
    const struct home *h, const char *name, unsigned index, unsigned rows, unsigned cols)
{
	struct preview *p = xcalloc(1, sizeof(*p));
	CLEANUP_FREE char *file = xasprintf("console%u.ring", index);
	struct stat st;
	p->path = home_run_file(h, name, file);
	/* Looked at first: a file that takes its place meanwhile is found stale, never the other way round. */
	if (stat(p->path, &st) == 0)
		p->inode = st.st_ino;
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

bool preview_stale(const struct preview *p)
{
	struct stat st;
	return stat(p->path, &st) == 0 && st.st_ino != p->inode;
}

/* Goes to the last `most` bytes. The sequence that is cut off there is over. */
static void skip(struct preview *p, uint64_t end, size_t most)
{
	p->at = end - most;
	p->torn = true;
	p->torn_ms = loop_now_ms();
	vt_screen_feed(p->screen, (const uint8_t *)"\x18", 1);
}

bool preview_poll(struct preview *p, size_t most)
{
	uint8_t data[SLICE];
	size_t n, total = 0;
	uint64_t now, end = ring_end(p->ring), began = loop_now_ms();
	if (!most || p->fresh)
		most = PREVIEW_TAIL;
	if (end < p->at || (p->torn && loop_now_ms() - p->torn_ms > MEND_MS))
		start_over(p);
	else if (end - p->at > most)
		skip(p, end, most);
	p->fresh = false;
	while (total < PREVIEW_TAIL && loop_now_ms() - began < SLICES_MS &&
	       (n = ring_read(p->ring, &p->at, data, sizeof(data))) > 0) {
		vt_screen_feed(p->screen, data, n);
		p->at += n;
		total += n;
	}
	now = vt_screen_stamp(p->screen);
	if (now == p->stamp)
		return false;
	/* An update that is to be seen whole is waited for, until the next poll. */
	p->held = vt_screen_sync(p->screen) && !p->held;
	if (p->held)
		return false;
	p->stamp = now;
	return true;
}

bool preview_written(const struct preview *p)
{
	return ring_end(p->ring) > 0;
}

struct vt_screen *preview_screen(struct preview *p)
{
	return p->screen;
}

void preview_draw(struct preview *p, int row, int col, int height, int width)
{
	screen_part_draw(p->screen, row, col, height, width, false);
}
