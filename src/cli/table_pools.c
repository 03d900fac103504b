/* The verbs of storage pools. */
#include "cli/table_impl.h"

#define POOL                                                         \
	{                                                            \
		"pool", OPT_WORD, .required = true, .value = "POOL", \
		                  .help = "name or uuid of the pool" \
	}
#define POOL_FILE                                                                    \
	{                                                                            \
		"file", OPT_FILE, .required = true, .value = "FILE",                 \
		                  .help = "document with a <pool>; - standard input" \
	}
#define OVERWRITE                                                                         \
	FLAG("no-overwrite", "refuse where there is a file system or a partition table"), \
	    FLAG("overwrite", "make it anew whatever is there: its data are lost")
#define SOURCE                                                                                    \
	{"name", OPT_WORD, .required = true, .value = "NAME", .help = "name of the pool"},        \
	    {"type", OPT_WORD, .required = true, .value = "TYPE",                                 \
	        .help = "dir, fs, netfs, logical, disk; iscsi, rbd and others are kept only"},    \
	    FLAG("print-xml", "print the document and do nothing"),                               \
	    {"source-host", OPT_STRING, .bare = true, .value = "HOST", .help = "file server"},    \
	    {"source-path", OPT_STRING, .bare = true, .value = "PATH",                            \
	        .help = "folder on the file server"},                                             \
	    {"source-dev", OPT_STRING, .bare = true, .value = "DEVICE", .help = "block device"},  \
	    {"source-name", OPT_STRING, .bare = true, .value = "NAME", .help = "volume group"},   \
	    {"target", OPT_STRING, .bare = true, .value = "PATH",                                 \
	        .help = "folder that the volumes are in"},                                        \
	    {"source-format", OPT_STRING, .bare = true, .value = "FORMAT",                        \
	        .help = "file system, protocol, kind of partition table"},                        \
	    {"auth-type", OPT_STRING, .value = "TYPE", .help = "chap, ceph"},                     \
	    {"auth-username", OPT_STRING, .value = "USER", .help = "who asks"},                   \
	    {"secret-usage", OPT_STRING, .value = "USAGE", .help = "secret, by its usage"},       \
	    {"secret-uuid", OPT_STRING, .value = "UUID", .help = "secret, by its uuid"},          \
	    {"adapter-name", OPT_STRING, .value = "NAME", .help = "of a scsi pool"},              \
	    {"adapter-wwnn", OPT_STRING, .value = "WWN", .help = "of a scsi pool"},               \
	    {"adapter-wwpn", OPT_STRING, .value = "WWN", .help = "of a scsi pool"},               \
	    {"adapter-parent", OPT_STRING, .value = "NAME", .help = "of a scsi pool"},            \
	    {"adapter-parent-wwnn", OPT_STRING, .value = "WWN", .help = "of a scsi pool"},        \
	    {"adapter-parent-wwpn", OPT_STRING, .value = "WWN", .help = "of a scsi pool"},        \
	    {"adapter-parent-fabric-wwn", OPT_STRING, .value = "WWN", .help = "of a scsi pool"},  \
	    {"source-protocol-ver", OPT_STRING, .value = "VERSION", .help = "of NFS"},            \
	{                                                                                         \
		"source-initiator", OPT_STRING, .value = "IQN", .help = "of an iscsi-direct pool" \
	}

OPTS(pool_list) = {
    FLAG("inactive", "inactive ones only"),
    FLAG("all", "inactive ones, too"),
    FLAG("transient", "without a definition only"),
    FLAG("persistent", "with a definition only"),
    FLAG("autostart", "marked for autostart only"),
    FLAG("no-autostart", "not marked for autostart only"),
    {"type", OPT_STRING, .value = "TYPES", .help = "of these types only, separated by commas"},
    FLAG("details", "sizes, too"),
    FLAG("uuid", "uuids alone"),
    FLAG("name", "names alone"),
    JSON,
    {0},
};
OPTS(pool_info) = {POOL, FLAG("bytes", "sizes in bytes"), JSON, {0}};
OPTS(pool_dumpxml) = {
    POOL,
    FLAG("inactive", "the definition, even if the pool is active"),
    {"xpath", OPT_STRING, .value = "XPATH", .help = "only the nodes that it finds"},
    FLAG("wrap", "in a common root element"),
    {0},
};
OPTS(pool_name) = {POOL, JSON, {0}};
OPTS(pool_uuid) = {POOL, JSON, {0}};
OPTS(pool_define) = {POOL_FILE, FLAG("validate", "accepted; documents are always checked"), {0}};
OPTS(pool_define_as) = {SOURCE, {0}};
OPTS(pool_create) = {POOL_FILE, FLAG("build", "make what it lies in first"), OVERWRITE, {0}};
OPTS(pool_create_as) = {SOURCE, FLAG("build", "make what it lies in first"), OVERWRITE, {0}};
OPTS(pool_edit) = {POOL, {0}};
OPTS(pool_undefine) = {POOL, {0}};
OPTS(pool_start) = {POOL, FLAG("build", "make what it lies in first"), OVERWRITE, {0}};
OPTS(pool_destroy) = {POOL, {0}};
OPTS(pool_autostart) = {POOL, FLAG("disable", "do not start it at boot"), {0}};
OPTS(pool_build) = {POOL, OVERWRITE, {0}};
OPTS(pool_delete) = {POOL, {0}};
OPTS(pool_refresh) = {POOL, {0}};

VERB(pool_list) = {NAMES(pool_list, "pool-list"), .family = "Storage", .summary = "list pools",
    .flags = VERB_READS | VERB_VIRSH,
    .text =
        "Active pools, unless told otherwise. A pool whose file server does not answer within two seconds is shown "
        "as inaccessible; the others are shown as ever."};

VERB(pool_info) = {NAMES(pool_info, "pool-info"), .family = "Storage",
    .summary = "storage pool information", .flags = VERB_READS | VERB_VIRSH};

VERB(pool_dumpxml) = {NAMES(pool_dumpxml, "pool-dumpxml"), .family = "Storage",
    .summary = "pool information in XML", .flags = VERB_READS | VERB_VIRSH};

VERB(pool_name) = {NAMES(pool_name, "pool-name"), .family = "Storage",
    .summary = "convert a pool UUID to pool name", .flags = VERB_READS | VERB_VIRSH};

VERB(pool_uuid) = {NAMES(pool_uuid, "pool-uuid"), .family = "Storage",
    .summary = "convert a pool name to pool UUID", .flags = VERB_READS | VERB_VIRSH};

VERB(pool_define) = {NAMES(pool_define, "pool-define"), .family = "Storage",
    .summary =
        "define an inactive persistent storage pool or modify an existing one from an XML file",
    .flags = VERB_CHANGES | VERB_VIRSH,
    .text = "An active pool goes on as it was started. Two pools cannot have the same storage."};

VERB(pool_define_as) = {NAMES(pool_define_as, "pool-define-as"), .family = "Storage",
    .summary = "define a pool from a set of args", .flags = VERB_CHANGES | VERB_VIRSH};

VERB(pool_create) = {NAMES(pool_create, "pool-create"), .family = "Storage",
    .summary = "create a pool from an XML file", .flags = VERB_CHANGES | VERB_VIRSH,
    .text =
        "The pool is started, and not defined: when it is stopped, or at the next boot, it is gone. Its volumes stay."};

VERB(pool_create_as) = {NAMES(pool_create_as, "pool-create-as"), .family = "Storage",
    .summary = "create a pool from a set of args", .flags = VERB_CHANGES | VERB_VIRSH};

VERB(pool_edit) = {NAMES(pool_edit, "pool-edit"), .family = "Storage",
    .summary = "edit XML configuration for a storage pool",
    .flags = VERB_CHANGES | VERB_TERMINAL | VERB_VIRSH};

VERB(pool_undefine) = {NAMES(pool_undefine, "pool-undefine"), .family = "Storage",
    .summary = "undefine an inactive pool", .flags = VERB_CHANGES | VERB_VIRSH,
    .text = "The volumes stay where they are."};

VERB(pool_start) = {NAMES(pool_start, "pool-start"), .family = "Storage",
    .summary = "start a (previously defined) inactive pool", .flags = VERB_CHANGES | VERB_VIRSH,
    .text = "Mounts what has to be mounted, activates a volume group."};

VERB(pool_destroy) = {NAMES(pool_destroy, "pool-destroy"), .family = "Storage",
    .summary = "destroy (stop) a pool", .flags = VERB_DISRUPTS | VERB_VIRSH,
    .text =
        "The pool is not shown as active any more, and unmounted. Its volumes stay, and what is in use cannot be unmounted.",
    .losses =
        "nothing on the disk; domains with volumes of it cannot be started until it is active again"};

VERB(pool_autostart) = {NAMES(pool_autostart, "pool-autostart"), .family = "Storage",
    .summary = "autostart a pool", .flags = VERB_CHANGES | VERB_VIRSH,
    .text =
        "Folders are there again at the first look after a boot. Pools that are mounted or activated are started by "
        "guests-start, before the domains."};

VERB(pool_build) = {NAMES(pool_build, "pool-build"), .family = "Storage", .summary = "build a pool",
    .flags = VERB_DISRUPTS | VERB_VIRSH,
    .text =
        "Makes what the pool lies in: the folder; with --overwrite or --no-overwrite the file system of a device; a "
        "partition table; a volume group.",
    .losses = "with --overwrite, what is on the device"};

VERB(pool_delete) = {NAMES(pool_delete, "pool-delete"), .family = "Storage",
    .summary = "delete a pool", .flags = VERB_DELETES | VERB_VIRSH,
    .text =
        "Takes away what pool-build made, if it is empty: the folder, the volume group. The definition stays.",
    .losses = "the empty folder or volume group"};

VERB(pool_refresh) = {NAMES(pool_refresh, "pool-refresh"), .family = "Storage",
    .summary = "refresh a pool", .flags = VERB_CHANGES | VERB_VIRSH,
    .text =
        "Volumes are looked at whenever they are asked for, so there is nothing to refresh; tells whether the pool can "
        "be read, and empties its trash of what is old."};
