/* amend: what a qcow2 image says of itself, changed. Each change is seen as a whole or not at all. */
#ifndef DISK_AMEND_H
#define DISK_AMEND_H

#include "disk/qcow2.h"

/* Version 2 to 3 (compat 1.1). */
int amend_upgrade(struct qcow2 *q, struct err *err);
int amend_lazy_refcounts(struct qcow2 *q, bool on, struct err *err);
/* 1, 2, 4 … 64 bits; ERR_STATE when a count does not fit. */
int amend_refcount_bits(struct qcow2 *q, unsigned bits, struct err *err);

#endif
