/* offers: words that a line being typed could go on with. Embedded; offers_clear frees. */
#ifndef TUI_OFFERS_H
#define TUI_OFFERS_H

#include <stdbool.h>
#include <stddef.h>

#define OFFERS_MAX 200

struct offers {
	char *word[OFFERS_MAX];
	unsigned n;
};

void offers_clear(struct offers *o);
/* word, where it begins with start and is not there yet. */
void offers_add(struct offers *o, const char *word, const char *start);
/* Files and folders (these end in '/'). Reads one folder. */
void offers_files(struct offers *o, const char *start);
/* How many bytes all of them begin with, never half a character; 0 without any. */
size_t offers_common(const struct offers *o);

#endif
