/* bench_vt: the terminal emulator alone, bytes → cells, beside libtsm where that is installed.
 *
 *	bench_vt [ROWS COLS]
 *
 * Streams are made here: what seq prints, ls in colours, and a full-screen program's redraws. Each is fed in blocks of 64 KiB,
 * medians of seven rounds, ours and the peer's in turn. Prints rows of the benchmarks' table (tests/bench/lib.sh). */
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef HAVE_TSM
#include <libtsm.h>
#endif

#include "core/buf.h"
#include "core/mem.h"
#include "serial/vt_screen.h"

#define STREAM_BYTES (16u << 20)
#define BLOCK_BYTES (64u << 10)
#define ROUNDS 7
#define SCROLLBACK VT_SCROLLBACK_DEFAULT
#define RESIZE_MS_MAX 30
#define HISTORY_MIB_MAX 25

static double now(void)
{
	struct timespec t;
	clock_gettime(
	    CLOCK_PROCESS_CPUTIME_ID, &t); /* work alone: other load on the machine is not ours */
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void make_seq(struct buf *b, unsigned rows, unsigned cols)
{
	(void)rows, (void)cols;
	for (unsigned i = 1; b->len < STREAM_BYTES; i++)
		buf_addf(b, "%u\r\n", i);
}

/* ls --color -l of a directory with programs, links and archives. */
static void make_ls(struct buf *b, unsigned rows, unsigned cols)
{
	static const char *const colours[] = {"01;34", "01;32", "01;36", "01;31", "0"};
	(void)rows, (void)cols;
	for (unsigned i = 0; b->len < STREAM_BYTES; i++)
		buf_addf(b,
		    "-rwxr-xr-x 1 root root %7u Nov 21 11:%02u \033[0m\033[%sm%s-%u.%u\033[0m\r\n",
		    i * 37 % 9999999, i % 60, colours[i % 5],
		    i % 3 ? "libexample" : "x86_64-linux-gnu-program", i % 17, i % 101);
}

/* Redraws of the whole screen: each row addressed, its words in colours, the tail erased. */
static void make_redraw(struct buf *b, unsigned rows, unsigned cols)
{
	for (unsigned frame = 0; b->len < STREAM_BYTES; frame++)
		for (unsigned r = 1; r <= rows; r++) {
			buf_addf(b, "\033[%u;1H", r);
			for (unsigned c = 0; c + 12 < cols; c += 10)
				buf_addf(b, "\033[38;5;%um%08u \033[7m*", (frame + r + c) % 256,
				    frame * 31 + r * 7 + c);
			buf_adds(b, "\033[m\033[K");
		}
}

static double run_ours(const struct buf *b, unsigned rows, unsigned cols)
{
	struct vt_screen *s = vt_screen_new(rows, cols, SCROLLBACK, NULL, NULL);
	double start = now();
	for (size_t at = 0; at < b->len; at += BLOCK_BYTES)
		vt_screen_feed(s, (const uint8_t *)b->data + at,
		    b->len - at < BLOCK_BYTES ? b->len - at : BLOCK_BYTES);
	double took = now() - start;
	vt_screen_free(s);
	return took;
}

#ifdef HAVE_TSM
static void ignore_write(struct tsm_vte *vte, const char *p, size_t n, void *arg)
{
	(void)vte, (void)p, (void)n, (void)arg;
}

static double run_tsm(const struct buf *b, unsigned rows, unsigned cols)
{
	struct tsm_screen *screen;
	struct tsm_vte *vte;
	if (tsm_screen_new(&screen, NULL, NULL) || tsm_screen_resize(screen, cols, rows) ||
	    tsm_vte_new(&vte, screen, ignore_write, NULL, NULL, NULL))
		return -1;
	tsm_screen_set_max_sb(screen, SCROLLBACK);
	double start = now();
	for (size_t at = 0; at < b->len; at += BLOCK_BYTES)
		tsm_vte_input(
		    vte, b->data + at, b->len - at < BLOCK_BYTES ? b->len - at : BLOCK_BYTES);
	double took = now() - start;
	tsm_vte_unref(vte);
	tsm_screen_unref(screen);
	return took;
}
#endif

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double median_rate(double *took, size_t bytes)
{
	qsort(took, ROUNDS, sizeof(*took), compare);
	return (double)bytes / 1e6 / took[ROUNDS / 2];
}

static void bench(const char *name, void (*make)(struct buf *, unsigned, unsigned), unsigned rows,
    unsigned cols, double want)
{
	struct buf b = BUF_INIT;
	double ours[ROUNDS], peer[ROUNDS];
	make(&b, rows, cols);
	for (int i = 0; i < ROUNDS; i++) {
		ours[i] = run_ours(&b, rows, cols);
#ifdef HAVE_TSM
		peer[i] = run_tsm(&b, rows, cols);
#else
		peer[i] = 0;
#endif
	}
	double rate = median_rate(ours, b.len), other = peer[0] > 0 ? median_rate(peer, b.len) : 0;
	char peers[40] = "-", ratio[20] = "-";
	if (other > 0) {
		snprintf(peers, sizeof(peers), "libtsm %.0f MB/s", other);
		snprintf(ratio, sizeof(ratio), "%.2f", rate / other);
	}
	printf("emulator, %s, %ux%u\t%.0f MB/s\t%s\t%s\t>= %.0f MB/s, >= 3 x libtsm\t%s\n", name,
	    cols, rows, rate, peers, ratio, want,
	    rate >= want && (other <= 0 || rate >= 3 * other) ? "met" : "MISSED");
	buf_fini(&b);
}

/* --- a full history: its memory, and how long a change of the width takes --- */

static double heap_mib(void)
{
	struct mallinfo2 m = mallinfo2();
	return (double)(m.uordblks + m.hblkhd) / 1048576;
}

static void bench_history(void)
{
	struct buf b = BUF_INIT;
	double took[ROUNDS], before, used;
	make_ls(&b, 24, 80);
	before = heap_mib();
	struct vt_screen *s = vt_screen_new(24, 80, SCROLLBACK, NULL, NULL);
	double empty = heap_mib() - before;
	vt_screen_feed(s, (const uint8_t *)b.data, b.len);
	used = heap_mib() - before;
	unsigned lines = vt_screen_history(s);
	for (int i = 0; i < ROUNDS; i++) {
		double start = now();
		vt_screen_resize(s, 24, i % 2 ? 80 : 50);
		took[i] = (now() - start) * 1e3;
	}
	qsort(took, ROUNDS, sizeof(*took), compare);
	printf("emulator, %u lines of ls in history\t%.1f MiB\t-\t-\t<= %d MiB\t%s\n", lines, used,
	    HISTORY_MIB_MAX, used <= HISTORY_MIB_MAX ? "met" : "MISSED");
	printf("emulator, nothing in history\t%.2f MiB\t-\t-\t<= 0.1 MiB\t%s\n", empty,
	    empty <= 0.1 ? "met" : "MISSED");
	printf("emulator, resize with a full history\t%.1f ms\t-\t-\t<= %d ms\t%s\n",
	    took[ROUNDS / 2], RESIZE_MS_MAX, took[ROUNDS / 2] <= RESIZE_MS_MAX ? "met" : "MISSED");
	vt_screen_free(s);
	buf_fini(&b);
}

int main(int argc, char **argv)
{
	static const unsigned sizes[][2] = {{24, 80}, {48, 160}};
	for (size_t i = 0; i < (argc == 3 ? 1 : ARRAY_LEN(sizes)); i++) {
		unsigned rows = argc == 3 ? (unsigned)strtoul(argv[1], NULL, 10) : sizes[i][0];
		unsigned cols = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : sizes[i][1];
		bench("seq", make_seq, rows, cols, 100);
		bench("ls in colours", make_ls, rows, cols, 60);
		bench("full-screen redraw", make_redraw, rows, cols, 40);
	}
	bench_history();
	return 0;
}
