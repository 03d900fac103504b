/* The verbs that ask or tell a running domain's QEMU. */
#include "cli/keynames.h"
#include "cli/table_impl.h"

OPTS(qemu_monitor_command) = {
    DOMAIN_ONE,
    FLAG("hmp", "the command is one of the human monitor's"),
    FLAG("pretty", "print the answer on several lines"),
    FLAG("return-value", "print only what the answer's \"return\" holds"),
    {"pass-fds", OPT_STRING, .value = "N",
        .help = "a descriptor that goes along, for getfd and add-fd"},
    {"cmd", OPT_WORD, .required = true, .many = true, .value = "COMMAND",
        .help = "JSON, '{\"execute\": \"query-block\"}', or a QMP command's name alone"},
    {0},
};
OPTS(qemu_monitor_event) = {
    {"domain", OPT_DOMAIN, .value = "DOMAIN", .help = "only events of this domain"},
    {"event", OPT_STRING, .value = "EVENT", .help = "only events of this name: RTC_CHANGE"},
    FLAG("pretty", "print what comes with an event on several lines"),
    FLAG("loop", "go on until the timeout or an interrupt"),
    {"timeout", OPT_NUMBER, .value = "SECONDS", .help = "stop waiting after this time"},
    FLAG("regex", "EVENT is an extended regular expression"),
    FLAG("no-case", "EVENT in any case"),
    FLAG("timestamp", "put the time before each event"),
    JSON,
    {0},
};
OPTS(inject_nmi) = {DOMAIN_ONE, {0}};
OPTS(send_key) = {
    DOMAIN_ONE,
    {"codeset", OPT_STRING, .value = "CODESET",
        .help = "what the keys' numbers mean (default: linux)", .words = KEY_CODESETS},
    {"holdtime", OPT_NUMBER, .value = "MS",
        .help = "milliseconds until the keys are let go (default: 100)"},
    {"keycode", OPT_WORD, .required = true, .many = true, .value = "KEY",
        .help = "keys pressed together: KEY_LEFTCTRL KEY_LEFTALT KEY_DELETE, or numbers"},
    {0},
};
OPTS(screenshot) = {
    DOMAIN_ONE,
    {"file", OPT_FILE, .value = "FILE", .help = "where to (default: DOMAIN-DATE-TIME.png here)"},
    {"screen", OPT_NUMBER, .value = "N", .help = "a screen of the first video card, from 0"},
    JSON,
    {0},
};
OPTS(dump) = {
    DOMAIN_ONE,
    {"file", OPT_FILE, .required = true, .value = "FILE",
        .help = "where to; an older file is replaced"},
    FLAG("live", "accepted; QEMU pauses the guest for the time of the dump"),
    FLAG("crash", "end the domain afterwards"),
    FLAG("bypass-cache", "accepted"),
    FLAG("reset", "reset the guest afterwards"),
    FLAG("verbose", "show how far it is"),
    FLAG("memory-only", "accepted; a dump always holds the memory and the CPUs' registers alone"),
    {"format", OPT_STRING, .value = "FORMAT", .help = "with --memory-only (default: elf)",
        .words = "elf kdump-zlib kdump-lzo kdump-snappy"},
    {0},
};
OPTS(domdisplay) = {
    DOMAIN_ONE,
    FLAG("include-password", "print the password, too, if there is one"),
    {"type", OPT_STRING, .value = "TYPE", .help = "only this kind", .words = "vnc spice"},
    FLAG("all", "every display, not just the first"),
    JSON,
    {0},
};
OPTS(vncdisplay) = {DOMAIN_ONE, JSON, {0}};

VERB(qemu_monitor_command) = {NAMES(qemu_monitor_command, "qemu-monitor-command"), .family = "QEMU",
    .summary = "send a command to QEMU's monitor", .flags = VERB_CHANGES | VERB_LIVE | VERB_VIRSH,
    .text =
        "For what has no command of its own. The supervisor stays the only one that is connected: what the command "
        "causes is shown and recorded as ever. QEMU's refusal is an answer, too: it is printed, and the exit status is 0."};

VERB(qemu_monitor_event) = {NAMES(qemu_monitor_event, "qemu-monitor-event"), .family = "QEMU",
    .summary = "wait for events of QEMU's monitor", .flags = VERB_READS | VERB_VIRSH,
    .text =
        "QEMU's own events, as they come. What they mean for a domain's life is told by events."};

VERB(inject_nmi) = {NAMES(inject_nmi, "inject-nmi"), .family = "QEMU",
    .summary = "send a non-maskable interrupt to the guest",
    .flags = VERB_DISRUPTS | VERB_LIVE | VERB_VIRSH,
    .losses = "many guests crash, and write a dump, when they get one"};

VERB(send_key) = {NAMES(send_key, "send-key"), .family = "QEMU",
    .summary = "press keys of the guest's keyboard", .flags = VERB_CHANGES | VERB_LIVE | VERB_VIRSH,
    .text =
        "Up to 16 keys, which are pressed in their order and let go together. See linux/input-event-codes.h for the names."};

VERB(screenshot) = {NAMES(screenshot, "screenshot"), .family = "QEMU",
    .summary = "save a picture of the guest's screen as PNG",
    .flags = VERB_READS | VERB_LIVE | VERB_VIRSH};

VERB(dump) = {NAMES(dump, "dump"), .family = "QEMU",
    .summary = "save the guest's memory into a file",
    .flags = VERB_DISRUPTS | VERB_LIVE | VERB_VIRSH,
    .losses = "the guest stands still until the dump is written",
    .text =
        "For crash and gdb: ELF, or kdump as makedumpfile writes it, which is smaller. The file appears when it is whole; "
        "Ctrl-C, a full disk or the end of this command end the dump, leave nothing behind, and the guest goes on."};

VERB(domdisplay) = {NAMES(domdisplay, "domdisplay"), .family = "QEMU",
    .summary = "print the address of the guest's graphical display",
    .flags = VERB_READS | VERB_LIVE | VERB_VIRSH};

VERB(vncdisplay) = {NAMES(vncdisplay, "vncdisplay"), .family = "QEMU",
    .summary = "print host and display number of the guest's VNC",
    .flags = VERB_READS | VERB_LIVE | VERB_VIRSH};
