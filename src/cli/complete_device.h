/* complete_device: what a domain has that can be named on a command line: its snapshots, disks, interfaces, aliases. Read from its
 * documents; of a domain that runs, the live one. What cannot be read has nothing to offer. */
#ifndef CLI_COMPLETE_DEVICE_H
#define CLI_COMPLETE_DEVICE_H

#include <stdbool.h>

#include "cli/dispatch.h"

typedef void complete_offer(void *arg, const char *word, const char *description);

/* By the option that is to be completed ("snapshotname", "target"); domain: its name. false: nothing of a domain's belongs there. */
bool complete_device(const struct home *h, const struct verb *v, const struct verb_opt *o,
    const char *domain, complete_offer *offer, void *arg);

#endif
