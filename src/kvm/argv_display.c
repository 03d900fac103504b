/* Graphics, video cards and input devices onto the command line. */
#include "kvm/argv_dev.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "core/mem.h"
#include "core/str.h"

/* --- VNC --- */
static int socket_path(
    struct builder *b, const struct domain_dev *dev, const char *file, char **path)
{
	const struct domain_attrs *a = &dev->attrs;
	const char *given = attrs_get(a, "@socket");
	if (given == NULL)
		given = attrs_get(a, "listen@socket");
	if (given != NULL && !str_prefix(given, "/var/lib/libvirt/"))
		*path = xstrdup(given);
	else if (b->in->run_dir_fd > 0)
		*path = xasprintf("/proc/self/fd/%d/%s", b->in->run_dir_fd, file);
	else
		*path = xasprintf("%s/%s", b->in->run_dir, file);
	if (strlen(*path) < sizeof((struct sockaddr_un *)0)->sun_path)
		return 0;
	return build_unsupported(b, "graphics", dev->line,
	    "the socket's path '%s' has %zu bytes, at most 107", *path, strlen(*path));
}

static bool on_socket(const struct domain_attrs *a)
{
	return attrs_has(a, "@socket") || attrs_is(a, "listen@type", "socket");
}

/* On the host's loopback unless the document says otherwise: a guest's screen is nobody else's. */
static const char *listen_address(const struct domain_attrs *a)
{
	const char *address = attrs_get(a, "listen@address");
	if (address == NULL)
		address = attrs_get(a, "@listen");
	return address != NULL && address[0] != '\0' ? address : "127.0.0.1";
}

static unsigned port_of(const struct domain_attrs *a, const char *attr)
{
	return (unsigned)attrs_number(a, attr, 0);
}

static int vnc_where(struct builder *b, const struct domain_dev *dev, struct buf *value)
{
	const struct domain_attrs *a = &dev->attrs;
	const char *address = listen_address(a);
	if (attrs_is(a, "listen@type", "none")) {
		buf_adds(value, "none");
		return 0;
	}
	if (on_socket(a)) {
		CLEANUP_FREE char *path = NULL;
		if (socket_path(b, dev, "vnc.sock", &path) < 0)
			return -1;
		CLEANUP_FREE char *display = xasprintf("unix:%s", path);
		build_key(value, "vnc", display);
		buf_consume(value, 1);
		return 0;
	}
	bool six = strchr(address, ':') != NULL;
	unsigned port = port_of(a, "@port");
	/* No port yet: QEMU looks for one from 5900 on. */
	buf_addf(value, "%s%s%s:%u", six ? "[" : "", address, six ? "]" : "",
	    port >= 5900 ? port - 5900 : 0);
	if (port < 5900)
		buf_adds(value, ",to=99");
	return 0;
}

static void vnc_password(struct builder *b, const struct domain_attrs *a, struct buf *value)
{
	const char *password = attrs_get(a, "@passwd");
	if (password == NULL || password[0] == '\0')
		return;
	build_secret(b, "vnc0-secret", password);
	buf_adds(value, ",password-secret=vnc0-secret");
}

static int vnc(struct builder *b, const struct domain_dev *dev)
{
	static const struct dev_key keys[] = {
	    {"@sharePolicy", "share"}, {"@powerControl", "power-control"}};
	const struct domain_attrs *a = &dev->attrs;
	struct buf value = BUF_INIT;
	if (vnc_where(b, dev, &value) < 0) {
		buf_fini(&value);
		return -1;
	}
	if (attrs_has(a, "@websocket") && !attrs_is(a, "listen@type", "none")) {
		unsigned port = port_of(a, "@websocket");
		if (port > 0)
			buf_addf(&value, ",websocket=%u", port);
		else
			buf_adds(&value, ",websocket=on");
	}
	vnc_password(b, a, &value);
	build_keys(&value, a, keys, ARRAY_LEN(keys));
	build_audio_key(b, a, &value);
	build_take(b, "-vnc", &value);
	if (attrs_has(a, "@keymap"))
		build_addf(b, "-k", "%s", attrs_get(a, "@keymap"));
	return 0;
}

/* --- SPICE --- */
static void spice_channels(const struct domain_attrs *a, struct buf *value)
{
	const char *fallback = attrs_get(a, "@defaultMode");
	if (str_eq(fallback, "secure"))
		buf_adds(value, ",tls-channel=default");
	else if (str_eq(fallback, "insecure"))
		buf_adds(value, ",plaintext-channel=default");
	for (unsigned i = 0; i < 16; i++) {
		CLEANUP_FREE char *name =
		    i == 0 ? xstrdup("channel@name") : xasprintf("channel[%u]@name", i);
		CLEANUP_FREE char *mode =
		    i == 0 ? xstrdup("channel@mode") : xasprintf("channel[%u]@mode", i);
		if (attrs_get(a, name) == NULL)
			return;
		if (!attrs_is(a, mode, "any"))
			buf_addf(value, ",%s-channel=%s",
			    attrs_is(a, mode, "secure") ? "tls" : "plaintext", attrs_get(a, name));
	}
}

static int spice_where(struct builder *b, const struct domain_dev *dev, struct buf *value)
{
	const struct domain_attrs *a = &dev->attrs;
	if (attrs_is(a, "listen@type", "none")) {
		buf_adds(value, "port=0");
		return 0;
	}
	if (on_socket(a)) {
		CLEANUP_FREE char *path = NULL;
		if (socket_path(b, dev, "spice.sock", &path) < 0)
			return -1;
		buf_adds(value, "unix=on");
		build_key(value, "addr", path);
		return 0;
	}
	unsigned port = port_of(a, "@port"), tls = port_of(a, "@tlsPort");
	/* The supervisor puts a free one in for autoport; for a command line that is only shown, the
	 * first. */
	if (port == 0 && tls == 0 && attrs_is(a, "@autoport", "no")) {
		buf_adds(value, "port=0");
		return 0;
	}
	if (port == 0 && tls == 0)
		port = 5900;
	buf_addf(value, "%s%u", port > 0 ? "port=" : "tls-port=", port > 0 ? port : tls);
	if (port > 0 && tls > 0)
		buf_addf(value, ",tls-port=%u", tls);
	if (tls > 0)
		buf_adds(value, ",x509-dir=/etc/pki/libvirt-spice");
	build_key(value, "addr", listen_address(a));
	return 0;
}

static int spice(struct builder *b, const struct domain_dev *dev)
{
	static const struct dev_key keys[] = {
	    {"image@compression", "image-compression"},
	    {"jpeg@compression", "jpeg-wan-compression"},
	    {"zlib@compression", "zlib-glz-wan-compression"},
	    {"playback@compression", "playback-compression"},
	    {"streaming@mode", "streaming-video"},
	    {"gl@rendernode", "rendernode"},
	};
	const struct domain_attrs *a = &dev->attrs;
	const char *password = attrs_get(a, "@passwd");
	struct buf value = BUF_INIT;
	if (spice_where(b, dev, &value) < 0) {
		buf_fini(&value);
		return -1;
	}
	if (password != NULL && password[0] != '\0') {
		build_secret(b, "spice0-secret", password);
		buf_adds(&value, ",password-secret=spice0-secret");
	} else {
		buf_adds(&value, ",disable-ticketing=on");
	}
	spice_channels(a, &value);
	if (attrs_has(a, "mouse@mode"))
		buf_addf(
		    &value, ",agent-mouse=%s", attrs_is(a, "mouse@mode", "client") ? "on" : "off");
	build_switch(&value, "gl", attrs_switch(a, "gl@enable"));
	build_keys(&value, a, keys, ARRAY_LEN(keys));
	if (attrs_is(a, "clipboard@copypaste", "no"))
		buf_adds(&value, ",disable-copy-paste=on");
	if (attrs_is(a, "filetransfer@enable", "no"))
		buf_adds(&value, ",disable-agent-file-xfer=on");
	buf_adds(&value, ",seamless-migration=on");
	build_take(b, "-spice", &value);
	if (attrs_has(a, "@keymap"))
		build_addf(b, "-k", "%s", attrs_get(a, "@keymap"));
	return 0;
}

static int egl_headless(struct builder *b, const struct domain_dev *dev)
{
	struct buf value = BUF_INIT;
	buf_adds(&value, "egl-headless");
	if (attrs_has(&dev->attrs, "gl@rendernode"))
		build_key(&value, "rendernode", attrs_get(&dev->attrs, "gl@rendernode"));
	build_take(b, "-display", &value);
	return 0;
}

static int dbus(struct builder *b, const struct domain_dev *dev)
{
	const struct domain_attrs *a = &dev->attrs;
	struct buf value = BUF_INIT;
	buf_adds(&value, "dbus");
	if (attrs_on(a, "@p2p"))
		buf_adds(&value, ",p2p=on");
	else if (attrs_has(a, "@address"))
		build_key(&value, "addr", attrs_get(a, "@address"));
	else
		return build_unsupported(b, "graphics", dev->line,
		    "type='dbus' has neither p2p='yes' nor the address of a bus");
	build_switch(&value, "gl", attrs_switch(a, "gl@enable"));
	if (attrs_has(a, "gl@rendernode"))
		build_key(&value, "rendernode", attrs_get(a, "gl@rendernode"));
	build_audio_key(b, a, &value);
	build_take(b, "-display", &value);
	return 0;
}

int build_graphics(struct builder *b, const struct domain_dev *dev)
{
	static const struct {
		const char *type;
		dev_build_fn *build;
	} types[] = {
	    {"vnc", vnc}, {"spice", spice}, {"egl-headless", egl_headless}, {"dbus", dbus}};
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (attrs_is(&dev->attrs, "@type", types[i].type))
			return types[i].build(b, dev);
	return 0;
}

/* --- video --- */
struct card {
	const char *type, *first, *second; /* QEMU's names; second: beside a primary one; NULL no */
};

static const char *card_device(
    struct builder *b, const struct domain_dev *dev, const char *type, bool primary)
{
	static const struct card cards[] = {
	    {"vga", "VGA", "secondary-vga"},
	    {"cirrus", "cirrus-vga", NULL},
	    {"virtio", "virtio-vga", "virtio-gpu-pci"},
	    {"qxl", "qxl-vga", "qxl"},
	    {"bochs", "bochs-display", "bochs-display"},
	    {"vmvga", "vmware-svga", NULL},
	    {"ramfb", "ramfb", NULL},
	};
	const struct domain_attrs *a = &dev->attrs;
	bool gl = attrs_on(a, "model/acceleration@accel3d");
	if (strcmp(type, "virtio") == 0 && gl && caps_has_device(b->c, "virtio-vga-gl"))
		return primary ? "virtio-vga-gl" : "virtio-gpu-gl-pci";
	for (size_t i = 0; i < ARRAY_LEN(cards); i++)
		if (strcmp(cards[i].type, type) == 0)
			return primary ? cards[i].first : cards[i].second;
	return NULL;
}

static uint64_t kib(const struct domain_attrs *a, const char *attr)
{
	return attrs_number(a, attr, 0);
}

static void card_memory(const struct domain_attrs *a, const char *type, struct buf *value)
{
	bool qxl = strcmp(type, "qxl") == 0;
	bool mb = strcmp(type, "vga") == 0 || strcmp(type, "vmvga") == 0;
	uint64_t vgamem = qxl ? kib(a, "model@vgamem") : kib(a, "model@vram");
	if (qxl && kib(a, "model@ram") > 0)
		buf_addf(value, ",ram_size=%llu", (unsigned long long)kib(a, "model@ram") * 1024);
	if (qxl && kib(a, "model@vram") > 0)
		buf_addf(value, ",vram_size=%llu", (unsigned long long)kib(a, "model@vram") * 1024);
	if (qxl && attrs_has(a, "model@vram64"))
		buf_addf(value, ",vram64_size_mb=%llu",
		    (unsigned long long)kib(a, "model@vram64") / 1024);
	if ((qxl || mb) && vgamem >= 1024)
		buf_addf(value, ",vgamem_mb=%llu", (unsigned long long)vgamem / 1024);
	if (strcmp(type, "bochs") == 0 && kib(a, "model@vram") > 0)
		buf_addf(value, ",vgamem=%lluk", (unsigned long long)kib(a, "model@vram"));
}

int build_video(struct builder *b, const struct domain_dev *dev)
{
	static const struct dev_key virtio[] = {
	    {"model@heads", "max_outputs"}, {"model@blob", "blob"}, {"model@edid", "edid"}};
	const struct domain_attrs *a = &dev->attrs;
	const char *type = attrs_get(a, "model@type");
	bool primary = dev == domain_primary_video(b->d);
	struct buf value = BUF_INIT;
	if (type == NULL)
		type = "vga";
	if (strcmp(type, "none") == 0)
		return 0;
	if (attrs_is(a, "driver@name", "vhostuser"))
		return build_unsupported(b, "video", dev->line,
		    "<driver name='vhostuser'> needs a vhost-user-gpu daemon, which hvmux does not start yet");
	const char *device = card_device(b, dev, type, primary);
	if (device == NULL)
		return build_unsupported(
		    b, "video", dev->line, "type='%s' can be the first card only", type);
	if (strstr(device, "-gl") != NULL && !caps_has_device(b->c, "virtio-gpu-gl-device"))
		return build_unsupported(b, "video", dev->line,
		    "accel3d='yes': this QEMU has no OpenGL (Debian: qemu-system-modules-opengl)");
	CLEANUP_FREE char *id = build_id(a, "video%u", dev->index);
	buf_addf(&value, "%s,id=%s", device, id);
	card_memory(a, type, &value);
	if (strcmp(type, "virtio") == 0)
		build_keys(&value, a, virtio, ARRAY_LEN(virtio));
	else if (strcmp(type, "qxl") == 0 && kib(a, "model@heads") > 0)
		buf_addf(&value, ",max_outputs=%llu", (unsigned long long)kib(a, "model@heads"));
	if (attrs_has(a, "model/resolution@x") && strcmp(type, "cirrus") != 0 &&
	    strcmp(type, "vmvga") != 0 && strcmp(type, "ramfb") != 0)
		buf_addf(&value, ",xres=%s,yres=%s", attrs_get(a, "model/resolution@x"),
		    attrs_get(a, "model/resolution@y"));
	return build_dev(b, &value, dev);
}

/* --- input --- */
static int evdev(struct builder *b, const struct domain_dev *dev, const char *id)
{
	static const struct dev_key keys[] = {{"source@dev", "evdev"}, {"source@repeat", "repeat"},
	    {"source@grabToggle", "grab-toggle"}};
	struct buf value = BUF_INIT;
	buf_addf(&value, "input-linux,id=%s", id);
	build_keys(&value, &dev->attrs, keys, ARRAY_LEN(keys));
	if (attrs_is(&dev->attrs, "source@grab", "all"))
		buf_adds(&value, ",grab_all=on");
	build_take(b, "-object", &value);
	return 0;
}

int build_input(struct builder *b, const struct domain_dev *dev)
{
	const struct domain_attrs *a = &dev->attrs;
	const char *type = attrs_get(a, "@type"), *bus = domain_input_bus(dev);
	CLEANUP_FREE char *id = build_id(a, "input%u", dev->index);
	struct buf value = BUF_INIT;
	if (str_eq(type, "evdev"))
		return evdev(b, dev, id);
	if (strcmp(bus, "ps2") == 0)
		return 0; /* every PC has them */
	if (str_eq(type, "passthrough")) {
		build_virtio_name(&value, "virtio-input-host", attrs_get(a, "@model"));
		buf_addf(&value, ",id=%s", id);
		build_key(&value, "evdev", attrs_get(a, "source@evdev"));
	} else if (strcmp(bus, "virtio") == 0) {
		buf_addf(&value, "virtio-%s-pci,id=%s", type, id);
	} else {
		buf_addf(&value, "usb-%s,id=%s%s", str_eq(type, "keyboard") ? "kbd" : type, id,
		    dev->address.type == ADDRESS_USB ? "" : ",bus=usb.0");
	}
	return build_dev(b, &value, dev);
}
