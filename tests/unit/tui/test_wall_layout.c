/* wall_layout: tiles that cover the place, overlap nowhere, and can be read. */
#include "unit/cm.h"
#include "unit/golden.h"

#include "core/buf.h"
#include "tui/wall_layout.h"

#define ROWS_MAX 200
#define COLS_MAX 400

static void put(char *picture, int cols, int row, int col, char c)
{
	char *at = &picture[row * (cols + 1) + col];
	assert_int_equal(*at, ' '); /* nothing lies over anything */
	*at = c;
}

/* '=' a title, its tile's letter where the guest is; blanks are gaps. */
static void draw(const struct wall_layout *l, int rows, int cols, char *picture)
{
	memset(picture, ' ', (size_t)(rows * (cols + 1)));
	for (int r = 0; r < rows; r++)
		picture[r * (cols + 1) + cols] = '\n';
	picture[rows * (cols + 1)] = '\0';
	for (unsigned i = 0; i < l->n; i++) {
		const struct wall_rect *t = &l->tile[i];
		char name = (char)('a' + l->first + i);
		for (int c = 0; c < t->cols; c++) {
			if (l->titled)
				put(picture, cols, t->row - 1, t->col + c, c ? '=' : name);
			for (int r = 0; r < t->rows; r++)
				put(picture, cols, t->row + r, t->col + c, name);
		}
	}
}

static void pictures(void **state)
{
	static const struct {
		unsigned n;
		int rows, cols;
	} shown[] = {{1, 22, 80}, {2, 22, 80}, {3, 22, 80}, {4, 22, 80}, {6, 22, 80}, {8, 22, 80},
	    {16, 22, 80}, {16, 38, 120}, {7, 46, 160}, {3, 4, 20}, {2, 1, 20}};
	static char picture[ROWS_MAX * (COLS_MAX + 1) + 1];
	CLEANUP_BUF struct buf out = BUF_INIT;
	CLEANUP_FREE char *path = golden_path("wall/layouts.txt");
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
		struct wall_layout l;
		for (unsigned page = 0;; page++) {
			wall_layout_make(shown[i].n, shown[i].rows, shown[i].cols, page, &l);
			if (page == l.pages)
				break;
			buf_addf(&out, "%u on %dx%d, page %u of %u: %u by %u\n", shown[i].n,
			    shown[i].rows, shown[i].cols, page + 1, l.pages, l.across, l.down);
			draw(&l, shown[i].rows, shown[i].cols, picture);
			buf_addf(&out, "%s\n", picture);
		}
	}
	golden_check(path, out.data);
}

/* Each tile is on one page, each page's tiles lie inside without overlap, and only one that is alone is too small. */
static void every_size_holds_every_number(void **state)
{
	static char picture[ROWS_MAX * (COLS_MAX + 1) + 1];
	struct wall_layout l;
	(void)state;
	for (unsigned n = 1; n <= WALL_TILES_MAX; n++) {
		for (int rows = 1; rows <= 60; rows += rows < 8 ? 1 : 7) {
			for (int cols = 1; cols <= 200; cols += cols < 30 ? 1 : 17) {
				unsigned next = 0;
				wall_layout_make(n, rows, cols, 0, &l);
				for (unsigned page = 0; page < l.pages; page++) {
					wall_layout_make(n, rows, cols, page, &l);
					assert_int_equal(l.first, next);
					assert_in_range(l.n, 1, WALL_TILES_MAX);
					draw(&l, rows, cols, picture);
					for (unsigned i = 0; i < l.n; i++) {
						assert_int_equal(
						    wall_layout_page_of(n, rows, cols, l.first + i),
						    page);
						assert_true(
						    l.tile[i].rows > 0 && l.tile[i].cols > 0);
						if (l.n > 1) {
							assert_true(
							    l.tile[i].rows >= WALL_TILE_ROWS_MIN);
							assert_true(
							    l.tile[i].cols >= WALL_TILE_COLS_MIN);
						}
					}
					next += l.n;
				}
				assert_int_equal(next, n);
			}
		}
	}
}

static void a_page_behind_the_last_is_the_last(void **state)
{
	struct wall_layout l;
	(void)state;
	wall_layout_make(16, 22, 80, 99, &l);
	assert_int_equal(l.page, l.pages - 1);
	assert_int_equal(l.first + l.n, 16);
}

/* Four and three under them: the arrows lead to what lies there, and stop at the edges. */
static void arrows_go_to_the_neighbour(void **state)
{
	static const struct {
		unsigned from;
		enum wall_step step;
		unsigned to;
	} moves[] = {{0, WALL_LEFT, 0}, {0, WALL_UP, 0}, {0, WALL_RIGHT, 1}, {3, WALL_RIGHT, 3},
	    {3, WALL_DOWN, 6}, {0, WALL_DOWN, 4}, {6, WALL_RIGHT, 6}, {6, WALL_DOWN, 6},
	    {5, WALL_LEFT, 4}, {4, WALL_LEFT, 4}, {6, WALL_UP, 3}, {5, WALL_UP, 1}};
	struct wall_layout l;
	(void)state;
	wall_layout_make(7, 22, 320, 0, &l);
	assert_int_equal(l.across, 4);
	assert_int_equal(l.down, 2);
	for (size_t i = 0; i < ARRAY_LEN(moves); i++)
		assert_int_equal(wall_layout_step(&l, moves[i].from, moves[i].step), moves[i].to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pictures),
	    cmocka_unit_test(every_size_holds_every_number),
	    cmocka_unit_test(a_page_behind_the_last_is_the_last),
	    cmocka_unit_test(arrows_go_to_the_neighbour),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
