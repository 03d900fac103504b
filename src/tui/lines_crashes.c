/* What was kept of a VM's crashes, the newest first: each record's story, the end of its consoles, where its files are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/crashes.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "tui/lines.h"

#define SHOWN 20u                /* records */
#define CONSOLE_LINES 25u        /* of the first console that said anything */
#define CONSOLE_BYTES (1u << 20) /* of its text: cleaning makes 64 KiB shorter, U+FFFD longer */

static uint64_t mark_of(struct app *app, const char *name)
{
	uint64_t mark = 1;
	struct stat st;
	CLEANUP_FREE char *folder = home_log_file(app->home, name, CRASHES_DIR);
	if (stat(folder, &st) == 0)
		mark += (uint64_t)st.st_mtim.tv_nsec + (uint64_t)st.st_mtim.tv_sec * 1000003;
	for (const char *s = name; *s; s++)
		mark = mark * 131 + (unsigned char)*s;
	return mark;
}

/* A file's lines from the one on that leaves at most `last` of them; text of a guest's, so whatever it holds is made
 * printable once more. */
static void add_text(struct lines *l, enum style st, const char *text, size_t n, unsigned last)
{
	unsigned total = 0, at = 0;
	for (size_t i = 0; i < n; i++)
		total += text[i] == '\n';
	for (size_t from = 0; from < n; at++) {
		const char *nl = memchr(text + from, '\n', n - from);
		size_t len = nl ? (size_t)(nl - text) - from : n - from;
		if (at + last >= total) {
			CLEANUP_FREE char *shown = str_printable(text + from, len, 2000);
			lines_add(l, st, "   %s", shown);
		}
		from += len + 1;
	}
}

static void add_console(struct lines *l, const struct crash *c)
{
	char **names;
	size_t n;
	bool done = false;
	if (crash_files(c, &names, &n, NULL) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(names[i]);
		CLEANUP_FREE char *path = xasprintf("%s/%s", c->path, names[i]);
		CLEANUP_BUF struct buf b = BUF_INIT;
		if (!done && len > 4 && !strcmp(names[i] + len - 4, ".txt") &&
		    strcmp(names[i], CRASHES_STORY) && strcmp(names[i], "command-line.txt") &&
		    file_read(path, CONSOLE_BYTES, &b, NULL) == 0 && b.len) {
			lines_add(l, STYLE_COLUMNS, "   the end of %.*s:", (int)len - 4, names[i]);
			add_text(l, STYLE_DIM, b.data, b.len, CONSOLE_LINES);
			done = true;
		}
		free(names[i]);
	}
	free(names);
}

static void add_crash(struct lines *l, const struct crash *c, unsigned number)
{
	char when[32];
	CLEANUP_FREE char *path = xasprintf("%s/%s", c->path, CRASHES_STORY);
	CLEANUP_BUF struct buf b = BUF_INIT;
	timestamp_local(c->time_s, TIMESTAMP_LOCAL, when, sizeof(when));
	lines_add(l, STYLE_STRONG, " %u  %s  %s", number, when, c->reason);
	if (file_read(path, CRASHES_SUMMARY_MAX, &b, NULL) == 0 && b.len)
		add_text(l, STYLE_NORMAL, b.data, b.len, (unsigned)b.len);
	lines_add(l, STYLE_NORMAL, "   Files:       %s", c->path);
	add_console(l, c);
	lines_add(l, STYLE_NORMAL, "%s", "");
}

bool lines_crashes(struct app *app, const char *name, bool whole, struct lines *l)
{
	struct crashes c;
	struct err err = {0};
	uint64_t mark = mark_of(app, name);
	if (l->mark == mark)
		return false;
	lines_clear(l);
	l->mark = mark;
	if (crashes_list(app->home, name, &c, &err) < 0)
		lines_add(l, STYLE_BAD, " %s", err.msg);
	for (size_t i = 0; i < c.n && i < (whole ? SHOWN : 1); i++)
		add_crash(l, &c.all[i], (unsigned)i + 1);
	if (c.n > SHOWN)
		lines_add(l, STYLE_DIM, " %zu older ones: hvmux crashes %s", c.n - SHOWN, name);
	if (!l->n)
		lines_add(l, STYLE_DIM, " nothing was kept: it has not crashed");
	crashes_fini(&c);
	return true;
}
