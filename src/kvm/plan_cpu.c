/* Processors plugged and unplugged: setvcpus, setvcpu.
 *
 * A vCPU's number is that of its place on the board, in the order of socket, die, core, thread, as query-hotpluggable-cpus tells the
 * places and the command line gives them out. Those that QEMU made from -smp have no id and stay; those that were plugged are "vcpuN". */
#include <stdlib.h>
#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/numset.h"
#include "core/str.h"
#include "core/xml.h"
#include "kvm/plan_edit.h"

#define QUERY "query-hotpluggable-cpus"
#define VCPU_ID_MAX 16 /* "vcpu4095" */

/* --- the board's places, as QEMU tells them --- */
static const char *const key_names[] = {
    "socket-id", "die-id", "cluster-id", "core-id", "thread-id"};
#define KEYS ARRAY_LEN(key_names)

struct slot {
	int64_t key[KEYS];
	struct json_object *props; /* borrowed from the fact */
	const char *type;
	bool on, plugged; /* plugged: with an id of its own, so that it can go again */
};

struct slots {
	struct slot *slot;
	unsigned n;
};

static int compare_slots(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;
	for (size_t i = 0; i < KEYS; i++)
		if (x->key[i] != y->key[i])
			return x->key[i] < y->key[i] ? -1 : 1;
	return 0;
}

static int read_slot(struct json_object *o, struct slot *s, struct err *err)
{
	const char *path = json_get_str(o, "qom-path");
	s->props = json_get_obj(o, "props");
	s->type = json_get_str(o, "type");
	s->on = path != NULL;
	s->plugged = path != NULL && str_prefix(path, "/machine/peripheral/vcpu");
	for (size_t i = 0; i < KEYS; i++)
		s->key[i] = json_get_int(s->props, key_names[i], 0);
	if (s->props == NULL || s->type == NULL)
		return err_set(err, ERR_INVALID, "QEMU's answer to " QUERY " is not understood");
	if (json_get_int(o, "vcpus-count", 1) != 1)
		return err_set(err, ERR_UNSUPPORTED,
		    "this machine plugs several vCPUs at once, which is not supported");
	return 0;
}

static int read_slots(const struct plan_in *in, struct slots *all, struct err *err)
{
	struct json_object *list = plan_fact(in, QUERY);
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	if (n == 0)
		return err_set(err, ERR_UNSUPPORTED,
		    "domain '%s': its machine '%s' cannot plug vCPUs while it runs; with --config the number changes at the next start",
		    in->name, in->live->machine != NULL ? in->live->machine : "default");
	if (n != in->live->vcpus_max)
		return err_set(err, ERR_INVALID,
		    "QEMU has places for %zu vCPUs, the document of what runs says %u", n,
		    in->live->vcpus_max);
	all->slot = xcalloc(n, sizeof *all->slot);
	all->n = (unsigned)n;
	for (size_t i = 0; i < n; i++)
		if (read_slot(json_object_array_get_idx(list, i), &all->slot[i], err) < 0)
			return -1;
	qsort(all->slot, n, sizeof *all->slot, compare_slots);
	return 0;
}

/* --- documents --- */
struct vcpus_edit {
	const struct cpu_vcpu *vcpus; /* NULL: no list */
	unsigned max, on;
};

static void write_vcpu(xmlNode *list, unsigned id, const struct cpu_vcpu *v)
{
	CLEANUP_FREE char *number = xasprintf("%u", id), *order = xasprintf("%u", v->order);
	xmlNode *n = xml_add_child(list, "vcpu");
	xml_set_attr(n, "id", number);
	xml_set_attr(n, "enabled", v->enabled ? "yes" : "no");
	xml_set_attr(n, "hotpluggable", v->hotpluggable || !v->enabled ? "yes" : "no");
	if (v->enabled && v->order > 0)
		xml_set_attr(n, "order", order);
}

static void write_vcpus(void *arg, xmlNode *root)
{
	const struct vcpus_edit *e = arg;
	CLEANUP_FREE char *max = xasprintf("%u", e->max), *on = xasprintf("%u", e->on);
	xmlNode *vcpu = xml_need_child(root, "vcpu"), *list = xml_child(root, "vcpus");
	xml_set_text(vcpu, max);
	if (e->on < e->max)
		xml_set_attr(vcpu, "current", on);
	else
		xmlUnsetProp(vcpu, BAD_CAST "current");
	if (list != NULL)
		xml_remove(list);
	if (e->vcpus == NULL)
		return;
	list = xml_add_after(root, vcpu, "vcpus");
	for (unsigned i = 0; i < e->max; i++)
		write_vcpu(list, i, &e->vcpus[i]);
}

/* A copy as a list, also of a document without one: the first ones are enabled, and for good. */
static struct cpu_vcpu *list_vcpus(const struct domain *d, unsigned max)
{
	struct cpu_vcpu *v = xcalloc(max, sizeof *v);
	for (unsigned i = 0; i < max; i++) {
		if (d->cpu.vcpus != NULL && i < d->vcpus_max)
			v[i] = d->cpu.vcpus[i];
		else
			v[i] = (struct cpu_vcpu){.enabled = d->cpu.vcpus == NULL && i < d->vcpus,
			    .hotpluggable = d->cpu.vcpus != NULL || i >= d->vcpus};
	}
	return v;
}

/* --- what runs --- */
static void add_props(struct json_object *args, struct json_object *props)
{
	json_object_object_foreach(props, key, value)
	{
		json_object_object_add(args, key, json_object_get(value));
	}
}

static struct json_object *plug_args(const struct slot *s, const char *id)
{
	struct json_object *args = plan_args("driver", s->type, "id", id, NULL);
	add_props(args, s->props);
	return args;
}

/* The guest has to let go of it. */
static void set_unplug(struct plan_action *a, const char *id)
{
	plan_action_set(a, PLAN_QMP, "device_del", plan_args("id", id, NULL));
	a->until = xstrdup("DEVICE_DELETED");
	a->match = plan_args("device", id, NULL);
}

/* Without KVM, QEMU 7.2 breaks its own heap when a vCPU is unplugged: it goes on, and dies in the next device_add (seen in
 * cpu_address_space_init). So no emulated one is taken out, also not to undo. */
static bool may_unplug(const struct plan_in *in)
{
	return in->live->type == DOMAIN_KVM;
}

static void add_plug(const struct plan_in *in, struct plan *p, const struct slot *s, unsigned id)
{
	char alias[VCPU_ID_MAX];
	snprintf(alias, sizeof alias, "vcpu%u", id);
	struct plan_step *step = plan_add(p, "plug vCPU %u", id);
	plan_action_set(&step->does, PLAN_QMP, "device_add", plug_args(s, alias));
	if (may_unplug(in))
		set_unplug(&step->undo, alias);
	else if (p->n == 1)
		p->commit = 1; /* what follows the first one can be done as well as that */
}

static void add_unplug(struct plan *p, const struct slot *s, unsigned id)
{
	char alias[VCPU_ID_MAX];
	snprintf(alias, sizeof alias, "vcpu%u", id);
	struct plan_step *step = plan_add(p, "the guest gives vCPU %u back", id);
	set_unplug(&step->does, alias);
	plan_action_set(&step->undo, PLAN_QMP, "device_add", plug_args(s, alias));
	step->advice = xasprintf(
	    "the guest has not given vCPU %u back: it may be busy booting, or know no hot-plug of processors; in a Linux guest"
	    " 'echo 0 > /sys/devices/system/cpu/cpu%u/online' says why; try again, or change the number with --config and restart it",
	    id, id);
}

static bool guest_runs(const struct plan_in *in)
{
	return json_get_bool(plan_fact(in, "query-status"), "running", 1);
}

static int change_slot(const struct plan_in *in, struct plan *p, const struct slots *all,
    unsigned id, bool want, struct err *err)
{
	const struct slot *s = &all->slot[id];
	if (s->on == want)
		return 0;
	if (want) {
		add_plug(in, p, s, id);
		return 0;
	}
	if (!s->plugged)
		return err_set(err, ERR_STATE,
		    "vCPU %u was there when domain '%s' started and cannot be unplugged; the guest can stop using it: hvmux guestvcpus %s --cpulist %u --disable",
		    id, in->name, in->name, id);
	if (!may_unplug(in))
		return err_set(err, ERR_UNSUPPORTED,
		    "domain '%s' is emulated (type='qemu'), and QEMU does not outlive the unplugging of an emulated vCPU for long:"
		    " it is not done; the guest can stop using it: hvmux guestvcpus %s --cpulist %u --disable",
		    in->name, in->name, id);
	if (!guest_runs(in))
		return err_set(err, ERR_STATE,
		    "domain '%s' is paused: its guest cannot give a vCPU back; resume it first",
		    in->name);
	add_unplug(p, s, id);
	return 0;
}

/* The order of plugging, which a restored guest needs: those from the start, those that were plugged, those that are now. */
static void number_orders(
    struct cpu_vcpu *v, const struct slots *all, const bool *want, const struct domain *live)
{
	unsigned order = 0;
	for (unsigned i = 0; i < all->n; i++)
		if (v[i].enabled && !v[i].hotpluggable)
			v[i].order = ++order;
	for (unsigned k = 1; k <= live->vcpus_max && live->cpu.vcpus != NULL; k++)
		for (unsigned i = 0; i < all->n; i++)
			if (all->slot[i].plugged && want[i] && live->cpu.vcpus[i].order == k)
				v[i].order = ++order;
	for (unsigned i = 0; i < all->n; i++)
		if (v[i].enabled && v[i].order == 0)
			v[i].order = ++order;
}

static char *live_text(
    const struct plan_in *in, const struct slots *all, const bool *want, struct err *err)
{
	struct vcpus_edit e = {.max = all->n};
	CLEANUP_FREE struct cpu_vcpu *v = xcalloc(all->n, sizeof *v);
	for (unsigned i = 0; i < all->n; i++) {
		v[i].enabled = want[i];
		v[i].hotpluggable = !want[i] || !all->slot[i].on || all->slot[i].plugged;
		e.on += want[i];
	}
	number_orders(v, all, want, in->live);
	e.vcpus = v;
	return plan_edit(in->live, in->name, write_vcpus, &e, err);
}

/* Steps for all that differs, and the document. */
static int change_live(const struct plan_in *in, struct plan *p, const struct slots *all,
    const bool *want, char **text, struct err *err)
{
	/* Back to front: the last plugged goes first. */
	for (unsigned i = all->n; i-- > 0;)
		if (!want[i] && change_slot(in, p, all, i, false, err) < 0)
			return -1;
	for (unsigned i = 0; i < all->n; i++)
		if (want[i] && change_slot(in, p, all, i, true, err) < 0)
			return -1;
	if (p->n == 0)
		return 0;
	*text = live_text(in, all, want, err);
	return *text != NULL ? 0 : -1;
}

/* --- setvcpus --- */
static int choose_count(
    const struct plan_in *in, const struct slots *all, unsigned count, bool *want, struct err *err)
{
	unsigned on = 0;
	for (unsigned i = 0; i < all->n; i++)
		on += want[i] = all->slot[i].on;
	for (unsigned i = 0; i < all->n && on < count; i++)
		if (!want[i]) {
			want[i] = true;
			on++;
		}
	for (unsigned i = all->n; i-- > 0 && on > count;)
		if (want[i] && all->slot[i].plugged) {
			want[i] = false;
			on--;
		}
	if (on == count)
		return 0;
	return err_set(err, ERR_STATE,
	    "domain '%s' has %u vCPUs from its start, which cannot be unplugged: %u is the least while it runs;"
	    " the guest can stop using some: hvmux setvcpus %s %u --guest",
	    in->name, on, on, in->name, count);
}

static int count_live(
    const struct plan_in *in, struct plan *p, unsigned count, char **text, struct err *err)
{
	struct slots all = {0};
	if (count > in->live->vcpus_max)
		return err_set(err, ERR_INVALID,
		    "invalid argument: requested vcpus is greater than max allowable vcpus for the live domain: %u > %u"
		    " (hvmux setvcpus %s %u --maximum --config, and a restart)",
		    count, in->live->vcpus_max, in->name, count);
	int rc = read_slots(in, &all, err);
	CLEANUP_FREE bool *want = xcalloc(in->live->vcpus_max, sizeof *want);
	if (rc == 0)
		rc = choose_count(in, &all, count, want, err);
	if (rc == 0)
		rc = change_live(in, p, &all, want, text, err);
	free(all.slot);
	return rc;
}

static void enable_defined(struct cpu_vcpu *v, unsigned i, bool hotpluggable)
{
	for (unsigned k = 0; k < i; k++) /* fixed ones come first */
		hotpluggable = hotpluggable || (v[k].enabled && v[k].hotpluggable);
	v[i].enabled = true;
	v[i].hotpluggable = hotpluggable;
}

static char *count_defined(const struct plan_in *in, unsigned count, struct err *err)
{
	const struct domain *d = in->config;
	bool hotpluggable = json_get_bool(in->args, "hotpluggable", 0);
	CLEANUP_FREE struct cpu_vcpu *v = list_vcpus(d, d->vcpus_max);
	struct vcpus_edit e = {.max = d->vcpus_max, .on = count};
	unsigned on = 0;
	if (count > d->vcpus_max) {
		err_set(err, ERR_INVALID,
		    "invalid argument: requested vcpus is greater than max allowable vcpus for the persistent domain: %u > %u"
		    " (--maximum raises that)",
		    count, d->vcpus_max);
		return NULL;
	}
	for (unsigned i = 0; i < d->vcpus_max; i++) {
		on += v[i].enabled;
		v[i].order = 0; /* of another number they mean nothing */
	}
	for (unsigned i = 0; i < d->vcpus_max && on < count; i++)
		if (!v[i].enabled) {
			enable_defined(v, i, hotpluggable);
			on++;
		}
	for (unsigned i = d->vcpus_max; i-- > 0 && on > count;)
		if (v[i].enabled) {
			v[i] = (struct cpu_vcpu){.hotpluggable = true};
			on--;
		}
	e.vcpus = d->cpu.vcpus != NULL || hotpluggable ? v : NULL;
	return plan_edit(d, in->name, write_vcpus, &e, err);
}

static char *maximum_defined(const struct plan_in *in, unsigned max, struct err *err)
{
	const struct domain *d = in->config;
	CLEANUP_FREE struct cpu_vcpu *v = list_vcpus(d, max);
	const struct domain_cpu *c = &d->cpu;
	struct vcpus_edit e = {.max = max, .vcpus = d->cpu.vcpus != NULL ? v : NULL};
	if (c->sockets > 0 && c->sockets * c->dies * c->cores * c->threads != max) {
		err_set(err, ERR_INVALID,
		    "CPU topology doesn't match the desired vcpu count: its <topology> has %u sockets × %u dies × %u cores × %u threads;"
		    " change it with hvmux edit %s",
		    c->sockets, c->dies, c->cores, c->threads, in->name);
		return NULL;
	}
	for (unsigned i = 0; i < max; i++) {
		e.on += v[i].enabled;
		v[i].order = 0;
	}
	return plan_edit(d, in->name, write_vcpus, &e, err);
}

static int build_setvcpus(const struct plan_in *in, struct plan *p, struct err *err)
{
	int64_t count = json_get_int(in->args, "count", 0);
	bool maximum = json_get_bool(in->args, "maximum", 0);
	CLEANUP_FREE char *live = NULL, *config = NULL;
	if (count < 1 || count > DOMAIN_VCPUS_MAX)
		return err_set(err, ERR_INVALID, "a number of vCPUs between 1 and %u is needed",
		    DOMAIN_VCPUS_MAX);
	p->words = xasprintf("%s %d vCPU%s for domain '%s'", maximum ? "at most" : "have",
	    (int)count, count == 1 ? "" : "s", in->name);
	if (maximum && (in->where & PLAN_LIVE))
		return err_set(err, ERR_INVALID,
		    "invalid argument: cannot adjust maximum vcpus on running domain: --config changes what the next start has");
	if ((in->where & PLAN_LIVE) && count_live(in, p, (unsigned)count, &live, err) < 0)
		return -1;
	if (in->where & PLAN_CONFIG) {
		config = maximum ? maximum_defined(in, (unsigned)count, err)
		                 : count_defined(in, (unsigned)count, err);
		if (config == NULL)
			return -1;
	}
	plan_add_texts(p, in, live, config);
	if (p->n == 0)
		p->result = xasprintf("it is so already");
	return 0;
}

/* --- setvcpu --- */
static int check_list(
    const struct numset *ids, unsigned max, const char *which, bool enable, struct err *err)
{
	if (numset_empty(ids))
		return err_set(err, ERR_INVALID, "no vCPU is named");
	if (numset_last(ids) >= max)
		return err_set(err, ERR_INVALID,
		    "invalid argument: vcpu '%u' is not present in the %s definition, which has %u",
		    numset_last(ids), which, max);
	if (!enable && numset_has(ids, 0))
		return err_set(err, ERR_INVALID,
		    "invalid argument: vcpu '0' can't be disabled: the guest boots on it");
	return 0;
}

static int list_live(const struct plan_in *in, struct plan *p, const struct numset *ids,
    bool enable, char **text, struct err *err)
{
	struct slots all = {0};
	if (check_list(ids, in->live->vcpus_max, "live domain", enable, err) < 0)
		return -1;
	int rc = read_slots(in, &all, err);
	CLEANUP_FREE bool *want = xcalloc(in->live->vcpus_max, sizeof *want);
	for (unsigned i = 0; rc == 0 && i < all.n; i++)
		want[i] = numset_has(ids, i) ? enable : all.slot[i].on;
	if (rc == 0)
		rc = change_live(in, p, &all, want, text, err);
	free(all.slot);
	return rc;
}

static char *list_defined(
    const struct plan_in *in, const struct numset *ids, bool enable, struct err *err)
{
	const struct domain *d = in->config;
	if (check_list(ids, d->vcpus_max, "persistent", enable, err) < 0)
		return NULL;
	CLEANUP_FREE struct cpu_vcpu *v = list_vcpus(d, d->vcpus_max);
	struct vcpus_edit e = {.max = d->vcpus_max, .vcpus = v};
	for (unsigned i = 0; i < d->vcpus_max; i++) {
		if (numset_has(ids, i) && v[i].enabled != enable)
			v[i] = (struct cpu_vcpu){.enabled = enable, .hotpluggable = true};
		v[i].order = 0;
		e.on += v[i].enabled;
	}
	/* What stands behind a gap has to be pluggable, too. */
	for (unsigned i = 1; i < d->vcpus_max; i++)
		if (v[i].enabled && (!v[i - 1].enabled || v[i - 1].hotpluggable))
			v[i].hotpluggable = true;
	return plan_edit(d, in->name, write_vcpus, &e, err);
}

static int build_setvcpu(const struct plan_in *in, struct plan *p, struct err *err)
{
	const char *list = json_get_str(in->args, "vcpus");
	bool enable = json_get_bool(in->args, "enable", 1);
	CLEANUP_FREE char *live = NULL, *config = NULL;
	CLEANUP(numset_fini) struct numset ids = {0};
	if (numset_parse(list != NULL ? list : "", DOMAIN_VCPUS_MAX, &ids, err) < 0)
		return err_wrap(err, "vCPUs '%s'", list != NULL ? list : "");
	p->words =
	    xasprintf("%s vCPUs %s of domain '%s'", enable ? "enable" : "disable", list, in->name);
	if ((in->where & PLAN_LIVE) && list_live(in, p, &ids, enable, &live, err) < 0)
		return -1;
	if ((in->where & PLAN_CONFIG) && (config = list_defined(in, &ids, enable, err)) == NULL)
		return -1;
	plan_add_texts(p, in, live, config);
	if (p->n == 0)
		p->result = xasprintf("it is so already");
	return 0;
}

static const char *const queries[] = {QUERY, "query-status", NULL};

const struct plan_verb plan_verbs_cpu[] = {
    /* count; maximum, hotpluggable (bool) */
    {.name = "setvcpus", .flags = PLAN_VERB_OFF, .queries = queries, .build = build_setvcpus},
    /* vcpus ("1,3-4"), enable (bool) */
    {.name = "setvcpu", .flags = PLAN_VERB_OFF, .queries = queries, .build = build_setvcpu}, {0}};
