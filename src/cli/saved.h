/* saved: what the verbs of saved machines share. */
#ifndef CLI_SAVED_H
#define CLI_SAVED_H

#include "cli/dispatch.h"

/* --running and --paused: 1, 0, -1 neither. ERR_USAGE: both. */
int saved_running(const struct cli *c, int *running, struct err *err);

#endif
