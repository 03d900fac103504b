#include "tui/disk_chain.h"

#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/mem.h"
#include "core/str.h"

void disk_chain_fini(struct disk_chain *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->images[i].path);
		free(c->images[i].format);
		free(c->images[i].why);
	}
	free(c->images);
	free(c->path);
	free(c->snapshots);
	*c = (struct disk_chain){0};
}

static const char *file_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash && slash[1] ? slash + 1 : path;
}

char *disk_chain_text(const struct disk_chain *c, bool utf8)
{
	struct buf b = BUF_INIT;
	char size[STR_HUMAN_MAX];
	for (size_t i = 0; i < c->n; i++) {
		const struct disk_image_facts *f = &c->images[i];
		str_human(f->allocation, size);
		buf_addf(&b, "%s%s", i == 0 ? "" : utf8 ? " ← " : " < ", file_of(f->path));
		if (*f->format && strcmp(f->format, "qcow2") != 0)
			buf_addf(&b, " (%s)", f->format);
		if (f->allocation)
			buf_addf(&b, " %s", size);
	}
	if (c->deeper)
		buf_addf(&b, " and %zu more", c->deeper);
	return buf_take(&b);
}

char *disk_chain_trouble(const struct disk_chain *c)
{
	struct buf b = BUF_INIT;
	for (size_t i = 0; i < c->n; i++) {
		const struct disk_image_facts *f = &c->images[i];
		const char *word = *f->why      ? f->why
		                   : f->corrupt ? "marked corrupt: 'hvmux img check' tells"
		                                : NULL;
		if (word)
			buf_addf(&b, "%s%s: %s", b.len ? "; " : "", file_of(f->path), word);
	}
	if (c->ring)
		buf_addf(&b, "%sthe chain comes back to itself", b.len ? "; " : "");
	return buf_take(&b);
}
