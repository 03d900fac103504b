/* The verbs that ask the guest itself, through its agent. */
#include "cli/table_impl.h"

#define MOUNTPOINTS                                                              \
	{                                                                        \
		"mountpoint", OPT_FILE,                                          \
		    .many = true, .value = "MOUNTPOINT",                         \
		    .help = "a file system of the guest; all when none is named" \
	}

OPTS(domtime) = {
    DOMAIN_ONE,
    FLAG("now", "set the guest's clock to this host's time"),
    FLAG("pretty", "print the time as date and time, UTC"),
    FLAG("sync", "set the guest's clock from the domain's hardware clock"),
    {"time", OPT_STRING, .value = "SECONDS",
        .help = "set the guest's clock: seconds since 1970, UTC"},
    JSON,
    {0},
};
OPTS(domhostname) = {
    DOMAIN_ONE,
    {"source", OPT_STRING, .value = "SOURCE", .help = "who is asked (default: agent)",
        .words = "agent lease"},
    JSON,
    {0},
};
OPTS(domifaddr) = {
    DOMAIN_ONE,
    {"interface", OPT_STRING, .value = "NAME", .help = "only this interface"},
    FLAG("full", "print name and MAC address in each line"),
    {"source", OPT_STRING, .value = "SOURCE",
        .help = "who is asked (default: lease, and agent where there is no lease)",
        .words = "lease agent arp"},
    JSON,
    {0},
};
OPTS(domfsinfo) = {DOMAIN_ONE, JSON, {0}};
OPTS(guestinfo) = {
    DOMAIN_ONE,
    FLAG("user", "users that are logged in"),
    FLAG("os", "operating system"),
    FLAG("timezone", "time zone"),
    FLAG("hostname", "host name"),
    FLAG("filesystem", "mounted file systems"),
    FLAG("disk", "disks"),
    FLAG("interface", "network interfaces and their addresses"),
    JSON,
    {0},
};
OPTS(guestvcpus) = {
    DOMAIN_ONE,
    {"cpulist", OPT_STRING, .value = "LIST", .help = "the guest's CPUs to change: 1,3-5"},
    FLAG("enable", "bring the CPUs of --cpulist online"),
    FLAG("disable", "take the CPUs of --cpulist offline"),
    JSON,
    {0},
};
OPTS(domfsfreeze) = {DOMAIN_ONE, MOUNTPOINTS, {0}};
OPTS(domfsthaw) = {DOMAIN_ONE, MOUNTPOINTS, {0}};
OPTS(domfstrim) = {
    DOMAIN_ONE,
    {"minimum", OPT_STRING, .value = "BYTES", .help = "leave free ranges alone that are smaller"},
    {"mountpoint", OPT_STRING, .value = "MOUNTPOINT",
        .help = "refused: the agent trims all mounted file systems"},
    {0},
};
OPTS(dompmsuspend) = {
    DOMAIN_ONE,
    {"target", OPT_WORD, .required = true, .value = "TARGET", .help = "how the guest sleeps",
        .words = "mem disk hybrid"},
    {"duration", OPT_NUMBER, .value = "SECONDS", .help = "0: until it is woken up", .words = "0"},
    {0},
};
OPTS(dompmwakeup) = {DOMAIN_ONE, {0}};
OPTS(qemu_agent_command) = {
    DOMAIN_ONE,
    {"timeout", OPT_NUMBER, .value = "SECONDS", .help = "wait so long for the answer (default: 5)"},
    FLAG("async", "do not wait for an answer"),
    FLAG("block", "wait for the answer however long it takes"),
    FLAG("pretty", "print the answer on several lines"),
    {"cmd", OPT_WORD, .required = true, .many = true, .value = "COMMAND",
        .help = "a command of qemu-ga's: JSON, '{\"execute\": \"guest-ping\"}', or its name alone"},
    {0},
};

VERB(domtime) = {NAMES(domtime, "domtime"), .family = "Guest agent",
    .summary = "get or set the guest's clock", .flags = VERB_CHANGES | VERB_LIVE | VERB_VIRSH,
    .text =
        "Prints the guest's time in seconds since 1970. After a long pause or a restored state the guest's clock is "
        "behind; --now or --sync sets it right."};

VERB(domhostname) = {NAMES(domhostname, "domhostname"), .family = "Guest agent",
    .summary = "print the guest's host name", .flags = VERB_READS | VERB_LIVE | VERB_VIRSH};

VERB(domifaddr) = {NAMES(domifaddr, "domifaddr"), .family = "Guest agent",
    .summary = "print the addresses of a running domain's network interfaces",
    .flags = VERB_READS | VERB_LIVE | VERB_VIRSH,
    .text =
        "Leases are those that hvmux's own networks gave out. The agent tells what the guest has configured, its own "
        "bridges and containers included. The ARP table knows who has talked to this host."};

VERB(domfsinfo) = {NAMES(domfsinfo, "domfsinfo"), .family = "Guest agent",
    .summary = "list the guest's mounted file systems",
    .flags = VERB_READS | VERB_LIVE | VERB_VIRSH};

VERB(guestinfo) = {NAMES(guestinfo, "guestinfo"), .family = "Guest agent",
    .summary = "print what the guest says of itself", .flags = VERB_READS | VERB_LIVE | VERB_VIRSH,
    .text =
        "Everything that the agent can tell by default; the options choose groups. Fails when the agent cannot tell what "
        "an option asks for. All of it is the guest's own word."};

VERB(guestvcpus) = {NAMES(guestvcpus, "guestvcpus"), .family = "Guest agent",
    .summary = "show or change which CPUs the guest uses",
    .flags = VERB_CHANGES | VERB_LIVE | VERB_VIRSH};

VERB(domfsfreeze) = {NAMES(domfsfreeze, "domfsfreeze"), .family = "Guest agent",
    .summary = "freeze the guest's file systems", .flags = VERB_DISRUPTS | VERB_LIVE | VERB_VIRSH,
    .losses = "everything in the guest that writes waits until domfsthaw",
    .text =
        "Waits until the guest's hooks and file systems are done, ten minutes at most. See also domfsthaw."};

VERB(domfsthaw) = {NAMES(domfsthaw, "domfsthaw"), .family = "Guest agent",
    .summary = "thaw the guest's file systems", .flags = VERB_CHANGES | VERB_LIVE | VERB_VIRSH,
    .text = "The agent thaws all that it has frozen, whatever is named."};

VERB(domfstrim) = {NAMES(domfstrim, "domfstrim"), .family = "Guest agent",
    .summary = "tell the disks what the guest's file systems do not use",
    .flags = VERB_CHANGES | VERB_LIVE | VERB_VIRSH,
    .text = "Disks with discard='unmap' then give the room back to the host."};

VERB(dompmsuspend) = {NAMES(dompmsuspend, "dompmsuspend"), .family = "Guest agent",
    .summary = "let the guest go to sleep", .flags = VERB_DISRUPTS | VERB_LIVE | VERB_VIRSH,
    .losses = "the guest's services stop until it is woken up",
    .text = "See dompmwakeup. Suspend to disk ends the domain: the guest powers off."};

VERB(dompmwakeup) = {NAMES(dompmwakeup, "dompmwakeup"), .family = "Guest agent",
    .summary = "wake a sleeping guest up", .flags = VERB_CHANGES | VERB_LIVE | VERB_VIRSH};

VERB(qemu_agent_command) = {NAMES(qemu_agent_command, "qemu-agent-command"),
    .family = "Guest agent", .summary = "send a command to the guest's agent",
    .flags = VERB_CHANGES | VERB_LIVE | VERB_VIRSH,
    .text = "For what has no command of its own. The answer is at most 480 KiB long."};
