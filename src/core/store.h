/* store: the definitions on disk, conf/domains/NAME.xml. Every write is atomic; a lock file
 * (conf/.lock) makes check-then-write of names and uuids safe between processes. */
#ifndef CORE_STORE_H
#define CORE_STORE_H

#include "core/buf.h"
#include "core/err.h"
#include "core/file.h"
#include "core/home.h"

#define STORE_XML_MAX \
	(4u << 20) /* bytes of one definition; libvirt's largest are under 100 KiB \
	            */

/* Waits up to 10 s for the lock, and finishes what a power cut left half-done (core/pending.h). Returns a descriptor to
 * close, or -1. */
int store_lock(const struct home *h, struct err *err);
/* Names of the definitions, sorted; *names is a NULL-terminated array on the heap
 * (store_names_free). */
int store_names(const struct home *h, char ***names, size_t *n, struct err *err);
void store_names_free(char **names);
/* The text of one definition, appended to out. ERR_NOT_FOUND. */
int store_read(const struct home *h, const char *name, struct buf *out, struct err *err);
/* Under the lock. */
int store_write(const struct home *h, const char *name, const char *xml, size_t n, struct err *err);
/* The first half of store_write, for many at once: file_commit (core/file.h) writes them all. */
int store_stage(const struct home *h, const char *name, const char *xml, size_t n,
    struct file_staged *s, struct err *err);
int store_remove(const struct home *h, const char *name, struct err *err);

#endif
