/* The header and the tables that it points to, checked against the file and QEMU's limits. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config.h"
#include "core/mem.h"
#include "core/str.h"
#include "disk/be.h"
#include "disk/img_lock.h"
#include "disk/qcow2.h"
#include "disk/qcow2_cache.h"

#define HEADER_V2_BYTES 72u
#define HEADER_V3_BYTES 104u
#define HEADER_COMPRESSION 104u /* where that byte is, in headers that are longer */
#define HEADER_READ 112u        /* all that we know */
#define BACKING_NAME_MAX 1023u
#define EXTENSIONS_READ 4096u /* at first: what images have that nobody made to annoy */
#define SUBCLUSTERS_CLUSTER_BITS_MIN 14u
#define CRYPT_LUKS 2u

static int invalid(const struct qcow2 *q, struct err *err, const char *what)
{
	return err_set(
	    err, ERR_INVALID, "'%s' is no qcow2 image that can be read: %s", q->file->path, what);
}

int qcow2_check_table(const struct qcow2 *q, uint64_t offset, uint64_t entries, uint64_t each,
    uint64_t bytes_max, const char *what, struct err *err)
{
	if (entries > bytes_max / each)
		return err_set(err, ERR_INVALID,
		    "'%s': its %s has %" PRIu64 " entries, more than %" PRIu64, q->file->path, what,
		    entries, bytes_max / each);
	if (entries > 0 && (offset % q->cluster != 0 || offset > INT64_MAX - entries * each))
		return err_set(err, ERR_INVALID, "'%s': its %s cannot be at offset %" PRIu64,
		    q->file->path, what, offset);
	return 0;
}

/* --- the header ------------------------------------------------------------------------------------ */
static void read_fields(struct qcow2 *q, const uint8_t *h)
{
	q->version = be32_get(h + 4);
	q->cluster_bits = be32_get(h + 20);
	q->crypt_method = be32_get(h + 32);
	q->l1_entries = be32_get(h + 36);
	q->l1_offset = be64_get(h + 40);
	q->reftable_offset = be64_get(h + 48);
	q->reftable_clusters = be32_get(h + 56);
	q->n_snapshots = be32_get(h + 60);
	q->snapshots_offset = be64_get(h + 64);
	q->header_bytes = HEADER_V2_BYTES;
	q->refcount_bits = 16;
	if (q->version < 3)
		return;
	q->incompatible = be64_get(h + 72);
	q->compatible = be64_get(h + 80);
	q->autoclear = be64_get(h + 88);
	q->refcount_bits = be32_get(h + 96) > 6 ? 0 : 1u << be32_get(h + 96);
	q->header_bytes = be32_get(h + 100);
	if (q->header_bytes > HEADER_COMPRESSION)
		q->compression = h[HEADER_COMPRESSION];
}

static int check_fields(struct qcow2 *q, struct err *err)
{
	if (q->version < 2 || q->version > 3)
		return err_set(err, ERR_UNSUPPORTED,
		    "'%s' is a qcow2 image of version %u; known are 2 and 3", q->file->path,
		    q->version);
	if (q->cluster_bits < QCOW2_CLUSTER_BITS_MIN || q->cluster_bits > QCOW2_CLUSTER_BITS_MAX)
		return err_set(err, ERR_INVALID,
		    "'%s': its clusters of 2^%u bytes are none of 2^%u to 2^%u", q->file->path,
		    q->cluster_bits, QCOW2_CLUSTER_BITS_MIN, QCOW2_CLUSTER_BITS_MAX);
	q->cluster = 1ull << q->cluster_bits;
	if (q->refcount_bits == 0)
		return invalid(q, err, "reference counts are wider than 64 bits");
	if (q->version >= 3 && (q->header_bytes < HEADER_V3_BYTES || q->header_bytes % 8 != 0 ||
	                           q->header_bytes > q->cluster))
		return invalid(q, err, "the length of its header is wrong");
	if (q->crypt_method > CRYPT_LUKS)
		return invalid(q, err, "it is encrypted by a method that nobody knows");
	return 0;
}

/* What the image itself calls the bit, from its table of names (spec., "Feature name table"). */
static void name_feature(const struct qcow2 *q, unsigned bit, char *name, size_t size)
{
	snprintf(name, size, "bit %u", bit);
	for (size_t i = 0; i < q->n_extensions; i++) {
		const struct qcow2_extension *x = &q->extensions[i];
		for (uint32_t at = 0; x->type == QCOW2_EXT_FEATURES && at + 48 <= x->bytes;
		     at += 48)
			if (x->data[at] == 0 && x->data[at + 1] == bit) {
				CLEANUP_FREE char *text = str_printable((char *)x->data + at + 2,
				    strnlen((char *)x->data + at + 2, 46), 46);
				snprintf(name, size, "%s", text);
				return;
			}
	}
}

static int check_features(struct qcow2 *q, struct err *err)
{
	uint64_t unknown = q->incompatible & ~(uint64_t)QCOW2_INCOMPATIBLE_KNOWN;
	char name[64];
	if (unknown) {
		name_feature(q, (unsigned)__builtin_ctzll(unknown), name, sizeof(name));
		return err_set(err, ERR_UNSUPPORTED,
		    "'%s' needs a feature of qcow2 that is not known here: %s", q->file->path,
		    name);
	}
	bool said = q->incompatible & QCOW2_COMPRESSION;
	if (said != (q->compression != QCOW2_ZLIB))
		return invalid(q, err, "it contradicts itself about how clusters are compressed");
	if (q->compression > QCOW2_ZSTD)
		return err_set(err, ERR_UNSUPPORTED,
		    "'%s': its clusters are compressed by method %u; known are 0 (zlib) and 1 (zstd)",
		    q->file->path, q->compression);
	bool subclusters = q->incompatible & QCOW2_EXTENDED_L2;
	if (subclusters && q->cluster_bits < SUBCLUSTERS_CLUSTER_BITS_MIN)
		return invalid(q, err, "its clusters are too small for extended L2 entries");
	q->l2_entry_bytes = subclusters ? 16 : 8;
	q->l2_bits = q->cluster_bits - (subclusters ? 4 : 3);
	return 0;
}

static int read_backing_name(struct qcow2 *q, const uint8_t *h, struct err *err)
{
	uint64_t offset = be64_get(h + 8);
	uint32_t n = be32_get(h + 16);
	char name[BACKING_NAME_MAX + 1] = {0};
	if (offset == 0)
		return 0;
	if (n > BACKING_NAME_MAX || offset > q->cluster || n > q->cluster - offset)
		return invalid(q, err, "the name of its backing file is too long or out of place");
	if (n == 0)
		return 0;
	if (disk_io_read(q->file, offset, name, n, err) < 0)
		return -1;
	if (strlen(name) != n)
		return invalid(q, err, "the name of its backing file holds a NUL");
	q->img->backing_name = xstrdup(name);
	return 0;
}

/* --- header extensions ----------------------------------------------------------------------------- */
/* The next one at `at`; 1, 0: the end, -1 with an error. */
static int next_extension(const struct qcow2 *q, const uint8_t *area, uint64_t at, uint64_t end,
    struct qcow2_extension *x, struct err *err)
{
	if (at + 8 > end || be32_get(area + at) == 0)
		return 0;
	x->type = be32_get(area + at);
	x->bytes = be32_get(area + at + 4);
	if (x->bytes > end - at - 8)
		return err_set(err, ERR_INVALID,
		    "'%s': the header extension 0x%08" PRIx32 " at offset %" PRIu64 " is %" PRIu32
		    " bytes long, which leaves the header",
		    q->file->path, x->type, at, x->bytes);
	return 1;
}

static int keep_extensions(struct qcow2 *q, const uint8_t *area, uint64_t end, struct err *err)
{
	struct qcow2_extension x;
	int more;
	for (uint64_t at = q->header_bytes; (more = next_extension(q, area, at, end, &x, err)) > 0;
	     at += 8 + (((uint64_t)x.bytes + 7) & ~7ull)) {
		x.data = xmalloc((size_t)x.bytes + 1);
		memcpy(x.data, area + at + 8, x.bytes);
		x.data[x.bytes] = '\0';
		q->extensions =
		    xreallocarray(q->extensions, q->n_extensions + 1, sizeof(*q->extensions));
		q->extensions[q->n_extensions++] = x;
	}
	return more;
}

static void forget_extensions(struct qcow2 *q)
{
	while (q->n_extensions > 0)
		free(q->extensions[--q->n_extensions].data);
}

/* They end before the backing file's name, at the end of the first cluster at the latest. */
static int read_extensions(struct qcow2 *q, uint64_t name_offset, struct err *err)
{
	uint64_t end = name_offset && name_offset < q->cluster ? name_offset : q->cluster;
	uint64_t n = end < EXTENSIONS_READ ? end : EXTENSIONS_READ;
	if (end < q->header_bytes)
		return 0;
	for (;;) {
		CLEANUP_FREE uint8_t *area = xmalloc(n);
		if (disk_io_read_padded(q->file, 0, area, n, err) < 0)
			return -1;
		struct err why = {0};
		int done = keep_extensions(q, area, n, &why);
		/* Whole when the end was seen in front of what was not read. */
		uint64_t last = q->header_bytes;
		for (size_t i = 0; i < q->n_extensions; i++)
			last += 8 + (((uint64_t)q->extensions[i].bytes + 7) & ~7ull);
		if (n == end && done < 0)
			return err_set(err, why.code, "%s", why.msg);
		if (n == end || (done == 0 && last + 8 <= n))
			return 0;
		forget_extensions(q);
		n = end;
	}
}

const struct qcow2_extension *qcow2_extension_find(const struct qcow2 *q, uint32_t type)
{
	for (size_t i = 0; i < q->n_extensions; i++)
		if (q->extensions[i].type == type)
			return &q->extensions[i];
	return NULL;
}

/* A string of an extension on the heap; NULL there is none. */
static char *extension_text(const struct qcow2 *q, uint32_t type)
{
	const struct qcow2_extension *x = qcow2_extension_find(q, type);
	return x && x->bytes > 0 ? xstrndup((char *)x->data, x->bytes) : NULL;
}

/* --- what else the header points to ---------------------------------------------------------------- */
static int open_data_file(struct qcow2 *q, unsigned flags, struct err *err)
{
	struct stat a, b;
	q->data = q->file;
	if (!(q->incompatible & QCOW2_DATA_FILE))
		return q->autoclear & QCOW2_AUTOCLEAR_RAW
		           ? invalid(q, err, "it speaks of raw external data, but has none")
		           : 0;
	q->data_name = extension_text(q, QCOW2_EXT_DATA_FILE);
	if (flags & IMG_INFO)
		return 0;
	if (!q->data_name)
		return invalid(
		    q, err, "its data are in another file, of which it does not tell the name");
	CLEANUP_FREE char *path = img_resolve(q->img->name, q->data_name);
	if (!path)
		return err_set(err, ERR_UNSUPPORTED, "'%s': its data are in '%s', which is no file",
		    q->file->path, q->data_name);
	q->data = disk_io_open(path,
	    (flags & IMG_WRITE ? DISK_IO_WRITE : 0) | (flags & IMG_DIRECT ? DISK_IO_DIRECT : 0),
	    err);
	if (!q->data)
		return err_wrap(err, "cannot open the data file of '%s'", q->file->path);
	if (fstat(q->file->fd, &a) == 0 && fstat(q->data->fd, &b) == 0 && a.st_dev == b.st_dev &&
	    a.st_ino == b.st_ino)
		return invalid(q, err, "it names itself as the file of its data");
	return img_lock_for(q->data, flags, false, err);
}

/* How many entries of the L1 table the guest's disk needs; more than there can be when it is too large. */
static uint64_t l1_needed(const struct qcow2 *q)
{
	unsigned shift = q->cluster_bits + q->l2_bits;
	return (q->img->size >> shift) + ((q->img->size & ((1ull << shift) - 1)) != 0);
}

static int check_tables(struct qcow2 *q, unsigned flags, struct err *err)
{
	if (qcow2_check_table(
	        q, q->l1_offset, q->l1_entries, 8, QCOW2_L1_BYTES_MAX, "active L1 table", err) < 0)
		return -1;
	if (l1_needed(q) > QCOW2_L1_BYTES_MAX / 8)
		return invalid(q, err, "its disk is larger than its tables could be");
	if (q->l1_entries < l1_needed(q) && !(flags & IMG_REPAIR))
		return invalid(q, err, "its L1 table is too small for its disk");
	if (flags & IMG_REPAIR)
		return 0;
	if (q->reftable_clusters == 0)
		return invalid(
		    q, err, "it has no table of reference counts; 'img check' knows more");
	return qcow2_check_table(q, q->reftable_offset, q->reftable_clusters, q->cluster,
	    QCOW2_REFTABLE_BYTES_MAX, "table of reference counts", err);
}

static int read_l1(struct qcow2 *q, struct err *err)
{
	size_t n = q->l1_entries;
	q->l1 = xcalloc(n ? n : 1, 8);
	if (disk_io_read(q->file, q->l1_offset, q->l1, n * 8, err) < 0)
		return err_wrap(err, "cannot read the L1 table");
	for (size_t i = 0; i < n; i++)
		q->l1[i] = be64toh(q->l1[i]);
	return 0;
}

static int check_state(const struct qcow2 *q, unsigned flags, struct err *err)
{
	if (!(flags & IMG_INFO) && q->crypt_method != 0)
		return err_set(err, ERR_UNSUPPORTED,
		    "'%s' is encrypted, and keys are not handled here", q->file->path);
#ifndef HAVE_LIBZSTD
	if (!(flags & IMG_INFO) && q->compression == QCOW2_ZSTD)
		return err_set(err, ERR_UNSUPPORTED,
		    "'%s' is compressed with zstd, without which this program was built",
		    q->file->path);
#endif
	if ((flags & IMG_WRITE) && !(flags & IMG_REPAIR) && (q->incompatible & QCOW2_CORRUPT))
		return err_set(err, ERR_STATE,
		    "'%s' is marked corrupt: nothing is written to it before 'img check -r all'",
		    q->file->path);
	return 0;
}

static int load(struct qcow2 *q, const uint8_t *h, unsigned flags, struct err *err)
{
	read_fields(q, h);
	if (check_fields(q, err) < 0)
		return -1;
	q->img->size = be64_get(h + 24) & ~(uint64_t)(IMG_SECTOR - 1);
	q->img->cluster = (uint32_t)q->cluster;
	if (read_extensions(q, be64_get(h + 8), err) < 0 || check_features(q, err) < 0 ||
	    read_backing_name(q, h, err) < 0)
		return -1;
	q->img->backing_format =
	    q->img->backing_name ? extension_text(q, QCOW2_EXT_BACKING_FORMAT) : NULL;
	if (check_tables(q, flags, err) < 0 || check_state(q, flags, err) < 0 ||
	    open_data_file(q, flags, err) < 0 || qcow2_snapshots_load(q, err) < 0)
		return -1;
	if (flags & IMG_INFO)
		return 0;
	q->l2_cache = qcow2_cache_new(q->file, q->cluster);
	return read_l1(q, err);
}

int qcow2_open(struct img *im, struct err *err)
{
	uint8_t h[HEADER_READ] = {0};
	struct qcow2 *q = im->state = xcalloc(1, sizeof(*q));
	q->img = im;
	q->file = q->data = im->file;
	if (im->file->size < HEADER_V2_BYTES)
		return invalid(q, err, "it is shorter than a header");
	if (disk_io_read_padded(im->file, 0, h, sizeof(h), err) < 0)
		return -1;
	if (be32_get(h) != QCOW2_MAGIC)
		return invalid(q, err, "it does not begin as one does; is it raw?");
	/* The count belongs to what is loaded: close frees that. */
	return load(q, h, im->flags, err);
}
