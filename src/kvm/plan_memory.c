/* Memory: the balloon, and how much a definition has. */
#include "kvm/plan_memory.h"

#include <stdlib.h>
#include <string.h>

#include "core/domain_impl.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/xml.h"
#include "kvm/plan_edit.h"

static bool has_balloon(const struct domain *d)
{
	for (size_t i = 0; i < d->n_devs; i++)
		if (d->devs[i].kind == DEV_BALLOON &&
		    !attrs_is(&d->devs[i].attrs, "@model", "none"))
			return true;
	return false;
}

static int take_size(const struct plan_in *in, uint64_t *kib, struct err *err)
{
	int64_t n = json_get_int(in->args, "kib", 0);
	if (n < 1 || (uint64_t)n > DOMAIN_MEMORY_MAX_KIB)
		return err_set(err, ERR_INVALID, "a size between 1 KiB and %llu TiB is needed",
		    DOMAIN_MEMORY_MAX_KIB >> 30);
	*kib = (uint64_t)n;
	return 0;
}

static char *size_words(uint64_t kib)
{
	return kib % 1024 == 0 ? xasprintf("%llu MiB", (unsigned long long)kib / 1024)
	                       : xasprintf("%llu KiB", (unsigned long long)kib);
}

/* --- the balloon --- */
struct size_edit {
	uint64_t memory_kib, current_kib; /* 0: stays */
};

static void write_sizes(void *arg, xmlNode *root)
{
	const struct size_edit *e = arg;
	if (e->memory_kib > 0)
		plan_edit_kib(root, "memory", e->memory_kib);
	if (e->current_kib > 0) {
		static const char *const behind[] = {"memory", NULL};
		xml_need_behind(root, "currentMemory", behind);
		plan_edit_kib(root, "currentMemory", e->current_kib);
	}
}

/* What QEMU's balloon counts with: not what virtio-mem and virtio-pmem add. */
uint64_t plan_balloon_max_kib(const struct domain *d)
{
	uint64_t kib = d->memory_kib;
	for (size_t i = 0; i < d->memory.n_devices; i++)
		if (memdev_on_pci(&d->memory.devices[i]))
			kib -= d->memory.devices[i].size_kib;
	return kib;
}

static int check_most(const struct plan_in *in, uint64_t kib, uint64_t most, struct err *err)
{
	if (kib <= most)
		return 0;
	CLEANUP_FREE char *wanted = size_words(kib), *has = size_words(most);
	return err_set(err, ERR_INVALID,
	    "invalid argument: cannot set memory higher than max memory: %s is more than the %s that domain '%s' has"
	    " (setmaxmem raises that for the next start, attach-device plugs a memory device)",
	    wanted, has, in->name);
}

static struct json_object *balloon_args(uint64_t kib)
{
	struct json_object *args = json_object_new_object();
	json_object_object_add(args, "value", json_object_new_int64((int64_t)(kib * 1024)));
	return args;
}

void plan_add_balloon(struct plan *p, uint64_t kib, uint64_t was_kib)
{
	CLEANUP_FREE char *size = size_words(kib);
	CLEANUP_FREE char *words = xasprintf("ask the guest's balloon for %s", size);
	struct plan_step *s = plan_qmp(p, words, "balloon", balloon_args(kib));
	plan_undo_qmp(s, "balloon", balloon_args(was_kib));
}

static int balloon_live(
    const struct plan_in *in, struct plan *p, uint64_t kib, char **text, struct err *err)
{
	/* With the devices that were plugged, which <memory> is to count, too. */
	struct size_edit e = {.current_kib = kib,
	    .memory_kib = in->live->memory.n_devices > 0 ? in->live->memory_kib : 0};
	if (!has_balloon(in->live))
		return err_set(err, ERR_UNSUPPORTED,
		    "domain '%s' has no balloon, so that its memory cannot change while it runs: it needs <memballoon model='virtio'/>",
		    in->name);
	if (check_most(in, kib, plan_balloon_max_kib(in->live), err) < 0)
		return -1;
	*text = plan_edit(in->live, in->name, write_sizes, &e, err);
	if (*text == NULL)
		return -1;
	plan_add_balloon(p, kib, in->live->current_memory_kib);
	return 0;
}

static int build_setmem(const struct plan_in *in, struct plan *p, struct err *err)
{
	uint64_t kib = 0;
	CLEANUP_FREE char *live = NULL, *config = NULL;
	if (take_size(in, &kib, err) < 0)
		return -1;
	CLEANUP_FREE char *size = size_words(kib);
	p->words = xasprintf("%s of memory for domain '%s'", size, in->name);
	if ((in->where & PLAN_LIVE) && balloon_live(in, p, kib, &live, err) < 0)
		return -1;
	if (in->where & PLAN_CONFIG) {
		struct size_edit e = {.current_kib = kib,
		    .memory_kib = in->config->memory.n_devices > 0 ? in->config->memory_kib : 0};
		if (check_most(in, kib, in->config->memory_kib, err) < 0)
			return -1;
		config = plan_edit(in->config, in->name, write_sizes, &e, err);
		if (config == NULL)
			return -1;
	}
	plan_add_texts(p, in, live, config);
	if (p->n == 0)
		p->result = xasprintf("it is so already");
	return 0;
}

/* --- the most --- */
static int build_setmaxmem(const struct plan_in *in, struct plan *p, struct err *err)
{
	const struct domain *d = in->config;
	uint64_t kib = 0;
	if (take_size(in, &kib, err) < 0)
		return -1;
	CLEANUP_FREE char *size = size_words(kib);
	p->words = xasprintf("at most %s of memory for domain '%s'", size, in->name);
	if (in->where & PLAN_LIVE)
		return err_set(err, ERR_STATE,
		    "Requested operation is not valid: cannot resize the maximum memory on an active domain: --config changes it for the next start");
	if (d->cpu.n_cells > 0)
		return err_set(err, ERR_STATE,
		    "Requested operation is not valid: initial memory size of a domain with NUMA nodes cannot be modified with this verb: hvmux edit %s changes its cells",
		    in->name);
	if (d->memory.max_kib > 0 && kib > d->memory.max_kib)
		return err_set(err, ERR_INVALID,
		    "invalid argument: cannot set initial memory size greater than the maximum memory size, <maxMemory>");
	struct size_edit e = {.memory_kib = kib};
	if (d->current_memory_kib > kib)
		e.current_kib = kib;
	else if (d->current_memory_kib == d->memory_kib)
		e.current_kib = d->current_memory_kib; /* said or not, it stays what it was */
	CLEANUP_FREE char *config = plan_edit(d, in->name, write_sizes, &e, err);
	if (config == NULL)
		return -1;
	plan_add_texts(p, in, NULL, config);
	if (p->n == 0)
		p->result = xasprintf("it is so already");
	return 0;
}

/* --- memory devices --- */
void plan_memory_advice(struct plan_step *s, const char *what)
{
	free(s->advice);
	s->advice = xasprintf(
	    "the guest has not released %s: a kernel gives memory back that is offline, or online as movable and not in the way; in a "
	    "Linux guest 'echo offline > /sys/devices/system/memory/memoryN/state' says why not (and 'echo online_movable' there, when "
	    "it is plugged, makes it easier). Try again, or restart the guest without it. Should it release it later, it goes then",
	    what);
}

struct wish {
	const struct domain_memdev *m;
	uint64_t kib;
};

const struct domain_memdev *plan_memory_find(
    const struct domain *d, const char *alias, int64_t node, struct err *err)
{
	const struct domain_memdev *found = NULL;
	for (size_t i = 0; i < d->memory.n_devices; i++) {
		const struct domain_memdev *m = &d->memory.devices[i];
		if (m->model != MEMDEV_VIRTIO_MEM || (alias != NULL && !str_eq(m->alias, alias)) ||
		    (node >= 0 && (!m->has_node || m->node != node)))
			continue;
		if (found != NULL) {
			err_set(err, ERR_INVALID,
			    "multiple memory devices found: --alias or --node says which one");
			return NULL;
		}
		found = m;
	}
	if (found == NULL)
		err_set(err, ERR_NOT_FOUND,
		    "no memory device found: domain '%s' has no such <memory model='virtio-mem'>",
		    d->name);
	return found;
}

int plan_memory_check(const struct domain_memdev *m, uint64_t kib, struct err *err)
{
	if (kib > m->size_kib || kib % m->block_kib != 0)
		return err_set(err, ERR_INVALID,
		    "invalid argument: requested size is at most %llu KiB, the device's, and a multiple of its block, %llu KiB",
		    (unsigned long long)m->size_kib, (unsigned long long)m->block_kib);
	return 0;
}

void plan_memory_request(xmlNode *device, uint64_t kib)
{
	plan_edit_kib(xml_need_child(device, "target"), "requested", kib);
}

static void write_wish(void *arg, xmlNode *root)
{
	const struct wish *w = arg;
	xmlNode *devices = xml_child(root, "devices"), *n = xml_first(devices);
	for (unsigned i = 1; n != NULL && i < w->m->element; i++)
		n = xml_next(n);
	if (n != NULL)
		plan_memory_request(n, w->kib);
}

static char *wish_text(
    const struct plan_in *in, const struct domain *d, uint64_t kib, struct wish *w, struct err *err)
{
	*w = (struct wish){plan_memory_find(d, json_get_str(in->args, "alias"),
	                       json_get_int(in->args, "node", -1), err),
	    kib};
	if (w->m == NULL || plan_memory_check(w->m, kib, err) < 0)
		return NULL;
	return plan_edit(d, in->name, write_wish, w, err);
}

static struct json_object *wish_args(const char *alias, uint64_t kib)
{
	CLEANUP_FREE char *path = xasprintf("/machine/peripheral/%s", alias);
	struct json_object *args = plan_args("path", path, "property", "requested-size", NULL);
	json_object_object_add(args, "value", json_object_new_int64((int64_t)(kib * 1024)));
	return args;
}

static int build_update_memory(const struct plan_in *in, struct plan *p, struct err *err)
{
	uint64_t kib = (uint64_t)json_get_int(in->args, "kib", 0);
	struct wish w;
	CLEANUP_FREE char *live = NULL, *config = NULL, *size = size_words(kib);
	p->words = xasprintf("%s of virtio-mem for domain '%s'", size, in->name);
	if (in->where & PLAN_LIVE) {
		live = wish_text(in, in->live, kib, &w, err);
		if (live == NULL)
			return -1;
		if (w.m->alias == NULL)
			return err_set(err, ERR_UNSUPPORTED, "the memory device has no alias");
		CLEANUP_FREE char *words =
		    xasprintf("ask the guest to take %s of %s", size, w.m->alias);
		struct plan_step *s = plan_qmp(p, words, "qom-set", wish_args(w.m->alias, kib));
		plan_undo_qmp(s, "qom-set", wish_args(w.m->alias, w.m->requested_kib));
	}
	if ((in->where & PLAN_CONFIG) && (config = wish_text(in, in->config, kib, &w, err)) == NULL)
		return -1;
	plan_add_texts(p, in, live, config);
	return 0;
}

const struct plan_verb plan_verbs_memory[] = {
    /* kib; alias, node */
    {.name = "update-memory-device", .flags = PLAN_VERB_OFF, .build = build_update_memory},
    /* kib */
    {.name = "setmem", .flags = PLAN_VERB_OFF, .build = build_setmem},
    {.name = "setmaxmem", .flags = PLAN_VERB_OFF, .build = build_setmaxmem}, {0}};
