#include "core/audit.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/mem.h"
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
	CLEANUP(buf_fini) struct buf line = BUF_INIT;
	buf_addf(&line, "%s ", when);
	va_list ap;
	va_start(ap, fmt);
	buf_addvf(&line, fmt, ap);
	va_end(ap);
	/* One line a record, whatever is in it. */
	for (size_t i = 0; i < line.len; i++)
		if (line.data[i] == '\n' || line.data[i] == '\r')
			line.data[i] = ' ';
	buf_addc(&line, '\n');
	ssize_t n =
	    write(fd, line.data, line.len); /* O_APPEND: whole lines; a full disk loses the line */
	(void)n;
}
