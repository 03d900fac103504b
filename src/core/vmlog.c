#include "core/vmlog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/mem.h"
#include "core/str.h"

static const struct {
	const char *name, *file;
} sources[VMLOG_SOURCES] = {
    [VMLOG_AUDIT] = {"audit", "audit.log"},
    [VMLOG_SUPERVISOR] = {"hvmux", "supervisor.log"},
    [VMLOG_QEMU] = {"qemu", "qemu.log"},
};

const char *vmlog_source_name(enum vmlog_source s)
{
	return sources[s].name;
}

/* Bytes of "2026-11-21T10:48:00.123Z" at the line's beginning, 0 none. Ours has milliseconds, QEMU's microseconds. */
static size_t time_length(const char *line, size_t n)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:dd.";
	size_t len = sizeof shape - 1;
	if (n < len)
		return 0;
	for (size_t i = 0; i < len; i++)
		if (shape[i] == 'd' ? line[i] < '0' || line[i] > '9' : line[i] != shape[i])
			return 0;
	while (len < n && len + 2 < TIMESTAMP_MAX && line[len] >= '0' && line[len] <= '9')
		len++;
	return len < n && line[len] == 'Z' ? len + 1 : 0;
}

static bool begins(const char *line, size_t n, const char *with)
{
	return n >= strlen(with) && memcmp(line, with, strlen(with)) == 0;
}

static void add_line(
    struct vmlog *log, enum vmlog_source source, const char *when, const char *text, size_t n)
{
	log->lines = xreallocarray(log->lines, log->n + 1, sizeof *log->lines);
	struct vmlog_line *l = &log->lines[log->n++];
	memcpy(l->when, when, TIMESTAMP_MAX);
	l->source = source;
	l->text = str_printable(text, n, VMLOG_TEXT_MAX);
}

void vmlog_add(struct vmlog *log, enum vmlog_source source, const char *text, size_t n, int cut)
{
	char when[TIMESTAMP_MAX] = "";
	bool command =
	    false; /* of qemu.log: what a run was started with, which belongs to no story */
	for (const char *end = text + n; text < end;) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t len = (size_t)((nl != NULL ? nl : end) - text), at = time_length(text, len);
		bool head = source == VMLOG_QEMU && begins(text, len, "# ");
		if (head)
			at = time_length(text + 2, len - 2);
		if (at > 0) {
			memcpy(when, text + (head ? 2 : 0), at);
			when[at] = '\0';
			at += head ? 2 : 0;
			at += at < len && text[at] == ':';
			at += at < len && text[at] == ' ';
		}
		if (!cut && len > at && !command && !(head && at == 0))
			add_line(log, source, when, text + at, len - at);
		if (head) /* "# TIME: start of …", its command line, "# QEMU's own words:" */
			command = at > 0;
		cut = 0;
		text += len + 1;
	}
}

struct placed {
	struct vmlog_line line;
	size_t at;
};

static int by_time(const void *pa, const void *pb)
{
	const struct placed *a = pa, *b = pb;
	int r = strcmp(a->line.when, b->line.when);
	return r != 0 ? r : a->at < b->at ? -1 : 1;
}

void vmlog_sort(struct vmlog *log)
{
	struct placed *order = xcalloc(log->n + 1, sizeof *order);
	for (size_t i = 0; i < log->n; i++)
		order[i] = (struct placed){log->lines[i], i};
	qsort(order, log->n, sizeof *order, by_time);
	for (size_t i = 0; i < log->n; i++)
		log->lines[i] = order[i].line;
	free(order);
}

static int read_tail(
    struct vmlog *log, enum vmlog_source s, const char *path, size_t tail, struct err *err)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	struct stat st;
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, errno, "cannot read '%s'", path);
	if (!S_ISREG(st.st_mode) || st.st_size <= 0)
		return 0;
	off_t from = st.st_size > (off_t)tail ? st.st_size - (off_t)tail : 0;
	CLEANUP_BUF struct buf b = BUF_INIT;
	ssize_t n = pread(fd, buf_reserve(&b, tail), tail, from);
	if (n < 0)
		return err_errno(err, errno, "cannot read '%s'", path);
	vmlog_add(log, s, b.data, (size_t)n, from > 0);
	return 0;
}

int vmlog_read(
    const struct home *h, const char *name, size_t tail, struct vmlog *log, struct err *err)
{
	int rc = 0;
	*log = (struct vmlog){0};
	for (int s = 0; s < VMLOG_SOURCES; s++) {
		CLEANUP_FREE char *path = home_log_file(h, name, sources[s].file);
		if (read_tail(log, (enum vmlog_source)s, path, tail, rc == 0 ? err : NULL) < 0)
			rc = -1;
	}
	vmlog_sort(log);
	return rc;
}

void vmlog_fini(struct vmlog *log)
{
	for (size_t i = 0; i < log->n; i++)
		free(log->lines[i].text);
	free(log->lines);
	*log = (struct vmlog){0};
}
