/* Devices of which a machine has one or few: balloon, rng, watchdog, TPM, panic, vsock, file
 * systems, the host's own devices, memory modules, iothreads. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "kvm/native_impl.h"

/* The start of every device: its element, with the keys that say only what it is. */
static xmlNode *begin(
    struct native *n, struct nat_opt *o, enum nat_group group, const char *element)
{
	nat_begin(n, o);
	nat_take(o, "driver");
	nat_take(o, "id");
	return nat_device(n, group, element);
}

static struct nat_opt *open_object(struct native *n, const char *id)
{
	struct nat_opt *b = nat_find(n, "object", "id", id);
	if (b != NULL) {
		nat_open(n, b);
		nat_take(b, "id");
	}
	return b;
}

/* --- balloon, rng --- */
static bool balloon(struct native *n, struct nat_opt *o)
{
	xmlNode *e = begin(n, o, NAT_BALLOON, "memballoon");
	nat_attr(e, "model", "virtio");
	nat_attr(e, "autodeflate", nat_take(o, "deflate-on-oom"));
	nat_attr(e, "freePageReporting", nat_take(o, "free-page-reporting"));
	const char *period = nat_take(o, "guest-stats-polling-interval");
	if (period != NULL)
		nat_attr(nat_el(e, "stats"), "period", period);
	nat_pci(n, o, e);
	return nat_end(n, e, true);
}

static bool rng(struct native *n, struct nat_opt *o)
{
	const char *id = nat_get(o, "rng");
	xmlNode *e = begin(n, o, NAT_RNG, "rng");
	nat_attr(e, "model", "virtio");
	const char *bytes = nat_take(o, "max-bytes"), *period = nat_take(o, "period");
	if (bytes != NULL) {
		xmlNode *r = nat_el(e, "rate");
		nat_attr(r, "bytes", bytes);
		nat_attr(r, "period", period);
	}
	const char *file = "/dev/urandom", *model = "random";
	struct nat_opt *b = id != NULL ? open_object(n, id) : NULL;
	if (b != NULL && str_eq(nat_get(b, "qom-type"), "rng-builtin")) {
		model = "builtin";
		nat_take(b, "qom-type");
	} else if (b != NULL && str_eq(nat_get(b, "qom-type"), "rng-random")) {
		nat_take(b, "qom-type");
		const char *given = nat_take(b, "filename");
		file = given != NULL ? given : file;
	}
	nat_take(o, "rng");
	xmlNode *backend = nat_text(e, "backend", strcmp(model, "random") == 0 ? file : "");
	nat_attr(backend, "model", model);
	nat_pci(n, o, e);
	return nat_end(n, e, id == NULL || b != NULL);
}

/* --- watchdog, panic --- */
static bool watchdog(struct native *n, struct nat_opt *o)
{
	const char *driver = nat_get(o, "driver");
	xmlNode *e = begin(n, o, NAT_WATCHDOG, "watchdog");
	nat_attr(e, "model", driver);
	if (strcmp(driver, "i6300esb") == 0)
		nat_pci(n, o, e);
	return nat_end(n, e, true);
}

static bool panic(struct native *n, struct nat_opt *o)
{
	bool pci = strcmp(nat_get(o, "driver"), "pvpanic-pci") == 0;
	xmlNode *e = begin(n, o, NAT_PANIC, "panic");
	nat_attr(e, "model", pci ? "pvpanic" : "isa");
	const char *port = nat_take(o, "ioport");
	if (port != NULL) {
		xmlNode *a = nat_el(e, "address");
		nat_attr(a, "type", "isa");
		nat_attrf(a, "iobase", "0x%lx", strtoul(port, NULL, 0));
	}
	if (pci)
		nat_pci(n, o, e);
	return nat_end(n, e, true);
}

/* --- TPM, vsock --- */
static bool tpm(struct native *n, struct nat_opt *o)
{
	struct nat_opt *b = nat_find(n, "tpmdev", "id", nat_get(o, "tpmdev"));
	const char *driver = nat_get(o, "driver"), *type = b != NULL ? nat_get(b, "type") : NULL;
	if (b == NULL || type == NULL)
		return false;
	xmlNode *e = begin(n, o, NAT_TPM, "tpm");
	nat_open(n, b);
	nat_attr(e, "model", driver);
	nat_take(o, "tpmdev");
	nat_take(b, "id");
	nat_take(b, "type");
	xmlNode *backend = nat_el(e, "backend");
	nat_attr(backend, "type", type);
	bool emulator = strcmp(type, "emulator") == 0;
	if (emulator) {
		struct nat_opt *c = nat_find(n, "chardev", "id", nat_take(b, "chardev"));
		nat_attr(backend, "version", "2.0");
		if (c != NULL) { /* the emulator's socket is one run's */
			c->used = true;
			nat_note(n,
			    "the TPM's emulator (swtpm) and its state were set up by hand: hvmux starts its own, "
			    "with an empty TPM");
		}
	} else {
		const char *path = nat_take(b, "path");
		nat_attr(nat_el(backend, "device"), "path", path != NULL ? path : "/dev/tpm0");
		nat_take(b, "cancel-path");
	}
	return nat_end(n, e, emulator || strcmp(type, "passthrough") == 0);
}

static bool vsock(struct native *n, struct nat_opt *o)
{
	xmlNode *e = begin(n, o, NAT_VSOCK, "vsock");
	const char *cid = nat_take(o, "guest-cid");
	nat_attr(e, "model", "virtio");
	nat_take(o, "vhostfd");
	xmlNode *c = nat_el(e, "cid");
	nat_attr(c, "auto", "no");
	nat_attr(c, "address", cid);
	nat_pci(n, o, e);
	return nat_end(n, e, cid != NULL);
}

/* --- file systems --- */
static void express_share(struct native *n, struct nat_opt *b, xmlNode *e, const char *tag)
{
	const char *path = nat_take(b, "path"), *model = nat_take(b, "security_model");
	CLEANUP_FREE char *whole = path != NULL ? nat_path(n, path) : NULL;
	nat_attr(e, "type", "mount");
	nat_attr(e, "accessmode",
	    model == NULL || strcmp(model, "none") == 0                               ? "squash"
	    : strcmp(model, "mapped-xattr") == 0 || strcmp(model, "mapped-file") == 0 ? "mapped"
	                                                                              : model);
	nat_attr(e, "multidevs", nat_take(b, "multidevs"));
	xmlNode *d = nat_el(e, "driver");
	nat_attr(d, "type", "path");
	nat_attr(d, "wrpolicy", nat_take(b, "writeout"));
	nat_attr(nat_el(e, "source"), "dir", whole);
	nat_attr(nat_el(e, "target"), "dir", tag);
	if (nat_is_on(nat_take(b, "readonly")))
		nat_el(e, "readonly");
	nat_take(b, "id");
}

static bool filesystem(struct native *n, struct nat_opt *o)
{
	struct nat_opt *b = nat_find(n, "fsdev", "id", nat_get(o, "fsdev"));
	if (b == NULL || !str_eq(nat_get(b, "fsdriver"), "local"))
		return false;
	xmlNode *e = begin(n, o, NAT_FILESYSTEM, "filesystem");
	nat_open(n, b);
	nat_take(b, "fsdriver");
	nat_take(o, "fsdev");
	express_share(n, b, e, nat_take(o, "mount_tag"));
	nat_pci(n, o, e);
	return nat_end(n, e, true);
}

static void express_virtfs(struct native *n)
{
	for (size_t i = 0; i < n->opts.n; i++) {
		struct nat_opt *o = &n->opts.o[i];
		if (o->used || strcmp(o->name, "virtfs") != 0 ||
		    !str_eq(nat_get(o, "fsdriver"), "local"))
			continue;
		nat_begin(n, o);
		xmlNode *e = nat_device(n, NAT_FILESYSTEM, "filesystem");
		nat_take(o, "fsdriver");
		express_share(n, o, e, nat_take(o, "mount_tag"));
		nat_pci_at(n, e, 0, nat_pci_slot(n, 0), 0);
		nat_end(n, e, true);
	}
}

/* --- the host's devices --- */
static bool vfio(struct native *n, struct nat_opt *o)
{
	unsigned d = 0, b, s, f;
	const char *host = nat_get(o, "host");
	if (host == NULL || (sscanf(host, "%4x:%2x:%2x.%1x", &d, &b, &s, &f) != 4 &&
	                        (d = 0, sscanf(host, "%2x:%2x.%1x", &b, &s, &f) != 3)))
		return false;
	xmlNode *e = begin(n, o, NAT_HOSTDEV, "hostdev");
	nat_take(o, "host");
	nat_attr(e, "mode", "subsystem");
	nat_attr(e, "type", "pci");
	nat_attr(e, "managed", "yes");
	xmlNode *a = nat_el(nat_el(e, "source"), "address");
	nat_attrf(a, "domain", "0x%04x", d);
	nat_attrf(a, "bus", "0x%02x", b);
	nat_attrf(a, "slot", "0x%02x", s);
	nat_attrf(a, "function", "0x%x", f);
	const char *boot = nat_take(o, "bootindex"), *rom = nat_take(o, "romfile");
	const char *bar = nat_take(o, "rombar");
	if (boot != NULL)
		nat_attr(nat_el(e, "boot"), "order", boot);
	if (rom != NULL || bar != NULL) {
		xmlNode *r = nat_el(e, "rom");
		nat_attr(r, "bar", bar == NULL ? NULL : strcmp(bar, "0") == 0 ? "off" : "on");
		nat_attr(r, "file", rom);
	}
	nat_pci(n, o, e);
	return nat_end(n, e, true);
}

static bool usb_host(struct native *n, struct nat_opt *o)
{
	const char *vendor = nat_get(o, "vendorid"), *product = nat_get(o, "productid");
	const char *bus = nat_get(o, "hostbus"), *addr = nat_get(o, "hostaddr");
	bool by_id = vendor != NULL && product != NULL, by_place = bus != NULL && addr != NULL;
	xmlNode *e = begin(n, o, NAT_HOSTDEV, "hostdev");
	nat_attr(e, "mode", "subsystem");
	nat_attr(e, "type", "usb");
	nat_attr(e, "managed", "yes");
	xmlNode *s = nat_el(e, "source");
	if (by_id) {
		nat_attrf(nat_el(s, "vendor"), "id", "0x%04lx",
		    strtoul(nat_take(o, "vendorid"), NULL, 0));
		nat_attrf(nat_el(s, "product"), "id", "0x%04lx",
		    strtoul(nat_take(o, "productid"), NULL, 0));
	}
	if (by_place) {
		xmlNode *a = nat_el(s, "address");
		nat_attr(a, "bus", nat_take(o, "hostbus"));
		nat_attr(a, "device", nat_take(o, "hostaddr"));
	}
	if (nat_bus(n, NAT_BUS_USB, nat_get(o, "bus")) != NULL)
		nat_take(o, "bus");
	return nat_end(n, e, by_id || by_place);
}

static bool redirection(struct native *n, struct nat_opt *o)
{
	struct nat_opt *c = nat_find(n, "chardev", "id", nat_get(o, "chardev"));
	if (c == NULL)
		return false;
	xmlNode *e = begin(n, o, NAT_REDIR, "redirdev");
	nat_open(n, c);
	nat_take(o, "chardev");
	nat_attr(e, "bus", "usb");
	nat_ignore(c, "name", "usbredir");
	bool ok = nat_chardev(n, e, c);
	nat_usb(n, o, e);
	return nat_end(n, e, ok);
}

static bool hub(struct native *n, struct nat_opt *o)
{
	xmlNode *e = begin(n, o, NAT_HUB, "hub");
	nat_attr(e, "type", "usb");
	return nat_end(n, e, nat_usb(n, o, e));
}

/* --- of the machine, not of a bus --- */
static bool vmcoreinfo(struct native *n, struct nat_opt *o)
{
	nat_begin(n, o);
	nat_take(o, "driver");
	nat_take(o, "id");
	bool done = nat_end(n, NULL, true);
	if (done)
		nat_attr(nat_el(n->features, "vmcoreinfo"), "state", "on");
	return done;
}

static bool vmgenid(struct native *n, struct nat_opt *o)
{
	const char *guid = nat_get(o, "guid");
	nat_begin(n, o);
	nat_take(o, "driver");
	nat_take(o, "id");
	nat_take(o, "guid");
	if (!nat_end(n, NULL, guid != NULL))
		return false;
	xmlNode *g = nat_text(n->root, "genid", strcmp(guid, "auto") == 0 ? "" : guid);
	xmlAddPrevSibling(n->os, g);
	return true;
}

bool nat_misc_device(struct native *n, struct nat_opt *o)
{
	static const struct {
		const char *driver;
		bool (*make)(struct native *n, struct nat_opt *o);
	} devices[] = {{"virtio-balloon-pci", balloon}, {"virtio-balloon", balloon},
	    {"virtio-rng-pci", rng}, {"virtio-rng", rng}, {"i6300esb", watchdog},
	    {"ib700", watchdog}, {"diag288", watchdog}, {"pvpanic", panic}, {"pvpanic-pci", panic},
	    {"tpm-crb", tpm}, {"tpm-tis", tpm}, {"tpm-spapr", tpm}, {"vhost-vsock-pci", vsock},
	    {"virtio-9p-pci", filesystem}, {"vfio-pci", vfio}, {"usb-host", usb_host},
	    {"usb-redir", redirection}, {"usb-hub", hub}, {"vmcoreinfo", vmcoreinfo},
	    {"vmgenid", vmgenid}};
	const char *driver = nat_get(o, "driver");
	for (size_t i = 0; driver != NULL && i < ARRAY_LEN(devices); i++)
		if (strcmp(devices[i].driver, driver) == 0)
			return devices[i].make(n, o);
	return false;
}

/* --- options --- */
/* What follows when a watchdog bites is QEMU's, the element the device's. */
static void watchdog_action(struct native *n)
{
	const char *action = NULL, *left;
	for (size_t i = 0; i < n->opts.n; i++) {
		struct nat_opt *o = &n->opts.o[i];
		bool plain = strcmp(o->name, "watchdog-action") == 0;
		if (o->used || (!plain && strcmp(o->name, "action") != 0))
			continue;
		const char *word = nat_take(o, plain ? "action" : "watchdog");
		action = word != NULL ? word : action;
		o->used = nat_all_taken(o, &left);
	}
	/* q35's own watchdog bites when this says so. */
	for (size_t i = 0; i < n->opts.n; i++) {
		struct nat_opt *o = &n->opts.o[i];
		if (o->used || strcmp(o->name, "global") != 0 ||
		    (!str_eq(o->value, "ICH9-LPC.noreboot=off") &&
		        !str_eq(o->value, "ICH9-LPC.noreboot=false")))
			continue;
		o->used = true;
		nat_attr(nat_device(n, NAT_WATCHDOG, "watchdog"), "model", "itco");
	}
	for (xmlNode *e = n->groups[NAT_WATCHDOG]->children; e != NULL; e = e->next)
		nat_attr(e, "action", action != NULL ? action : "reset");
}

static void old_watchdog(struct native *n)
{
	struct nat_opt *o = nat_first(n, "watchdog");
	if (o == NULL || (!str_eq(o->value, "i6300esb") && !str_eq(o->value, "ib700")))
		return;
	nat_attr(nat_device(n, NAT_WATCHDOG, "watchdog"), "model", o->value);
	o->used = true;
}

static bool is_iothread(const struct nat_opt *o)
{
	return strcmp(o->name, "object") == 0 && str_eq(nat_get(o, "qom-type"), "iothread") &&
	       nat_get(o, "id") != NULL;
}

/* The number in "iothread3"; 0: another name. */
static uint64_t own_number(const char *id)
{
	uint64_t number;
	bool ours =
	    str_prefix(id, "iothread") && str_u64(id + strlen("iothread"), 1u << 20, &number) == 0;
	return ours ? number : 0;
}

/* libvirt numbers them: those with other names come after all that have numbers. */
uint64_t nat_iothread(const struct native *n, const char *id)
{
	uint64_t next = 1;
	for (size_t i = 0; i < n->opts.n; i++)
		if (is_iothread(&n->opts.o[i]) && own_number(nat_get(&n->opts.o[i], "id")) >= next)
			next = own_number(nat_get(&n->opts.o[i], "id")) + 1;
	for (size_t i = 0; i < n->opts.n; i++) {
		const struct nat_opt *o = &n->opts.o[i];
		if (!is_iothread(o))
			continue;
		uint64_t own = own_number(nat_get(o, "id"));
		if (strcmp(nat_get(o, "id"), id) == 0)
			return own > 0 ? own : next;
		next += own == 0;
	}
	return 0;
}

static void iothreads(struct native *n)
{
	unsigned count = 0;
	xmlNode *ids = xmlNewDocNode(n->doc, NULL, (const xmlChar *)"iothreadids", NULL);
	for (size_t i = 0; i < n->opts.n; i++) {
		struct nat_opt *o = &n->opts.o[i];
		if (o->used || !is_iothread(o))
			continue;
		uint64_t number = nat_iothread(n, nat_get(o, "id"));
		nat_begin(n, o);
		nat_take(o, "qom-type");
		nat_take(o, "id");
		if (!nat_end(n, NULL, true))
			continue;
		nat_attru(nat_el(ids, "iothread"), "id", number);
		count++;
	}
	if (count == 0) {
		xmlFreeNode(ids);
		return;
	}
	char text[16];
	snprintf(text, sizeof text, "%u", count);
	xmlAddPrevSibling(n->os,
	    xmlNewDocNode(n->doc, NULL, (const xmlChar *)"iothreads", (const xmlChar *)text));
	xmlAddPrevSibling(n->os, ids);
}

/* libvirt, and we, add what a document does not say that there is none of. */
static void deny_missing(struct native *n)
{
	if (n->groups[NAT_BALLOON]->children == NULL)
		nat_attr(nat_device(n, NAT_BALLOON, "memballoon"), "model", "none");
	if (n->groups[NAT_GRAPHICS]->children != NULL && n->groups[NAT_VIDEO]->children == NULL)
		nat_attr(nat_el(nat_device(n, NAT_VIDEO, "video"), "model"), "type", "none");
}

void nat_misc_options(struct native *n)
{
	express_virtfs(n);
	old_watchdog(n);
	watchdog_action(n);
	iothreads(n);
	deny_missing(n);
}
