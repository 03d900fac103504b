/* err: errors as values. Owner: the caller, on its stack.
 *
 * A function that can fail takes `struct err *err` last and returns 0 or -1 (or NULL). Libraries
 * never print and never exit; only main, cli and tui print. A message says what failed, on what,
 * why, and what to do about it. */
#ifndef CORE_ERR_H
#define CORE_ERR_H

enum err_code {
	ERR_NONE = 0,
	ERR_FAIL,        /* anything that has no code of its own */
	ERR_USAGE,       /* the words of a command line are off: exit status 2 */
	ERR_NOT_FOUND,   /* no such domain, file, device */
	ERR_EXISTS,      /* a name, uuid or target is taken */
	ERR_BUSY,        /* already running, locked by someone else */
	ERR_STATE,       /* not possible in the present state ("domain is not running") */
	ERR_INVALID,     /* input that is malformed or out of range */
	ERR_UNSUPPORTED, /* well-formed, but not something that we (or this QEMU) can do */
	ERR_DENIED,      /* permissions */
	ERR_TIMEOUT,     /* no answer within the deadline */
	ERR_IO,          /* the system refused: errno is in the words */
	ERR_CANCELLED,   /* somebody took it back */
};

#define ERR_MSG_MAX 2048

struct err {
	enum err_code code;
	char msg[ERR_MSG_MAX]; /* UTF-8, one line unless it quotes a program's own words; "" when
	                          unset */
};

/* All three accept err == NULL and return -1, so that `return err_set(…)` reads well. Control
 * characters that come in through %s are the caller's to remove (str_printable, core/str.h). */
int err_set(struct err *err, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Appends ": " and strerror(errnum); code follows errnum (ENOENT → ERR_NOT_FOUND, EACCES →
 * ERR_DENIED …). */
int err_errno(struct err *err, int errnum, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Puts "what was being done: " before the message; the code stays. */
int err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
