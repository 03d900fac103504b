#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "tui/view_ask.h"
#include "tui/wall_impl.h"

#define ANSWER_MS 1000 /* a console that has not said by then whose the keyboard is gets no keys */
#define PASTE_MAX (1u << 20) /* bytes */
#define PASTE_LINES 4 /* more of them ask first, into one guest; into many every paste does */

static unsigned index_of(const struct wall *w, const struct wall_tile *t)
{
	return (unsigned)(t - w->tiles);
}

/* --- from the sessions --- */

static void judge_arm(struct wall *w)
{
	int ms = w->mode == WALL_BROADCASTS ? broadcast_wait(&w->cast, loop_now_ms()) : -1;
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
	if (ms >= 0)
		event_add(w->judge, &tv);
	else
		event_del(w->judge);
}

void wall_on_judge(evutil_socket_t fd, short what, void *arg)
{
	struct wall *w = arg;
	(void)fd, (void)what;
	if (broadcast_judge(&w->cast, loop_now_ms()))
		app_dirty(w->v.app);
	judge_arm(w);
}

void wall_type_refused(struct wall *w)
{
	w->deaf_ms = loop_now_ms();
}

static void typing_changed(struct wall *w, struct wall_tile *t)
{
	const char *holder = wall_tile_holder(t);
	if (session_state(t->session) == SESSION_ENDED) {
		wall_type_stop(w);
		wall_type_refused(w);
		wall_note(
		    w, STYLE_NOTE, "%s is off: keys are not sent any more (s starts it)", t->name);
	} else if (!wall_tile_mine(t) && *holder) {
		CLEANUP_FREE char *who = xstrdup(holder);
		wall_type_stop(w);
		wall_type_refused(w);
		wall_note(
		    w, STYLE_ERROR, "%s: the keyboard is held by %s: F takes it", t->name, who);
	}
}

static void member_changed(struct wall *w, struct wall_tile *t)
{
	broadcast_able(&w->cast, index_of(w, t), wall_tile_mine(t));
	if (session_state(t->session) == SESSION_ENDED)
		wall_tile_still(t);
	judge_arm(w);
}

static void on_changed(void *arg)
{
	struct wall_tile *t = arg;
	struct wall *w = t->owner;
	if (!t->session)
		return;
	wall_tile_inherit(t);
	if (w->mode == WALL_TYPES)
		typing_changed(w, t);
	else if (w->mode == WALL_BROADCASTS)
		member_changed(w, t);
	app_dirty(w->v.app);
}

static void on_output(void *arg, const uint8_t *p, size_t n)
{
	struct wall_tile *t = arg;
	struct wall *w = t->owner;
	if (w->mode != WALL_BROADCASTS)
		return;
	broadcast_echo(&w->cast, index_of(w, t), p, n, loop_now_ms());
	judge_arm(w);
}

static void on_asked(void *arg, const char *who)
{
	struct wall_tile *t = arg;
	wall_note(t->owner, STYLE_NOTE, "%.90s asks for the keyboard of %.60s", who, t->name);
}

static void on_typable(void *arg)
{
	struct wall_tile *t = arg;
	struct wall *w = t->owner;
	app_input_continue(w->v.app);
}

static const struct session_ops session_ops = {
    .changed = on_changed, .asked = on_asked, .output = on_output, .typable = on_typable};

static void attach(struct wall *w, unsigned i, unsigned flags)
{
	w->tiles[i].answers = w->v.app->keys.answers;
	wall_tile_type(&w->tiles[i], w->v.app->loop, flags, &session_ops);
	broadcast_able(&w->cast, i, false);
}

/* --- one tile --- */

static bool allowed(struct wall *w)
{
	if (!w->v.app->options->readonly)
		return true;
	wall_note(w, STYLE_ERROR, "read only: nothing is typed from here");
	return false;
}

void wall_type_start(struct wall *w)
{
	struct wall_tile *t = &w->tiles[w->focus];
	if (!allowed(w))
		return;
	if (!t->live) {
		wall_type_refused(w);
		wall_note(w, STYLE_NOTE, "%s is off: s starts it", t->name);
		return;
	}
	if (*wall_tile_holder(t)) {
		wall_type_refused(w);
		wall_note(w, STYLE_ERROR, "%s: the keyboard is held by %s: F takes it", t->name,
		    wall_tile_holder(t));
		return;
	}
	wall_mode_set(w, WALL_TYPES);
	w->deaf_ms = 0; /* what was refused is over */
	attach(w, w->focus, 0);
}

void wall_type_stop(struct wall *w)
{
	wall_mode_set(w, WALL_LOOKS);
	for (unsigned i = 0; i < w->n; i++) {
		wall_tile_still(&w->tiles[i]);
		broadcast_able(&w->cast, i, false);
	}
	buf_clear(&w->paste);
	event_del(w->judge);
	app_input_continue(w->v.app);
}

void wall_type_move(struct wall *w)
{
	if (w->mode != WALL_TYPES || w->tiles[w->focus].session)
		return;
	wall_type_stop(w);
	wall_type_start(w);
}

static void force_answer(void *arg, bool yes)
{
	struct wall *w = arg;
	if (!yes)
		return;
	if (w->mode == WALL_BROADCASTS) {
		broadcast_choose(&w->cast, w->focus, true);
	} else {
		wall_type_stop(w);
		wall_mode_set(w, WALL_TYPES);
	}
	w->deaf_ms = 0;
	attach(w, w->focus, CONSOLE_TAKE);
}

void wall_type_force(struct wall *w)
{
	struct wall_tile *t = &w->tiles[w->focus];
	char question[200];
	if (!allowed(w))
		return;
	if (!t->live || !*wall_tile_holder(t)) {
		wall_note(w, STYLE_NOTE, "%s: nobody else holds the keyboard", t->name);
		return;
	}
	snprintf(question, sizeof(question), "Take the keyboard of %.80s?", t->name);
	CLEANUP_FREE char *words = xasprintf(
	    "It is held by %s, who is told. What was typed there half-way stays in the guest's line.",
	    wall_tile_holder(t));
	view_ask_open(w->v.app, question, words, force_answer, w);
}

/* --- all of them --- */

static const char *why_not(const struct wall *w, unsigned i)
{
	const struct wall_tile *t = &w->tiles[i];
	if (!w->cast.member[i].in)
		return "taken out";
	if (!t->live)
		return "off";
	return *wall_tile_holder(t) ? wall_tile_holder(t) : NULL;
}

static void broadcast_answer(void *arg, bool yes)
{
	struct wall *w = arg;
	if (!yes)
		return;
	wall_type_stop(w);
	wall_mode_set(w, WALL_BROADCASTS);
	for (unsigned i = 0; i < w->n; i++)
		if (!why_not(w, i))
			attach(w, i, 0);
}

void wall_broadcast_ask(struct wall *w)
{
	CLEANUP_BUF struct buf words = BUF_INIT;
	CLEANUP_BUF struct buf left = BUF_INIT;
	char question[80];
	unsigned members = 0;
	if (!allowed(w))
		return;
	for (unsigned i = 0; i < w->n; i++) {
		const char *why = why_not(w, i);
		members += !why;
		if (why)
			buf_addf(&left, "%s%s (%s)", left.len ? ", " : "", w->tiles[i].name, why);
		else
			buf_addf(&words, "%s%s", words.len ? ", " : "", w->tiles[i].name);
	}
	if (members < 2) {
		wall_note(w, STYLE_NOTE, "a broadcast takes two consoles: %u can be typed at%s%s",
		    members, left.len ? ". Left out: " : "", left.len ? left.data : "");
		return;
	}
	if (left.len)
		buf_addf(&words, "\nLeft out: %s", left.data);
	buf_adds(&words, "\nEvery key goes to all of them until Ctrl+].");
	snprintf(
	    question, sizeof(question), "BROADCAST typing to %u of %u consoles?", members, w->n);
	view_ask_open(w->v.app, question, words.data, broadcast_answer, w);
}

void wall_broadcast_out(struct wall *w)
{
	bool in = !w->cast.member[w->focus].in;
	struct wall_tile *t = &w->tiles[w->focus];
	broadcast_choose(&w->cast, w->focus, in);
	if (w->mode != WALL_BROADCASTS)
		return;
	if (!in) {
		wall_tile_still(t);
		broadcast_able(&w->cast, w->focus, false);
	} else if (!why_not(w, w->focus)) {
		attach(w, w->focus, 0);
	}
}

enum tile_role wall_role(const struct wall *w, unsigned i)
{
	const struct broadcast_member *m = &w->cast.member[i];
	if (w->mode == WALL_TYPES && i == w->focus)
		return TILE_TYPE;
	if (w->mode == WALL_BROADCASTS && broadcast_gets(&w->cast, i))
		return m->differs ? TILE_DIFFERS : TILE_MEMBER;
	if (!m->in)
		return TILE_OUT;
	return w->mode == WALL_BROADCASTS ? TILE_LEFT_OUT : TILE_LOOK;
}

/* --- keys --- */

/* Attached, and whose the keyboard is has not been told yet: keys wait for it. */
static bool undecided(const struct wall_tile *t)
{
	return t->session && session_state(t->session) == SESSION_LIVE && !wall_tile_mine(t) &&
	       !*wall_tile_holder(t) && loop_now_ms() - t->opened_ms < ANSWER_MS;
}

static bool ready(const struct wall *w)
{
	for (unsigned i = 0; i < w->n; i++)
		if (undecided(&w->tiles[i]))
			return false;
	return true;
}

/* One that reads nothing must not hold up the others. */
static void drop_member(struct wall *w, unsigned i)
{
	broadcast_choose(&w->cast, i, false);
	wall_tile_still(&w->tiles[i]);
	broadcast_able(&w->cast, i, false);
	wall_note(w, STYLE_ERROR, "%s does not read what is typed: taken out of the broadcast",
	    w->tiles[i].name);
}

bool wall_type_key(struct wall *w, const struct vt_key *k)
{
	struct wall_tile *t = &w->tiles[w->focus];
	if (!ready(w))
		return false;
	if (w->mode == WALL_TYPES)
		return !t->session || session_key(t->session, k);
	broadcast_key(&w->cast, k, loop_now_ms());
	for (unsigned i = 0; i < w->n; i++)
		if (broadcast_gets(&w->cast, i) && !session_key(w->tiles[i].session, k))
			drop_member(w, i);
	judge_arm(w);
	return true;
}

/* --- pastes --- */

static void paste_into(struct wall *w, unsigned i)
{
	struct console_session *s = w->tiles[i].session;
	struct vt_modes m;
	CLEANUP_FREE uint8_t *bytes = NULL;
	size_t n;
	if (!s)
		return;
	vt_screen_modes(session_screen(s), &m);
	n = vt_keys_paste(&m, w->paste.data, w->paste.len, &bytes);
	if (session_send(s, bytes, n))
		return;
	if (w->mode == WALL_BROADCASTS)
		drop_member(w, i);
	else
		wall_note(w, STYLE_ERROR, "%s has not read yet what was sent before: not pasted",
		    w->tiles[i].name);
}

static void paste_send(struct wall *w)
{
	if (w->mode == WALL_TYPES)
		paste_into(w, w->focus);
	if (w->mode == WALL_BROADCASTS) {
		broadcast_paste(&w->cast, w->paste.data, w->paste.len, loop_now_ms());
		for (unsigned i = 0; i < w->n; i++)
			if (broadcast_gets(&w->cast, i))
				paste_into(w, i);
		judge_arm(w);
	}
	buf_clear(&w->paste);
}

static void paste_answer(void *arg, bool yes)
{
	struct wall *w = arg;
	if (yes)
		paste_send(w);
	buf_clear(&w->paste);
}

static unsigned lines_in(const struct buf *b)
{
	unsigned n = 0;
	for (size_t i = 0; i < b->len; i++)
		n += b->data[i] == '\n' ||
		     (b->data[i] == '\r' && (i + 1 == b->len || b->data[i + 1] != '\n'));
	return n;
}

static void paste_ask(struct wall *w, unsigned lines)
{
	CLEANUP_BUF struct buf words = BUF_INIT;
	CLEANUP_FREE char *start = str_printable(w->paste.data, strcspn(w->paste.data, "\r\n"), 60);
	char question[120];
	if (w->mode == WALL_TYPES)
		snprintf(question, sizeof(question), "Paste %u lines into %.60s?", lines,
		    w->tiles[w->focus].name);
	else
		snprintf(question, sizeof(question), "Paste into %u consoles at once?",
		    broadcast_count(&w->cast));
	buf_addf(
	    &words, "%zu bytes, %u line ends, beginning with: %s\n", w->paste.len, lines, start);
	for (unsigned i = 0; i < w->n && w->mode == WALL_BROADCASTS; i++)
		if (broadcast_gets(&w->cast, i))
			buf_addf(&words, "%s ", w->tiles[i].name);
	view_ask_open(w->v.app, question, words.data, paste_answer, w);
}

void wall_paste_add(struct wall *w, const char *p, size_t n)
{
	if (w->paste.len + n > PASTE_MAX)
		w->paste_long = true;
	else
		buf_add(&w->paste, p, n);
}

void wall_paste_end(struct wall *w)
{
	unsigned lines = lines_in(&w->paste);
	if (w->paste_long) {
		wall_note(w, STYLE_ERROR, "a paste of more than %u MiB: nothing was sent",
		    PASTE_MAX >> 20);
		buf_clear(&w->paste);
	} else if (w->paste.len && (w->mode == WALL_BROADCASTS || lines > PASTE_LINES)) {
		paste_ask(w, lines);
	} else if (w->paste.len) {
		paste_send(w);
	}
	w->paste_long = false;
}
