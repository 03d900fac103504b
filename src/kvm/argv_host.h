/* argv_host: what a command line needs to know of this host, gathered for argv_build, which asks nobody; and what has to
 * be there before a start. Owner: whoever builds a command line; it outlives the struct argv_in that it fills. */
#ifndef KVM_ARGV_HOST_H
#define KVM_ARGV_HOST_H

#include "core/home.h"
#include "kvm/argv.h"

struct argv_host {
	struct firmware firmware;
	char *ram_dir;
	struct smbios_field *fields; /* this host's own, of <smbios mode='host'/> */
	size_t n_fields;
};

/* Fills in->firmware, ram_dir, now, utc_offset, host_smbios, sev_*. NOT_FOUND: no firmware that fits. */
int argv_host_init(struct argv_host *x, const struct home *h, const struct domain *d,
    const struct caps *c, struct argv_in *in, struct err *err);
void argv_host_fini(struct argv_host *x);

/* Before a start: variables of the firmware, folders and files for QEMU; refuses what this host lacks: NUMA nodes, huge
 * pages, encrypted memory. */
int argv_host_prepare(const struct argv_host *x, const struct home *h, const struct domain *d,
    const struct argv_in *in, struct err *err);

#endif
