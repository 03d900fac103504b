/* The verbs that tell a running domain's figures: disks, interfaces, memory, CPUs. */
#include "cli/table_impl.h"

#define DEVICE(help_)                                                \
	{                                                            \
		"device", OPT_WORD, .value = "DEVICE", .help = help_ \
	}

OPTS(domblkstat) = {
    DOMAIN_ONE,
    DEVICE("a disk's target or file; the sum of all when none is named"),
    FLAG("human", "say in words what each figure is"),
    JSON,
    {0},
};
OPTS(domblkerror) = {DOMAIN_ONE, JSON, {0}};
OPTS(domblkinfo) = {
    DOMAIN_ONE,
    DEVICE("a disk's target or file"),
    FLAG("human", "sizes in KiB, MiB and so on"),
    FLAG("all", "all disks, as a table"),
    JSON,
    {0},
};
OPTS(domifstat) = {
    DOMAIN_ONE,
    {"interface", OPT_WORD, .required = true, .value = "INTERFACE",
        .help = "its name on the host, or its MAC address"},
    JSON,
    {0},
};
OPTS(dommemstat) = {
    DOMAIN_ONE,
    {"period", OPT_NUMBER, .value = "SECONDS",
        .help = "from now on the guest is asked so often; 0: not at all"},
    FLAG("config", "the definition's period"),
    FLAG("live", "the running domain's period"),
    FLAG("current", "the running domain's period, or the definition's when it is off"),
    JSON,
    {0},
};
OPTS(vcpuinfo) = {DOMAIN_ONE, FLAG("pretty", "affinity as a list of CPUs"), JSON, {0}};
OPTS(vcpucount) = {
    DOMAIN_ONE,
    FLAG("maximum", "only the most that there can be"),
    FLAG("active", "only those that there are"),
    FLAG("live", "of the running domain"),
    FLAG("config", "of the definition"),
    FLAG("current", "of the running domain, or of the definition when it is off"),
    FLAG("guest", "those that the guest uses, as its agent says"),
    JSON,
    {0},
};
OPTS(iothreadinfo) = {
    DOMAIN_ONE,
    FLAG("config", "refused: see dumpxml"),
    FLAG("live", "of the running domain (default)"),
    FLAG("current", "the same"),
    JSON,
    {0},
};
OPTS(cpu_stats) = {
    DOMAIN_ONE,
    FLAG("total", "accepted; only the sum over all CPUs is known"),
    {"start", OPT_NUMBER, .value = "CPU", .help = "refused: no figures of single CPUs are kept"},
    {"count", OPT_NUMBER, .value = "N", .help = "refused"},
    JSON,
    {0},
};

#define WHERE                                                                       \
	FLAG("config", "of the definition"), FLAG("live", "of the running domain"), \
	    FLAG("current", "of the running domain, or of the definition when it is off")

OPTS(vcpupin) = {
    DOMAIN_ONE,
    {"vcpu", OPT_WORD, .value = "VCPU", .help = "a virtual CPU's number, from 0"},
    {"cpulist", OPT_WORD, .value = "LIST", .help = "the host's CPUs: 0-3,^2 or r for all"},
    WHERE,
    JSON,
    {0},
};
OPTS(emulatorpin) = {
    DOMAIN_ONE,
    {"cpulist", OPT_WORD, .value = "LIST", .help = "the host's CPUs: 0-3,^2 or r for all"},
    WHERE,
    JSON,
    {0},
};
OPTS(iothreadpin) = {
    DOMAIN_ONE,
    {"iothread", OPT_WORD, .required = true, .value = "IOTHREAD",
        .help = "an I/O thread's number, from 1"},
    {"cpulist", OPT_WORD, .required = true, .value = "LIST",
        .help = "the host's CPUs: 0-3,^2 or r for all"},
    WHERE,
    {0},
};

OPTS(schedinfo) = {
    DOMAIN_ONE,
    {"weight", OPT_NUMBER, .value = "N", .help = "refused: Xen's"},
    {"cap", OPT_NUMBER, .value = "N", .help = "refused: Xen's"},
    WHERE,
    {"set", OPT_WORD, .many = true, .value = "PARAMETER=VALUE",
        .help = "cpu_shares, vcpu_period, vcpu_quota and so on: those that are printed"},
    JSON,
    {0},
};
OPTS(domjobinfo) = {
    DOMAIN_ONE,
    FLAG("completed", "the last plan that is over, from the audit log"),
    FLAG("keep-completed", "accepted: nothing is forgotten"),
    FLAG("anystats", "with --completed: also when it failed"),
    FLAG("rawstats", "accepted: there is one form alone"),
    JSON,
    {0},
};

VERB(domblkstat) = {NAMES(domblkstat, "domblkstat"), .family = "Monitoring",
    .summary = "print a running domain's disk counters",
    .flags = VERB_READS | VERB_LIVE | VERB_VIRSH,
    .text = "Counted by QEMU since the domain was started."};

VERB(domblkerror) = {NAMES(domblkerror, "domblkerror"), .family = "Monitoring",
    .summary = "print disks that met an error", .flags = VERB_READS | VERB_LIVE | VERB_VIRSH};

VERB(domblkinfo) = {NAMES(domblkinfo, "domblkinfo"), .family = "Monitoring",
    .summary = "print a disk's size", .flags = VERB_READS | VERB_VIRSH,
    .text =
        "Capacity is what the guest sees, allocation what the image takes on the host, physical where it ends. Of a domain "
        "that is off raw and qcow2 images are read."};

VERB(domifstat) = {NAMES(domifstat, "domifstat"), .family = "Monitoring",
    .summary = "print an interface's counters", .flags = VERB_READS | VERB_LIVE | VERB_VIRSH,
    .text = "As the guest sees them: received is what came to the guest."};

VERB(dommemstat) = {NAMES(dommemstat, "dommemstat"), .family = "Monitoring",
    .summary = "print memory figures of a running domain", .flags = VERB_CHANGES | VERB_VIRSH,
    .text =
        "In KiB. What the guest says of its memory is there when the balloon asks for it: set a --period, or "
        "<memballoon><stats period='…'/> in the definition. rss is what QEMU takes on the host."};

VERB(vcpuinfo) = {NAMES(vcpuinfo, "vcpuinfo"), .family = "Monitoring",
    .summary = "print the virtual CPUs and where they run", .flags = VERB_READS | VERB_VIRSH};

VERB(vcpucount) = {NAMES(vcpucount, "vcpucount"), .family = "Monitoring",
    .summary = "print the numbers of virtual CPUs", .flags = VERB_READS | VERB_VIRSH};

VERB(iothreadinfo) = {NAMES(iothreadinfo, "iothreadinfo"), .family = "Monitoring",
    .summary = "print the I/O threads and where they may run",
    .flags = VERB_READS | VERB_LIVE | VERB_VIRSH};

VERB(cpu_stats) = {NAMES(cpu_stats, "cpu-stats"), .family = "Monitoring",
    .summary = "print the CPU time that a running domain took",
    .flags = VERB_READS | VERB_LIVE | VERB_VIRSH};

#define PIN_TEXT                                                                                        \
	"Without LIST it prints where they may run. A running domain's threads are moved at once, and " \
	"its definition is changed, too, unless --live is given."

VERB(vcpupin) = {NAMES(vcpupin, "vcpupin"), .family = "Tuning",
    .summary = "show or change on which CPUs of the host a virtual CPU runs",
    .flags = VERB_CHANGES | VERB_VIRSH, .text = PIN_TEXT};

VERB(emulatorpin) = {NAMES(emulatorpin, "emulatorpin"), .family = "Tuning",
    .summary = "show or change on which CPUs of the host QEMU's other threads run",
    .flags = VERB_CHANGES | VERB_VIRSH, .text = PIN_TEXT};

VERB(iothreadpin) = {NAMES(iothreadpin, "iothreadpin"), .family = "Tuning",
    .summary = "change on which CPUs of the host an I/O thread runs",
    .flags = VERB_CHANGES | VERB_VIRSH, .text = "See iothreadinfo for where they run."};

VERB(schedinfo) = {NAMES(schedinfo, "schedinfo"), .family = "Tuning",
    .summary = "show or change how much of the host's CPUs a domain may take",
    .flags = VERB_CHANGES | VERB_VIRSH,
    .text =
        "Periods and quotas in microseconds, -1 is no limit. A change counts from the domain's next start."};

VERB(domjobinfo) = {NAMES(domjobinfo, "domjobinfo"), .family = "Monitoring",
    .summary = "show long work on a running domain", .flags = VERB_READS | VERB_LIVE | VERB_VIRSH};
