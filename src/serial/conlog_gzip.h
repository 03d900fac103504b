/* conlog_gzip: one file compressed by a thread of its own, so that nobody waits for zlib or
 * the disk. Owner: conlog. The thread touches nothing but the two descriptors and the stream that
 * it was given, allocates nothing, and runs at the lowest priority.
 *
 * The result is a gzip file (RFC 1952) of many members, so that a reader can begin at any of them and goes on behind a
 * damaged one; zcat and zgrep read it as one text. Each header has the extra field "HX": u32 bytes of the whole member,
 * u32 bytes of its content, little-endian. All but the last hold CONLOG_MEMBER_BYTES. */
#ifndef SERIAL_CONLOG_GZIP_H
#define SERIAL_CONLOG_GZIP_H

#include <stdbool.h>

#define CONLOG_MEMBER_BYTES (256u << 10)
#define CONLOG_MEMBER_HEAD 24u  /* header with the extra field */
#define CONLOG_MEMBER_SIZES 16u /* where the two sizes are in it */
#define CONLOG_MEMBER_TAIL 8u   /* CRC-32, length */
/* Identification, deflate, FEXTRA; no time; unknown system; 12 bytes of extra fields: one, 8 bytes long. */
#define CONLOG_MEMBER_MAGIC 0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 12, 0, 'H', 'X', 8, 0

struct conlog_gzip;

/* Reads from, writes to (mode 0600, must not exist). NULL when it cannot be started. */
struct conlog_gzip *conlog_gzip_new(const char *from, const char *to);
/* Readable when it is through. */
int conlog_gzip_fd(const struct conlog_gzip *z);
/* Then: is `to` whole and on the disk? */
bool conlog_gzip_ok(const struct conlog_gzip *z);
/* Tells the thread to give up and waits until it has: one slice of 32 KiB at most. */
void conlog_gzip_free(struct conlog_gzip *z);

#endif
