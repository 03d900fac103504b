/* confine_log: a file that QEMU writes a serial port's output to, opened by us, who are root. Its name stands in a
 * definition, its folder may be somebody else's: whoever may write there must not decide what root empties or writes to.
 *
 * No folder on the way belongs to another user than root, ourselves and QEMU's, or may be written by everybody (but for one
 * with the sticky bit, /tmp); no symbolic link on the way is another user's, and the last name is none. The file is a regular one
 * that has no other name, or, where nobody else may put one there, a fifo or a character device. */
#ifndef KVM_CONFINE_LOG_H
#define KVM_CONFINE_LOG_H

#include <stdbool.h>

#include "core/err.h"
#include "kvm/confine.h"

/* path begins with '/'. Made when it is missing, emptied unless `append`. A descriptor to write, or -1. */
int confine_log_open(const struct confine *c, const char *path, bool append, struct err *err);

#endif
