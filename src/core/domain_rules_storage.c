/* What may stand in <disk> and <controller>. */
#include "core/domain_rules.h"

const struct rule rules_storage[] = {
    {"devices/disk", USED, "type device ~snapshot !sgio !rawio !model"},
    {"devices/disk/driver", USED,
        "name type cache io discard detect_zeroes ~error_policy ~rerror_policy !iothread !queues "
        "!queue_size !copy_on_read !event_idx !ioeventfd !packed !ats !iommu !page_per_vq "
        "~discard_no_unref ~metadata_cache ~max_bounce_size"},
    {"devices/disk/source", USED, "file index ~startupPolicy !dev !dir !name !protocol"},
    {"devices/disk/source/seclabel", IDLE},
    {"devices/disk/target", USED, "dev bus ~tray !rotation_rate !removable"},
    {"devices/disk/boot", USED, "order ~loadparm"},
    {"devices/disk/readonly", USED},
    {"devices/disk/shareable", USED},
    {"devices/disk/serial", USED},
    {"devices/disk/address", USED, PCI_PLACE " controller bus target unit"},
    {"devices/disk/alias", KEPT},
    {"devices/disk/backingStore", KEPT},
    {"devices/disk/iotune", IDLE},
    {"devices/disk/wwn", HARDWARE},
    {"devices/disk/vendor", HARDWARE},
    {"devices/disk/product", HARDWARE},
    {"devices/disk/geometry", HARDWARE},
    {"devices/disk/blockio", HARDWARE},
    {"devices/disk/encryption", HARDWARE},
    {"devices/disk/auth", HARDWARE},
    {"devices/disk/transient", HARDWARE},
    {"devices/disk/mirror", IDLE},
    {"devices/controller", USED, "type index model ports vectors ~queues"},
    {"devices/controller/address", USED, PCI_PLACE},
    {"devices/controller/alias", KEPT},
    {"devices/controller/master", USED, "startport"},
    {"devices/controller/model", USED, "name"},
    {"devices/controller/target", USED, "chassis port chassisNr busNr hotplug"},
    {"devices/controller/driver", HARDWARE},
    {"devices/controller/pcihole64", HARDWARE},
    {0},
};
