/* The verbs of saved states. */
#include "cli/table_impl.h"

#define SAVED_FILE(help_)                                                          \
	{                                                                          \
		"file", OPT_FILE, .required = true, .value = "FILE", .help = help_ \
	}
#define GOES_ON(when)                                                                 \
	FLAG("running", "the guest runs when it is " when ", even if it was paused"), \
	    FLAG("paused", "it is paused then, even if it ran")
#define CONNECTIONS \
	"the guest's connections to others, which see it stand still until it is restored"
#define BYPASS FLAG("bypass-cache", "accepted; the file goes through the page cache")
#define NEW_XML(help_)                                                               \
	{                                                                            \
		"xml", OPT_WORD, .required = true, .value = "XMLFILE", .help = help_ \
	}
#define PRINTS                                                                               \
	FLAG("security-info", "accepted; all is printed that the file holds"),               \
	    {"xpath", OPT_STRING, .value = "XPATH", .help = "only the nodes that it finds"}, \
	    FLAG("wrap", "with --xpath: in one element")

OPTS(save) = {
    DOMAIN_ONE,
    SAVED_FILE("where to; replaced when it is there"),
    BYPASS,
    {"xml", OPT_STRING, .value = "XMLFILE",
        .help = "the document that is kept with it, instead of the running one"},
    GOES_ON("restored"),
    FLAG("verbose", "accepted; progress is shown on a terminal anyway"),
    PLANNED,
    {0},
};
OPTS(restore) = {
    SAVED_FILE("the saved machine"),
    BYPASS,
    {"xml", OPT_STRING, .value = "XMLFILE",
        .help = "a document to run with, instead of the saved one"},
    GOES_ON("restored"),
    {0},
};
OPTS(managedsave) = {
    DOMAIN_ONE,
    BYPASS,
    GOES_ON("started"),
    FLAG("verbose", "accepted; progress is shown on a terminal anyway"),
    PLANNED,
    {0},
};
OPTS(managedsave_remove) = {DOMAIN_ONE, {0}};
OPTS(managedsave_dumpxml) = {DOMAIN_ONE, PRINTS, {0}};
OPTS(managedsave_define) = {DOMAIN_ONE, NEW_XML("the new document"), GOES_ON("started"), {0}};
OPTS(managedsave_edit) = {DOMAIN_ONE, GOES_ON("started"), {0}};
OPTS(save_image_dumpxml) = {SAVED_FILE("the saved machine"), PRINTS, {0}};
OPTS(save_image_define) = {
    SAVED_FILE("the saved machine"), NEW_XML("the new document"), GOES_ON("restored"), {0}};
OPTS(save_image_edit) = {SAVED_FILE("the saved machine"), GOES_ON("restored"), {0}};

VERB(save) = {NAMES(save, "save"), .family = "Saved states",
    .summary = "save a domain state to a file", .flags = VERB_DISRUPTS | VERB_VIRSH | VERB_LIVE,
    .losses = CONNECTIONS,
    .text =
        "The guest stands still, its memory is written to the file, and its QEMU ends: restore lets it go on where it stood. "
        "The file is libvirt's: both read what the other has saved, as far as the same QEMU makes the same hardware of its "
        "document. What the guest's disks hold is not in it: they must not change until it is restored.\n\n"
        "When it fails or is cancelled (domjobabort), the guest goes on as it was, and no file is left."};
VERB(restore) = {NAMES(restore, "restore"), .family = "Saved states",
    .summary = "restore a domain from a saved state in a file", .flags = VERB_CHANGES | VERB_VIRSH,
    .text =
        "The file's document says which domain it is and what hardware it has; a domain that is not defined is defined by it. "
        "The file stays. Restored once more after the guest ran on, it would find its disks changed under it: remove it, or "
        "go back to disks of the same moment. libvirt's compressed files are read by the programs that wrote them."};
VERB(managedsave) = {NAMES(managedsave, "managedsave"), .family = "Saved states",
    .summary = "managed save of a domain state", .flags = VERB_DISRUPTS | VERB_VIRSH | VERB_LIVE,
    .losses = CONNECTIONS,
    .text =
        "The same as save, to a file of hvmux's own: the next start of the domain, by whomever, goes on there. The file goes once the "
        "guest runs again."};
VERB(managedsave_remove) = {NAMES(managedsave_remove, "managedsave-remove"),
    .family = "Saved states", .summary = "remove managed save of a domain",
    .flags = VERB_DELETES | VERB_VIRSH, .losses = "the guest's memory as it was saved"};
VERB(managedsave_dumpxml) = {NAMES(managedsave_dumpxml, "managedsave-dumpxml"),
    .family = "Saved states", .summary = "domain information of managed save state file in XML",
    .flags = VERB_READS | VERB_VIRSH};
VERB(managedsave_define) = {NAMES(managedsave_define, "managedsave-define"),
    .family = "Saved states", .summary = "redefine the XML for a domain's managed save state file",
    .flags = VERB_CHANGES | VERB_VIRSH,
    .text =
        "For paths that have changed, and the like: the hardware must stay what the saved memory knows."};
VERB(managedsave_edit) = {NAMES(managedsave_edit, "managedsave-edit"), .family = "Saved states",
    .summary = "edit XML for a domain's managed save state file",
    .flags = VERB_CHANGES | VERB_TERMINAL | VERB_VIRSH};
VERB(save_image_dumpxml) = {NAMES(save_image_dumpxml, "save-image-dumpxml"),
    .family = "Saved states", .summary = "saved state domain information in XML",
    .flags = VERB_READS | VERB_VIRSH};
VERB(save_image_define) = {NAMES(save_image_define, "save-image-define"), .family = "Saved states",
    .summary = "redefine the XML for a domain's saved state file",
    .flags = VERB_CHANGES | VERB_VIRSH};
VERB(save_image_edit) = {NAMES(save_image_edit, "save-image-edit"), .family = "Saved states",
    .summary = "edit XML for a domain's saved state file",
    .flags = VERB_CHANGES | VERB_TERMINAL | VERB_VIRSH};
