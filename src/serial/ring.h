/* ring: the last bytes of one console with absolute 64-bit offsets, in a shared file
 * run/NAME/consoleN.ring, so that history outlives a killed supervisor and anyone allowed may read
 * it without asking. One writer, any readers. A reader copies, then checks that the writer has not
 * overtaken it. */
#ifndef SERIAL_RING_H
#define SERIAL_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
void ring_write(struct ring *r, const void *p, size_t n);
/* Offsets: bytes [start, end) are readable; end counts every byte ever written. */
uint64_t ring_start(const struct ring *r);
uint64_t ring_end(const struct ring *r);
/* Copies up to n bytes from *offset on. Where *offset has been overwritten, *offset moves up to
 * what is left: the caller sees the gap. Returns bytes copied. */
size_t ring_read(const struct ring *r, uint64_t *offset, void *out, size_t n);
/* Drops the present content (offsets go on). */
void ring_clear(struct ring *r);

#endif
