/* vmdk_descriptor: the text that says of which files a VMDK disk is made. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/mem.h"
#include "core/str.h"
#include "disk/vmdk.h"

#define BLANKS " \t\r"
#define SECTORS_MAX (IMG_SIZE_MAX / IMG_SECTOR)

/* Comments, then "version=1": what QEMU goes by, too. */
bool vmdk_descriptor_probe(const uint8_t *head, size_t n)
{
	size_t at = 0;
	while (at < n) {
		const uint8_t *line = head + at, *end = memchr(line, '\n', n - at);
		size_t len = end ? (size_t)(end - line) : n - at, blanks = 0;
		while (blanks < len && strchr(BLANKS, line[blanks]) && line[blanks])
			blanks++;
		if (blanks < len && line[0] != '#')
			return end && len >= 9 && memcmp(line, "version=", 8) == 0 &&
			       line[8] >= '1' && line[8] <= '3' &&
			       (len == 9 || line[9] == '\r' || line[9] == ' ');
		at += len + 1;
	}
	return false;
}

/* The next word of a line, without its quotes; on the heap, NULL none. */
static char *take_word(const char **line)
{
	const char *p = *line + strspn(*line, BLANKS);
	bool quoted = *p == '"';
	size_t n = quoted ? strcspn(++p, "\"") : strcspn(p, BLANKS);
	*line = p + n + (quoted && p[n] == '"');
	return n == 0 && !quoted ? NULL : xstrndup(p, n);
}

static int take_number(const char **line, uint64_t max, uint64_t *out)
{
	CLEANUP_FREE char *word = take_word(line);
	return word && str_u64(word, max, out) == 0 ? 0 : -1;
}

static bool is_access(const char *line)
{
	static const char *const words[] = {"RW", "RDONLY", "NOACCESS"};
	size_t n = strcspn(line, BLANKS);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strlen(words[i]) == n && strncasecmp(line, words[i], n) == 0)
			return true;
	return false;
}

static int parse_extent(
    const char *line, const char *file, struct vmdk_descriptor *d, struct err *err)
{
	CLEANUP_FREE char *shown = str_printable(line, strlen(line), 200);
	if (d->n_lines == VMDK_EXTENTS_MAX)
		return err_set(err, ERR_INVALID, "'%s': it is made of more than %u extents", file,
		    VMDK_EXTENTS_MAX);
	d->lines = xreallocarray(d->lines, d->n_lines + 1, sizeof(*d->lines));
	struct vmdk_line *x = &d->lines[d->n_lines++];
	*x = (struct vmdk_line){.access = take_word(&line)};
	if (take_number(&line, SECTORS_MAX, &x->sectors) < 0 || x->sectors == 0)
		return err_set(err, ERR_INVALID, "'%s': an extent without a number of sectors: %s",
		    file, shown);
	x->type = take_word(&line);
	x->name = take_word(&line);
	if (!x->type || (!x->name && strcasecmp(x->type, "ZERO") != 0))
		return err_set(
		    err, ERR_INVALID, "'%s': an extent without type and file: %s", file, shown);
	if (line[strspn(line, BLANKS)] && take_number(&line, SECTORS_MAX, &x->offset) < 0)
		return err_set(
		    err, ERR_INVALID, "'%s': an extent with a bad offset: %s", file, shown);
	return 0;
}

static int parse_cid(
    const char *value, const char *key, const char *file, uint32_t *out, struct err *err)
{
	char *end;
	unsigned long cid = strtoul(value, &end, 16);
	size_t n = strspn(value, "0123456789abcdefABCDEF");
	if (n == 0 || n > 8 || value[n] || *end)
		return err_set(
		    err, ERR_INVALID, "'%s': its %s is not eight hexadecimal digits", file, key);
	*out = (uint32_t)cid;
	return 0;
}

static void set_once(char **to, char **value)
{
	if (!*to)
		*to = TAKE_PTR(*value);
}

static int parse_pair(
    const char *line, const char *file, struct vmdk_descriptor *d, struct err *err)
{
	size_t n = strcspn(line, "=");
	if (line[n] != '=')
		return 0;
	const char *rest = line + n + 1;
	while (n > 0 && strchr(BLANKS, line[n - 1]))
		n--;
	CLEANUP_FREE char *key = xstrndup(line, n), *value = take_word(&rest);
	if (!value)
		return 0;
	if (strcasecmp(key, "CID") == 0)
		return parse_cid(value, "CID", file, &d->cid, err);
	if (strcasecmp(key, "parentCID") == 0)
		return parse_cid(value, "parentCID", file, &d->parent_cid, err);
	if (strcasecmp(key, "createType") == 0)
		set_once(&d->create_type, &value);
	else if (strcasecmp(key, "parentFileNameHint") == 0)
		set_once(&d->parent, &value);
	return 0;
}

int vmdk_descriptor_parse(
    const char *text, size_t n, const char *file, struct vmdk_descriptor *d, struct err *err)
{
	CLEANUP_FREE char *copy = xstrndup(text, n);
	char *rest = copy, *line;
	*d = (struct vmdk_descriptor){.parent_cid = VMDK_NO_PARENT};
	while ((line = strsep(&rest, "\n"))) {
		line += strspn(line, BLANKS);
		int r = *line == '#'      ? 0
		        : is_access(line) ? parse_extent(line, file, d, err)
		                          : parse_pair(line, file, d, err);
		if (r < 0)
			return -1;
	}
	return 0;
}

void vmdk_descriptor_fini(struct vmdk_descriptor *d)
{
	for (size_t i = 0; i < d->n_lines; i++) {
		free(d->lines[i].access);
		free(d->lines[i].type);
		free(d->lines[i].name);
	}
	free(d->lines);
	free(d->create_type);
	free(d->parent);
	*d = (struct vmdk_descriptor){0};
}
