/* PCI devices' names, from the list that distributions have (pci.ids: a maker's line, then its devices' after a tab). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/host_devices.h"

#define LINE_MAX_BYTES 512
#define SHOWN_MAX 80 /* bytes of a name */

static FILE *open_list(void)
{
	static const char *const lists[] = {"/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids"};
	FILE *f = NULL;
	for (size_t i = 0; f == NULL && i < ARRAY_LEN(lists); i++)
		f = fopen(lists[i], "re");
	return f;
}

static void take_name(char **to, const char *text)
{
	size_t n = strcspn(text, "\n");
	if (*to == NULL && n > 0)
		*to = str_printable(text, n, SHOWN_MAX);
}

/* "8086  Intel Corporation", "\t10d3  82574L Gigabit Network Connection". */
static void take_line(struct host_devices *l, const char *line, unsigned *maker)
{
	unsigned id;
	int end = -1;
	bool product = line[0] == '\t';
	if (line[0] == '#' || (product && line[1] == '\t') ||
	    sscanf(line + product, "%4x%n", &id, &end) != 1 || end != 4)
		return;
	const char *text = line + product + end + strspn(line + product + end, " ");
	if (!product)
		*maker = id;
	for (size_t i = 0; i < l->n; i++) {
		struct host_device *d = &l->list[i];
		if (d->bus != HOST_PCI || d->vendor != *maker)
			continue;
		if (!product)
			take_name(&d->maker, text);
		else if (d->product == id)
			take_name(&d->name, text);
	}
}

void host_devices_name(struct host_devices *l)
{
	char line[LINE_MAX_BYTES];
	unsigned maker = ~0u;
	FILE *f = open_list();
	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		if (line[0] == 'C' && line[1] == ' ')
			break; /* classes */
		take_line(l, line, &maker);
	}
	if (f != NULL)
		fclose(f);
}
