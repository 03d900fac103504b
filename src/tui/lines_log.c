/* What was written down about a VM, newest first in a pane, in order on a screen of its own. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/mem.h"
#include "core/timestamp.h"
#include "core/vmlog.h"
#include "tui/lines.h"

#define PANE_TAIL (16u << 10) /* bytes of each file that fill any pane */

/* Changes whenever one of the files does. */
static uint64_t mark_of(struct app *app, const char *name)
{
	static const char *const files[] = {"audit.log", "supervisor.log", "qemu.log"};
	uint64_t mark = 1;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		CLEANUP_FREE char *path = home_log_file(app->home, name, files[i]);
		struct stat st;
		if (stat(path, &st) == 0)
			mark = mark * 1000003 + (uint64_t)st.st_size * 31 +
			       (uint64_t)st.st_mtim.tv_nsec + (uint64_t)st.st_mtim.tv_sec;
	}
	for (const char *s = name; *s; s++)
		mark = mark * 131 + (unsigned char)*s;
	return mark;
}

/* UTC of the file → "11-21 14:02:03" of here. */
static void local_time(const char *when, char out[32])
{
	const char *end;
	uint64_t ns = timestamp_parse(when, &end);
	out[0] = '\0';
	if (ns)
		timestamp_local(ns / 1000000000u, "%m-%d %H:%M:%S", out, 32);
}

static enum style style_of(const struct vmlog_line *l)
{
	if (l->source == VMLOG_AUDIT)
		return strstr(l->text, "result=ok") || !strstr(l->text, "result=") ? STYLE_NORMAL
		                                                                   : STYLE_BAD;
	return l->source == VMLOG_QEMU ? STYLE_DIM : STYLE_NORMAL;
}

bool lines_log(struct app *app, const char *name, bool whole, struct lines *l)
{
	struct vmlog log;
	struct err err = {0};
	uint64_t mark = mark_of(app, name);
	if (l->mark == mark)
		return false;
	lines_clear(l);
	l->mark = mark;
	if (vmlog_read(app->home, name, whole ? VMLOG_TAIL_MAX : PANE_TAIL, &log, &err) < 0)
		lines_add(l, STYLE_BAD, " %s", err.msg);
	for (size_t i = 0; i < log.n; i++) {
		const struct vmlog_line *line = &log.lines[whole ? i : log.n - 1 - i];
		char when[32];
		local_time(line->when, when);
		lines_add(l, style_of(line), " %-14s %-6s %s", when,
		    vmlog_source_name(line->source), line->text);
	}
	if (!l->n)
		lines_add(l, STYLE_DIM, " nothing was written down about it yet");
	vmlog_fini(&log);
	return true;
}
