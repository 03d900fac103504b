/* plug_host: devices of the host, to be given to a domain: listed by a command, picked from a list in which those that the host
 * itself lives on say so and cannot be picked. */
#ifndef TUI_PLUG_HOST_H
#define TUI_PLUG_HOST_H

#include "tui/app.h"
#include "tui/form.h"

void plug_host_usb(struct app *app, const char *domain);
void plug_host_pci(struct app *app, const char *domain);

struct plug_host_device {
	char *address, *label, *note;
	char *refused; /* why the host keeps it; NULL it does not */
};
/* What `hvmux host-devices --json` has printed; returns how many, in *all on the heap (plug_host_free). Text is made printable. */
size_t plug_host_parse(const char *json, size_t n, struct plug_host_device **all);
void plug_host_free(struct plug_host_device *all, size_t n);

extern const struct form_spec plug_spec_host; /* for tests */

#endif
