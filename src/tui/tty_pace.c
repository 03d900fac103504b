#include "tui/tty_pace.h"

#include <string.h>

#define FIRST_WINDOW 6144u  /* before the first answer: about a screen */
#define ASK_EVERY 256u      /* bytes, when nothing waits */
#define LATE_MS 200u        /* more than the nearest answer: there is a queue */
#define EARLY_MS 100u       /* less than that more: there is none */
#define QUEUE_MS 150u       /* what a queue is cut down to */
#define FIRST_WAIT_MS 2000u /* for the first answer */
#define WAIT_MS 10000u      /* for any other: the first screen on a line of 9600 baud */
#define SILENT_MAX 3u

void tty_pace_init(struct tty_pace *p, bool ask)
{
	memset(p, 0, sizeof(*p));
	p->off = !ask;
	p->window = FIRST_WINDOW;
}

size_t tty_pace_room(const struct tty_pace *p)
{
	uint64_t ahead = p->sent - p->known;
	if (p->off || p->n_marks == 0)
		return p->off ? SIZE_MAX : (size_t)p->window;
	return ahead < p->window ? (size_t)(p->window - ahead) : 0;
}

void tty_pace_sent(struct tty_pace *p, size_t n)
{
	p->sent += n;
}

bool tty_pace_due(const struct tty_pace *p, bool more)
{
	uint64_t last = p->n_marks > 0 ? p->mark[p->n_marks - 1].at : p->known;
	if (p->off || p->n_marks == TTY_PACE_MARKS)
		return false;
	return p->sent - last >= ASK_EVERY || (more && p->sent > last) ||
	       (!p->answered && !p->n_marks);
}

void tty_pace_asked(struct tty_pace *p, uint64_t now_ms, bool more)
{
	unsigned i = p->n_marks++;
	p->mark[i].at = p->sent;
	p->mark[i].ahead = p->sent - p->known;
	p->mark[i].ms = now_ms;
	p->mark[i].full = more;
}

static void forget_mark(struct tty_pace *p)
{
	p->n_marks--;
	memmove(p->mark, p->mark + 1, p->n_marks * sizeof(p->mark[0]));
}

/* What an answer takes when nothing is on its way: the quickest one. A queue of our own must not pass for the way there,
 * so it grows only while there cannot be one. */
static void learn_base(struct tty_pace *p, uint64_t took, uint64_t ahead)
{
	if (!p->answered || took < p->base_ms)
		p->base_ms = took;
	else if (p->window == TTY_PACE_WINDOW_MIN && ahead <= 2 * TTY_PACE_WINDOW_MIN)
		p->base_ms += (took - p->base_ms) / 4;
}

static void set_window(struct tty_pace *p, uint64_t window)
{
	p->window = window < TTY_PACE_WINDOW_MIN   ? TTY_PACE_WINDOW_MIN
	            : window > TTY_PACE_WINDOW_MAX ? TTY_PACE_WINDOW_MAX
	                                           : window;
	p->changed_at = p->sent + 1;
}

void tty_pace_answered(struct tty_pace *p, uint64_t now_ms)
{
	if (p->n_marks == 0)
		return; /* one that we had given up */
	uint64_t took = now_ms - p->mark[0].ms, ahead = p->mark[0].ahead, at = p->mark[0].at;
	bool full = p->mark[0].full;
	p->known = at > p->known ? at : p->known;
	forget_mark(p);
	learn_base(p, took, ahead);
	p->answered = true;
	p->off = false;
	p->silent = 0;
	if (at < p->changed_at)
		return; /* it tells of the window before */
	if (took > p->base_ms + LATE_MS)
		set_window(
		    p, (ahead < p->window ? ahead : p->window) * (p->base_ms + QUEUE_MS) / took);
	else if (took <= p->base_ms + EARLY_MS && full)
		set_window(p, p->window + p->window / 2);
}

int tty_pace_look(struct tty_pace *p, uint64_t now_ms)
{
	uint64_t wait = p->answered ? WAIT_MS : FIRST_WAIT_MS;
	while (p->n_marks > 0 && now_ms - p->mark[0].ms >= wait) {
		p->known = p->mark[0].at > p->known ? p->mark[0].at : p->known;
		forget_mark(p);
		p->window = TTY_PACE_WINDOW_MIN;
		if (++p->silent >= (p->answered ? SILENT_MAX : 1))
			p->off = true;
	}
	return p->n_marks > 0 ? (int)(p->mark[0].ms + wait - now_ms) : -1;
}

/* --- where a question may stand --- */

/* The length of what begins at p: a sequence, or a character. */
static size_t token(const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;
	size_t i = 2;
	if (u[0] >= 0xc0)
		i = u[0] >= 0xf0 ? 4 : u[0] >= 0xe0 ? 3 : 2;
	else if (u[0] != 0x1b || n < 2)
		i = 1;
	else if (u[1] == '[')
		while (i < n && (u[i] < 0x40 || u[i] > 0x7e))
			i++;
	else if (u[1] == ']')
		while (i < n && u[i] != '\a' && !(u[i] == '\\' && u[i - 1] == 0x1b))
			i++;
	else if (u[1] >= 0x20 && u[1] <= 0x2f)
		while (i < n && u[i] >= 0x20 && u[i] <= 0x2f)
			i++;
	else
		return 2;
	i += u[0] == 0x1b && i < n; /* the final byte */
	return i < n ? i : n;
}

size_t tty_pace_cut(const char *p, size_t n, size_t want)
{
	size_t last = 0;
	if (n <= want || want == 0)
		return n <= want ? n : 0;
	for (size_t i = 0, len; i < n; i += len) {
		len = token(p + i, n - i);
		/* REP draws the character before it again; what is not ASCII may be drawn over the one before it. */
		bool repeats =
		    p[i] == '\033' && len > 2 && p[i + 1] == '[' && p[i + len - 1] == 'b';
		if (((unsigned char)p[i] & 0x80) || repeats)
			continue;
		if (i > want)
			return last > 0 ? last : i;
		last = i;
	}
	return last > 0 ? last : n;
}
