/* The verbs that plug network cards and change devices that stay. */
#include "cli/table_impl.h"

#define INTERFACE                                                                       \
	{                                                                               \
		"interface", OPT_WORD,                                                  \
		    .required = true, .value = "INTERFACE",                             \
		    .help = "its name on the host, its MAC address or its alias (net0)" \
	}

#define PRINT_XML FLAG("print-xml", "print the device as it would be, and change nothing")

OPTS(domif_getlink) = {
    DOMAIN_ONE,
    INTERFACE,
    FLAG("config", "of the definition, even if the domain runs"),
    FLAG("persistent", "the same"),
    JSON,
    {0},
};
OPTS(domif_setlink) = {
    DOMAIN_ONE,
    INTERFACE,
    {"state", OPT_WORD, .required = true, .value = "STATE", .help = "up: plugged in; down: pulled"},
    FLAG("config", "only of the definition, even if the domain runs"),
    FLAG("persistent", "the same"),
    PRINT_XML,
    DRY_RUN,
    JSON,
    {0},
};
#define LIMIT(name_, help_)                                         \
	{                                                           \
		name_, OPT_STRING, .value = "NUMBER", .help = help_ \
	}
OPTS(blkdeviotune) = {
    DOMAIN_ONE,
    {"device", OPT_WORD, .required = true, .value = "DEVICE", .help = "a disk's target or file"},
    LIMIT("total-bytes-sec", "bytes per second, read and written: 1000000, 10M"),
    LIMIT("read-bytes-sec", "… read"),
    LIMIT("write-bytes-sec", "… written"),
    LIMIT("total-iops-sec", "operations per second"),
    LIMIT("read-iops-sec", "… of reading"),
    LIMIT("write-iops-sec", "… of writing"),
    LIMIT("total-bytes-sec-max", "bytes per second in a burst"),
    LIMIT("read-bytes-sec-max", "… read"),
    LIMIT("write-bytes-sec-max", "… written"),
    LIMIT("total-iops-sec-max", "operations per second in a burst"),
    LIMIT("read-iops-sec-max", "… of reading"),
    LIMIT("write-iops-sec-max", "… of writing"),
    LIMIT("size-iops-sec", "a longer operation counts as several of this many bytes"),
    {"group-name", OPT_STRING, .value = "GROUP", .help = "disks of one group share their limits"},
    LIMIT("total-bytes-sec-max-length", "how long a burst may last, in seconds"),
    LIMIT("read-bytes-sec-max-length", "… of reading"),
    LIMIT("write-bytes-sec-max-length", "… of writing"),
    LIMIT("total-iops-sec-max-length", "… of operations"),
    LIMIT("read-iops-sec-max-length", "… of reading operations"),
    LIMIT("write-iops-sec-max-length", "… of writing operations"),
    LIVE_CONFIG_CURRENT,
    DRY_RUN,
    JSON,
    {0},
};
OPTS(set_user_password) = {
    DOMAIN_ONE,
    {"user", OPT_WORD, .required = true, .value = "USER", .help = "the guest's user"},
    {"password", OPT_WORD, .value = "PASSWORD",
        .help = "the new password; none, or '-': it is asked for, or read from standard input"},
    FLAG("encrypted", "the password is a hash already, as the guest keeps it"),
    {0},
};
OPTS(pending) = {DOMAIN_ONE, JSON, {0}};

VERB(domif_getlink) = {NAMES(domif_getlink, "domif-getlink"), .family = "Monitoring",
    .summary = "print whether an interface's cable is plugged in",
    .flags = VERB_READS | VERB_VIRSH};

VERB(domif_setlink) = {NAMES(domif_setlink, "domif-setlink"), .family = "Devices",
    .summary = "pull an interface's cable or plug it in", .flags = VERB_CHANGES | VERB_VIRSH,
    .text =
        "The guest sees that its card has no carrier. Without --config a domain that runs is changed until it ends, one that is "
        "off in its definition."};

VERB(blkdeviotune) = {NAMES(blkdeviotune, "blkdeviotune"), .family = "Tuning",
    .summary = "show or change how much a disk may do",
    .flags = VERB_CHANGES | VERB_SHOWS | VERB_VIRSH,
    .text =
        "Without a limit it prints them. A limit of 0 is none. What is said of one kind (bytes, operations, bursts of either) "
        "replaces all of that kind: --read-bytes-sec alone takes the limit of writing away. Total and read or write exclude each "
        "other. Without --live and --config the domain is changed as it runs, or its definition when it is off."};

VERB(set_user_password) = {NAMES(set_user_password, "set-user-password"), .family = "Guest agent",
    .summary = "change the password of one of the guest's users",
    .flags = VERB_CHANGES | VERB_LIVE | VERB_VIRSH,
    .text =
        "The guest's agent does it. A password on the command line is seen by everybody on this host who lists processes, and "
        "stays in the shell's history: leave it out, and it is asked for without being shown. It is neither logged nor kept."};

VERB(pending) = {NAMES(pending, "pending"), .family = "Definitions",
    .summary = "print what differs between a running domain and its next start",
    .flags = VERB_READS,
    .text =
        "Devices that were plugged or changed with --live only go with this run; what was changed with --config only comes with "
        "the next start. What a start fills in by itself (names of taps, ports, aliases) is no difference."};
