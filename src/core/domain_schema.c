/* What may stand in a domain document and what we make of it, as a table; the walk that holds a
 * document against it. Source: libvirt's "Domain XML format". */
#include "core/domain_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

enum rule_kind {
	USED,     /* read by domain_parse */
	KEPT,     /* means nothing to the guest's hardware; kept, with all that is in it */
	IDLE,     /* asks for something that we do not do; the guest's hardware is the same */
	HARDWARE, /* would change the guest's hardware, and is not supported */
};

/* Attributes are words: "name", "!name" as HARDWARE, "~name" as IDLE; any other is unknown. */
struct rule {
	const char *path; /* below <domain> */
	enum rule_kind kind;
	const char *attrs;
};

#define PCI_PLACE "type domain bus slot function multifunction"

static const struct rule rules[] = {
    {"name", USED}, {"uuid", USED}, {"hwuuid", HARDWARE}, {"genid", HARDWARE}, {"title", USED},
    {"description", USED}, {"metadata", KEPT}, {"memory", USED, "unit ~dumpCore"},
    {"currentMemory", USED, "unit"}, {"maxMemory", HARDWARE}, {"memoryBacking", IDLE},
    {"memtune", IDLE}, {"numatune", IDLE}, {"blkiotune", IDLE}, {"cputune", IDLE},
    {"iothreads", IDLE}, {"iothreadids", IDLE}, {"defaultiothread", IDLE}, {"resource", KEPT},
    {"seclabel", IDLE}, {"throttlegroups", IDLE}, {"keywrap", HARDWARE},
    {"launchSecurity", HARDWARE}, {"sysinfo", HARDWARE}, {"bootloader", HARDWARE},
    {"bootloader_args", HARDWARE}, {"idmap", HARDWARE}, {"vcpu", USED, "current placement ~cpuset"},
    {"vcpus", USED}, {"vcpus/vcpu", USED, "id enabled hotpluggable order"},
    {"os", USED, "firmware"}, {"os/type", USED, "arch machine"}, {"os/boot", USED, "dev"},
    {"os/bootmenu", USED, "enable timeout"}, {"os/kernel", USED}, {"os/initrd", USED},
    {"os/cmdline", USED}, {"os/bios", HARDWARE}, {"os/loader", HARDWARE}, {"os/nvram", HARDWARE},
    {"os/firmware", HARDWARE}, {"os/dtb", HARDWARE}, {"os/shim", HARDWARE}, {"os/smbios", HARDWARE},
    {"os/acpi", HARDWARE}, {"os/init", HARDWARE}, {"features", USED}, {"features/acpi", USED},
    {"features/apic", USED, "!eoi"}, {"features/pae", USED}, {"features/vmport", USED, "state"},
    {"features/viridian", HARDWARE}, {"features/hyperv", HARDWARE}, {"features/kvm", HARDWARE},
    {"features/pvspinlock", HARDWARE}, {"features/pmu", HARDWARE}, {"features/hap", KEPT},
    {"features/privnet", KEPT}, {"features/ioapic", HARDWARE}, {"features/smm", HARDWARE},
    {"features/vmcoreinfo", HARDWARE}, {"features/tcg", IDLE},
    {"cpu", USED, "mode match check migratable"}, {"cpu/model", USED, "fallback !vendor_id"},
    {"cpu/vendor", KEPT}, {"cpu/topology", USED, "sockets dies cores threads !clusters"},
    {"cpu/feature", USED, "policy name"}, {"cpu/cache", HARDWARE}, {"cpu/numa", HARDWARE},
    {"cpu/maxphysaddr", HARDWARE}, {"clock", USED, "offset !adjustment !timezone !basis !start"},
    {"clock/timer", USED, "name present tickpolicy !track !mode !frequency"}, {"on_poweroff", USED},
    {"on_reboot", USED}, {"on_crash", USED}, {"on_lockfailure", IDLE}, {"perf", IDLE}, {"pm", USED},
    {"pm/suspend-to-mem", USED, "enabled"}, {"pm/suspend-to-disk", USED, "enabled"},
    {"devices", USED}, {"devices/emulator", USED},
    {"devices/disk", USED, "type device ~snapshot !sgio !rawio !model"},
    {"devices/disk/driver", USED,
        "name type cache io discard detect_zeroes ~error_policy ~rerror_policy !iothread !queues "
        "!queue_size !copy_on_read !event_idx !ioeventfd !packed !ats !iommu !page_per_vq "
        "~discard_no_unref ~metadata_cache ~max_bounce_size"},
    {"devices/disk/source", USED, "file index ~startupPolicy !dev !dir !name !protocol"},
    {"devices/disk/source/seclabel", IDLE},
    {"devices/disk/target", USED, "dev bus ~tray !rotation_rate !removable"},
    {"devices/disk/boot", USED, "order ~loadparm"}, {"devices/disk/readonly", USED},
    {"devices/disk/shareable", USED}, {"devices/disk/serial", USED},
    {"devices/disk/address", USED, PCI_PLACE " controller bus target unit"},
    {"devices/disk/alias", KEPT}, {"devices/disk/backingStore", KEPT},
    {"devices/disk/iotune", IDLE}, {"devices/disk/wwn", HARDWARE},
    {"devices/disk/vendor", HARDWARE}, {"devices/disk/product", HARDWARE},
    {"devices/disk/geometry", HARDWARE}, {"devices/disk/blockio", HARDWARE},
    {"devices/disk/encryption", HARDWARE}, {"devices/disk/auth", HARDWARE},
    {"devices/disk/transient", HARDWARE}, {"devices/disk/mirror", IDLE},
    {"devices/interface", USED, "type ~trustGuestRxFilters managed"},
    {"devices/interface/mac", USED, "address ~type ~check"},
    {"devices/interface/model", USED, "type"}, {"devices/interface/source", IDLE},
    {"devices/interface/target", IDLE}, {"devices/interface/boot", USED, "order"},
    {"devices/interface/link", USED, "state"}, {"devices/interface/address", USED, PCI_PLACE},
    {"devices/interface/alias", KEPT}, {"devices/interface/bandwidth", IDLE},
    {"devices/interface/filterref", IDLE}, {"devices/interface/driver", HARDWARE},
    {"devices/interface/rom", HARDWARE}, {"devices/interface/mtu", HARDWARE},
    {"devices/interface/backend", HARDWARE}, {"devices/interface/ip", IDLE},
    {"devices/interface/portForward", HARDWARE}, {"devices/interface/coalesce", IDLE},
    {"devices/controller", USED, "type index model ports vectors ~queues"},
    {"devices/controller/address", USED, PCI_PLACE}, {"devices/controller/alias", KEPT},
    {"devices/controller/master", USED, "startport"}, {"devices/controller/model", USED, "name"},
    {"devices/controller/target", USED, "chassis port chassisNr busNr hotplug"},
    {"devices/controller/driver", HARDWARE}, {"devices/controller/pcihole64", HARDWARE},
    {"devices/serial", USED, "type tty"}, {"devices/serial/source", USED, "path"},
    {"devices/serial/target", USED, "type port"}, {"devices/serial/target/model", USED, "name"},
    {"devices/serial/log", USED, "file append"}, {"devices/serial/alias", KEPT},
    {"devices/serial/address", USED, "type iobase irq"}, {"devices/console", USED, "type tty"},
    {"devices/console/source", USED, "path"}, {"devices/console/target", USED, "type port"},
    {"devices/console/log", USED, "file append"}, {"devices/console/alias", KEPT},
    {"devices/console/address", USED, "type controller bus port"},
    {"devices/channel", USED, "type"}, {"devices/channel/source", KEPT},
    {"devices/channel/target", USED, "type name state"}, {"devices/channel/alias", KEPT},
    {"devices/channel/address", USED, "type controller bus port"},
    {"devices/graphics", USED,
        "type port autoport listen socket ~passwd ~passwdValidTo ~connected ~keymap ~sharePolicy "
        "~websocket ~powerControl ~defaultMode ~tlsPort"},
    {"devices/graphics/listen", USED, "type address socket network"},
    {"devices/graphics/image", KEPT}, {"devices/video", USED},
    {"devices/video/model", USED, "type vram vram64 ram vgamem heads primary !blob"},
    {"devices/video/model/acceleration", USED, "accel3d accel2d rendernode"},
    {"devices/video/model/resolution", HARDWARE}, {"devices/video/driver", HARDWARE},
    {"devices/video/address", USED, PCI_PLACE}, {"devices/video/alias", KEPT},
    {"devices/input", USED, "type bus !model"}, {"devices/input/address", USED, PCI_PLACE " port"},
    {"devices/input/alias", KEPT}, {"devices/input/driver", HARDWARE},
    {"devices/memballoon", USED, "model !autodeflate !freePageReporting"},
    {"devices/memballoon/stats", USED, "period"}, {"devices/memballoon/address", USED, PCI_PLACE},
    {"devices/memballoon/alias", KEPT}, {"devices/memballoon/driver", HARDWARE},
    {"devices/rng", USED, "model"}, {"devices/rng/rate", USED, "bytes period"},
    {"devices/rng/backend", USED, "model"}, {"devices/rng/address", USED, PCI_PLACE},
    {"devices/rng/alias", KEPT}, {"devices/rng/driver", HARDWARE}, {"devices/panic", USED, "model"},
    {"devices/panic/address", USED, PCI_PLACE " iobase"}, {"devices/panic/alias", KEPT},
    {"devices/watchdog", USED, "model action"}, {"devices/watchdog/address", USED, PCI_PLACE},
    {"devices/watchdog/alias", KEPT},
    {"devices/audio", KEPT}, /* the host's end of sound cards, which are refused */
};

static const struct rule *find_rule(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (strcmp(rules[i].path, path) == 0)
			return &rules[i];
	return NULL;
}

/* Is the word in the list? *mark is what stands before it: '!', '~' or ' '. */
static bool find_attr(const char *list, const char *word, char *mark)
{
	size_t n = strlen(word);
	for (const char *s = list; s != NULL && *s != '\0'; s += strcspn(s, " ")) {
		s += strspn(s, " ");
		*mark = *s == '!' || *s == '~' ? *s++ : ' ';
		if (strcspn(s, " ") == n && memcmp(s, word, n) == 0)
			return true;
	}
	return false;
}

static int check_attrs(struct parse *p, const xmlNode *node, const struct rule *rule)
{
	for (const xmlAttr *a = node->properties; a != NULL; a = a->next) {
		const char *name = (const char *)a->name;
		char mark = ' ';
		if (a->ns != NULL)
			continue;
		if (!find_attr(rule->attrs, name, &mark)) {
			if (p->flags & DOMAIN_PARSE_STRICT)
				parse_warn(
				    p, node, "attribute '%.64s' is not known, kept as it is", name);
		} else if (mark == '!') {
			if (parse_refuse(p, node, "attribute '%s' is not supported", name) < 0)
				return -1;
		} else if (mark == '~') {
			parse_warn(p, node, "attribute '%s' has no effect here", name);
		}
	}
	return 0;
}

static int check_children(struct parse *p, const xmlNode *node, const char *path);

static int check_unknown(struct parse *p, const xmlNode *node, const char *parent)
{
	if (str_eq(parent, "devices"))
		return parse_refuse(p, node, "this kind of device is not supported") < 0 ? -1 : 0;
	if (p->flags & DOMAIN_PARSE_STRICT)
		parse_warn(p, node, "not known, kept as it is");
	return 0;
}

static int check_element(struct parse *p, const xmlNode *node, const char *parent)
{
	CLEANUP_FREE char *path = parent[0] != '\0'
	                              ? xasprintf("%s/%s", parent, (const char *)node->name)
	                              : xstrdup((const char *)node->name);
	const struct rule *rule = find_rule(path);
	if (rule == NULL)
		return check_unknown(p, node, parent);
	switch (rule->kind) {
	case KEPT:
		return 0;
	case IDLE:
		parse_warn(p, node, "has no effect here");
		return 0;
	case HARDWARE:
		return parse_refuse(p, node, "not supported") < 0 ? -1 : 0;
	case USED:
		break;
	}
	if (check_attrs(p, node, rule) < 0)
		return -1;
	return check_children(p, node, path);
}

static int check_children(struct parse *p, const xmlNode *node, const char *path)
{
	for (const xmlNode *n = xml_first(node); n != NULL; n = xml_next(n)) {
		/* Other namespaces: qemu:commandline is read elsewhere, the rest is not ours. */
		if (n->ns == NULL && check_element(p, n, path) < 0)
			return -1;
	}
	return 0;
}

int schema_check(struct parse *p, const xmlNode *root)
{
	return check_children(p, root, "");
}
