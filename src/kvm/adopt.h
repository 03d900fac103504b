/* adopt: a QEMU that somebody else started gets a supervisor. Its command line becomes a document,
 * its sockets become links in a run directory, and from then on it is a VM whose supervisor was
 * killed: the next supervisor takes it over.
 *
 * run/NAME/qmp.sock and serialN.sock are symbolic links to its own sockets, so that nothing in the
 * supervisor is special about it. The file `process`, written last, makes it count. */
#ifndef KVM_ADOPT_H
#define KVM_ADOPT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/home.h"
#include "kvm/native.h"

#define ADOPT_LINKS_MAX 16

struct adopt_link {
	char *file;   /* in the run directory: "serial0.sock" */
	char *target; /* the socket, absolute */
};

struct adopt {
	pid_t pid;
	uint64_t start; /* field 22 of /proc/PID/stat */
	char *name;
	char *definition; /* the document of its command line */
	char *live;       /* the same for this run: what is reached by a link is ours */
	struct adopt_link links[ADOPT_LINKS_MAX];
	size_t n_links;
	unsigned consoles; /* reached */
	struct buf notes;  /* sentences, a line each */
};

/* Reads the process and tries its monitor; changes nothing. name: NULL the one of its command line.
 * The error says why it cannot be adopted. adopt_fini in every case. */
int adopt_look(pid_t pid, const char *name, struct adopt *a, struct err *err);
void adopt_fini(struct adopt *a);
/* Makes the run directory. The caller holds vm_lock of a->name. */
int adopt_take(const struct home *h, const struct adopt *a, struct err *err);

#endif
