#include "tui/console_search.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/loop.h"
#include "core/pattern.h"
#include "core/str.h"

#define LINES_A_LOOK 64 /* between looks at the clock */

/* --- the expression --- */

static bool has_capital(const char *p)
{
	for (; *p; p++) {
		if (*p == '\\' && p[1])
			p++; /* \W is no capital */
		else if (isupper((unsigned char)*p))
			return true;
	}
	return false;
}

int console_search_set(struct console_search *s, const char *pattern, struct err *err)
{
	regex_t re;
	size_t n = strlen(pattern);
	if (n > SEARCH_PATTERN_MAX)
		return err_set(err, ERR_INVALID,
		    "an expression of more than %u bytes is not supported", SEARCH_PATTERN_MAX);
	if (pattern_check_cost(pattern, err) < 0 ||
	    pattern_regcomp(
	        &re, pattern, REG_EXTENDED | (has_capital(pattern) ? 0 : REG_ICASE), err) < 0)
		return -1;
	if (s->set)
		regfree(&s->re);
	s->re = re;
	s->set = true;
	snprintf(s->pattern, sizeof(s->pattern), "%s", pattern);
	s->state = SEARCH_NONE;
	s->counting = s->counted = false;
	return 0;
}

void console_search_fini(struct console_search *s)
{
	if (s->set)
		regfree(&s->re);
	vt_text_fini(&s->text);
	memset(s, 0, sizeof(*s));
}

/* --- one line --- */

/* Not in the middle of a character. */
static size_t aligned(const struct vt_text *t, size_t at)
{
	while (at < t->len && ((unsigned char)t->text[at] & 0xc0) == 0x80)
		at++;
	return at < t->len ? at : t->len;
}

/* The first match that begins at `from` or behind it and is not empty. */
static bool find_in(const struct console_search *s, size_t from, size_t *so, size_t *eo)
{
	const struct vt_text *t = &s->text;
	while (from < t->len) {
		size_t turn = aligned(t, from + SEARCH_WINDOW);
		size_t end = aligned(t, from + SEARCH_WINDOW + SEARCH_MATCH_MAX);
		regmatch_t m = {.rm_so = (regoff_t)from, .rm_eo = (regoff_t)end};
		int flags =
		    REG_STARTEND | (from ? REG_NOTBOL : 0) | (end < t->len ? REG_NOTEOL : 0);
		bool hit = regexec(&s->re, t->text, 1, &m, flags) == 0;
		if (hit && m.rm_eo == m.rm_so) { /* "x*" */
			from = aligned(t, (size_t)m.rm_so + 1);
			continue;
		}
		if (hit && ((size_t)m.rm_so < turn || end == t->len)) {
			*so = (size_t)m.rm_so;
			*eo = (size_t)m.rm_eo;
			return true;
		}
		if (end == t->len)
			return false;
		from = turn;
	}
	return false;
}

/* The byte where a cell's character begins; the text's length behind its last one. */
static size_t byte_of(const struct vt_text *t, uint32_t cell)
{
	size_t lo = 0, hi = t->len;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (t->cell[mid] < cell)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static uint32_t end_cell(const struct vt_text *t, size_t eo)
{
	uint32_t last = t->cell[eo - 1];
	return eo < t->len ? (t->cell[eo] > last ? t->cell[eo] : last + 1) : t->cell[t->len];
}

unsigned console_search_spans(struct console_search *s, const struct vt_screen *screen,
    uint64_t line, unsigned *from, unsigned *to, unsigned max)
{
	struct vt_place first;
	size_t at, so, eo, stop;
	unsigned n = 0, cols = vt_screen_cols(screen);
	if (!s->set || !vt_screen_place(screen, line, 0, &first) ||
	    !vt_screen_line_text(screen, line, &s->text))
		return 0;
	at = byte_of(&s->text, first.cell);
	stop = byte_of(&s->text, first.cell + cols);
	/* One that begins in the row above may reach into this one. */
	at = at > SEARCH_MATCH_MAX ? aligned(&s->text, at - SEARCH_MATCH_MAX) : 0;
	while (n < max && find_in(s, at, &so, &eo) && so < stop) {
		uint32_t a = s->text.cell[so], b = end_cell(&s->text, eo);
		at = eo;
		if (b <= first.cell)
			continue;
		from[n] = a > first.cell ? a - first.cell : 0;
		to[n] = b - first.cell < cols ? b - first.cell : cols;
		n++;
	}
	return n;
}

/* --- looking for the next --- */

void console_search_start(
    struct console_search *s, const struct vt_screen *screen, struct vt_place from, bool backward)
{
	(void)screen;
	s->state = SEARCH_RUNNING;
	s->backward = backward;
	s->wrapped = false;
	s->start = s->at = from;
}

static void found(struct console_search *s, struct vt_place line, size_t so, size_t eo)
{
	s->state = SEARCH_FOUND;
	s->match.from.logical = line.logical;
	s->match.from.cell = s->text.cell[so];
	s->match.end = end_cell(&s->text, eo);
}

/* In the line whose text was fetched: the first match behind `min` (the last before `max`) that is one. */
static bool look_in_line(struct console_search *s, struct vt_place line, int64_t min, int64_t max)
{
	size_t at = min < 0 ? 0 : byte_of(&s->text, (uint32_t)min + 1), so, eo, bso = 0, beo = 0;
	while (find_in(s, at, &so, &eo) && (int64_t)s->text.cell[so] < max) {
		bso = so;
		beo = eo;
		at = eo;
		if (!s->backward)
			break;
	}
	if (beo)
		found(s, line, bso, beo);
	return beo != 0;
}

/* One line of the walk, and on to the next; false: the walk is over. */
static bool walk(struct console_search *s, const struct vt_screen *screen)
{
	uint64_t line, first = vt_screen_first_line(screen), last = vt_screen_last_line(screen),
	               next;
	unsigned col;
	bool start = !s->wrapped && s->at.logical == s->start.logical;
	bool again = s->wrapped && s->at.logical == s->start.logical;
	if (!vt_screen_find_place(
	        screen, &(struct vt_place){.logical = s->at.logical}, &line, &col) ||
	    !vt_screen_line_text(screen, line, &s->text)) {
		line = s->backward ? last : first; /* it fell out of the scrollback meanwhile */
		if (!vt_screen_place(screen, line, 0, &s->at) || s->wrapped)
			return false;
		s->wrapped = true;
		return true;
	}
	if (look_in_line(s, s->at, start && !s->backward ? (int64_t)s->start.cell : -1,
	        start && s->backward ? (int64_t)s->start.cell : INT64_MAX))
		return false;
	if (again)
		return false;
	next = s->backward ? s->text.info.first - 1 : s->text.info.first + s->text.info.lines;
	if (s->backward ? s->text.info.first <= first : next > last) {
		if (s->wrapped)
			return false;
		s->wrapped = true;
		next = s->backward ? last : first;
	}
	return vt_screen_place(screen, next, 0, &s->at);
}

/* --- counting --- */

void console_search_count(struct console_search *s, const struct vt_screen *screen)
{
	s->total = s->before = 0;
	s->counted = false;
	s->stamp = vt_screen_stamp(screen);
	s->counting =
	    s->set && vt_screen_place(screen, vt_screen_first_line(screen), 0, &s->count_at);
}

/* True: there is a next line. */
static bool count_line(struct console_search *s, const struct vt_screen *screen)
{
	const struct search_match *m = &s->match;
	uint64_t line, next;
	unsigned col;
	size_t so, eo;
	if (!vt_screen_find_place(
	        screen, &(struct vt_place){.logical = s->count_at.logical}, &line, &col) ||
	    !vt_screen_line_text(screen, line, &s->text)) {
		s->counting = false; /* it fell out of the scrollback: there is no true count */
		return true;
	}
	for (size_t at = 0; find_in(s, at, &so, &eo); at = eo) {
		s->total++;
		if (s->state == SEARCH_FOUND && (s->count_at.logical < m->from.logical ||
		                                    (s->count_at.logical == m->from.logical &&
		                                        s->text.cell[so] < m->from.cell)))
			s->before++;
	}
	next = s->text.info.first + s->text.info.lines;
	return next <= vt_screen_last_line(screen) &&
	       vt_screen_place(screen, next, 0, &s->count_at);
}

bool console_search_step(
    struct console_search *s, const struct vt_screen *screen, uint64_t until_ms)
{
	for (unsigned n = 1; s->state == SEARCH_RUNNING; n++) {
		if (!walk(s, screen)) {
			if (s->state == SEARCH_RUNNING)
				s->state = SEARCH_NOTHING;
			break;
		}
		if (n % LINES_A_LOOK == 0 && loop_now_ms() >= until_ms)
			return true;
	}
	for (unsigned n = 1; s->counting; n++) {
		if (!count_line(s, screen)) {
			s->counting = false;
			s->counted = true;
		} else if (n % LINES_A_LOOK == 0 && loop_now_ms() >= until_ms) {
			return true;
		}
	}
	return false;
}
