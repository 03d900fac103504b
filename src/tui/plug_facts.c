#include "tui/plug_facts.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/domain.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "tui/storage_look.h"

#define NAMES_MAX 500 /* of a folder; more are not offered */

/* --- the document --- */

static void take_disks(struct plug_facts *f, const struct domain *d)
{
	size_t n = 0;
	f->targets = xcalloc(d->n_disks + 1, sizeof(*f->targets));
	f->drives = xcalloc(d->n_disks + 1, sizeof(*f->drives));
	for (size_t i = 0; i < d->n_disks; i++) {
		const struct domain_disk *k = &d->disks[i];
		if (!k->target)
			continue;
		f->targets[n++] = xstrdup(k->target);
		if (k->device != DISK_CDROM && k->device != DISK_FLOPPY)
			continue;
		f->drives[f->n_drives++] = (struct plug_drive){.target = xstrdup(k->target),
		    .floppy = k->device == DISK_FLOPPY,
		    .medium = xstrdup0(k->image.path)};
	}
}

static int take_document(struct plug_facts *f, const char *path, struct err *err)
{
	CLEANUP_BUF struct buf xml = BUF_INIT;
	struct domain d;
	if (file_read(path, STORE_XML_MAX, &xml, err) < 0 ||
	    domain_parse(
	        xml.data ? xml.data : "", xml.len, path, DOMAIN_PARSE_LENIENT, &d, NULL, err) < 0)
		return -1;
	take_disks(f, &d);
	f->vcpus = d.vcpus;
	f->vcpus_max = d.vcpus_max;
	f->memory_kib = d.current_memory_kib;
	f->most_kib = d.memory_kib;
	f->hotplug_memory = d.memory.max_kib > 0 && d.memory.slots > 0;
	domain_fini(&d);
	return 0;
}

/* --- the host --- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names in a folder: those that end with `suffix` (without it), or have a file `with` below them. */
static char **names_in(const char *folder, const char *suffix, const char *with)
{
	char **names = xcalloc(NAMES_MAX + 1, sizeof(*names));
	DIR *d = opendir(folder);
	size_t n = 0, end = suffix ? strlen(suffix) : 0;
	for (struct dirent *e; d && n < NAMES_MAX && (e = readdir(d));) {
		size_t len = strlen(e->d_name);
		CLEANUP_FREE char *below =
		    with ? xasprintf("%s/%s/%s", folder, e->d_name, with) : NULL;
		if (e->d_name[0] == '.' || (below && access(below, F_OK) < 0) ||
		    (suffix && (len <= end || strcmp(e->d_name + len - end, suffix) != 0)))
			continue;
		names[n++] = xstrndup(e->d_name, len - end);
	}
	if (d)
		closedir(d);
	qsort(names, n, sizeof(*names), by_name);
	return names;
}

struct plug_facts *plug_facts_read(
    const struct home *h, const char *domain, bool live, struct err *err)
{
	struct plug_facts *f = xcalloc(1, sizeof(*f));
	CLEANUP_FREE char *next = home_domain_xml(h, domain);
	CLEANUP_FREE char *now = home_run_file(h, domain, "live.xml");
	CLEANUP_FREE char *networks = xasprintf("%s/networks", h->conf);
	storage_home_copy(&f->home, h);
	f->domain = xstrdup(domain);
	f->live = live;
	f->defined = access(next, F_OK) == 0;
	f->networks = names_in(networks, ".xml", NULL);
	f->bridges = names_in("/sys/class/net", NULL, "bridge");
	if (take_document(f, live ? now : next, err) == 0)
		return f;
	plug_facts_free(f);
	return NULL;
}

static void free_names(char **names)
{
	for (size_t i = 0; names && names[i]; i++)
		free(names[i]);
	free(names);
}

void plug_facts_free(void *facts)
{
	struct plug_facts *f = facts;
	for (size_t i = 0; i < f->n_drives; i++) {
		free(f->drives[i].target);
		free(f->drives[i].medium);
	}
	free(f->drives);
	free_names(f->targets);
	free_names(f->networks);
	free_names(f->bridges);
	home_fini(&f->home);
	free(f->domain);
	free(f);
}

void plug_facts_target(const struct plug_facts *f, const char *prefix, char out[16])
{
	for (unsigned k = 0; k < 26 * 27; k++) {
		bool taken = false;
		if (k < 26)
			snprintf(out, 16, "%.4s%c", prefix, 'a' + (int)k);
		else
			snprintf(out, 16, "%.4s%c%c", prefix, 'a' + (int)(k / 26) - 1,
			    'a' + (int)(k % 26));
		for (size_t i = 0; f->targets[i]; i++)
			taken = taken || !strcmp(f->targets[i], out);
		if (!taken)
			return;
	}
}
