/* restore: a domain that is off is started from a saved machine or from a snapshot with its memory; one that runs is ended first where that is
 * asked for. */
#ifndef CLI_RESTORE_H
#define CLI_RESTORE_H

#include "cli/dispatch.h"
#include "core/snapshot.h"

/* From a saved machine's file, whose document names the domain; one that is not defined is defined by it. xml NULL: the saved
 * document. running: 1, 0, -1 as it was. ERR_BUSY: it runs. */
int restore_file(struct cli *c, const char *path, const char *xml, int running, struct err *err);
/* From a snapshot that has the guest's memory, inside of the images or in a file; the disks are set back to it already, s->domain
 * is the document to run with. */
int restore_snapshot(
    struct cli *c, const char *name, const struct snapshot *s, int running, struct err *err);
/* Ends the domain when it runs, and waits until it has. */
int restore_end(struct cli *c, const char *name, struct err *err);

#endif
