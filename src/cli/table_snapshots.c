/* The verbs of snapshots. */
#include "cli/table_impl.h"

#define SNAPSHOT(help_)                                                      \
	{                                                                    \
		"snapshotname", OPT_WORD, .value = "SNAPSHOT", .help = help_ \
	}
#define CURRENT(help_) FLAG("current", help_)

OPTS(snapshot_list) = {
    DOMAIN_ONE,
    FLAG("parent", "a column with the parent of each"),
    FLAG("roots", "only those without a parent"),
    FLAG("leaves", "only those without children"),
    FLAG("no-leaves", "only those with children"),
    FLAG("metadata", "only those that are kept here, which all are"),
    FLAG("no-metadata", "only those that are not kept here: none"),
    FLAG("inactive", "only those made while the domain was off"),
    FLAG("active", "only those that hold the guest's memory, too"),
    FLAG("disk-only", "only those of the disks of a running guest"),
    FLAG("internal", "only those inside of the images"),
    FLAG("external", "only those with files of their own"),
    FLAG("tree", "as a tree"),
    {"from", OPT_STRING, .value = "SNAPSHOT", .help = "only the children of this one",
        .bare = true},
    CURRENT("only the children of the current one"),
    FLAG("descendants", "with --from or --current: those of all levels"),
    FLAG("name", "names alone"),
    FLAG("topological", "parents before their children, instead of by name"),
    JSON,
    {0},
};
OPTS(snapshot_info) = {
    DOMAIN_ONE,
    SNAPSHOT("which one"),
    CURRENT("the current one"),
    JSON,
    {0},
};
OPTS(snapshot_dumpxml) = {
    DOMAIN_ONE,
    {"snapshotname", OPT_WORD, .required = true, .value = "SNAPSHOT", .help = "which one"},
    FLAG("security-info", "accepted; nothing is left out"),
    {"xpath", OPT_STRING, .value = "XPATH", .help = "only what this expression finds"},
    FLAG("wrap", "with --xpath: one root element around what it finds"),
    {0},
};
OPTS(snapshot_current) = {
    DOMAIN_ONE,
    FLAG("name", "its name alone"),
    FLAG("security-info", "accepted; nothing is left out"),
    SNAPSHOT("this one becomes the current one; disks and memory stay as they are"),
    {0},
};
OPTS(snapshot_parent) = {
    DOMAIN_ONE,
    SNAPSHOT("whose parent"),
    CURRENT("the current one's"),
    JSON,
    {0},
};

VERB(snapshot_list) = {NAMES(snapshot_list, "snapshot-list"), .family = "Snapshots",
    .summary = "list snapshots for a domain", .flags = VERB_READS | VERB_VIRSH,
    .text =
        "Nobody is asked: what is listed are the documents of the domain's snapshots. With --tree, --from names "
        "where the tree begins."};
VERB(snapshot_info) = {NAMES(snapshot_info, "snapshot-info"), .family = "Snapshots",
    .summary = "snapshot information", .flags = VERB_READS | VERB_VIRSH};
VERB(snapshot_dumpxml) = {NAMES(snapshot_dumpxml, "snapshot-dumpxml"), .family = "Snapshots",
    .summary = "dump XML for a domain snapshot", .flags = VERB_READS | VERB_VIRSH};
VERB(snapshot_current) = {NAMES(snapshot_current, "snapshot-current"), .family = "Snapshots",
    .summary = "get or set the current snapshot", .flags = VERB_CHANGES | VERB_SHOWS | VERB_VIRSH,
    .text =
        "The current snapshot is the one that was made or gone back to last: the parent of the next one."};
VERB(snapshot_parent) = {NAMES(snapshot_parent, "snapshot-parent"), .family = "Snapshots",
    .summary = "get the name of the parent of a snapshot", .flags = VERB_READS | VERB_VIRSH};
