#include "tui/plug_menu.h"

#include <stdlib.h>
#include <string.h>

#include "cli/table.h"
#include "core/mem.h"
#include "tui/actions.h"
#include "tui/plug_forms.h"
#include "tui/plug_host.h"
#include "tui/view_pick.h"

static const struct {
	const char *key, *label, *note, *verb;
	const char *option; /* that the verb has to have; NULL any */
	void (*open)(struct app *app, const char *domain);
} items[] = {
    {"d", "disk", "an image or a device of the host", "attach-disk", NULL, plug_form_disk},
    {"n", "network card", "on a bridge, a network, or through QEMU", "attach-interface", NULL,
        plug_form_nic},
    {"v", "vCPUs", "more or fewer", "setvcpus", NULL, plug_form_vcpus},
    {"b", "memory by the balloon", "give and take of what it has", "setmem", NULL,
        plug_form_balloon},
    {"m", "memory device", "a DIMM or virtio-mem: more than it had", "attach-device", "xml",
        plug_form_memory},
    {"c", "CD or floppy", "insert, change, eject", "change-media", NULL, plug_form_drive},
    {"u", "USB device", "of the host, from a list", "attach-host-device", NULL, plug_host_usb},
    {"p", "PCI device", "of the host, from a list", "attach-host-device", NULL, plug_host_pci},
    {"x", "device from a file", "any element of <devices>", "attach-device", NULL, plug_form_file},
};

struct menu {
	char *domain;
	unsigned which[ARRAY_LEN(items)]; /* of items */
};

static void menu_free(void *arg)
{
	struct menu *m = arg;
	free(m->domain);
	free(m);
}

static void picked(struct app *app, void *arg, unsigned which)
{
	const struct menu *m = arg;
	items[m->which[which]].open(app, m->domain);
}

void plug_menu_open(struct app *app, const char *domain)
{
	struct pick_item shown[ARRAY_LEN(items)];
	struct menu *m = xcalloc(1, sizeof(*m));
	unsigned n = 0;
	CLEANUP_FREE char *title = xasprintf("%s: plug, or change what it has", domain);
	m->domain = xstrdup(domain);
	for (unsigned i = 0; i < ARRAY_LEN(items); i++) {
		const struct verb *v = verb_find(items[i].verb);
		if (!v || (items[i].option &&
		              !opt_find(v->opts, items[i].option, strlen(items[i].option))))
			continue;
		shown[n] = (struct pick_item){
		    .key = items[i].key, .label = items[i].label, .note = items[i].note};
		m->which[n++] = i;
	}
	if (app->options->readonly || !n) {
		app_message(app, STYLE_ERROR, "%s",
		    n ? "this dashboard is read only: nothing is plugged"
		      : "nothing can be plugged");
		menu_free(m);
		return;
	}
	view_pick_open(app, title, shown, n, picked, m, menu_free);
}
