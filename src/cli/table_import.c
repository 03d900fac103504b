/* The verbs that bring in what other programs ran. */
#include "cli/table_impl.h"

OPTS(import) = {
    {"source", OPT_WORD, .required = true, .value = "SOURCE",
        .help = "the program whose definitions are read", .words = "libvirt"},
    {"from", OPT_STRING, .value = "DIR",
        .help = "libvirt's folder, its qemu folder, or a copy of them (default: this host's)"},
    {"domain", OPT_STRING, .many = true, .value = "NAME",
        .help = "only this domain and its snapshots; may be repeated"},
    FLAG("dry-run", "write nothing, only report"),
    FLAG("overwrite", "replace definitions of the same name and uuid that are here already"),
    FLAG("ignore-unsupported", "import a domain without the hardware that cannot be provided"),
    JSON,
    {0},
};

VERB(import) = {NAMES(import, "import"), .family = "Import",
    .summary = "take over the domains of a libvirt host", .flags = VERB_CHANGES,
    .text =
        "Reads the definitions in DIR (/etc/libvirt, or ~/.config/libvirt of a session), defines each domain, and says "
        "for each one what works, what differs and what has to be done before it starts. Autostart links, snapshots' "
        "metadata, networks and storage pools are taken over, too. Nothing of libvirt's is changed.\n\n"
        "A domain that is here already stays as it is unless --overwrite is given, so that an import that was cut short "
        "is simply repeated. Secrets, network filters and saved memory are not taken over; the report names them. The "
        "exit status is 1 when anything could not be imported."};

OPTS(domxml_from_native) = {
    {"format", OPT_WORD, .required = true, .value = "FORMAT", .help = "source format",
        .words = "qemu-argv"},
    {"file", OPT_FILE, .value = "FILE",
        .help =
            "a QEMU command line, a script with one, or libvirt's log of a domain; - is standard input"},
    {"pid", OPT_NUMBER, .value = "PID", .help = "the command line of a running QEMU instead"},
    {0},
};

VERB(domxml_from_native) = {NAMES(domxml_from_native, "domxml-from-native"), .family = "Import",
    .summary = "convert a QEMU command line to domain XML", .flags = VERB_READS | VERB_VIRSH,
    .text =
        "Prints a definition with the same hardware: devices that QEMU adds by itself are spelled out, and so are the "
        "PCI slots that it would choose. What has no element is kept word for word in <qemu:commandline>; what "
        "belongs to one run only (monitors, pid files) is left out. Warnings name both. Relative paths become absolute: "
        "those of a process by its working directory, those of a file by the current one."};

OPTS(adopt) = {
    {"pid", OPT_WORD, .required = true, .value = "PID", .help = "the QEMU's process number"},
    {"name", OPT_STRING, .value = "NAME",
        .help = "name of the domain (default: the one in its command line)"},
    FLAG("define", "keep a definition, too: it can be started again when it has ended"),
    {0},
};

VERB(adopt) = {NAMES(adopt, "adopt"), .family = "Import",
    .summary = "take over a QEMU that somebody else started", .flags = VERB_CHANGES,
    .text =
        "The QEMU needs a QMP monitor on a Unix socket (-qmp unix:PATH,server=on,wait=off) that nobody else is "
        "connected to. It is not interrupted. Serial ports on Unix sockets that QEMU listens on become consoles, others "
        "cannot be reached. Without --define the domain is transient: it is gone when its QEMU ends. A definition of "
        "the same name and uuid, for instance an imported one, is the one that it runs under."};
