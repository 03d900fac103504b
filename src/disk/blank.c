#include "disk/blank.h"

#include <string.h>

#include "core/buf.h"
#include "core/mem.h"
#include "core/program.h"
#include "disk/disk_io.h"

#define BLKID_MS 30000

/* Its exit status is 2 where it finds nothing, and also where it cannot read; so the device is read first by us. */
int blank_check(const char *device, struct err *err)
{
	struct err why = {0};
	CLEANUP_BUF struct buf out = BUF_INIT;
	uint8_t first[512];
	struct disk_io *io = disk_io_open(device, 0, err);
	int rc = io != NULL ? disk_io_read_padded(io, 0, first, sizeof first, err) : -1;
	disk_io_close(io);
	if (rc < 0)
		return -1;
	rc = program_run((const char *const[]){"blkid", "-p", "-o", "value", "-s", "TYPE", "-s",
	                     "PTTYPE", device, NULL},
	    BLKID_MS, &out, &why);
	if (rc < 0 && why.code != ERR_FAIL)
		return err_set(err, why.code, "%s", why.msg);
	if (out.len == 0)
		return 0;
	return err_set(err, ERR_EXISTS, "'%s' holds %.*s already; to overwrite it: --overwrite",
	    device, (int)strcspn(out.data, "\n"), out.data);
}
