/* hub: one console of one VM inside its supervisor: drains the guest's serial socket from power-on
 * into ring and log, serves consoleN.sock (frames, serial/frame.h) and consoleN.raw (plain bytes),
 * each client a cursor into the ring. A slow client skips with a marked gap and holds nobody back;
 * the guest is never kept waiting, but for a log that is about to catch up (HUB_HOLD_MS at a time).
 * Owner: the supervisor. */
#ifndef SERIAL_HUB_H
#define SERIAL_HUB_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/home.h"
#include "core/loop.h"
#include "serial/ring.h"

#define HUB_CLIENTS_MAX 64
#define HUB_COALESCE_US \
	2000 /* QEMU hands serial bytes over 1-3 at a time: clients get them in one frame */

struct hub;

struct hub_facts { /* for the status page */
	uint64_t bytes, last_ns;
	uint32_t clients, rows, cols;
	char holder[64];
	char line[160];       /* last non-empty line, printable UTF-8 */
	uint64_t log_missing; /* bytes that the log could not take in this run */
	char log_trouble[64]; /* why it stands still, "" it does not */
};

struct hub_log_trouble {
	unsigned index;   /* of the console */
	bool over;        /* it goes on */
	const char *why;  /* "No space left on device" */
	uint64_t missing; /* bytes lost meanwhile */
	uint64_t seconds; /* that it has stood still */
};

struct hub_ops {
	/* Facts changed (at most every 50 ms). */
	void (*changed)(void *arg);
	/* Somebody attached, left, took the keyboard, typed so much: a record for the audit log. */
	void (*audit)(void *arg, const char *what);
	/* The log stands still, or goes on after it has. Not to free the hub in. */
	void (*log_trouble)(void *arg, const struct hub_log_trouble *t);
	/* The guest's side was closed: hub_attach_guest makes it good. */
	void (*lost)(void *arg);
};

/* Makes ring, log and listening sockets. keep: adoption, the ring's content stays. */
struct hub *hub_new(struct loop *l, const struct home *h, const char *name, unsigned index,
    bool keep, const struct hub_ops *ops, void *arg, struct err *err);
/* The guest's side: a connected stream socket, taken. Called again after a reconnect. */
void hub_attach_guest(struct hub *b, int fd);
bool hub_guest_attached(const struct hub *b);
/* The guest was started or reset, or ended: noted behind what its socket holds by now. hub_attach_guest notes a
 * RECONNECT by itself, unless the guest was started since the last one. */
void hub_note(struct hub *b, enum ring_note_kind kind, uint32_t value);
/* Reads what the guest's socket still holds, without waiting: before the end is recorded. */
void hub_drain(struct hub *b);
void hub_facts(const struct hub *b, struct hub_facts *f);
/* The last n lines of output, printable, '\n' between; on the heap. For crash records. */
char *hub_last_lines(const struct hub *b, unsigned n);
/* Every byte of the guest's as it comes, never one that is replayed. fn must not free the hub; NULL: none any more. */
void hub_set_tap(struct hub *b, void (*fn)(void *arg, const void *p, size_t n), void *arg);
/* Types as nobody. -1 while somebody holds the keyboard, whose words it would be mixed with, and while the guest takes no
 * more. */
int hub_type(struct hub *b, const void *p, size_t n);
/* Appends the last bytes of output as they came, at most max. */
void hub_tail(const struct hub *b, size_t max, struct buf *out);
void hub_free(struct hub *b);

#endif
