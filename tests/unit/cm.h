/* cm: what every unit test includes: cmocka and its prerequisites, and a folder of its own. */
#ifndef UNIT_CM_H
#define UNIT_CM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/file.h"
#include "core/mem.h"

/* A fresh folder under $TMPDIR; cm_rmdir removes it with all that is in it and frees the name. */
static inline char *cm_mkdtemp(void)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = xasprintf("%s/hvmux-unit-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(dir))
		abort();
	return dir;
}

static inline void cm_rmdir(char *dir)
{
	file_remove_tree(dir, NULL);
	free(dir);
}

#endif
