/* The verbs that plug network cards and change devices that stay. */
#include "cli/table_impl.h"

#define INTERFACE                                                                       \
	{                                                                               \
		"interface", OPT_WORD,                                                  \
		    .required = true, .value = "INTERFACE",                             \
		    .help = "its name on the host, its MAC address or its alias (net0)" \
	}

#define PRINT_XML FLAG("print-xml", "print the device as it would be, and change nothing")

#define VALUE(name_, value_, help_)                               \
	{                                                         \
		name_, OPT_STRING, .value = value_, .help = help_ \
	}

OPTS(attach_interface) = {
    DOMAIN_ONE,
    {"type", OPT_WORD, .required = true, .value = "TYPE",
        .help = "bridge, network, direct, user, ethernet, hostdev, vhostuser"},
    {"source", OPT_WORD, .value = "SOURCE",
        .help = "the bridge, network, device, PCI address or socket; user and ethernet need none"},
    VALUE("target", "NAME", "the tap's name on the host"),
    VALUE("mac", "MAC", "the card's MAC address; one is made up without it"),
    VALUE("script", "FILE", "run with the tap's name when it is there"),
    VALUE("model", "MODEL", "virtio, e1000e, e1000, rtl8139 and so on; rtl8139 without it"),
    VALUE("alias", "ALIAS", "a name of your own for the device, which begins with ua-"),
    VALUE("inbound", "RATES",
        "average,peak,burst,floor of what the guest receives, in KiB/s and KiB"),
    VALUE("outbound", "RATES", "average,peak,burst of what it sends"),
    LIVE_CONFIG_CURRENT,
    PERSISTENT,
    PRINT_XML,
    FLAG("managed", "of hostdev: take the device from its driver and give it back"),
    VALUE("source-mode", "MODE",
        "of vhostuser: server, client; of direct: vepa, bridge, private, passthrough"),
    {"forward", OPT_STRING, .many = true, .value = "PORTS",
        .help =
            "of user: tcp:HOSTPORT:GUESTPORT, or with the host's address tcp:127.0.0.1:2222:22"},
    PLANNED,
    {0},
};
OPTS(detach_interface) = {
    DOMAIN_ONE,
    {"type", OPT_WORD, .required = true, .value = "TYPE",
        .help = "its type: bridge, user and so on"},
    VALUE("mac", "MAC", "which one, when there are several"),
    LIVE_CONFIG_CURRENT,
    PERSISTENT,
    PRINT_XML,
    PLANNED,
    {0},
};
OPTS(update_device) = {
    DOMAIN_ONE,
    {"file", OPT_FILE, .required = true, .value = "FILE",
        .help = "the device's element as it shall be; '-' is standard input"},
    LIVE_CONFIG_CURRENT,
    PERSISTENT,
    FLAG("force", "open the tray of a drive even if the guest holds it"),
    PLANNED,
    {0},
};
OPTS(change_media) = {
    DOMAIN_ONE,
    {"path", OPT_WORD, .required = true, .value = "DRIVE",
        .help = "the drive's target (sda), or the file that is in it"},
    {"source", OPT_FILE, .value = "FILE", .help = "the new medium"},
    FLAG("eject", "take the medium out"),
    FLAG("insert", "put FILE into an empty drive"),
    FLAG("update", "put FILE in, whatever was in it (default); without FILE: take it out"),
    LIVE_CONFIG_CURRENT,
    FLAG("force", "open the tray even if the guest holds it"),
    PRINT_XML,
    FLAG("block", "FILE is a block device; seen by itself where it is there"),
    PLANNED,
    {0},
};
OPTS(domiftune) = {
    DOMAIN_ONE,
    INTERFACE,
    VALUE("inbound", "RATES",
        "what the guest receives: average,peak,burst in KiB/s and KiB; 0: no limit"),
    VALUE("outbound", "RATES", "what it sends"),
    LIVE_CONFIG_CURRENT,
    PLANNED,
    {0},
};
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
    PLANNED,
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
    PLANNED,
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

VERB(attach_interface) = {NAMES(attach_interface, "attach-interface"), .family = "Devices",
    .summary = "plug a network card in", .flags = VERB_CHANGES | VERB_VIRSH,
    .text =
        "Without --live and --config the domain is changed as it runs, or its definition when it is off. On q35 a card needs a "
        "free pcie-root-port. A tap is made, put onto its bridge and handed to QEMU; it goes with the card."};

VERB(detach_interface) = {NAMES(detach_interface, "detach-interface"), .family = "Devices",
    .summary = "unplug a network card", .flags = VERB_DISRUPTS | VERB_VIRSH,
    .losses = "the guest's connections over that card",
    .text =
        "The guest is asked to let go of it, and is waited for. Without --live and --config the domain is changed as it runs, or "
        "its definition when it is off."};

VERB(update_device) = {NAMES(update_device, "update-device"), .family = "Devices",
    .summary = "change a device that is described by XML", .flags = VERB_CHANGES | VERB_VIRSH,
    .text =
        "A disk is found by its target, an interface by its MAC address, a display by its type. While a domain runs, these can "
        "change: the medium and the limits of a drive, an interface's link, bridge and bandwidth, a display's password and its "
        "end, how much virtio-mem is asked for. What else differs is named, and nothing is done. With --config the definition gets the device as it is given."};

VERB(change_media) = {NAMES(change_media, "change-media"), .family = "Devices",
    .summary = "eject or insert a medium of a CD or floppy drive",
    .flags = VERB_CHANGES | VERB_VIRSH,
    .text =
        "The new medium is opened before the old one goes: one that cannot be opened changes nothing. A guest that has mounted "
        "the old one holds the tray; it is asked for it, and waited for. Its format is the drive's <driver type=…>, raw "
        "without one."};

VERB(domiftune) = {NAMES(domiftune, "domiftune"), .family = "Tuning",
    .summary = "show or change how much goes over an interface",
    .flags = VERB_CHANGES | VERB_SHOWS | VERB_VIRSH,
    .text =
        "The limits are those of the interface's tap or macvtap on the host, by tc(8); cards on QEMU's user networking have no "
        "such device."};

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
