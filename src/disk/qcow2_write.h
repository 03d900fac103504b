/* qcow2_write: the guest's bytes into an image: what struct img_driver asks for. Data go to the file at once, pointers
 * and counts with qcow2_flush, in order (disk/qcow2_refcount.h). After an error nothing more is written. */
#ifndef DISK_QCOW2_WRITE_H
#define DISK_QCOW2_WRITE_H

#include "disk/qcow2.h"

int qcow2_write(struct img *im, uint64_t offset, const void *buf, size_t n, struct err *err);
int qcow2_zero(struct img *im, uint64_t offset, uint64_t bytes, bool keep, struct err *err);
int qcow2_discard(struct img *im, uint64_t offset, uint64_t bytes, struct err *err);
int qcow2_flush(struct img *im, struct err *err);

/* Where bytes of the guest go, for who moves them himself: take, write all of `bytes` at `host` of q->data, use. Without
 * the last nothing points there, and the space is lost until a check. */
struct qcow2_room {
	uint64_t guest, bytes; /* as much as lies in a row: less than was asked for, perhaps */
	uint64_t host;         /* of `guest` */
	uint64_t clusters;     /* that `guest` to `guest + bytes` touches */
	bool
	    fresh; /* what the guest sees of them around these bytes is the taker's to write, too */
	bool counted; /* fresh, but the clusters were this image's own already */
};
int qcow2_room_take(
    struct qcow2 *q, uint64_t guest, uint64_t bytes, struct qcow2_room *r, struct err *err);
int qcow2_room_use(struct qcow2 *q, const struct qcow2_room *r, struct err *err);
/* As discard, but so that nothing is left in the table: what lies below shows. Whole clusters. */
int qcow2_forget(struct qcow2 *q, uint64_t offset, uint64_t bytes, struct err *err);

#endif
