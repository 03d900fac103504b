/* What the machine is made of, as it runs; and what its next start would change. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/file.h"
#include "core/hardware.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "tui/lines.h"
#include "tui/widgets.h"

/* 0 read, 1 there is none, -1 with a line that says why. */
static int read_one(const char *path, struct hardware *hw, struct lines *l)
{
	CLEANUP_BUF struct buf xml = BUF_INIT;
	struct err err = {0};
	if (file_read(path, STORE_XML_MAX, &xml, &err) < 0 && err.code == ERR_NOT_FOUND)
		return 1;
	if (err.code == ERR_NONE &&
	    hardware_read(xml.data ? xml.data : "", xml.len, path, hw, &err) == 0)
		return 0;
	lines_add(l, STYLE_BAD, "  %s", err.msg);
	return -1;
}

/* What is known of a part while it runs. */
static void live_text(
    const struct hardware_part *p, const struct status_page *page, char *out, size_t n)
{
	char a[STR_HUMAN_MAX], b[STR_HUMAN_MAX], memory[32];
	out[0] = '\0';
	for (unsigned i = 0; i < page->disks && i < STATUS_DISKS_MAX; i++) {
		const struct status_disk *d = &page->disk[i];
		if (strcmp(p->kind, "disk") || strcmp(p->name, d->target))
			continue;
		str_human(d->rd_bytes, a);
		str_human(d->wr_bytes, b);
		snprintf(out, n, "read %s, written %s", a, b);
	}
	for (unsigned i = 0; i < page->nets && i < STATUS_NETS_MAX; i++) {
		const struct status_net *d = &page->net[i];
		if (strcmp(p->kind, "interface") || strcmp(p->name, d->mac) || !d->known)
			continue;
		str_human(d->rx_bytes, a);
		str_human(d->tx_bytes, b);
		snprintf(out, n, "received %s, sent %s", a, b);
	}
	if (!strcmp(p->kind, "cpu"))
		snprintf(out, n, "%u of %u plugged, %s", page->vcpus, page->vcpus_max,
		    page->kvm ? "KVM" : "TCG");
	if (!strcmp(p->kind, "memory") && !*p->address && page->balloon_kib) {
		widget_memory(page->balloon_kib, page->memory_kib, memory);
		snprintf(out, n, "the guest has %s", memory);
	}
}

static void part_line(struct lines *l, enum style st, const struct hardware_part *p,
    const char *mark, const char *live)
{
	lines_add(l, st, "%s %-11s %-20s %-14s %s%s%s%s", mark, p->kind, *p->name ? p->name : "-",
	    *p->address ? p->address : "-", p->text, *live ? "  [" : "", live, *live ? "]" : "");
}

static void differences(struct lines *l, const struct hardware *live, const struct hardware *next)
{
	for (size_t i = 0; i < next->n; i++)
		if (!hardware_find(live, &next->parts[i]))
			part_line(l, STYLE_WARN, &next->parts[i], "+", "from the next start");
}

bool lines_hardware(struct app *app, const char *name, bool whole, struct lines *l)
{
	CLEANUP_FREE char *live_path = home_run_file(app->home, name, "live.xml");
	CLEANUP_FREE char *next_path = home_domain_xml(app->home, name);
	const struct vm_entry *e = model_find(app->model, name);
	struct hardware live = {0}, next = {0};
	char words[128];
	(void)whole;
	lines_clear(l);
	bool runs = e && e->live && read_one(live_path, &live, l) == 0;
	bool defined = read_one(next_path, &next, l) == 0;
	const struct status_page *page = runs ? model_page(app->model, e) : NULL;
	const struct hardware *now = runs ? &live : &next;
	if (!runs && !defined)
		lines_add(l, STYLE_DIM, "  nothing is known of its hardware");
	else
		lines_add(l, STYLE_COLUMNS, "  %-11s %-20s %-14s %s%s", "DEVICE", "NAME", "ADDRESS",
		    "WHAT", runs ? "" : "   (as defined; it is off)");
	if (e && (*e->group || *e->tags || e->protect))
		lines_add(l, STYLE_NORMAL, "  %-11s %s%s%s%s%s", "hvmux", *e->group ? "group " : "",
		    e->group, *e->group ? "  " : "", e->tags,
		    e->protect ? "  protected from deletion" : "");
	for (size_t i = 0; i < now->n; i++) {
		bool goes = runs && defined && !hardware_find(&next, &now->parts[i]);
		words[0] = '\0';
		if (page)
			live_text(&now->parts[i], page, words, sizeof(words));
		part_line(l, goes ? STYLE_WARN : STYLE_NORMAL, &now->parts[i], goes ? "-" : " ",
		    goes ? "until the next start" : words);
	}
	if (runs && defined)
		differences(l, &live, &next);
	hardware_fini(&live);
	hardware_fini(&next);
	return true;
}
