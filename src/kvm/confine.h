/* confine: what a QEMU may: its user, its limits. Made from hvmux.conf for each start; taken on by the child between
 * fork and exec, so that QEMU never runs with more. Owner: the supervisor's start, on its stack. */
#ifndef KVM_CONFINE_H
#define KVM_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/err.h"
#include "core/home.h"
#include "core/hostconf.h"

#define CONFINE_DEFAULT_USER "hvmux-qemu"
#define CONFINE_GROUPS_MAX 64

struct confine {
	bool other_user; /* user, uid, gid, groups count: it is not who we are */
	char user[72];
	uid_t uid;
	gid_t gid;
	gid_t groups[CONFINE_GROUPS_MAX];
	size_t n_groups;
	bool no_new_privs;
	uint64_t max_files, max_core; /* RLIMIT_NOFILE, RLIMIT_CORE */
	bool lock_memory; /* no limit to what it locks: passed-through devices, <locked/> */
};

/* Only root can be another user. A configured user that does not exist is an error: QEMU does not run as root because of a
 * mistyped name. */
int confine_init(
    struct confine *c, const struct home *h, const struct hostconf *conf, struct err *err);
/* In the child, as the last thing before exec. -1 with errno: there must be no exec. */
int confine_enter(const struct confine *c);
/* May that process open the file? mode as for access(2). Asked by a child that becomes that user. */
bool confine_may(const struct confine *c, const char *path, int mode);
/* "as user hvmux-qemu", "as root: make a user hvmux-qemu, or set qemu_user in /etc/hvmux/hvmux.conf" … on the heap: for
 * logs and host-validate. */
char *confine_words(const struct confine *c, const struct home *h);

#endif
