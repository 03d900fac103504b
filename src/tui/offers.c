#include "tui/offers.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/mem.h"
#include "core/str.h"

void offers_clear(struct offers *o)
{
	while (o->n)
		free(o->word[--o->n]);
}

void offers_add(struct offers *o, const char *word, const char *start)
{
	if (o->n == OFFERS_MAX || !str_prefix(word, start))
		return;
	for (unsigned i = 0; i < o->n; i++)
		if (!strcmp(o->word[i], word))
			return;
	o->word[o->n++] = xstrdup(word);
}

void offers_files(struct offers *o, const char *start)
{
	const char *slash = strrchr(start, '/');
	CLEANUP_FREE char *dir = slash ? xstrndup(start, (size_t)(slash - start) + 1) : xstrdup("");
	DIR *d = opendir(*dir ? dir : ".");
	for (struct dirent *e; d && (e = readdir(d));) {
		CLEANUP_FREE char *path = xasprintf("%s%s", dir, e->d_name);
		struct stat st;
		bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
		CLEANUP_FREE char *whole = xasprintf("%s%s", path, folder ? "/" : "");
		if (e->d_name[0] != '.')
			offers_add(o, whole, start);
	}
	if (d)
		closedir(d);
}

size_t offers_common(const struct offers *o)
{
	size_t same = o->n ? strlen(o->word[0]) : 0;
	for (unsigned i = 1; i < o->n; i++) {
		size_t k = 0;
		while (k < same && o->word[i][k] == o->word[0][k])
			k++;
		same = k;
	}
	while (same && ((unsigned char)o->word[0][same] & 0xc0) == 0x80)
		same--;
	return same;
}
