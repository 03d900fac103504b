/* golden: tests that hold what is made against files of the source tree. With UPDATE=1 in the
 * environment the files are written instead: read the diff before committing it. */
#ifndef UNIT_GOLDEN_H
#define UNIT_GOLDEN_H

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/mem.h"

/* tests/data of the source tree. */
static inline char *golden_path(const char *file)
{
	const char *src = getenv("HVMUX_SRC");
	return xasprintf("%s/tests/data/%s", src != NULL ? src : ".", file);
}

static inline void golden_read(const char *path, struct buf *out)
{
	struct err err = {0};
	if (file_read(path, 8u << 20, out, &err) < 0)
		fail_msg("%s", err.msg);
	buf_adds(out, "");
}

/* Calls fn with the path of each file that matches, without ".xml"; fails when there is none. */
static inline void golden_each(const char *pattern, void (*fn)(const char *stem))
{
	glob_t g;
	char *full = golden_path(pattern);
	if (glob(full, 0, NULL, &g) != 0)
		fail_msg("no file matches %s", full);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		char *stem = xstrndup(g.gl_pathv[i], strlen(g.gl_pathv[i]) - strlen(".xml"));
		fn(stem);
		free(stem);
	}
	globfree(&g);
	free(full);
}

static inline void golden_check(const char *path, const char *got)
{
	if (getenv("UPDATE") != NULL) {
		struct err err = {0};
		if (file_write_atomic(path, got, strlen(got), 0644, &err) < 0)
			fail_msg("%s", err.msg);
		return;
	}
	struct buf want = BUF_INIT;
	golden_read(path, &want);
	if (strcmp(want.data, got) != 0)
		fail_msg("%s differs; got:\n%s", path, got);
	buf_fini(&want);
}

#endif
