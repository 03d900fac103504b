/* The verbs of hot-plug. */
#include "cli/table_impl.h"

#define PRINT_XML FLAG("print-xml", "print the device's XML and do nothing")
#define WORD(name_, value_, help_)                                \
	{                                                         \
		name_, OPT_STRING, .value = value_, .help = help_ \
	}

OPTS(attach_disk) = {
    DOMAIN_ONE,
    {"source", OPT_WORD, .required = true, .value = "SOURCE",
        .help = "the image's path, a block device, or a network disk's name"},
    {"target", OPT_WORD, .required = true, .value = "TARGET",
        .help = "its name in the domain: vdb (virtio), sdb (scsi)"},
    WORD("targetbus", "BUS", "virtio, scsi, usb; by the target's name when it is left out"),
    WORD("driver", "NAME", "qemu"),
    WORD("subdriver", "FORMAT",
        "raw, qcow2, and so on; without it FILE.qcow2 is taken for what it is, all else for raw"),
    WORD("iothread", "NUMBER", "the I/O thread that works on it"),
    WORD("cache", "MODE", "none, writethrough, writeback, directsync, unsafe"),
    WORD("io", "MODE", "threads, native, io_uring"),
    WORD("type", "DEVICE", "disk, cdrom, lun"),
    WORD("mode", "MODE", "readonly, shareable"),
    WORD("sourcetype", "TYPE", "file, block, network; told by the source when it is left out"),
    WORD("serial", "TEXT", "the serial number that the guest reads"),
    WORD("wwn", "HEX", "its world wide name"),
    WORD("alias", "NAME", "a name of your own for the device, ua-…"),
    FLAG("rawio", "with the right to raw I/O"),
    WORD("address", "ADDRESS",
        "pci:0000.00.0a.0, scsi:0.0.1, usb:1.2; a free one when it is left out"),
    FLAG("multifunction", "the PCI slot of --address has other functions, too"),
    PRINT_XML,
    WORD("source-protocol", "PROTOCOL", "of a network disk: nbd, rbd, iscsi, and so on"),
    WORD("source-host-name", "HOST[:PORT]", "its server"),
    WORD("source-host-transport", "TRANSPORT", "tcp, unix"),
    WORD("source-host-socket", "PATH", "the server's socket on this host"),
    PERSISTENT,
    LIVE_CONFIG_CURRENT,
    PLANNED,
    {0},
};
OPTS(detach_disk) = {
    DOMAIN_ONE,
    {"target", OPT_WORD, .required = true, .value = "TARGET",
        .help = "the disk's name in the domain (vdb) or its image's path"},
    PERSISTENT,
    LIVE_CONFIG_CURRENT,
    PRINT_XML,
    PLANNED,
    {0},
};
#define DEVICE_FILE                                                                          \
	{                                                                                    \
		"file", OPT_FILE, .value = "FILE",                                           \
		                  .help = "the device's XML; - reads it from standard input" \
	}
OPTS(attach_device) = {
    DOMAIN_ONE,
    DEVICE_FILE,
    WORD("xml", "ELEMENT", "the device's XML itself, in place of a file"),
    PERSISTENT,
    LIVE_CONFIG_CURRENT,
    PLANNED,
    {0},
};
#define opts_detach_device opts_attach_device
OPTS(detach_device_alias) = {
    DOMAIN_ONE,
    {"alias", OPT_WORD, .required = true, .value = "ALIAS",
        .help = "its <alias> in 'hvmux dumpxml DOMAIN'"},
    LIVE_CONFIG_CURRENT,
    PLANNED,
    {0},
};

OPTS(host_devices) = {
    FLAG("pci", "PCI devices alone"),
    FLAG("usb", "USB devices alone"),
    FLAG("free", "those alone that a guest may get"),
    JSON,
    {0},
};
OPTS(attach_host_device) = {
    DOMAIN_ONE,
    {"device", OPT_WORD, .required = true, .value = "DEVICE",
        .help = "its address in 'hvmux host-devices' (06:00.0, 1-2.3) or VENDOR:PRODUCT"},
    PERSISTENT,
    LIVE_CONFIG_CURRENT,
    PLANNED,
    {0},
};

#define WAITS                                                                                                             \
	"\n\nThe guest has to let go of it: that is waited for, and Ctrl+C ends the wait. A guest without a kernel that " \
	"knows hot-plug, or one that uses the device, does not; the device then stays, and goes when the guest lets "     \
	"go of it later."

VERB(attach_disk) = {NAMES(attach_disk, "attach-disk"), .family = "Devices",
    .summary = "plug a disk in", .flags = VERB_CHANGES | VERB_VIRSH,
    .text =
        "Without --live and --config the machine that runs gets it until it ends, and one that is off gets it in its definition. "
        "What fails half-way is taken back: the machine, its document and the image are as before."
        "\n\nA q35 machine takes a virtio disk behind a pcie-root-port that is free: a new definition gets four of them; "
        "i440fx takes it on its root. The first SCSI disk brings a virtio-scsi controller along, which stays. IDE and SATA take none "
        "while the machine runs. See hvmux-hotplug(7).\n\n"
        "attach-disk web1 /srv/data.qcow2 vdb --persistent"};

VERB(detach_disk) = {NAMES(detach_disk, "detach-disk"), .family = "Devices",
    .summary = "unplug a disk", .flags = VERB_DISRUPTS | VERB_VIRSH,
    .losses = "the disk, for the guest; its image stays",
    .text =
        "Without --live and --config it goes from the machine that runs, and from the definition of one that is off." WAITS};

VERB(attach_device) = {NAMES(attach_device, "attach-device"), .family = "Devices",
    .summary = "plug a device in that is described by XML", .flags = VERB_CHANGES | VERB_VIRSH,
    .text =
        "The file holds one element as it stands in <devices>: <disk>, <interface>, <hostdev>, <memory>, <rng>, <redirdev>, "
        "<channel>, <input>, <watchdog>, <vsock>, <shmem>, <controller>. It is checked as a definition is. Without --live and --config the "
        "machine that runs gets it until it ends, and one that is off gets it in its definition."};

VERB(detach_device) = {NAMES(detach_device, "detach-device"), .family = "Devices",
    .summary = "unplug a device that is described by XML", .flags = VERB_DISRUPTS | VERB_VIRSH,
    .losses = "the device, for the guest",
    .text =
        "A disk is found by its target, an interface by its MAC address, other devices by all that the file says of them." WAITS};

VERB(detach_device_alias) = {NAMES(detach_device_alias, "detach-device-alias"), .family = "Devices",
    .summary = "unplug a device by its alias", .flags = VERB_DISRUPTS | VERB_VIRSH,
    .losses = "the device, for the guest",
    .text = "The aliases of what runs stand in its document, <alias name='net0'/>." WAITS};

VERB(host_devices) = {NAMES(host_devices, "host-devices"), .family = "Host",
    .summary = "list the host's PCI and USB devices, and which a guest may get",
    .flags = VERB_READS,
    .text =
        "What the host lives on stays with it: the controllers of disks that it has mounted or otherwise in use, cards with its "
        "addresses or in its bridges, its own display, hubs and parts of the board, and what is in one IOMMU group with them. "
        "With --json each has its <hostdev> element for attach-device."};

VERB(attach_host_device) = {NAMES(attach_host_device, "attach-host-device"), .family = "Devices",
    .summary = "give a PCI or USB device of the host to a guest", .flags = VERB_CHANGES,
    .text =
        "The same as attach-device with the <hostdev> element that 'hvmux host-devices --json' prints. A PCI device is taken from its "
        "driver for the run and given back afterwards. A USB device that is the only one of its kind follows into another port."};
