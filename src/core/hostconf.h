/* hostconf: conf/hvmux.conf, what an administrator decides for all VMs (hvmux.conf(5)). Owner: whoever called
 * hostconf_load. Lines "key = value", values plain or in double quotes, "#" begins a comment. A key that is not known
 * and a value that is none are errors: a mistyped "qemu_user" must not end in QEMU running as root. */
#ifndef CORE_HOSTCONF_H
#define CORE_HOSTCONF_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/home.h"

#define HOSTCONF_FILE "hvmux.conf"

enum hostconf_cgroup { HOSTCONF_CGROUP_OFF, HOSTCONF_CGROUP_ON, HOSTCONF_CGROUP_REQUIRED };

struct hostconf {
	char *qemu_user;    /* NULL: DEFAULT_USER in system mode where it exists, else as we are */
	char *qemu_group;   /* NULL: the user's own */
	bool sandbox;       /* QEMU's seccomp filter */
	unsigned cgroup;    /* enum hostconf_cgroup */
	uint64_t max_files; /* of a QEMU: RLIMIT_NOFILE */
	uint64_t max_core;  /* bytes of a QEMU's core dump: RLIMIT_CORE */
	uint64_t hook_timeout; /* seconds that one hook may take */
	/* Of consoles' logs: */
	uint64_t log_file_size; /* bytes */
	uint64_t log_files;     /* of one console, the live one among them */
	uint64_t log_age;       /* seconds; 0 any */
	uint64_t log_total;     /* bytes, of all consoles of a VM; 0 no limit */
	uint64_t crash_records; /* kept of each VM (core/crashes.h) */
	uint64_t crash_size;    /* bytes of them */
	uint64_t crash_dumps;   /* of guests' memory, kept of each VM */
	uint64_t
	    balloon_reserve; /* bytes of the host's memory that guests' balloons leave to it; 0: they are left alone */
	uint64_t trash_days;  /* that a deleted volume is kept; 0: it is not */
	char *operator_group; /* core/access.h; NULL not said */
	char *reader_group;   /* may look at VMs and consoles and change nothing; NULL nobody */
	char *prefix_key;     /* opens the menu of an attached console; NULL not said */
	char *detach_key;     /* leaves it, besides Ctrl+]; NULL not said */
	bool
	    console_answers; /* an attached console answers the guest's questions about the terminal */
};

/* The defaults, and over them what the file says; a missing file is no error. On failure *c holds nothing. */
int hostconf_load(const struct home *h, struct hostconf *c, struct err *err);
/* The same from text; file names it in messages ("hvmux.conf:3: …"). */
int hostconf_parse(
    const char *text, size_t n, const char *file, struct hostconf *c, struct err *err);
void hostconf_fini(struct hostconf *c);

#endif
