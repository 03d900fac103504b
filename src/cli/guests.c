#include "cli/guests.h"

#include <stdlib.h>
#include <string.h>

#include "cli/out.h"
#include "core/buf.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/store.h"

static void read_meta(const struct cli *c, const char *name, bool live, struct domain_meta *m)
{
	struct err err = {0};
	CLEANUP_BUF struct buf xml = BUF_INIT;
	CLEANUP_FREE char *path = home_run_file(&c->home, name, "live.xml");
	int rc = store_read(&c->home, name, &xml, &err);
	if (rc < 0 && live) /* a transient one */
		rc = file_read(path, STORE_XML_MAX, &xml, &err);
	if (rc < 0 || domain_meta_parse(xml.data ? xml.data : "", xml.len, name, m, &err) < 0)
		out_warning("the order of domain '%s' is not known: %s", name, err.msg);
}

static void warn_notes(char *notes)
{
	for (char *line = notes; *line;) {
		size_t n = strcspn(line, "\n");
		out_warning("%.*s", (int)n, line);
		line += n + (line[n] == '\n');
	}
}

void guests_init(struct guests *g, const struct cli *c, char **names, size_t n, bool live)
{
	CLEANUP_BUF struct buf notes = BUF_INIT;
	g->n = n;
	g->names = names;
	g->meta = xcalloc(n + 1, sizeof(*g->meta));
	g->entries = xcalloc(n + 1, sizeof(*g->entries));
	for (size_t i = 0; i < n; i++) {
		struct domain_meta *m = &g->meta[i];
		read_meta(c, names[i], live, m);
		g->entries[i] = (struct boot_entry){.name = names[i],
		    .order = m->order,
		    .delay = m->delay,
		    .after = (const char *const *)m->after,
		    .n_after = m->n_after};
	}
	boot_order_init(&g->order, g->entries, n, &notes);
	warn_notes(notes.data ? notes.data : (char[]){""});
}

void guests_fini(struct guests *g)
{
	boot_order_fini(&g->order);
	for (size_t i = 0; i < g->n; i++)
		domain_meta_fini(&g->meta[i]);
	free(g->meta);
	free(g->entries);
	store_names_free(g->names);
}

const struct domain_meta *guests_meta(const struct guests *g, size_t entry)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->names[i] == g->entries[entry].name)
			return &g->meta[i];
	abort();
}
