/* The verbs that plug network cards and change devices that stay. */
#include "cli/table_impl.h"

#define INTERFACE                                                                       \
	{                                                                               \
		"interface", OPT_WORD,                                                  \
		    .required = true, .value = "INTERFACE",                             \
		    .help = "its name on the host, its MAC address or its alias (net0)" \
	}

OPTS(domif_getlink) = {
    DOMAIN_ONE,
    INTERFACE,
    FLAG("config", "of the definition, even if the domain runs"),
    FLAG("persistent", "the same"),
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
