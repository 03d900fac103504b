/* The host: what it has, what the running VMs were promised of it, and where it hurts. */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "tui/host_detail.h"
#include "tui/lines.h"
#include "tui/widgets.h"

#define HURTS 1000 /* hundredths of a per cent of 10 s: pressure worth a colour */

struct promised {
	unsigned vms, vcpus;
	uint64_t memory_kib, used_kib;
	uint32_t cpu_permille;
};

static struct promised promised_of(struct model *m)
{
	struct promised p = {0};
	unsigned n;
	struct vm_entry **vms = model_vms(m, &n);
	for (unsigned i = 0; i < n; i++)
		if (vms[i]->live) {
			p.vms++;
			p.vcpus += vms[i]->vcpus;
			p.memory_kib += vms[i]->memory_kib;
			p.used_kib += vms[i]->used_shown;
			p.cpu_permille += vms[i]->cpu_shown;
		}
	return p;
}

/* "2.5" times, by integers. */
static void times_text(uint64_t part, uint64_t whole, char out[32])
{
	uint64_t tenths = whole ? (part * 10 + whole / 2) / whole : 0;
	snprintf(out, 32, "%llu.%llu", (unsigned long long)(tenths / 10),
	    (unsigned long long)(tenths % 10));
}

static void pressure_line(struct lines *l, const struct host_detail *h)
{
	const struct {
		const char *name;
		const struct host_pressure *p;
	} all[] = {{"cpu", &h->cpu}, {"memory", &h->memory}, {"io", &h->io}};
	CLEANUP_BUF struct buf b = BUF_INIT;
	bool hurts = false;
	if (!h->cpu.known && !h->memory.known && !h->io.known) {
		lines_add(l, STYLE_DIM,
		    "  %-11s not kept by this kernel (psi=1 at its boot turns it on)", "pressure");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		const struct host_pressure *p = all[i].p;
		hurts = hurts || p->some >= HURTS;
		buf_addf(&b, "%s%s %u.%02u%%", i ? "   " : "", all[i].name, p->some / 100,
		    p->some % 100);
		if (p->full)
			buf_addf(&b, " (all waiting %u.%02u%%)", p->full / 100, p->full % 100);
	}
	lines_add(l, hurts ? STYLE_WARN : STYLE_NORMAL, "  %-11s %s   (of the last 10 s)",
	    "pressure", b.data);
}

static void memory_lines(
    struct lines *l, struct app *app, const struct host_detail *h, const struct promised *p)
{
	char host[32], vms[32], times[32], swap[32];
	widget_memory(app->host.mem_used_kib, app->host.mem_kib, host);
	widget_memory(p->used_kib, p->memory_kib, vms);
	times_text(p->memory_kib, app->host.mem_kib, times);
	widget_memory(h->swap_kib - h->swap_free_kib, h->swap_kib, swap);
	bool over = p->memory_kib > app->host.mem_kib;
	lines_add(l, STYLE_NORMAL, "  %-11s %s used   swap %s%s", "memory", host,
	    h->swap_kib ? swap : "none", h->ksm_pages ? "   KSM shares pages" : "");
	lines_add(l, over ? STYLE_WARN : STYLE_NORMAL,
	    "  %-11s %s of %u running VM%s: %s times the host's%s", "", p->vms ? vms : "0", p->vms,
	    p->vms == 1 ? "" : "s", times, over ? ", overcommitted" : "");
	for (unsigned i = 0; i < h->n_pages; i++) {
		const struct host_pages *g = &h->pages[i];
		char size[STR_HUMAN_MAX];
		str_human(g->size_kib * 1024, size);
		lines_add(l, g->total ? STYLE_NORMAL : STYLE_DIM,
		    "  %-11s %siB: %llu, %llu free%s%s", i ? "" : "hugepages", size,
		    (unsigned long long)g->total, (unsigned long long)g->free,
		    i == 0 && *h->thp ? "   transparent: " : "", i == 0 ? h->thp : "");
	}
}

bool lines_host(struct app *app, const char *name, bool whole, struct lines *l)
{
	struct host_detail h;
	struct promised p = promised_of(app->model);
	char times[32], busy[16], vms[16];
	(void)name, (void)whole;
	host_detail_read(&h, "");
	lines_clear(l);
	times_text(p.vcpus, h.cpus, times);
	widget_permille(app->host.cpu_shown, busy);
	widget_permille(p.cpu_permille, vms);
	lines_add(l, STYLE_COLUMNS, "  HOST        %s", app->host.name);
	lines_add(l, STYLE_NORMAL, "  %-11s %u online, %s%% busy, load %s   %s", "processors",
	    h.cpus, busy, app->host.load, h.model);
	lines_add(l, p.vcpus > h.cpus * 4 ? STYLE_WARN : STYLE_NORMAL,
	    "  %-11s %u vCPUs of %u running VM%s: %s times the host's, %s%% used", "", p.vcpus,
	    p.vms, p.vms == 1 ? "" : "s", times, vms);
	memory_lines(l, app, &h, &p);
	for (unsigned i = 0; i < h.n_nodes; i++) {
		char memory[32];
		widget_memory(
		    h.nodes[i].total_kib - h.nodes[i].free_kib, h.nodes[i].total_kib, memory);
		lines_add(l, STYLE_NORMAL, "  %-11s node %u: processors %s, memory %s",
		    i ? "" : "NUMA", h.nodes[i].id, *h.nodes[i].cpus ? h.nodes[i].cpus : "none",
		    memory);
	}
	pressure_line(l, &h);
	lines_add(l, strstr(h.kvm, "can be") ? STYLE_NORMAL : STYLE_WARN,
	    "  %-11s %s   (v: everything that the host has and lacks)", "KVM", h.kvm);
	return true;
}
