/* wall_pace: on a link of any speed the wall is drawn as often as that carries, and little is on its way. */
#include "unit/cm.h"

#include "tui/wall_pace.h"

#define TILE 500 /* bytes that it takes to draw one */
#define STEP_MS 20

/* A terminal behind a link: what the program wrote, what its buffer holds, what it has shown. */
struct link {
	uint64_t rate, buffer_max;        /* bytes a second; 0: no limit */
	uint64_t written, shown, pending; /* pending: in the program, which waits */
};

static void link_step(struct link *l, uint64_t ms)
{
	uint64_t shown = l->shown + (l->rate ? l->rate * ms / 1000 : UINT32_MAX), room;
	l->shown = shown < l->written ? shown : l->written;
	room = l->buffer_max - (l->written - l->shown);
	room = room < l->pending ? room : l->pending;
	l->written += room;
	l->pending -= room;
}

struct outcome {
	uint64_t drawn; /* tiles in the second half */
	uint64_t ahead; /* most that was on its way then */
};

/* For a minute everything changes all the time. */
static struct outcome run(struct link *l, unsigned line)
{
	struct outcome o = {0};
	struct wall_pace p;
	uint64_t now = 1000, end = now + 60000;
	wall_pace_init(&p, now, 0, line);
	for (; now < end; now += STEP_MS) {
		link_step(l, STEP_MS);
		wall_pace_look(&p, now, l->written, l->pending > 0);
		for (unsigned i = 0; i < 16 && !l->pending && wall_pace_room(&p, TILE); i++) {
			l->pending += TILE;
			link_step(l, 0);
			wall_pace_look(&p, now, l->written, l->pending > 0);
			o.drawn += now >= end - 30000;
		}
		if (now >= end - 30000 && l->written + l->pending - l->shown > o.ahead)
			o.ahead = l->written + l->pending - l->shown;
	}
	return o;
}

/* 960 bytes a second behind a terminal's buffer of 4 KiB: used well, and an answer waits less than a second. */
static void a_slow_line_is_kept_nearly_empty(void **state)
{
	struct link l = {.rate = 960, .buffer_max = 4096};
	struct outcome o = run(&l, 0);
	(void)state;
	assert_in_range(o.drawn * TILE / 30, 480, 960);
	assert_in_range(o.ahead, 1, 960);
}

/* Where the line's speed is known nothing is ever queued. */
static void a_line_that_is_known_is_never_filled(void **state)
{
	struct link l = {.rate = 960, .buffer_max = 20000};
	struct outcome o = run(&l, 960);
	(void)state;
	assert_in_range(o.drawn * TILE / 30, 480, 960);
	assert_in_range(o.ahead, 1, 960);
	assert_in_range(l.written - l.shown, 0, 960);
}

static void a_modem_is_used(void **state)
{
	struct link l = {.rate = 5600, .buffer_max = 4096};
	struct outcome o = run(&l, 0);
	(void)state;
	assert_in_range(o.drawn * TILE / 30, 2800, 5600);
}

static void a_fast_link_gets_no_more_than_the_limit(void **state)
{
	struct link l = {.rate = 0, .buffer_max = 1 << 20};
	struct outcome o = run(&l, 0);
	(void)state;
	assert_in_range(o.drawn * TILE / 30, WALL_PACE_MAX / 2, WALL_PACE_MAX + TILE);
}

/* A laptop that slept looks like a slow link for a while: it goes on slowly, and soon as before. */
static void a_stopped_terminal_gets_nothing(void **state)
{
	struct wall_pace p;
	(void)state;
	wall_pace_init(&p, 1000, 0, 0);
	wall_pace_look(&p, 1100, 4096, true);
	assert_false(wall_pace_room(&p, 1));
	wall_pace_look(&p, 61100, 4096, true);
	assert_false(wall_pace_room(&p, 1));
	wall_pace_look(&p, 61200, 4300, false);
	wall_pace_look(&p, 75000, 4300, false);
	assert_true(wall_pace_room(&p, TILE));
	wall_pace_look(&p, 75100, 4800, false);
	assert_false(wall_pace_room(&p, TILE));
	wall_pace_look(&p, 190000, 4800, false);
	wall_pace_look(&p, 190100, 5300, false);
	assert_true(wall_pace_room(&p, TILE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_slow_line_is_kept_nearly_empty),
	    cmocka_unit_test(a_line_that_is_known_is_never_filled),
	    cmocka_unit_test(a_modem_is_used),
	    cmocka_unit_test(a_fast_link_gets_no_more_than_the_limit),
	    cmocka_unit_test(a_stopped_terminal_gets_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
