/* hub_log: what the ring has goes to the log, with its notes, piece by piece; and what is said when the disk does not
 * take it. */
#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "serial/hub_impl.h"

/* Bytes that the ring has lost before the log had them, in this run. */
static uint64_t missing_now(const struct hub *b)
{
	uint64_t given = conlog_writer_given(b->log), start = ring_start(b->ring);

	return ring_missing(b->ring) + conlog_writer_hole(b->log) +
	       (start > given ? start - given : 0);
}

/* A disk that is nearly full goes up and down for hours: what is said of it is said now and then. */
static void trouble_tell(struct hub *b)
{
	const char *why = conlog_writer_trouble(b->log);
	uint64_t now = loop_now_ms(), missing = missing_now(b);

	struct hub_log_trouble t = {.index = b->index, .over = !why, .why = b->log_why};

	if ((why != NULL) == b->log_trouble)
		return;
	if (why && b->log_told_ms && now - b->log_told_ms < HUB_TROUBLE_MS)
		return;
	b->log_trouble = why != NULL;
	if (why) {
		b->log_told_ms = now;
		/* What is lost and not marked yet is of this time. */
		b->log_missed = ring_missing(b->ring);
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

/* The next piece, where there is one. */
static void log_go(struct hub *b)
{
	uint64_t next = conlog_writer_next(b->log), start = ring_start(b->ring);

	conlog_writer_give(
	    b->log, b->ring, start > next ? start : next, b->log_goal, &b->log_notes);
}

void hub_log_flush(struct hub *b)
{
	b->log_goal = ring_end(b->ring);
	log_go(b);
	trouble_tell(b);
}

void hub_log_written(void *arg, const struct conlog_written *done)
{
	struct hub *b = arg;
	bool news = done->lost > 0 || b->log_trouble;

	hub_enter(b);
	if (done->lost > 0) /* it has marked the hole */
		ring_set_missing(b->ring, ring_missing(b->ring) + done->lost);
	if (done->any_notes) {
		b->log_notes = done->notes;
		ring_set_notes_logged(b->ring, &b->log_notes);
	}
	ring_set_logged(b->ring, conlog_writer_next(b->log));
	log_go(b);
	trouble_tell(b);
	if (news || b->log_trouble || conlog_writer_trouble(b->log))
		hub_changed(b);
	hub_release(b);
	hub_leave(b);
}

void hub_log_finish(struct hub *b)
{
	hub_log_flush(b);
	while (conlog_writer_wait(b->log))
		;
}

bool hub_log_behind(const struct hub *b)
{
	return conlog_writer_busy(b->log) && !conlog_writer_trouble(b->log) &&
	       ring_end(b->ring) - conlog_writer_next(b->log) >= HUB_LOG_HOLD &&
	       conlog_writer_age(b->log) < HUB_HOLD_MS;
}

void hub_log_facts(const struct hub *b, struct hub_facts *f)
{
	const char *why = conlog_writer_trouble(b->log);

	f->log_missing = missing_now(b);
	snprintf(f->log_trouble, sizeof(f->log_trouble), "%s", why ? why : "");
}
