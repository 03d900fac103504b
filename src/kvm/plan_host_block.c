/* Images that plans make for QEMU to open.
 *
 *	image-new   path, format ("raw", "qcow2"), size; backing, backing_format
 *	            an empty image; what backs it is not opened, QEMU may be writing to it. Never over a file that is there. */
#include <string.h>

#include "core/jsonl.h"
#include "core/str.h"
#include "disk/img_create.h"
#include "kvm/plan_host.h"

static int image_new(const struct plan_host_ctx *ctx, struct json_object *args, struct err *err)
{
	(void)ctx;
	const char *path = json_get_str(args, "path");
	int64_t size = json_get_int(args, "size", -1);
	struct img_create c = {.format = json_get_str(args, "format"),
	    .with_size = true,
	    .fresh = true,
	    .backing_as_told = true};
	c.qcow2.size = (uint64_t)size;
	c.qcow2.backing = json_get_str(args, "backing");
	c.qcow2.backing_format = json_get_str(args, "backing_format");
	if (path == NULL || path[0] != '/' || c.format == NULL || size < 0)
		return err_set(err, ERR_INVALID, "a step that makes an image lacks what it needs");
	return img_create_now(path, &c, err);
}

const struct plan_host_op plan_host_ops_block[] = {{"image-new", true, image_new}, {0}};
