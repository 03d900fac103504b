#include "cli/raw.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/str.h"
#include "serial/frame.h"

#define READ_MAX (256u << 10)
#define PARTS_MAX 64 /* pieces of output of one read */
#define PIECE 16384u /* of input: one frame */
#define AHEAD_MAX \
	(8u << 20) /* typed or pasted while the guest takes nothing: read on, so that the escape key is seen */

enum { GOES_ON, HUB_CLOSED, DETACHED, FAILED };

struct pump {
	struct raw *r;
	int sock;
	struct err *err;
	bool mine, told;
	char holder[65]; /* somebody else who holds the keyboard */
	/* From the hub: in[start, end) was read and not yet taken apart; the pieces before it are to be written. */
	uint8_t *in;
	size_t start, end;
	size_t payload; /* still to come of a DATA whose beginning is through */
	struct iovec parts[PARTS_MAX];
	int at, n;
	int then;      /* what follows when they are written */
	struct buf up; /* frames for the hub */
};

static bool again(void)
{
	return errno == EAGAIN || errno == EINTR;
}

static void tell(struct pump *p, const char *who, const char *what)
{
	char text[256];
	snprintf(text, sizeof(text), "%s %s", who, what);
	if (p->r->tell)
		p->r->tell(p->r->arg, text);
}

static int fail(struct pump *p, const char *what)
{
	err_errno(p->err, errno, "%s", what);
	return FAILED;
}

/* --- towards the hub --- */

static void put_frame(struct pump *p, const struct frame *f)
{
	uint8_t bytes[FRAME_SMALL_MAX];
	buf_add(&p->up, bytes, frame_encode(f, bytes));
}

static void put_keys(struct pump *p, const char *keys, size_t n)
{
	uint8_t head[FRAME_HEADER];
	if (n == 0)
		return;
	frame_keys_head(head, n);
	buf_add(&p->up, head, sizeof(head));
	buf_add(&p->up, keys, n);
}

static void hello(struct pump *p)
{
	const struct console_place *at = &p->r->place;
	struct frame f = {.type = FRAME_HELLO, .version = FRAME_VERSION, .want = p->r->wishes};
	if (at->run) {
		unsigned drop = FRAME_WANT_NO_REPLAY | FRAME_WANT_TAKE;
		if (!p->r->held) /* nobody is to lose it to one who did not have it */
			drop |= FRAME_WANT_KEYBOARD;
		f.want = (f.want & ~drop) | FRAME_WANT_RESUME;
		f.run = at->run;
		f.from = at->offset;
	}
	console_client_where(f.text, sizeof(f.text));
	put_frame(p, &f);
}

/* The hub reads no more: what it said last is still to be read. */
static void flush(struct pump *p)
{
	ssize_t n = send(p->sock, p->up.data, p->up.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0)
		buf_consume(&p->up, (size_t)n);
	else if (n < 0 && !again())
		buf_clear(&p->up);
}

static int take_input(struct pump *p, const char *keys, size_t n)
{
	const char *stop = p->r->terminal ? memchr(keys, p->r->escape, n) : NULL;
	size_t until = stop ? (size_t)(stop - keys) : n;
	if (until && !(p->r->wishes & FRAME_WANT_READ_ONLY)) {
		if (p->holder[0] && !p->r->terminal) {
			err_set(p->err, ERR_BUSY, "%s holds the keyboard; --force takes it over",
			    p->holder);
			return FAILED;
		}
		/* Nobody's is whose asks for it first. */
		if (!p->mine && !p->holder[0])
			put_frame(p, &(struct frame){.type = FRAME_ASK});
		if (!p->holder[0])
			put_keys(p, keys, until);
	}
	if (stop)
		flush(p);
	return stop ? DETACHED : GOES_ON;
}

static int read_input(struct pump *p)
{
	char keys[PIECE];
	ssize_t n = read(p->r->in, keys, sizeof(keys));
	if (n < 0 && again())
		return GOES_ON;
	if (n > 0)
		return take_input(p, keys, (size_t)n);
	p->r->input_ended = true;
	if (p->mine)
		put_frame(p, &(struct frame){.type = FRAME_RELEASE});
	return GOES_ON;
}

/* --- from the hub --- */

static void on_who(struct pump *p, const struct frame *f)
{
	bool mine = f->flags & FRAME_MINE;
	CLEANUP_FREE char *holder = str_printable(f->text, strlen(f->text), sizeof(p->holder) - 1);
	snprintf(p->holder, sizeof(p->holder), "%s", mine ? "" : holder);
	if (p->holder[0] && (p->mine || !p->told) && !(p->r->wishes & FRAME_WANT_READ_ONLY))
		tell(p, p->holder,
		    p->mine ? "took the keyboard" : "holds the keyboard; --force takes it over");
	p->told = true;
	p->mine = p->r->held = mine;
}

/* A frame that is no guest output. */
static int on_frame(struct pump *p, const struct frame *f)
{
	char size[STR_HUMAN_MAX];
	if (!p->r->welcomed && f->type != FRAME_WELCOME && f->type != FRAME_BYE)
		return HUB_CLOSED;
	switch ((int)f->type) {
	case FRAME_WELCOME:
		p->r->welcomed = true;
		p->r->place.run = f->run;
		p->r->place.offset = f->from;
		break;
	case FRAME_GAP:
		p->r->place.offset = f->to;
		str_human(f->to - f->from, size);
		tell(p, size, "of output was skipped: it was not read fast enough");
		break;
	case FRAME_NOTE:
		if (f->kind == RING_NOTE_RECONNECT)
			tell(p, "its supervisor was replaced:", "output may be missing here");
		break;
	case FRAME_WHO:
		on_who(p, f);
		break;
	case FRAME_ASKED: {
		CLEANUP_FREE char *who = str_printable(f->text, strlen(f->text), 96);
		tell(p, who, "asks for the keyboard");
		break;
	}
	case FRAME_BYE: {
		CLEANUP_FREE char *why = str_printable(f->text, strlen(f->text), FRAME_TEXT_MAX);
		snprintf(p->r->why, sizeof(p->r->why), "%s", why);
		p->r->refused = !p->r->welcomed;
		return HUB_CLOSED;
	}
	default:
		break;
	}
	return GOES_ON;
}

static void put_part(struct pump *p, uint8_t *from, size_t n)
{
	p->parts[p->n++] = (struct iovec){.iov_base = from, .iov_len = n};
	p->r->place.offset += n;
}

/* The start of a DATA: the guest's bytes are passed on as they come, without waiting for its end. Returns its head's length;
 * 0 more is needed; -1 no such frame. */
static long data_begins(struct pump *p, const uint8_t *at, size_t n)
{
	if (n < FRAME_DATA_HEAD)
		return 0;
	uint32_t length = frame_length(at);
	if (length <= FRAME_DATA_HEAD - FRAME_HEADER || length > FRAME_PAYLOAD_MAX ||
	    !p->r->welcomed)
		return -1;
	p->payload = length - (FRAME_DATA_HEAD - FRAME_HEADER);
	return (long)FRAME_DATA_HEAD;
}

/* What was read into pieces of output and what else the hub says, as far as there is room for pieces. */
static void take_apart(struct pump *p)
{
	p->at = p->n = 0;
	while (p->then == GOES_ON && p->start < p->end && p->n < PARTS_MAX) {
		uint8_t *from = p->in + p->start;
		size_t have = p->end - p->start;
		struct frame f;
		long took;
		if (p->payload) {
			size_t piece = have < p->payload ? have : p->payload;
			put_part(p, from, piece);
			p->payload -= piece;
			p->start += piece;
			continue;
		}
		took = *from == FRAME_DATA ? data_begins(p, from, have)
		                           : frame_decode(from, have, &f, p->err);
		if (took == 0)
			break;
		p->start += took > 0 ? (size_t)took : 0;
		if (took < 0) {
			snprintf(p->r->why, sizeof(p->r->why), "it does not speak our protocol");
			p->then = HUB_CLOSED;
		} else if (!p->payload) {
			p->then = on_frame(p, &f);
		}
	}
}

/* Once: a terminal that took a part is asked by poll(2) whether it takes more. */
static int write_output(struct pump *p)
{
	ssize_t n = writev(p->r->out, p->parts + p->at, p->n - p->at);
	if (n < 0)
		return again() ? GOES_ON : fail(p, "cannot write to standard output");
	for (; p->at < p->n && (size_t)n >= p->parts[p->at].iov_len; p->at++)
		n -= (ssize_t)p->parts[p->at].iov_len;
	if (p->at < p->n) {
		p->parts[p->at].iov_base = (uint8_t *)p->parts[p->at].iov_base + n;
		p->parts[p->at].iov_len -= (size_t)n;
	}
	return GOES_ON;
}

static int read_hub(struct pump *p)
{
	ssize_t n = recv(p->sock, p->in + p->end, READ_MAX - p->end, MSG_DONTWAIT);
	if (n < 0 && again())
		return GOES_ON;
	if (n <= 0)
		return HUB_CLOSED;
	p->end += (size_t)n;
	take_apart(p);
	return GOES_ON;
}

/* All pieces are written: the next ones of what was read, or room for more of it. */
static int next_pieces(struct pump *p)
{
	if (p->then != GOES_ON)
		return p->then;
	take_apart(p);
	if (p->n == 0) { /* less than a head is left */
		memmove(p->in, p->in + p->start, p->end - p->start);
		p->end -= p->start;
		p->start = 0;
	}
	return p->n == 0 ? p->then : GOES_ON;
}

static bool may_read_input(const struct pump *p)
{
	size_t room = p->r->terminal ? AHEAD_MAX : PIECE * 4;
	return !p->r->input_ended && p->r->welcomed && p->told && p->up.len < room;
}

static int turn(struct pump *p)
{
	bool writing = p->at < p->n;
	struct pollfd f[] = {
	    {may_read_input(p) ? p->r->in : -1, POLLIN, 0},
	    {p->sock, (short)((writing ? 0 : POLLIN) | (p->up.len ? POLLOUT : 0)), 0},
	    {writing ? p->r->out : -1, POLLOUT, 0},
	};
	int rc = GOES_ON;
	if (poll(f, ARRAY_LEN(f), -1) < 0)
		return errno == EINTR ? GOES_ON : fail(p, "cannot wait for the console");
	/* While output waits for the terminal, a hub that is gone is seen when it has been written. */
	if (f[1].revents & (POLLIN | POLLHUP | POLLERR) && !writing)
		rc = read_hub(p);
	if (rc == GOES_ON && f[0].revents)
		rc = read_input(p);
	if (rc == GOES_ON && p->up.len)
		flush(p);
	if (rc == GOES_ON && p->at < p->n)
		rc = write_output(p);
	return rc == GOES_ON && p->at == p->n ? next_pieces(p) : rc;
}

enum raw_end raw_pump(struct raw *r, int sock, struct err *err)
{
	struct pump p = {.r = r, .sock = sock, .err = err, .in = xmalloc(READ_MAX)};
	int rc;
	snprintf(r->why, sizeof(r->why), "the console was closed: its supervisor is gone");
	r->welcomed = r->refused = false;
	hello(&p);
	flush(&p);
	while ((rc = turn(&p)) == GOES_ON)
		;
	buf_fini(&p.up);
	free(p.in);
	return rc == DETACHED ? RAW_DETACHED : rc == HUB_CLOSED ? RAW_LOST : RAW_FAILED;
}

/* --- the escape key --- */

int raw_escape_parse(const char *word, unsigned char *key, struct err *err)
{
	const char *letter = NULL;
	if (word[0] == '^')
		letter = word + 1;
	else if (strncasecmp(word, "C-", 2) == 0)
		letter = word + 2;
	else if (strncasecmp(word, "Ctrl+", 5) == 0 || strncasecmp(word, "Ctrl-", 5) == 0)
		letter = word + 5;
	int c = letter && letter[0] && !letter[1] ? toupper((unsigned char)letter[0]) : 0;
	if (c < '@' || c > '_')
		return err_set(err, ERR_USAGE,
		    "'%s' is no key that can be the escape key: ^] or C-a are written so", word);
	if (strchr("HIJM[", c))
		return err_set(err, ERR_USAGE,
		    "'%s' is Backspace, Tab, Enter or Escape to a terminal: another key is needed",
		    word);
	*key = (unsigned char)(c & 0x1f);
	return 0;
}

void raw_escape_name(unsigned char key, char out[3])
{
	snprintf(out, 3, "^%c", key | 0x40);
}
