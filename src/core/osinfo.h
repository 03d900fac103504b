/* osinfo: guests' operating systems and what they run well with, from the osinfo-db package's XML. Owner of a database:
 * whoever called osinfo_read. Source: libosinfo's schema, osinfo.rng. */
#ifndef CORE_OSINFO_H
#define CORE_OSINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

#define OSINFO_DIR "/usr/share/osinfo"
#define OSINFO_FILES_MAX 20000u /* the package of 2022 has 800 */
#define OSINFO_DEPTH_MAX 32u    /* of what derives from what */

/* Devices that a system has drivers for. */
enum osinfo_device {
	OSINFO_VIRTIO_BLK = 1,
	OSINFO_VIRTIO_NET = 2,
	OSINFO_VIRTIO_SCSI = 4,
	OSINFO_VIRTIO_GPU = 8,
	OSINFO_VIRTIO_RNG = 16,
	OSINFO_VIRTIO_BALLOON = 32,
	OSINFO_VIRTIO_CONSOLE = 64,
	OSINFO_VIRTIO_INPUT = 128,
	OSINFO_VIRTIO_FS = 256,
	OSINFO_VIRTIO_VSOCK = 512,
	OSINFO_XHCI = 1024,
	OSINFO_USB_TABLET = 2048,
	OSINFO_Q35 = 4096, /* the machine */
};

struct osinfo_os {
	char *id; /* "http://debian.org/debian/11" */
	char **short_ids;
	size_t n_short_ids; /* the first is the one that is shown */
	char *name, *version, *family, *vendor, *distro, *codename, *released,
	    *ends;             /* NULL unknown */
	uint64_t ram, storage; /* recommended (else minimal), bytes; 0 unknown */
	unsigned cpus;         /* the same; 0 unknown */
	unsigned devices;      /* of enum osinfo_device, those of its ancestors among them */
};

struct osinfo_db {
	struct osinfo_os *oses; /* sorted by the first short id */
	size_t n;
};

/* dirs: folders as OSINFO_DIR, a later one's entries replace an earlier one's; NULL-terminated; NULL: the package's, the
 * administrator's (/etc/osinfo), the user's. Files that are no XML are passed over. ERR_NOT_FOUND with the package to
 * install when there is nothing. */
int osinfo_read(const char *const *dirs, struct osinfo_db *db, struct err *err);
void osinfo_fini(struct osinfo_db *db);
/* By one of its short ids, or by its id; NULL none. */
const struct osinfo_os *osinfo_find(const struct osinfo_db *db, const char *word);

#endif
