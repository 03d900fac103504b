/* plug_facts: what the forms of hot-plug have to know of a domain and the host: read from its document and from folders, quickly,
 * when a form opens. Owner: the form; plug_facts_free. */
#ifndef TUI_PLUG_FACTS_H
#define TUI_PLUG_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/home.h"

struct plug_drive {
	char *target;
	bool floppy;
	char *medium; /* path or URL; NULL it is empty */
};

struct plug_facts {
	struct home home;
	char *domain;
	bool live, defined;
	char **targets; /* of all disks: NULL-terminated */
	struct plug_drive *drives;
	size_t n_drives;
	unsigned vcpus, vcpus_max;
	uint64_t memory_kib, most_kib; /* now at the balloon's; what it may become */
	bool hotplug_memory;           /* it has <maxMemory> */
	char **networks, **bridges;    /* of the host; NULL-terminated */
};

/* live: whether the domain runs. NULL with why: its document cannot be read. */
struct plug_facts *plug_facts_read(
    const struct home *h, const char *domain, bool live, struct err *err);
void plug_facts_free(void *facts);
/* The first of "vda", "vdb" … that no disk has. */
void plug_facts_target(const struct plug_facts *f, const char *prefix, char out[16]);

#endif
