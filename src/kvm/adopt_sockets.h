/* adopt_sockets: the listening Unix sockets of a process; for kvm/adopt.c. Strings returned are on
 * the heap. */
#ifndef KVM_ADOPT_SOCKETS_H
#define KVM_ADOPT_SOCKETS_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/err.h"

/* cwd: the process's folder. */
char *adopt_absolute(const char *cwd, const char *path);
/* The name of the listening socket behind descriptor number fd of the process; NULL none. */
char *adopt_socket_of_fd(pid_t pid, const char *cwd, const char *fd);
/* Is it this process that listens on the path? */
bool adopt_listens(pid_t pid, const char *cwd, const char *path);
/* Connects, waits for QMP's greeting, hangs up. ERR_BUSY: somebody else is connected. */
int adopt_try_qmp(const char *path, struct err *err);

#endif
