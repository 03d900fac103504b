/* ring: the last bytes of one console with absolute 64-bit offsets, in a shared file
 * run/NAME/consoleN.ring, so that history outlives a killed supervisor and anyone allowed may read
 * it without asking. One writer, any readers, no lock: the writer announces what it is about to
 * overwrite (claim) before it does; a reader copies, then looks at the claim. Owner: whoever opened
 * it. Host-endian and host-local.
 *
 * The file has its full length at once, and blocks as far as the guest has ever written: most guests say little, and a
 * run directory is memory. They are allocated before they are written to, so that a file system that is full cannot end
 * the writer with SIGBUS: a ring that cannot grow goes on in private memory, with all that it held, and removes its
 * file. */
#ifndef SERIAL_RING_H
#define SERIAL_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "core/err.h"

#define RING_SIZE_DEFAULT (1u << 20)
#define RING_SIZE_MIN 4096u
#define RING_SIZE_MAX (64u << 20)

struct ring;

/* path NULL: private memory. keep: go on with a valid file of the same size (adoption), else start
 * empty. size: bytes, a power of two within MIN..MAX. */
struct ring *ring_open(const char *path, size_t size, bool keep, struct err *err);
/* Read only; the header is range-checked. */
struct ring *ring_open_reader(const char *path, struct err *err);
void ring_free(struct ring *r);
/* Private memory, from the start or since its file system was full? */
bool ring_in_memory(const struct ring *r);
/* Which start of the VM the offsets belong to: random, in the file, never 0. */
uint64_t ring_run(const struct ring *r);
void ring_write(struct ring *r, const void *p, size_t n);
/* Offsets: bytes [start, end) are readable; end counts every byte ever written. */
uint64_t ring_start(const struct ring *r);
uint64_t ring_end(const struct ring *r);
/* Copies up to n bytes from *offset on. Where *offset has been overwritten, *offset moves up to
 * what is left: the caller sees the gap. Returns bytes copied. */
size_t ring_read(const struct ring *r, uint64_t *offset, void *out, size_t n);
/* Drops the present content (offsets go on). */
void ring_clear(struct ring *r);

/* --- notes: when bytes came, and what happened between them; kept in the file, like the bytes --- */
enum ring_note_kind {
	RING_NOTE_TIME = 1, /* the bytes from here on came at this time or after it */
	RING_NOTE_BOOT,     /* the guest was started (value 0) or reset (value 1) here */
	RING_NOTE_RECONNECT, /* the supervisor or QEMU's socket came back: something may be missing here */
	RING_NOTE_END, /* QEMU ended here */
};
struct ring_note {
	uint64_t offset;  /* before the byte with this offset */
	uint64_t time_ns; /* CLOCK_REALTIME */
	uint32_t kind;    /* enum ring_note_kind */
	uint32_t value;
};
#define RING_NOTES 4096u                /* the last ones that are kept */
#define RING_NOTE_EVERY_NS 100000000ull /* between two of RING_NOTE_TIME, at least */
/* At the present end. */
void ring_note(struct ring *r, enum ring_note_kind kind, uint32_t value, uint64_t time_ns);
/* Copies at most max notes with offset >= from, the oldest first; returns how many. Range-checked: a reader may rely on
 * ascending offsets and known kinds. */
size_t ring_notes(const struct ring *r, uint64_t from, struct ring_note *out, size_t max);
/* One after the other, for who follows. What was overwritten before it was read is passed over. */
struct ring_note_cursor {
	uint64_t at[2], floor;
};
/* To the marks (all but TIME) from offset on, and the last TIME up to it. */
void ring_note_seek(const struct ring *r, struct ring_note_cursor *c, uint64_t offset);
/* Passes over the times before the last one up to offset, and over no mark: bytes were skipped. */
void ring_note_skip_times(const struct ring *r, struct ring_note_cursor *c, uint64_t offset);
/* False: there is none yet. */
bool ring_note_next(const struct ring *r, struct ring_note_cursor *c, struct ring_note *out);

/* --- for the writer's own process --- */
/* Room for at most n bytes (n <= size / 2) for readv(2) to fill; what was there is announced as
 * lost until commit says how much was really written. Returns how many of the two parts are used.
 */
int ring_reserve(struct ring *r, size_t n, struct iovec iov[2]);
void ring_commit(struct ring *r, size_t n);
/* The bytes from offset on (start <= offset <= end), at most n, where they lie: valid until the
 * next write. Returns how many of the two parts are used. */
int ring_peek(const struct ring *r, uint64_t offset, size_t n, struct iovec iov[2]);
/* How far the log has taken the bytes over, kept in the file: after a kill -9 the log goes on where
 * it stood. */
void ring_set_logged(struct ring *r, uint64_t offset);
uint64_t ring_logged(const struct ring *r);
/* How many bytes it could not take. */
void ring_set_missing(struct ring *r, uint64_t bytes);
uint64_t ring_missing(const struct ring *r);
/* How far it has taken over the notes. */
void ring_set_notes_logged(struct ring *r, const struct ring_note_cursor *c);
void ring_notes_logged(const struct ring *r, struct ring_note_cursor *c);

#endif
