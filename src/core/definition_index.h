/* definition_index: what identifies the stored definitions (name, uuid, MAC addresses), kept in data/caches/definitions so
 * that defining one domain beside thousands does not mean reading them all. It is only a cache: an entry counts while its
 * file has the inode, size and change time that it had when it was read, and was not changed so shortly before that a
 * later change could look the same. A missing, torn or altered file means reading the definitions. */
#ifndef CORE_DEFINITION_INDEX_H
#define CORE_DEFINITION_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/home.h"

#define DEFINITION_INDEX_MACS_MAX 64u /* a definition with more is not indexed */

struct definition_facts {
	char *name;   /* of the file */
	char *inside; /* <name>; NULL: the file does not parse */
	uint64_t ino, size;
	int64_t changed_ns; /* st_ctim */
	bool has_uuid;
	unsigned char uuid[16];
	char **macs;
	size_t n_macs;
};

struct definition_index {
	struct definition_facts *facts; /* in the order of names */
	size_t n;
	size_t fresh;      /* how many had to be read anew */
	int64_t looked_ns; /* CLOCK_REALTIME when the files were looked at */
};

/* All of the store's definitions, from the cache and what has changed since; the cache is renewed where much had changed.
 * use_cache false: all are read. definition_index_fini in every case. */
int definition_index_read(
    const struct home *h, bool use_cache, struct definition_index *index, struct err *err);
void definition_index_fini(struct definition_index *index);

#endif
