/* The verbs of the main job: definitions, lifecycle, consoles, monitoring. */
#include "cli/table_impl.h"

OPTS(define) = {
    {"file", OPT_FILE, .required = true, .many = true, .value = "FILE",
        .help = "domain XML; several may be given, - is standard input"},
    FLAG("ignore-unsupported", "warn of hardware that cannot be provided instead of refusing it"),
    FLAG("strict", "report every element that is not understood"),
    FLAG("validate", "the same as --strict"),
    {0},
};
OPTS(undefine) = {
    DOMAIN_MANY,
    {"storage", OPT_STRING, .value = "VOLUMES",
        .help = "delete these disk images, too: targets or paths, separated by commas"},
    FLAG("remove-all-storage", "delete the disk images that the domain alone uses, too"),
    FLAG("nvram", "delete the firmware's variables, too"),
    FLAG("keep-nvram", "keep the firmware's variables"),
    FLAG("tpm", "delete the TPM's state, too"),
    FLAG("keep-tpm", "keep the TPM's state (default)"),
    FLAG("snapshots-metadata", "delete what is kept of its snapshots, too"),
    FLAG("checkpoints-metadata", "accepted; no checkpoints are kept"),
    FLAG("managed-save", "remove what managedsave has saved, too"),
    {0},
};
OPTS(list) = {
    {"all", OPT_FLAG, .letter = 'a', .help = "active and inactive domains"},
    FLAG("inactive", "inactive domains only"),
    FLAG("persistent", "only domains that have a definition"),
    FLAG("transient", "only domains that have none"),
    FLAG("state-running", "only running domains"),
    FLAG("state-paused", "only paused domains"),
    FLAG("state-shutoff", "only domains that are shut off"),
    FLAG("state-other", "only domains in other states"),
    FLAG("uuid", "print uuids only"),
    FLAG("name", "print names only"),
    FLAG("id", "print ids only"),
    FLAG("table", "print the table (default)"),
    FLAG("title", "add the domain's title to the table"),
    FLAG("with-snapshot", "only domains that have snapshots"),
    FLAG("without-snapshot", "only domains that have none"),
    FLAG("with-checkpoint", "only domains that have checkpoints: none"),
    FLAG("without-checkpoint", "only domains that have none"),
    FLAG("with-managed-save", "only domains that have a saved state (managedsave)"),
    FLAG("without-managed-save", "only domains that have none"),
    FLAG("managed-save", "of those that are off, mark those with a saved state as saved"),
    FLAG("autostart", "only domains that start when the host boots"),
    FLAG("no-autostart", "only domains that do not"),
    {"tag", OPT_STRING, .many = true, .value = "TAG", .help = "only domains that have this tag"},
    {"group", OPT_STRING, .value = "GROUP",
        .help = "only domains in this group or in one below it"},
    FLAG("tags", "add group and tags to the table"),
    JSON,
    {0},
};
OPTS(start) = {
    DOMAIN_MANY,
    FLAG("paused", "leave the guest paused before its first instruction"),
    FLAG("console", "attach to the console at once"),
    FLAG("force-boot", "boot it, and discard what managedsave has saved"),
    FLAG("throwaway", "discard at its end what the guest writes to its disks"),
    FLAG("accept-chains", "its images may refer to other files than at its last start"),
    {0},
};
OPTS(shutdown) = {
    DOMAIN_MANY,
    {"mode", OPT_STRING, .value = "MODE", .help = "how the guest is asked",
        .words = "acpi agent acpi,agent agent,acpi"},
    {"timeout", OPT_NUMBER, .value = "SECONDS",
        .help = "wait until it is off, not longer than this"},
    FLAG("force", "with --timeout: destroy what has not shut down then"),
    {0},
};
OPTS(reboot) = {
    DOMAIN_MANY,
    {"mode", OPT_STRING, .value = "MODE", .help = "how the guest is asked",
        .words = "acpi agent acpi,agent agent,acpi"},
    {0},
};
OPTS(reset) = {DOMAIN_MANY, {0}};
OPTS(destroy) = {
    DOMAIN_MANY,
    FLAG("graceful", "fail rather than kill a QEMU that does not answer"),
    {0},
};
OPTS(suspend) = {DOMAIN_MANY, {0}};
OPTS(resume) = {DOMAIN_MANY, {0}};
OPTS(dominfo) = {DOMAIN_ONE, JSON, {0}};
OPTS(domstate) = {
    DOMAIN_ONE,
    FLAG("reason", "print the reason, too"),
    JSON,
    {0},
};
OPTS(domstats) = {
    {"domain", OPT_DOMAIN, .many = true, .value = "DOMAIN",
        .help = "domains; all when none is named"},
    FLAG("state", "state and its reason"),
    FLAG("cpu-total", "CPU time of the process"),
    FLAG("balloon", "memory"),
    FLAG("vcpu", "virtual CPUs"),
    FLAG("interface", "network interfaces"),
    FLAG("block", "disks"),
    FLAG("list-active", "only active domains"),
    FLAG("list-inactive", "only inactive domains"),
    FLAG("list-persistent", "only domains that have a definition"),
    FLAG("list-transient", "only domains that have none"),
    FLAG("list-running", "only running domains"),
    FLAG("list-paused", "only paused domains"),
    FLAG("list-shutoff", "only domains that are shut off"),
    FLAG("list-other", "only domains in other states"),
    FLAG("raw", "accepted; figures are never reworded"),
    FLAG("enforce", "accepted; every group is known"),
    FLAG("nowait", "accepted; nothing is ever waited for"),
    JSON,
    {0},
};
OPTS(dumpxml) = {
    DOMAIN_ONE,
    FLAG("inactive", "the definition on disk even if the domain runs"),
    FLAG("security-info", "passwords, too"),
    {0},
};
OPTS(domxml_to_native) = {
    {"format", OPT_WORD, .required = true, .value = "FORMAT", .help = "target format",
        .words = "qemu-argv"},
    {"domain", OPT_DOMAIN, .value = "DOMAIN", .help = "domain name, id or uuid"},
    {"xml", OPT_STRING, .value = "FILE", .help = "domain XML of a domain that need not be defined"},
    {0},
};
OPTS(events) = {
    {"domain", OPT_DOMAIN, .value = "DOMAIN", .help = "only events of this domain"},
    {"event", OPT_STRING, .value = "EVENT", .help = "only events of this type"},
    FLAG("all", "events of every type (default)"),
    FLAG("loop", "go on until the timeout or an interrupt"),
    {"timeout", OPT_NUMBER, .value = "SECONDS", .help = "stop waiting after this time"},
    FLAG("timestamp", "put the time before each event"),
    FLAG("history", "print the events of the past instead of waiting"),
    {"since", OPT_NUMBER, .value = "HOURS", .help = "with --history: not older than this"},
    FLAG("list", "list the types of events"),
    JSON,
    {0},
};
OPTS(version) = {JSON, {0}};
OPTS(uri) = {JSON, {0}};
OPTS(help) = {
    {"command", OPT_WORD, .value = "COMMAND", .help = "command or group of commands"},
    FLAG("man", "the commands' section of hvmux(1), as mdoc"),
    FLAG("elements", "the elements' section of hvmux-domain(5), as mdoc"),
    {0},
};
OPTS(complete) = {
    {"words", OPT_REST, .value = "WORD",
        .help = "the words of the line so far, the last one is completed"},
    {0},
};
OPTS(supervise) = {
    {"name", OPT_WORD, .required = true, .value = "NAME", .help = "name of the domain"},
    FLAG("paused", "do not let the guest run"),
    FLAG("throwaway", "discard what it writes"),
    FLAG("adopt", "take over a QEMU whose supervisor is gone"),
    {"ready-fd", OPT_NUMBER, .value = "N",
        .help = "descriptor that is told the outcome of the start"},
    {0},
};

VERB(define) = {NAMES(define, "define"), .family = "Domains",
    .summary = "define a domain from an XML file", .flags = VERB_CHANGES | VERB_VIRSH,
    .text =
        "Reads a libvirt domain XML document and keeps it. A domain of the same name and uuid gets the "
        "new definition; a running one goes on with the old until its next start.\n\n"
        "Hardware that cannot be provided is refused with file, line and element. Other elements "
        "that are not understood are kept as they are."};

VERB(undefine) = {NAMES(undefine, "undefine"), .family = "Domains",
    .summary = "forget a domain's definition", .flags = VERB_DELETES | VERB_VIRSH,
    .losses = "the domain's definition and its consoles' history",
    .text =
        "Disk images stay unless --storage or --remove-all-storage is given, and so do the logs. A running domain goes "
        "on until it ends. A protected domain is refused; see protect."};

VERB(list) = {NAMES(list, "list"), .family = "Monitoring", .summary = "list domains",
    .flags = VERB_READS | VERB_VIRSH,
    .text =
        "Active domains by default. A domain whose QEMU or supervisor has not answered for three "
        "seconds is marked \"not answering\"; listing never waits for it."};

VERB(start) = {NAMES(start, "start"), .family = "Domains",
    .summary = "start a (previously defined) inactive domain", .flags = VERB_CHANGES | VERB_VIRSH,
    .text =
        "Starts a supervisor for the domain, outside the login session, and waits until the guest runs.\n\n"
        "With --throwaway, and for disks that say <transient/>, all that is written goes to files of this run, and the "
        "disks themselves are only read. The files are removed when the domain ends; a restart by its policy begins "
        "from the disks as they were. Firmware variables are not disks.\n\n"
        "An image names the files that back it, and while a guest runs its QEMU may write that name. What an image "
        "named is remembered for the run; when it names something else at the next start, and nobody saw who changed "
        "it, the start is refused, since a guest that broke out of QEMU could otherwise have any file of the host opened. "
        "--accept-chains takes the images as they are: for who has changed them after a crash of the host, or through "
        "QEMU's monitor."};

VERB(shutdown) = {NAMES(shutdown, "shutdown"), .family = "Domains",
    .summary = "gracefully shutdown a domain", .flags = VERB_DISRUPTS | VERB_LIVE | VERB_VIRSH,
    .losses = "the guest's services stop",
    .text =
        "Asks the guest and returns; the guest decides. It is asked by its agent where one answers, else by its power "
        "button, or as --mode says: with acpi,agent the button follows when the agent does not take it. With --timeout "
        "all named domains are asked first and then waited for together. See also destroy."};

VERB(reboot) = {NAMES(reboot, "reboot"), .family = "Domains", .summary = "reboot a domain",
    .flags = VERB_DISRUPTS | VERB_LIVE | VERB_VIRSH,
    .losses = "the guest's services stop until it is up again",
    .text =
        "Asks the guest to reboot, by its agent where one answers, or to shut down, by its power button, and then "
        "starts it again in the same QEMU. --mode as for shutdown."};

VERB(reset) = {NAMES(reset, "reset"), .family = "Domains", .summary = "reset a domain",
    .flags = VERB_DISRUPTS | VERB_LIVE | VERB_VIRSH, .losses = GUEST_LOSES,
    .text = "As the reset button of a machine: the guest is not asked."};

VERB(destroy) = {NAMES(destroy, "destroy"), .family = "Domains",
    .summary = "destroy (stop) a domain", .flags = VERB_DISRUPTS | VERB_LIVE | VERB_VIRSH,
    .losses = GUEST_LOSES,
    .text = "Pulls the plug: the guest is not asked. Definition and disks stay."};

VERB(suspend) = {NAMES(suspend, "suspend"), .family = "Domains", .summary = "suspend a domain",
    .flags = VERB_CHANGES | VERB_LIVE | VERB_VIRSH,
    .text = "The guest's CPUs stop; its memory stays where it is. See resume."};

VERB(resume) = {NAMES(resume, "resume"), .family = "Domains", .summary = "resume a domain",
    .flags = VERB_CHANGES | VERB_LIVE | VERB_VIRSH,
    .text = "The guest's CPUs run again after suspend."};

VERB(dominfo) = {NAMES(dominfo, "dominfo"), .family = "Monitoring", .summary = "domain information",
    .flags = VERB_READS | VERB_VIRSH,
    .text = "Basic information about the domain and why it is in its state."};

VERB(domstate) = {NAMES(domstate, "domstate"), .family = "Monitoring", .summary = "domain state",
    .flags = VERB_READS | VERB_VIRSH};

VERB(domstats) = {NAMES(domstats, "domstats"), .family = "Monitoring",
    .summary = "get statistics about one or multiple domains", .flags = VERB_READS | VERB_VIRSH,
    .text =
        "All groups unless some are asked for. The figures are those that each supervisor publishes every "
        "second; QEMU is not asked, so that a QEMU that does not answer holds nothing up. Such a domain has the "
        "additional key hvmux.silent=1."};

VERB(dumpxml) = {NAMES(dumpxml, "dumpxml"), .family = "Domains",
    .summary = "domain information in XML", .flags = VERB_READS | VERB_VIRSH};

VERB(domxml_to_native) = {NAMES(domxml_to_native, "domxml-to-native"), .family = "Domains",
    .summary = "convert domain XML to QEMU's command line", .flags = VERB_READS | VERB_VIRSH,
    .text =
        "Prints the command line that start would run, for the domain or for the document of --xml."};

VERB(events) = {NAMES(events, "events"), .family = "Monitoring",
    .summary = "wait for domain events", .flags = VERB_READS | VERB_VIRSH, .alias = "event",
    .text =
        "Waits for one event, or with --loop for as many as come. Domains that start later are included.\n\n"
        "With --history what happened before is printed, of one domain or of all, also of those that are gone: "
        "starts, ends, crashes and what was said of them, disk errors, watchdogs, dumps. Each domain's journal keeps "
        "its last mebibyte or two."};

VERB(version) = {NAMES(version, "version"), .family = "Host", .summary = "show version",
    .flags = VERB_READS | VERB_VIRSH};

VERB(uri) = {NAMES(uri, "uri"), .family = "Host", .summary = "print the hypervisor canonical URI",
    .flags = VERB_READS | VERB_VIRSH};

VERB(help) = {NAMES(help, "help"), .family = "Host", .summary = "print help",
    .flags = VERB_READS | VERB_VIRSH,
    .text = "All commands, one group of them, or one command with its options."};

VERB(complete) = {NAMES(complete, "complete"), .family = "Host",
    .summary = "candidates for the shell's completion", .flags = VERB_READS | VERB_HIDDEN,
    .text = "One candidate per line; a description may follow after a tab."};

VERB(supervise) = {NAMES(supervise, "supervise"), .family = "Host",
    .summary = "run one domain (internal)", .flags = VERB_CHANGES | VERB_HIDDEN};
