#include "kvm/capabilities.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/domain.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/xml.h"

/* --- writing --- */
static void set(xmlNode *node, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void set(xmlNode *node, const char *name, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	CLEANUP_FREE char *value = xvasprintf(fmt, ap);
	va_end(ap);
	xml_set_attr(node, name, value);
}

static xmlNode *add_text(xmlNode *parent, const char *name, const char *text)
{
	xmlNode *node = xml_add_child(parent, name);
	xml_set_text(node, text);
	return node;
}

static xmlNode *add_flag(xmlNode *parent, const char *name, bool yes)
{
	xmlNode *node = xml_add_child(parent, name);
	xml_set_attr(node, "supported", yes ? "yes" : "no");
	return node;
}

static xmlDoc *new_document(const char *root)
{
	xmlDoc *doc = xmlNewDoc((const xmlChar *)"1.0");
	xmlDocSetRootElement(doc, xmlNewDocNode(doc, NULL, (const xmlChar *)root, NULL));
	return doc;
}

static char *finish(xmlDoc *doc)
{
	size_t n;
	return xml_format(doc, &n);
}

/* --- the host --- */
static char *text_of(const char *root, const char *path)
{
	CLEANUP_FREE char *full = xasprintf("%s%s", root, path);
	struct buf b = BUF_INIT;
	(void)file_read(full, 65536, &b, NULL);
	return buf_take(&b);
}

static void add_cpu(xmlNode *host, const struct node *n)
{
	xmlNode *cpu = xml_add_child(host, "cpu");
	struct node_topology t = node_topology(n);
	add_text(cpu, "arch", n->arch);
	if (n->vendor[0])
		add_text(cpu, "vendor",
		    str_eq(n->vendor, "GenuineIntel")   ? "Intel"
		    : str_eq(n->vendor, "AuthenticAMD") ? "AMD"
		                                        : n->vendor);
	if (n->microcode)
		set(xml_add_child(cpu, "microcode"), "version", "%u", n->microcode);
	xmlNode *topology = xml_add_child(cpu, "topology");
	set(topology, "sockets", "%u", t.sockets);
	set(topology, "dies", "1");
	set(topology, "cores", "%u", t.cores);
	set(topology, "threads", "%u", t.threads);
	for (size_t i = 0; i < n->cells[0].n_pages; i++) {
		xmlNode *pages = xml_add_child(cpu, "pages");
		set(pages, "unit", "KiB");
		set(pages, "size", "%llu", (unsigned long long)n->cells[0].pages[i].size_kib);
	}
}

static void add_power(xmlNode *host, const char *root)
{
	xmlNode *power = xml_add_child(host, "power_management");
	CLEANUP_FREE char *state = text_of(root, "/sys/power/state");
	if (strstr(state, "mem"))
		xml_add_child(power, "suspend_mem");
	if (strstr(state, "disk"))
		xml_add_child(power, "suspend_disk");
}

static void add_cell(xmlNode *cells, const struct node *n, const struct node_cell *c)
{
	xmlNode *cell = xml_add_child(cells, "cell");
	unsigned cpus = 0;
	set(cell, "id", "%u", c->id);
	CLEANUP_FREE char *kib = xasprintf("%llu", (unsigned long long)c->memory_kib);
	xml_set_attr(add_text(cell, "memory", kib), "unit", "KiB");
	for (size_t i = 0; i < c->n_pages; i++) {
		CLEANUP_FREE char *total = xasprintf("%llu", (unsigned long long)c->pages[i].total);
		xmlNode *pages = add_text(cell, "pages", total);
		set(pages, "unit", "KiB");
		set(pages, "size", "%llu", (unsigned long long)c->pages[i].size_kib);
	}
	for (size_t i = 0; i < n->n_cpus; i++)
		cpus += n->cpus[i].online && n->cpus[i].cell == c->id;
	xmlNode *list = xml_add_child(cell, "cpus");
	set(list, "num", "%u", cpus);
	for (size_t i = 0; i < n->n_cpus; i++) {
		const struct node_cpu *o = &n->cpus[i];
		if (!o->online || o->cell != c->id)
			continue;
		xmlNode *cpu = xml_add_child(list, "cpu");
		set(cpu, "id", "%zu", i);
		set(cpu, "socket_id", "%u", o->socket);
		set(cpu, "die_id", "%u", o->die);
		set(cpu, "core_id", "%u", o->core);
		set(cpu, "siblings", "%s", o->siblings);
	}
}

static void add_topology(xmlNode *host, const struct node *n)
{
	xmlNode *cells = xml_add_child(xml_add_child(host, "topology"), "cells");
	set(cells, "num", "%zu", n->n_cells);
	for (size_t i = 0; i < n->n_cells; i++)
		add_cell(cells, n, &n->cells[i]);
}

static void add_guest(xmlNode *root, const struct capabilities_guest *g)
{
	if (g->caps == NULL)
		return;
	xmlNode *guest = xml_add_child(root, "guest");
	add_text(guest, "os_type", "hvm");
	xmlNode *arch = xml_add_child(guest, "arch");
	set(arch, "name", "%s", g->arch);
	CLEANUP_FREE char *bits = xasprintf("%u", g->wordsize);
	add_text(arch, "wordsize", bits);
	add_text(arch, "emulator", g->caps->binary);
	for (size_t i = 0; i < g->caps->n_machines; i++) {
		const struct caps_machine *m = &g->caps->machines[i];
		set(add_text(arch, "machine", m->name), "maxCpus", "%u", m->cpus_max);
		if (m->alias == NULL)
			continue;
		xmlNode *alias = add_text(arch, "machine", m->alias);
		set(alias, "canonical", "%s", m->name);
		set(alias, "maxCpus", "%u", m->cpus_max);
	}
	set(xml_add_child(arch, "domain"), "type", "qemu");
	if (g->kvm != NULL && g->kvm->usable)
		set(xml_add_child(arch, "domain"), "type", "kvm");
	xmlNode *features = xml_add_child(guest, "features");
	xmlNode *acpi = xml_add_child(features, "acpi");
	set(acpi, "default", "on");
	set(acpi, "toggle", "yes");
	xmlNode *apic = xml_add_child(features, "apic");
	set(apic, "default", "on");
	set(apic, "toggle", "no");
	if (g->wordsize == 32) {
		xml_add_child(features, "pae");
		xml_add_child(features, "nonpae");
	}
}

char *capabilities_host(const char *root, const struct node *n, const char *uuid,
    const struct capabilities_guest *guests, size_t n_guests)
{
	CLEANUP_XML xmlDoc *doc = new_document("capabilities");
	xmlNode *top = xmlDocGetRootElement(doc), *host = xml_add_child(top, "host");
	CLEANUP_FREE char *groups = xasprintf("%s/sys/kernel/iommu_groups/0", root);
	if (uuid != NULL)
		add_text(host, "uuid", uuid);
	add_cpu(host, n);
	add_power(host, root);
	xml_set_attr(
	    xml_add_child(host, "iommu"), "support", access(groups, F_OK) == 0 ? "yes" : "no");
	add_topology(host, n);
	for (size_t i = 0; i < n_guests; i++)
		add_guest(top, &guests[i]);
	return finish(doc);
}

/* --- domains: what is accepted, found by trying --- */
/* A value of an enum: with which element of <devices> it is tried, and which device QEMU must have (NULL: none). */
struct trial {
	const char *group, *name, *value, *device, *xml;
};

#define DISK(dev, bus, target)                                                                     \
	"<disk type='file' device='" dev "'><source file='/x'/><target dev='" target "' bus='" bus \
	"'/></disk>"
#define VIDEO(model) "<video><model type='" model "'/></video>"
#define RNG(backend) "<rng model='virtio'>" backend "</rng>"
#define TPM(model, backend) "<tpm model='" model "'>" backend "</tpm>"
#define CHANNEL(type, rest) \
	"<channel type='" type "'>" rest "<target type='virtio' name='x.0'/></channel>"

static const struct trial trials[] = {
    {"disk", "diskDevice", "disk", NULL, DISK("disk", "virtio", "vda")},
    {"disk", "diskDevice", "cdrom", "ide-cd", DISK("cdrom", "ide", "hda")},
    {"disk", "diskDevice", "floppy", "floppy", DISK("floppy", "fdc", "fda")},
    {"disk", "diskDevice", "lun", "scsi-block",
        "<disk type='block' device='lun'><source dev='/dev/x'/><target dev='sda' bus='scsi'/></disk>"},
    {"disk", "bus", "ide", "ide-hd", DISK("disk", "ide", "hda")},
    {"disk", "bus", "fdc", "floppy", DISK("floppy", "fdc", "fda")},
    {"disk", "bus", "scsi", "scsi-hd", DISK("disk", "scsi", "sda")},
    {"disk", "bus", "virtio", "virtio-blk-pci", DISK("disk", "virtio", "vda")},
    {"disk", "bus", "usb", "usb-storage", DISK("disk", "usb", "sda")},
    {"disk", "bus", "sata", "ide-hd", DISK("disk", "sata", "sda")},
    {"graphics", "type", "vnc", NULL, "<graphics type='vnc'/>"},
    {"graphics", "type", "spice", NULL, "<graphics type='spice'/>"},
    {"video", "modelType", "vga", "VGA", VIDEO("vga")},
    {"video", "modelType", "cirrus", "cirrus-vga", VIDEO("cirrus")},
    {"video", "modelType", "vmvga", "vmware-svga", VIDEO("vmvga")},
    {"video", "modelType", "qxl", "qxl-vga", VIDEO("qxl")},
    {"video", "modelType", "virtio", "virtio-gpu-pci", VIDEO("virtio")},
    {"video", "modelType", "none", NULL, VIDEO("none")},
    {"video", "modelType", "bochs", "bochs-display", VIDEO("bochs")},
    {"video", "modelType", "ramfb", "ramfb", VIDEO("ramfb")},
    {"hostdev", "subsysType", "usb", "usb-host",
        "<hostdev mode='subsystem' type='usb'><source><vendor id='0x1234'/><product id='0x5678'/></source></hostdev>"},
    {"hostdev", "subsysType", "pci", "vfio-pci",
        "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0' bus='1' slot='0' "
        "function='0'/></source></hostdev>"},
    {"rng", "model", "virtio", "virtio-rng-pci",
        RNG("<backend model='random'>/dev/urandom</backend>")},
    {"rng", "backendModel", "random", "rng-random",
        RNG("<backend model='random'>/dev/urandom</backend>")},
    {"rng", "backendModel", "egd", "rng-egd",
        RNG("<backend model='egd' type='tcp'><source mode='connect' host='h' service='1'/></backend>")},
    {"rng", "backendModel", "builtin", "rng-builtin", RNG("<backend model='builtin'/>")},
    {"filesystem", "driverType", "path", "virtio-9p-pci",
        "<filesystem type='mount'><source dir='/x'/><target dir='t'/></filesystem>"},
    {"filesystem", "driverType", "virtiofs", "vhost-user-fs-pci",
        "<filesystem type='mount'><driver type='virtiofs'/><source dir='/x'/><target dir='t'/></filesystem>"},
    {"tpm", "model", "tpm-tis", "tpm-tis",
        TPM("tpm-tis", "<backend type='emulator' version='2.0'/>")},
    {"tpm", "model", "tpm-crb", "tpm-crb",
        TPM("tpm-crb", "<backend type='emulator' version='2.0'/>")},
    {"tpm", "backendModel", "passthrough", NULL,
        TPM("tpm-tis", "<backend type='passthrough'><device path='/dev/tpm0'/></backend>")},
    {"tpm", "backendModel", "emulator", NULL,
        TPM("tpm-tis", "<backend type='emulator' version='2.0'/>")},
    {"tpm", "backendVersion", "1.2", NULL,
        TPM("tpm-tis", "<backend type='emulator' version='1.2'/>")},
    {"tpm", "backendVersion", "2.0", NULL,
        TPM("tpm-tis", "<backend type='emulator' version='2.0'/>")},
    {"redirdev", "bus", "usb", "usb-redir", "<redirdev bus='usb' type='spicevmc'/>"},
    {"channel", "type", "pty", "virtserialport", CHANNEL("pty", "")},
    {"channel", "type", "unix", "virtserialport", CHANNEL("unix", "")},
    {"channel", "type", "spicevmc", "virtserialport", CHANNEL("spicevmc", "")},
};

static bool accepted(const struct capabilities_machine *m, const char *devices)
{
	struct domain d;
	CLEANUP_FREE char *xml = xasprintf(
	    "<domain type='%s'><name>t</name><memory unit='MiB'>64</memory>"
	    "<os><type arch='%s' machine='%s'>hvm</type></os><features><acpi/></features><memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
	    "<devices>%s</devices></domain>",
	    m->tcg ? "qemu" : "kvm", m->arch, m->machine, devices);
	if (domain_parse(xml, strlen(xml), "t", 0, &d, NULL, NULL) < 0)
		return false;
	domain_fini(&d);
	return true;
}

/* rng-random and the like are objects, which the list of devices does not hold. */
static bool qemu_has(const struct caps *caps, const char *device)
{
	return device == NULL || str_prefix(device, "rng-") || caps_has_device(caps, device);
}

static void add_value(xmlNode *device, const char *name, const char *value)
{
	xmlNode *list = NULL;
	for (xmlNode *n = xml_first(device); n != NULL && list == NULL; n = xml_next(n)) {
		CLEANUP_FREE char *own = xml_attr(n, "name");
		list = str_eq(own, name) ? n : NULL;
	}
	if (list == NULL) {
		list = xml_add_child(device, "enum");
		xml_set_attr(list, "name", name);
	}
	add_text(list, "value", value);
}

static void add_devices(xmlNode *root, const struct capabilities_machine *m)
{
	xmlNode *devices = xml_add_child(root, "devices"), *device = NULL;
	for (size_t i = 0; i < ARRAY_LEN(trials); i++) {
		const struct trial *t = &trials[i];
		if (device == NULL || !xml_is(device, t->group))
			device = add_flag(devices, t->group, false);
		if (!qemu_has(m->caps, t->device) || !accepted(m, t->xml))
			continue;
		xml_set_attr(device, "supported", "yes");
		add_value(device, t->name, t->value);
	}
}

/* --- the rest of it --- */
static void add_os(xmlNode *root)
{
	static const char *const types[] = {"rom", "pflash"};
	xmlNode *os = add_flag(root, "os", true);
	xmlNode *firmware = xml_add_child(os, "enum");
	xml_set_attr(firmware, "name", "firmware");
	if (access("/usr/share/qemu/firmware", F_OK) == 0)
		add_text(firmware, "value", "efi");
	xmlNode *loader = add_flag(os, "loader", true);
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		add_value(loader, "type", types[i]);
	add_value(loader, "readonly", "yes");
	add_value(loader, "readonly", "no");
}

static void add_mode(xmlNode *cpu, const char *name, bool yes)
{
	xmlNode *mode = xml_add_child(cpu, "mode");
	xml_set_attr(mode, "name", name);
	xml_set_attr(mode, "supported", yes ? "yes" : "no");
}

static void add_cpus(xmlNode *root, const struct capabilities_machine *m)
{
	xmlNode *cpu = xml_add_child(root, "cpu");
	add_mode(cpu, "host-passthrough", !m->tcg);
	add_mode(cpu, "maximum", caps_has_cpu(m->caps, "max"));
	add_mode(cpu, "host-model", !m->tcg);
	add_mode(cpu, "custom", true);
	/* Whether a model runs here is asked of QEMU when a guest starts. */
	xmlNode *custom = cpu->last->prev;
	for (size_t i = 0; i < m->caps->cpus.n; i++) {
		xmlNode *model = add_text(custom, "model", m->caps->cpus.name[i]);
		xml_set_attr(model, "usable", "unknown");
		xml_set_attr(model, "vendor", "unknown");
	}
}

static int check_machine(
    struct capabilities_machine *m, const struct caps_machine **found, struct err *err)
{
	if (!m->tcg && (m->kvm == NULL || !m->kvm->usable))
		return err_set(err, ERR_UNSUPPORTED,
		    "KVM cannot be used here: %s; --virttype qemu goes",
		    m->kvm != NULL ? m->kvm->why : "it was not tried");
	if (m->machine == NULL)
		m->machine = "pc";
	*found = caps_machine(m->caps, m->machine);
	if (*found == NULL)
		return err_set(err, ERR_INVALID,
		    "the machine '%s' is not one of '%s'; see: hvmux capabilities", m->machine,
		    m->caps->binary);
	m->machine = (*found)->name;
	return 0;
}

char *capabilities_domain(const struct capabilities_machine *wanted, struct err *err)
{
	struct capabilities_machine m = *wanted;
	const struct caps_machine *machine;
	if (check_machine(&m, &machine, err) < 0)
		return NULL;
	CLEANUP_XML xmlDoc *doc = new_document("domainCapabilities");
	xmlNode *root = xmlDocGetRootElement(doc);
	add_text(root, "path", m.caps->binary);
	add_text(root, "domain", m.tcg ? "qemu" : "kvm");
	add_text(root, "machine", machine->name);
	add_text(root, "arch", m.arch);
	set(xml_add_child(root, "vcpu"), "max", "%u", machine->cpus_max);
	add_flag(root, "iothreads", caps_has_device(m.caps, "virtio-blk-pci"));
	add_os(root);
	add_cpus(root, &m);
	add_devices(root, &m);
	xmlNode *features = xml_add_child(root, "features");
	add_flag(features, "gic", false);
	add_flag(features, "vmcoreinfo", caps_has_device(m.caps, "vmcoreinfo"));
	add_flag(features, "genid", caps_has_device(m.caps, "vmgenid"));
	add_flag(features, "backingStoreInput", true);
	add_flag(features, "backup", false);
	return finish(doc);
}
