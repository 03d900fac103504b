#include "disk/qcow2_view.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "disk/be.h"
#include "disk/qcow2.h"

#define ID "snapshot.id="
#define NAME "snapshot.name="

struct wanted {
	char *id, *name; /* NULL: any */
};

static void wanted_fini(struct wanted *w)
{
	free(w->id);
	free(w->name);
}

/* false: it is no list, but a word. */
static bool read_list(const char *text, struct wanted *w)
{
	if (!str_prefix(text, ID) && !str_prefix(text, NAME))
		return false;
	for (const char *at = text; *at != '\0';) {
		size_t n = strcspn(at, ",");
		bool id = str_prefix(at, ID), name = str_prefix(at, NAME);
		char **to = id ? &w->id : &w->name;
		size_t skip = strlen(id ? ID : NAME);
		if ((!id && !name) || *to)
			return false;
		*to = xstrndup(at + skip, n - skip);
		at += n + (at[n] == ',');
	}
	return true;
}

static const struct qcow2_snapshot *find(const struct qcow2 *q, const char *which)
{
	CLEANUP(wanted_fini) struct wanted w = {0};
	bool list = read_list(which, &w);
	for (uint32_t i = 0; list && i < q->n_snapshots; i++)
		if ((!w.id || str_eq(q->snapshots[i].what.id, w.id)) &&
		    (!w.name || str_eq(q->snapshots[i].what.name, w.name)))
			return &q->snapshots[i];
	for (uint32_t i = 0; !list && i < q->n_snapshots; i++)
		if (str_eq(q->snapshots[i].what.id, which))
			return &q->snapshots[i];
	for (uint32_t i = 0; !list && i < q->n_snapshots; i++)
		if (str_eq(q->snapshots[i].what.name, which))
			return &q->snapshots[i];
	return NULL;
}

int qcow2_view(struct img *im, const char *which, struct err *err)
{
	if (im->driver != &img_qcow2)
		return err_set(err, ERR_UNSUPPORTED,
		    "'%s': internal snapshots of %s images are not read here", im->name,
		    disk_format_name(im->driver->format));
	struct qcow2 *q = qcow2_of(im);
	const struct qcow2_snapshot *s = find(q, which);
	if (!s)
		return err_set(err, ERR_NOT_FOUND, "Failed to load snapshot: Can't find snapshot");
	if (s->l1_entries > QCOW2_L1_BYTES_MAX / 8 || s->what.disk_size > IMG_SIZE_MAX)
		return err_set(err, ERR_INVALID,
		    "'%s': the tables of snapshot '%s' are larger than QEMU's can be", im->name,
		    which);
	CLEANUP_FREE uint64_t *l1 = xcalloc(s->l1_entries + 1u, 8);
	if (disk_io_read(q->file, s->l1_offset, l1, (size_t)s->l1_entries * 8, err) < 0)
		return err_wrap(err, "cannot read the tables of snapshot '%s'", which);
	for (uint32_t i = 0; i < s->l1_entries; i++)
		l1[i] = be64_get(&l1[i]);
	free(q->l1);
	q->l1 = TAKE_PTR(l1);
	q->l1_entries = s->l1_entries;
	im->size = s->what.disk_size;
	return 0;
}
