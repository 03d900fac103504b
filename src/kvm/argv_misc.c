/* Smaller devices onto the command line. */
#include "kvm/argv_dev.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

int build_balloon(struct builder *b, const struct domain_dev *dev)
{
	static const struct dev_key keys[] = {{"@autodeflate", "deflate-on-oom"},
	    {"@freePageReporting", "free-page-reporting"},
	    {"stats@period", "guest-stats-polling-interval"}};
	const struct domain_attrs *a = &dev->attrs;
	struct buf value = BUF_INIT;
	if (attrs_is(a, "@model", "none"))
		return 0;
	CLEANUP_FREE char *id = build_id(a, "balloon%u", dev->index);
	build_virtio_name(&value, "virtio-balloon", attrs_get(a, "@model"));
	buf_addf(&value, ",id=%s", id);
	build_keys(&value, a, keys, ARRAY_LEN(keys));
	return build_dev(b, &value, dev);
}

/* --- random numbers --- */
static int rng_backend(struct builder *b, const struct domain_dev *dev, const char *id)
{
	const struct domain_attrs *a = &dev->attrs;
	struct buf value = BUF_INIT;
	if (attrs_is(a, "backend@model", "builtin")) {
		build_addf(b, "-object", "rng-builtin,id=obj%s", id);
		return 0;
	}
	if (attrs_is(a, "backend@model", "egd")) {
		CLEANUP_FREE char *chardev = xasprintf("char%s", id);
		if (build_backend(b, chardev, attrs_get(a, "backend@type"), a, "backend/", NULL) <
		    0)
			return -1;
		build_addf(b, "-object", "rng-egd,id=obj%s,chardev=%s", id, chardev);
		return 0;
	}
	const char *path = attrs_get(a, "backend");
	buf_addf(&value, "rng-random,id=obj%s", id);
	build_key(&value, "filename", path != NULL && path[0] != '\0' ? path : "/dev/urandom");
	build_take(b, "-object", &value);
	return 0;
}

int build_rng(struct builder *b, const struct domain_dev *dev)
{
	const struct domain_attrs *a = &dev->attrs;
	CLEANUP_FREE char *id = build_id(a, "rng%u", dev->index);
	struct buf value = BUF_INIT;
	if (rng_backend(b, dev, id) < 0)
		return -1;
	build_virtio_name(&value, "virtio-rng", attrs_get(a, "@model"));
	buf_addf(&value, ",rng=obj%s,id=%s", id, id);
	if (attrs_has(a, "rate@bytes"))
		buf_addf(&value, ",max-bytes=%s,period=%llu", attrs_get(a, "rate@bytes"),
		    (unsigned long long)attrs_number(a, "rate@period", 1000));
	return build_dev(b, &value, dev);
}

/* --- what watches over the guest --- */
int build_panic(struct builder *b, const struct domain_dev *dev)
{
	const struct domain_attrs *a = &dev->attrs;
	struct buf value = BUF_INIT;
	if (attrs_is(a, "@model", "hyperv"))
		return 0; /* a feature of the CPU */
	CLEANUP_FREE char *id = build_id(a, "panic%u", dev->index);
	if (attrs_is(a, "@model", "pvpanic")) {
		buf_addf(&value, "pvpanic-pci,id=%s", id);
		return build_dev(b, &value, dev);
	}
	buf_addf(&value, "pvpanic,id=%s", id);
	if (dev->address.type == ADDRESS_ISA && dev->address.iobase != 0)
		buf_addf(&value, ",ioport=0x%x", dev->address.iobase);
	return build_device(b, "panic", dev->line, &value);
}

int build_watchdog(struct builder *b, const struct domain_dev *dev)
{
	const struct domain_attrs *a = &dev->attrs;
	const char *model = attrs_get(a, "@model"), *action = attrs_get(a, "@action");
	bool itco = str_eq(model, "itco");
	struct buf value = BUF_INIT;
	if (itco && !domain_is_q35(b->d))
		return build_unsupported(
		    b, "watchdog", dev->line, "model 'itco' needs machine 'q35'");
	if (dev->index == 0) {
		/* QEMU stops the guest, and who dumps it lets it run on. */
		if (str_eq(action, "dump"))
			action = "pause";
		build_addf(b, "-action", "watchdog=%s", action != NULL ? action : "reset");
	}
	if (itco) { /* part of the chip set, disarmed by default */
		build_addf(b, "-global", "ICH9-LPC.noreboot=off");
		return 0;
	}
	CLEANUP_FREE char *id = build_id(a, "watchdog%u", dev->index);
	buf_addf(&value, "%s,id=%s", model, id);
	return build_dev(b, &value, dev);
}

/* --- USB --- */
int build_hub(struct builder *b, const struct domain_dev *dev)
{
	CLEANUP_FREE char *id = build_id(&dev->attrs, "hub%u", dev->index);
	struct buf value = BUF_INIT;
	buf_addf(&value, "usb-hub,id=%s", id);
	return build_dev(b, &value, dev);
}

/* "class:vendor:product:version:allow", joined by '|'. */
static void add_filter(struct builder *b, struct buf *value)
{
	const struct domain_dev *filter = NULL;
	for (size_t i = 0; i < b->d->n_devs; i++)
		if (b->d->devs[i].kind == DEV_REDIRFILTER)
			filter = &b->d->devs[i];
	for (unsigned i = 0; filter != NULL; i++) {
		static const char *const names[] = {"class", "vendor", "product", "version"};
		CLEANUP_FREE char *element =
		    i == 0 ? xstrdup("usbdev") : xasprintf("usbdev[%u]", i);
		CLEANUP_FREE char *allow = xasprintf("%s@allow", element);
		if (!attrs_has(&filter->attrs, element))
			return;
		buf_adds(value, i == 0 ? ",filter=" : "|");
		for (size_t k = 0; k < ARRAY_LEN(names); k++) {
			CLEANUP_FREE char *name = xasprintf("%s@%s", element, names[k]);
			const char *text = attrs_get(&filter->attrs, name);
			unsigned major, minor;
			if (text == NULL || strcmp(text, "-1") == 0)
				buf_adds(value, "-1:");
			else if (k == 3 && sscanf(text, "%3u.%3u", &major, &minor) == 2)
				/* binary coded decimals, as in a USB descriptor: 1.10 is 0x0110 */
				buf_addf(value, "0x%02u%02u:", major, minor);
			else
				buf_addf(value, "0x%llx:",
				    (unsigned long long)attrs_number(&filter->attrs, name, 0));
		}
		buf_adds(value, attrs_on(&filter->attrs, allow) ? "1" : "0");
	}
}

int build_redirdev(struct builder *b, const struct domain_dev *dev)
{
	const struct domain_attrs *a = &dev->attrs;
	CLEANUP_FREE char *id = build_id(a, "redir%u", dev->index);
	CLEANUP_FREE char *chardev = xasprintf("char%s", id);
	struct buf value = BUF_INIT;
	if (build_backend(b, chardev, attrs_get(a, "@type"), a, "", "usbredir") < 0)
		return -1;
	buf_addf(&value, "usb-redir,chardev=%s,id=%s", chardev, id);
	add_filter(b, &value);
	return build_dev(b, &value, dev);
}

/* --- smart cards: on the CCID controller, which build_controllers makes --- */
int build_smartcard(struct builder *b, const struct domain_dev *dev)
{
	const struct domain_attrs *a = &dev->attrs;
	CLEANUP_FREE char *id = build_id(a, "smartcard%u", dev->index);
	const char *mode = attrs_get(a, "@mode"), *database = attrs_get(a, "database");
	struct buf value = BUF_INIT;
	if (str_eq(mode, "passthrough")) {
		CLEANUP_FREE char *chardev = xasprintf("char%s", id);
		if (build_backend(b, chardev, attrs_get(a, "@type"), a, "", "smartcard") < 0)
			return -1;
		buf_addf(&value, "ccid-card-passthru,chardev=%s,id=%s", chardev, id);
	} else if (str_eq(mode, "host")) {
		buf_addf(&value, "ccid-card-emulated,backend=nss-emulated,id=%s", id);
	} else {
		buf_adds(&value, "ccid-card-emulated,backend=certificates");
		build_key(&value, "cert1", attrs_get(a, "certificate"));
		build_key(&value, "cert2", attrs_get(a, "certificate[1]"));
		build_key(&value, "cert3", attrs_get(a, "certificate[2]"));
		if (database != NULL)
			build_key(&value, "db", database);
		buf_addf(&value, ",id=%s", id);
	}
	return build_dev(b, &value, dev);
}

/* --- shared memory --- */
int build_shmem(struct builder *b, const struct domain_dev *dev)
{
	static const struct dev_key keys[] = {
	    {"msi@vectors", "vectors"}, {"msi@ioeventfd", "ioeventfd"}};
	const struct domain_attrs *a = &dev->attrs;
	CLEANUP_FREE char *id = build_id(a, "shmem%u", dev->index);
	struct buf value = BUF_INIT;
	if (attrs_is(a, "model@type", "ivshmem-doorbell")) {
		const char *path = attrs_get(a, "server@path");
		CLEANUP_FREE char *made = path == NULL ? xasprintf("/var/lib/libvirt/shmem-%s-sock",
		                                             attrs_get(a, "@name"))
		                                       : NULL;
		buf_addf(&value, "socket,id=char%s", id);
		build_key(&value, "path", path != NULL ? path : made);
		build_take(b, "-chardev", &value);
		buf_addf(&value, "ivshmem-doorbell,id=%s,chardev=char%s", id, id);
		build_keys(&value, a, keys, ARRAY_LEN(keys));
	} else {
		CLEANUP_FREE char *path = xasprintf("/dev/shm/%s", attrs_get(a, "@name"));
		buf_addf(&value, "memory-backend-file,id=shmmem-%s", id);
		build_key(&value, "mem-path", path);
		buf_addf(
		    &value, ",size=%llu,share=on", (unsigned long long)domain_shmem_bytes(dev));
		build_take(b, "-object", &value);
		buf_addf(&value, "ivshmem-plain,id=%s,memdev=shmmem-%s", id, id);
	}
	if (attrs_has(a, "@role"))
		buf_addf(&value, ",master=%s", attrs_is(a, "@role", "master") ? "on" : "off");
	return build_dev(b, &value, dev);
}

/* --- IOMMU, crypto, vsock --- */
int build_iommu(struct builder *b, const struct domain_dev *dev)
{
	static const struct dev_key keys[] = {{"driver@intremap", "intremap"},
	    {"driver@caching_mode", "caching-mode"}, {"driver@eim", "eim"},
	    {"driver@iotlb", "device-iotlb"}, {"driver@aw_bits", "aw-bits"},
	    {"driver@dma_translation", "dma-translation"}};
	struct buf value = BUF_INIT;
	CLEANUP_FREE char *id = build_id(&dev->attrs, "iommu%u", dev->index);
	if (attrs_is(&dev->attrs, "@model", "virtio")) {
		buf_addf(&value, "virtio-iommu-pci,id=%s", id);
		build_address(b, &value, &dev->address);
	} else {
		buf_addf(&value, "intel-iommu,id=%s", id);
		build_keys(&value, &dev->attrs, keys, ARRAY_LEN(keys));
	}
	return build_device(b, "iommu", dev->line, &value);
}

int build_crypto(struct builder *b, const struct domain_dev *dev)
{
	const struct domain_attrs *a = &dev->attrs;
	CLEANUP_FREE char *id = build_id(a, "crypto%u", dev->index);
	struct buf value = BUF_INIT;
	buf_addf(&value, "cryptodev-backend-builtin,id=obj%s", id);
	if (attrs_has(a, "backend@queues"))
		buf_addf(&value, ",queues=%s", attrs_get(a, "backend@queues"));
	build_take(b, "-object", &value);
	buf_addf(&value, "virtio-crypto-pci,cryptodev=obj%s,id=%s", id, id);
	return build_dev(b, &value, dev);
}

int build_vsock(struct builder *b, const struct domain_dev *dev)
{
	const struct domain_attrs *a = &dev->attrs;
	CLEANUP_FREE char *id = build_id(a, "vsock%u", dev->index);
	struct buf value = BUF_INIT;
	/* The supervisor puts a free one in for auto. */
	build_virtio_name(&value, "vhost-vsock", attrs_get(a, "@model"));
	buf_addf(&value, ",id=%s,guest-cid=%llu", id,
	    (unsigned long long)attrs_number(a, "cid@address", 3));
	return build_dev(b, &value, dev);
}
