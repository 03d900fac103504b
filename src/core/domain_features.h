/* domain_features: <features>, <pm>. Owner: struct domain. */
#ifndef CORE_DOMAIN_FEATURES_H
#define CORE_DOMAIN_FEATURES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/domain_words.h"

/* Enlightenments that are on or off, in QEMU's order of their properties. */
enum hyperv_feature {
	HV_RELAXED,
	HV_VAPIC,
	HV_VPINDEX,
	HV_RUNTIME,
	HV_SYNIC,
	HV_STIMER,
	HV_RESET,
	HV_FREQUENCIES,
	HV_REENLIGHTENMENT,
	HV_TLBFLUSH,
	HV_IPI,
	HV_EVMCS,
	HV_AVIC,
	HV_EMSR_BITMAP,
	HV_XMM_INPUT,
	HV_COUNT
};

#define HV_SPINLOCKS_MIN 4095u
#define HV_VENDOR_MAX 12

struct features_hyperv {
	bool passthrough; /* all that the host's KVM has */
	enum domain_switch features[HV_COUNT];
	enum domain_switch spinlocks, vendor, stimer_direct;
	unsigned retries; /* of spinlocks */
	char *vendor_id;  /* at most 12 characters */
};

enum features_ioapic { IOAPIC_DEFAULT, IOAPIC_QEMU, IOAPIC_KVM };

struct domain_features {
	bool acpi, apic, pae;
	enum domain_switch eoi, vmport, pmu, smm, vmcoreinfo, pvspinlock, ps2;
	uint64_t tseg_mib; /* 0 none given */
	enum features_ioapic ioapic;
	struct features_hyperv hyperv;
	enum domain_switch kvm_hidden, kvm_dedicated, kvm_poll, kvm_pv_ipi;
	unsigned dirty_ring;       /* entries, 0 none */
	uint64_t tb_cache_mib;     /* of TCG, 0 QEMU's default */
	enum domain_switch s3, s4; /* <pm> */
};

void domain_features_fini(struct domain_features *f);

#endif
