/* attach_image: is the image of a disk that is to be plugged another machine's? QEMU's locks would say that it is, but not whose. */
#ifndef CLI_ATTACH_IMAGE_H
#define CLI_ATTACH_IMAGE_H

#include "cli/dispatch.h"

/* xml: a device's element, of which only a <disk> matters. domain: who is to get it. ERR_BUSY names who writes to the image, or who has it when the disk
 * would be written to. Nothing is said of what cannot be read: the plan says so. */
int attach_image_check(struct cli *c, const char *domain, const char *xml, struct err *err);
/* Do --live, --config, --persistent, --current of the verb mean the machine that runs? */
bool attach_is_live(const struct cli *c, bool running);

#endif
