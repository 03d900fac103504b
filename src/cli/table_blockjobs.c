/* The verbs of block jobs. */
#include "cli/table_impl.h"

#define PATH                                                                 \
	{                                                                    \
		"path", OPT_WORD, .required = true, .value = "DISK",         \
		                  .help = "the disk's target (vda) or image" \
	}
#define BANDWIDTH                                                                               \
	{                                                                                       \
		"bandwidth", OPT_STRING, .value = "MIB", .bare = true,                          \
		                         .help = "at most this many MiB per second; 0 no limit" \
	}
#define BYTES FLAG("bytes", "the bandwidth is in bytes per second; a unit may follow it: 10M")
#define WAITING                                                                      \
	FLAG("wait", "wait for the end, or until both images are alike"),            \
	    FLAG("verbose", "show how far it is; it is shown on a terminal anyway"), \
	    {"timeout", OPT_NUMBER, .value = "SECONDS",                              \
	        .help = "wait, and cancel it after this time"},                      \
	    FLAG("async", "accepted; a cancelled job ends in a moment")

OPTS(blockcommit) = {
    DOMAIN_ONE,
    PATH,
    BANDWIDTH,
    {"base", OPT_STRING, .value = "IMAGE", .bare = true,
        .help = "the image to write into: its path, or vda[2] (default: the lowest)"},
    FLAG("shallow", "the base is what is right below the top"),
    {"top", OPT_STRING, .value = "IMAGE", .bare = true,
        .help = "the image to begin from (default: what the guest writes to)"},
    FLAG("active", "the top is what the guest writes to"),
    FLAG("delete", "remove the images that were committed"),
    WAITING,
    FLAG("pivot", "with --active: the guest writes to the base at the end"),
    FLAG("keep-overlay", "with --active: the guest goes on with its overlay at the end"),
    FLAG("keep-relative", "the image above names the base by a relative path"),
    BYTES,
    PLANNED,
    {0},
};
OPTS(blockpull) = {
    DOMAIN_ONE,
    PATH,
    BANDWIDTH,
    {"base", OPT_STRING, .value = "IMAGE", .bare = true,
        .help = "the image that stays below: its path, or vda[2] (default: none)"},
    WAITING,
    FLAG("keep-relative", "the disk names that image by a relative path"),
    BYTES,
    PLANNED,
    {0},
};
OPTS(blockcopy) = {
    DOMAIN_ONE,
    PATH,
    {"dest", OPT_STRING, .value = "IMAGE", .bare = true,
        .help = "the copy: a path, or POOL/VOLUME"},
    BANDWIDTH,
    FLAG("shallow", "the copy is backed by what backs the disk"),
    FLAG("reuse-external", "the copy is there already, and large enough"),
    FLAG("blockdev", "the copy is a block device"),
    WAITING,
    FLAG("pivot", "the guest writes to the copy at the end"),
    FLAG("finish", "the guest stays where it is at the end"),
    {"xml", OPT_STRING, .value = "FILE",
        .help = "a <disk> that describes the copy, instead of its path"},
    {"format", OPT_STRING, .value = "FORMAT", .help = "of the copy (default: the disk's)",
        .words = "qcow2 raw"},
    FLAG("raw", "the same as --format raw"),
    {"granularity", OPT_STRING, .value = "BYTES",
        .help = "how fine what changes is noted: a power of two"},
    {"buf-size", OPT_STRING, .value = "BYTES", .help = "how much is on its way at a time"},
    BYTES,
    FLAG("transient-job", "accepted; a copy ends with the run of its machine"),
    FLAG("synchronous-writes", "the guest's writes wait for the copy, too"),
    FLAG("print-xml", "print the <disk> of the copy, and change nothing"),
    PLANNED,
    {0},
};
OPTS(blockjob) = {
    DOMAIN_ONE,
    PATH,
    FLAG("abort", "end the job; a copy that is alike stays as it is at that moment"),
    FLAG("async", "the same, without waiting for its end"),
    FLAG("pivot", "end the job: the guest goes over to the copy, or to the base"),
    FLAG("info", "show how far it is; the default"),
    FLAG("raw", "show it as names and numbers"),
    BANDWIDTH,
    FLAG("bytes", "bandwidth in bytes per second"),
    PLANNED,
    {0},
};
OPTS(blockresize) = {
    DOMAIN_ONE,
    PATH,
    {"size", OPT_WORD, .required = true, .value = "SIZE", .help = "KiB, or with a unit: 20G"},
    FLAG("shrink", "it may become smaller, and what lies beyond is lost"),
    PLANNED,
    {0},
};
OPTS(domblkthreshold) = {
    DOMAIN_ONE,
    {"dev", OPT_WORD, .required = true, .value = "DISK",
        .help = "a disk's target, or one of its images: vda[1] is what is right below"},
    {"threshold", OPT_WORD, .required = true, .value = "BYTES",
        .help = "bytes, or with a unit: 10G; 0 none"},
    PLANNED,
    {0},
};

VERB(blockcommit) = {NAMES(blockcommit, "blockcommit"), .family = "Block jobs",
    .summary = "write what an image holds into one below it",
    .flags = VERB_CHANGES | VERB_LIVE | VERB_VIRSH,
    .text =
        "While the guest runs, the images from the top down to above the base are written into the base, and leave the chain; their "
        "files stay unless --delete is given, but hold nothing that counts any more.\n\nWhen the top is what the guest writes to, it needs "
        "--active: the job goes on copying what the guest writes until 'blockjob' ends it; --pivot and --keep-overlay end it as soon as "
        "both are alike. Without --wait (or what implies it: --timeout, --pivot, --keep-overlay) the command returns once the job goes on. "
        "The definition follows the guest. A base that linked clones or other domains are made of is refused."};

VERB(blockpull) = {NAMES(blockpull, "blockpull"), .family = "Block jobs",
    .summary = "read what lies below a disk's image into it",
    .flags = VERB_CHANGES | VERB_LIVE | VERB_VIRSH,
    .text =
        "Afterwards the disk does not need the images below it, or only the base and what that is made of. Their files stay. Without "
        "--wait or --timeout the command returns once the job goes on."};

VERB(blockcopy) = {NAMES(blockcopy, "blockcopy"), .family = "Block jobs",
    .summary = "copy a running machine's disk, and move the guest there",
    .flags = VERB_CHANGES | VERB_LIVE | VERB_VIRSH,
    .text =
        "The copy is a new file, a volume of a pool, or with --blockdev a device. When both are alike the job goes on, and 'blockjob "
        "--pivot' moves the guest to the copy, '--abort' leaves the copy as the disk was at that moment; --pivot and --finish do so at "
        "once. The definition follows the guest. The image that the guest leaves stays as a file.\n\n"
        "blockcopy web1 vda fast/web1.qcow2 --wait --pivot"};

VERB(blockjob) = {NAMES(blockjob, "blockjob"), .family = "Block jobs",
    .summary = "show, hold back or end the work on a disk's images",
    .flags = VERB_CHANGES | VERB_SHOWS | VERB_LIVE | VERB_VIRSH,
    .text =
        "A job that is not ready yet is cancelled by --abort, and what was done for it is taken back. --raw prints bandwidths in MiB/s, with --bytes "
        "in bytes/s."};

VERB(blockresize) = {NAMES(blockresize, "blockresize"), .family = "Block jobs",
    .summary = "give a running machine's disk another size",
    .flags = VERB_CHANGES | VERB_LIVE | VERB_VIRSH,
    .text =
        "The guest's disk is larger at once (virtio tells it so); its partitions and file systems are for the guest to enlarge. To make one smaller "
        "needs --shrink."};

VERB(domblkthreshold) = {NAMES(domblkthreshold, "domblkthreshold"), .family = "Block jobs",
    .summary = "be told when a disk's image fills up",
    .flags = VERB_CHANGES | VERB_LIVE | VERB_VIRSH,
    .text =
        "The first write beyond that byte of the image's file is told by 'events' (block-threshold), once; then the threshold is gone. "
        "For images on block devices that grow with them."};
