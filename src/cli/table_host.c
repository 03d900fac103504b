/* The verbs about the host. */
#include "cli/table_impl.h"

OPTS(hostname) = {JSON, {0}};
OPTS(nodeinfo) = {JSON, {0}};
OPTS(nodecpumap) = {FLAG("pretty", "as ranges instead of a letter per CPU"), JSON, {0}};
OPTS(nodecpustats) = {
    {"cpu", OPT_NUMBER, .value = "CPU", .help = "of this one only"},
    FLAG("percent", "in percent, over one second"),
    JSON,
    {0},
};
OPTS(nodememstats) = {
    {"cell", OPT_NUMBER, .value = "CELL", .help = "of this NUMA cell only"},
    JSON,
    {0},
};
OPTS(freecell) = {
    {"cellno", OPT_NUMBER, .value = "CELL", .help = "of this NUMA cell"},
    FLAG("all", "of each NUMA cell"),
    JSON,
    {0},
};

VERB(hostname) = {NAMES(hostname, "hostname"), .family = "Host",
    .summary = "print the hypervisor hostname", .flags = VERB_READS | VERB_VIRSH};

VERB(nodeinfo) = {NAMES(nodeinfo, "nodeinfo"), .family = "Host", .summary = "node information",
    .flags = VERB_READS | VERB_VIRSH,
    .text =
        "CPU sockets are those of a NUMA cell, as virsh counts them. Where not all cells are alike, one socket "
        "with all CPUs as its cores is shown."};

VERB(nodecpumap) = {NAMES(nodecpumap, "nodecpumap"), .family = "Host", .summary = "node cpu map",
    .flags = VERB_READS | VERB_VIRSH};

VERB(nodecpustats) = {NAMES(nodecpustats, "nodecpustats"), .family = "Host",
    .summary = "prints cpu stats of the node", .flags = VERB_READS | VERB_VIRSH,
    .text = "Nanoseconds since the host's boot."};

VERB(nodememstats) = {NAMES(nodememstats, "nodememstats"), .family = "Host",
    .summary = "prints memory stats of the node", .flags = VERB_READS | VERB_VIRSH};

VERB(freecell) = {NAMES(freecell, "freecell"), .family = "Host", .summary = "NUMA free memory",
    .flags = VERB_READS | VERB_VIRSH};

OPTS(host_validate) = {
    {"hvtype", OPT_WORD, .value = "HVTYPE", .help = "the only kind of host that is checked",
        .words = "qemu"},
    JSON,
    {0},
};
OPTS(kvm_ok) = {JSON, {0}};

VERB(host_validate) = {NAMES(host_validate, "host-validate"), .family = "Host",
    .summary = "validate the host's virtualization setup", .flags = VERB_READS,
    .alias = "virt-host-validate",
    .text =
        "A line for each thing that guests may need: whether it is there, and what to do about it. KVM is not only "
        "looked for but tried. With --quiet only what does not pass is shown. Exit status 1 when something failed; "
        "a warning is no failure. A link to hvmux named virt-host-validate does the same."};

VERB(kvm_ok) = {NAMES(kvm_ok, "kvm-ok"), .family = "Host",
    .summary = "can KVM acceleration be used here", .flags = VERB_READS,
    .text =
        "Exit status 0 when it can: a trial guest ran. A link to hvmux named kvm-ok does the same."};

OPTS(capabilities) = {{0}};
OPTS(domcapabilities) = {
    {"virttype", OPT_STRING, .value = "TYPE", .help = "of domains of this type",
        .words = "kvm qemu"},
    {"emulatorbin", OPT_STRING, .value = "PATH", .help = "with this QEMU"},
    {"arch", OPT_STRING, .value = "ARCH", .help = "of this architecture"},
    {"machine", OPT_STRING, .value = "MACHINE", .help = "with this machine"},
    {0},
};
OPTS(cpu_models) = {
    {"arch", OPT_WORD, .required = true, .value = "ARCH", .help = "architecture, such as x86_64"},
    JSON,
    {0},
};

VERB(capabilities) = {NAMES(capabilities, "capabilities"), .family = "Host",
    .summary = "capabilities", .flags = VERB_READS | VERB_VIRSH,
    .text = "The host's processors, memory and QEMUs, in libvirt's XML."};

VERB(domcapabilities) = {NAMES(domcapabilities, "domcapabilities"), .family = "Host",
    .summary = "domain capabilities", .flags = VERB_READS | VERB_VIRSH,
    .text =
        "What a domain may have here, in libvirt's XML: each value is one that define accepts and this QEMU has. "
        "KVM's where KVM can be used, unless --virttype says otherwise."};

VERB(cpu_models) = {NAMES(cpu_models, "cpu-models"), .family = "Host", .summary = "CPU models",
    .flags = VERB_READS | VERB_VIRSH, .text = "The names that this QEMU takes in <model>."};

OPTS(osinfo_query) = {
    {"type", OPT_WORD, .required = true, .value = "TYPE", .help = "what is listed", .words = "os"},
    {"condition", OPT_WORD, .many = true, .value = "PROPERTY=VALUE",
        .help = "only those of which it is true"},
    {"fields", OPT_STRING, .letter = 'f', .value = "FIELDS",
        .help =
            "columns, separated by commas: short-id, name, version, family, vendor, release-date, eol-date, "
            "codename, id"},
    {"sort-key", OPT_STRING, .letter = 's', .value = "FIELD", .help = "sort by this field"},
    JSON,
    {0},
};

VERB(osinfo_query) = {NAMES(osinfo_query, "osinfo-query"), .family = "Host",
    .summary = "list operating systems of guests", .flags = VERB_READS,
    .text =
        "What the osinfo-db package knows, and the administrator's additions in /etc/osinfo. With --json also the "
        "resources that a system wants and the devices that it has drivers for. A link to hvmux named osinfo-query "
        "does the same."};
