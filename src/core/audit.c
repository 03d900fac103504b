#include "core/audit.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/timestamp.h"

#define AUDIT_BYTES_MAX (1 << 20)

void audit_write(const struct home *h, const char *name, const char *fmt, ...)
{
	CLEANUP_FREE char *dir = home_log_dir(h, name);
	CLEANUP_FREE char *path = home_log_file(h, name, "audit.log");
	struct stat st;
	if (stat(path, &st) == 0 && st.st_size >= AUDIT_BYTES_MAX) {
		CLEANUP_FREE char *old = xasprintf("%s.1", path);
		rename(path, old);
	}
	if (home_mkdir(h, dir, NULL) < 0)
		return;
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	char when[TIMESTAMP_MAX];
	timestamp_now(when);
	va_list ap;
	va_start(ap, fmt);
	CLEANUP_FREE char *text = xvasprintf(fmt, ap);
	va_end(ap);
	/* One line a record, whatever is in it. */
	CLEANUP_FREE char *words = str_printable(text, strlen(text), SIZE_MAX);
	CLEANUP_FREE char *line = xasprintf("%s %s\n", when, words);
	/* O_APPEND: whole lines; a full disk loses the line. */
	ssize_t n = write(fd, line, strlen(line));
	(void)n;
}
