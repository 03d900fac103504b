#include "tui/disk_chain.h"

#include <stdlib.h>

#include "core/buf.h"
#include "core/mem.h"
#include "core/str.h"

static char *safe(const char *s)
{
	char *copy = xstrdup(s ? s : "");
	str_make_safe(copy);
	return copy;
}

static void take(struct disk_image_facts *to, const struct img_fact *f)
{
	bool known = f->state == IMG_FACT_KNOWN;
	*to = (struct disk_image_facts){.path = safe(f->path),
	    .format = xstrdup(known ? disk_format_name(f->format) : ""),
	    .capacity = f->virtual_size,
	    .allocation = f->allocated,
	    .why = safe(f->why),
	    .dirty = f->dirty,
	    .corrupt = f->corrupt,
	    .encrypted = f->encrypted,
	    .vm_state = f->vm_state};
}

static char *names_of(const struct img_fact *f)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	for (size_t i = 0; i < f->n_snapshots; i++)
		buf_addf(&b, "%s%s", i ? ", " : "", f->snapshots[i]);
	return safe(b.data);
}

void disk_chain_look(
    struct disk_chain *c, struct img_facts *cache, const char *path, const char *format)
{
	CLEANUP_FREE const struct img_fact **facts = xcalloc(IMG_CHAIN_MAX, sizeof(*facts));
	*c = (struct disk_chain){.path = xstrdup(path)};
	c->n = img_facts_chain(cache, path, format, facts, IMG_CHAIN_MAX, &c->ring);
	c->images = xcalloc(c->n + 1, sizeof(*c->images));
	for (size_t i = 0; i < c->n; i++)
		c->allocation += facts[i]->allocated;
	c->deeper = c->n > DISK_CHAIN_SHOWN ? c->n - DISK_CHAIN_SHOWN : 0;
	c->n -= c->deeper;
	for (size_t i = 0; i < c->n; i++)
		take(&c->images[i], facts[i]);
	c->snapshots = c->n ? names_of(facts[0]) : xstrdup("");
	c->n_snapshots = c->n ? facts[0]->n_snapshots : 0;
}
