/* img_unread: formats that we know by sight alone. Without it their images would pass for raw ones, and a guest be given
 * ciphertext or tables for its disk. */
#include <string.h>

#include "core/mem.h"
#include "disk/img.h"

static const struct {
	const char *name, *magic;
	size_t bytes; /* at the beginning */
} formats[] = {
    {"luks", "LUKS\xba\xbe", 6},
    {"parallels", "WithoutFreeSpace", 16},
    {"parallels", "WithouFreSpacExt", 16},
    {"bochs", "Bochs Virtual HD Image", 22},
    {"cloop", "#!/bin/sh\n#V2.0 Format\nmodprobe cloop", 37},
};

static const char *find(const uint8_t *head, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (n >= formats[i].bytes && memcmp(head, formats[i].magic, formats[i].bytes) == 0)
			return formats[i].name;
	return NULL;
}

/* A macOS image has its signature at the end: QEMU goes by the name. */
static bool is_dmg(const char *name)
{
	size_t n = strlen(name);
	return n >= 4 && strcmp(name + n - 4, ".dmg") == 0;
}

static int unread_probe(const uint8_t *head, size_t n, const char *name)
{
	return find(head, n) ? 100 : is_dmg(name) ? 2 : 0;
}

static int unread_open(struct img *im, struct err *err)
{
	uint8_t head[IMG_HEAD];
	if (disk_io_read_padded(im->file, 0, head, sizeof(head), err) < 0)
		return -1;
	const char *format = find(head, sizeof(head));
	if (!format && is_dmg(im->name))
		format = "dmg";
	return err_set(err, ERR_UNSUPPORTED, "'%s': images of the format '%s' are not read here",
	    im->name, format ? format : disk_format_name(im->driver->format));
}

static void unread_close(struct img *im)
{
	(void)im;
}

const struct img_driver img_unread = {
    .format = DISK_PARALLELS,
    .probe = unread_probe,
    .open = unread_open,
    .close = unread_close,
};
