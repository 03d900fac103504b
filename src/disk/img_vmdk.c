/* img_vmdk: VMware's disk images: the extents that a descriptor names, one behind the other. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/str.h"
#include "disk/img_info.h"
#include "disk/img_lock.h"
#include "disk/le.h"
#include "disk/vmdk.h"

enum extent_kind { EXTENT_FLAT, EXTENT_SPARSE, EXTENT_ZERO };
struct extent {
	enum extent_kind kind;
	const char *type;     /* in the info: VMDK's word; "" inside of the descriptor's file */
	struct disk_io *file; /* NULL of zeroes; the image's own: not ours to close */
	uint64_t at, bytes;   /* of the guest */
	uint64_t host;        /* flat: where in the file */
	struct vmdk_sparse sparse;
};
struct vmdk {
	struct vmdk_descriptor descriptor;
	struct extent *extents;
	size_t n_extents, current; /* current: the one that was looked into last */
	struct block_table table;
	bool parent_checked;
};

static int vmdk_probe(const uint8_t *head, size_t n, const char *name)
{
	(void)name;
	if (n >= 4 && (le32_get(head) == VMDK_SPARSE_MAGIC || le32_get(head) == VMDK_COWD_MAGIC))
		return 100;
	return vmdk_descriptor_probe(head, n) ? 100 : 0;
}

/* --- the files of extents -------------------------------------------------------------------------- */

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	CLEANUP_FREE char *folder =
	    !slash ? xstrdup(".") : xstrndup(path, (size_t)(slash - path) + 1);
	return realpath(folder, NULL);
}

/* A descriptor comes from somebody else, and what it names becomes the guest's disk: a name that leads out of the
 * descriptor's folder, by "..", from the root or over a link, would show any file of the host to its maker. */
static int check_place(const char *image, const char *name, const char *real, struct err *err)
{
	CLEANUP_FREE char *folder = folder_of(image),
	                  *shown = str_printable(name, strlen(name), 200);
	size_t n = folder ? strlen(folder) : 0;
	if (n > 0 && strncmp(real, folder, n) == 0 && (real[n] == '/' || n == 1))
		return 0;
	return err_set(err, ERR_DENIED,
	    "'%s': its extent '%s' lies outside of its folder, as a hostile image would have it to read the "
	    "host's files: if you trust it, put both into one folder and correct the name in the descriptor",
	    image, shown);
}

static char *extent_path(const char *image, const char *name, struct err *err)
{
	const char *slash = strrchr(image, '/');
	CLEANUP_FREE char *path = name[0] == '/' || !slash
	                              ? xstrdup(name)
	                              : xasprintf("%.*s/%s", (int)(slash - image), image, name);
	CLEANUP_FREE char *real = realpath(path, NULL),
	                  *shown = str_printable(path, strlen(path), 200);
	if (!real) {
		err_errno(err, errno, "'%s': cannot find its extent '%s'", image, shown);
		return NULL;
	}
	return check_place(image, name, real, err) < 0 ? NULL : TAKE_PTR(path);
}

/* Opened, it must still be what was looked at: a link may have come in between. */
static struct disk_io *open_extent_file(const struct img *im, const char *name, struct err *err)
{
	const char *image = im->name;
	char link[64], real[PATH_MAX];
	CLEANUP_FREE char *path = extent_path(image, name, err);
	struct disk_io *file = path ? disk_io_open(path, 0, err) : NULL;
	if (!file)
		return NULL;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", file->fd);
	ssize_t n = readlink(link, real, sizeof(real) - 1);
	if (n > 0) {
		real[n] = '\0';
		/* QEMU holds its locks on the extents, too. */
		if (check_place(image, name, real, err) == 0 &&
		    img_lock_for(file, im->flags, false, err) == 0)
			return file;
	} else {
		err_errno(err, errno, "cannot read '%s'", link);
	}
	disk_io_close(file);
	return NULL;
}

/* --- opening --------------------------------------------------------------------------------------- */

static const struct {
	const char *word;
	enum extent_kind kind;
} types[] = {
    {"FLAT", EXTENT_FLAT}, {"VMFS", EXTENT_FLAT}, {"SPARSE", EXTENT_SPARSE}, {"ZERO", EXTENT_ZERO}};

static int open_flat(
    const struct img *im, struct extent *x, const struct vmdk_line *line, struct err *err)
{
	x->host = line->offset * IMG_SECTOR;
	if (x->host <= x->file->size && x->bytes <= x->file->size - x->host)
		return 0;
	return err_set(err, ERR_INVALID,
	    "'%s': its extent '%s' should have %" PRIu64 " bytes from offset %" PRIu64
	    ", but has %" PRIu64 " in all",
	    im->name, x->file->path, x->bytes, x->host, x->file->size);
}

static int open_sparse(const struct img *im, struct extent *x, struct err *err)
{
	if (vmdk_sparse_open(x->file, &x->sparse, err) < 0)
		return -1;
	if (x->sparse.sectors >= x->bytes / IMG_SECTOR)
		return 0;
	return err_set(err, ERR_INVALID,
	    "'%s': its extent '%s' should have %" PRIu64 " sectors, but has %" PRIu64, im->name,
	    x->file->path, x->bytes / IMG_SECTOR, x->sparse.sectors);
}

static int open_extent(
    const struct img *im, struct extent *x, const struct vmdk_line *line, struct err *err)
{
	size_t i = 0;
	while (i < ARRAY_LEN(types) && strcasecmp(line->type, types[i].word) != 0)
		i++;
	CLEANUP_FREE char *shown = str_printable(line->type, strlen(line->type), 40);
	if (strcasecmp(line->access, "NOACCESS") == 0)
		return err_set(err, ERR_INVALID,
		    "'%s': one of its extents may not be read (NOACCESS)", im->name);
	if (i == ARRAY_LEN(types))
		return err_set(err, ERR_UNSUPPORTED,
		    "'%s': VMDK extents of type %s are not read here", im->name, shown);
	x->kind = types[i].kind;
	x->type = types[i].word;
	if (x->kind == EXTENT_ZERO)
		return 0;
	x->file = open_extent_file(im, line->name, err);
	if (!x->file)
		return -1;
	return x->kind == EXTENT_FLAT ? open_flat(im, x, line, err) : open_sparse(im, x, err);
}

/* All places first: a name that must not be opened is told before anything else is wrong, and so never handed on. */
static int check_places(const struct img *im, const struct vmdk_descriptor *d, struct err *err)
{
	for (size_t i = 0; i < d->n_lines; i++) {
		if (strcasecmp(d->lines[i].type, "ZERO") == 0)
			continue;
		CLEANUP_FREE char *path = extent_path(im->name, d->lines[i].name, err);
		if (!path)
			return -1;
	}
	return 0;
}

static int open_extents(struct img *im, struct vmdk *v, struct err *err)
{
	const struct vmdk_descriptor *d = &v->descriptor;
	if (d->n_lines == 0)
		return err_set(
		    err, ERR_INVALID, "'%s': a VMDK descriptor that names no extent", im->name);
	if (check_places(im, d, err) < 0)
		return -1;
	v->extents = xcalloc(d->n_lines, sizeof(*v->extents));
	for (size_t i = 0; i < d->n_lines; i++) {
		struct extent *x = &v->extents[v->n_extents++];
		x->at = im->size;
		x->bytes = d->lines[i].sectors * IMG_SECTOR;
		if (x->bytes > IMG_SIZE_MAX - im->size)
			return err_set(
			    err, ERR_INVALID, "'%s': no disk is as large as its extents", im->name);
		if (open_extent(im, x, &d->lines[i], err) < 0)
			return -1;
		im->size += x->bytes;
	}
	return 0;
}

static int read_descriptor(
    struct img *im, struct vmdk *v, uint64_t at, uint64_t bytes, struct err *err)
{
	CLEANUP_FREE char *text = xmalloc((size_t)bytes + 1);
	if (disk_io_read(im->file, at, text, (size_t)bytes, err) < 0)
		return -1;
	return vmdk_descriptor_parse(text, (size_t)bytes, im->name, &v->descriptor, err);
}

static int open_text(struct img *im, struct vmdk *v, struct err *err)
{
	if (im->file->size > VMDK_DESCRIPTOR_MAX)
		return err_set(err, ERR_INVALID, "'%s': a VMDK descriptor of more than %u bytes",
		    im->name, VMDK_DESCRIPTOR_MAX);
	return read_descriptor(im, v, 0, im->file->size, err) < 0 ? -1 : open_extents(im, v, err);
}

/* A sparse extent that holds its own descriptor; without a capacity, the descriptor is all it holds. */
static int open_monolithic(struct img *im, struct vmdk *v, struct err *err)
{
	struct vmdk_sparse s;
	if (vmdk_sparse_open(im->file, &s, err) < 0)
		return -1;
	if (s.descriptor_at > 0 &&
	    read_descriptor(im, v, s.descriptor_at, s.descriptor_bytes, err) < 0)
		return -1;
	if (s.descriptor_at == 0)
		v->descriptor.parent_cid = VMDK_NO_PARENT;
	if (s.sectors == 0)
		return open_extents(im, v, err);
	v->extents = xcalloc(1, sizeof(*v->extents));
	v->n_extents = 1;
	im->size = s.sectors * IMG_SECTOR;
	v->extents[0] = (struct extent){
	    .kind = EXTENT_SPARSE, .type = "", .file = im->file, .bytes = im->size, .sparse = s};
	return 0;
}

static int name_parent(struct img *im, const struct vmdk *v, struct err *err)
{
	const struct vmdk_descriptor *d = &v->descriptor;
	if (d->parent_cid == VMDK_NO_PARENT)
		return 0;
	if (!d->parent || !*d->parent)
		return err_set(
		    err, ERR_INVALID, "'%s' has a parent, but does not name its file", im->name);
	im->backing_name = xstrdup(d->parent);
	im->backing_format = xstrdup("vmdk");
	return 0;
}

static int vmdk_open(struct img *im, struct err *err)
{
	uint8_t head[4] = {0};
	if (disk_io_read_padded(im->file, 0, head, sizeof(head), err) < 0)
		return -1;
	struct vmdk *v = im->state = xcalloc(1, sizeof(*v));
	if (le32_get(head) == VMDK_COWD_MAGIC)
		return err_set(err, ERR_UNSUPPORTED,
		    "'%s': an ESX COW disk, which is not read here", im->name);
	int r = le32_get(head) == VMDK_SPARSE_MAGIC ? open_monolithic(im, v, err)
	                                            : open_text(im, v, err);
	if (r < 0 || name_parent(im, v, err) < 0)
		return -1;
	im->cluster = v->extents[0].kind == EXTENT_SPARSE ? v->extents[0].sparse.grain : 0;
	return 0;
}

static void vmdk_close(struct img *im)
{
	struct vmdk *v = im->state;
	if (!v)
		return;
	for (size_t i = 0; i < v->n_extents; i++)
		if (v->extents[i].file != im->file)
			disk_io_close(v->extents[i].file);
	free(v->extents);
	vmdk_descriptor_fini(&v->descriptor);
	block_table_fini(&v->table);
	free(v);
}

/* --- looking up ------------------------------------------------------------------------------------ */

static struct extent *find_extent(struct vmdk *v, uint64_t offset)
{
	size_t low = 0, high = v->n_extents - 1;
	while (low < high) {
		size_t middle = low + (high - low + 1) / 2;
		if (v->extents[middle].at <= offset)
			low = middle;
		else
			high = middle - 1;
	}
	v->current = low;
	return &v->extents[low];
}

static int lookup(struct img *im, uint64_t number, struct block *b, struct err *err)
{
	struct vmdk *v = im->state;
	const struct extent *x = &v->extents[v->current];
	return vmdk_sparse_lookup(im, &x->sparse, x->file, &v->table, number, b, err);
}

/* What was not written here since the parent was left alone is the parent's, unless that went on by itself. */
static int check_parent(const struct img *im, struct vmdk *v, struct err *err)
{
	if (v->parent_checked || !im->backing || im->backing->driver != &img_vmdk)
		return 0;
	const struct vmdk *parent = im->backing->state;
	v->parent_checked = true;
	if (parent->descriptor.cid == v->descriptor.parent_cid)
		return 0;
	return err_set(err, ERR_INVALID,
	    "'%s': its parent '%s' was changed since: its CID is %08x, not %08x", im->name,
	    im->backing->name, parent->descriptor.cid, v->descriptor.parent_cid);
}

static int vmdk_map(
    struct img *im, uint64_t offset, uint64_t bytes, struct img_extent *e, struct err *err)
{
	struct vmdk *v = im->state;
	if (check_parent(im, v, err) < 0)
		return -1;
	const struct extent *x = find_extent(v, offset);
	uint64_t in = offset - x->at;
	bytes = bytes < x->bytes - in ? bytes : x->bytes - in;
	if (x->kind == EXTENT_SPARSE) {
		if (block_table_map(im, x->sparse.grain, lookup, in, bytes, e, err) < 0)
			return -1;
		e->offset += x->at;
		if (e->kind == IMG_PACKED)
			e->packed_start += x->at;
		return 0;
	}
	*e = (struct img_extent){.offset = offset, .bytes = bytes, .kind = IMG_ZERO};
	if (x->kind == EXTENT_ZERO)
		return 0;
	e->kind = IMG_DATA;
	e->hosted = true;
	e->host = x->host + in;
	e->file = x->file;
	return block_table_holes(e, err);
}

static int vmdk_unpack(const struct img *im, const struct img_extent *e, uint64_t offset, void *buf,
    size_t n, struct err *err)
{
	const struct vmdk *v = im->state;
	bool markers = false;
	for (size_t i = 0; i < v->n_extents; i++)
		if (v->extents[i].file == e->file)
			markers = v->extents[i].sparse.markers;
	return vmdk_sparse_unpack(e, markers, offset - e->packed_start, buf, n, err);
}

static int vmdk_info(const struct img *im, struct img_info *info, struct err *err)
{
	const struct vmdk *v = im->state;
	(void)err;
	info->vmdk_type =
	    xstrdup(v->descriptor.create_type ? v->descriptor.create_type : "monolithicSparse");
	info->vmdk_cid = v->descriptor.cid;
	info->vmdk_parent_cid = v->descriptor.parent_cid;
	info->parts = xcalloc(v->n_extents, sizeof(*info->parts));
	info->n_parts = v->n_extents;
	for (size_t i = 0; i < v->n_extents; i++) {
		const struct extent *x = &v->extents[i];
		info->parts[i] =
		    (struct img_part){.filename = xstrdup(x->file ? x->file->path : ""),
		        .format = x->type,
		        .virtual_size = x->bytes,
		        .cluster = x->kind == EXTENT_SPARSE ? x->sparse.grain : 0,
		        .compressed = x->kind == EXTENT_SPARSE && x->sparse.packed};
		if (x->file && x->file != im->file)
			info->actual_size += disk_io_allocated(x->file);
	}
	return 0;
}

const struct img_driver img_vmdk = {
    .format = DISK_VMDK,
    .probe = vmdk_probe,
    .open = vmdk_open,
    .close = vmdk_close,
    .map = vmdk_map,
    .unpack = vmdk_unpack,
    .info = vmdk_info,
};
