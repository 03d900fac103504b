/* conlog_source: the bytes of one file of a console's log, plain or gzip, from any position. Owner: conlog_reader.
 * What conlog_gzip wrote is begun at any member; other gzip files are inflated from their beginning. Behind damage it
 * goes on where the next member begins. Bounded: 64 KiB of input, and 16 bytes for each member passed. */
#ifndef SERIAL_CONLOG_SOURCE_H
#define SERIAL_CONLOG_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct conlog_source;

/* fd is taken. */
struct conlog_source *conlog_source_new(int fd, bool gzip);
void conlog_source_free(struct conlog_source *s);
/* Bytes read; 0 at the present end; -1 something cannot be read: conlog_source_lost, then the next call goes on behind
 * it. */
ssize_t conlog_source_read(struct conlog_source *s, void *out, size_t n);
/* Bytes that the last -1 cost, 0 not known. */
uint64_t conlog_source_lost(const struct conlog_source *s);
uint64_t conlog_source_pos(const struct conlog_source *s);
/* The next byte read is that at pos, or the end. -1: damage before it (what follows is behind that). */
int conlog_source_seek(struct conlog_source *s, uint64_t pos);
/* Uncompressed. False: only reading it would tell. */
bool conlog_source_size(struct conlog_source *s, uint64_t *size);
int conlog_source_fd(const struct conlog_source *s);
/* From the file, since it was opened. */
uint64_t conlog_source_bytes_read(const struct conlog_source *s);

#endif
