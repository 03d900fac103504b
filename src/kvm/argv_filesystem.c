/* Folders of the host and TPMs onto the command line. */
#include "kvm/argv_dev.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

#define VIRTIOFS_QUEUE 1024 /* libvirt's size of the request queue */

static int build_virtiofs(struct builder *b, const struct domain_dev *dev, const char *id)
{
	const struct domain_attrs *a = &dev->attrs;
	CLEANUP_FREE char *chardev = xasprintf("chr-vu-%s", id);
	const char *socket = attrs_get(a, "source@socket"), *tag = attrs_get(a, "target@dir");
	char file[32];
	struct buf value = BUF_INIT;
	snprintf(file, sizeof file, "virtiofs%u.sock", dev->index);
	if (socket != NULL) {
		buf_addf(&value, "socket,id=%s", chardev);
		build_key(&value, "path", socket);
	} else {
		build_chardev_companion(b, &value, chardev, ARGV_SOCKET_VIRTIOFS, dev->index, file);
	}
	build_take(b, "-chardev", &value);
	buf_addf(&value, "vhost-user-fs-pci,id=%s,chardev=%s,queue-size=%llu", id, chardev,
	    (unsigned long long)attrs_number(a, "driver@queue", VIRTIOFS_QUEUE));
	if (tag != NULL)
		build_key(&value, "tag", tag);
	return build_dev(b, &value, dev);
}

static int build_9p(struct builder *b, const struct domain_dev *dev, const char *id)
{
	static const struct dev_key keys[] = {
	    {"@fmode", "fmode"}, {"@dmode", "dmode"}, {"@multidevs", "multidevs"}};
	const struct domain_attrs *a = &dev->attrs;
	const char *mode = attrs_get(a, "@accessmode");
	struct buf value = BUF_INIT;
	const char *model =
	    str_eq(mode, "mapped") || attrs_has(a, "@fmode") || attrs_has(a, "@dmode") ? "mapped"
	    : str_eq(mode, "squash")                                                   ? "none"
	                             : "passthrough";
	buf_addf(&value, "local,security_model=%s,id=fsdev-%s", model, id);
	build_key(&value, "path", attrs_get(a, "source@dir"));
	if (attrs_is(a, "driver@wrpolicy", "immediate"))
		buf_adds(&value, ",writeout=immediate");
	build_keys(&value, a, keys, ARRAY_LEN(keys));
	if (attrs_has(a, "readonly"))
		buf_adds(&value, ",readonly=on");
	build_take(b, "-fsdev", &value);
	build_virtio_name(&value, "virtio-9p", attrs_get(a, "@model"));
	buf_addf(&value, ",id=%s,fsdev=fsdev-%s", id, id);
	build_key(&value, "mount_tag", attrs_get(a, "target@dir"));
	return build_dev(b, &value, dev);
}

int build_filesystem(struct builder *b, const struct domain_dev *dev)
{
	CLEANUP_FREE char *id = build_id(&dev->attrs, "fs%u", dev->index);
	return domain_filesystem_is_virtiofs(dev) ? build_virtiofs(b, dev, id)
	                                          : build_9p(b, dev, id);
}

/* --- TPM --- */
int build_tpm(struct builder *b, const struct domain_dev *dev)
{
	const struct domain_attrs *a = &dev->attrs;
	const char *type = attrs_get(a, "backend@type"), *model = attrs_get(a, "@model");
	const char *device = attrs_get(a, "backend/device@path");
	CLEANUP_FREE char *id = build_id(a, "tpm%u", dev->index);
	struct buf value = BUF_INIT;
	if (str_eq(type, "passthrough")) {
		buf_addf(&value, "passthrough,id=tpm-%s", id);
		build_key(&value, "path", device != NULL ? device : "/dev/tpm0");
	} else {
		if (str_eq(type, "external")) {
			buf_adds(&value, "socket,id=chrtpm");
			build_key(&value, "path", attrs_get(a, "backend/source@path"));
		} else {
			build_chardev_companion(
			    b, &value, "chrtpm", ARGV_SOCKET_TPM, 0, "swtpm.sock");
		}
		build_take(b, "-chardev", &value);
		buf_addf(&value, "emulator,id=tpm-%s,chardev=chrtpm", id);
	}
	build_take(b, "-tpmdev", &value);
	buf_addf(&value, "%s,tpmdev=tpm-%s,id=%s", model != NULL ? model : "tpm-tis", id, id);
	return build_device(b, "tpm", dev->line, &value);
}
