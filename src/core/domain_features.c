/* <features>, <pm> into struct domain_features. */
#include "core/domain_features.h"

#include <stdlib.h>
#include <string.h>

#include "core/domain_parse.h"
#include "core/mem.h"
#include "core/str.h"

#define DIRTY_RING_MIN 1024u /* entries; the kernel's bounds */
#define DIRTY_RING_MAX 65536u
#define TSEG_MAX_MIB 65534u /* of QEMU's 16 bits; 65535 has a meaning of its own */

void domain_features_fini(struct domain_features *f)
{
	free(f->hyperv.vendor_id);
	*f = (struct domain_features){0};
}

/* --- hyperv --- */
static const char *const hyperv_names[HV_COUNT] = {
    [HV_RELAXED] = "relaxed",
    [HV_VAPIC] = "vapic",
    [HV_VPINDEX] = "vpindex",
    [HV_RUNTIME] = "runtime",
    [HV_SYNIC] = "synic",
    [HV_STIMER] = "stimer",
    [HV_RESET] = "reset",
    [HV_FREQUENCIES] = "frequencies",
    [HV_REENLIGHTENMENT] = "reenlightenment",
    [HV_TLBFLUSH] = "tlbflush",
    [HV_IPI] = "ipi",
    [HV_EVMCS] = "evmcs",
    [HV_AVIC] = "avic",
    [HV_EMSR_BITMAP] = "emsr_bitmap",
    [HV_XMM_INPUT] = "xmm_input",
};

/* What the hypervisor's own rules want first. */
static const struct {
	enum hyperv_feature feature, needs;
} hyperv_needs[] = {
    {HV_SYNIC, HV_VPINDEX},
    {HV_STIMER, HV_SYNIC},
    {HV_TLBFLUSH, HV_VPINDEX},
    {HV_IPI, HV_VPINDEX},
    {HV_EVMCS, HV_VAPIC},
};

static int parse_hyperv_values(struct parse *p, const xmlNode *node, struct features_hyperv *h)
{
	const xmlNode *spinlocks = xml_child(node, "spinlocks"),
	              *vendor = xml_child(node, "vendor_id");
	const xmlNode *direct = xml_child(xml_child(node, "stimer"), "direct");
	uint64_t retries = 0;
	if (parse_state(p, spinlocks, &h->spinlocks) < 0 ||
	    parse_state(p, vendor, &h->vendor) < 0 ||
	    parse_state(p, direct, &h->stimer_direct) < 0 ||
	    parse_attr_number(p, spinlocks, "retries", HV_SPINLOCKS_MIN, UINT32_MAX, &retries) < 0)
		return -1;
	h->retries = (unsigned)retries;
	if (h->spinlocks == SWITCH_ON && retries == 0)
		return parse_invalid(p, spinlocks, "has no retries");
	h->vendor_id = xml_attr(vendor, "value");
	if (h->vendor == SWITCH_ON &&
	    (h->vendor_id == NULL || strlen(h->vendor_id) > HV_VENDOR_MAX ||
	        !parse_text_ok(h->vendor_id) || strchr(h->vendor_id, ',') != NULL))
		return parse_invalid(p, vendor,
		    "a value of at most %d characters without commas is needed", HV_VENDOR_MAX);
	return 0;
}

static int parse_hyperv(struct parse *p, const xmlNode *node, struct features_hyperv *h)
{
	static const char *const modes[] = {"custom", "passthrough", NULL};
	int mode;
	if (node == NULL)
		return 0;
	if (parse_attr_word(p, node, "mode", modes, 0, &mode) < 0)
		return -1;
	h->passthrough = mode == 1;
	for (unsigned i = 0; i < HV_COUNT; i++)
		if (parse_state(p, xml_child(node, hyperv_names[i]), &h->features[i]) < 0)
			return -1;
	if (parse_hyperv_values(p, node, h) < 0)
		return -1;
	for (size_t i = 0; !h->passthrough && i < ARRAY_LEN(hyperv_needs); i++) {
		enum hyperv_feature f = hyperv_needs[i].feature, needs = hyperv_needs[i].needs;
		if (h->features[f] == SWITCH_ON && h->features[needs] != SWITCH_ON)
			return parse_invalid(p, xml_child(node, hyperv_names[f]),
			    "needs <%s state='on'/>", hyperv_names[needs]);
	}
	return 0;
}

/* --- kvm, tcg, smm, ioapic --- */
static int parse_kvm(struct parse *p, const xmlNode *node, struct domain_features *f)
{
	const xmlNode *ring = xml_child(node, "dirty-ring");
	enum domain_switch on = SWITCH_ABSENT;
	uint64_t size = 0;
	if (parse_state(p, xml_child(node, "hidden"), &f->kvm_hidden) < 0 ||
	    parse_state(p, xml_child(node, "hint-dedicated"), &f->kvm_dedicated) < 0 ||
	    parse_state(p, xml_child(node, "poll-control"), &f->kvm_poll) < 0 ||
	    parse_state(p, xml_child(node, "pv-ipi"), &f->kvm_pv_ipi) < 0 ||
	    parse_state(p, ring, &on) < 0)
		return -1;
	if (on != SWITCH_ON)
		return 0;
	if (parse_attr_number(p, ring, "size", DIRTY_RING_MIN, DIRTY_RING_MAX, &size) < 0)
		return -1;
	if (size == 0 || (size & (size - 1)) != 0)
		return parse_invalid(p, ring, "size has to be a power of two from %u to %u",
		    DIRTY_RING_MIN, DIRTY_RING_MAX);
	f->dirty_ring = (unsigned)size;
	return 0;
}

static int parse_smm(struct parse *p, const xmlNode *node, struct domain_features *f)
{
	const xmlNode *tseg = xml_child(node, "tseg");
	uint64_t kib = 0;
	CLEANUP_FREE char *unit = xml_attr(tseg, "unit");
	if (parse_state(p, node, &f->smm) < 0)
		return -1;
	if (tseg == NULL)
		return 0;
	if (f->smm != SWITCH_ON)
		return parse_invalid(p, tseg, "SMM is switched off");
	if (!domain_is_q35(p->d))
		return parse_invalid(p, tseg, "only machines of the q35 family have one");
	if (unit != NULL) {
		if (parse_kib(p, tseg, TSEG_MAX_MIB * 1024ull, &kib) < 0)
			return -1;
	} else { /* MiB */
		if (parse_text_number(p, tseg, 0, TSEG_MAX_MIB, &kib) < 0)
			return -1;
		kib *= 1024;
	}
	if (kib == 0 || kib % 1024 != 0)
		return parse_invalid(p, tseg, "has to be a multiple of 1 MiB");
	f->tseg_mib = kib / 1024;
	return 0;
}

static int parse_tcg(struct parse *p, const xmlNode *node, struct domain_features *f)
{
	uint64_t kib = 0;
	const xmlNode *cache = xml_child(node, "tb-cache");
	if (parse_kib(p, cache, UINT32_MAX, &kib) < 0)
		return -1;
	if (kib % 1024 != 0 || (cache != NULL && kib == 0))
		return parse_invalid(p, cache, "has to be a multiple of 1 MiB");
	f->tb_cache_mib = kib / 1024;
	return 0;
}

static int parse_pm(struct parse *p, const xmlNode *root, struct domain_features *f)
{
	const xmlNode *pm = xml_child(root, "pm");
	return parse_switch(p, xml_child(pm, "suspend-to-mem"), "enabled", &f->s3) < 0 ||
	               parse_switch(p, xml_child(pm, "suspend-to-disk"), "enabled", &f->s4) < 0
	           ? -1
	           : 0;
}

int features_parse(struct parse *p, const xmlNode *root)
{
	static const char *const ioapics[] = {"", "qemu", "kvm", NULL};
	struct domain_features *f = &p->d->features;
	const xmlNode *node = xml_child(root, "features");
	int ioapic;
	f->acpi = xml_child(node, "acpi") != NULL;
	f->apic = xml_child(node, "apic") != NULL;
	f->pae = xml_child(node, "pae") != NULL;
	if (!f->acpi)
		parse_warn(p, root, "no <acpi/> in <features>: the guest will not hear 'shutdown'");
	if (parse_switch(p, xml_child(node, "apic"), "eoi", &f->eoi) < 0 ||
	    parse_state(p, xml_child(node, "vmport"), &f->vmport) < 0 ||
	    parse_state(p, xml_child(node, "ps2"), &f->ps2) < 0 ||
	    parse_state(p, xml_child(node, "pmu"), &f->pmu) < 0 ||
	    parse_state(p, xml_child(node, "vmcoreinfo"), &f->vmcoreinfo) < 0 ||
	    parse_state(p, xml_child(node, "pvspinlock"), &f->pvspinlock) < 0 ||
	    parse_attr_word(p, xml_child(node, "ioapic"), "driver", ioapics, 0, &ioapic) < 0)
		return -1;
	f->ioapic = (enum features_ioapic)ioapic;
	if (parse_hyperv(p, xml_child(node, "hyperv"), &f->hyperv) < 0 ||
	    parse_kvm(p, xml_child(node, "kvm"), f) < 0 ||
	    parse_smm(p, xml_child(node, "smm"), f) < 0 ||
	    parse_tcg(p, xml_child(node, "tcg"), f) < 0 || parse_pm(p, root, f) < 0)
		return -1;
	return 0;
}
