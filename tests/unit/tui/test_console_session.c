/* console_session: a console that is lost and found again: no byte twice, marks of ours, and whose keyboard it is. */
#include "unit/serial/rig.h"

#include "core/vm.h"
#include "tui/console_session.h"

struct shown {
	struct console_session *s;
	unsigned changes, bells;
	char asked[96];
};

static void on_changed(void *arg)
{
	((struct shown *)arg)->changes++;
}

static void on_asked(void *arg, const char *who)
{
	struct shown *w = arg;
	snprintf(w->asked, sizeof(w->asked), "%s", who);
}

static void on_bell(void *arg)
{
	((struct shown *)arg)->bells++;
}

static void shown_open(struct rig *r, struct shown *w, unsigned flags)
{
	static const struct session_ops ops = {
	    .changed = on_changed, .asked = on_asked, .bell = on_bell};
	const struct session_options o = {
	    .flags = flags, .scrollback = 1000, .readonly = true, .answers = true};
	memset(w, 0, sizeof(*w));
	w->s = session_open(r->loop, &r->home, "web1", &o, 24, 60, &ops, w);
}

/* How often the text stands in all that can be seen or scrolled to. */
static unsigned count(const struct shown *w, const char *text)
{
	const struct vt_screen *s = session_screen(w->s);
	struct vt_text t = {0};
	unsigned n = 0;
	for (uint64_t l = vt_screen_first_line(s); l <= vt_screen_last_line(s);) {
		if (!vt_screen_line_text(s, l, &t))
			break;
		for (const char *p = t.text; (p = strstr(p, text)); p++)
			n++;
		l = t.info.first + t.info.lines;
	}
	vt_text_fini(&t);
	return n;
}

/* The supervisor is killed and a new one takes over; what the guest says meanwhile is lost. */
static void restart_hub(struct rig *r, bool keep)
{
	hub_free(r->hub);
	close(r->guest);
	rig_hub(r, keep);
}

static void goes_on_where_it_stood(void **state)
{
	struct rig *r = *state;
	struct shown w;
	int lock = vm_lock(&r->home, "web1", NULL);
	assert_true(lock >= 0);
	shown_open(r, &w, CONSOLE_KEYBOARD);
	RIG_UNTIL(r, session_who(w.s)->mine);
	rig_say(r, "one\r\ntwo\r\n");
	RIG_UNTIL(r, count(&w, "two") == 1);
	hub_free(r->hub);
	close(r->guest);
	r->hub = NULL;
	r->guest = -1;
	RIG_UNTIL(r, session_state(w.s) == SESSION_LOST);
	assert_true(*session_words(w.s) != '\0');
	session_tick(w.s); /* nobody is there yet */
	assert_int_equal(session_state(w.s), SESSION_LOST);
	assert_true(session_send(w.s, "lost", 4));
	rig_hub(r, true);
	session_tick(w.s);
	assert_int_equal(session_state(w.s), SESSION_LIVE);
	rig_say(r, "three\r\n");
	RIG_UNTIL(r, count(&w, "three") == 1);
	assert_int_equal(count(&w, "one"), 1);
	assert_int_equal(count(&w, "two"), 1);
	assert_int_equal(count(&w, "connected again"), 1);
	RIG_UNTIL(r, session_who(w.s)->mine);
	session_close(w.s);
	close(lock);
}

static void another_start_keeps_the_scrollback(void **state)
{
	struct rig *r = *state;
	struct shown w;
	int lock = vm_lock(&r->home, "web1", NULL);
	struct vt_modes m;
	shown_open(r, &w, CONSOLE_KEYBOARD);
	rig_say(r, "old boot\033[?2004h\033[?1049h");
	RIG_UNTIL(r, (vt_screen_modes(session_screen(w.s), &m), m.alt_screen));
	restart_hub(r, false);
	RIG_UNTIL(r, session_state(w.s) == SESSION_LOST);
	session_tick(w.s);
	hub_note(r->hub, RING_NOTE_BOOT, 0);
	rig_say(r, "new boot\r\n");
	RIG_UNTIL(r, count(&w, "new boot") == 1);
	vt_screen_modes(session_screen(w.s), &m);
	assert_false(m.alt_screen);
	assert_false(m.bracketed_paste);
	assert_int_equal(count(&w, "old boot"), 1);
	assert_int_equal(count(&w, "-- started "), 1);
	/* A reset, which QEMU tells more than once. */
	hub_note(r->hub, RING_NOTE_BOOT, 1);
	hub_note(r->hub, RING_NOTE_BOOT, 1);
	rig_say(r, "third\r\n");
	RIG_UNTIL(r, count(&w, "third") == 1);
	assert_int_equal(count(&w, "-- reset "), 1);
	session_close(w.s);
	close(lock);
}

/* What a guest that does not read has not had is counted, until it reads. */
static void keys_that_wait(void **state)
{
	struct rig *r = *state;
	struct shown w;
	static char many[1500000];
	char heard[65536];
	size_t got = 0;
	int lock = vm_lock(&r->home, "web1", NULL);
	memset(many, 'x', sizeof(many));
	shown_open(r, &w, CONSOLE_KEYBOARD);
	RIG_UNTIL(r, session_who(w.s)->mine);
	assert_true(session_unsent(w.s) == 0);
	assert_true(session_send(w.s, many, sizeof(many)));
	assert_true(session_unsent(w.s) > 0);
	RIG_UNTIL(r, ({
		for (ssize_t n; (n = read(r->guest, heard, sizeof(heard))) > 0;)
			got += (size_t)n;
		got == sizeof(many);
	}));
	assert_true(session_unsent(w.s) == 0);
	session_close(w.s);
	close(lock);
}

static void one_types(void **state)
{
	struct rig *r = *state;
	struct shown a, b;
	struct buf heard = BUF_INIT;
	const struct vt_key up = {.sym = VT_KEY_UP};
	int lock = vm_lock(&r->home, "web1", NULL);
	shown_open(r, &a, CONSOLE_KEYBOARD);
	RIG_UNTIL(r, session_who(a.s)->mine);
	shown_open(r, &b, CONSOLE_KEYBOARD);
	RIG_UNTIL(r, session_who(b.s)->clients == 2);
	assert_false(session_who(b.s)->mine);
	assert_true(session_send(b.s, "nothing", 7));
	rig_say(r, "\033[?1h");
	RIG_UNTIL(r, ({
		struct vt_modes m;
		vt_screen_modes(session_screen(a.s), &m);
		m.app_cursor;
	}));
	assert_true(session_key(a.s, &up));
	RIG_UNTIL(r, (rig_hear(r, &heard), heard.len >= 3));
	assert_string_equal(heard.data, "\033OA");
	/* The screen has the size of who types. */
	session_resize(b.s, 10, 30);
	RIG_UNTIL(r, session_who(b.s)->rows == 24);
	assert_int_equal(vt_screen_cols(session_screen(b.s)), 60);
	/* A supervisor that is killed does not give the keyboard to somebody else. */
	restart_hub(r, true);
	RIG_UNTIL(r, session_state(a.s) == SESSION_LOST && session_state(b.s) == SESSION_LOST);
	session_tick(b.s);
	session_tick(a.s);
	RIG_UNTIL(r, session_who(a.s)->mine && session_who(b.s)->clients == 2);
	assert_false(session_who(b.s)->mine);
	session_close(a.s);
	session_close(b.s);
	buf_fini(&heard);
	close(lock);
}

/* Only the keyboard's holder answers, and nobody what is replayed. */
static void answers(void **state)
{
	struct rig *r = *state;
	struct shown a, b;
	struct buf heard = BUF_INIT;
	int lock = vm_lock(&r->home, "web1", NULL);
	rig_say(r, "\033[5nold\a");
	RIG_UNTIL(r, ({
		struct hub_facts f;
		hub_facts(r->hub, &f);
		f.bytes == 8;
	}));
	shown_open(r, &a, CONSOLE_KEYBOARD);
	RIG_UNTIL(r, session_who(a.s)->mine && count(&a, "old"));
	shown_open(r, &b, 0);
	RIG_UNTIL(r, session_who(b.s)->clients == 2 && count(&b, "old"));
	rig_say(r, "\033[5n\a\a\anew");
	RIG_UNTIL(r, count(&a, "new") && count(&b, "new"));
	RIG_UNTIL(r, (rig_hear(r, &heard), heard.len >= 4));
	assert_string_equal(heard.data, "\033[0n");
	assert_int_equal(a.bells, 1); /* not as often as the guest would like */
	session_close(a.s);
	session_close(b.s);
	buf_fini(&heard);
	close(lock);
}

/* Nothing runs: the last screen, in words that say so. */
static void off(void **state)
{
	struct rig *r = *state;
	struct shown w;
	rig_say(r, "Power down");
	hub_drain(r->hub);
	hub_free(r->hub);
	r->hub = NULL;
	CLEANUP_FREE char *dir = xasprintf("%s/domains", r->home.conf);
	CLEANUP_FREE char *xml = xasprintf("%s/web1.xml", dir);
	mkdir(r->home.conf, 0700);
	mkdir(dir, 0700);
	assert_int_equal(file_write_atomic(xml, "<domain/>", 9, 0600, NULL), 0);
	shown_open(r, &w, CONSOLE_KEYBOARD);
	assert_int_equal(session_state(w.s), SESSION_ENDED);
	assert_int_equal(count(&w, "Power down"), 1);
	assert_string_equal(session_words(w.s), "shut off");
	session_close(w.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(goes_on_where_it_stood, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(
	        another_start_keeps_the_scrollback, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(keys_that_wait, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(one_types, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(answers, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(off, rig_setup, rig_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
