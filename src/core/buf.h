/* buf: a growable byte buffer. Embedded in its owner: buf_init/buf_fini. */
#ifndef CORE_BUF_H
#define CORE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *data; /* always NUL-terminated at data[len] once anything was added; NULL before */
	size_t len; /* bytes in use, the NUL not counted */
	size_t cap;
};

#define BUF_INIT ((struct buf){0})

void buf_init(struct buf *b);
void buf_fini(struct buf *b);
void buf_add(struct buf *b, const void *p, size_t n);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addu(struct buf *b, uint64_t v); /* decimal: a fifth of what buf_addf takes for it */
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_addvf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* Makes room for n bytes after len and returns where they go; the caller then adds to len. */
char *buf_reserve(struct buf *b, size_t n);
/* Drops n bytes from the front (n <= len). */
void buf_consume(struct buf *b, size_t n);
void buf_clear(struct buf *b); /* len = 0, memory kept */
/* The string, owned by the caller ("" rather than NULL); the buffer is empty afterwards. */
char *buf_take(struct buf *b);

#define CLEANUP_BUF CLEANUP(buf_fini)

#endif
