#include "tui/hw_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "tui/theme.h"
#include "tui/widgets.h"

/* --- documents --- */

/* 0 read, 1 there is none, -1 with trouble. */
static int read_one(const char *path, struct hardware *hw, struct hw_rows *r)
{
	CLEANUP_BUF struct buf xml = BUF_INIT;
	struct err err = {0};
	if (file_read(path, STORE_XML_MAX, &xml, &err) < 0 && err.code == ERR_NOT_FOUND)
		return 1;
	if (err.code == ERR_NONE &&
	    hardware_read(xml.data ? xml.data : "", xml.len, path, hw, &err) == 0)
		return 0;
	free(r->trouble);
	r->trouble = xstrdup(err.msg);
	return -1;
}

/* --- what is known while it runs --- */

static char *disk_text(const struct hardware_part *p, const struct status_page *page)
{
	char a[STR_HUMAN_MAX], b[STR_HUMAN_MAX];
	for (unsigned i = 0; i < page->disks && i < STATUS_DISKS_MAX; i++) {
		const struct status_disk *d = &page->disk[i];
		if (strcmp(p->name, d->target))
			continue;
		str_human(d->rd_bytes, a);
		str_human(d->wr_bytes, b);
		return xasprintf("read %s, written %s", a, b);
	}
	return NULL;
}

static char *net_text(const struct hardware_part *p, const struct status_page *page)
{
	char a[STR_HUMAN_MAX], b[STR_HUMAN_MAX];
	for (unsigned i = 0; i < page->nets && i < STATUS_NETS_MAX; i++) {
		const struct status_net *d = &page->net[i];
		if (strcmp(p->name, d->mac) || !d->known)
			continue;
		str_human(d->rx_bytes, a);
		str_human(d->tx_bytes, b);
		return xasprintf("received %s, sent %s", a, b);
	}
	return NULL;
}

static char *cpu_text(const struct status_page *page)
{
	CLEANUP_FREE char *online = page->vcpus_online && page->vcpus_online < page->vcpus
	                                ? xasprintf(", %u online", page->vcpus_online)
	                                : xstrdup("");
	return xasprintf("%u of %u plugged%s, %s", page->vcpus, page->vcpus_max, online,
	    page->kvm ? "KVM" : "TCG");
}

static char *live_text(const struct hardware_part *p, const struct status_page *page)
{
	char memory[32], wanted[STR_HUMAN_MAX];
	if (!strcmp(p->kind, "disk"))
		return disk_text(p, page);
	if (!strcmp(p->kind, "interface"))
		return net_text(p, page);
	if (!strcmp(p->kind, "cpu"))
		return cpu_text(page);
	if (strcmp(p->kind, "memory") || *p->address || *p->alias || !page->balloon_kib)
		return NULL;
	widget_memory(page->balloon_kib, page->memory_kib, memory);
	str_human(page->balloon_wanted_kib * 1024, wanted);
	return xasprintf("the guest has %s%s%s%s", memory,
	    page->balloon_wanted_kib ? ", is to have " : "", page->balloon_wanted_kib ? wanted : "",
	    page->balloon_auto ? ", follows the host" : "");
}

/* Plugged in, and the guest has not taken it into use. */
static char *advice_text(
    const struct hardware_part *p, const char *name, const struct status_page *page)
{
	char plugged[STR_HUMAN_MAX], online[STR_HUMAN_MAX];
	if (!strcmp(p->kind, "cpu") && page->vcpus_online && page->vcpus_online < page->vcpus)
		return xasprintf(
		    "%u plugged, %u online: in the guest: echo 1 > /sys/devices/system/cpu/cpuN/online; "
		    "or hvmux setvcpus %s %u --guest",
		    page->vcpus, page->vcpus_online, name, page->vcpus);
	if (strcmp(p->kind, "memory") || *p->address || *p->alias || !page->dimm_told ||
	    page->dimm_online_kib >= page->dimm_kib)
		return NULL;
	str_human(page->dimm_kib * 1024, plugged);
	str_human(page->dimm_online_kib * 1024, online);
	return xasprintf("%s plugged, %s online: in the guest: echo online > "
	                 "/sys/devices/system/memory/memoryN/state",
	    plugged, online);
}

/* --- rows --- */

static struct hw_row *add(
    struct hw_rows *r, const struct hardware_part *p, enum hw_mark mark, const char *live)
{
	r->row = xreallocarray(r->row, r->n + 1, sizeof(*r->row));
	struct hw_row *row = &r->row[r->n++];
	*row = (struct hw_row){.part = {xstrdup(p->kind), xstrdup(p->name), xstrdup(p->text),
	                           xstrdup(p->address), xstrdup(p->alias)},
	    .mark = mark,
	    .live = xstrdup(live ? live : ""),
	    .advice = xstrdup("")};
	return row;
}

static void add_now(struct hw_rows *r, const char *name, const struct hardware *now,
    const struct hardware *next, const struct status_page *page)
{
	for (size_t i = 0; i < now->n; i++) {
		const struct hardware_part *p = &now->parts[i];
		bool goes = r->runs && r->defined && !hardware_find(next, p);
		CLEANUP_FREE char *live = page ? live_text(p, page) : NULL;
		struct hw_row *row = add(r, p, goes ? HW_GOES : HW_AS_IS, live);
		char *advice = page ? advice_text(p, name, page) : NULL;
		if (!advice)
			continue;
		free(row->advice);
		row->advice = advice;
	}
}

/* What an operator looks for comes first, what only carries others last. */
static unsigned rank_of(const struct hw_row *r)
{
	static const char *const order[] = {"machine", "cpu", "memory", "numa", "disk", "interface",
	    "hostdev", "filesystem", "redirdev"};
	for (unsigned i = 0; i < ARRAY_LEN(order); i++)
		if (!strcmp(r->part.kind, order[i]))
			return i;
	return ARRAY_LEN(order) + !strcmp(r->part.kind, "controller");
}

/* By insertion: the order of the document stays within a kind, and is nearly that already. */
static void sort_rows(struct hw_rows *r)
{
	for (size_t i = 1; i < r->n; i++) {
		struct hw_row row = r->row[i];
		size_t at = i;
		for (; at > 0 && rank_of(&r->row[at - 1]) > rank_of(&row); at--)
			r->row[at] = r->row[at - 1];
		r->row[at] = row;
	}
}

void hw_rows_read(struct hw_rows *r, const struct home *h, const char *name,
    const struct vm_entry *e, const struct status_page *page)
{
	CLEANUP_FREE char *live_path = home_run_file(h, name, "live.xml");
	CLEANUP_FREE char *next_path = home_domain_xml(h, name);
	struct hardware live = {0}, next = {0};
	memset(r, 0, sizeof(*r));
	r->trouble = xstrdup("");
	r->runs = e && e->live && read_one(live_path, &live, r) == 0;
	r->defined = read_one(next_path, &next, r) == 0;
	add_now(r, name, r->runs ? &live : &next, &next, r->runs ? page : NULL);
	for (size_t i = 0; r->runs && r->defined && i < next.n; i++)
		if (!hardware_find(&live, &next.parts[i]))
			add(r, &next.parts[i], HW_COMES, NULL);
	sort_rows(r);
	hardware_fini(&live);
	hardware_fini(&next);
}

void hw_rows_fini(struct hw_rows *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct hw_row *row = &r->row[i];
		char *const texts[] = {row->part.kind, row->part.name, row->part.text,
		    row->part.address, row->part.alias, row->live, row->advice};
		for (size_t k = 0; k < ARRAY_LEN(texts); k++)
			free(texts[k]);
	}
	free(r->row);
	free(r->trouble);
	memset(r, 0, sizeof(*r));
}

char *hw_row_text(const struct hw_row *r)
{
	static const char marks[] = {[HW_AS_IS] = ' ', [HW_GOES] = '-', [HW_COMES] = '+'};
	static const char *const words[] = {
	    [HW_AS_IS] = "", [HW_GOES] = "until it ends", [HW_COMES] = "from the next start"};
	const struct hardware_part *p = &r->part;
	const char *live = *words[r->mark] ? words[r->mark] : r->live;
	return xasprintf("%c %-11s %-20s %-14s %s%s%s%s", marks[r->mark], p->kind,
	    *p->name ? p->name : "-", *p->address ? p->address : "-", p->text, *live ? "  [" : "",
	    live, *live ? "]" : "");
}

enum style hw_row_style(const struct hw_row *r)
{
	return r->mark != HW_AS_IS || *r->advice ? STYLE_WARN : STYLE_NORMAL;
}
