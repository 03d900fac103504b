/* domain_meta_impl: what domain_meta.c and domain_meta_console.c share. */
#ifndef CORE_DOMAIN_META_IMPL_H
#define CORE_DOMAIN_META_IMPL_H

#include "core/domain_meta.h"
#include "core/xml.h"

/* Keeps the first thing that is wrong; the rest is read nevertheless. */
struct meta_reading {
	const char *file;
	struct domain_meta *m;
	struct err *err;
	bool failed;
};

void meta_wrong(struct meta_reading *r, const xmlNode *node, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Elements of ours. */
xmlNode *meta_next(xmlNode *node, const char *name);
xmlNode *meta_child(const xmlNode *parent, const char *name);
/* A number in an attribute of node; absent: *out stays. */
void meta_number(struct meta_reading *r, const xmlNode *node, const char *attr, unsigned min,
    unsigned max, unsigned *out);
xmlNode *meta_add(xmlNode *own, const char *name);

/* --- domain_meta_console.c: <trigger>, <respond>, <console> --- */
void meta_console_read(struct meta_reading *r, const xmlNode *own);
void meta_console_put(xmlNode *own, const struct domain_meta *m);
void meta_console_fini(struct domain_meta *m);
bool meta_console_says_nothing(const struct domain_meta *m);

#endif
