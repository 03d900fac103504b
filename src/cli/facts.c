#include "cli/facts.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/out.h"
#include "core/buf.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/triggers.h"

/* libvirt/include/libvirt/libvirt-domain.h: virDomainState. */
unsigned facts_virsh_state(const struct vm *vm)
{
	static const unsigned char numbers[VM_STATE_COUNT] = {
	    [VM_OFF] = 5,
	    [VM_STARTING] = 3, /* libvirt: paused, starting up */
	    [VM_RUNNING] = 1,
	    [VM_PAUSED] = 3,
	    [VM_SHUTDOWN] = 4,
	    [VM_CRASHED] = 6,
	    [VM_PMSUSPENDED] = 7,
	    [VM_STOPPING] = 4,
	};
	return numbers[vm->state];
}

enum vm_reason facts_reason(const struct vm *vm)
{
	if (vm->unsettled)
		return VM_REASON_LOST;
	return vm->head && vm->head->reason < VM_REASON_COUNT ? (enum vm_reason)vm->head->reason
	                                                      : VM_REASON_UNKNOWN;
}

/* The same header: virDomainRunningReason, …PausedReason, …ShutoffReason, …CrashedReason. 0 is "unknown" in each. */
unsigned facts_virsh_reason(const struct vm *vm)
{
	static const unsigned char running[VM_REASON_COUNT] = {
	    [VM_REASON_BOOTED] = 1, [VM_REASON_UNPAUSED] = 5};
	static const unsigned char paused[VM_REASON_COUNT] = {
	    [VM_REASON_USER] = 1,
	    [VM_REASON_IOERROR] = 5,
	    [VM_REASON_WATCHDOG] = 6,
	    [VM_REASON_CRASHED] = 10,
	    [VM_REASON_PANICKED] = 10,
	    [VM_REASON_STARTED_PAUSED] = 11,
	};
	static const unsigned char off[VM_REASON_COUNT] = {
	    [VM_REASON_SHUTDOWN] = 1,
	    [VM_REASON_DESTROYED] = 2,
	    [VM_REASON_CRASHED] = 3,
	    [VM_REASON_FAILED] = 6,
	};
	enum vm_reason r = facts_reason(vm);
	switch (facts_virsh_state(vm)) {
	case 1:
		return running[r];
	case 3:
		return vm->state == VM_STARTING ? 11 : paused[r];
	case 4:
		return 1; /* user */
	case 5:
		return off[r];
	case 6:
		return r == VM_REASON_PANICKED;
	default:
		return 0;
	}
}

int facts_definition(const struct home *h, const char *name, struct domain *d, struct err *err)
{
	CLEANUP_BUF struct buf xml = BUF_INIT;
	memset(d, 0, sizeof(*d));
	if (store_read(h, name, &xml, err) < 0)
		return -1;
	return domain_parse(xml.data, xml.len, name, DOMAIN_PARSE_LENIENT, d, NULL, err);
}

int facts_meta(const struct home *h, const char *name, struct domain_meta *m, struct err *err)
{
	CLEANUP_BUF struct buf xml = BUF_INIT;
	CLEANUP_FREE char *path = home_run_file(h, name, "live.xml");
	struct err why = {0};
	memset(m, 0, sizeof(*m));
	if (store_read(h, name, &xml, &why) < 0 &&
	    (why.code != ERR_NOT_FOUND || file_read(path, STORE_XML_MAX, &xml, NULL) < 0))
		return err_set(err, why.code, "%s", why.msg);
	return domain_meta_parse(xml.data ? xml.data : "", xml.len, name, m, err);
}

bool facts_pass(const struct facts_filter *f, const struct vm *vm)
{
	bool by_state = f->running || f->paused || f->shutoff || f->other;
	if (f->persistent != f->transient && f->persistent != vm->defined)
		return false;
	switch (vm->state) {
	case VM_RUNNING:
		return !by_state || f->running;
	case VM_PAUSED:
		return !by_state || f->paused;
	case VM_OFF:
		return !by_state || f->shutoff;
	default:
		return !by_state || f->other;
	}
}

static uint32_t id_of(const struct vm *vm)
{
	return vm->live && vm->head ? vm->head->id : UINT32_MAX;
}

static int virsh_order(const void *pa, const void *pb)
{
	const struct vm *a = pa, *b = pb;
	if (a->live != b->live)
		return a->live ? -1 : 1;
	if (id_of(a) != id_of(b))
		return id_of(a) < id_of(b) ? -1 : 1;
	int order = strcasecmp(a->name, b->name);
	return order ? order : strcmp(a->name, b->name);
}

void facts_sort(struct vm *vms, size_t n)
{
	if (n)
		qsort(vms, n, sizeof(*vms), virsh_order);
}

/* NULL none. */
static struct json_object *badge_json(const struct status_page *p)
{
	if (p->badge == STATUS_BADGE_NONE)
		return NULL;
	struct json_object *o = json_object_new_object();
	out_add_str(o, "level", status_badge_word(p->badge));
	out_add_str(o, "trigger", p->badge_name);
	out_add_str(o, "line", p->badge_line);
	out_add_u64(o, "console", p->badge_console);
	out_add_u64(o, "time_ns", p->badge_ns);
	out_add_u64(o, "count", p->badge_count);
	return o;
}

void facts_add_json(struct json_object *o, const struct vm *vm)
{
	out_add_str(o, "name", vm->name);
	if (vm->live && vm->head && vm->head->id)
		out_add_u64(o, "id", vm->head->id);
	else
		json_object_object_add(o, "id", NULL);
	out_add_str(o, "state", vm_state_name(vm->state));
	out_add_str(o, "reason", vm_reason_name(facts_reason(vm)));
	out_add_str(o, "detail", vm->head && vm->head->detail[0] ? vm->head->detail : NULL);
	out_add_bool(o, "active", vm->live);
	out_add_bool(o, "answering", !vm->silent);
	out_add_bool(o, "persistent", vm->defined);
	json_object_object_add(o, "badge", vm->head ? badge_json(vm->head) : NULL);
}

void facts_add_meta_json(struct json_object *o, const struct domain_meta *m)
{
	struct json_object *tags = json_object_new_array();
	for (size_t i = 0; i < m->n_tags; i++)
		json_object_array_add(tags, json_object_new_string(m->tags[i]));
	json_object_object_add(o, "tags", tags);
	out_add_str(o, "group", m->group);
	out_add_bool(o, "protected", m->protect);
}

void facts_add_order_json(struct json_object *o, const struct domain_meta *m)
{
	struct json_object *after = json_object_new_array();
	for (size_t i = 0; i < m->n_after; i++)
		json_object_array_add(after, json_object_new_string(m->after[i]));
	out_add_u64(o, "start_order", m->order);
	json_object_object_add(o, "start_after", after);
	out_add_u64(o, "start_delay_s", m->delay);
	out_add_u64(o, "stop_timeout_s", m->timeout);
}
