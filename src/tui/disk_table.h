/* disk_table: a domain's disks as the pane shows them: a row each, and lines below it on chain, snapshots, trouble. A pure
 * function of its facts. Owner: the pane; disk_table_fini. Strings are on the heap and printable, "" where there is nothing. */
#ifndef TUI_DISK_TABLE_H
#define TUI_DISK_TABLE_H

#include "tui/disk_chain.h"
#include "tui/sheet.h"

struct disk_row {
	char *target;             /* "vda" */
	const char *device, *bus; /* "disk", "virtio": libvirt's words */
	const char *format;       /* as defined; "" unknown */
	char *source;             /* a path, "rbd pool/image"; "" an empty drive */
	char *options;            /* "cache none, discard unmap"; "" QEMU's own */
	const char *cache;        /* "" QEMU's own */
	bool file;                /* source is one of this host */
	bool looked;              /* chain is known */
	struct disk_chain chain;
	uint64_t waiting_ms; /* the look has taken so long; 0 it does not */
	/* While it runs. */
	bool counted;                   /* totals and rates are known */
	uint64_t read, written;         /* bytes, of this run */
	uint64_t read_rate, write_rate; /* KiB a second */
	uint64_t wait_us;               /* of a request, in the mean; 0 there was none */
	uint64_t failed;                /* requests */
};
struct disk_table {
	struct disk_row *rows;
	size_t n;
	char *trouble; /* why there are none; NULL none */
};

/* The lines from `first` on; returns how many lines there are in all. row 0 holds the titles. */
unsigned disk_table_draw(const struct disk_table *t, unsigned first, struct sheet *s);
void disk_row_fini(struct disk_row *r);
void disk_table_fini(struct disk_table *t);

#endif
