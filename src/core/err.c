#include "core/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
	if (err) {
		va_list ap;
		va_start(ap, fmt);
		vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
		va_end(ap);
		err->code = code;
	}
	return -1;
}

static enum err_code code_of_errno(int errnum)
{
	switch (errnum) {
	case ENOENT:
	case ENOTDIR:
		return ERR_NOT_FOUND;
	case EEXIST:
		return ERR_EXISTS;
	case EACCES:
	case EPERM:
	case EROFS:
		return ERR_DENIED;
	case EBUSY:
	case EWOULDBLOCK:
		return ERR_BUSY;
	case ETIMEDOUT:
		return ERR_TIMEOUT;
	default:
		return ERR_IO;
	}
}

int err_errno(struct err *err, int errnum, const char *fmt, ...)
{
	if (err) {
		va_list ap;
		va_start(ap, fmt);
		vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
		va_end(ap);
		size_t n = strlen(err->msg);
		char words[128];
		snprintf(err->msg + n, sizeof(err->msg) - n, ": %s",
		    strerror_r(errnum, words, sizeof(words)));
		err->code = code_of_errno(errnum);
	}
	return -1;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
	if (err) {
		char tail[ERR_MSG_MAX];
		memcpy(tail, err->msg, sizeof(tail));
		va_list ap;
		va_start(ap, fmt);
		vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
		va_end(ap);
		size_t n = strlen(err->msg);
		snprintf(err->msg + n, sizeof(err->msg) - n, ": %s", tail);
	}
	return -1;
}
