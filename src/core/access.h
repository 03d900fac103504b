/* access: who besides root may do what with root's VMs: the groups of hvmux.conf. Members of operator_group may what root
 * may ask of a VM that runs; members of reader_group may look at VMs and consoles. In system mode operator_group is
 * "hvmux" where it exists; elsewhere, when root has said so. */
#ifndef CORE_ACCESS_H
#define CORE_ACCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/home.h"

enum access_right { ACCESS_NONE, ACCESS_READ, ACCESS_OPERATE };

struct access {
	bool operators, readers; /* the group is there */
	gid_t operator_gid, reader_gid;
};

/* Read once for a home and kept: a process has one home. A file that cannot be read gives nobody anything. */
const struct access *access_get(const struct home *h);
/* Of who is at the other end of a socket: root and our own user, and the groups of the home that was asked for last.
 * By SO_PEERCRED and SO_PEERGROUPS: what the kernel remembers of the peer when it connected. */
enum access_right access_of_peer(int fd);
/* Lets readers at the file with these bits (r=4, w=2, x=1) by an ACL, after its mode is set; takes it back where there
 * are no readers. A failure is logged. */
void access_let_readers(const struct access *a, const char *path, unsigned bits);

#endif
