/* <controller> into struct domain. */
#include "core/domain_impl.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/units.h"

#define XHCI_PORTS_MAX 15    /* QEMU's */
#define SERIAL_PORTS_MAX 511 /* virtio's, and QEMU's default is 31 */
#define VECTORS_MAX 2048     /* MSI-X */
#define NVME_SERIAL_MAX 20   /* bytes; NVMe's Identify Controller */
#define HOLE64_MAX_KIB (1ull << 40)

/* What PCI controllers are made of and may say. */
#define HAS_CHASSIS 1u
#define HAS_PORT 2u
#define HAS_CHASSIS_NR 4u
#define HAS_BUS_NR 8u
#define HAS_HOTPLUG 16u
#define IS_ROOT 32u

static const struct pci_model {
	const char *model;
	unsigned has;
	const char *names; /* QEMU's devices that <model name=…> may name */
} pci_models[] = {
    {"pci-root", IS_ROOT | HAS_HOTPLUG, ""},
    {"pcie-root", IS_ROOT, ""},
    {"pci-bridge", HAS_CHASSIS_NR, " pci-bridge "},
    {"dmi-to-pci-bridge", 0, " i82801b11-bridge "},
    {"pcie-to-pci-bridge", 0, " pcie-pci-bridge "},
    {"pcie-root-port", HAS_CHASSIS | HAS_PORT | HAS_HOTPLUG, " pcie-root-port ioh3420 "},
    {"pcie-switch-upstream-port", 0, " x3130-upstream "},
    {"pcie-switch-downstream-port", HAS_CHASSIS | HAS_PORT | HAS_HOTPLUG, " xio3130-downstream "},
    {"pci-expander-bus", HAS_BUS_NR, " pxb "},
    {"pcie-expander-bus", HAS_BUS_NR, " pxb-pcie "},
};

/* Other types; "" none given. */
static const struct {
	enum controller_type type;
	const char
	    *models; /* NULL-terminated by the string's end, each between spaces; "*" also none */
} other_models[] = {
    {CONTROLLER_USB,
        "* none piix3-uhci piix4-uhci ehci ich9-ehci1 ich9-uhci1 ich9-uhci2 ich9-uhci3 "
        "vt82c686b-uhci pci-ohci nec-xhci qemu-xhci "},
    {CONTROLLER_IDE, "* piix3 piix4 ich6 "},
    {CONTROLLER_SATA, "* ich6 "},
    {CONTROLLER_SCSI,
        "* auto lsilogic lsisas1068 lsisas1078 vmpvscsi virtio-scsi virtio-transitional "
        "virtio-non-transitional dc390 am53c974 "},
    {CONTROLLER_FDC, "* "},
    {CONTROLLER_VIRTIO_SERIAL, "* virtio virtio-transitional virtio-non-transitional "},
    {CONTROLLER_CCID, "* "},
    {CONTROLLER_NVME, "* "},
};

static bool word_in(const char *list, const char *word)
{
	CLEANUP_FREE char *padded = xasprintf(" %s ", word);
	return strchr(word, ' ') == NULL && strstr(list, padded) != NULL;
}

static const struct pci_model *find_pci_model(const char *model)
{
	for (size_t i = 0; i < ARRAY_LEN(pci_models); i++)
		if (strcmp(pci_models[i].model, model) == 0)
			return &pci_models[i];
	return NULL;
}

static bool model_known(enum controller_type type, const char *model)
{
	if (type == CONTROLLER_PCI)
		return find_pci_model(model) != NULL;
	for (size_t i = 0; i < ARRAY_LEN(other_models); i++)
		if (other_models[i].type == type)
			return model[0] == '\0' || word_in(other_models[i].models, model);
	return false;
}

static int parse_kind(struct parse *p, const xmlNode *node, struct domain_controller *c)
{
	CLEANUP_FREE char *type = printable_attr(node, "type");
	CLEANUP_FREE char *model = printable_attr(node, "model");
	int t = 0;
	while (t < CONTROLLER_TYPES &&
	       strcmp(controller_type_name((enum controller_type)t), type) != 0)
		t++;
	if (t == CONTROLLER_TYPES)
		return parse_refuse(p, node, "type='%s' is not supported", type);
	if (!model_known((enum controller_type)t, model))
		return parse_refuse(p, node, "type='%s' model='%s' is not supported", type, model);
	c->type = (enum controller_type)t;
	c->model = model[0] != '\0' ? TAKE_PTR(model) : NULL;
	return 0;
}

/* --- PCI --- */
static int parse_node(struct parse *p, const xmlNode *target, struct domain_controller *c)
{
	const xmlNode *node = xml_child(target, "node");
	CLEANUP_FREE char *text = xml_text(node);
	uint64_t n;
	if (node == NULL)
		return 0;
	if (str_u64(text, 127, &n) < 0)
		return parse_invalid(p, node, "is not the number of a NUMA cell");
	c->node = (int)n;
	return 0;
}

static int parse_target(struct parse *p, const xmlNode *node, struct domain_controller *c)
{
	const struct pci_model *model = find_pci_model(c->model);
	const xmlNode *target = xml_child(node, "target");
	const struct {
		const char *attr;
		unsigned bit, max;
		unsigned *out;
		bool *with;
	} numbers[] = {
	    {"chassis", HAS_CHASSIS, 255, &c->chassis, &c->with_chassis},
	    {"chassisNr", HAS_CHASSIS_NR, 255, &c->chassis, &c->with_chassis},
	    {"port", HAS_PORT, 255, &c->port, &c->with_port},
	    {"busNr", HAS_BUS_NR, 254, &c->bus_nr, NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		CLEANUP_FREE char *value = xml_attr(target, numbers[i].attr);
		if (value == NULL)
			continue;
		if (!(model->has & numbers[i].bit))
			return parse_invalid(
			    p, target, "%s is not for model='%s'", numbers[i].attr, c->model);
		if (parse_number(p, target, numbers[i].attr, numbers[i].max, numbers[i].out) < 0)
			return -1;
		if (numbers[i].with != NULL)
			*numbers[i].with = true;
	}
	if (parse_switch(p, target, "hotplug", &c->hotplug) < 0 || parse_node(p, target, c) < 0)
		return -1;
	if (c->hotplug != SWITCH_ABSENT && !(model->has & HAS_HOTPLUG))
		return parse_invalid(p, target, "hotplug is not for model='%s'", c->model);
	if (c->node >= 0 && !(model->has & HAS_BUS_NR))
		return parse_invalid(p, target, "<node> is for the expander buses only");
	return 0;
}

static int parse_hole64(struct parse *p, const xmlNode *node, struct domain_controller *c)
{
	const xmlNode *hole = xml_child(node, "pcihole64");
	struct err why = {0};
	if (hole == NULL)
		return 0;
	CLEANUP_FREE char *text = xml_text(hole);
	CLEANUP_FREE char *unit = xml_attr(hole, "unit");
	if (units_kib(text, unit, HOLE64_MAX_KIB, &c->pcihole64, &why) < 0)
		return parse_invalid(p, hole, "%s", why.msg);
	c->with_pcihole64 = true;
	if (c->type != CONTROLLER_PCI || !(find_pci_model(c->model)->has & IS_ROOT))
		return parse_invalid(p, hole, "is for pci-root and pcie-root only");
	return 0;
}

static int parse_pci(struct parse *p, const xmlNode *node, struct domain_controller *c)
{
	const struct pci_model *model = find_pci_model(c->model);
	c->model_name = xml_child_attr(node, "model", "name");
	if (c->model_name != NULL && !word_in(model->names, c->model_name))
		return parse_invalid(
		    p, xml_child(node, "model"), "the name does not fit model='%s'", c->model);
	bool root = model->has & IS_ROOT;
	if (root && c->index != 0)
		return parse_invalid(p, node, "model='%s' has index 0", c->model);
	if (!root && c->with_index && c->index == 0)
		return parse_invalid(p, node, "model='%s' has an index of 1 or more", c->model);
	if (root && c->address.type != ADDRESS_NONE)
		return parse_invalid(p, node, "model='%s' has no address", c->model);
	return parse_target(p, node, c);
}

/* --- driver and the like --- */
static int parse_driver(struct parse *p, const xmlNode *node, struct domain_controller *c)
{
	const xmlNode *driver = xml_child(node, "driver");
	bool virtio_scsi =
	    c->type == CONTROLLER_SCSI && c->model != NULL && str_prefix(c->model, "virtio");
	bool virtio = virtio_scsi || c->type == CONTROLLER_VIRTIO_SERIAL;
	if (parse_number(p, driver, "queues", 1024, &c->queues) < 0 ||
	    parse_number(p, driver, "cmd_per_lun", 1u << 30, &c->cmd_per_lun) < 0 ||
	    parse_number(p, driver, "max_sectors", 1u << 30, &c->max_sectors) < 0 ||
	    parse_number(p, driver, "iothread", DOMAIN_IOTHREAD_MAX, &c->iothread) < 0 ||
	    parse_switch(p, driver, "ioeventfd", &c->ioeventfd) < 0 ||
	    parse_switch(p, driver, "iommu", &c->iommu) < 0 ||
	    parse_switch(p, driver, "ats", &c->ats) < 0 ||
	    parse_switch(p, driver, "packed", &c->packed) < 0 ||
	    parse_switch(p, driver, "page_per_vq", &c->page_per_vq) < 0)
		return -1;
	bool scsi_words = c->queues != 0 || c->cmd_per_lun != 0 || c->max_sectors != 0 ||
	                  c->iothread != 0 || c->ioeventfd != SWITCH_ABSENT;
	if (scsi_words && !virtio_scsi)
		return parse_invalid(p, driver,
		    "queues, cmd_per_lun, max_sectors, ioeventfd and iothread are for virtio-scsi only");
	bool virtio_words = c->iommu != SWITCH_ABSENT || c->ats != SWITCH_ABSENT ||
	                    c->packed != SWITCH_ABSENT || c->page_per_vq != SWITCH_ABSENT;
	if (virtio_words && !virtio)
		return parse_invalid(
		    p, driver, "iommu, ats, packed and page_per_vq are for virtio only");
	return 0;
}

static int parse_ports(struct parse *p, const xmlNode *node, struct domain_controller *c)
{
	CLEANUP_FREE char *vectors = xml_attr(node, "vectors");
	bool xhci =
	    c->type == CONTROLLER_USB && c->model != NULL && strstr(c->model, "xhci") != NULL;
	unsigned max = xhci ? XHCI_PORTS_MAX : SERIAL_PORTS_MAX;
	if (parse_number(p, node, "ports", 65535, &c->ports) < 0 ||
	    parse_number(p, node, "vectors", VECTORS_MAX, &c->vectors) < 0)
		return -1;
	c->with_vectors = vectors != NULL;
	if (c->ports > 0 && !xhci && c->type != CONTROLLER_VIRTIO_SERIAL)
		return parse_invalid(p, node, "ports is for virtio-serial and xhci only");
	if (c->ports > max)
		return parse_invalid(p, node, "ports='%u': '%s' has at most %u", c->ports,
		    c->model != NULL ? c->model : "virtio-serial", max);
	if (c->with_vectors && c->type != CONTROLLER_VIRTIO_SERIAL)
		return parse_invalid(p, node, "vectors is for virtio-serial only");
	const xmlNode *master = xml_child(node, "master");
	c->has_master = master != NULL;
	if (master != NULL &&
	    (c->type != CONTROLLER_USB || c->model == NULL || !str_prefix(c->model, "ich9-uhci")))
		return parse_invalid(p, master, "is for USB controllers of model='ich9-uhciN'");
	if (parse_number(p, master, "startport", 15, &c->start_port) < 0)
		return -1;
	return 0;
}

static int parse_serial(struct parse *p, const xmlNode *node, struct domain_controller *c)
{
	const xmlNode *serial = xml_child(node, "serial");
	c->serial = xml_text(serial);
	if (serial == NULL)
		return 0;
	if (c->type != CONTROLLER_NVME)
		return parse_invalid(p, serial, "is for type='nvme' only");
	if (c->serial[0] == '\0' || strlen(c->serial) > NVME_SERIAL_MAX ||
	    !parse_text_ok(c->serial))
		return parse_invalid(p, serial, "is not a line of 1 to %d bytes", NVME_SERIAL_MAX);
	return 0;
}

static int parse_controller(struct parse *p, const xmlNode *node, struct domain_controller *c)
{
	CLEANUP_FREE char *index = xml_attr(node, "index");
	c->node = -1;
	int rc = parse_kind(p, node, c);
	if (rc != 0)
		return rc;
	unsigned allowed = c->type == CONTROLLER_CCID ? ADDRESS_BIT(ADDRESS_USB) : ADDRESS_BIT_PCI;
	if (parse_number(p, node, "index", 255, &c->index) < 0)
		return -1;
	c->with_index = index != NULL;
	rc = parse_address(p, node, allowed, &c->address);
	if (rc == 0)
		rc = parse_ports(p, node, c);
	if (rc == 0)
		rc = parse_driver(p, node, c);
	if (rc == 0 && c->type == CONTROLLER_PCI)
		rc = parse_pci(p, node, c);
	if (rc == 0)
		rc = parse_hole64(p, node, c);
	if (rc == 0)
		rc = parse_serial(p, node, c);
	bool only_one = c->type == CONTROLLER_IDE || c->type == CONTROLLER_FDC;
	if (rc == 0 && only_one && c->index != 0)
		return parse_invalid(p, node, "index='%u': these machines have one %s controller",
		    c->index, controller_type_name(c->type));
	return rc;
}

int controller_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	struct domain_controller *c = DOMAIN_ADD(p->d->controllers, p->d->n_controllers);
	c->line = node_line(node);
	c->element = element;
	c->alias = alias_parse(p, node);
	return parse_controller(p, node, c);
}

/* --- indices --- */
bool usb_is_ich9(const struct domain_controller *c)
{
	return c->type == CONTROLLER_USB && c->model != NULL && str_prefix(c->model, "ich9-");
}

static bool index_taken(const struct domain *d, const struct domain_controller *c, unsigned index)
{
	for (size_t i = 0; i < d->n_controllers; i++) {
		const struct domain_controller *o = &d->controllers[i];
		if (o != c && o->type == c->type && o->with_index && o->index == index)
			return true;
	}
	return false;
}

/* Those of one EHCI have one index: a companion without one belongs to what stands before it. */
static bool index_of_group(const struct domain *d, struct domain_controller *c, size_t at)
{
	if (at == 0 || !usb_is_ich9(c) || !usb_is_ich9(&d->controllers[at - 1]))
		return false;
	unsigned index = d->controllers[at - 1].index;
	for (size_t i = 0; i < at; i++)
		if (usb_is_ich9(&d->controllers[i]) && d->controllers[i].index == index &&
		    strcmp(d->controllers[i].model, c->model) == 0)
			return false;
	c->index = index;
	return true;
}

void controllers_number(struct domain *d)
{
	for (size_t i = 0; i < d->n_controllers; i++) {
		struct domain_controller *c = &d->controllers[i];
		if (c->with_index)
			continue;
		if (!index_of_group(d, c, i)) {
			bool root =
			    c->type != CONTROLLER_PCI || find_pci_model(c->model)->has & IS_ROOT;
			for (c->index = root ? 0 : 1; index_taken(d, c, c->index);)
				c->index++;
		}
		c->with_index = true;
		c->index_made = true;
	}
}
