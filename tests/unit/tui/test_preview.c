/* preview: a console's screen read from its ring. */
#include "unit/cm.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/home.h"
#include "core/mem.h"
#include "serial/ring.h"
#include "tui/preview.h"

#define POLLS_MAX 100000

struct place {
	char dir[64];
	struct home home;
	struct ring *ring;
};

static void place_open(struct place *p)
{
	struct err err = {0};
	snprintf(p->dir, sizeof(p->dir), "/tmp/hvmux-unit-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	setenv("HVMUX_HOME", p->dir, 1);
	assert_int_equal(home_init(&p->home, NULL, &err), 0);
	CLEANUP_FREE char *run = home_run_dir(&p->home, "web1");
	assert_int_equal(home_mkdir(&p->home, run, &err), 0);
	CLEANUP_FREE char *path = home_run_file(&p->home, "web1", "console0.ring");
	p->ring = ring_open(path, RING_SIZE_DEFAULT, false, &err);
	assert_non_null(p->ring);
}

static void place_close(struct place *p)
{
	char *rm = xasprintf("rm -rf '%s'", p->dir);
	ring_free(p->ring);
	home_fini(&p->home);
	assert_int_equal(system(rm), 0);
	free(rm);
}

static void say(struct place *p, const char *s)
{
	ring_write(p->ring, s, strlen(s));
}

static void shows_what_was_and_what_comes(void **state)
{
	struct place p;
	(void)state;
	place_open(&p);
	say(&p, "login: ");
	struct preview *v = preview_open(&p.home, "web1", 0, 24, 80);
	assert_non_null(v);
	assert_true(preview_poll(v, 0));
	assert_false(preview_poll(v, 0));
	say(&p, "root\r\n");
	assert_true(preview_poll(v, 0));
	CLEANUP_FREE char *text = vt_screen_text(preview_screen(v), false);
	assert_string_equal(text, "login: root");
	preview_free(v);
	place_close(&p);
}

/* A guest whose every byte costs as much as it can: polls are short, and the end is reached nevertheless. */
static void a_costly_guest_is_read_in_slices(void **state)
{
	struct place p;
	unsigned polls = 0;
	(void)state;
	place_open(&p);
	for (size_t n = 0; n < PREVIEW_TAIL / 2; n += 11)
		say(&p, "\xe6\xbc\xa2\033[65535b");
	say(&p, "\033c\033[2J\033[Hthe end");
	struct preview *v = preview_open(&p.home, "web1", 0, VT_ROWS_MAX, VT_COLS_MAX);
	assert_non_null(v);
	char *text = xstrdup("");
	while (strcmp(text, "the end") != 0 && polls++ < POLLS_MAX) {
		preview_poll(v, 0);
		free(text);
		text = vt_screen_text(preview_screen(v), false);
	}
	assert_string_equal(text, "the end");
	assert_true(polls > 1);
	free(text);
	preview_free(v);
	place_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(shows_what_was_and_what_comes),
	    cmocka_unit_test(a_costly_guest_is_read_in_slices),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
