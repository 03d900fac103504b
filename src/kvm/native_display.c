/* Screens and what stands before them: graphics, video cards, input devices, sound. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "kvm/native_impl.h"

#define VNC_PORT 5900

/* --- video --- */
static const struct card {
	const char *driver, *vga, *model; /* vga: -vga's word */
} cards[] = {
    {"VGA", "std", "vga"},
    {"cirrus-vga", "cirrus", "cirrus"},
    {"vmware-svga", "vmware", "vmvga"},
    {"qxl-vga", "qxl", "qxl"},
    {"qxl", NULL, "qxl"},
    {"virtio-vga", "virtio", "virtio"},
    {"virtio-vga-gl", NULL, "virtio"},
    {"virtio-gpu-pci", NULL, "virtio"},
    {"bochs-display", NULL, "bochs"},
    {"ramfb", NULL, "ramfb"},
};

static void kib_of(
    struct nat_opt *o, xmlNode *model, const char *key, const char *attr, unsigned unit)
{
	uint64_t value;
	const char *text = nat_get(o, key);
	if (text == NULL || str_u64(text, 1u << 31, &value) < 0)
		return;
	nat_take(o, key);
	nat_attru(model, attr, value * unit / 1024);
}

static bool video_device(struct native *n, struct nat_opt *o)
{
	const struct card *c = NULL;
	const char *driver = nat_get(o, "driver");
	for (size_t i = 0; i < ARRAY_LEN(cards); i++)
		if (strcmp(cards[i].driver, driver) == 0)
			c = &cards[i];
	if (c == NULL)
		return false;
	bool primary = strcmp(driver, "qxl") != 0 && strcmp(driver, "virtio-gpu-pci") != 0;
	bool qxl = strcmp(c->model, "qxl") == 0;
	nat_begin(n, o);
	xmlNode *v = nat_device(n, NAT_VIDEO, "video"), *m = nat_el(v, "model");
	nat_take(o, "driver");
	nat_take(o, "id");
	nat_attr(m, "type", c->model);
	kib_of(o, m, "ram_size", "ram", 1);
	kib_of(o, m, "vram_size", "vram", 1);
	kib_of(o, m, "vram64_size_mb", "vram64", 1u << 20);
	kib_of(o, m, "vgamem_mb", qxl ? "vgamem" : "vram", 1u << 20);
	kib_of(o, m, "vgamem", "vram", 1); /* bochs-display, bytes */
	nat_attr(m, "heads", nat_take(o, "max_outputs"));
	if (primary && n->groups[NAT_VIDEO]->children == v)
		nat_attr(m, "primary", "yes");
	if (strcmp(driver, "virtio-vga-gl") == 0)
		nat_attr(nat_el(m, "acceleration"), "accel3d", "yes");
	const char *x = nat_take(o, "xres"), *y = nat_take(o, "yres");
	if (x != NULL && y != NULL) {
		xmlNode *r = nat_el(m, "resolution");
		nat_attr(r, "x", x);
		nat_attr(r, "y", y);
	}
	if (strcmp(driver, "ramfb") != 0)
		nat_pci(n, o, v);
	return nat_end(n, v, true);
}

static void add_video(struct native *n, const char *model)
{
	xmlNode *v = nat_device(n, NAT_VIDEO, "video"), *m = nat_el(v, "model");
	nat_attr(m, "type", model);
	nat_attr(m, "primary", "yes");
	nat_pci_at(n, v, 0, nat_pci_slot(n, 0), 0);
}

/* The first card of all, in the first free slot. */
static void express_vga(struct native *n)
{
	struct nat_opt *o = nat_first(n, "vga");
	const char *word = o != NULL ? o->value : NULL;
	bool device =
	    nat_has_device(n, "VGA cirrus-vga vmware-svga qxl-vga virtio-vga virtio-vga-gl "
	                      "secondary-vga bochs-display");
	if (word == NULL && !n->nodefaults && !device)
		word = "std";
	for (size_t i = 0; word != NULL && i < ARRAY_LEN(cards); i++)
		if (cards[i].vga != NULL && strcmp(cards[i].vga, word) == 0) {
			add_video(n, cards[i].model);
			if (o != NULL)
				o->used = true;
		}
	if (o != NULL && str_eq(word, "none"))
		o->used = true;
}

/* --- graphics --- */
static void listen_on(xmlNode *g, const char *address)
{
	nat_attr(g, "listen", address);
	xmlNode *l = nat_el(g, "listen");
	nat_attr(l, "type", "address");
	nat_attr(l, "address", address);
}

static bool vnc_display(struct native *n, struct nat_opt *o, xmlNode *g, const char *where)
{
	uint64_t display;
	const char *colon = strrchr(where, ':');
	if (str_prefix(where, "unix:")) {
		CLEANUP_FREE char *path = nat_path(n, where + 5);
		/* One in our own run directory is what a document without any means. */
		if (n->run_dir != NULL && str_prefix(path, n->run_dir))
			return true;
		nat_attr(g, "socket", path);
		xmlNode *l = nat_el(g, "listen");
		nat_attr(l, "type", "socket");
		nat_attr(l, "socket", path);
		return true;
	}
	if (str_prefix(where, "/proc/self/fd/") || colon == NULL)
		return false;
	if (str_u64(colon + 1, 59000, &display) < 0)
		return false;
	CLEANUP_FREE char *host = xstrndup(where, (size_t)(colon - where));
	/* The first free port from there on. */
	bool search = nat_take(o, "to") != NULL;
	if (!search)
		nat_attru(g, "port", display + VNC_PORT);
	nat_attr(g, "autoport", search ? "yes" : "no");
	listen_on(g, host[0] != '\0' ? host : "0.0.0.0");
	return true;
}

static void express_vnc(struct native *n)
{
	struct nat_opt *o = nat_first(n, "vnc");
	if (o == NULL)
		return;
	if (str_eq(o->value, "none")) {
		o->used = true;
		return;
	}
	nat_begin(n, o);
	xmlNode *g = nat_device(n, NAT_GRAPHICS, "graphics");
	const char *where = nat_take(o, "vnc");
	nat_attr(g, "type", "vnc");
	bool ok = where != NULL && vnc_display(n, o, g, where);
	if (nat_is_on(nat_get(o, "password"))) {
		nat_take(o, "password");
		nat_note(n,
		    "-vnc: the password is set by a monitor and is not known: add passwd=… to <graphics>");
	}
	nat_attr(g, "sharePolicy", nat_take(o, "share"));
	const char *power = nat_take(o, "power-control");
	nat_attr(g, "powerControl", power == NULL ? NULL : nat_is_on(power) ? "yes" : "no");
	const char *websocket = nat_get(o, "websocket");
	uint64_t port;
	if (websocket != NULL && str_u64(websocket, 65535, &port) == 0)
		nat_attr(g, "websocket", nat_take(o, "websocket"));
	nat_take(o, "audiodev");
	nat_end(n, g, ok);
}

static void express_spice(struct native *n)
{
	struct nat_opt *o = nat_first(n, "spice");
	if (o == NULL)
		return;
	nat_begin(n, o);
	xmlNode *g = nat_device(n, NAT_GRAPHICS, "graphics");
	const char *port = nat_take(o, "port"), *tls = nat_take(o, "tls-port");
	const char *address = nat_take(o, "addr");
	nat_attr(g, "type", "spice");
	nat_attr(g, "port", port != NULL && strcmp(port, "0") != 0 ? port : NULL);
	nat_attr(g, "tlsPort", tls);
	nat_attr(g, "autoport", "no");
	if (nat_is_on(nat_get(o, "unix"))) {
		nat_take(o, "unix");
		xmlNode *l = nat_el(g, "listen");
		nat_attr(l, "type", "socket");
		nat_attr(l, "socket", address);
	} else {
		listen_on(g, address != NULL ? address : "0.0.0.0");
	}
	const char *compression = nat_take(o, "image-compression");
	if (compression != NULL)
		nat_attr(nat_el(g, "image"), "compression",
		    nat_is_off(compression) ? "off" : compression);
	nat_ignore(o, "disable-ticketing", "on");
	nat_ignore(o, "seamless-migration", "on");
	nat_ignore(o, "disable-copy-paste", "off");
	nat_end(n, g, true);
}

static void express_keymap(struct native *n)
{
	struct nat_opt *o = nat_first(n, "k");
	if (o == NULL || n->groups[NAT_GRAPHICS]->children == NULL)
		return;
	nat_attr(n->groups[NAT_GRAPHICS]->children, "keymap", o->value);
	o->used = true;
}

static void add_vnc(struct native *n)
{
	nat_attr(nat_device(n, NAT_GRAPHICS, "graphics"), "type", "vnc");
}

/* A window is not for a server: the guest's screen becomes one that VNC shows. */
static void express_display(struct native *n)
{
	static const char *const windows[] = {"gtk", "sdl", "cocoa", "curses", "default"};
	struct nat_opt *o = nat_first(n, "display");
	const char *type = o != NULL ? nat_get(o, "type") : NULL;
	bool window = type == NULL && !nat_has(n, "nographic") && !nat_has(n, "vnc") &&
	              !nat_has(n, "spice") && !n->nodefaults;
	const char *const old[] = {"sdl", "curses"};
	for (size_t i = 0; type != NULL && i < ARRAY_LEN(windows); i++)
		window = window || strcmp(windows[i], type) == 0;
	for (size_t i = 0; i < ARRAY_LEN(old); i++) {
		struct nat_opt *w = nat_first(n, old[i]);
		window = window || w != NULL;
		if (w != NULL)
			w->used = true;
	}
	if (o != NULL && (window || str_eq(type, "none")))
		o->used = true;
	if (o != NULL && str_prefix(type != NULL ? type : "", "vnc=")) {
		CLEANUP_FREE char *value = xstrdup(o->value + 4);
		nat_opt_fini(o);
		nat_opt_init(o, "vnc", value);
		express_vnc(n);
	}
	if (!window)
		return;
	add_vnc(n);
	nat_note(n, "the window%s%s becomes a VNC screen", type != NULL ? " of -display " : "",
	    type != NULL ? type : "");
}

/* --- input --- */
static bool input_device(struct native *n, struct nat_opt *o)
{
	static const struct {
		const char *driver, *type, *bus;
	} inputs[] = {{"usb-tablet", "tablet", "usb"}, {"usb-mouse", "mouse", "usb"},
	    {"usb-kbd", "keyboard", "usb"}, {"virtio-tablet-pci", "tablet", "virtio"},
	    {"virtio-mouse-pci", "mouse", "virtio"}, {"virtio-keyboard-pci", "keyboard", "virtio"}};
	const char *driver = nat_get(o, "driver");
	for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
		if (strcmp(inputs[i].driver, driver) != 0)
			continue;
		nat_begin(n, o);
		xmlNode *e = nat_device(n, NAT_INPUT, "input");
		nat_attr(e, "type", inputs[i].type);
		nat_attr(e, "bus", inputs[i].bus);
		nat_take(o, "driver");
		nat_take(o, "id");
		if (strcmp(inputs[i].bus, "virtio") == 0) {
			nat_pci(n, o, e);
			return nat_end(n, e, true);
		}
		return nat_end(n, e, nat_usb(n, o, e));
	}
	return false;
}

static void express_usbdevices(struct native *n)
{
	for (size_t i = 0; i < n->opts.n; i++) {
		struct nat_opt *o = &n->opts.o[i];
		if (o->used || strcmp(o->name, "usbdevice") != 0 || o->value == NULL)
			continue;
		static const char *const types[] = {"tablet", "mouse", "keyboard"};
		for (size_t k = 0; k < ARRAY_LEN(types); k++)
			if (strcmp(types[k], o->value) == 0) {
				xmlNode *e = nat_device(n, NAT_INPUT, "input");
				nat_attr(e, "type", types[k]);
				nat_attr(e, "bus", "usb");
				o->used = true;
			}
	}
}

/* --- sound --- */
static const struct sound {
	const char *driver, *model;
} sounds[] = {{"intel-hda", "ich6"}, {"ich9-intel-hda", "ich9"}, {"AC97", "ac97"},
    {"ES1370", "es1370"}, {"sb16", "sb"}, {"usb-audio", "usb"}};

/* -audiodev is the host's end: none is what a server has. */
static void take_audio(struct native *n, struct nat_opt *o)
{
	struct nat_opt *a = nat_find(n, "audiodev", "id", nat_get(o, "audiodev"));
	if (a != NULL || nat_get(o, "audiodev") == NULL || str_eq(nat_get(o, "audiodev"), "audio1"))
		nat_take(o, "audiodev");
}

/* HDA's codecs sit on it. */
static void take_codecs(struct native *n, xmlNode *e, const char *id)
{
	static const char *const codecs[][2] = {
	    {"hda-duplex", "duplex"}, {"hda-micro", "micro"}, {"hda-output", "output"}};
	CLEANUP_FREE char *bus = xasprintf("%s.0", id != NULL ? id : "");
	for (size_t i = 0; i < n->opts.n; i++) {
		struct nat_opt *c = &n->opts.o[i];
		const char *driver = nat_get(c, "driver"), *on = nat_get(c, "bus");
		if (strcmp(c->name, "device") != 0 || c->used || driver == NULL)
			continue;
		for (size_t k = 0; k < ARRAY_LEN(codecs); k++) {
			if (strcmp(codecs[k][0], driver) != 0 ||
			    (on != NULL && strcmp(on, bus) != 0))
				continue;
			nat_open(n, c);
			nat_take(c, "driver");
			nat_take(c, "id");
			nat_take(c, "bus");
			nat_ignore(c, "cad", NULL);
			take_audio(n, c);
			nat_attr(nat_el(e, "codec"), "type", codecs[k][1]);
		}
	}
}

static bool sound_device(struct native *n, struct nat_opt *o)
{
	const char *driver = nat_get(o, "driver");
	for (size_t i = 0; i < ARRAY_LEN(sounds); i++) {
		if (strcmp(sounds[i].driver, driver) != 0)
			continue;
		nat_begin(n, o);
		xmlNode *e = nat_device(n, NAT_SOUND, "sound");
		nat_attr(e, "model", sounds[i].model);
		nat_take(o, "driver");
		take_codecs(n, e, nat_take(o, "id"));
		take_audio(n, o);
		if (strcmp(driver, "usb-audio") == 0)
			nat_take(o, "bus");
		else if (strcmp(driver, "sb16") != 0)
			nat_pci(n, o, e);
		return nat_end(n, e, true);
	}
	return false;
}

static void drop_audiodevs(struct native *n)
{
	for (size_t i = 0; i < n->opts.n; i++) {
		struct nat_opt *o = &n->opts.o[i];
		if (o->used || strcmp(o->name, "audiodev") != 0)
			continue;
		o->used = true;
		if (!str_eq(nat_get(o, "driver"), "none"))
			nat_note(n, "-audiodev %s: left out, a server plays nothing", o->value);
	}
}

static void express_soundhw(struct native *n)
{
	struct nat_opt *o = nat_first(n, "soundhw");
	static const char *const words[][2] = {
	    {"hda", "ich6"}, {"ac97", "ac97"}, {"es1370", "es1370"}, {"sb16", "sb"}};
	for (size_t i = 0; o != NULL && o->value != NULL && i < ARRAY_LEN(words); i++)
		if (strcmp(words[i][0], o->value) == 0) {
			nat_attr(nat_device(n, NAT_SOUND, "sound"), "model", words[i][1]);
			o->used = true;
		}
}

bool nat_display_device(struct native *n, struct nat_opt *o)
{
	if (nat_get(o, "driver") == NULL)
		return false;
	return video_device(n, o) || input_device(n, o) || sound_device(n, o);
}

void nat_display_options(struct native *n)
{
	express_vga(n);
	express_vnc(n);
	express_spice(n);
	express_display(n);
	express_keymap(n);
	express_soundhw(n);
	express_usbdevices(n);
	drop_audiodevs(n);
}
