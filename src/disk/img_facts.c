#include "disk/img_facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/mem.h"
#include "core/str.h"
#include "disk/img_info.h"

struct entry {
	struct img_fact fact; /* path is the key, with asked */
	char *asked;          /* the format that was asked for; NULL none */
	bool read;            /* fact is of the file that the following say */
	struct timespec mtime;
	int64_t size;
	bool wanted; /* since the last sweep */
};

struct img_facts {
	struct entry **all; /* by path and asked */
	size_t n, cap;
	uint64_t reads;
};

struct img_facts *img_facts_new(void)
{
	return xcalloc(1, sizeof(struct img_facts));
}

/* All that was found out. */
static void forget(struct img_fact *f)
{
	char *path = f->path;
	for (size_t i = 0; i < f->n_snapshots; i++)
		free(f->snapshots[i]);
	free(f->snapshots);
	free(f->why);
	free(f->backing);
	free(f->backing_path);
	free(f->backing_format);
	free(f->data_file);
	*f = (struct img_fact){.path = path};
}

static void entry_free(struct entry *e)
{
	forget(&e->fact);
	free(e->fact.path);
	free(e->asked);
	free(e);
}

void img_facts_free(struct img_facts *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n; i++)
		entry_free(f->all[i]);
	free(f->all);
	free(f);
}

/* --- finding --- */

static int compare(const struct entry *e, const char *path, const char *asked)
{
	int r = strcmp(e->fact.path, path);
	return r ? r : strcmp(e->asked ? e->asked : "", asked ? asked : "");
}

static struct entry *entry_get(struct img_facts *f, const char *path, const char *asked)
{
	size_t lo = 0, hi = f->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int r = compare(f->all[mid], path, asked);
		if (r == 0)
			return f->all[mid];
		if (r < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (f->n == f->cap) {
		f->cap = f->cap ? f->cap * 2 : 32;
		f->all = xreallocarray(f->all, f->cap, sizeof(struct entry *));
	}
	memmove(f->all + lo + 1, f->all + lo, (f->n - lo) * sizeof(struct entry *));
	f->n++;
	f->all[lo] = xcalloc(1, sizeof(struct entry));
	f->all[lo]->fact.path = xstrdup(path);
	f->all[lo]->asked = xstrdup0(asked);
	return f->all[lo];
}

void img_facts_sweep(struct img_facts *f)
{
	size_t k = 0;
	for (size_t i = 0; i < f->n; i++) {
		if (!f->all[i]->wanted) {
			entry_free(f->all[i]);
			continue;
		}
		f->all[i]->wanted = false;
		f->all[k++] = f->all[i];
	}
	f->n = k;
}

/* --- looking --- */

static void fail(struct img_fact *f, enum img_fact_state state, const char *why)
{
	f->state = state;
	free(f->why);
	f->why = xstrdup(why);
}

static void take_info(struct img_fact *f, struct img_info *info, const char *path)
{
	f->format = info->format;
	f->virtual_size = info->virtual_size;
	f->cluster = info->cluster;
	f->dirty = info->dirty;
	f->corrupt = info->corrupt;
	f->encrypted = info->encrypted;
	f->backing = TAKE_PTR(info->backing);
	f->backing_path = TAKE_PTR(info->backing_full);
	f->backing_format = TAKE_PTR(info->backing_format);
	f->data_file = info->data_file ? img_resolve(path, info->data_file) : NULL;
	f->n_bitmaps = info->n_bitmaps;
	f->snapshots = xcalloc(info->n_snapshots + 1, sizeof(char *));
	f->n_snapshots = info->n_snapshots;
	for (size_t i = 0; i < info->n_snapshots; i++) {
		struct img_snapshot *s = &info->snapshots[i];
		f->snapshots[i] = s->name ? TAKE_PTR(s->name) : xstrdup("");
		f->vm_state += s->vm_state;
	}
}

static void read_image(struct img_fact *f, const char *format)
{
	struct err err = {0};
	struct img_info info;
	CLEANUP(img_drop)
	struct img *im = img_look(f->path, format, &err);
	if (!im || img_info(im, &info, &err) < 0) {
		fail(f,
		    err.code == ERR_DENIED      ? IMG_FACT_REFUSED
		    : err.code == ERR_NOT_FOUND ? IMG_FACT_MISSING
		                                : IMG_FACT_BROKEN,
		    err.msg);
		return;
	}
	f->state = IMG_FACT_KNOWN;
	take_info(f, &info, f->path);
	if (f->block)
		f->allocated = im->file->size;
	img_info_fini(&info);
}

static void take_stat(struct img_fact *f, const struct stat *st)
{
	f->dev = st->st_dev;
	f->ino = st->st_ino;
	f->block = S_ISBLK(st->st_mode);
	f->file_size = st->st_size > 0 ? (uint64_t)st->st_size : 0;
	if (!f->block) /* of a block device it is its size, which is kept */
		f->allocated = (uint64_t)st->st_blocks * 512;
}

/* What is written to a block device shows in no mtime of its node. */
static bool same_file(const struct entry *e, const struct stat *st)
{
	return e->read && !S_ISBLK(st->st_mode) && e->fact.dev == st->st_dev &&
	       e->fact.ino == st->st_ino && e->size == st->st_size &&
	       e->mtime.tv_sec == st->st_mtim.tv_sec && e->mtime.tv_nsec == st->st_mtim.tv_nsec;
}

static void look(struct img_facts *f, struct entry *e)
{
	struct stat st;
	CLEANUP_FREE char *path = img_resolve("", e->fact.path);
	if (!path) {
		forget(&e->fact);
		fail(&e->fact, IMG_FACT_REMOTE, "it is no file of this host");
		return;
	}
	if (stat(path, &st) < 0) {
		int errnum = errno;
		forget(&e->fact);
		e->read = false;
		fail(&e->fact,
		    errnum == ENOENT || errnum == ENOTDIR ? IMG_FACT_MISSING
		    : errnum == EACCES                    ? IMG_FACT_REFUSED
		                                          : IMG_FACT_BROKEN,
		    strerror(errnum));
		return;
	}
	if (same_file(e, &st)) {
		take_stat(
		    &e->fact, &st); /* space may be given back without a change of the mtime */
		return;
	}
	forget(&e->fact);
	take_stat(&e->fact, &st);
	read_image(&e->fact, e->asked);
	f->reads++;
	e->read = true;
	e->mtime = st.st_mtim;
	e->size = st.st_size;
}

const struct img_fact *img_facts_get(struct img_facts *f, const char *path, const char *format)
{
	struct entry *e = entry_get(f, path, format);
	e->wanted = true;
	look(f, e);
	return &e->fact;
}

static bool in_chain(const struct img_fact *const *chain, size_t n, const struct img_fact *fact)
{
	for (size_t i = 0; i < n; i++)
		if (chain[i] == fact ||
		    (fact->ino && chain[i]->ino == fact->ino && chain[i]->dev == fact->dev))
			return true;
	return false;
}

size_t img_facts_chain(struct img_facts *f, const char *path, const char *format,
    const struct img_fact **out, size_t max, bool *ring)
{
	size_t n = 0;
	*ring = false;
	while (path && n < max && !*ring) {
		const struct img_fact *fact = img_facts_get(f, path, format);
		*ring = in_chain(out, n, fact);
		out[n++] = fact;
		/* What names no file is the end of what can be known, and is shown. */
		path = fact->backing_path ? fact->backing_path : fact->backing;
		format = fact->backing_format;
	}
	return n;
}

uint64_t img_facts_reads(const struct img_facts *f)
{
	return f->reads;
}
