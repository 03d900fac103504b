/* The verbs of triggers and of what is kept of crashes. */
#include "cli/table_impl.h"

OPTS(trigger) = {
    DOMAIN_ONE,
    {"add", OPT_STRING, .value = "NAME",
        .help = "add a trigger, or change one; a default's name changes that one for this domain"},
    {"pattern", OPT_STRING, .value = "PATTERN",
        .help = "POSIX extended regular expression that a line has to match"},
    {"badge", OPT_STRING, .value = "LEVEL",
        .help = "how loud it is; none without a hook switches it off",
        .words = "none info warn bad"},
    {"hook", OPT_STRING, .value = "PROGRAM",
        .help = "program that gets the line on its standard input"},
    {"port", OPT_STRING, .value = "PORT", .help = "only on this console: serial0, hvc1"},
    {"every", OPT_NUMBER, .value = "SECONDS", .help = "least time between two matches (10)"},
    {"remove", OPT_STRING, .value = "NAME", .help = "forget what the domain says of this trigger"},
    JSON,
    {0},
};
OPTS(acknowledge) = {DOMAIN_MANY, {0}};
OPTS(crashes) = {
    {"domain", OPT_DOMAIN, .value = "DOMAIN", .help = "only this domain's; also one that is gone"},
    {"number", OPT_WORD, .value = "N", .help = "the record with this number: 1 is the newest"},
    FLAG("show", "print what happened and where the files are; the newest unless N says another"),
    FLAG("delete", "delete the record with the number N"),
    FLAG("all", "with --delete: all records of the domain"),
    JSON,
    {0},
};

VERB(trigger) = {NAMES(trigger, "trigger"), .family = "Consoles",
    .summary = "what a domain's consoles are watched for", .flags = VERB_CHANGES | VERB_SHOWS,
    .text =
        "Without an option it lists the triggers that are in force: the defaults (kernel panic, oom-killer, I/O error, "
        "emergency shell, soft lockup, hung task, login), and what the domain says itself. A line of a console that "
        "matches sets a badge on the list, is an event and stands in the domain's log.\n\n"
        "--add and --remove change the definition, and a running domain at once. The hook is run without a shell as the "
        "user that runs the domain: PROGRAM DOMAIN console-match TRIGGER PORT."};

VERB(acknowledge) = {NAMES(acknowledge, "acknowledge"), .family = "Consoles",
    .summary = "take away the badge that a trigger has set", .flags = VERB_CHANGES,
    .text = "Taking the keyboard of the console takes it away, too. Another match sets it again."};

VERB(crashes) = {NAMES(crashes, "crashes"), .family = "Consoles",
    .summary = "what was kept of crashes", .flags = VERB_READS,
    .text =
        "When a guest panics, its watchdog expires, or QEMU ends without having been told to, one folder in the "
        "domain's log directory keeps the last 64 KiB of each console, QEMU's last words and exit status, its last "
        "events, ten minutes and a day of figures, the domain's XML and QEMU's command line.\n\n"
        "Without a number the records are listed, the newest first. The last 20 are kept, and 64 MiB of them; "
        "crash_records and crash_size in hvmux.conf(5) say otherwise."};
