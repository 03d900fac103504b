/* The verbs of volumes. */
#include "cli/table_impl.h"

#define POOL                                                         \
	{                                                            \
		"pool", OPT_WORD, .required = true, .value = "POOL", \
		                  .help = "name or uuid of the pool" \
	}
#define IN_POOL                                                                            \
	{                                                                                  \
		"pool", OPT_WORD, .value = "POOL",                                         \
		                  .help = "name or uuid of the pool that the volume is in" \
	}
#define VOL                                                                          \
	{                                                                            \
		"vol", OPT_WORD, .required = true, .value = "VOLUME",                \
		                 .help = "name (in a pool), path or key of a volume" \
	}
#define VOL_FILE                                                                       \
	{                                                                              \
		"file", OPT_FILE, .required = true, .value = "FILE",                   \
		                  .help = "document with a <volume>; - standard input" \
	}
#define PREALLOC \
	FLAG("prealloc-metadata", "qcow2: make the tables of the whole disk, and take its space")
#define XPATH                                                                            \
	{"xpath", OPT_STRING, .value = "XPATH", .help = "only the nodes that it finds"}, \
	    FLAG("wrap", "in a common root element")
#define RANGE                                                                             \
	{"offset", OPT_STRING, .value = "BYTES", .help = "where in the volume to begin"}, \
	    {"length", OPT_STRING, .value = "BYTES", .help = "how much at most"},         \
	    FLAG("sparse", "holes and zeroes take no space")

OPTS(vol_list) = {POOL, FLAG("details", "types and sizes, too"), JSON, {0}};
OPTS(vol_info) = {
    VOL,
    IN_POOL,
    FLAG("bytes", "sizes in bytes"),
    FLAG("physical", "the file's size instead of what it takes of the disk"),
    JSON,
    {0},
};
OPTS(vol_dumpxml) = {VOL, IN_POOL, XPATH, {0}};
OPTS(vol_path) = {VOL, IN_POOL, JSON, {0}};
OPTS(vol_name) = {VOL, JSON, {0}};
OPTS(vol_key) = {VOL, IN_POOL, JSON, {0}};
OPTS(vol_pool) = {VOL, FLAG("uuid", "the pool's uuid instead of its name"), JSON, {0}};
OPTS(vol_create) = {
    POOL, VOL_FILE, PREALLOC, FLAG("validate", "accepted; documents are always checked"), {0}};
OPTS(vol_create_as) = {
    POOL,
    {"name", OPT_WORD, .required = true, .value = "NAME", .help = "name of the volume"},
    {"capacity", OPT_WORD, .required = true, .value = "SIZE",
        .help = "its size: 20G; bytes without a unit"},
    {"allocation", OPT_STRING, .bare = true, .value = "SIZE",
        .help =
            "space that it takes at once; 0: as it is written to. Raw ones take all of it by default"},
    {"format", OPT_STRING, .bare = true, .value = "FORMAT",
        .help = "raw, qcow2; others by qemu-img"},
    {"backing-vol", OPT_STRING, .bare = true, .value = "VOLUME",
        .help = "name, path or key of the volume that it begins with: a linked clone"},
    {"backing-vol-format", OPT_STRING, .bare = true, .value = "FORMAT",
        .help = "of that one; found out by default"},
    PREALLOC,
    FLAG("print-xml", "print the document and do nothing"),
    {0},
};
OPTS(vol_create_from) = {
    POOL,
    VOL_FILE,
    VOL,
    {"inputpool", OPT_STRING, .value = "POOL", .help = "pool of the volume that is copied"},
    PREALLOC,
    FLAG("reflink", "share the blocks, or fail"),
    FLAG("validate", "accepted; documents are always checked"),
    {0},
};
OPTS(vol_clone) = {
    VOL,
    {"newname", OPT_WORD, .required = true, .value = "NAME", .help = "name of the copy"},
    IN_POOL,
    PREALLOC,
    FLAG("reflink", "share the blocks, or fail"),
    FLAG("print-xml", "print the document and do nothing"),
    {0},
};
OPTS(vol_delete) = {
    VOL,
    IN_POOL,
    FLAG("now", "for good: not into the trash"),
    FLAG("delete-snapshots", "accepted; snapshots inside of an image go with it"),
    {0},
};
OPTS(vol_undelete) = {
    POOL,
    {"vol", OPT_WORD, .required = true, .value = "NAME",
        .help = "name that it had, the one deleted last of several; or its file in the trash"},
    {"name", OPT_STRING, .value = "NEW-NAME", .help = "name that it gets"},
    {0},
};
OPTS(vol_trash) = {{"pool", OPT_WORD, .value = "POOL",
                       .help = "name or uuid of the pool; all active ones unless told"},
    FLAG("empty", "delete all of it for good"), JSON, {0}};
OPTS(vol_resize) = {
    VOL,
    {"capacity", OPT_WORD, .required = true, .value = "SIZE",
        .help = "the new size: 20G; bytes without a unit"},
    IN_POOL,
    FLAG("allocate", "take the space at once"),
    FLAG("delta", "so much more; with --shrink less"),
    FLAG("shrink", "a smaller size is meant: what is behind it is lost"),
    {0},
};
OPTS(vol_upload) = {
    VOL,
    {"file", OPT_FILE, .required = true, .value = "FILE", .help = "what to read; - standard input"},
    IN_POOL,
    RANGE,
    {0},
};
OPTS(vol_download) = {
    VOL,
    {"file", OPT_FILE, .required = true, .value = "FILE",
        .help = "what to write; - standard output"},
    IN_POOL,
    RANGE,
    {0},
};
OPTS(vol_wipe) = {
    VOL,
    IN_POOL,
    {"algorithm", OPT_STRING, .value = "WORD",
        .help =
            "zero (default), random, trim; nnsa, dod, bsi, gutmann, schneier, pfitzner7, pfitzner33 by scrub"},
    {0},
};
OPTS(vol_tree) = {
    {"pool", OPT_WORD, .value = "POOL", .help = "of this pool only"},
    JSON,
    {0},
};
OPTS(vol_orphans) = {
    {"pool", OPT_WORD, .value = "POOL", .help = "of this pool only"},
    JSON,
    {0},
};

VERB(vol_list) = {NAMES(vol_list, "vol-list"), .family = "Storage", .summary = "list vols",
    .flags = VERB_READS | VERB_VIRSH, .text = "Files whose names begin with a dot are not shown."};

VERB(vol_info) = {NAMES(vol_info, "vol-info"), .family = "Storage",
    .summary = "storage vol information", .flags = VERB_READS | VERB_VIRSH};

VERB(vol_dumpxml) = {NAMES(vol_dumpxml, "vol-dumpxml"), .family = "Storage",
    .summary = "vol information in XML", .flags = VERB_READS | VERB_VIRSH};

VERB(vol_path) = {NAMES(vol_path, "vol-path"), .family = "Storage",
    .summary = "returns the volume path for a given volume name or key",
    .flags = VERB_READS | VERB_VIRSH};

VERB(vol_name) = {NAMES(vol_name, "vol-name"), .family = "Storage",
    .summary = "returns the volume name for a given volume key or path",
    .flags = VERB_READS | VERB_VIRSH};

VERB(vol_key) = {NAMES(vol_key, "vol-key"), .family = "Storage",
    .summary = "returns the volume key for a given volume name or path",
    .flags = VERB_READS | VERB_VIRSH};

VERB(vol_pool) = {NAMES(vol_pool, "vol-pool"), .family = "Storage",
    .summary = "returns the storage pool for a given volume key or path",
    .flags = VERB_READS | VERB_VIRSH};

VERB(vol_create) = {NAMES(vol_create, "vol-create"), .family = "Storage",
    .summary = "create a vol from an XML file", .flags = VERB_CHANGES | VERB_VIRSH};

VERB(vol_create_as) = {NAMES(vol_create_as, "vol-create-as"), .family = "Storage",
    .summary = "create a volume from a set of args", .flags = VERB_CHANGES | VERB_VIRSH,
    .text =
        "The volume has its name when it is whole; one that is there is never replaced. A logical volume with "
        "--allocation 0 comes from the volume group's thin pool, one with --backing-vol is a snapshot of that one."};

VERB(vol_create_from) = {NAMES(vol_create_from, "vol-create-from"), .family = "Storage",
    .summary = "create a vol, using another volume as input", .flags = VERB_CHANGES | VERB_VIRSH,
    .text =
        "A copy of what a guest sees, in the format that the document asks for, without the bases of the original; "
        "to and from logical volumes, too."};

VERB(vol_clone) = {NAMES(vol_clone, "vol-clone"), .family = "Storage", .summary = "clone a volume",
    .flags = VERB_CHANGES | VERB_VIRSH,
    .text =
        "A full copy in the same pool. A copy that shares its beginning with the original is made by "
        "vol-create-as --backing-vol. What a running domain writes to is not copied."};

VERB(vol_delete) = {NAMES(vol_delete, "vol-delete"), .family = "Storage", .summary = "delete a vol",
    .flags = VERB_DELETES | VERB_VIRSH,
    .text =
        "A file goes into the trash of its pool and can be brought back with vol-undelete for seven days (trash_days "
        "in hvmux.conf); its space is free when it is gone for good, at once with --now. Logical volumes and "
        "partitions are gone at once. A volume that a domain runs with, or that other images are based on, is "
        "not deleted.",
    .losses = "the volume's data, when its time in the trash is over"};

VERB(vol_undelete) = {NAMES(vol_undelete, "vol-undelete"), .family = "Storage",
    .summary = "bring a deleted volume back", .flags = VERB_CHANGES};

VERB(vol_trash) = {NAMES(vol_trash, "vol-trash"), .family = "Storage",
    .summary = "show or empty a pool's trash", .flags = VERB_DELETES | VERB_SHOWS,
    .text =
        "Without a pool it shows the trash of all active pools; to empty one, it has to be named.",
    .losses = "with --empty, all deleted volumes of the pool"};

VERB(vol_resize) = {NAMES(vol_resize, "vol-resize"), .family = "Storage", .summary = "resize a vol",
    .flags = VERB_CHANGES | VERB_VIRSH,
    .text = "Of a volume that no running domain uses. Partitions are not resized."};

VERB(vol_upload) = {NAMES(vol_upload, "vol-upload"), .family = "Storage",
    .summary = "upload file contents to a volume", .flags = VERB_DISRUPTS | VERB_VIRSH,
    .text =
        "The file is written over the volume as it lies on the disk: an image in its format, not what a guest sees "
        "of it.",
    .losses = "what is in the volume"};

VERB(vol_download) = {NAMES(vol_download, "vol-download"), .family = "Storage",
    .summary = "download volume contents to a file", .flags = VERB_READS | VERB_VIRSH,
    .text = "The volume as it lies on the disk. The file has its name when it is whole."};

VERB(vol_wipe) = {NAMES(vol_wipe, "vol-wipe"), .family = "Storage", .summary = "wipe a vol",
    .flags = VERB_DELETES | VERB_VIRSH,
    .text =
        "Writes over all that the volume's file holds; holes stay holes. What is left of it below, on a disk that "
        "moves its blocks or keeps snapshots, is out of its reach.",
    .losses = "all data of the volume, its format included"};

VERB(vol_tree) = {NAMES(vol_tree, "vol-tree"), .family = "Storage",
    .summary = "draw volumes and what they are based on", .flags = VERB_READS,
    .text =
        "Every volume below the one that backs it, with its sizes and the domains that use it."};

VERB(vol_orphans) = {NAMES(vol_orphans, "vol-orphans"), .family = "Storage",
    .summary = "list volumes that no domain uses", .flags = VERB_READS,
    .text =
        "Neither as a disk, nor as what backs one, nor as firmware's variables or kernel, by its definition or while it "
        "runs."};
