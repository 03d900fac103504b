#include "cli/help_fold.h"

#include <stdbool.h>
#include <string.h>

void help_fold(struct buf *out, const char *text, unsigned indent, unsigned width)
{
	while (*text) {
		size_t col = indent;
		bool first = true;
		buf_addf(out, "%*s", (int)indent, "");
		while (*text && *text != '\n') {
			size_t n = strcspn(text, " \n");
			if (!first && col + 1 + n > width) {
				buf_addf(out, "\n%*s", (int)indent, "");
				col = indent;
				first = true;
			}
			if (!first)
				buf_addc(out, ' ');
			buf_add(out, text, n);
			col += n + !first;
			first = false;
			text += n;
			text += strspn(text, " ");
		}
		buf_addc(out, '\n');
		if (*text == '\n' && text[1] == '\n')
			buf_addc(out, '\n');
		text += strspn(text, "\n");
	}
}
