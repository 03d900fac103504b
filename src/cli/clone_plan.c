#include "cli/clone_plan.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/str.h"

#define NUMBERS_MAX 1000u

static bool named(const char *const *list, unsigned n, const char *target)
{
	for (unsigned i = 0; i < n; i++)
		if (strcmp(list[i], target) == 0)
			return true;
	return false;
}

static char *new_name(
    const char *base, const char *from, const char *to, const char *extension, unsigned number)
{
	const char *dot = strrchr(base, '.'), *hit = strstr(base, from);
	size_t stem = dot && dot != base ? (size_t)(dot - base) : strlen(base);
	struct buf b = BUF_INIT;
	if (hit && (size_t)(hit - base) + strlen(from) <= stem) {
		buf_add(&b, base, (size_t)(hit - base));
		buf_adds(&b, to);
		hit += strlen(from);
		buf_add(&b, hit, stem - (size_t)(hit - base));
	} else {
		buf_add(&b, base, stem);
		buf_addf(&b, "-%s", to);
	}
	if (number)
		buf_addf(&b, "-%u", number);
	buf_adds(&b, extension ? extension : base + stem);
	return buf_take(&b);
}

char *clone_path(const char *path, const char *from, const char *to, const char *extension)
{
	const char *slash = strrchr(path, '/');
	size_t folder = slash ? (size_t)(slash - path) + 1 : 0;
	for (unsigned i = 0;; i++) {
		CLEANUP_FREE char *name = new_name(path + folder, from, to, extension, i);
		char *whole = xasprintf("%.*s%s", (int)folder, path, name);
		if (i == NUMBERS_MAX || access(whole, F_OK) < 0)
			return whole;
		free(whole);
	}
}

static bool is_shared(const struct domain_disk *k, const struct clone_wishes *w)
{
	if (!disk_has_image(k) || named(w->skip, w->n_skip, k->target))
		return true;
	if (named(w->force, w->n_force, k->target))
		return false;
	return k->readonly || k->shareable || k->device != DISK_DISK;
}

static int refuse(const struct domain_disk *k, const char *why, struct err *err)
{
	return err_set(err, ERR_UNSUPPORTED,
	    "disk '%s' cannot be cloned: %s; --skip-copy %s leaves it shared with the original",
	    k->target, why, k->target);
}

/* Formats that we do not write become qcow2. */
static enum disk_format own_format(const struct domain_disk *k, bool linked)
{
	return !linked && k->image.format == DISK_RAW ? DISK_RAW : DISK_QCOW2;
}

static int check_disk(const struct domain_disk *k, bool linked, bool has_file, struct err *err)
{
	const struct disk_image *m = &k->image;
	if (m->type != IMAGE_FILE && m->type != IMAGE_BLOCK)
		return refuse(k, "it is neither a file nor a block device", err);
	if (m->encryption || m->slice_size)
		return refuse(k, "it is encrypted, or a slice", err);
	if (m->type == IMAGE_BLOCK && !has_file)
		return err_set(err, ERR_UNSUPPORTED,
		    "disk '%s' is the block device '%s': --file says where the clone's is to be",
		    k->target, m->path);
	if (linked && m->backing_ends && m->format != DISK_RAW)
		return refuse(
		    k, "its definition hides what backs it, which a linked image could not", err);
	return 0;
}

static const char *extension_of(const struct domain_disk *k, enum disk_format format)
{
	return format == k->image.format ? NULL : format == DISK_RAW ? ".raw" : ".qcow2";
}

static int plan_disk(const struct domain_disk *k, const struct clone_wishes *w, unsigned *used,
    struct clone_disk *out, struct err *err)
{
	*out = (struct clone_disk){.disk = k, .format = k->image.format};
	if (is_shared(k, w))
		return 0;
	const char *file = *used < w->n_files ? w->files[(*used)++] : NULL;
	if (check_disk(k, w->linked, file != NULL, err) < 0)
		return -1;
	if (file && file[0] != '/')
		return err_set(err, ERR_USAGE, "'%s' is no path from / on", file);
	out->way = w->preserve ? CLONE_KEEP : w->linked ? CLONE_LINK : CLONE_COPY;
	out->format = own_format(k, w->linked);
	out->path = file ? xstrdup(file)
	                 : clone_path(k->image.path, w->from, w->to, extension_of(k, out->format));
	return 0;
}

static int check_paths(const struct clone_plan *p, struct err *err)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct clone_disk *k = &p->disks[i];
		bool there = k->path && access(k->path, F_OK) == 0;
		for (size_t o = 0; k->path && o < i; o++)
			if (str_eq(k->path, p->disks[o].path))
				return err_set(err, ERR_USAGE,
				    "disks '%s' and '%s' cannot both be '%s'",
				    p->disks[o].disk->target, k->disk->target, k->path);
		if (there && k->way != CLONE_KEEP)
			return err_set(err, ERR_EXISTS,
			    "'%s' exists; --preserve-data makes it the clone's disk as it is",
			    k->path);
		if (k->way == CLONE_KEEP && !there)
			return err_set(
			    err, ERR_NOT_FOUND, "'%s' is not there to be preserved", k->path);
	}
	return 0;
}

int clone_plan(
    const struct domain *d, const struct clone_wishes *w, struct clone_plan *p, struct err *err)
{
	unsigned used = 0;
	*p = (struct clone_plan){.disks = xcalloc(d->n_disks + 1, sizeof(*p->disks))};
	for (size_t i = 0; i < d->n_disks; i++)
		if (plan_disk(&d->disks[i], w, &used, &p->disks[p->n++], err) < 0)
			return -1;
	if (used < w->n_files)
		return err_set(err, ERR_USAGE, "%u files are given, but only %u disks are cloned",
		    w->n_files, used);
	return check_paths(p, err);
}

void clone_plan_fini(struct clone_plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->disks[i].path);
	free(p->disks);
	*p = (struct clone_plan){0};
}
