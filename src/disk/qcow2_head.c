#include "disk/qcow2_head.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/mem.h"
#include "disk/be.h"

#define V2_BYTES 72u
#define V3_BYTES 112u /* with compression_type and its padding */
#define WRITE_ALIGN 4096u
#define BACKING_NAME_MAX 1023u

static unsigned log2_of(unsigned n)
{
	return (unsigned)__builtin_ctz(n);
}

/* The fields, without the backing file's name. */
static void put_fields(const struct qcow2 *q, uint8_t *h)
{
	be32_put(h, QCOW2_MAGIC);
	be32_put(h + 4, q->version);
	be64_put(h + 8, 0);
	be32_put(h + 16, 0);
	be32_put(h + 20, q->cluster_bits);
	be64_put(h + 24, q->img->size);
	be32_put(h + 32, q->crypt_method);
	be32_put(h + 36, q->l1_entries);
	be64_put(h + 40, q->l1_offset);
	be64_put(h + 48, q->reftable_offset);
	be32_put(h + 56, q->reftable_clusters);
	be32_put(h + 60, q->n_snapshots);
	be64_put(h + 64, q->snapshots_offset);
	if (q->version < 3)
		return;
	be64_put(h + 72, q->incompatible);
	be64_put(h + 80, q->compatible);
	be64_put(h + 88, q->autoclear);
	be32_put(h + 96, log2_of(q->refcount_bits));
	be32_put(h + 100, q->header_bytes);
	if (q->header_bytes > 104)
		h[104] = (uint8_t)q->compression;
}

static void add_extension(struct buf *b, uint32_t type, const void *data, uint32_t bytes)
{
	uint8_t head[8], pad[8] = {0};
	be32_put(head, type);
	be32_put(head + 4, bytes);
	buf_add(b, head, sizeof(head));
	if (bytes)
		buf_add(b, data, bytes);
	buf_add(b, pad, -(size_t)bytes & 7);
}

static void add_extensions(const struct qcow2 *q, bool features, struct buf *b)
{
	const struct img *im = q->img;
	if (im->backing_name && im->backing_format)
		add_extension(b, QCOW2_EXT_BACKING_FORMAT, im->backing_format,
		    (uint32_t)strlen(im->backing_format));
	if (q->data_name)
		add_extension(b, QCOW2_EXT_DATA_FILE, q->data_name, (uint32_t)strlen(q->data_name));
	for (size_t i = 0; i < q->n_extensions; i++) {
		const struct qcow2_extension *x = &q->extensions[i];
		if (x->type == QCOW2_EXT_BACKING_FORMAT || x->type == QCOW2_EXT_DATA_FILE ||
		    (x->type == QCOW2_EXT_FEATURES && !features))
			continue;
		add_extension(b, x->type, x->data, x->bytes);
	}
	add_extension(b, 0, NULL, 0);
}

/* The whole, as long as it must be: the names of features are left out where there is no room for them. */
static int compose(const struct qcow2 *q, bool features, struct buf *b, struct err *err)
{
	uint32_t n = q->version < 3 ? V2_BYTES : q->header_bytes;
	CLEANUP_FREE uint8_t *h = xcalloc(1, n);
	if (n > V3_BYTES && disk_io_read(q->file, 0, h, n, err) != 0)
		return -1;
	put_fields(q, h);
	const char *name = q->img->backing_name;
	size_t length = name ? strlen(name) : 0;
	buf_clear(b);
	buf_add(b, h, n);
	add_extensions(q, features, b);
	if (name) {
		be64_put(b->data + 8, b->len);
		be32_put(b->data + 16, (uint32_t)length);
		buf_add(b, name, length);
	}
	if (b->len <= q->cluster && length <= BACKING_NAME_MAX)
		return 0;
	if (features && length <= BACKING_NAME_MAX)
		return compose(q, false, b, err);
	return err_set(err, ERR_INVALID,
	    "'%s': the name of its backing file, of %zu bytes, has no room in the header",
	    q->img->name, length);
}

int qcow2_head_write(struct qcow2 *q, struct err *err)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	if (compose(q, q->version >= 3, &b, err) != 0)
		return -1;
	size_t whole = (b.len + WRITE_ALIGN - 1) / WRITE_ALIGN * WRITE_ALIGN;
	if (whole > q->cluster)
		whole = q->cluster;
	memset(buf_reserve(&b, whole - b.len), 0, whole - b.len);
	return disk_io_write(q->file, 0, b.data, whole, err) != 0 ? err_wrap(err, "header") : 0;
}

int qcow2_head_set_backing(struct qcow2 *q, const char *name, const char *format, struct err *err)
{
	struct img *im = q->img;
	char *old_name = im->backing_name, *old_format = im->backing_format;
	im->backing_name = xstrdup0(name);
	im->backing_format = name ? xstrdup0(format) : NULL;
	int rc = qcow2_head_write(q, err);
	if (rc != 0) {
		free(im->backing_name);
		free(im->backing_format);
		im->backing_name = old_name;
		im->backing_format = old_format;
		return -1;
	}
	free(old_name);
	free(old_format);
	return disk_io_sync(q->file, err);
}

void qcow2_head_extension(struct qcow2 *q, uint32_t type, const void *data, uint32_t bytes)
{
	size_t i = 0;
	while (i < q->n_extensions && q->extensions[i].type != type)
		i++;
	if (i < q->n_extensions) {
		free(q->extensions[i].data);
		memmove(&q->extensions[i], &q->extensions[i + 1],
		    (q->n_extensions - i - 1) * sizeof(*q->extensions));
		q->n_extensions--;
	}
	if (!data)
		return;
	q->extensions = xreallocarray(q->extensions, q->n_extensions + 1, sizeof(*q->extensions));
	struct qcow2_extension *x = &q->extensions[q->n_extensions++];
	*x = (struct qcow2_extension){type, bytes, xmalloc((size_t)bytes + 1)};
	memcpy(x->data, data, bytes);
	x->data[bytes] = 0;
}
