/* sock: Unix stream sockets whose path may be longer than sun_path: bound and connected through
 * /proc/self/fd/DIRFD/BASENAME. All descriptors are close-on-exec and non-blocking. */
#ifndef CORE_SOCK_H
#define CORE_SOCK_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/err.h"

/* Removes what has that name (a stale socket; never a folder), binds, listens (backlog 64), mode as given. Returns the
 * descriptor or -1. */
int sock_listen(const char *path, mode_t mode, struct err *err);
/* Connects without waiting: a full backlog is ERR_TIMEOUT; no socket or nobody behind it is
 * ERR_NOT_FOUND. */
int sock_connect(const char *path, struct err *err);
/* Who is at the other end (SO_PEERCRED). */
int sock_peer(int fd, uid_t *uid, pid_t *pid);
/* Is the group among those of the peer, primary or supplementary? */
bool sock_peer_in_group(int fd, gid_t gid);

#endif
