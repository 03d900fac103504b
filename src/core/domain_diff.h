/* domain_diff: what a running domain's next start changes: its live document held against its definition, as plain words.
 * Reads elements by name, so that a device of any kind is compared; what a start itself fills in (aliases, names of taps,
 * ports, terminals, labels) is no difference. Owner: whoever called domain_diff_read. Pure. */
#ifndef CORE_DOMAIN_DIFF_H
#define CORE_DOMAIN_DIFF_H

#include <stddef.h>

#include "core/err.h"

#define DOMAIN_DIFF_MAX 4096u /* differences; more are not told */

enum domain_diff_kind {
	DIFF_CHANGES, /* `setting` is `now`, and `next` from the next start on; either NULL: it is not given */
	DIFF_COMES, /* the device is there from the next start on; next: what it is */
	DIFF_GOES   /* … until the next start; now: what it is */
};

struct domain_diff_item {
	enum domain_diff_kind kind;
	char *device;  /* "disk vda", "interface 52:54:00:…"; what is no device: "vcpu", "os" */
	char *setting; /* "driver cache", "link state"; "" the thing itself */
	char *now, *next;
};

struct domain_diff {
	struct domain_diff_item *item;
	size_t n;
};

/* Documents of `name`, the live one first. On failure *d holds nothing. */
int domain_diff_read(const char *live, size_t live_n, const char *next, size_t next_n,
    const char *name, struct domain_diff *d, struct err *err);
void domain_diff_fini(struct domain_diff *d);
const char *domain_diff_kind_name(enum domain_diff_kind k); /* "changes", "comes", "goes" */

#endif
