/* snapshots: all snapshots of a domain: data/snapshots/DOMAIN/NAME.xml, a document each (core/snapshot.h), and .current, a
 * symbolic link to the document of the current one. Owner: whoever called snapshots_load.
 *
 * Every write leaves whole documents and a whole tree, whenever it is cut off. Who writes holds the store's lock
 * (core/store.h), or carries out a plan, of which there is one at a time per domain. */
#ifndef CORE_SNAPSHOTS_H
#define CORE_SNAPSHOTS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/buf.h"
#include "core/home.h"
#include "core/snapshot.h"

#define SNAPSHOTS_MAX 65536u /* of a domain */
#define SNAPSHOTS_NONE ((size_t)-1)

struct snapshots {
	struct snapshot
	    *v; /* by name, as strcmp has it; without domain and inactive: snapshots_read */
	size_t n;
	size_t current;     /* SNAPSHOTS_NONE: none is */
	size_t *parent;     /* of each; SNAPSHOTS_NONE: a root, or its parent is not here */
	struct buf trouble; /* what could not be read: a sentence per line */
};

/* An absent folder has none. A document that cannot be read is left out and told in trouble; parents that go round in a circle are cut
 * there. -1: the folder cannot be read. snapshots_fini in every case. */
int snapshots_load(const struct home *h, const char *domain, struct snapshots *s, struct err *err);
void snapshots_fini(struct snapshots *s);
/* How many there are, by their files alone. */
size_t snapshots_count(const struct home *h, const char *domain);

size_t snapshots_find(const struct snapshots *s, const char *name); /* SNAPSHOTS_NONE */
/* The same in virsh's words: "Domain snapshot not found: no domain snapshot with matching name 'x'". */
int snapshots_need(const struct snapshots *s, const char *name, size_t *i, struct err *err);
size_t snapshots_children(const struct snapshots *s, size_t i);
/* Is `i` below `above`, at any depth? */
bool snapshots_is_below(const struct snapshots *s, size_t i, size_t above);
/* All, parents before their children, those of one parent by name: indices, s->n of them, on the heap. */
size_t *snapshots_topological(const struct snapshots *s);

/* The documents' folder and the path of one; on the heap. name must have passed snapshot_name_check. */
char *snapshots_dir(const struct home *h, const char *domain);
char *snapshots_path(const struct home *h, const char *domain, const char *name);
/* Of the copy of the firmware's variables: s->nvram, or, where that is NULL, the one that a new snapshot's should get. */
char *snapshots_nvram_path(const struct home *h, const char *domain, const struct snapshot *s);

/* One read and written. ERR_NOT_FOUND in virsh's words. */
int snapshots_read(const struct home *h, const char *domain, const char *name, struct snapshot *s,
    struct err *err);
/* A document under the name that it holds: `fresh` refuses to replace one (ERR_EXISTS); current: it becomes the current one, as the
 * last step. */
int snapshots_write(const struct home *h, const char *domain, const struct snapshot *s, bool fresh,
    bool current, struct err *err);
/* name NULL: none is. */
int snapshots_set_current(
    const struct home *h, const char *domain, const char *name, struct err *err);
/* The document and the copy of the variables go; its children get its parent, and when it was current so does that mark. 0 also when it is not there.
 * The last one takes the folder with it. */
int snapshots_remove(const struct home *h, const char *domain, const char *name, struct err *err);

#endif
