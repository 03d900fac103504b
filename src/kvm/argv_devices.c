/* The devices in the order in which QEMU must hear of them: libvirt's. */
#include "kvm/argv_dev.h"

#include <string.h>

#include "core/mem.h"
#include "core/str.h"

int build_device(struct builder *b, const char *element, unsigned line, struct buf *value)
{
	CLEANUP_FREE char *device = xstrndup(value->data, strcspn(value->data, ","));
	int rc = build_need(b, element, line, device);
	/* An IOMMU needs virtio 1; QEMU will not leave the old one out by itself. */
	if (rc == 0 && str_prefix(device, "v") && strstr(device, "-transitional") == NULL &&
	    strstr(value->data, ",iommu_platform=on") != NULL)
		buf_adds(value, ",disable-legacy=on");
	if (rc == 0)
		build_take(b, "-device", value);
	else
		buf_fini(value);
	return rc;
}

/* Devices of one kind, in the document's order. */
static int build_kind(struct builder *b, enum domain_dev_kind kind, dev_build_fn *build)
{
	for (size_t i = 0; i < b->d->n_devs; i++)
		if (b->d->devs[i].kind == kind && build(b, &b->d->devs[i]) < 0)
			return -1;
	return 0;
}

/* The cards that the guest shows things on come in the order of PCI, its first one before all. */
static int build_videos(struct builder *b)
{
	const struct domain_dev *primary = domain_primary_video(b->d);
	build_addf(b, "-vga", "none");
	if (primary != NULL && build_video(b, primary) < 0)
		return -1;
	for (size_t i = 0; i < b->d->n_devs; i++) {
		const struct domain_dev *dev = &b->d->devs[i];
		if (dev->kind == DEV_VIDEO && dev != primary && build_video(b, dev) < 0)
			return -1;
	}
	return 0;
}

/* Either the part for all of it, or a kind and what builds one of it. */
static const struct part {
	int (*all)(struct builder *b);
	enum domain_dev_kind kind;
	dev_build_fn *one;
} parts[] = {
    {.all = build_storage_objects},
    {.all = build_controllers},
    {.all = build_vcpus},
    {.all = build_memdevs},
    {.all = build_board},
    {.one = build_iommu, .kind = DEV_IOMMU},
    {.one = build_hub, .kind = DEV_HUB},
    {.all = build_disks},
    {.one = build_filesystem, .kind = DEV_FILESYSTEM},
    {.all = build_nets},
    {.all = build_chrs},
    {.one = build_parallel, .kind = DEV_PARALLEL},
    {.one = build_smartcard, .kind = DEV_SMARTCARD},
    {.one = build_tpm, .kind = DEV_TPM},
    {.one = build_input, .kind = DEV_INPUT},
    {.one = build_audio, .kind = DEV_AUDIO},
    {.all = build_audio_default},
    {.one = build_graphics, .kind = DEV_GRAPHICS},
    {.all = build_videos},
    {.one = build_sound, .kind = DEV_SOUND},
    {.one = build_watchdog, .kind = DEV_WATCHDOG},
    {.one = build_redirdev, .kind = DEV_REDIRDEV},
    {.one = build_hostdev, .kind = DEV_HOSTDEV},
    {.one = build_balloon, .kind = DEV_BALLOON},
    {.one = build_rng, .kind = DEV_RNG},
    {.one = build_crypto, .kind = DEV_CRYPTO},
    {.one = build_panic, .kind = DEV_PANIC},
    {.one = build_shmem, .kind = DEV_SHMEM},
    {.one = build_vsock, .kind = DEV_VSOCK},
};

int build_devices(struct builder *b)
{
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		const struct part *part = &parts[i];
		int rc = part->all != NULL ? part->all(b) : build_kind(b, part->kind, part->one);
		if (rc < 0)
			return -1;
	}
	return 0;
}
