#include "core/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/file.h"
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

/* --- reading --- */

static int read_one(const char *path, audit_fn *fn, void *arg, struct err *err)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	/* Somebody may append while we read, and a record is added to a file that is just not full. */
	if (file_read(path, 2u * AUDIT_BYTES_MAX, &b, err) < 0)
		return -1;
	for (char *line = b.data, *next; line != NULL && *line != '\0'; line = next) {
		const char *text = line;
		next = strchr(line, '\n');
		if (next == NULL)
			break; /* half of one */
		*next++ = '\0';
		uint64_t ns = timestamp_parse(line, &text);
		if (ns != 0 && *text == ' ')
			fn(arg, ns, text + 1);
	}
	return 0;
}

int audit_read(const struct home *h, const char *name, audit_fn *fn, void *arg, struct err *err)
{
	CLEANUP_FREE char *old = home_log_file(h, name, "audit.log.1");
	CLEANUP_FREE char *path = home_log_file(h, name, "audit.log");
	if (read_one(old, fn, arg, err) < 0)
		return -1;
	return read_one(path, fn, arg, err);
}

static size_t key_length(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz_");
	return text[n] == '=' ? n : 0;
}

/* Length of the value that begins at text. */
static size_t value_length(const char *key, size_t n, const char *text)
{
	const char *end = NULL;
	if (n == strlen("detail") && strncmp(key, "detail", n) == 0)
		end = strstr(text, " words=");
	else if (n == strlen("result") && strncmp(key, "result", n) == 0)
		end = strstr(text, " ms=");
	else if (n != strlen("words") || strncmp(key, "words", n) != 0)
		for (end = strchr(text, ' '); end != NULL && key_length(end + 1) == 0;)
			end = strchr(end + 1, ' ');
	return end != NULL ? (size_t)(end - text) : strlen(text);
}

char *audit_value(const char *text, const char *key)
{
	size_t n;
	while ((n = key_length(text)) > 0) {
		const char *value = text + n + 1;
		size_t length = value_length(text, n, value);
		if (strlen(key) == n && strncmp(key, text, n) == 0)
			return xstrndup(value, length);
		text = value + length;
		text += *text == ' ';
	}
	return NULL;
}
