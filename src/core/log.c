#include "core/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/timestamp.h"

#define LOG_BYTES_MAX (1 << 20)

/* One log a process, by its nature: the only state of this room that is global. */
static int log_fd = -1;
static char *log_path;

void log_open(const char *path)
{
	if (log_fd >= 0)
		close(log_fd);
	free(log_path);
	log_path = xstrdup0(path);
	log_fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
}

static void log_rotate(void)
{
	struct stat st;
	if (!log_path || fstat(log_fd, &st) < 0 || st.st_size < LOG_BYTES_MAX)
		return;
	CLEANUP_FREE char *old = xasprintf("%s.1", log_path);
	rename(log_path, old);
	CLEANUP_FREE char *path = xstrdup(log_path);
	log_open(path);
}

void log_write(enum log_level level, const char *fmt, ...)
{
	static const char *const words[] = {"debug", "info", "warning", "error"};
	static int debug = -1;
	if (debug < 0)
		debug = getenv("HVMUX_DEBUG") != NULL;
	if (level == LOG_LEVEL_DEBUG && !debug)
		return;
	int saved = log_fd;
	char line[4096], when[TIMESTAMP_MAX];
	timestamp_now(when);
	int n = saved >= 0 ? snprintf(line, sizeof(line), "%s %s: ", when, words[level])
	                   : snprintf(line, sizeof(line), "hvmux: %s: ", words[level]);
	va_list ap;
	va_start(ap, fmt);
	int m = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	size_t len = strlen(line);
	if (m < 0)
		return;
	line[len++] = '\n';
	/* A log that cannot be written (full disk) must not end the program. */
	ssize_t w = write(saved >= 0 ? saved : STDERR_FILENO, line, len);
	(void)w;
	if (saved >= 0)
		log_rotate();
}
