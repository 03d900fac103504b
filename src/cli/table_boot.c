/* The verbs of the host's boot and halt. */
#include "cli/table_impl.h"

OPTS(guests_start) = {
    {"parallel", OPT_NUMBER, .value = "N", .help = "starts at a time: 4 by default"},
    {0},
};
OPTS(guests_stop) = {
    {"timeout", OPT_NUMBER, .value = "SECONDS",
        .help = "a guest that has not powered off then is destroyed: 120 by default"},
    {0},
};

VERB(guests_start) = {NAMES(guests_start, "guests-start"), .family = "Host",
    .summary = "start the domains that are marked for autostart", .flags = VERB_CHANGES,
    .text =
        "What hvmux.service runs at the host's boot. Domains of a lower order first, with their delays; equal "
        "ones at once; those that are to come after others, after them; then all that have no order. A domain "
        "that does not start is named and holds no other up. Those that run already are left alone."};
VERB(guests_stop) = {NAMES(guests_stop, "guests-stop"), .family = "Host",
    .summary = "shut all domains down", .flags = VERB_DISRUPTS,
    .losses = "all guests of this host stop; what does not power off in time is destroyed",
    .text =
        "What hvmux.service runs at the host's halt. All guests are asked to power off, in the opposite order of "
        "their start, those without an order at once, and asked again every 15 seconds. What has not powered off "
        "within the time is destroyed; a domain may have a time of its own (autostart --shutdown-timeout), and "
        "is destroyed when that is over. "
        "Guests that are paused cannot hear, and are ended at once. Nothing starts again by its policy."};
