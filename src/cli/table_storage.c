/* The verbs of images, pools and volumes. */
#include "cli/table_impl.h"

OPTS(img) = {
    {"words", OPT_REST, .value = "WORD",
        .help = "a command of qemu-img's and its words; 'hvmux img --help' lists them"},
    {0},
};

VERB(img) = {NAMES(img, "img"), .family = "Storage",
    .summary = "disk images: qemu-img's commands, options and output",
    .flags = VERB_CHANGES | VERB_SHOWS | VERB_TOOL,
    .text =
        "create, info, check, map, convert, resize, rebase, commit, compare, snapshot, amend, bitmap, measure and dd, "
        "as qemu-img has them; see hvmux-img(1). A link to hvmux with the name qemu-img or kvm-img is this verb. What "
        "is not done here is handed over to QEMU's qemu-img where it is installed; -v says so."};

OPTS(clone) = {
    {"domain", OPT_DOMAIN, .value = "DOMAIN", .help = "the original: domain name or uuid"},
    {"original", OPT_STRING, .letter = 'o', .value = "DOMAIN",
        .help = "the same: virt-clone's name for it"},
    {"name", OPT_STRING, .letter = 'n', .value = "NAME", .help = "the clone's name"},
    FLAG("auto", "choose the name that is not given: DOMAIN-clone"),
    FLAG("auto-clone", "the same: virt-clone's name for it"),
    FLAG("linked",
        "disks that hold only what differs from the original's, which must not change any more"),
    {"file", OPT_STRING, .many = true, .letter = 'f', .value = "PATH",
        .help = "where the next disk of the clone's own is to be"},
    {"skip-copy", OPT_STRING, .many = true, .value = "TARGET",
        .help = "leave this disk shared with the original"},
    {"force-copy", OPT_STRING, .many = true, .value = "TARGET",
        .help = "copy this disk though it is read-only or shareable"},
    FLAG("preserve-data", "copy nothing: what lies at the new places are the clone's disks"),
    FLAG("nonsparse", "allocate everything"),
    FLAG("reflink", "accepted: blocks are shared wherever the file system can"),
    FLAG("pause", "of a running domain: its guest stands still while its disks are copied"),
    {"mac", OPT_STRING, .many = true, .letter = 'm', .value = "ADDRESS",
        .help = "MAC address of the next interface; RANDOM, as without it, a new one"},
    {"uuid", OPT_STRING, .letter = 'u', .value = "UUID",
        .help = "the clone's uuid; a new one by default"},
    {"nvram", OPT_STRING, .value = "PATH",
        .help = "where the clone's firmware variables are to be"},
    FLAG("print-xml", "print the clone's document, change nothing"),
    FLAG("dry-run", "print what becomes of each disk, change nothing"),
    {0},
};

VERB(clone) = {NAMES(clone, "clone"), .family = "Domains",
    .summary = "make another domain like one that is there", .flags = VERB_CHANGES,
    .alias = "virt-clone",
    .text =
        "The clone has a new uuid and new MAC addresses, a copy of the firmware's variables, and disks of its own beside "
        "the original's: /images/web1.qcow2 becomes /images/NAME.qcow2. CD-ROMs, read-only and shareable disks are shared. "
        "A chain of images becomes one. Blocks are copied by reference where the file system can.\n\n"
        "With --linked each disk is an overlay on the original's, made at once and small. From then on the original must "
        "not write to it: a start of the original is refused as long as the clone needs its disks, except with "
        "--throwaway.\n\n"
        "The original must not run, or be paused, or --pause pauses it; without a shutdown the clone's disks are as after a "
        "power cut ('hvmux domfsfreeze' before makes its file systems whole). When cloning fails or is interrupted, "
        "nothing stays behind; only kill -9 can leave a guest that --pause paused to be resumed by you. As a job it outlives the terminal: 'hvmux job-start clone web1 --name web2'.\n\n"
        "A link to hvmux named virt-clone does the same."};

OPTS(growth) = {
    {"path", OPT_FILE, .many = true, .value = "PATH",
        .help = "of this folder or image; all by default"},
    JSON,
    {0},
};
OPTS(growth_record) = {
    {"name", OPT_WORD, .required = true, .value = "NAME", .help = "name of the domain"},
    {0},
};

VERB(growth) = {NAMES(growth, "growth"), .family = "Storage",
    .summary = "how fast disks fill, and when they will be full", .flags = VERB_READS,
    .text =
        "Of the images of domains that run and of the folders that these lie in, as it was recorded: every ten minutes for a "
        "day, four times a day for three months. A day tells the present pace, Full in when there will be no room left; "
        "neither is told of what does not grow steadily, since one large file is no trend."};

VERB(growth_record) = {NAMES(growth_record, "growth-record"), .family = "Storage",
    .summary = "record how full a domain's disks are (internal)",
    .flags = VERB_CHANGES | VERB_HIDDEN};
