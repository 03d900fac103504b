/* hw_rows: a domain's hardware as rows: each device with what is known of it, how the next start differs, and what the guest has
 * not taken into use yet. Owner: the caller; hw_rows_fini. Reads the domain's two documents. */
#ifndef TUI_HW_ROWS_H
#define TUI_HW_ROWS_H

#include "core/hardware.h"
#include "core/home.h"
#include "tui/model.h"

enum hw_mark {
	HW_AS_IS,
	HW_GOES,  /* not in the definition: until it ends */
	HW_COMES, /* from the next start */
};

struct hw_row {
	struct hardware_part part; /* ours */
	enum hw_mark mark;
	char *live;   /* figures of the run; "" none */
	char *advice; /* what is not as it should be, and the command that does it; "" nothing */
};

struct hw_rows {
	struct hw_row *row;
	size_t n;
	bool runs, defined;
	char *trouble; /* a document that cannot be read; "" none */
};

/* e: may be NULL; page: of the run, NULL it does not. */
void hw_rows_read(struct hw_rows *r, const struct home *h, const char *name,
    const struct vm_entry *e, const struct status_page *page);
void hw_rows_fini(struct hw_rows *r);
/* "  disk        vda                  pci 03:00.0    disk virtio qcow2 /images/web1.qcow2  [read 1M, written 2M]"; on the heap. */
char *hw_row_text(const struct hw_row *r);
enum style hw_row_style(const struct hw_row *r);

#endif
