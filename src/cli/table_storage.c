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
