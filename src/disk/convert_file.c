#include "disk/convert_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/mem.h"
#include "disk/img_create.h"
#include "disk/img_target.h"
#include "disk/qcow2_create.h"
#include "disk/qcow2_view.h"

/* Is it one of the files that are read, however far down? */
static bool is_source(struct img *const *sources, size_t n, const char *path)
{
	struct stat to, st;
	if (stat(path, &to) < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		for (const struct img *im = sources[i]; im; im = im->backing)
			if (fstat(im->file->fd, &st) == 0 && st.st_dev == to.st_dev &&
			    st.st_ino == to.st_ino)
				return true;
	return false;
}

static int open_sources(const struct convert_file *f, struct img **sources, struct err *err)
{
	for (size_t i = 0; i < f->n_sources; i++) {
		sources[i] = img_open(f->sources[i], f->source_format, f->source_flags, err);
		if (!sources[i])
			return -1;
	}
	if (f->snapshot && f->n_sources > 1)
		return err_set(err, ERR_USAGE, "No support for concatenating multiple snapshot");
	if (f->snapshot && qcow2_view(sources[0], f->snapshot, err) < 0)
		return -1;
	const char *path = img_target_path(f->target, err);
	if (!path)
		return -1;
	if (is_source(sources, f->n_sources, path))
		return err_set(err, ERR_INVALID,
		    "'%s' is read by this conversion: it cannot be its target, too", f->target);
	return 0;
}

/* --- an image that exists ---------------------------------------------------------------------------- */

static int to_existing(const struct convert_file *f, const struct convert *copy, struct err *err)
{
	CLEANUP(img_drop) struct img *im = img_open(f->target, f->format, IMG_WRITE, err);
	uint64_t bytes = convert_bytes(copy);
	if (!im)
		return -1;
	if (f->pack)
		return err_set(
		    err, ERR_UNSUPPORTED, "compressing into an image that exists is QEMU's alone");
	if (im->size < bytes)
		return err_set(err, ERR_INVALID,
		    "'%s': the output file is smaller than the input: %" PRIu64
		    " bytes do not fit into %" PRIu64,
		    f->target, bytes, im->size);
	bool raw = im->driver == &img_raw, punch = copy->sparse > 0;
	/* Raw files can be written by several threads at once. */
	struct convert_target *t = raw ? convert_target_raw(im->file, bytes, f->zeroed, punch)
	                               : convert_target_img(im, f->zeroed, punch);
	int r = convert_run(copy, t, err);
	convert_target_free(t);
	if (r == 0 && f->sync)
		r = img_flush(im, err);
	struct img *last = TAKE_PTR(im);
	return img_close(last, r == 0 ? err : NULL) < 0 ? -1 : r;
}

/* --- a fresh one -------------------------------------------------------------------------------------- */

static int fill_raw(const struct convert_file *f, const struct convert *copy,
    const struct qcow2_options *o, struct img_target *to, struct err *err)
{
	bool whole = o->prealloc != IMG_PREALLOC_OFF;
	if (disk_io_resize(to->io, o->size, err) < 0)
		return -1;
	if (whole && qcow2_create_space(to->io, 0, o->size, IMG_PREALLOC_FALLOC, err) < 0)
		return -1;
	/* What a device holds, and space that is to be written, has to be written. */
	bool zeroed =
	    f->zeroed || (!to->io->block && o->prealloc != IMG_PREALLOC_FULL && copy->sparse > 0);
	struct convert_target *t =
	    convert_target_raw(to->io, o->size, zeroed, copy->sparse > 0 && !whole);
	int r = convert_run(copy, t, err);
	convert_target_free(t);
	return r;
}

static int fill_qcow2(const struct convert_file *f, const struct convert *copy,
    const struct qcow2_options *o, struct img_target *to, struct err *err)
{
	struct qcow2_options empty = *o;
	empty.prealloc = IMG_PREALLOC_OFF;
	if (qcow2_create(&empty, to->io, NULL, err) < 0)
		return -1;
	struct qcow2_options all = *o;
	if (copy->sparse == 0 && !f->pack) /* everything is to be allocated */
		all.prealloc = IMG_PREALLOC_FULL;
	struct convert_target *t = convert_target_qcow2(to->io, NULL, &all, f->pack, err);
	int r = t ? convert_run(copy, t, err) : -1;
	convert_target_free(t);
	return r;
}

static int check_fresh(const struct convert_file *f, const struct qcow2_options *o, struct err *err)
{
	bool raw = strcmp(f->format, "raw") == 0;
	if (!raw && strcmp(f->format, "qcow2") != 0)
		return err_set(
		    err, ERR_UNSUPPORTED, "images of format '%s' are not made here", f->format);
	if (raw && f->pack)
		return err_set(err, ERR_INVALID, "Compression not supported for this file format");
	if (f->pack && o->prealloc != IMG_PREALLOC_OFF)
		return err_set(err, ERR_INVALID,
		    "Compression and preallocation not supported at the same time");
	if (o->data_file)
		return err_set(err, ERR_UNSUPPORTED,
		    "converting into an image with an external data file is QEMU's alone");
	return 0;
}

static int to_fresh(const struct convert_file *f, const struct convert *copy, struct err *err)
{
	struct img_create c = {.format = f->format, .with_size = true, .qcow2 = f->options};
	struct img_target to;
	const char *path = img_target_path(f->target, err);
	if (!f->with_size)
		c.qcow2.size = convert_bytes(copy);
	c.qcow2.size = (c.qcow2.size + IMG_SECTOR - 1) / IMG_SECTOR * IMG_SECTOR;
	if (!path || check_fresh(f, &c.qcow2, err) < 0 ||
	    img_create_prepare(f->target, &c, err) < 0 ||
	    (f->fresh ? img_target_open_fresh : img_target_open)(&to, path, err) < 0)
		return -1;
	int r = strcmp(f->format, "raw") == 0 ? fill_raw(f, copy, &c.qcow2, &to, err)
	                                      : fill_qcow2(f, copy, &c.qcow2, &to, err);
	if (r == 0)
		r = f->sync ? img_target_keep(&to, err) : img_target_name(&to, err);
	img_target_close(&to);
	return r;
}

int convert_file(const struct convert_file *f, struct err *err)
{
	CLEANUP_FREE struct img **sources = xcalloc(f->n_sources, sizeof(*sources));
	struct convert copy = f->copy;
	int r = open_sources(f, sources, err);
	copy.sources = sources;
	copy.n_sources = f->n_sources;
	copy.top_only = f->options.backing != NULL;
	if (r == 0 && convert_bytes(&copy) > IMG_SIZE_MAX)
		r = err_set(err, ERR_INVALID,
		    "what is read is larger than any disk: '%s' is not made", f->target);
	if (r == 0) {
		progress_total(copy.progress, convert_bytes(&copy));
		r = f->existing ? to_existing(f, &copy, err) : to_fresh(f, &copy, err);
	}
	for (size_t i = 0; i < f->n_sources; i++)
		img_drop(&sources[i]);
	return r;
}
