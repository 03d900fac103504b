#include "disk/mounts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

/* proc(5): a blank, tab, line end and backslash are \ooo. In place. */
static void unescape(char *s)
{
	char *to = s;
	for (const char *p = s; *p != '\0';) {
		if (p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' && p[2] <= '7' &&
		    p[3] >= '0' && p[3] <= '7') {
			*to++ = (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
			p += 4;
		} else {
			*to++ = *p++;
		}
	}
	*to = '\0';
}

/* "36 35 98:0 ROOT POINT OPTIONS …": the fifth word. */
static char *point_of(char *line)
{
	char *rest, *word = strtok_r(line, " ", &rest);
	for (int i = 0; i < 4 && word != NULL; i++)
		word = strtok_r(NULL, " ", &rest);
	if (word != NULL)
		unescape(word);
	return word;
}

bool mounts_at(const char *path)
{
	bool found = false;
	size_t cap = 0;
	CLEANUP_FREE char *line = NULL;
	FILE *f = fopen("/proc/self/mountinfo", "re");
	while (f != NULL && !found && getline(&line, &cap, f) > 0)
		found = str_eq(point_of(line), path);
	if (f != NULL)
		fclose(f);
	return found;
}
