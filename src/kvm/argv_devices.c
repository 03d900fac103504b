/* Devices other than disks, in libvirt's order: controllers first, because others sit on them. */
#include "kvm/argv_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "core/mem.h"
#include "core/str.h"

static int take_device(struct builder *b, const char *element, unsigned line, struct buf *value)
{
	CLEANUP_FREE char *device = xstrndup(value->data, strcspn(value->data, ","));
	int rc = build_need(b, element, line, device);
	if (rc == 0)
		build_take(b, "-device", value);
	else
		buf_fini(value);
	return rc;
}

/* --- controllers --- */
static void pci_controller(struct builder *b, const struct domain_controller *c, struct buf *value)
{
	(void)b;
	/* Chassis numbers must differ; libvirt's own documents number them by index. */
	unsigned chassis = c->chassis > 0 ? c->chassis : c->index;
	if (strcmp(c->model, "pcie-root-port") == 0) {
		buf_addf(value, "pcie-root-port,id=pci.%u,chassis=%u", c->index, chassis);
		if (c->with_target)
			buf_addf(value, ",port=0x%x", c->port);
	} else if (strcmp(c->model, "pcie-to-pci-bridge") == 0) {
		buf_addf(value, "pcie-pci-bridge,id=pci.%u", c->index);
	} else {
		buf_addf(value, "pci-bridge,id=pci.%u,chassis_nr=%u", c->index, chassis);
	}
}

static int usb_controller(struct builder *b, const struct domain_controller *c, struct buf *value)
{
	static const char *const names[][2] = {
	    {"piix3-uhci", "piix3-usb-uhci"},
	    {"piix4-uhci", "piix4-usb-uhci"},
	    {"qemu-xhci", "qemu-xhci"},
	    {"nec-xhci", "nec-usb-xhci"},
	    {"ich9-ehci1", "ich9-usb-ehci1"},
	    {"ich9-uhci1", "ich9-usb-uhci1"},
	    {"ich9-uhci2", "ich9-usb-uhci2"},
	    {"ich9-uhci3", "ich9-usb-uhci3"},
	};
	const char *model = c->model;
	if (model == NULL)
		model = domain_is_q35(b->d) ? "qemu-xhci" : "piix3-uhci";
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i][0], model) == 0)
			buf_adds(value, names[i][1]);
	bool xhci = strstr(model, "xhci") != NULL;
	if (xhci && c->ports > 0)
		buf_addf(value, ",p2=%u,p3=%u", c->ports, c->ports);
	else if (c->ports > 0)
		return build_unsupported(b, "controller", c->line, "ports is for xhci only");
	char id[16] = "usb";
	if (c->index > 0)
		snprintf(id, sizeof id, "usb%u", c->index);
	if (c->has_master)
		buf_addf(value, ",masterbus=%s.0,firstport=%u", id, c->start_port);
	else
		buf_addf(value, ",id=%s", id);
	return 0;
}

static int build_controller(struct builder *b, const struct domain_controller *c)
{
	CLEANUP_BUF struct buf value = BUF_INIT;
	bool q35 = domain_is_q35(b->d);
	switch (c->type) {
	case CONTROLLER_PCI:
		if (c->index == 0)
			return 0;
		if (!q35 && strcmp(c->model, "pci-bridge") != 0)
			return build_unsupported(
			    b, "controller", c->line, "model '%s' needs machine 'q35'", c->model);
		pci_controller(b, c, &value);
		break;
	case CONTROLLER_USB:
		if (str_eq(c->model, "none"))
			return 0;
		if (usb_controller(b, c, &value) < 0)
			return -1;
		break;
	case CONTROLLER_IDE:
		return q35 ? build_unsupported(
		                 b, "controller", c->line, "machine 'q35' has no IDE controller")
		           : 0;
	case CONTROLLER_SATA:
		if (q35)
			return 0;
		buf_adds(&value, "ich9-ahci,id=sata0");
		break;
	case CONTROLLER_VIRTIO_SERIAL:
		buf_adds(&value, "virtio-serial-pci,id=virtio-serial0");
		if (c->ports > 0)
			buf_addf(&value, ",max_ports=%u", c->ports);
		break;
	}
	build_pci(b, &value, &c->address);
	return take_device(b, "controller", c->line, &value);
}

static const struct domain_controller *usb_master(
    const struct domain *d, const struct domain_controller *c)
{
	for (size_t i = 0; i < d->n_controllers; i++) {
		const struct domain_controller *m = &d->controllers[i];
		if (m->type == CONTROLLER_USB && m->index == c->index && !m->has_master)
			return m;
	}
	return NULL;
}

/* Buses before what sits on them, USB masters before their companions. */
static int build_controllers(struct builder *b)
{
	const struct domain *d = b->d;
	for (int pass = 0; pass < 4; pass++)
		for (size_t i = 0; i < d->n_controllers; i++) {
			const struct domain_controller *c = &d->controllers[i];
			int when =
			    c->type == CONTROLLER_PCI ? c->address.bus != 0 : 2 + c->has_master;
			if (when != pass)
				continue;
			if (c->has_master && usb_master(d, c) == NULL)
				return build_unsupported(b, "controller", c->line,
				    "<master>, but no controller with index %u to be its master",
				    c->index);
			if (build_controller(b, c) < 0)
				return -1;
		}
	return 0;
}

/* Controllers that the devices need and the document does not name; domain_complete names them,
 * and then they have addresses. */
static int build_implied(struct builder *b)
{
	const struct domain *d = b->d;
	struct domain_controller need = {.index = 0};
	bool sata = false, serial = d->n_channels > 0, usb = false, has_usb = false;
	for (size_t i = 0; i < d->n_disks; i++)
		sata = sata || d->disks[i].bus == DISK_SATA;
	for (size_t i = 0; i < d->n_consoles; i++)
		serial = serial || d->consoles[i].target == CHR_VIRTIO_CONSOLE;
	for (size_t i = 0; i < d->n_inputs; i++)
		usb = usb || d->inputs[i].bus == INPUT_USB;
	for (size_t i = 0; i < d->n_controllers; i++)
		has_usb = has_usb || d->controllers[i].type == CONTROLLER_USB;
	need.type = CONTROLLER_SATA;
	if (sata && domain_controller(d, need.type, 0) == NULL && build_controller(b, &need) < 0)
		return -1;
	need.type = CONTROLLER_VIRTIO_SERIAL;
	if (serial && domain_controller(d, need.type, 0) == NULL && build_controller(b, &need) < 0)
		return -1;
	need.type = CONTROLLER_USB;
	return usb && !has_usb ? build_controller(b, &need) : 0;
}

/* --- network --- */
static const char *net_device(struct builder *b, const struct domain_net *net)
{
	static const char *const names[][2] = {
	    {"virtio", "virtio-net-pci"},
	    {"virtio-transitional", "virtio-net-pci-transitional"},
	    {"virtio-non-transitional", "virtio-net-pci-non-transitional"},
	    {"e1000", "e1000"},
	    {"e1000-82544gc", "e1000-82544gc"},
	    {"e1000-82545em", "e1000-82545em"},
	    {"e1000e", "e1000e"},
	    {"igb", "igb"},
	    {"rtl8139", "rtl8139"},
	    {"pcnet", "pcnet"},
	    {"ne2k_pci", "ne2k_pci"},
	    {"vmxnet3", "vmxnet3"},
	    {"i82551", "i82551"},
	    {"i82557b", "i82557b"},
	    {"i82559er", "i82559er"},
	};
	/* libvirt's default where the document names none. */
	if (net->model == NULL)
		return caps_has_device(b->c, "rtl8139") ? "rtl8139" : "virtio-net-pci";
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i][0], net->model) == 0)
			return names[i][1];
	return NULL;
}

static int build_nets(struct builder *b)
{
	for (size_t i = 0; i < b->d->n_nets; i++) {
		const struct domain_net *net = &b->d->nets[i];
		const char *device = net_device(b, net);
		unsigned bootindex = build_net_bootindex(b->d, i);
		struct buf value = BUF_INIT;
		if (device == NULL)
			return build_unsupported(b, "interface", net->line,
			    "model '%s' is not supported; virtio, e1000e, e1000 and rtl8139 are",
			    net->model);
		build_addf(b, "-netdev", "user,id=hostnet%zu", i);
		buf_addf(&value, "%s,netdev=hostnet%zu,id=net%zu", device, i, i);
		if (net->mac != NULL)
			buf_addf(&value, ",mac=%s", net->mac);
		build_pci(b, &value, &net->address);
		if (bootindex > 0)
			buf_addf(&value, ",bootindex=%u", bootindex);
		if (take_device(b, "interface", net->line, &value) < 0)
			return -1;
	}
	return 0;
}

/* --- serial ports, consoles, channels --- */
static int build_console(struct builder *b, unsigned i)
{
	const struct domain_chr *chr = &b->d->consoles[i];
	bool serial = chr->target == CHR_ISA_SERIAL;
	char file[32], id[32], chardev[40];
	struct buf value = BUF_INIT;
	snprintf(file, sizeof file, "serial%u.sock", i);
	snprintf(id, sizeof id, "%s%u", serial ? "serial" : "console", serial ? chr->port : i);
	snprintf(chardev, sizeof chardev, "char%s", id);
	build_chardev(b, &value, chardev, ARGV_SOCKET_CONSOLE, i, file);
	if (chr->log_file != NULL) {
		build_key(&value, "logfile", chr->log_file);
		buf_addf(&value, ",logappend=%s", chr->log_append ? "on" : "off");
	}
	build_take(b, "-chardev", &value);
	b->out->n_consoles++;
	if (serial)
		buf_addf(&value, "isa-serial,chardev=%s,id=%s,index=%u", chardev, id, chr->port);
	else
		buf_addf(&value, "virtconsole,chardev=%s,id=%s", chardev, id);
	return take_device(b, serial ? "serial" : "console", chr->line, &value);
}

static int build_channel(struct builder *b, unsigned i)
{
	const struct domain_channel *c = &b->d->channels[i];
	char file[64], id[32];
	struct buf value = BUF_INIT;
	snprintf(id, sizeof id, "charchannel%u", i);
	snprintf(file, sizeof file, "%s.sock", c->name);
	build_chardev(b, &value, id, ARGV_SOCKET_CHANNEL, i, file);
	build_take(b, "-chardev", &value);
	buf_addf(&value, "virtserialport,chardev=%s,id=channel%u,name=%s", id, i, c->name);
	return take_device(b, "channel", c->line, &value);
}

static int build_chrs(struct builder *b)
{
	for (unsigned i = 0; i < b->d->n_consoles; i++)
		if (build_console(b, i) < 0)
			return -1;
	for (unsigned i = 0; i < b->d->n_channels; i++)
		if (build_channel(b, i) < 0)
			return -1;
	return 0;
}

/* --- display and input --- */
static int build_graphics(struct builder *b)
{
	const struct domain *d = b->d;
	struct buf value = BUF_INIT;
	if (d->n_graphics == 0)
		return 0;
	CLEANUP_FREE char *path = xstrdup0(d->graphics[0].socket);
	if (path == NULL && b->in->run_dir_fd > 0)
		path = xasprintf("/proc/self/fd/%d/vnc.sock", b->in->run_dir_fd);
	else if (path == NULL)
		path = xasprintf("%s/vnc.sock", b->in->run_dir);
	if (strlen(path) >= sizeof((struct sockaddr_un *)0)->sun_path)
		return build_unsupported(b, "graphics", d->graphics[0].line,
		    "the socket's path '%s' has %zu bytes, at most 107", path, strlen(path));
	CLEANUP_FREE char *display = xasprintf("unix:%s", path);
	build_key(&value, "vnc", display);
	buf_consume(&value, 1);
	build_take(b, "-vnc", &value);
	return 0;
}

static int build_video(struct builder *b)
{
	static const char *const names[][2] = {
	    {"vga", "VGA"},
	    {"cirrus", "cirrus-vga"},
	    {"virtio", "virtio-vga"},
	    {"qxl", "qxl-vga"},
	    {"bochs", "bochs-display"},
	    {"vmvga", "vmware-svga"},
	};
	const struct domain_video *v = &b->d->video;
	struct buf value = BUF_INIT;
	build_addf(b, "-vga", "none");
	for (size_t i = 0; v->model != NULL && i < ARRAY_LEN(names); i++)
		if (strcmp(names[i][0], v->model) == 0)
			buf_addf(&value, "%s,id=video0", names[i][1]);
	if (value.len == 0)
		return 0; /* none */
	unsigned vgamem = strcmp(v->model, "qxl") == 0 ? v->vgamem : v->vram;
	if (strcmp(v->model, "qxl") == 0 && v->ram > 0)
		buf_addf(&value, ",ram_size=%llu", (unsigned long long)v->ram * 1024);
	if (strcmp(v->model, "qxl") == 0 && v->vram > 0)
		buf_addf(&value, ",vram_size=%llu", (unsigned long long)v->vram * 1024);
	if (vgamem >= 1024 && (strcmp(v->model, "qxl") == 0 || strcmp(v->model, "vga") == 0 ||
	                          strcmp(v->model, "vmvga") == 0))
		buf_addf(&value, ",vgamem_mb=%u", vgamem / 1024);
	build_pci(b, &value, &v->address);
	return take_device(b, "video", v->line, &value);
}

static int build_inputs(struct builder *b)
{
	static const char *const names[] = {
	    [INPUT_MOUSE] = "mouse", [INPUT_KEYBOARD] = "keyboard", [INPUT_TABLET] = "tablet"};
	for (size_t i = 0; i < b->d->n_inputs; i++) {
		const struct domain_input *in = &b->d->inputs[i];
		struct buf value = BUF_INIT;
		if (in->bus == INPUT_PS2)
			continue; /* every PC has them */
		if (in->bus == INPUT_VIRTIO)
			buf_addf(&value, "virtio-%s-pci", names[in->type]);
		else
			buf_addf(
			    &value, "usb-%s", in->type == INPUT_KEYBOARD ? "kbd" : names[in->type]);
		buf_addf(&value, ",id=input%zu%s", i, in->bus == INPUT_USB ? ",bus=usb.0" : "");
		if (in->bus == INPUT_VIRTIO)
			build_pci(b, &value, &in->address);
		if (take_device(b, "input", in->line, &value) < 0)
			return -1;
	}
	return 0;
}

/* --- one of each --- */
static int build_balloon(struct builder *b)
{
	struct buf value = BUF_INIT;
	if (!b->d->balloon)
		return 0;
	buf_adds(&value, "virtio-balloon-pci,id=balloon0");
	build_pci(b, &value, &b->d->balloon_address);
	return take_device(b, "memballoon", 0, &value);
}

static int build_rng(struct builder *b)
{
	const struct domain *d = b->d;
	struct buf value = BUF_INIT;
	if (d->rng == NULL)
		return 0;
	buf_adds(&value, "rng-random,id=objrng0");
	build_key(&value, "filename", d->rng);
	build_take(b, "-object", &value);
	buf_adds(&value, "virtio-rng-pci,rng=objrng0,id=rng0");
	if (d->rng_bytes > 0)
		buf_addf(&value, ",max-bytes=%llu,period=%u", (unsigned long long)d->rng_bytes,
		    d->rng_period);
	build_pci(b, &value, &d->rng_address);
	return take_device(b, "rng", 0, &value);
}

static int build_panic(struct builder *b)
{
	struct buf value = BUF_INIT;
	if (b->d->panic_model == NULL)
		return 0;
	if (strcmp(b->d->panic_model, "isa") == 0) {
		buf_adds(&value, "pvpanic,id=panic0");
	} else {
		buf_adds(&value, "pvpanic-pci,id=panic0");
		build_pci(b, &value, &b->d->panic_address);
	}
	return take_device(b, "panic", 0, &value);
}

static int build_watchdog(struct builder *b)
{
	const struct domain *d = b->d;
	struct buf value = BUF_INIT;
	if (d->watchdog_model == NULL)
		return 0;
	bool itco = strcmp(d->watchdog_model, "itco") == 0;
	if (itco && !domain_is_q35(d))
		return build_unsupported(b, "watchdog", 0, "model 'itco' needs machine 'q35'");
	build_addf(b, "-action", "watchdog=%s", d->watchdog_action);
	if (itco) { /* part of the chip set, disarmed by default */
		build_addf(b, "-global", "ICH9-LPC.noreboot=off");
		return 0;
	}
	buf_adds(&value, "i6300esb,id=watchdog0");
	build_pci(b, &value, &d->watchdog_address);
	return take_device(b, "watchdog", 0, &value);
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
