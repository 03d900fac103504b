/* secret: how a password reaches QEMU without anybody else being able to read it: in a file without a name
 * (memfd), sealed, whose descriptor only QEMU inherits. Never on a command line, in a log, in a file of
 * the run directory. */
#ifndef KVM_SECRET_H
#define KVM_SECRET_H

#include <stddef.h>

#include "core/err.h"

/* A descriptor, close-on-exec, of a file with these bytes. Its mode lets the user read it whom QEMU runs as, by
 * /proc/self/fd/N: others have no way to it. -1 on failure. */
int secret_memfd(const char *name, const void *data, size_t n, struct err *err);
/* Wipes and frees; NULL is fine. */
void secret_free(char *text);

#endif
