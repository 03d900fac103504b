/* The devices in the order in which QEMU must hear of them: libvirt's. */
#include "kvm/argv_impl.h"

#include <string.h>

#include "core/mem.h"

int build_device(struct builder *b, const char *element, unsigned line, struct buf *value)
{
	CLEANUP_FREE char *device = xstrndup(value->data, strcspn(value->data, ","));
	int rc = build_need(b, element, line, device);
	if (rc == 0)
		build_take(b, "-device", value);
	else
		buf_fini(value);
	return rc;
}

int build_devices(struct builder *b)
{
	static int (*const parts[])(struct builder * b) = {
	    build_controllers,
	    build_implied,
	    build_disks,
	    build_nets,
	    build_chrs,
	    build_inputs,
	    build_graphics,
	    build_video,
	    build_watchdog,
	    build_balloon,
	    build_rng,
	    build_panic,
	};
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (parts[i](b) < 0)
			return -1;
	return 0;
}
