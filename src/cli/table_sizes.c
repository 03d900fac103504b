/* The verbs of how many processors and how much memory a guest has. */
#include "cli/table_impl.h"

OPTS(setvcpus) = {
    DOMAIN_ONE,
    {"count", OPT_WORD, .required = true, .value = "COUNT", .help = "number of virtual CPUs"},
    FLAG("maximum", "set the most that there can be, for the next start"),
    LIVE_CONFIG_CURRENT,
    FLAG("guest",
        "the guest's agent brings so many of those that are plugged online, or takes them offline; with --live what is missing is plugged before"),
    FLAG("hotpluggable", "with --config: those that are added can be unplugged again"),
    PLANNED,
    {0},
};
OPTS(setvcpu) = {
    DOMAIN_ONE,
    {"vcpulist", OPT_WORD, .required = true, .value = "VCPUS", .help = "their numbers: 1,3-4"},
    FLAG("enable", "plug them"),
    FLAG("disable", "unplug them"),
    LIVE_CONFIG_CURRENT,
    PLANNED,
    {0},
};
OPTS(setmem) = {
    DOMAIN_ONE,
    {"size", OPT_WORD, .required = true, .value = "SIZE", .help = "KiB, or with a unit: 512M, 4G"},
    LIVE_CONFIG_CURRENT,
    PLANNED,
    {0},
};
OPTS(setmaxmem) = {
    DOMAIN_ONE,
    {"size", OPT_WORD, .required = true, .value = "SIZE", .help = "KiB, or with a unit: 512M, 4G"},
    LIVE_CONFIG_CURRENT,
    PLANNED,
    {0},
};
OPTS(update_memory_device) = {
    DOMAIN_ONE,
    LIVE_CONFIG_CURRENT,
    {"alias", OPT_STRING, .value = "ALIAS", .help = "which one, by its alias"},
    {"node", OPT_NUMBER, .value = "NODE", .help = "which one, by the guest's NUMA node"},
    {"requested-size", OPT_STRING, .value = "SIZE",
        .help = "how much of it the guest is to have: KiB, or 512M, 1G"},
    FLAG("print-xml", "print the device as it would be, and change nothing"),
    PLANNED,
    {0},
};
OPTS(guest_online) = {DOMAIN_ONE, JSON, {0}};

VERB(setvcpus) = {
    NAMES(setvcpus, "setvcpus"),
    .family = "Hot-plug",
    .summary = "change how many virtual CPUs there are",
    .text =
        "Plugs vCPUs into a running domain up to the number that <vcpu> of its definition allows, or takes plugged ones out "
        "again, the last ones first. Those that it was started with cannot be unplugged, unless the definition says "
        "hotpluggable='yes' of them.\n\n"
        "A guest has to bring what is plugged online itself; many do so by a rule of udev. 'hvmux dominfo' shows what is "
        "plugged and not online, 'hvmux guest-online' has the agent do it. Unplugging waits until the guest has let go of a "
        "vCPU; if it does not in time, all is as it was before.\n\n"
        "Without --live and --config what runs is changed, else the definition.",
    .flags = VERB_CHANGES | VERB_VIRSH,
};
VERB(setvcpu) = {
    NAMES(setvcpu, "setvcpu"),
    .family = "Hot-plug",
    .summary = "plug or unplug single virtual CPUs",
    .text = "As setvcpus, by their numbers.\n\nsetvcpu web1 2-3 --enable --live",
    .flags = VERB_CHANGES | VERB_VIRSH,
};
VERB(setmem) = {
    NAMES(setmem, "setmem"),
    .family = "Hot-plug",
    .summary = "change the memory that the guest has",
    .text =
        "Tells the guest's balloon how much memory to leave to the guest: between 1 KiB and what the domain has. The "
        "guest gives memory back as it can; 'hvmux dommemstat' shows how far it is. More than the domain has comes from a "
        "memory device (attach-device), or from setmaxmem at the next start.",
    .flags = VERB_CHANGES | VERB_VIRSH,
};
VERB(setmaxmem) = {
    NAMES(setmaxmem, "setmaxmem"),
    .family = "Hot-plug",
    .summary = "change the most memory that the guest can have",
    .text = "Of the next start: --config is needed while the domain runs.",
    .flags = VERB_CHANGES | VERB_VIRSH,
};
VERB(update_memory_device) = {
    NAMES(update_memory_device, "update-memory-device"),
    .family = "Hot-plug",
    .summary = "change how much of a virtio-mem device the guest has",
    .text = "The guest takes and gives back as it can: 'hvmux dominfo' shows how much it has.",
    .flags = VERB_CHANGES | VERB_VIRSH,
};
VERB(guest_online) = {
    NAMES(guest_online, "guest-online"),
    .family = "Hot-plug",
    .summary = "have the guest use the vCPUs and memory that were plugged",
    .text = "The guest's agent brings all CPUs and memory blocks online that are not.",
    .flags = VERB_CHANGES | VERB_LIVE,
};
