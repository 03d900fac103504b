/* companion_fs: a folder of the host shown to the guest by virtiofsd. */
#ifndef KVM_COMPANION_FS_H
#define KVM_COMPANION_FS_H

#include <stdbool.h>

#include "core/domain.h"
#include "kvm/companion.h"

struct companion_fs {
	unsigned index;      /* among the domain's filesystems */
	const char *program; /* <binary path>; NULL: found */
	const char *source;  /* folder of the host */
	const char *cache;   /* "none", "auto", "always"; NULL virtiofsd's default */
	const char *sandbox; /* "namespace", "chroot"; NULL virtiofsd's default */
	enum domain_switch xattr, flock, posix_lock;
	unsigned threads; /* 0 virtiofsd's default */
};

/* The descriptor for QEMU's "-chardev socket,fd=", or -1. path: where the socket is bound for the moment. */
int companion_fs_start(struct companion_set *s, const struct companion_fs *f, const char *path,
    const struct companion_spec *as, struct err *err);

#endif
