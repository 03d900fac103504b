/* The verbs of consoles: attach, look, search, record. */
#include "cli/table_impl.h"

OPTS(console) = {
    DOMAIN_ONE,
    PORT,
    FLAG("force", "take the keyboard over from whoever holds it"),
    FLAG("safe", "accepted; a console is always safe to share"),
    FLAG("raw",
        "pass bytes through as they are: no screen is kept, the guest talks to your terminal itself"),
    {0},
};
OPTS(screen) = {
    {"domain", OPT_DOMAIN, .value = "DOMAIN", .help = "domain name, id or uuid"},
    FLAG("stdin", "render bytes from standard input instead of a domain's console"),
    PORT,
    {"rows", OPT_NUMBER, .value = "ROWS", .help = "lines of the screen"},
    {"cols", OPT_NUMBER, .value = "COLS", .help = "columns of the screen"},
    FLAG("ansi", "keep colours and attributes as SGR sequences"),
    JSON,
    {0},
};

VERB(console) = {NAMES(console, "console"), .family = "Consoles",
    .summary = "connect to the guest console",
    .flags = VERB_READS | VERB_TERMINAL | VERB_LIVE | VERB_VIRSH,
    .text =
        "Ctrl+] detaches at once. What the guest wrote before is shown first. Several operators may attach; "
        "one of them holds the keyboard.\n\n"
        "Guest output goes through a terminal emulator, so that a guest cannot control your terminal. With "
        "--raw, or when standard input or output is not a terminal, bytes pass as they are. With --readonly "
        "the keyboard is not asked for."};

VERB(screen) = {NAMES(screen, "screen"), .family = "Consoles",
    .summary = "print the console's present screen", .flags = VERB_READS,
    .text =
        "The screen of a running domain, or the last one of a domain that has ended. It has the size of the "
        "keyboard holder's terminal unless --rows and --cols are given, 24x80 when nobody is attached."};
