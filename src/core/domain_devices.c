/* The devices other than disks into struct domain. */
#include "core/domain_impl.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/units.h"

#define SERIAL_PORTS_MAX 4 /* a PC's COM1 to COM4 */
#define VIDEO_KIB_MAX (1u << 20)

static unsigned line_of(const xmlNode *node)
{
	return (unsigned)xmlGetLineNo((xmlNode *)node);
}

static char *printable_attr(const xmlNode *node, const char *attr)
{
	CLEANUP_FREE char *value = xml_attr(node, attr);
	return value != NULL ? str_printable(value, strlen(value), 40) : xstrdup("");
}

/* --- <interface> --- */
static int parse_mac(struct parse *p, const xmlNode *node, char **out)
{
	CLEANUP_FREE char *mac = xml_child_attr(node, "mac", "address");
	if (mac == NULL)
		return 0;
	bool good = strlen(mac) == 17;
	for (size_t i = 0; good && i < 17; i++) {
		if (mac[i] >= 'A' && mac[i] <= 'F')
			mac[i] = (char)(mac[i] | 0x20);
		good = i % 3 == 2 ? mac[i] == ':' : strchr("0123456789abcdef", mac[i]) != NULL;
	}
	if (!good) {
		CLEANUP_FREE char *s = str_printable(mac, strlen(mac), 40);
		return parse_invalid(p, node, "'%s' is not a MAC address", s);
	}
	if (strchr("13579bdf", mac[1]) != NULL)
		return parse_invalid(p, node, "'%s' is a multicast address", mac);
	*out = TAKE_PTR(mac);
	return 0;
}

static int parse_interface(struct parse *p, const xmlNode *node, struct domain_net *net)
{
	CLEANUP_FREE char *type = printable_attr(node, "type");
	if (strcmp(type, "user") != 0)
		return parse_refuse(p, node, "type='%s': only 'user' is supported", type);
	CLEANUP_FREE char *link = xml_child_attr(node, "link", "state");
	if (link != NULL && strcmp(link, "up") != 0 &&
	    parse_refuse(p, xml_child(node, "link"), "only state='up' is supported") < 0)
		return -1;
	const xmlNode *boot = xml_child(node, "boot");
	net->model = xml_child_attr(node, "model", "type");
	if (net->model != NULL &&
	    (net->model[0] == '\0' ||
	        net->model[strspn(net->model, "abcdefghijklmnopqrstuvwxyz0123456789_-")] != '\0'))
		return parse_invalid(p, xml_child(node, "model"), "not the name of a model");
	if (parse_mac(p, node, &net->mac) < 0 ||
	    parse_number(p, boot, "order", 1000, &net->boot_order) < 0 ||
	    parse_pci(p, node, &net->address) < 0)
		return -1;
	if (boot != NULL && net->boot_order == 0)
		return parse_invalid(p, boot, "order must be 1 or more");
	return 0;
}

static int interface_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	struct domain_net *net = DOMAIN_ADD(p->d->nets, p->d->n_nets);
	net->line = line_of(node);
	net->element = element;
	return parse_interface(p, node, net);
}

/* --- <controller> --- */
static const struct controller_model {
	enum controller_type type;
	const char *model; /* "" none given */
} controller_models[] = {
    {CONTROLLER_PCI, "pci-root"},
    {CONTROLLER_PCI, "pcie-root"},
    {CONTROLLER_PCI, "pcie-root-port"},
    {CONTROLLER_PCI, "pcie-to-pci-bridge"},
    {CONTROLLER_PCI, "pci-bridge"},
    {CONTROLLER_USB, "none"},
    {CONTROLLER_USB, ""},
    {CONTROLLER_USB, "piix3-uhci"},
    {CONTROLLER_USB, "piix4-uhci"},
    {CONTROLLER_USB, "qemu-xhci"},
    {CONTROLLER_USB, "nec-xhci"},
    {CONTROLLER_USB, "ich9-ehci1"},
    {CONTROLLER_USB, "ich9-uhci1"},
    {CONTROLLER_USB, "ich9-uhci2"},
    {CONTROLLER_USB, "ich9-uhci3"},
    {CONTROLLER_IDE, ""},
    {CONTROLLER_IDE, "piix3"},
    {CONTROLLER_IDE, "piix4"},
    {CONTROLLER_SATA, ""},
    {CONTROLLER_SATA, "ich6"},
    {CONTROLLER_VIRTIO_SERIAL, ""},
    {CONTROLLER_VIRTIO_SERIAL, "virtio"},
};

static int controller_kind(struct parse *p, const xmlNode *node, struct domain_controller *c)
{
	static const char *const types[] = {"pci", "usb", "ide", "sata", "virtio-serial", NULL};
	CLEANUP_FREE char *type = printable_attr(node, "type");
	CLEANUP_FREE char *model = printable_attr(node, "model");
	int t = 0;
	while (types[t] != NULL && strcmp(types[t], type) != 0)
		t++;
	if (types[t] == NULL)
		return parse_refuse(p, node, "type='%s' is not supported", type);
	for (size_t i = 0; i < ARRAY_LEN(controller_models); i++) {
		if (controller_models[i].type != (enum controller_type)t ||
		    strcmp(controller_models[i].model, model) != 0)
			continue;
		c->type = (enum controller_type)t;
		c->model = model[0] != '\0' ? TAKE_PTR(model) : NULL;
		return 0;
	}
	return parse_refuse(p, node, "type='%s' model='%s' is not supported", type, model);
}

static int parse_controller(struct parse *p, const xmlNode *node, struct domain_controller *c)
{
	int rc = controller_kind(p, node, c);
	if (rc != 0)
		return rc;
	const xmlNode *target = xml_child(node, "target");
	const xmlNode *master = xml_child(node, "master");
	bool numbered = c->type == CONTROLLER_PCI && c->model != NULL &&
	                strstr(c->model, "-root") != NULL && !strstr(c->model, "port");
	if (parse_number(p, node, "index", 255, &c->index) < 0 ||
	    parse_number(p, node, "ports", 255, &c->ports) < 0 ||
	    parse_number(p, target, "chassis", 255, &c->chassis) < 0 ||
	    parse_number(p, target, "chassisNr", 255, &c->chassis) < 0 ||
	    parse_number(p, target, "port", 255, &c->port) < 0 ||
	    parse_number(p, master, "startport", 15, &c->start_port) < 0 ||
	    parse_pci(p, node, &c->address) < 0)
		return -1;
	c->with_target = target != NULL;
	c->has_master = master != NULL;
	if (numbered && c->index != 0)
		return parse_invalid(p, node, "model='%s' has index 0", c->model);
	if (c->type == CONTROLLER_PCI && !numbered && c->index == 0)
		return parse_invalid(p, node, "model='%s' has an index of 1 or more", c->model);
	/* USB: several with one index are an EHCI with its companions. */
	if (c->type != CONTROLLER_PCI && c->type != CONTROLLER_USB && c->index != 0)
		return parse_refuse(p, node, "index='%u': only one is supported", c->index);
	return 0;
}

static int controller_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	struct domain_controller *c = DOMAIN_ADD(p->d->controllers, p->d->n_controllers);
	c->line = line_of(node);
	c->element = element;
	return parse_controller(p, node, c);
}

/* --- <serial>, <console>, <channel> --- */
static int parse_chr(struct parse *p, const xmlNode *node, struct domain_chr *chr)
{
	CLEANUP_FREE char *type = printable_attr(node, "type");
	const xmlNode *target = xml_child(node, "target");
	const xmlNode *log = xml_child(node, "log");
	enum domain_switch append = SWITCH_ABSENT;
	if (strcmp(type, "pty") != 0)
		return parse_refuse(p, node,
		    "type='%s': only 'pty' is supported (its console is recorded and can be attached)",
		    type);
	chr->log_file = xml_attr(log, "file");
	if (parse_path_check(p, log, chr->log_file) < 0 ||
	    parse_switch(p, log, "append", &append) < 0 ||
	    parse_number(p, target, "port", 255, &chr->port) < 0)
		return -1;
	chr->log_append = append == SWITCH_ON;
	return 0;
}

static struct domain_chr *add_chr(struct parse *p, const xmlNode *node, unsigned element)
{
	struct domain_chr *chr = DOMAIN_ADD(p->d->consoles, p->d->n_consoles);
	chr->line = line_of(node);
	chr->element = element;
	return chr;
}

static int serial_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	const xmlNode *target = xml_child(node, "target");
	CLEANUP_FREE char *type = xml_attr(target, "type");
	CLEANUP_FREE char *port = xml_attr(target, "port");
	if (type != NULL && strcmp(type, "isa-serial") != 0)
		return parse_refuse(p, target, "only type='isa-serial' is supported");
	unsigned next = 0;
	for (size_t i = 0; i < p->d->n_consoles; i++)
		next += p->d->consoles[i].target == CHR_ISA_SERIAL;
	struct domain_chr *chr = add_chr(p, node, element);
	int rc = parse_chr(p, node, chr);
	if (rc != 0)
		return rc;
	if (port == NULL)
		chr->port = next;
	if (chr->port >= SERIAL_PORTS_MAX)
		return parse_invalid(p, target != NULL ? target : node,
		    "port='%u': a PC has serial ports 0 to %d", chr->port, SERIAL_PORTS_MAX - 1);
	return 0;
}

static int console_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	const xmlNode *target = xml_child(node, "target");
	CLEANUP_FREE char *type = xml_attr(target, "type");
	if (type == NULL || strcmp(type, "serial") == 0) {
		/* The other name of serial 0; alone it makes one. */
		for (size_t i = 0; i < p->d->n_consoles; i++)
			if (p->d->consoles[i].target == CHR_ISA_SERIAL)
				return 0;
		struct domain_chr *chr = add_chr(p, node, element);
		int rc = parse_chr(p, node, chr);
		chr->port = 0;
		return rc;
	}
	if (strcmp(type, "virtio") != 0)
		return parse_refuse(
		    p, target, "only the targets 'serial' and 'virtio' are supported");
	struct domain_chr *chr = add_chr(p, node, element);
	chr->target = CHR_VIRTIO_CONSOLE;
	return parse_chr(p, node, chr);
}

static int channel_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	CLEANUP_FREE char *type = printable_attr(node, "type");
	CLEANUP_FREE char *target = xml_child_attr(node, "target", "type");
	struct domain_channel *c = DOMAIN_ADD(p->d->channels, p->d->n_channels);
	c->line = line_of(node);
	c->element = element;
	c->name = xml_child_attr(node, "target", "name");
	if (strcmp(type, "unix") != 0 || !str_eq(target, "virtio"))
		return parse_refuse(p, node, "only type='unix' with a virtio target is supported");
	if (c->name == NULL || c->name[0] == '\0' || strlen(c->name) > 32 ||
	    strspn(c->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") !=
	        strlen(c->name) ||
	    c->name[0] == '.')
		return parse_invalid(p, node, "has no usable <target name=…>");
	return 0;
}

/* --- <graphics>, <video>, <input> --- */
static int graphics_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	CLEANUP_FREE char *type = printable_attr(node, "type");
	const xmlNode *listen = xml_child(node, "listen");
	CLEANUP_FREE char *listen_type = xml_attr(listen, "type");
	if (strcmp(type, "vnc") != 0)
		return parse_refuse(p, node, "type='%s': only 'vnc' is supported", type);
	if (p->d->n_graphics > 0)
		return parse_refuse(p, node, "only one is supported");
	struct domain_graphics *g = DOMAIN_ADD(p->d->graphics, p->d->n_graphics);
	g->line = line_of(node);
	g->element = element;
	g->socket = xml_attr(node, "socket");
	if (g->socket == NULL && str_eq(listen_type, "socket"))
		g->socket = xml_attr(listen, "socket");
	else if (g->socket == NULL)
		parse_warn(p, node,
		    "VNC is served on the socket vnc.sock in the run directory, on no port");
	return parse_path_check(p, node, g->socket);
}

static int video_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	const xmlNode *model = xml_child(node, "model");
	struct domain_video *v = &p->d->video;
	enum domain_switch accel3d = SWITCH_ABSENT;
	unsigned heads = 1;
	if (v->model != NULL)
		return parse_refuse(p, node, "only one is supported");
	v->line = line_of(node);
	v->element = element;
	v->model = xml_attr(model, "type");
	if (v->model == NULL)
		v->model = xstrdup("vga");
	static const char *const models[] = {
	    "vga", "cirrus", "virtio", "qxl", "bochs", "vmvga", "none", NULL};
	for (size_t i = 0;; i++) {
		if (models[i] == NULL) {
			CLEANUP_FREE char *s = str_printable(v->model, strlen(v->model), 40);
			int rc = parse_refuse(p, model, "type='%s' is not supported", s);
			free(v->model);
			*v = (struct domain_video){0};
			return rc;
		}
		if (strcmp(models[i], v->model) == 0)
			break;
	}
	if (parse_number(p, model, "ram", VIDEO_KIB_MAX, &v->ram) < 0 ||
	    parse_number(p, model, "vram", VIDEO_KIB_MAX, &v->vram) < 0 ||
	    parse_number(p, model, "vgamem", VIDEO_KIB_MAX, &v->vgamem) < 0 ||
	    parse_number(p, model, "heads", 16, &heads) < 0 ||
	    parse_switch(p, xml_child(model, "acceleration"), "accel3d", &accel3d) < 0 ||
	    parse_pci(p, node, &v->address) < 0)
		return -1;
	if (heads > 1 && parse_refuse(p, model, "heads='%u': only one is supported", heads) < 0)
		return -1;
	if (accel3d == SWITCH_ON && parse_refuse(p, model, "accel3d='yes' is not supported") < 0)
		return -1;
	return 0;
}

static int input_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	static const char *const types[] = {"mouse", "keyboard", "tablet", NULL};
	static const char *const buses[] = {"ps2", "usb", "virtio", NULL};
	CLEANUP_FREE char *type = printable_attr(node, "type");
	CLEANUP_FREE char *bus = xml_attr(node, "bus");
	int t = 0, b = 0;
	while (types[t] != NULL && strcmp(types[t], type) != 0)
		t++;
	if (types[t] == NULL)
		return parse_refuse(p, node, "type='%s' is not supported", type);
	if (bus == NULL)
		b = t == INPUT_TABLET ? INPUT_USB : INPUT_PS2;
	for (; bus != NULL && strcmp(buses[b], bus) != 0; b++)
		if (buses[b + 1] == NULL)
			return parse_refuse(
			    p, node, "only the buses 'ps2', 'usb' and 'virtio' are supported");
	if (t == INPUT_TABLET && b == INPUT_PS2)
		return parse_invalid(p, node, "there is no PS/2 tablet");
	struct domain_input *in = DOMAIN_ADD(p->d->inputs, p->d->n_inputs);
	*in = (struct domain_input){.type = (enum input_type)t,
	    .bus = (enum input_bus)b,
	    .line = line_of(node),
	    .element = element};
	return parse_pci(p, node, &in->address);
}

/* --- one of each --- */
static int memballoon_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	struct domain *d = p->d;
	CLEANUP_FREE char *model = printable_attr(node, "model");
	if (d->balloon_given)
		return parse_invalid(p, node, "there is another one");
	d->balloon_given = true;
	d->balloon_element = element;
	d->balloon = strcmp(model, "none") != 0;
	if (d->balloon && strcmp(model, "virtio") != 0) {
		d->balloon = false;
		return parse_refuse(
		    p, node, "model='%s': only 'virtio' and 'none' are supported", model);
	}
	if (parse_number(p, xml_child(node, "stats"), "period", 86400, &d->balloon_stats_period) <
	    0)
		return -1;
	return parse_pci(p, node, &d->balloon_address);
}

static int rng_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	struct domain *d = p->d;
	CLEANUP_FREE char *model = printable_attr(node, "model");
	const xmlNode *backend = xml_child(node, "backend");
	const xmlNode *rate = xml_child(node, "rate");
	CLEANUP_FREE char *kind = printable_attr(backend, "model");
	CLEANUP_FREE char *bytes = xml_attr(rate, "bytes");
	if (d->rng != NULL)
		return parse_refuse(p, node, "only one is supported");
	if (strcmp(model, "virtio") != 0 || strcmp(kind, "random") != 0)
		return parse_refuse(
		    p, node, "only model='virtio' with the backend 'random' is supported");
	CLEANUP_FREE char *text = xml_text(backend);
	text[strcspn(text, " \t\r\n")] = '\0';
	d->rng = xstrdup(text[0] != '\0' ? text : "/dev/urandom");
	d->rng_element = element;
	d->rng_period = rate != NULL ? 1000 : 0;
	if (bytes != NULL && (str_u64(bytes, UINT32_MAX, &d->rng_bytes) < 0 || d->rng_bytes == 0))
		return parse_invalid(p, rate, "bytes is not a number from 1 to %u", UINT32_MAX);
	if (rate != NULL && bytes == NULL)
		return parse_invalid(p, rate, "has no bytes");
	if (parse_path_check(p, backend, d->rng) < 0 ||
	    parse_number(p, rate, "period", 86400000, &d->rng_period) < 0)
		return -1;
	if (rate != NULL && d->rng_period == 0)
		return parse_invalid(p, rate, "period is in milliseconds, from 1");
	return parse_pci(p, node, &d->rng_address);
}

static int panic_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	struct domain *d = p->d;
	CLEANUP_FREE char *model = printable_attr(node, "model");
	if (model[0] != '\0' && strcmp(model, "isa") != 0 && strcmp(model, "pvpanic") != 0)
		return parse_refuse(
		    p, node, "model='%s': only 'isa' and 'pvpanic' are supported", model);
	if (d->panic_model != NULL)
		return parse_refuse(p, node, "only one is supported");
	d->panic_element = element;
	d->panic_model = xstrdup(model[0] != '\0' ? model : "isa");
	return parse_pci(p, node, &d->panic_address);
}

static int watchdog_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	static const char *const actions[] = {
	    "reset", "shutdown", "poweroff", "pause", "none", "inject-nmi", NULL};
	struct domain *d = p->d;
	CLEANUP_FREE char *model = printable_attr(node, "model");
	int action;
	if (strcmp(model, "itco") != 0 && strcmp(model, "i6300esb") != 0)
		return parse_refuse(
		    p, node, "model='%s': only 'itco' and 'i6300esb' are supported", model);
	if (d->watchdog_model != NULL)
		return parse_refuse(p, node, "only one is supported");
	if (parse_attr_word(p, node, "action", actions, 0, &action) < 0)
		return -1;
	d->watchdog_element = element;
	d->watchdog_model = TAKE_PTR(model);
	d->watchdog_action = xstrdup(actions[action]);
	return parse_pci(p, node, &d->watchdog_address);
}

static int emulator_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	(void)element;
	if (p->d->emulator != NULL)
		return parse_invalid(p, node, "there is another one");
	p->d->emulator = xml_text(node);
	return parse_path_check(p, node, p->d->emulator);
}

/* --- all --- */
static const struct device_kind {
	const char *name;
	int (*parse)(struct parse *p, const xmlNode *node, unsigned element);
} kinds[] = {
    {"emulator", emulator_parse},
    {"disk", disk_parse},
    {"interface", interface_parse},
    {"controller", controller_parse},
    {"serial", serial_parse},
    {"channel", channel_parse},
    {"graphics", graphics_parse},
    {"video", video_parse},
    {"input", input_parse},
    {"memballoon", memballoon_parse},
    {"rng", rng_parse},
    {"panic", panic_parse},
    {"watchdog", watchdog_parse},
};

/* Consoles come last: the first may be the other name of a serial port. */
static int parse_consoles(struct parse *p, const xmlNode *devices)
{
	unsigned element = 0;
	for (const xmlNode *n = xml_first(devices); n != NULL; n = xml_next(n)) {
		element++;
		if (!xml_is(n, "console"))
			continue;
		int rc = console_parse(p, n, element);
		if (rc < 0)
			return -1;
		if (rc == PARSE_SKIP)
			domain_drop_element(p->d, element);
	}
	return 0;
}

int devices_parse(struct parse *p, const xmlNode *devices)
{
	unsigned element = 0;
	for (const xmlNode *n = xml_first(devices); n != NULL; n = xml_next(n)) {
		if (++element > DOMAIN_DEVICES_MAX)
			return parse_invalid(p, n, "more than %u devices", DOMAIN_DEVICES_MAX);
		for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
			if (!xml_is(n, kinds[i].name))
				continue;
			int rc = kinds[i].parse(p, n, element);
			if (rc < 0)
				return -1;
			if (rc == PARSE_SKIP)
				domain_drop_element(p->d, element);
		}
	}
	return parse_consoles(p, devices);
}
