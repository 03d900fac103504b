/* boot_order: in which order domains are started at the host's boot, and shut down, backwards, at its
 * halt. Pure: no clock, no process; who runs it says when something is done. Owner: whoever called
 * boot_order_init, embedded.
 *
 * A domain waits for all domains of a lower order, and for those that it names as "after", each with its
 * delay. Equal orders go together; domains without an order come last. A domain that others wait
 * for comes no later than they do, whatever its own order. Names that are not in the set are not
 * waited for. */
#ifndef CORE_BOOT_ORDER_H
#define CORE_BOOT_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"

struct boot_entry {
	const char *name;         /* borrowed, as are the names in after */
	unsigned order;           /* from 1; 0 none */
	unsigned delay;           /* seconds after its start until others go on */
	const char *const *after; /* n_after names */
	size_t n_after;
	/* ours */
	unsigned rank;  /* the order that counts; UINT_MAX none */
	unsigned level; /* longer than that of all it waits for; from 0 */
	size_t *needs;  /* indices of after's names; SIZE_MAX: dropped, part of a circle */
	enum { BOOT_WAITS, BOOT_BEGUN, BOOT_DONE } state;
	uint64_t free_ms; /* done: when others may go on */
};

struct boot_order {
	struct boot_entry *entries; /* the caller's */
	size_t n;
};

/* notes (may be NULL): circles that were cut and names that are not in the set, a sentence per line. */
void boot_order_init(struct boot_order *b, struct boot_entry *entries, size_t n, struct buf *notes);
void boot_order_fini(struct boot_order *b);
/* An entry that may begin now, lowest rank and then name first; -1 none. It is the caller's then:
 * boot_order_done must follow. */
ptrdiff_t boot_order_next(struct boot_order *b, uint64_t now_ms);
/* delayed: it came up, so that its delay counts. */
void boot_order_done(struct boot_order *b, size_t i, bool delayed, uint64_t now_ms);
/* Milliseconds until boot_order_next may find one only because time has passed; UINT64_MAX: not by
 * time alone. */
uint64_t boot_order_wait(const struct boot_order *b, uint64_t now_ms);
/* Levels there are: at a halt the highest one is asked first. */
unsigned boot_order_levels(const struct boot_order *b);

#endif
