/* The attributes of a device's element, kept by name; the kinds of devices that are little more than these. */
#include "core/domain_dev.h"

#include <stdlib.h>
#include <string.h>

#include "core/domain_impl.h"
#include "core/mem.h"
#include "core/str.h"

/* --- asking --- */
const char *attrs_get(const struct domain_attrs *a, const char *name)
{
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->attr[i].name, name) == 0)
			return a->attr[i].value;
	return NULL;
}

bool attrs_has(const struct domain_attrs *a, const char *name)
{
	return attrs_get(a, name) != NULL;
}

bool attrs_is(const struct domain_attrs *a, const char *name, const char *value)
{
	return str_eq(attrs_get(a, name), value);
}

enum domain_switch attrs_switch(const struct domain_attrs *a, const char *name)
{
	const char *value = attrs_get(a, name);
	if (value == NULL)
		return SWITCH_ABSENT;
	return strcmp(value, "on") == 0 || strcmp(value, "yes") == 0 ? SWITCH_ON : SWITCH_OFF;
}

bool attrs_on(const struct domain_attrs *a, const char *name)
{
	return attrs_switch(a, name) == SWITCH_ON;
}

uint64_t attrs_number(const struct domain_attrs *a, const char *name, uint64_t absent)
{
	const char *value = attrs_get(a, name);
	char *end;
	if (value == NULL || value[0] < '0' || value[0] > '9')
		return absent;
	uint64_t n = strtoull(value, &end, str_prefix(value, "0x") ? 16 : 10);
	return *end == '\0' ? n : absent;
}

/* --- filling --- */
void attrs_add(struct domain_attrs *a, const char *name, const char *value)
{
	struct domain_attr *attr = DOMAIN_ADD(a->attr, a->n);
	attr->name = xstrdup(name);
	attr->value = xstrdup(value);
}

void attrs_set(struct domain_attrs *a, const char *name, const char *value)
{
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->attr[i].name, name) == 0) {
			free(a->attr[i].value);
			a->attr[i].value = xstrdup(value);
			return;
		}
	attrs_add(a, name, value);
}

void attrs_remove(struct domain_attrs *a, const char *name)
{
	for (size_t i = 0; i < a->n; i++) {
		if (strcmp(a->attr[i].name, name) != 0)
			continue;
		free(a->attr[i].name);
		free(a->attr[i].value);
		memmove(&a->attr[i], &a->attr[i + 1], (--a->n - i) * sizeof *a->attr);
		return;
	}
}

/* The text right inside of an element, white space around it left out. */
static char *own_text(const xmlNode *node)
{
	struct buf text = BUF_INIT;
	for (const xmlNode *n = node->children; n != NULL; n = n->next)
		if ((n->type == XML_TEXT_NODE || n->type == XML_CDATA_SECTION_NODE) &&
		    n->content != NULL)
			buf_adds(&text, (const char *)n->content);
	char *s = buf_take(&text);
	size_t from = strspn(s, " \t\r\n"), n = strlen(s);
	while (n > from && strchr(" \t\r\n", s[n - 1]) != NULL)
		n--;
	memmove(s, s + from, n - from);
	s[n - from] = '\0';
	return s;
}

static unsigned twins_before(const xmlNode *node)
{
	unsigned n = 0;
	for (const xmlNode *k = node->prev; k != NULL; k = k->prev)
		n += k->type == XML_ELEMENT_NODE && k->ns == NULL &&
		     xmlStrEqual(k->name, node->name);
	return n;
}

static void read_element(struct domain_attrs *a, const xmlNode *node, const char *path)
{
	for (const xmlAttr *attr = node->properties; attr != NULL; attr = attr->next) {
		if (attr->ns != NULL)
			continue;
		CLEANUP_FREE char *value = xml_attr(node, (const char *)attr->name);
		CLEANUP_FREE char *name = xasprintf("%s@%s", path, (const char *)attr->name);
		attrs_add(a, name, value);
	}
	for (const xmlNode *n = xml_first(node); n != NULL; n = xml_next(n)) {
		unsigned twins = n->ns == NULL ? twins_before(n) : 0;
		const char *slash = path[0] != '\0' ? "/" : "", *own = (const char *)n->name;
		CLEANUP_FREE char *child = twins == 0
		                               ? xasprintf("%s%s%s", path, slash, own)
		                               : xasprintf("%s%s%s[%u]", path, slash, own, twins);
		CLEANUP_FREE char *text = own_text(n);
		if (n->ns != NULL)
			continue;
		attrs_add(a, child, text);
		read_element(a, n, child);
	}
}

int attrs_read(struct parse *p, const xmlNode *device, struct domain_attrs *a)
{
	read_element(a, device, "");
	alias_filter(p, a);
	for (size_t i = 0; i < a->n; i++)
		if (!(p->flags & DOMAIN_PARSE_LENIENT) && !parse_text_ok(a->attr[i].value))
			return parse_invalid(
			    p, device, "<%s> has control characters", a->attr[i].name);
	return 0;
}

void attrs_fini(struct domain_attrs *a)
{
	for (size_t i = 0; i < a->n; i++) {
		free(a->attr[i].name);
		free(a->attr[i].value);
	}
	free(a->attr);
	*a = (struct domain_attrs){0};
}

/* --- the kinds --- */
static enum seat no_seat(const struct domain *d, const struct domain_dev *dev)
{
	(void)d;
	(void)dev;
	return SEAT_NONE;
}

static enum seat usb_seat(const struct domain *d, const struct domain_dev *dev)
{
	(void)d;
	(void)dev;
	return SEAT_USB;
}

static enum seat pci_seat(const struct domain *d, const struct domain_dev *dev)
{
	(void)d;
	(void)dev;
	return SEAT_PCI;
}

static enum seat virtio_seat(const struct domain *d, const struct domain_dev *dev)
{
	(void)d;
	const char *model = attrs_get(&dev->attrs, "@model");
	return str_eq(model, "none") ? SEAT_NONE : seat_of_virtio(model);
}

#define KIND(kind_, element_, check_, seat_) \
	[kind_] = {.element = element_, .check = check_, .seat = seat_}

static const struct dev_kind {
	const char *element;
	/* What the tables cannot say; may be NULL. 0, -1, PARSE_SKIP. */
	int (*check)(struct parse *p, const xmlNode *node, const struct domain_dev *dev);
	enum seat (*seat)(const struct domain *d, const struct domain_dev *dev);
} kinds[DEV_KINDS] = {
    KIND(DEV_AUDIO, "audio", audio_check, no_seat),
    KIND(DEV_BALLOON, "memballoon", balloon_check, virtio_seat),
    KIND(DEV_CRYPTO, "crypto", NULL, virtio_seat),
    KIND(DEV_FILESYSTEM, "filesystem", filesystem_check, virtio_seat),
    KIND(DEV_GRAPHICS, "graphics", graphics_check, no_seat),
    KIND(DEV_HOSTDEV, "hostdev", hostdev_check, hostdev_seat),
    KIND(DEV_HUB, "hub", NULL, hub_seat),
    KIND(DEV_INPUT, "input", input_check, input_seat),
    KIND(DEV_IOMMU, "iommu", iommu_check, iommu_seat),
    KIND(DEV_LEASE, "lease", NULL, no_seat),
    KIND(DEV_PANIC, "panic", panic_check, panic_seat),
    KIND(DEV_PARALLEL, "parallel", parallel_check, no_seat),
    KIND(DEV_REDIRDEV, "redirdev", redirdev_check, usb_seat),
    KIND(DEV_REDIRFILTER, "redirfilter", redirfilter_check, no_seat),
    KIND(DEV_RNG, "rng", rng_check, virtio_seat),
    KIND(DEV_SHMEM, "shmem", shmem_check, pci_seat),
    KIND(DEV_SMARTCARD, "smartcard", smartcard_check, smartcard_seat),
    KIND(DEV_SOUND, "sound", sound_check, sound_seat),
    KIND(DEV_TPM, "tpm", tpm_check, no_seat),
    KIND(DEV_VIDEO, "video", video_check, video_seat),
    KIND(DEV_VSOCK, "vsock", vsock_check, virtio_seat),
    KIND(DEV_WATCHDOG, "watchdog", watchdog_check, watchdog_seat),
};

const char *domain_dev_name(enum domain_dev_kind kind)
{
	return kinds[kind].element;
}

const struct domain_dev *domain_dev_find(const struct domain *d, enum domain_dev_kind kind)
{
	for (size_t i = 0; i < d->n_devs; i++)
		if (d->devs[i].kind == kind)
			return &d->devs[i];
	return NULL;
}

bool domain_dev_kind_of(const xmlNode *node, enum domain_dev_kind *kind)
{
	for (unsigned i = 0; i < DEV_KINDS; i++)
		if (xml_is(node, kinds[i].element)) {
			*kind = (enum domain_dev_kind)i;
			return true;
		}
	return false;
}

enum seat domain_dev_seat(const struct domain *d, const struct domain_dev *dev)
{
	return kinds[dev->kind].seat(d, dev);
}

int domain_dev_check(struct parse *p, const xmlNode *node, const struct domain_dev *dev)
{
	if (kinds[dev->kind].check == NULL || (p->flags & DOMAIN_PARSE_LENIENT))
		return 0;
	return kinds[dev->kind].check(p, node, dev);
}

unsigned domain_dev_addresses(const struct domain *d, const struct domain_dev *dev)
{
	switch (domain_dev_seat(d, dev)) {
	case SEAT_USB:
	case SEAT_USB_HUB:
		return ADDRESS_BIT(ADDRESS_USB);
	case SEAT_CCID:
		return ADDRESS_BIT(ADDRESS_CCID);
	case SEAT_SCSI:
		return ADDRESS_BIT(ADDRESS_DRIVE);
	case SEAT_NONE: /* it has no effect */
		return ~0u;
	default:
		return ADDRESS_BIT_PCI |
		       (dev->kind == DEV_HOSTDEV ? ADDRESS_BIT(ADDRESS_UNASSIGNED) : 0);
	}
}
