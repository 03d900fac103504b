/* <graphics>, <video> and <input>: what the tables cannot say. */
#include "core/domain_impl.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/timestamp.h"

#define VNC_PASSWORD_MAX 8

/* --- graphics --- */
static int check_port(struct parse *p, const xmlNode *node, const struct domain_attrs *a,
    const char *attr, unsigned least)
{
	CLEANUP_FREE char *name = xasprintf("@%s", attr);
	const char *value = attrs_get(a, name);
	uint64_t port;
	/* -1 and 0: one is found. */
	if (value == NULL || strcmp(value, "-1") == 0 || strcmp(value, "0") == 0)
		return 0;
	if (str_u64(value, 65535, &port) < 0 || port < least)
		return parse_invalid(p, node,
		    "%s='%.20s' is neither -1 nor a number from %u to 65535", attr, value, least);
	return 0;
}

static unsigned count_graphics(const struct parse *p, const char *type)
{
	unsigned n = 0;
	for (size_t i = 0; i < p->d->n_devs; i++)
		n += p->d->devs[i].kind == DEV_GRAPHICS &&
		     attrs_is(&p->d->devs[i].attrs, "@type", type);
	return n;
}

static int check_listen(struct parse *p, const xmlNode *node, const struct domain_attrs *a)
{
	const char *type = attrs_get(a, "listen@type");
	const char *old = attrs_get(a, "@listen"), *address = attrs_get(a, "listen@address");
	if (attrs_has(a, "listen[1]"))
		parse_warn(p, node, "QEMU listens on one address: the first <listen>");
	if (str_eq(type, "address") && old != NULL && address != NULL && strcmp(old, address) != 0)
		return parse_invalid(p, node,
		    "listen='%.60s' and <listen address='%.60s'> contradict each other", old,
		    address);
	if (str_eq(type, "network") && !attrs_has(a, "listen@network"))
		return parse_invalid(p, xml_child(node, "listen"), "type='network' has no network");
	return 0;
}

/* VNC's authentication uses eight characters and would open the screen to whoever knows those of a longer one. */
static int check_password(struct parse *p, const xmlNode *node, const struct domain_attrs *a)
{
	const char *password = attrs_get(a, "@passwd"), *until = attrs_get(a, "@passwdValidTo");
	uint64_t seconds;
	if (password != NULL && attrs_is(a, "@type", "vnc") && strlen(password) > VNC_PASSWORD_MAX)
		return parse_invalid(p, node, "passwd has %zu characters, VNC takes %d at most",
		    strlen(password), VNC_PASSWORD_MAX);
	if (until != NULL && timestamp_from_xml(until, &seconds) < 0)
		return parse_invalid(
		    p, node, "passwdValidTo='%.30s' is no time as in '2026-11-21T10:48:00'", until);
	return 0;
}

int graphics_check(struct parse *p, const xmlNode *node, const struct domain_dev *dev)
{
	const struct domain_attrs *a = &dev->attrs;
	const char *type = attrs_get(a, "@type");
	if (type == NULL)
		return 0;
	if (count_graphics(p, type) > 1)
		return parse_refuse(p, node, "only one of type='%s' is supported", type);
	if (check_port(p, node, a, "port", strcmp(type, "vnc") == 0 ? 5900 : 1) < 0 ||
	    check_port(p, node, a, "tlsPort", 1) < 0 || check_port(p, node, a, "websocket", 1) < 0)
		return -1;
	const char *keymap = attrs_get(a, "@keymap");
	if (keymap != NULL && (keymap[0] == '\0' || strpbrk(keymap, "/.,") != NULL))
		return parse_invalid(p, node, "keymap='%.20s' is not the name of a keymap", keymap);
	if (attrs_on(a, "@p2p") && attrs_has(a, "@address"))
		return parse_invalid(p, node, "p2p and address exclude each other");
	if (check_password(p, node, a) < 0)
		return -1;
	return check_listen(p, node, a);
}

int graphics_check_all(struct parse *p)
{
	unsigned gl = 0;
	for (size_t i = 0; i < p->d->n_devs; i++) {
		const struct domain_dev *dev = &p->d->devs[i];
		if (dev->kind != DEV_GRAPHICS)
			continue;
		bool egl = attrs_is(&dev->attrs, "@type", "egl-headless");
		gl += egl || attrs_on(&dev->attrs, "gl@enable");
		if (gl > 1)
			return invalid_at(p, "graphics", dev->line,
			    "one display can use OpenGL, and there is another one");
	}
	return 0;
}

/* --- video --- */
int video_check(struct parse *p, const xmlNode *node, const struct domain_dev *dev)
{
	const struct domain_attrs *a = &dev->attrs;
	const xmlNode *model = xml_child(node, "model");
	const char *type = attrs_get(a, "model@type");
	bool virtio = str_eq(type, "virtio");
	if (attrs_on(a, "model/acceleration@accel3d") && type != NULL && !virtio)
		return parse_invalid(p, model, "accel3d='yes' needs type='virtio'");
	if (attrs_is(a, "driver@name", "vhostuser") && !virtio)
		return parse_invalid(
		    p, xml_child(node, "driver"), "name='vhostuser' needs type='virtio'");
	if (str_eq(type, "ramfb") && attrs_has(a, "address"))
		return parse_invalid(p, xml_child(node, "address"), "type='ramfb' sits on no bus");
	if (attrs_number(a, "model@heads", 1) > 1 && type != NULL && !virtio &&
	    strcmp(type, "qxl") != 0)
		parse_warn(p, model, "heads has no effect with type='%s'", type);
	return 0;
}

static bool only_secondary(const char *type)
{
	static const char *const words[] = {"qxl", "virtio", "vga", "bochs", "none", NULL};
	for (size_t i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], type) == 0)
			return true;
	return false;
}

/* The one that is there before the guest has drivers: the one that says so, or the first. */
const struct domain_dev *domain_primary_video(const struct domain *d)
{
	const struct domain_dev *first = NULL;
	for (size_t i = 0; i < d->n_devs; i++) {
		const struct domain_dev *dev = &d->devs[i];
		if (dev->kind != DEV_VIDEO)
			continue;
		if (attrs_on(&dev->attrs, "model@primary"))
			return dev;
		if (first == NULL)
			first = dev;
	}
	return first;
}

int video_check_all(struct parse *p)
{
	const struct domain_dev *primary = domain_primary_video(p->d);
	unsigned n = 0;
	for (size_t i = 0; i < p->d->n_devs; i++)
		n += p->d->devs[i].kind == DEV_VIDEO;
	for (size_t i = 0; n > 1 && i < p->d->n_devs; i++) {
		const struct domain_dev *dev = &p->d->devs[i];
		const char *type = attrs_get(&dev->attrs, "model@type");
		if (dev->kind != DEV_VIDEO || type == NULL)
			continue;
		if (strcmp(type, "none") == 0)
			return invalid_at(p, "video", dev->line,
			    "type='none' stands alone, and there are others");
		if (dev != primary && attrs_on(&dev->attrs, "model@primary"))
			return invalid_at(p, "video", dev->line,
			    "primary='yes' is there twice (line %u)", primary->line);
		if (dev != primary && !only_secondary(type))
			return invalid_at(
			    p, "video", dev->line, "type='%s' can be the first one only", type);
	}
	return 0;
}

enum seat video_seat(const struct domain *d, const struct domain_dev *dev)
{
	const char *type = attrs_get(&dev->attrs, "model@type");
	(void)d;
	if (str_eq(type, "none") || str_eq(type, "ramfb"))
		return SEAT_NONE;
	return str_eq(type, "virtio") || str_eq(type, "bochs") ? SEAT_PCIE : SEAT_PCI;
}

/* --- input --- */
const char *domain_input_bus(const struct domain_dev *dev)
{
	const char *bus = attrs_get(&dev->attrs, "@bus");
	const char *type = attrs_get(&dev->attrs, "@type");
	if (bus != NULL)
		return bus;
	if (str_eq(type, "passthrough"))
		return "virtio";
	return str_eq(type, "tablet") ? "usb" : "ps2";
}

int input_check(struct parse *p, const xmlNode *node, const struct domain_dev *dev)
{
	const struct domain_attrs *a = &dev->attrs;
	const char *type = attrs_get(a, "@type"), *bus = domain_input_bus(dev);
	bool virtio = strcmp(bus, "virtio") == 0;
	if (str_eq(type, "evdev"))
		return attrs_has(a, "source@dev")
		           ? parse_path_check(p, node, attrs_get(a, "source@dev"))
		           : parse_invalid(p, node, "type='evdev' has no <source dev=…>");
	if (str_eq(type, "tablet") && strcmp(bus, "ps2") == 0)
		return parse_invalid(p, node, "there is no PS/2 tablet");
	if (!str_eq(type, "passthrough")) {
		const char *model = attrs_get(a, "@model");
		if (model != NULL && !virtio)
			return parse_invalid(p, node, "model is for bus='virtio'");
		if (model != NULL && strcmp(model, "virtio") != 0)
			return parse_invalid(
			    p, node, "model='%s': QEMU has it for type='passthrough' only", model);
		return 0;
	}
	if (!virtio)
		return parse_invalid(p, node, "type='passthrough' needs bus='virtio'");
	return attrs_has(a, "source@evdev")
	           ? 0
	           : parse_invalid(p, node, "type='passthrough' has no <source evdev=…>");
}

enum seat input_seat(const struct domain *d, const struct domain_dev *dev)
{
	const char *bus = domain_input_bus(dev);
	(void)d;
	if (attrs_is(&dev->attrs, "@type", "evdev"))
		return SEAT_NONE;
	if (strcmp(bus, "virtio") == 0)
		return seat_of_virtio(attrs_get(&dev->attrs, "@model"));
	return strcmp(bus, "usb") == 0 ? SEAT_USB : SEAT_NONE;
}
