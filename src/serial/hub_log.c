/* hub_log: what the ring has goes to the log, with its notes; and what is said when the disk does not take it. */
#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "serial/hub_impl.h"

/* Hands the log what is noted up to `from`, the next byte that it gets. Returns where the next note is. */
static uint64_t notes_hand(struct hub *b, uint64_t from)
{
	struct ring_note_cursor next = b->log_notes;
	struct ring_note n;

	while (ring_note_next(b->ring, &next, &n)) {
		if (n.offset > from)
			return n.offset;
		conlog_note(b->log, &n);
		b->log_notes = next;
		ring_set_notes_logged(b->ring, &next);
	}
	return UINT64_MAX;
}

/* Bytes that the ring has lost before the log had them. */
static uint64_t lost_now(const struct hub *b)
{
	uint64_t next = conlog_next(b->log), start = ring_start(b->ring);

	return start > next ? start - next : 0;
}

static uint64_t missing_now(const struct hub *b)
{
	return ring_missing(b->ring) + lost_now(b);
}

/* A disk that is nearly full goes up and down for hours: what is said of it is said now and then. */
static void trouble_tell(struct hub *b)
{
	const char *why = conlog_trouble(b->log);
	uint64_t now = loop_now_ms(), missing = missing_now(b);

	struct hub_log_trouble t = {.index = b->index, .over = !why, .why = b->log_why};

	if ((why != NULL) == b->log_trouble)
		return;
	if (why && b->log_told_ms && now - b->log_told_ms < HUB_TROUBLE_MS)
		return;
	b->log_trouble = why != NULL;
	if (why) {
		b->log_told_ms = now;
		b->log_missed = missing;
		snprintf(b->log_why, sizeof(b->log_why), "%s", why);
		log_warn("the log of %s stands still: %s; it goes on when that is mended", b->label,
		    why);
	} else {
		log_info("the log of %s goes on; %llu bytes are missing in it", b->label,
		    (unsigned long long)(missing - b->log_missed));
	}
	t.missing = missing - b->log_missed;
	t.seconds = (now - b->log_told_ms) / 1000;
	if (b->ops.log_trouble && !b->dead)
		b->ops.log_trouble(b->arg, &t);
}

void hub_log_flush(struct hub *b)
{
	for (;;) {
		uint64_t next = conlog_next(b->log), from = next + lost_now(b), note, lost;
		size_t most = RING_SIZE_DEFAULT, taken;
		struct iovec iov[2];
		int parts;

		note = notes_hand(b, from);
		if (from >= ring_end(b->ring))
			break;
		if (note - from < most)
			most = (size_t)(note - from);
		parts = ring_peek(b->ring, from, most, iov);
		taken = conlog_write(b->log, from, iov, parts);
		lost = conlog_next(b->log) - next - taken;
		if (lost > 0) /* it has marked the hole */
			ring_set_missing(b->ring, ring_missing(b->ring) + lost);
		if (taken == 0)
			break;
		ring_set_logged(b->ring, conlog_next(b->log));
	}
	trouble_tell(b);
}

void hub_log_facts(const struct hub *b, struct hub_facts *f)
{
	const char *why = conlog_trouble(b->log);

	f->log_missing = missing_now(b);
	snprintf(f->log_trouble, sizeof(f->log_trouble), "%s", why ? why : "");
}
