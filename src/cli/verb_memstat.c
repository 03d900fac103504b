/* dommemstat: what the guest's balloon tells of its memory, and how often it is asked to. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/change.h"
#include "cli/live.h"
#include "cli/out.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/xml.h"

#define BALLOON "/machine/peripheral/balloon0"
#define PERIOD_MAX 86400u

/* QEMU's names in "guest-stats" (docs/interop/virtio-balloon-stats), virsh's, and what they are divided by. */
static const struct stat_name {
	const char *member, *name;
	unsigned divisor;
} stat_names[] = {
    {"stat-swap-in", "swap_in", 1024},
    {"stat-swap-out", "swap_out", 1024},
    {"stat-major-faults", "major_fault", 1},
    {"stat-minor-faults", "minor_fault", 1},
    {"stat-free-memory", "unused", 1024},
    {"stat-total-memory", "available", 1024},
    {"stat-available-memory", "usable", 1024},
    {"stat-disk-caches", "disk_caches", 1024},
    {"stat-htlb-pgalloc", "hugetlb_pgalloc", 1},
    {"stat-htlb-pgfail", "hugetlb_pgfail", 1},
};

static void put(struct json_object *json, const char *name, uint64_t value)
{
	if (json)
		out_add_u64(json, name, value);
	else
		printf("%s %" PRIu64 "\n", name, value);
}

static struct json_object *balloon_property(const char *property)
{
	struct json_object *args = json_object_new_object();
	out_add_str(args, "path", BALLOON);
	out_add_str(args, "property", property);
	return args;
}

/* A guest that tells nothing says -1 or nothing at all. */
static void put_guest_stats(struct json_object *json, struct json_object *answer)
{
	struct json_object *stats = json_get_obj(answer, "stats");
	int64_t updated = json_get_int(answer, "last-update", 0);
	for (size_t i = 0; i < ARRAY_LEN(stat_names) && updated > 0; i++) {
		int64_t v = json_get_int(stats, stat_names[i].member, -1);
		if (v >= 0)
			put(json, stat_names[i].name, (uint64_t)v / stat_names[i].divisor);
	}
	put(json, "last_update", updated > 0 ? (uint64_t)updated : 0);
}

static uint64_t resident(const struct live *l)
{
	struct vm vm;
	if (vm_probe(&l->c->home, l->name, &vm, NULL) < 0)
		return 0;
	uint64_t kib = vm.head ? vm.head->rss_kib : 0;
	vm_fini(&vm);
	return kib;
}

static int show_stats(struct live *l, const struct domain *d, struct err *err)
{
	struct json_object *balloon = NULL, *guest = NULL;
	struct json_object *json = l->c->json ? json_object_new_object() : NULL;
	struct err none = {0};
	bool has = live_qmp(l, "query-balloon", NULL, &balloon, &none) == 0;
	if (!has && none.code == ERR_TIMEOUT) {
		*err = none;
		json_object_put(json);
		return -1;
	}
	int64_t actual = json_get_int(balloon, "actual", 0);
	put(json, "actual", actual > 0 ? (uint64_t)actual / 1024 : d->current_memory_kib);
	if (has && live_qmp(l, "qom-get", balloon_property("guest-stats"), &guest, &none) == 0)
		put_guest_stats(json, guest);
	put(json, "rss", resident(l));
	json_object_put(balloon);
	json_object_put(guest);
	if (json)
		out_json(json);
	return 0;
}

/* --- the period --- */

static char *set_period(
    void *arg, const char *xml, size_t n, const char *file, size_t *out_n, struct err *err)
{
	const char *period = arg;
	CLEANUP_XML xmlDoc *doc = xml_read(xml, n, file, "domain", err);
	if (!doc)
		return NULL;
	xmlNode *devices = xml_need_child(xmlDocGetRootElement(doc), "devices");
	xmlNode *balloon = xml_child(devices, "memballoon");
	if (!balloon) {
		balloon = xml_add_child(devices, "memballoon");
		xml_set_attr(balloon, "model", "virtio");
	}
	xml_set_attr(xml_need_child(balloon, "stats"), "period", period);
	return xml_format(doc, out_n);
}

static int set_live_period(struct cli *c, uint64_t period, struct err *err)
{
	struct live l;
	struct json_object *args = balloon_property("guest-stats-polling-interval");
	json_object_object_add(args, "value", json_object_new_int64((int64_t)period));
	int rc = live_open(c, &l, err);
	if (rc == 0)
		rc = live_qmp(&l, "qom-set", args, NULL, err);
	else
		json_object_put(args);
	live_fini(&l);
	return rc;
}

static int change_period(struct cli *c, struct err *err)
{
	struct vm vm;
	char text[24];
	uint64_t period = cli_number(c, "period", 0);
	if (period > PERIOD_MAX)
		return err_set(
		    err, ERR_USAGE, "--period is a number of seconds, %u at most", PERIOD_MAX);
	CLEANUP_FREE char *name = vm_resolve(&c->home, cli_value(c, "domain"), err);
	if (!name || vm_probe(&c->home, name, &vm, err) < 0)
		return -1;
	unsigned where = change_where(c, &vm, err);
	vm_fini(&vm);
	if (where == 0 || ((where & CHANGE_LIVE) && set_live_period(c, period, err) < 0))
		return -1;
	snprintf(text, sizeof(text), "%" PRIu64, period);
	return change_domain(c, name, where, "dommemstat", set_period, text, err) < 0 ? -1 : 0;
}

int verb_dommemstat(struct cli *c)
{
	struct err err = {0};
	struct live l = {0};
	struct domain d = {0};
	int rc;
	if (cli_value(c, "period"))
		rc = change_period(c, &err);
	else if ((rc = live_open_domain(c, &l, &d, &err)) == 0)
		rc = show_stats(&l, &d, &err);
	CLEANUP_FREE char *what = xasprintf("Failed to get memory statistics for domain %s",
	    l.name ? l.name : cli_value(c, "domain"));
	bool period = cli_value(c, "period") != NULL;
	live_fini(&l);
	domain_fini(&d);
	return rc == 0 ? CLI_DONE
	               : live_failed(
	                     period ? "Unable to change balloon collection period." : what, &err);
}
