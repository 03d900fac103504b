/* img_qcow: QEMU's first copy-on-write format: what its header says, for IMG_INFO. Its data are not read: nobody has made
 * such images since qcow2. Big-endian; source: "The QCOW Image Format", version 1: magic, version, backing_file_offset,
 * backing_file_size, mtime, size, cluster_bits, l2_bits, padding, crypt_method, l1_table_offset. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "disk/be.h"
#include "disk/img.h"
#include "disk/img_info.h"

#define HEADER_BYTES 48u
#define BACKING_MAX 1023u /* bytes of its name */
#define CLUSTER_BITS_MIN 9u
#define CLUSTER_BITS_MAX 16u

enum { /* offsets in the header */
	AT_BACKING = 8,
	AT_BACKING_BYTES = 16,
	AT_SIZE = 24,
	AT_CLUSTER_BITS = 32,
	AT_CRYPT = 36,
};
struct qcow {
	bool encrypted;
};

static int qcow_probe(const uint8_t *head, size_t n, const char *name)
{
	(void)name;
	return n >= 8 && memcmp(head, "QFI\xfb\0\0\0\1", 8) == 0 ? 100 : 0;
}

static int read_backing(struct img *im, const uint8_t *h, struct err *err)
{
	uint64_t at = be64_get(h + AT_BACKING);
	uint32_t n = be32_get(h + AT_BACKING_BYTES);
	if (at == 0 || n == 0)
		return 0;
	if (n > BACKING_MAX)
		return err_set(err, ERR_INVALID,
		    "'%s': the name of its backing file is %" PRIu32 " bytes long, more than %u",
		    im->name, n, BACKING_MAX);
	im->backing_name = xcalloc(n + 1, 1);
	if (disk_io_read(im->file, at, im->backing_name, n, err) < 0)
		return -1;
	return strlen(im->backing_name) == n
	           ? 0
	           : err_set(err, ERR_INVALID, "'%s': the name of its backing file holds a NUL",
	                 im->name);
}

static int qcow_open(struct img *im, struct err *err)
{
	uint8_t h[HEADER_BYTES];
	if (!(im->flags & IMG_INFO))
		return err_set(err, ERR_UNSUPPORTED,
		    "'%s': images of the format 'qcow' are not read here", im->name);
	if (disk_io_read(im->file, 0, h, sizeof(h), err) < 0)
		return -1;
	if (!qcow_probe(h, sizeof(h), im->name))
		return err_set(
		    err, ERR_INVALID, "'%s' is no image of the first version of qcow", im->name);
	if (h[AT_CLUSTER_BITS] < CLUSTER_BITS_MIN || h[AT_CLUSTER_BITS] > CLUSTER_BITS_MAX)
		return err_set(err, ERR_INVALID,
		    "'%s': its clusters of 2^%u bytes are none of 2^%u to 2^%u", im->name,
		    h[AT_CLUSTER_BITS], CLUSTER_BITS_MIN, CLUSTER_BITS_MAX);
	struct qcow *q = im->state = xcalloc(1, sizeof(*q));
	q->encrypted = be32_get(h + AT_CRYPT) != 0;
	im->cluster = 1u << h[AT_CLUSTER_BITS];
	im->size = be64_get(h + AT_SIZE) & ~(uint64_t)(IMG_SECTOR - 1);
	return read_backing(im, h, err);
}

static void qcow_close(struct img *im)
{
	free(im->state);
}

static int qcow_info(const struct img *im, struct img_info *info, struct err *err)
{
	const struct qcow *q = im->state;
	(void)err;
	info->encrypted = q->encrypted;
	return 0;
}

const struct img_driver img_qcow = {
    .format = DISK_QCOW,
    .probe = qcow_probe,
    .open = qcow_open,
    .close = qcow_close,
    .info = qcow_info,
};
