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
