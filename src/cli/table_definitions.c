/* The verbs that read and change definitions. */
#include "cli/table_impl.h"

#define WHERE                                                                               \
	FLAG("live", "of the running domain"), FLAG("config", "of the definition on disk"), \
	    FLAG("current",                                                                 \
	        "of both where the domain runs (default); what is read is the running domain's")

OPTS(edit) = {
    DOMAIN_ONE,
    FLAG("skip-validate", "accepted; what is not understood is kept without a warning"),
    FLAG("ignore-unsupported", "warn of hardware that cannot be provided instead of refusing it"),
    {0},
};
OPTS(desc) = {
    DOMAIN_ONE,
    WHERE,
    FLAG("title", "the title instead of the description"),
    FLAG("edit", "open an editor on it"),
    {"new-desc", OPT_WORD, .many = true, .value = "TEXT",
        .help = "the new text, its words joined by a blank; '' takes it away"},
    {0},
};
OPTS(metadata) = {
    DOMAIN_ONE,
    {"uri", OPT_WORD, .required = true, .value = "URI", .help = "URI of the name space"},
    WHERE,
    FLAG("edit", "open an editor on it"),
    {"key", OPT_STRING, .value = "KEY", .help = "prefix of the name space in the document"},
    {"set", OPT_STRING, .value = "XML", .help = "the new element"},
    FLAG("remove", "take the element away"),
    {0},
};
OPTS(domid) = {DOMAIN_ONE, JSON, {0}};
OPTS(domname) = {DOMAIN_ONE, JSON, {0}};
OPTS(domuuid) = {DOMAIN_ONE, JSON, {0}};
OPTS(domblklist) = {
    DOMAIN_ONE,
    FLAG("inactive", "of the definition on disk even if the domain runs"),
    FLAG("details", "type and device, too"),
    JSON,
    {0},
};
OPTS(domiflist) = {
    DOMAIN_ONE,
    FLAG("inactive", "of the definition on disk even if the domain runs"),
    JSON,
    {0},
};
OPTS(tag) = {
    DOMAIN_ONE,
    {"tag", OPT_WORD, .required = true, .many = true, .value = "TAG", .help = "a word of your own"},
    {0},
};
OPTS(untag) = {
    DOMAIN_ONE,
    {"tag", OPT_WORD, .required = true, .many = true, .value = "TAG", .help = "tag to take away"},
    {0},
};
OPTS(tags) = {
    {"domain", OPT_DOMAIN, .value = "DOMAIN",
        .help = "its tags; without one all tags and groups, and how many domains have them"},
    JSON,
    {0},
};
OPTS(group) = {
    DOMAIN_ONE,
    {"group", OPT_WORD, .value = "GROUP", .help = "where it shall be, levels separated by /"},
    FLAG("remove", "out of its group"),
    {0},
};
OPTS(protect) = {DOMAIN_MANY, {0}};
OPTS(unprotect) = {DOMAIN_MANY, {0}};

OPTS(domrename) = {
    DOMAIN_ONE,
    {"new-name", OPT_WORD, .required = true, .value = "NEW-NAME", .help = "new domain name"},
    {0},
};
OPTS(autostart) = {
    DOMAIN_MANY,
    FLAG("disable", "do not start it at boot"),
    {"order", OPT_NUMBER, .value = "N",
        .help = "place at boot, lower ones first, those without one last; 0 takes it away"},
    {"delay", OPT_NUMBER, .value = "SECONDS", .help = "wait so long after its start for the next"},
    {"after", OPT_STRING, .many = true, .value = "NAME",
        .help = "a domain that has to be started before; '' takes all away"},
    {"shutdown-timeout", OPT_NUMBER, .value = "SECONDS",
        .help = "time that its shutdown may take when the host halts"},
    {0},
};

VERB(edit) = {NAMES(edit, "edit"), .family = "Definitions",
    .summary = "edit XML configuration for a domain",
    .flags = VERB_CHANGES | VERB_TERMINAL | VERB_VIRSH,
    .text =
        "Opens the definition in $VISUAL, $EDITOR or what editor there is. A text that is refused can be edited "
        "again; what was typed is never lost: after a hang-up, a failing editor or a refused text it is kept, and "
        "the message says in which file.\n\n"
        "A definition that somebody else changed meanwhile is not written over without being asked. A running "
        "domain goes on as it is until its next start."};

VERB(domrename) = {NAMES(domrename, "domrename"), .family = "Definitions",
    .summary = "rename an inactive domain", .flags = VERB_CHANGES | VERB_VIRSH,
    .text =
        "Autostart mark and logs go with it; disk images keep their names. A power cut leaves the domain under "
        "its old name or its new one."};

VERB(autostart) = {NAMES(autostart, "autostart"), .family = "Definitions",
    .summary = "autostart a domain", .flags = VERB_CHANGES | VERB_VIRSH,
    .text =
        "Marks the domain to be started when the host boots. Order, delay and the domains that come before it are "
        "kept in its definition, under <metadata>, whether or not it is marked."};

VERB(desc) = {NAMES(desc, "desc"), .family = "Definitions",
    .summary = "show or set domain's description or title",
    .flags = VERB_CHANGES | VERB_SHOWS | VERB_VIRSH,
    .text =
        "Without a text the present one is printed. A running domain's definition is changed along with it, unless "
        "--live or --config says otherwise."};

VERB(metadata) = {NAMES(metadata, "metadata"), .family = "Definitions",
    .summary = "show or set domain's custom XML metadata",
    .flags = VERB_CHANGES | VERB_SHOWS | VERB_VIRSH,
    .text =
        "The element of <metadata> that belongs to the name space URI: printed, or changed by --set with --key, "
        "--edit or --remove."};

VERB(domid) = {NAMES(domid, "domid"), .family = "Monitoring",
    .summary = "convert a domain name or UUID to domain id", .flags = VERB_READS | VERB_VIRSH};

VERB(domname) = {NAMES(domname, "domname"), .family = "Monitoring",
    .summary = "convert a domain id or UUID to domain name", .flags = VERB_READS | VERB_VIRSH};

VERB(domuuid) = {NAMES(domuuid, "domuuid"), .family = "Monitoring",
    .summary = "convert a domain name or id to domain UUID", .flags = VERB_READS | VERB_VIRSH};

VERB(domblklist) = {NAMES(domblklist, "domblklist"), .family = "Monitoring",
    .summary = "list all domain blocks", .flags = VERB_READS | VERB_VIRSH};

VERB(domiflist) = {NAMES(domiflist, "domiflist"), .family = "Monitoring",
    .summary = "list all domain virtual interfaces", .flags = VERB_READS | VERB_VIRSH};

VERB(tag) = {NAMES(tag, "tag"), .family = "Definitions", .summary = "give a domain tags",
    .flags = VERB_CHANGES,
    .text =
        "Tags are words of your own by which list and the dashboard choose domains. They are kept in the "
        "definition, under <metadata>."};

VERB(untag) = {NAMES(untag, "untag"), .family = "Definitions", .summary = "take tags from a domain",
    .flags = VERB_CHANGES};

VERB(tags) = {NAMES(tags, "tags"), .family = "Definitions",
    .summary = "list a domain's tags, or all tags and groups", .flags = VERB_READS};

VERB(group) = {NAMES(group, "group"), .family = "Definitions",
    .summary = "show a domain's group or put it into one", .flags = VERB_CHANGES | VERB_SHOWS,
    .text =
        "A domain is in one group at most; groups may lie in groups, as prod/web does in prod. A group is there "
        "as long as a domain is in it."};

VERB(protect) = {NAMES(protect, "protect"), .family = "Definitions",
    .summary = "protect domains against deletion", .flags = VERB_CHANGES,
    .text =
        "undefine refuses a protected domain, with its storage or without. It can be stopped and changed as any "
        "other."};

VERB(unprotect) = {NAMES(unprotect, "unprotect"), .family = "Definitions",
    .summary = "allow the deletion of domains again", .flags = VERB_CHANGES};
