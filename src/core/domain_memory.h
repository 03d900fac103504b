/* domain_memory: <maxMemory>, <memoryBacking>, and the memory devices. Owner: struct domain. */
#ifndef CORE_DOMAIN_MEMORY_H
#define CORE_DOMAIN_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/domain_cpu.h"
#include "core/domain_address.h"
#include "core/domain_words.h"
#include "core/numset.h"

#define MEMORY_SLOTS_MAX 256u /* QEMU's bound */
#define MEMORY_PAGES_MAX 64u
/* libvirt's alignment of everything that is RAM on x86: a document that it wrote means the same. */
#define MEMORY_ALIGN_KIB 1024ull
#define MEMORY_PAGE_KIB 4ull /* of x86, where it is not huge */

struct memory_page {
	uint64_t size_kib;
	struct numset cells; /* empty: all that have no other */
	unsigned line;
};
enum memory_source {
	MEMORY_SOURCE_DEFAULT,
	MEMORY_SOURCE_ANONYMOUS,
	MEMORY_SOURCE_FILE,
	MEMORY_SOURCE_MEMFD
};

enum memdev_model {
	MEMDEV_DIMM,
	MEMDEV_NVDIMM,
	MEMDEV_VIRTIO_PMEM,
	MEMDEV_VIRTIO_MEM,
	MEMDEV_SGX_EPC,
	MEMDEV_COUNT
};
struct domain_memdev {
	enum memdev_model model;
	enum memory_access access;
	enum domain_switch discard;
	char *path; /* nvdimm, virtio-pmem */
	uint64_t align_kib;
	bool pmem;
	uint64_t page_kib; /* dimm, virtio-mem; 0 as the rest of the memory */
	struct numset nodes;
	uint64_t size_kib;
	bool has_node;
	unsigned node;      /* the guest's cell */
	uint64_t block_kib; /* virtio-mem; 0 QEMU's default */
	uint64_t requested_kib;
	uint64_t label_kib; /* nvdimm */
	bool readonly;
	char *uuid;                    /* nvdimm, as text */
	char *alias;                   /* see domain_alias.h; NULL none */
	struct domain_address address; /* on the board: its slot and base; else on PCI */
	unsigned line, element;
};

struct domain_memory {
	uint64_t boot_kib; /* what the guest starts with: all but the devices' */
	uint64_t max_kib;  /* <maxMemory>; 0 none */
	unsigned slots;
	enum domain_switch dump_core;
	bool hugepages; /* without `pages`: of the host's default size */
	struct memory_page *pages;
	size_t n_pages;
	bool nosharepages;
	enum memory_source source;
	enum memory_access access;
	bool discard;
	bool immediate;   /* <allocation> */
	unsigned threads; /* that do it; 0 QEMU's default */
	struct domain_memdev *devices;
	size_t n_devices;
};

void domain_memory_fini(struct domain_memory *m);
/* virtio-pmem and virtio-mem sit on PCI; DIMMs in slots of the board; SGX's in the processor. */
bool memdev_in_slot(const struct domain_memdev *m);
bool memdev_on_pci(const struct domain_memdev *m);
const char *memdev_model_name(enum memdev_model m);
/* Are there huge pages under a cell (without cells: 0, all memory)? *page_kib: their size; 0: the host's default. */
bool memory_huge(const struct domain_memory *m, unsigned cell, uint64_t *page_kib);

#endif
