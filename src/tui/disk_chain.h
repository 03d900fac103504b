/* disk_chain: an image and those below it, as a pane or a screen tells of them: plain data and its words. Made from
 * disk/img_facts. Owner: the caller; disk_chain_fini. Strings are on the heap and printable, "" where there is nothing. */
#ifndef TUI_DISK_CHAIN_H
#define TUI_DISK_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "disk/img_facts.h"

#define DISK_CHAIN_SHOWN 32 /* images kept; deeper ones are counted */

struct disk_image_facts {
	char *path;
	char *format;                  /* "qcow2"; "" unknown */
	uint64_t capacity, allocation; /* bytes, 0 unknown */
	char *why;                     /* what is wrong with it */
	bool dirty, corrupt, encrypted;
	uint64_t vm_state;
};
struct disk_chain {
	char *path;                      /* of the top one: whose chain it is */
	struct disk_image_facts *images; /* top first */
	size_t n, deeper;
	bool ring;       /* it comes back to itself */
	char *snapshots; /* of the top one: "before-upgrade, clean" */
	size_t n_snapshots;
	uint64_t allocation; /* of all */
};

/* cache: borrowed. format: as the definition says, NULL find out. */
void disk_chain_look(
    struct disk_chain *c, struct img_facts *cache, const char *path, const char *format);
void disk_chain_fini(struct disk_chain *c);
/* "web1.qcow2 4.1G < base.qcow2 2.0G", without folders; on the heap. utf8: with an arrow. */
char *disk_chain_text(const struct disk_chain *c, bool utf8);
/* What is wrong with any of them, "" nothing; on the heap. */
char *disk_chain_trouble(const struct disk_chain *c);

#endif
