#include "disk/qcow2.h"

#include <stdlib.h>

#include "core/mem.h"
#include "disk/be.h"
#include "disk/qcow2_cache.h"
#include "disk/qcow2_refcount.h"
#include "disk/qcow2_resize.h"
#include "disk/qcow2_write.h"

static int qcow2_probe(const uint8_t *head, size_t n, const char *name)
{
	(void)name;
	/* Version 1 is the format "qcow", which is another. */
	return n >= 8 && be32_get(head) == QCOW2_MAGIC && be32_get(head + 4) >= 2 ? 100 : 0;
}

void qcow2_snapshots_free(struct qcow2_snapshot *snapshots, uint32_t n)
{
	/* The header's count is there before they are. */
	for (uint32_t i = 0; snapshots && i < n; i++) {
		free(snapshots[i].what.id);
		free(snapshots[i].what.name);
		free(snapshots[i].extra);
	}
	free(snapshots);
}

static void qcow2_close(struct img *im)
{
	struct qcow2 *q = qcow2_of(im);
	if (!q)
		return;
	if (q->data != q->file)
		disk_io_close(q->data);
	for (size_t i = 0; i < q->n_extensions; i++)
		free(q->extensions[i].data);
	free(q->extensions);
	qcow2_snapshots_free(q->snapshots, q->n_snapshots);
	qcow2_cache_free(q->l2_cache);
	qcow2_refcount_free(q->refs);
	free(q->data_name);
	free(q->l1);
	free(q);
	im->state = NULL;
}

const struct img_driver img_qcow2 = {
    .format = DISK_QCOW2,
    .probe = qcow2_probe,
    .open = qcow2_open,
    .close = qcow2_close,
    .map = qcow2_map,
    .unpack = qcow2_unpack,
    .write = qcow2_write,
    .zero = qcow2_zero,
    .discard = qcow2_discard,
    .resize = qcow2_resize,
    .flush = qcow2_flush,
    .info = qcow2_info,
};
