#include "kvm/qemu_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/timestamp.h"

#define MARK "\n# QEMU's own words:\n"
#define LINES 4

int qemu_log_open(const struct home *h, const char *name, const char *command_line, struct err *err)
{
	char stamp[TIMESTAMP_MAX];
	CLEANUP_FREE char *dir = home_log_dir(h, name);
	CLEANUP_FREE char *path = home_log_file(h, name, "qemu.log");
	if (home_mkdir(h, dir, err) < 0)
		return -1;
	qemu_log_limit(h, name);
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, errno, "cannot open '%s'", path);
	timestamp_format(timestamp_ns(), stamp);
	CLEANUP_FREE char *head =
	    xasprintf("# %s: start of '%s'\n%s" MARK, stamp, name, command_line);
	if (fd_write_all(fd, head, strlen(head)) < 0)
		return err_errno(err, errno, "cannot write '%s'", path);
	return TAKE_FD(fd);
}

/* Reads the last `max` bytes. */
static void read_end(const char *path, size_t max, struct buf *out)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size <= 0)
		return;
	off_t from = st.st_size > (off_t)max ? st.st_size - (off_t)max : 0;
	ssize_t n = pread(fd, buf_reserve(out, max + 1), max, from);
	if (n > 0) {
		out->len += (size_t)n;
		out->data[out->len] = '\0';
	}
}

void qemu_log_limit(const struct home *h, const char *name)
{
	struct stat st;
	CLEANUP_FREE char *path = home_log_file(h, name, "qemu.log");
	CLEANUP_FREE char *old = home_log_file(h, name, "qemu.log.1");
	if (stat(path, &st) < 0 || st.st_size <= (off_t)QEMU_LOG_MAX)
		return;
	CLEANUP_BUF struct buf end = BUF_INIT;
	read_end(path, QEMU_LOG_KEEP, &end);
	CLEANUP_CLOSE int fd = open(old, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd >= 0 && end.data != NULL)
		fd_write_all(fd, end.data, end.len);
	/* QEMU appends: its next words land at the new end. */
	if (truncate(path, 0) < 0)
		return;
}

/* "qemu-system-x86_64: " and a time stamp of -msg timestamp=on are no news. */
static const char *skip_prefix(const char *line, const char *end)
{
	const char *p = line, *name = "qemu";
	if (end - p > 21 && p[4] == '-' && p[10] == 'T')
		for (; p < end && *p != ' '; p++)
			;
	while (p < end && *p == ' ')
		p++;
	if ((size_t)(end - p) > strlen(name) && strncmp(p, name, strlen(name)) == 0) {
		const char *colon = memchr(p, ':', (size_t)(end - p));
		if (colon != NULL && colon + 1 < end && colon[1] == ' ' &&
		    memchr(p, ' ', (size_t)(colon - p)) == NULL)
			return colon + 2;
	}
	return p;
}

static bool begins(const char *line, const char *end, const char *word)
{
	size_t n = strlen(word);
	return (size_t)(end - line) >= n && strncmp(line, word, n) == 0;
}

/* What says nothing of a failure. */
static bool is_news(const char *line, const char *end)
{
	return begins(line, end, "warning: ") || begins(line, end, "char device redirected to ");
}

static char *last_lines(const char *text, const char *end, bool warnings)
{
	const char *start[LINES], *stop[LINES];
	unsigned n = 0;
	while (end > text && n < LINES) {
		const char *line = end;
		while (line > text && line[-1] != '\n')
			line--;
		const char *words = skip_prefix(line, end);
		if (words < end && (warnings || !is_news(words, end))) {
			start[n] = words;
			stop[n++] = end;
		}
		end = line > text ? line - 1 : text;
	}
	struct buf b = BUF_INIT;
	while (n-- > 0) {
		CLEANUP_FREE char *s =
		    str_printable(start[n], (size_t)(stop[n] - start[n]), QEMU_LOG_WORDS);
		if (b.len + strlen(s) + 2 > QEMU_LOG_WORDS && b.len > 0)
			continue;
		buf_addf(&b, "%s%s", b.len > 0 ? "; " : "", s);
	}
	return buf_take(&b);
}

char *qemu_log_words_of(const char *text, size_t n)
{
	const char *from = text, *mark;
	while ((mark = memmem(from, n - (size_t)(from - text), MARK, strlen(MARK))) != NULL)
		from = mark + strlen(MARK);
	char *words = last_lines(from, text + n, false);
	if (words[0] != '\0')
		return words;
	free(words);
	return last_lines(from, text + n, true);
}

char *qemu_log_words(const struct home *h, const char *name)
{
	CLEANUP_FREE char *path = home_log_file(h, name, "qemu.log");
	CLEANUP_BUF struct buf b = BUF_INIT;
	read_end(path, QEMU_LOG_KEEP, &b);
	return b.data == NULL ? xstrdup("") : qemu_log_words_of(b.data, b.len);
}

/* "# TIME: start of 'NAME'", the command line, MARK. */
static const char *last_head(const char *text, const char *mark)
{
	const char *head = mark;
	while (head > text && !(head[-1] == '\n' && head[0] == '#' && head[1] == ' '))
		head--;
	return head;
}

void qemu_log_tail(
    const struct home *h, const char *name, size_t max, struct buf *words, struct buf *command)
{
	CLEANUP_FREE char *path = home_log_file(h, name, "qemu.log");
	CLEANUP_BUF struct buf b = BUF_INIT;
	const char *mark = NULL, *next, *end;
	read_end(path, QEMU_LOG_MAX + QEMU_LOG_KEEP, &b);
	if (b.data == NULL)
		return;
	end = b.data + b.len;
	for (const char *at = b.data;
	     (next = memmem(at, (size_t)(end - at), MARK, strlen(MARK))) != NULL; at = next + 1)
		mark = next;
	const char *from = mark != NULL ? mark + strlen(MARK) : b.data;
	if (mark != NULL) {
		const char *head = last_head(b.data, mark),
		           *line = memchr(head, '\n', (size_t)(mark - head));
		if (line != NULL)
			buf_add(command, line + 1, (size_t)(mark + 1 - (line + 1)));
	}
	if ((size_t)(end - from) > max)
		from = end - max;
	buf_add(words, from, (size_t)(end - from));
}
