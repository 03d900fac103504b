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

#define MAKING                                                                                 \
	FLAG("no-metadata",                                                                    \
	    "make it, but keep no document of it: it is then no snapshot for the verbs here"), \
	    FLAG("halt", "end the machine when it is made"),                                   \
	    FLAG("disk-only", "the disks alone, not the guest's memory"),                      \
	    FLAG("reuse-external",                                                             \
	        "files that are named are there already, and are used as they are"),           \
	    FLAG("quiesce", "the guest's agent brings its file systems to rest meanwhile"),    \
	    FLAG("atomic", "accepted: it is made as a whole or not at all"),                   \
	    FLAG("live", "the guest goes on while its memory is written to a file"),           \
	    FLAG("validate", "accepted: documents are always checked")

OPTS(snapshot_create) = {
    DOMAIN_ONE,
    {"xmlfile", OPT_FILE, .value = "FILE",
        .help = "a <domainsnapshot> document; - is standard input"},
    FLAG("redefine", "write down what is known of a snapshot that exists, from --xmlfile"),
    CURRENT("with --redefine: it becomes the current one"),
    MAKING,
    PLANNED,
    {0},
};
OPTS(snapshot_create_as) = {
    DOMAIN_ONE,
    {"name", OPT_WORD, .value = "NAME", .help = "its name; the seconds since 1970 by default"},
    {"description", OPT_WORD, .value = "TEXT", .help = "what it is for"},
    {"diskspec", OPT_WORD, .many = true, .value = "DISKSPEC",
        .help = "DISK[,snapshot=no|internal|external][,driver=qcow2][,stype=file][,file=PATH]"},
    {"memspec", OPT_STRING, .value = "MEMSPEC",
        .help = "[file=]PATH[,snapshot=no|internal|external]: where the guest's memory goes"},
    FLAG("print-xml", "print the document instead of making it"),
    MAKING,
    PLANNED,
    {0},
};
OPTS(snapshot_revert) = {
    DOMAIN_ONE,
    SNAPSHOT("which one"),
    CURRENT("the current one"),
    FLAG("running", "the domain runs afterwards, whatever it did then"),
    FLAG("paused", "the domain is paused afterwards"),
    FLAG("force", "also where what is lost or not known is a risk"),
    FLAG("safety-snapshot", "make a snapshot of what is now first: before-revert-TIME"),
    PLANNED,
    {0},
};
OPTS(snapshot_delete) = {
    DOMAIN_ONE,
    SNAPSHOT("which one"),
    CURRENT("the current one"),
    FLAG("children", "and all below it"),
    FLAG("children-only", "all below it, but not itself"),
    FLAG("metadata", "only its document; images stay as they are"),
    PLANNED,
    {0},
};

OPTS(snapshot_edit) = {
    DOMAIN_ONE,
    SNAPSHOT("which one"),
    CURRENT("the current one; with a name: that one becomes the current one"),
    FLAG("rename", "the document may give it another name"),
    FLAG("clone", "the document under another name is one more; both are of the same contents"),
    {0},
};
VERB(snapshot_edit) = {NAMES(snapshot_edit, "snapshot-edit"), .family = "Snapshots",
    .summary = "edit XML for a snapshot", .flags = VERB_CHANGES | VERB_TERMINAL | VERB_VIRSH,
    .text =
        "Description, parent and what else the document says; what it keeps inside of images stays known under its first "
        "name. What was typed is never lost: a text that is refused can be edited again, or stays in a file."};
OPTS(snapshot_schedule) = {
    {"domain", OPT_DOMAIN, .value = "DOMAIN",
        .help = "domain name, id or uuid; without one all schedules are listed"},
    {"every", OPT_STRING, .value = "TIME", .help = "how often: 15m, 6h, 1d"},
    {"keep", OPT_STRING, .many = true, .value = "TIME|COUNT",
        .help =
            "how long its snapshots are kept, 7d, or how many, 30; both may be given; all by default"},
    {"prefix", OPT_STRING, .value = "NAME",
        .help = "name of the schedule, with which its snapshots' begin; auto by default"},
    FLAG("disk-only", "the disks alone, in overlays, not the guest's memory"),
    FLAG(
        "quiesce", "with --disk-only: the guest's agent brings its file systems to rest meanwhile"),
    FLAG("remove", "take the schedule away; its snapshots stay"),
    FLAG("run", "make and delete now what is due: what the timer calls"),
    JSON,
    {0},
};
VERB(snapshot_schedule) = {NAMES(snapshot_schedule, "snapshot-schedule"), .family = "Snapshots",
    .summary = "snapshots that are made and deleted by themselves",
    .flags = VERB_CHANGES | VERB_SHOWS,
    .text =
        "Times are multiples of --every since 1970, in UTC, so that they do not drift; the first snapshot is made within a minute. What is "
        "older than --keep says, or one too many, goes, oldest first: only snapshots that the schedule made, and never the newest of "
        "them. A domain that is off and whose images have not changed since gets no further one.\n\n"
        "Supervisors look once a minute after domains that run. hvmux-snapshots.timer looks after all: systemctl enable --now "
        "hvmux-snapshots.timer. A failure is shown in the list, and tried again after ten minutes.\n\n"
        "snapshot-schedule web1 --every 6h --keep 7d\n\n"
        "snapshot-schedule web1 --every 1d --keep 30 --prefix daily --disk-only --quiesce"};
VERB(snapshot_create) = {NAMES(snapshot_create, "snapshot-create"), .family = "Snapshots",
    .summary = "create a snapshot from XML", .flags = VERB_CHANGES | VERB_VIRSH};
VERB(snapshot_create_as) = {NAMES(snapshot_create_as, "snapshot-create-as"), .family = "Snapshots",
    .summary = "create a snapshot from a set of args", .flags = VERB_CHANGES | VERB_VIRSH,
    .text =
        "Of a domain that runs: its memory and its disks, inside of its qcow2 images; with --memspec in a file and overlays; with "
        "--disk-only the disks alone, in overlays: what is written from then on goes into a new file on top of each image.\n\n"
        "Of a domain that is off: its disks, inside of its qcow2 images, without QEMU; with --disk-only in overlays. The "
        "variables of UEFI are kept, too. It is made of all disks or of none.\n\n"
        "snapshot-create-as web1 before \"Before the upgrade\"\n\n"
        "snapshot-create-as web1 quick --disk-only --quiesce --diskspec vdb,snapshot=no"};
VERB(snapshot_revert) = {NAMES(snapshot_revert, "snapshot-revert"), .family = "Snapshots",
    .summary = "revert a domain to a snapshot", .flags = VERB_DISRUPTS | VERB_VIRSH,
    .losses = "all that was written to its disks since, and what the guest does now",
    .text =
        "Disks, definition, the variables of UEFI and, where the snapshot has it, the guest's memory become what they were. "
        "With several disks all of them are set back, or none. What was put into an overlay since is lost with the overlay, unless another "
        "snapshot needs it.\n\n"
        "A snapshot of the disks alone leaves the domain off, unless --running or --paused says otherwise. Nothing is asked: "
        "--dry-run tells before what would be done, --safety-snapshot makes a way back. See hvmux-snapshots(7)."};
VERB(snapshot_delete) = {NAMES(snapshot_delete, "snapshot-delete"), .family = "Snapshots",
    .summary = "delete a domain snapshot", .flags = VERB_DELETES | VERB_VIRSH,
    .losses = "the state that the snapshot keeps",
    .text =
        "Its children get its parent. What an overlay holds that was put on top of its image is brought down into that image, and the "
        "overlay goes; the guest's disks read as before. Both are done while the domain runs, too. Where several overlays lie on one "
        "image, because lines of snapshots part there, delete all lines but one first. While the domain runs, external ones are deleted one by one."};
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
