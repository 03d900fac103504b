#include "tui/broadcast.h"

#include <stdio.h>
#include <string.h>

void broadcast_init(struct broadcast *b, unsigned n)
{
	memset(b, 0, sizeof(*b));
	b->n = n < BROADCAST_MAX ? n : BROADCAST_MAX;
	for (unsigned i = 0; i < b->n; i++)
		b->member[i].in = true;
}

void broadcast_name(struct broadcast *b, unsigned i, const char *name)
{
	snprintf(b->member[i].name, sizeof(b->member[i].name), "%s", name);
}

/* --- who gets keys --- */

bool broadcast_gets(const struct broadcast *b, unsigned i)
{
	return i < b->n && b->member[i].in && b->member[i].able;
}

/* One that was left out missed keys: what it says to this burst tells nothing. */
static void set(struct broadcast *b, unsigned i, bool *which, bool on)
{
	if (*which == on)
		return;
	*which = on;
	b->member[i].differs = false;
	b->open = false;
}

void broadcast_choose(struct broadcast *b, unsigned i, bool in)
{
	set(b, i, &b->member[i].in, in);
}

void broadcast_able(struct broadcast *b, unsigned i, bool able)
{
	set(b, i, &b->member[i].able, able);
}

unsigned broadcast_count(const struct broadcast *b)
{
	unsigned n = 0;
	for (unsigned i = 0; i < b->n; i++)
		n += broadcast_gets(b, i);
	return n;
}

unsigned broadcast_differing(const struct broadcast *b)
{
	unsigned n = 0;
	for (unsigned i = 0; i < b->n; i++)
		n += b->member[i].differs;
	return n;
}

/* --- keys --- */

static void burst_begin(struct broadcast *b, uint64_t now)
{
	unsigned printing = 0;
	for (unsigned i = 0; i < b->n; i++) {
		struct broadcast_member *m = &b->member[i];
		m->len = 0;
		m->prompt_at = SIZE_MAX;
		m->ended = false;
		m->state = ECHO_TEXT;
		if (broadcast_gets(b, i) && m->heard_ms && now - m->heard_ms < BROADCAST_SETTLE_MS)
			printing++;
	}
	b->open = true;
	b->judged = b->entered = b->again = false;
	b->typed = 0;
	b->blind = printing * 2 > broadcast_count(b);
}

static void burst_key(struct broadcast *b, uint64_t now)
{
	/* Behind a line end nothing is an echo of what was typed before it. */
	if (!b->open || b->judged || b->entered)
		burst_begin(b, now);
	b->key_ms = b->active_ms = now;
}

static bool ends_line(const struct vt_key *k)
{
	return k->sym == VT_KEY_ENTER || k->sym == VT_KEY_KP_ENTER ||
	       (k->sym == VT_KEY_CHAR && (k->mods & VT_MOD_CTRL) && (k->cp == 'm' || k->cp == 'j'));
}

static size_t utf8_length(uint32_t cp)
{
	return cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
}

void broadcast_key(struct broadcast *b, const struct vt_key *k, uint64_t now_ms)
{
	burst_key(b, now_ms);
	if (ends_line(k))
		b->entered = true;
	else if (k->sym == VT_KEY_CHAR && k->cp > ' ' && !(k->mods & ~(unsigned)VT_MOD_SHIFT))
		b->typed += utf8_length(k->cp);
}

void broadcast_paste(struct broadcast *b, const char *p, size_t n, uint64_t now_ms)
{
	burst_key(b, now_ms);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		if (c == '\r' || c == '\n')
			b->entered = true;
		else if (c > ' ' && c != 0x7f && !b->entered)
			b->typed++;
	}
}

/* --- echoes --- */

/* A shell that redraws its line repeats the prompt, which has the host's name in it. */
static void leave_out_name(struct broadcast_member *m)
{
	size_t n = strlen(m->name);
	if (m->prompt_at == SIZE_MAX || n == 0 || m->len - m->prompt_at < n ||
	    memcmp(m->text + m->len - n, m->name, n) != 0)
		return;
	m->len -= n;
	m->prompt_at = SIZE_MAX;
}

static void text_byte(struct broadcast_member *m, unsigned char c)
{
	if (c == '\n') {
		m->ended = true;
	} else if (c == '\r') {
		m->prompt_at = m->len;
	} else if (c > ' ' && c != 0x7f && m->len < sizeof(m->text)) {
		m->text[m->len++] = (char)c;
		leave_out_name(m);
	}
}

static void echo_byte(struct broadcast_member *m, unsigned char c)
{
	switch (m->state) {
	case ECHO_TEXT:
		if (c == 0x1b)
			m->state = ECHO_ESCAPE;
		else
			text_byte(m, c);
		break;
	case ECHO_ESCAPE:
		if (c == '[')
			m->state = ECHO_CSI;
		else if (c == ']' || c == 'P' || c == 'X' || c == '^' || c == '_')
			m->state = ECHO_STRING;
		else if (c < 0x20 || c > 0x2f)
			m->state = ECHO_TEXT;
		break;
	case ECHO_CSI:
		if (c == 'H') /* as Ctrl+L: to the corner, and the prompt */
			m->prompt_at = m->len;
		if (c >= 0x40 && c <= 0x7e)
			m->state = ECHO_TEXT;
		break;
	case ECHO_STRING:
		if (c == '\a')
			m->state = ECHO_TEXT;
		else if (c == 0x1b)
			m->state = ECHO_ESCAPE;
		break;
	}
}

void broadcast_echo(struct broadcast *b, unsigned i, const uint8_t *p, size_t n, uint64_t now_ms)
{
	struct broadcast_member *m = &b->member[i];
	if (i >= b->n || !n)
		return;
	m->heard_ms = now_ms;
	if (!b->open || !broadcast_gets(b, i) || m->ended ||
	    (b->judged && (b->blind || !m->differs)))
		return;
	for (size_t k = 0; k < n && !m->ended; k++)
		echo_byte(m, p[k]);
	b->again = b->judged;
	b->active_ms = now_ms;
}

/* --- judging --- */

/* What of the echo counts: behind Enter come the command's own words. */
static size_t counted(const struct broadcast *b, const struct broadcast_member *m)
{
	return b->entered && m->len > b->typed ? b->typed : m->len;
}

/* A line end inside a long echo is a shell that wraps where its own prompt makes it: the start decides. */
static bool alike(const struct broadcast *b, unsigned i, unsigned k)
{
	const struct broadcast_member *x = &b->member[i], *y = &b->member[k];
	size_t nx = counted(b, x), ny = counted(b, y), n = nx < ny ? nx : ny;
	if (memcmp(x->text, y->text, n) != 0)
		return false;
	return nx == ny || (n && (nx < ny ? x->ended : y->ended));
}

/* The one that most are like; b->n when as many are like another. */
static unsigned most_alike(const struct broadcast *b)
{
	unsigned best = b->n, best_count = 0;
	bool tie = false;
	for (unsigned i = 0; i < b->n; i++) {
		unsigned count = 0;
		if (!broadcast_gets(b, i))
			continue;
		for (unsigned k = 0; k < b->n; k++)
			count += broadcast_gets(b, k) && alike(b, i, k);
		if (count > best_count) {
			best = i;
			best_count = count;
			tie = false;
		} else if (count == best_count && !alike(b, i, best)) {
			tie = true;
		}
	}
	return tie ? b->n : best;
}

/* All that was typed before Enter has been echoed by everybody: there is nothing to wait for. */
static bool complete(const struct broadcast *b)
{
	if (!b->entered || b->again)
		return false;
	for (unsigned i = 0; i < b->n; i++)
		if (broadcast_gets(b, i) && b->member[i].len < b->typed)
			return false;
	return true;
}

int broadcast_wait(const struct broadcast *b, uint64_t now_ms)
{
	uint64_t due = b->active_ms + BROADCAST_SETTLE_MS, late = b->key_ms + BROADCAST_LATE_MS;
	if (!b->open || (b->judged && !b->again) || broadcast_count(b) < 2)
		return -1;
	if (!b->again && due > late)
		due = late;
	return complete(b) || due <= now_ms ? 0 : (int)(due - now_ms);
}

bool broadcast_judge(struct broadcast *b, uint64_t now_ms)
{
	bool changed = false, told = b->typed > 0 || !b->entered;
	unsigned best;
	if (broadcast_wait(b, now_ms) != 0)
		return false;
	if (b->blind) {
		b->judged = true;
		return false;
	}
	best = most_alike(b);
	for (unsigned i = 0; i < b->n && told; i++) {
		struct broadcast_member *m = &b->member[i];
		bool differs = broadcast_gets(b, i) && (best == b->n || !alike(b, i, best));
		/* Silence of all, as at a password, does not make up for a difference; and once it is judged, only one that
		 * was late is looked at. */
		if ((m->differs && !differs && best < b->n && !counted(b, &b->member[best])) ||
		    (b->judged && !m->differs))
			continue;
		changed |= m->differs != differs;
		m->differs = differs;
	}
	b->judged = true;
	b->again = false;
	return changed;
}
