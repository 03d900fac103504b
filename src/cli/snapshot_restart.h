/* snapshot_restart: a domain set back to a snapshot by a new QEMU: the one that runs is ended, the disks are set back, and the
 * guest goes on from the snapshot's memory where it has one. */
#ifndef CLI_SNAPSHOT_RESTART_H
#define CLI_SNAPSHOT_RESTART_H

#include "cli/dispatch.h"

struct snapshot_restart {
	const char *domain, *name;
	int running; /* 1 it runs afterwards, 0 it is paused, -1 as it was */
	bool force;
	const char *why; /* that it takes a new QEMU */
};

/* The exit status; everything has been printed. */
int snapshot_restart(struct cli *c, const struct snapshot_restart *r);
/* Whether that would be refused; why is printed. */
int snapshot_restart_look(struct cli *c, const struct snapshot_restart *r);
/* What that would do; refused as it itself would be. */
int snapshot_restart_words(struct cli *c, const struct snapshot_restart *r);

#endif
