/* domstats: virsh's keys, from the status pages alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/dispatch.h"
#include "cli/facts.h"
#include "cli/out.h"
#include "core/buf.h"
#include "core/mem.h"
#include "core/vm.h"

struct groups {
	bool state, cpu, balloon, vcpu, net, block;
};

/* A key is written once, for both forms: "  block.0.rd.reqs=12" and {"block": [{"rd_reqs": 12}]} have different
 * shapes, so the sink takes either. */
struct sink {
	struct buf *text;         /* virsh's form, or NULL */
	struct json_object *json; /* the object that members go to, or NULL */
};

/* Thousands of lines come from a host's domstats: without printf it takes half the time. */
static void text_value(struct buf *b, uint64_t value)
{
	buf_addc(b, '=');
	buf_addu(b, value);
	buf_addc(b, '\n');
}

static void text_item(struct buf *b, const char *group, unsigned i, const char *key)
{
	buf_adds(b, "  ");
	buf_adds(b, group);
	buf_addc(b, '.');
	buf_addu(b, i);
	buf_addc(b, '.');
	buf_adds(b, key);
}

static void put_u64(
    const struct sink *s, const char *virsh_key, const char *json_key, uint64_t value)
{
	if (s->text) {
		buf_adds(s->text, "  ");
		buf_adds(s->text, virsh_key);
		text_value(s->text, value);
	} else {
		out_add_u64(s->json, json_key, value);
	}
}

/* The members of one element: "block.0." in front of virsh's keys, an object of its own in JSON. */
static void put_item_u64(const struct sink *s, const char *group, unsigned i, const char *key,
    const char *json_key, uint64_t value)
{
	if (s->text) {
		text_item(s->text, group, i, key);
		text_value(s->text, value);
	} else {
		out_add_u64(s->json, json_key, value);
	}
}

static void put_item_str(const struct sink *s, const char *group, unsigned i, const char *key,
    const char *json_key, const char *value)
{
	if (s->text) {
		text_item(s->text, group, i, key);
		buf_addc(s->text, '=');
		buf_adds(s->text, value);
		buf_addc(s->text, '\n');
	} else {
		out_add_str(s->json, json_key, value);
	}
}

/* In JSON an array under key, to which item_sink adds; in text the count. */
static struct json_object *put_list(const struct sink *s, const char *key)
{
	struct json_object *list = s->text ? NULL : json_object_new_array();
	if (list)
		json_object_object_add(s->json, key, list);
	return list;
}

static struct sink item_sink(const struct sink *s, struct json_object *list)
{
	struct sink item = {s->text, NULL};
	if (list) {
		item.json = json_object_new_object();
		json_object_array_add(list, item.json);
	}
	return item;
}

static void put_state(const struct sink *s, const struct vm *vm)
{
	if (s->text) {
		put_u64(s, "state.state", NULL, facts_virsh_state(vm));
		put_u64(s, "state.reason", NULL, facts_virsh_reason(vm));
		if (vm->silent)
			put_u64(s, "hvmux.silent", NULL, 1);
		if (vm->head && vm->head->badge)
			put_u64(s, "hvmux.badge", NULL, vm->head->badge);
	}
}

static void put_cpu(const struct sink *s, const struct status_page *p)
{
	put_u64(s, "cpu.time", "cpu_time_ns", p->cpu_ns);
	put_u64(s, "cpu.user", "cpu_user_ns", p->user_ns);
	put_u64(s, "cpu.system", "cpu_system_ns", p->system_ns);
}

static void put_balloon(const struct sink *s, const struct status_page *p)
{
	put_u64(
	    s, "balloon.current", "balloon_kib", p->balloon_kib ? p->balloon_kib : p->memory_kib);
	put_u64(s, "balloon.maximum", "memory_kib", p->memory_kib);
	if (p->guest_free_kib)
		put_u64(s, "balloon.unused", "guest_free_kib", p->guest_free_kib);
	if (p->guest_available_kib)
		put_u64(s, "balloon.available", "guest_available_kib", p->guest_available_kib);
	if (p->rss_kib)
		put_u64(s, "balloon.rss", "rss_kib", p->rss_kib);
}

static void put_vcpus(const struct sink *s, const struct status_page *p)
{
	unsigned n = p->vcpus < STATUS_VCPUS_MAX ? p->vcpus : STATUS_VCPUS_MAX;
	put_u64(s, "vcpu.current", "vcpus", p->vcpus);
	put_u64(s, "vcpu.maximum", "vcpus_max", p->vcpus_max);
	struct json_object *list = put_list(s, "vcpu");
	for (unsigned i = 0; i < n; i++) {
		struct sink item = item_sink(s, list);
		if (s->text)
			put_item_u64(&item, "vcpu", i, "state", NULL, 1); /* VIR_VCPU_RUNNING */
		put_item_u64(&item, "vcpu", i, "time", "time_ns", p->vcpu_ns[i]);
	}
}

static void put_nets(const struct sink *s, const struct status_page *p)
{
	struct json_object *list = put_list(s, "net");
	if (s->text)
		put_u64(s, "net.count", NULL, p->nets);
	for (unsigned i = 0; i < p->nets; i++) {
		const struct status_net *d = &p->net[i];
		struct sink item = item_sink(s, list);
		if (d->target[0])
			put_item_str(&item, "net", i, "name", "name", d->target);
		else if (!s->text)
			out_add_str(item.json, "name", NULL);
		if (!s->text)
			out_add_str(item.json, "mac", d->mac);
		if (!d->known) /* QEMU's user networking counts nothing: no key rather than a zero */
			continue;
		put_item_u64(&item, "net", i, "rx.bytes", "rx_bytes", d->rx_bytes);
		put_item_u64(&item, "net", i, "rx.pkts", "rx_packets", d->rx_pkts);
		put_item_u64(&item, "net", i, "tx.bytes", "tx_bytes", d->tx_bytes);
		put_item_u64(&item, "net", i, "tx.pkts", "tx_packets", d->tx_pkts);
	}
}

static void put_disk(const struct sink *s, unsigned i, const struct status_disk *d)
{
	put_item_str(s, "block", i, "name", "target", d->target);
	if (d->path[0])
		put_item_str(s, "block", i, "path", "path", d->path);
	put_item_u64(s, "block", i, "rd.reqs", "rd_reqs", d->rd_ops);
	put_item_u64(s, "block", i, "rd.bytes", "rd_bytes", d->rd_bytes);
	put_item_u64(s, "block", i, "rd.times", "rd_time_ns", d->rd_ns);
	put_item_u64(s, "block", i, "wr.reqs", "wr_reqs", d->wr_ops);
	put_item_u64(s, "block", i, "wr.bytes", "wr_bytes", d->wr_bytes);
	put_item_u64(s, "block", i, "wr.times", "wr_time_ns", d->wr_ns);
	put_item_u64(s, "block", i, "fl.reqs", "fl_reqs", d->fl_ops);
	put_item_u64(s, "block", i, "fl.times", "fl_time_ns", d->fl_ns);
	if (d->allocation)
		put_item_u64(s, "block", i, "allocation", "allocation_bytes", d->allocation);
	if (d->capacity)
		put_item_u64(s, "block", i, "capacity", "capacity_bytes", d->capacity);
	if (d->physical)
		put_item_u64(s, "block", i, "physical", "physical_bytes", d->physical);
}

static void put_disks(const struct sink *s, const struct status_page *p)
{
	struct json_object *list = put_list(s, "block");
	if (s->text)
		put_u64(s, "block.count", NULL, p->disks);
	for (unsigned i = 0; i < p->disks; i++) {
		struct sink item = item_sink(s, list);
		put_disk(&item, i, &p->disk[i]);
	}
}

/* An inactive VM has a definition and no figures: virsh tells what it is configured with. */
static void put_defined(const struct sink *s, const struct groups *g, const struct domain *d)
{
	if (g->balloon) {
		put_u64(s, "balloon.current", "balloon_kib", d->current_memory_kib);
		put_u64(s, "balloon.maximum", "memory_kib", d->memory_kib);
	}
	if (g->vcpu) {
		put_u64(s, "vcpu.current", "vcpus", d->vcpus);
		put_u64(s, "vcpu.maximum", "vcpus_max", d->vcpus_max);
	}
	if (!g->block)
		return;
	struct json_object *list = put_list(s, "block");
	if (s->text)
		put_u64(s, "block.count", NULL, d->n_disks);
	for (unsigned i = 0; i < d->n_disks; i++) {
		struct sink item = item_sink(s, list);
		put_item_str(&item, "block", i, "name", "target",
		    d->disks[i].target ? d->disks[i].target : "");
		if (d->disks[i].image.path)
			put_item_str(&item, "block", i, "path", "path", d->disks[i].image.path);
	}
}

static void put_vm(
    const struct sink *s, const struct home *h, const struct groups *g, const struct vm *vm)
{
	const struct status_page *p = vm->head;
	struct domain d;
	if (g->state)
		put_state(s, vm);
	if (!vm->live) {
		if ((g->balloon || g->vcpu || g->block) &&
		    facts_definition(h, vm->name, &d, NULL) == 0) {
			put_defined(s, g, &d);
			domain_fini(&d);
		}
		return;
	}
	if (!p)
		return;
	if (g->cpu)
		put_cpu(s, p);
	if (g->balloon)
		put_balloon(s, p);
	if (g->vcpu)
		put_vcpus(s, p);
	if (g->net)
		put_nets(s, p);
	if (g->block)
		put_disks(s, p);
}

static struct groups wanted_groups(const struct cli *c)
{
	struct groups g = {
	    .state = cli_flag(c, "state"),
	    .cpu = cli_flag(c, "cpu-total"),
	    .balloon = cli_flag(c, "balloon"),
	    .vcpu = cli_flag(c, "vcpu"),
	    .net = cli_flag(c, "interface"),
	    .block = cli_flag(c, "block"),
	};
	if (!g.state && !g.cpu && !g.balloon && !g.vcpu && !g.net && !g.block)
		g = (struct groups){true, true, true, true, true, true};
	return g;
}

static void print_stats(const struct cli *c, const struct vm *vms, size_t n)
{
	struct groups g = wanted_groups(c);
	struct json_object *all = c->json ? json_object_new_array() : NULL;
	CLEANUP_BUF struct buf text = BUF_INIT;
	for (size_t i = 0; i < n; i++) {
		struct sink s = {all ? NULL : &text, all ? json_object_new_object() : NULL};
		if (all) {
			facts_add_json(s.json, &vms[i]);
			json_object_array_add(all, s.json);
		} else
			buf_addf(&text, "Domain: '%s'\n", vms[i].name);
		put_vm(&s, &c->home, &g, &vms[i]);
		if (!all && i + 1 < n)
			buf_addc(&text, '\n');
	}
	if (all)
		out_json(all);
	else
		fputs(text.data ? text.data : "", stdout);
}

static bool selected(const struct cli *c, const struct facts_filter *f, const struct vm *vm)
{
	bool active = cli_flag(c, "list-active"), inactive = cli_flag(c, "list-inactive");
	if (active != inactive && active != vm->live)
		return false;
	return facts_pass(f, vm);
}

static int load_all(struct cli *c, struct vm **chosen, size_t *kept, struct err *err)
{
	struct facts_filter f = {
	    .running = cli_flag(c, "list-running"),
	    .paused = cli_flag(c, "list-paused"),
	    .shutoff = cli_flag(c, "list-shutoff"),
	    .other = cli_flag(c, "list-other"),
	    .persistent = cli_flag(c, "list-persistent"),
	    .transient = cli_flag(c, "list-transient"),
	};
	struct vm *vms;
	size_t n, at = 0;
	if (vm_list(&c->home, &vms, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (selected(c, &f, &vms[i]))
			vms[at++] = vms[i];
		else
			vm_fini(&vms[i]);
	}
	facts_sort(vms, at);
	*chosen = vms;
	*kept = at;
	return 0;
}

static int load_named(struct cli *c, const char *const *words, unsigned n, struct vm **chosen,
    size_t *kept, struct err *err)
{
	*chosen = xcalloc(n, sizeof(**chosen));
	for (*kept = 0; *kept < n; (*kept)++) {
		CLEANUP_FREE char *name = vm_resolve(&c->home, words[*kept], err);
		if (!name || vm_probe(&c->home, name, &(*chosen)[*kept], err) < 0) {
			vm_list_free(*chosen, *kept);
			return -1;
		}
	}
	return 0;
}

int verb_domstats(struct cli *c)
{
	struct err err = {0};
	struct vm *vms;
	size_t n;
	unsigned named;
	const char *const *words = cli_values(c, "domain", &named);
	int rc = named ? load_named(c, words, named, &vms, &n, &err) : load_all(c, &vms, &n, &err);
	if (rc < 0) {
		out_error("%s", err.msg);
		return CLI_FAILED;
	}
	print_stats(c, vms, n);
	fflush(stdout);
	if (!c->readonly)
		vm_adopt_all(&c->home, vms, n);
	vm_list_free(vms, n);
	return CLI_DONE;
}
