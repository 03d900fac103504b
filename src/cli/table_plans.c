/* The verbs of plans. */
#include "cli/table_impl.h"

OPTS(domjobabort) = {
    DOMAIN_ONE,
    FLAG("postcopy", "refused: of migrations to another host"),
    {0},
};
OPTS(check_live) = {DOMAIN_ONE, JSON, {0}};
OPTS(plan_show) = {DOMAIN_ONE, JSON, {0}};

VERB(domjobabort) = {NAMES(domjobabort, "domjobabort"), .family = "Plans",
    .summary = "cancel what is being changed about a running domain",
    .flags = VERB_DISRUPTS | VERB_LIVE | VERB_VIRSH,
    .losses = "what was done of it: it is taken back",
    .text =
        "What was done of it is taken back, step by step. Near its end there may be no way back: it is refused then, and the plan "
        "goes on. plan-show shows where it stands."};

VERB(plan_show) = {NAMES(plan_show, "plan-show"), .family = "Plans",
    .summary = "show what is being changed about a running domain, step by step",
    .flags = VERB_READS | VERB_LIVE,
    .text =
        "Hot-plug, snapshots, saving and work on images are plans: steps, each with what undoes it. An x stands before a step that is "
        "done, > before the one that goes on, < before the one that is being taken back, ? before one of which nobody knows; "
        "then come the requests that wait. At most one plan goes on per domain. Of a plan that is over the audit log tells."};

VERB(check_live) = {NAMES(check_live, "check-live"), .family = "Plans",
    .summary = "compare what QEMU has with what is written of a running domain",
    .flags = VERB_READS | VERB_LIVE,
    .text =
        "Devices, images and the nodes below them, jobs, backends, descriptors, memory, processors: QEMU is asked for all of them, and the "
        "live document, the status page and the journal of plans must say the same. Each difference is a line; the exit status is 1 "
        "then. It should never find any: what it finds after a plan that failed is worth a report."};
