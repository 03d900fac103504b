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
#include "core/str.h"
#include "core/timestamp.h"

#define LOG_BYTES_MAX (1 << 20)
#define LOG_LINE_MAX 4096

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
	bool to_file = log_fd >= 0;
	char when[TIMESTAMP_MAX] = "hvmux";
	if (to_file)
		timestamp_now(when);
	va_list ap;
	va_start(ap, fmt);
	CLEANUP_FREE char *text = xvasprintf(fmt, ap);
	va_end(ap);
	CLEANUP_FREE char *shown = str_printable(text, strlen(text), LOG_LINE_MAX);
	CLEANUP_FREE char *line =
	    xasprintf("%s%s%s: %s\n", when, to_file ? " " : ": ", words[level], shown);
	/* A log that cannot be written (full disk) must not end the program. */
	ssize_t w = write(to_file ? log_fd : STDERR_FILENO, line, strlen(line));
	(void)w;
	if (to_file)
		log_rotate();
}
