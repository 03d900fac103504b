/* confine_files: what QEMU, as another user, may not open itself is opened for it: images with all that they are made of,
 * logs, device files, and handed over as descriptors. Nothing on the disk changes its owner, so nothing has to be given
 * back, whoever is killed at whatever point; and a QEMU that its guest has taken over reaches these files and no others.
 *
 * A pass over the command line that kvm/argv.h has built. Files become sets of descriptors ("/dev/fdset/N", QEMU's
 * docs: "-add-fd"), each with the access that the node needs: for what is only read, a descriptor that cannot write.
 * Where QEMU wants a plain file (a kernel), it is copied into memory when the user may not read it. Backing files that an
 * image names itself become nodes of their own. */
#ifndef KVM_CONFINE_FILES_H
#define KVM_CONFINE_FILES_H

#include "kvm/argv.h"
#include "kvm/confine.h"

struct confine_fds {
	int *fd;
	size_t n;
};

/* fd_first: the number that the first of them will have in QEMU. On failure nothing is left open. Where QEMU
 * is root as we are, the files that it writes a port's output to alone are passed (confine_log.h says why); where it is another user
 * that we are too, nothing. */
int confine_files(const struct confine *c, struct argv_out *a, int fd_first,
    struct confine_fds *fds, struct err *err);
void confine_fds_close(struct confine_fds *fds);

#endif
