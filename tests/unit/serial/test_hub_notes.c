/* hub: when bytes came, and what happened between them: at the right place, for clients, readers of the file and the log. */
#include "unit/serial/rig.h"

#include "core/timestamp.h"

static struct ring_note notes[RING_NOTES];

/* Notes but TIME in the ring's file. */
static size_t marks_in_file(struct rig *r)
{
	CLEANUP_FREE char *path = home_run_file(&r->home, "web1", "console0.ring");
	struct ring *ring = ring_open_reader(path, NULL);
	size_t n, kept = 0;

	assert_non_null(ring);
	n = ring_notes(ring, 0, notes, RING_NOTES);
	for (size_t i = 0; i < n; i++)
		if (notes[i].kind != RING_NOTE_TIME)
			notes[kept++] = notes[i];
	ring_free(ring);
	return kept;
}

static void again(struct rig *r, bool keep)
{
	hub_free(r->hub);
	close(r->guest);
	rig_hub(r, keep);
}

/* A reset is behind what the guest had said by then, also where nobody has read that yet. */
static void test_boots(void **state)
{
	struct rig *r = *state;
	struct watcher w;
	uint64_t before = timestamp_ns();

	watcher_open(r, &w, 0);
	hub_note(r->hub, RING_NOTE_BOOT, 0);
	RIG_UNTIL(r, w.n_marks == 1); /* with no byte behind it */
	assert_int_equal(w.marks[0].offset, 0);
	assert_int_equal(w.marks[0].value, 0);
	assert_true(w.marks[0].time_ns >= before && w.marks[0].time_ns <= timestamp_ns());
	rig_say(r, "Rebooting.");
	hub_note(r->hub, RING_NOTE_BOOT, 1);
	hub_note(
	    r->hub, RING_NOTE_BOOT, 1); /* firmware's own, before it says a word: the same boot */
	rig_say(r, "SeaBIOS");
	RIG_UNTIL(r, WATCHER_HAS(&w, "SeaBIOS"));
	assert_int_equal(w.n_marks, 2);
	assert_int_equal(w.marks[1].offset, 10);
	assert_int_equal(w.marks[1].value, 1);
	assert_true(w.times >= 1);
	assert_int_equal(marks_in_file(r), 2);
	assert_int_equal(notes[1].offset, 10);
	/* Who comes later is told the same. */
	watcher_close(&w);
	watcher_open(r, &w, 0);
	RIG_UNTIL(r, WATCHER_HAS(&w, "SeaBIOS"));
	assert_int_equal(w.n_marks, 2);
	assert_int_equal(w.marks[1].offset, 10);
	watcher_close(&w);
}

/* The first connection of a run is no reconnect; every other is, an adoption's too. */
static void test_reconnects(void **state)
{
	struct rig *r = *state;

	hub_note(r->hub, RING_NOTE_BOOT, 0);
	rig_say(r, "one");
	close(r->guest);
	RIG_UNTIL(r, !hub_guest_attached(r->hub));
	rig_guest(r);
	assert_int_equal(marks_in_file(r), 2);
	assert_int_equal(notes[1].kind, RING_NOTE_RECONNECT);
	assert_int_equal(notes[1].offset, 3);
	again(r, true);
	assert_int_equal(marks_in_file(r), 3);
	assert_int_equal(notes[2].kind, RING_NOTE_RECONNECT);
	/* QEMU ended and was started once more by the same supervisor. */
	hub_note(r->hub, RING_NOTE_END, 0);
	hub_note(r->hub, RING_NOTE_BOOT, 0);
	close(r->guest);
	rig_guest(r);
	assert_int_equal(marks_in_file(r), 5);
	assert_int_equal(notes[3].kind, RING_NOTE_END);
	assert_int_equal(notes[4].kind, RING_NOTE_BOOT);
	again(r, false);
	assert_int_equal(marks_in_file(r), 0);
}

/* Times are no closer together than they should be, however often the guest says something. */
static void test_times(void **state)
{
	struct rig *r = *state;
	uint64_t began = timestamp_ns(), took;
	struct watcher w;

	watcher_open(r, &w, 0);
	for (size_t i = 1; i <= 200; i++) {
		rig_say(r, "x");
		RIG_UNTIL(r, w.data.len == i);
	}
	took = timestamp_ns() - began;
	assert_true(w.times >= 1);
	assert_true(
	    w.times <= 1 + took / (RING_NOTE_EVERY_NS - 10000000)); /* a coarse clock's step */
	watcher_close(&w);
}

/* A boot among bytes that a client was too slow for is told all the same, at its offset. */
static void test_mark_in_a_gap(void **state)
{
	struct rig *r = *state;
	struct watcher w;
	struct buf b = BUF_INIT;

	for (unsigned i = 0; i < 3u << 20; i += 16)
		buf_addf(&b, "%015u\n", i);
	watcher_open(r, &w, 0);
	console_client_pause(w.c, true);
	rig_say_n(r, b.data, 1u << 20);
	hub_note(r->hub, RING_NOTE_BOOT, 1);
	rig_say_n(r, b.data + (1u << 20), b.len - (1u << 20));
	hub_drain(r->hub);
	console_client_pause(w.c, false);
	RIG_UNTIL(r, w.data.len + w.gap == b.len);
	assert_int_equal(w.gaps, 1);
	assert_int_equal(w.n_marks, 1);
	assert_int_equal(w.marks[0].offset, 1u << 20);
	buf_fini(&b);
	watcher_close(&w);
}

/* The log has each mark once, before the bytes that it stands before; a killed supervisor's successor goes on there. */
static void test_log(void **state)
{
	struct rig *r = *state;
	CLEANUP_FREE char *dir = home_log_dir(&r->home, "web1");
	CLEANUP_FREE char *path = xasprintf("%s/console0.log", dir);
	struct buf b = BUF_INIT;
	const char *reset, *anew;

	hub_note(r->hub, RING_NOTE_BOOT, 0);
	rig_say(r, "first\n");
	hub_note(r->hub, RING_NOTE_BOOT, 1);
	rig_say(r, "second\n");
	hub_drain(r->hub);
	again(r, true);
	rig_say(r, "third\n");
	hub_drain(r->hub);
	hub_note(r->hub, RING_NOTE_END, 0);
	hub_free(r->hub);
	r->hub = NULL;
	assert_int_equal(file_read(path, 1u << 20, &b, NULL), 0);
	assert_int_equal(strncmp(b.data, "[hvmux: ", 8), 0);
	reset = strstr(b.data, "first\n[hvmux: ");
	assert_non_null(reset);
	anew = strstr(reset + 8, "[hvmux: connected");
	assert_non_null(anew);
	assert_null(strstr(anew, "second\n"));
	assert_non_null(strstr(anew, "third\n[hvmux: "));
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_boots, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_reconnects, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_times, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_mark_in_a_gap, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_log, rig_setup, rig_teardown),
	};
	return cmocka_run_group_tests_name("hub notes", tests, NULL, NULL);
}
