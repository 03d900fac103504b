#include "unit/cm.h"

#include "tui/tty_pace.h"

/* --- a line: bytes leave it at its rate, and what was asked is answered when the question has left it --- */

struct line {
	struct tty_pace pace;
	uint64_t ms, queue, rate,
	    trip; /* queue: bytes before the terminal; rate: a second; trip: ms there and back */
	uint64_t credit, most;
	struct {
		uint64_t left, due;
		bool gone;
	} asked[64];
	unsigned n;
	bool deaf;
};

static void tick(struct line *l)
{
	l->ms++;
	l->credit += l->rate;
	uint64_t out = l->credit / 1000 < l->queue ? l->credit / 1000 : l->queue;
	l->credit = l->queue > out ? l->credit % 1000 : 0;
	l->queue -= out;
	for (unsigned i = 0; i < l->n; i++) {
		uint64_t left = l->asked[i].left;
		l->asked[i].left = left > out ? left - out : 0;
		if (l->asked[i].left == 0 && !l->asked[i].gone) {
			l->asked[i].gone = true;
			l->asked[i].due = l->ms + l->trip;
		}
	}
	while (l->n > 0 && l->asked[0].gone && l->asked[0].due <= l->ms) {
		l->n--;
		memmove(l->asked, l->asked + 1, l->n * sizeof(l->asked[0]));
		tty_pace_answered(&l->pace, l->ms);
	}
	tty_pace_look(&l->pace, l->ms);
}

/* As much as the pace allows of a flood, for so long. Bytes that were sent. */
static uint64_t flood(struct line *l, uint64_t ms)
{
	uint64_t sent = 0;
	l->most = 0;
	for (uint64_t end = l->ms + ms; l->ms < end; tick(l)) {
		size_t n = tty_pace_room(&l->pace);
		n = n < 2000 ? n : 2000;
		if (n == 0)
			continue;
		tty_pace_sent(&l->pace, n);
		l->queue += n;
		sent += n;
		l->most = l->queue > l->most ? l->queue : l->most;
		if (!tty_pace_due(&l->pace, true))
			continue;
		tty_pace_asked(&l->pace, l->ms, true);
		if (!l->deaf) {
			l->asked[l->n].left = l->queue;
			l->asked[l->n++].gone = false;
		}
	}
	return sent;
}

static struct line line_new(uint64_t rate, uint64_t trip)
{
	struct line l = {.rate = rate, .trip = trip};
	tty_pace_init(&l.pace, true);
	tty_pace_asked(&l.pace, 0, false); /* as a terminal is opened */
	l.asked[l.n++].left = 4;
	l.queue = 4;
	return l;
}

static void slow_lines(void **state)
{
	(void)state;
	static const uint64_t rates[] = {960, 5600, 50000}, trips[] = {0, 40, 300};
	for (size_t i = 0; i < ARRAY_LEN(rates); i++)
		for (size_t k = 0; k < ARRAY_LEN(trips); k++) {
			struct line l = line_new(rates[i], trips[k]);
			flood(&l, 60000);
			uint64_t sent = flood(&l, 20000);
			/* It is used, and nobody waits long. */
			if (sent < rates[i] * 20 * 4 / 10)
				fail_msg("%d B/s, %d ms: only %d bytes in 20 s", (int)rates[i],
				    (int)trips[k], (int)sent);
			if (l.most * 1000 / rates[i] > 500)
				fail_msg("%d B/s, %d ms: %d bytes before a key", (int)rates[i],
				    (int)trips[k], (int)l.most);
		}
}

static void fast_lines(void **state)
{
	(void)state;
	struct line near = line_new(100000000, 0), far = line_new(100000000, 200);
	flood(&near, 1000);
	assert_true(flood(&near, 1000) > 1000000);
	flood(&far, 5000);
	assert_true(flood(&far, 1000) > 150000);
}

static void silence(void **state)
{
	(void)state;
	struct line l = line_new(1000000, 10);
	l.deaf = true;
	l.n = 0; /* nobody ever answers: after two seconds nothing is held back */
	flood(&l, 2100);
	assert_true(l.pace.off);
	assert_int_equal(tty_pace_room(&l.pace), SIZE_MAX);
	assert_false(tty_pace_due(&l.pace, true));
	/* One that answered, and then stops: a few times it is waited for. */
	struct line s = line_new(1000000, 10);
	flood(&s, 1000);
	assert_false(s.pace.off);
	s.deaf = true;
	flood(&s, 9000);
	assert_false(s.pace.off);
	flood(&s, 60000);
	assert_true(s.pace.off);
	tty_pace_answered(&s.pace, s.ms); /* too late, of none that is open */
	assert_true(s.pace.off);
	struct tty_pace never;
	tty_pace_init(&never, false);
	assert_int_equal(tty_pace_room(&never), SIZE_MAX);
	assert_false(tty_pace_due(&never, true));
}

static void cuts(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t want, cut;
	} c[] = {
	    {"abcdef", 3, 3},
	    {"abcdef", 6, 6},
	    {"abcdef", 0, 0},
	    {"ab\033[31mcd", 4, 2}, /* not inside a sequence */
	    {"\033[31mcd", 2, 5},   /* nothing before it: behind it */
	    {"\033[31;1m", 2, 7},
	    {"ab\033(0qq", 4, 2},
	    {"ab\033]52;c;eA==\ax", 5, 2},
	    {"ab\033]52;c;eA==\033\\x", 5, 2},
	    {"a-\033[78bcd", 2, 1}, /* a repetition belongs to its character */
	    {"a\xc3\xbc"
	     "bc",
	        2, 0 + 3}, /* 'a' cannot be parted from what may lie on it */
	    {"xa\xcc\x81y", 3, 1},
	    {"\xe6\xbc\xa2\xe6\xbc\xa2", 1, 6},
	};
	for (size_t i = 0; i < ARRAY_LEN(c); i++) {
		size_t cut = tty_pace_cut(c[i].text, strlen(c[i].text), c[i].want);
		if (cut != c[i].cut)
			fail_msg("%zu: cut at %zu, not at %zu", i, cut, c[i].cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(slow_lines),
	    cmocka_unit_test(fast_lines),
	    cmocka_unit_test(silence),
	    cmocka_unit_test(cuts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
