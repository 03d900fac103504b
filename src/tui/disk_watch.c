#include "tui/disk_watch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/domain.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "tui/disk_rows.h"

#define LOOK_EVERY_MS 5000
#define LATE_MS 2000 /* a look that takes longer is worth a word */

/* On its way: everything in it is the thread's. */
struct disk_look {
	struct disk_watch *watch; /* NULL: nobody waits for it any more; the loop's */
	struct img_facts *cache;
	size_t n;
	char **paths; /* NULL: no file */
	const char **formats;
	struct disk_chain *chains;
};

struct disk_watch {
	const struct home *home;
	struct offload *offload;
	void (*changed)(void *arg);
	void *arg;
	char *name;              /* NULL nobody yet */
	bool live;               /* the document is that of the run */
	struct timespec read_at; /* the document's mtime */
	struct disk_table table;
	struct disk_count *counts; /* as many as rows */
	struct img_facts *cache;   /* NULL: a look has it */
	struct disk_look *look;    /* on its way; NULL none */
	uint64_t look_ms;          /* when it began, or the last one ended; 0 none yet */
};

struct disk_watch *disk_watch_new(
    const struct home *h, struct offload *o, void (*changed)(void *arg), void *arg)
{
	struct disk_watch *w = xcalloc(1, sizeof(*w));
	w->home = h;
	w->offload = o;
	w->changed = changed;
	w->arg = arg;
	w->cache = img_facts_new();
	return w;
}

/* --- the look --- */

static void look_free(struct disk_look *k)
{
	for (size_t i = 0; i < k->n; i++) {
		free(k->paths[i]);
		disk_chain_fini(&k->chains[i]);
	}
	free(k->paths);
	free(k->formats);
	free(k->chains);
	img_facts_free(k->cache);
	free(k);
}

static void look_work(void *arg)
{
	struct disk_look *k = arg;
	for (size_t i = 0; i < k->n; i++)
		if (k->paths[i])
			disk_chain_look(&k->chains[i], k->cache, k->paths[i], k->formats[i]);
	img_facts_sweep(k->cache);
}

static void look_done(void *arg)
{
	struct disk_look *k = arg;
	struct disk_watch *w = k->watch;
	if (!w) {
		look_free(k);
		return;
	}
	for (size_t i = 0; i < k->n; i++) {
		struct disk_row *r = &w->table.rows[i];
		struct disk_chain old = r->chain;
		r->waiting_ms = 0;
		if (!k->paths[i])
			continue;
		r->chain = k->chains[i];
		r->looked = true;
		k->chains[i] = old;
	}
	w->look = NULL;
	w->look_ms = loop_now_ms();
	w->cache = k->cache;
	k->cache = NULL;
	look_free(k);
	w->changed(w->arg);
}

static void look_drop(void *arg)
{
	look_free(arg);
}

static const struct offload_ops look_ops = {look_work, look_done, look_drop};

static void look_start(struct disk_watch *w)
{
	struct disk_look *k = xcalloc(1, sizeof(*k));
	k->n = w->table.n;
	k->paths = xcalloc(k->n + 1, sizeof(*k->paths));
	k->formats = xcalloc(k->n + 1, sizeof(*k->formats));
	k->chains = xcalloc(k->n + 1, sizeof(*k->chains));
	for (size_t i = 0; i < k->n; i++)
		if (w->table.rows[i].file) {
			k->paths[i] = xstrdup(w->table.rows[i].source);
			k->formats[i] = *w->table.rows[i].format ? w->table.rows[i].format : NULL;
		}
	k->watch = w;
	k->cache = w->cache ? w->cache : img_facts_new();
	w->cache = NULL;
	w->look_ms = loop_now_ms();
	w->look = k;
	if (offload_run(w->offload, &look_ops, k))
		return;
	w->look = NULL;
	w->cache = k->cache;
	k->cache = NULL;
	look_free(k);
}

/* What is on its way is of no use any more. */
static void look_leave(struct disk_watch *w)
{
	if (w->look)
		w->look->watch = NULL;
	w->look = NULL;
	w->look_ms = 0;
}

static void look_tick(struct disk_watch *w)
{
	uint64_t now = loop_now_ms(), took = now - w->look_ms;
	if (!w->look && (!w->look_ms || took >= LOOK_EVERY_MS))
		look_start(w);
	for (size_t i = 0; i < w->table.n; i++)
		w->table.rows[i].waiting_ms =
		    w->look && took >= LATE_MS && w->table.rows[i].file ? took : 0;
}

/* --- the document --- */

static void forget(struct disk_watch *w)
{
	look_leave(w);
	disk_table_fini(&w->table);
	free(w->counts);
	w->counts = NULL;
	w->read_at = (struct timespec){0};
}

/* page: NULL it does not run. */
static void read_document(struct disk_watch *w, const char *path, const struct status_page *page)
{
	CLEANUP_BUF struct buf xml = BUF_INIT;
	struct domain d;
	struct err err = {0};
	if (file_read(path, STORE_XML_MAX, &xml, &err) < 0 ||
	    domain_parse(xml.data ? xml.data : "", xml.len, path, DOMAIN_PARSE_LENIENT, &d, NULL,
	        &err) < 0) {
		if (page)
			disk_rows_of_page(&w->table, page);
		else
			w->table.trouble = xstrdup(err.msg);
	} else {
		disk_rows_of(&w->table, &d);
		domain_fini(&d);
	}
	w->counts = xcalloc(w->table.n + 1, sizeof(*w->counts));
}

static void follow_document(
    struct disk_watch *w, const struct vm_entry *e, const struct status_page *page)
{
	CLEANUP_FREE char *path = e->live ? home_run_file(w->home, e->name, "live.xml")
	                                  : home_domain_xml(w->home, e->name);
	struct stat st;
	bool other = !str_eq(w->name, e->name) || w->live != e->live;
	if (stat(path, &st) < 0)
		memset(&st, 0, sizeof(st));
	if (!other && st.st_mtim.tv_sec == w->read_at.tv_sec &&
	    st.st_mtim.tv_nsec == w->read_at.tv_nsec)
		return;
	forget(w);
	free(w->name);
	w->name = xstrdup(e->name);
	w->live = e->live;
	w->read_at = st.st_mtim;
	read_document(w, path, page);
}

void disk_watch_tick(struct disk_watch *w, struct model *m, const struct vm_entry *e)
{
	const struct status_page *page = e->live ? model_page(m, e) : NULL;
	follow_document(w, e, page);
	if (!w->table.n)
		return;
	disk_rows_count(&w->table, page, w->counts, loop_now_ms());
	look_tick(w);
}

const char *disk_watch_name(const struct disk_watch *w)
{
	return w->name;
}

const struct disk_table *disk_watch_table(const struct disk_watch *w)
{
	return &w->table;
}

void disk_watch_free(struct disk_watch *w)
{
	if (!w)
		return;
	forget(w);
	free(w->name);
	img_facts_free(w->cache);
	free(w);
}
