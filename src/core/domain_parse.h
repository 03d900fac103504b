/* domain_parse: helpers of all parsing beyond those in domain_impl.h, and the parts of the document outside <devices>;
 * for the files of domain_*.c alone. */
#ifndef CORE_DOMAIN_PARSE_H
#define CORE_DOMAIN_PARSE_H

#include "core/domain_impl.h"

/* A value as a message may show it; on the heap. */
char *parse_shown(const char *value);
/* An element's text as a decimal number within min..max; node NULL leaves *out. */
int parse_text_number(
    struct parse *p, const xmlNode *node, uint64_t min, uint64_t max, uint64_t *out);
/* The same of an attribute; absent leaves *out. */
int parse_attr_number(struct parse *p, const xmlNode *node, const char *attr, uint64_t min,
    uint64_t max, uint64_t *out);
/* An element's text with its unit, in KiB rounded up, at most max_kib; node NULL leaves *out. */
int parse_kib(struct parse *p, const xmlNode *node, uint64_t max_kib, uint64_t *out);
/* An attribute as a set of numbers under end; absent leaves *out. */
int parse_set(
    struct parse *p, const xmlNode *node, const char *attr, unsigned end, struct numset *out);
/* The state of a feature: <NAME state='on|off'/>, on when there is no state; node NULL: absent. */
int parse_state(struct parse *p, const xmlNode *node, enum domain_switch *out);
/* Every child element of this name, or NULL. */
const xmlNode *parse_next(const xmlNode *parent, const xmlNode *after, const char *name);

/* A part of the document each, from <domain> or an element of it; NULL elements are absent ones. */
int cpu_parse(struct parse *p, const xmlNode *root);
int numa_parse(struct parse *p, const xmlNode *numa);
int memory_parse(struct parse *p, const xmlNode *root);
int os_parse(struct parse *p, const xmlNode *root);
int sysinfo_parse(struct parse *p, const xmlNode *root);
int features_parse(struct parse *p, const xmlNode *root);
int clock_parse(struct parse *p, const xmlNode *root);
int tune_parse(struct parse *p, const xmlNode *root);
int security_parse(struct parse *p, const xmlNode *root);
int qemu_parse(struct parse *p, const xmlNode *root);

/* When <devices> is read too: sums of memory, what its parts want of one another. */
int memory_finish(struct parse *p, const xmlNode *root);
int memdev_check(struct parse *p);
int os_check(struct parse *p, const xmlNode *root);
int tune_check(struct parse *p, const xmlNode *root);

/* domain_memdev.c: <memory> of <devices>; slots for DIMMs that have none. */
int memdev_parse(struct parse *p, const xmlNode *node, unsigned element);
void memdev_complete(struct domain_memory *m);
void memory_drop_element(struct domain_memory *m, unsigned element);

#endif
