#include "cli/help_text.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

void help_text_fold(struct buf *out, const char *text, unsigned indent, unsigned width)
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

/* A line must not begin with a control character, backslashes and dashes are escaped. */
void help_text_man(struct buf *out, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\\')
			buf_adds(out, "\\e");
		else if (s[i] == '-')
			buf_adds(out, "\\-");
		else if ((s[i] == '.' || s[i] == '\'') && (i == 0 || s[i - 1] == '\n')) {
			buf_adds(out, "\\&");
			buf_addc(out, s[i]);
		} else if (s[i] == ' ' && i > 0 && i + 1 < n && s[i - 1] == '.' &&
		           isupper((unsigned char)s[i + 1]))
			buf_addc(out, '\n'); /* a sentence begins on a line of its own */
		else
			buf_addc(out, s[i]);
	}
}

void help_text_man_paragraphs(struct buf *out, const char *text)
{
	while (*text) {
		const char *end = strstr(text, "\n\n");
		size_t n = end ? (size_t)(end - text) : strlen(text);
		help_text_man(out, text, n);
		buf_addc(out, '\n');
		text += n + strspn(text + n, "\n");
		if (*text)
			buf_adds(out, ".Pp\n");
	}
}
