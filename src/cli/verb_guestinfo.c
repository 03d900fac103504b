/* guestinfo, domfsinfo: what the guest says of itself, in virsh's keys and tables. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/live.h"
#include "cli/out.h"
#include "core/buf.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/agent_facts.h"
#include "kvm/argv.h"

/* --- the domain's name of a disk that the guest describes by its address --- */

/* What is needed to find one: the definition, and the PCI buses as the guest numbered them (query-pci; NULL not known). */
struct map {
	struct domain domain;
	struct json_object *pci;
};

static bool number_is(struct json_object *o, const char *key, int64_t n)
{
	return n >= 0 && json_get_int(o, key, -1) == n;
}

/* QEMU's id of the device at the place that the guest tells; borrowed, NULL none. */
static const char *pci_id(struct json_object *devices, struct json_object *place)
{
	size_t n = devices ? json_object_array_length(devices) : 0;
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(devices, i);
		if (number_is(o, "bus", json_get_int(place, "bus", -1)) &&
		    number_is(o, "slot", json_get_int(place, "slot", -1)) &&
		    number_is(o, "function", json_get_int(place, "function", -1)))
			return json_get_str(o, "qdev_id");
		const char *below =
		    pci_id(json_get_arr(json_get_obj(o, "pci_bridge"), "devices"), place);
		if (below)
			return below;
	}
	return NULL;
}

static const char *id_of(const struct map *m, struct json_object *address)
{
	struct json_object *place = json_get_obj(address, "pci-controller");
	size_t n =
	    json_object_is_type(m->pci, json_type_array) ? json_object_array_length(m->pci) : 0;
	const char *id = NULL;
	for (size_t i = 0; i < n && place && !id; i++)
		id = pci_id(json_get_arr(json_object_array_get_idx(m->pci, i), "devices"), place);
	return id;
}

/* A virtio disk is a PCI device of its own; others are told by their place on their controller. */
static bool is_disk(const struct map *m, size_t i, const char *id, struct json_object *address)
{
	char own[ARGV_ID_MAX];
	const struct domain_address *at = &m->domain.disks[i].address;
	argv_disk_id(&m->domain, i, own);
	if (at->type == ADDRESS_PCI)
		return str_eq(own, id);
	return at->type == ADDRESS_DRIVE && number_is(address, "bus", at->bus) &&
	       number_is(address, "target", at->target) && number_is(address, "unit", at->unit);
}

/* NULL when the guest describes none of ours. */
static const char *target_of(const struct map *m, struct json_object *address)
{
	const char *bus = json_get_str(address, "bus-type"), *id = id_of(m, address);
	for (size_t i = 0; i < m->domain.n_disks; i++)
		if (str_eq(disk_bus_name(m->domain.disks[i].bus), bus) &&
		    is_disk(m, i, id, address))
			return m->domain.disks[i].target;
	return NULL;
}

static int map_open(struct cli *c, struct live *l, struct map *m, struct err *err)
{
	m->pci = NULL;
	if (live_open_domain(c, l, &m->domain, err) < 0)
		return -1;
	(void)live_qmp(l, "query-pci", NULL, &m->pci, NULL); /* machines without PCI have none */
	return 0;
}

static void map_close(struct live *l, struct map *m)
{
	live_fini(l);
	domain_fini(&m->domain);
	json_object_put(m->pci);
}

/* --- guestinfo --- */

struct printer {
	const struct map *map;
	struct buf *out;
};

static void put_text(struct printer *p, const char *key, const char *value)
{
	if (value)
		buf_addf(p->out, "%-20s: %s\n", key, value);
}

static void put_number(struct printer *p, const char *key, int64_t value)
{
	buf_addf(p->out, "%-20s: %" PRId64 "\n", key, value);
}

/* One member of an object, when it is there, under a key that begins with prefix. */
static void put_member(struct printer *p, const char *prefix, const char *key,
    struct json_object *o, const char *member)
{
	struct json_object *v = NULL;
	if (!json_object_object_get_ex(o, member, &v))
		return;
	CLEANUP_FREE char *whole = xasprintf("%s%s", prefix, key);
	if (json_object_is_type(v, json_type_boolean))
		put_text(p, whole, json_object_get_boolean(v) ? "yes" : "no");
	else
		put_text(p, whole, json_object_get_string(v));
}

static size_t put_count(struct printer *p, const char *prefix, struct json_object *list)
{
	CLEANUP_FREE char *key = xasprintf("%s.count", prefix);
	size_t n = list ? json_object_array_length(list) : 0;
	put_number(p, key, (int64_t)n);
	return n;
}

static void print_users(struct printer *p, struct json_object *list)
{
	size_t n = put_count(p, "user", list);
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i), *at = NULL;
		CLEANUP_FREE char *prefix = xasprintf("user.%zu.", i);
		put_member(p, prefix, "name", o, "user");
		put_member(p, prefix, "domain", o, "domain");
		if (json_object_object_get_ex(o, "login-time", &at)) {
			double ms = json_object_get_double(at) * 1000;
			CLEANUP_FREE char *key = xasprintf("%slogin-time", prefix);
			put_number(p, key, ms >= 0 && ms < 9e18 ? (int64_t)ms : 0);
		}
	}
}

static void print_os(struct printer *p, struct json_object *o)
{
	static const char *const members[] = {"id", "name", "pretty-name", "version", "version-id",
	    "machine", "variant", "variant-id", "kernel-release", "kernel-version"};
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		put_member(p, "os.", members[i], o, members[i]);
}

static void print_timezone(struct printer *p, struct json_object *o)
{
	put_member(p, "timezone.", "name", o, "zone");
	put_member(p, "timezone.", "offset", o, "offset");
}

static void print_hostname(struct printer *p, struct json_object *o)
{
	put_member(p, "", "hostname", o, "host-name");
}

static void print_fs_disks(struct printer *p, const char *prefix, struct json_object *list)
{
	CLEANUP_FREE char *group = xasprintf("%sdisk", prefix);
	size_t n = put_count(p, group, list);
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		CLEANUP_FREE char *item = xasprintf("%s.%zu.", group, i);
		CLEANUP_FREE char *alias = xasprintf("%salias", item);
		put_text(p, alias, target_of(p->map, o));
		put_member(p, item, "serial", o, "serial");
		put_member(p, item, "device", o, "dev");
	}
}

static void print_filesystems(struct printer *p, struct json_object *list)
{
	size_t n = put_count(p, "fs", list);
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		CLEANUP_FREE char *prefix = xasprintf("fs.%zu.", i);
		put_member(p, prefix, "name", o, "name");
		put_member(p, prefix, "mountpoint", o, "mountpoint");
		put_member(p, prefix, "fstype", o, "type");
		put_member(p, prefix, "total-bytes", o, "total-bytes");
		put_member(p, prefix, "used-bytes", o, "used-bytes");
		print_fs_disks(p, prefix, json_get_arr(o, "disk"));
	}
}

static void print_dependencies(struct printer *p, const char *prefix, struct json_object *list)
{
	size_t n = list ? json_object_array_length(list) : 0;
	CLEANUP_FREE char *group = xasprintf("%sdependency", prefix);
	if (n > 0)
		put_count(p, group, list);
	for (size_t i = 0; i < n; i++) {
		CLEANUP_FREE char *key = xasprintf("%s.%zu.name", group, i);
		put_text(p, key, json_object_get_string(json_object_array_get_idx(list, i)));
	}
}

static void print_disks(struct printer *p, struct json_object *list)
{
	size_t n = put_count(p, "disk", list);
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		struct json_object *address = json_get_obj(o, "address");
		CLEANUP_FREE char *prefix = xasprintf("disk.%zu.", i);
		CLEANUP_FREE char *alias = xasprintf("%salias", prefix);
		put_member(p, prefix, "name", o, "name");
		put_member(p, prefix, "partition", o, "partition");
		print_dependencies(p, prefix, json_get_arr(o, "dependencies"));
		if (address) {
			put_member(p, prefix, "serial", address, "serial");
			put_text(p, alias, target_of(p->map, address));
			put_member(p, prefix, "guest_bus", address, "bus-type");
		}
		put_member(p, prefix, "guest_alias", o, "alias");
	}
}

static void print_interfaces(struct printer *p, struct json_object *list)
{
	size_t n = put_count(p, "if", list);
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		struct json_object *addresses = json_get_arr(o, "ip-addresses");
		CLEANUP_FREE char *prefix = xasprintf("if.%zu.", i);
		CLEANUP_FREE char *group = xasprintf("%saddr", prefix);
		put_member(p, prefix, "name", o, "name");
		put_member(p, prefix, "hwaddr", o, "hardware-address");
		size_t k = put_count(p, group, addresses);
		for (size_t j = 0; j < k; j++) {
			struct json_object *a = json_object_array_get_idx(addresses, j);
			CLEANUP_FREE char *item = xasprintf("%s.%zu.", group, j);
			put_member(p, item, "type", a, "ip-address-type");
			put_member(p, item, "addr", a, "ip-address");
			put_member(p, item, "prefix", a, "prefix");
		}
	}
}

/* virsh's order. */
static const struct group {
	const char *option;
	enum agent_fact fact;
	void (*print)(struct printer *p, struct json_object *clean);
} groups[] = {
    {"user", FACT_USERS, print_users},
    {"os", FACT_OS, print_os},
    {"timezone", FACT_TIMEZONE, print_timezone},
    {"hostname", FACT_HOSTNAME, print_hostname},
    {"filesystem", FACT_FILESYSTEMS, print_filesystems},
    {"disk", FACT_DISKS, print_disks},
    {"interface", FACT_INTERFACES, print_interfaces},
};

/* The cleaned answer, the caller's; NULL on failure. */
static struct json_object *ask_fact(struct live *l, enum agent_fact f, struct err *err)
{
	struct json_object *answer = NULL;
	if (live_agent(l, agent_fact_command(f), NULL, 0, false, &answer, err) < 0)
		return NULL;
	struct json_object *clean = agent_fact_clean(f, answer);
	json_object_put(answer);
	if (!clean)
		err_set(err, ERR_FAIL, "the guest agent's answer to '%s' is of an unknown shape",
		    agent_fact_command(f));
	return clean;
}

/* json NULL: as text. What was not asked for by name may be missing. */
static int tell_all(struct live *l, struct printer *p, struct json_object *json, struct err *err)
{
	unsigned named = 0, told = 0;
	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		named += cli_flag(l->c, groups[i].option);
	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		const struct group *g = &groups[i];
		if (named > 0 && !cli_flag(l->c, g->option))
			continue;
		struct json_object *clean = ask_fact(l, g->fact, err);
		bool gone = !clean && err->code != ERR_UNSUPPORTED && err->code != ERR_FAIL;
		if (!clean && (named > 0 || gone))
			return -1;
		if (!clean)
			continue;
		told++;
		if (json)
			json_object_object_add(json, agent_fact_name(g->fact), clean);
		else
			g->print(p, clean);
		if (!json)
			json_object_put(clean);
	}
	return told > 0 ? 0 : -1;
}

int verb_guestinfo(struct cli *c)
{
	struct err err = {0};
	struct live l;
	struct map m;
	CLEANUP_BUF struct buf text = BUF_INIT;
	struct printer p = {&m, &text};
	struct json_object *json = c->json ? json_object_new_object() : NULL;
	int rc = map_open(c, &l, &m, &err);
	if (rc == 0)
		rc = tell_all(&l, &p, json, &err);
	map_close(&l, &m);
	if (rc == 0 && json)
		out_json(json_object_get(json));
	else if (rc == 0)
		fputs(text.data ? text.data : "", stdout);
	json_object_put(json);
	return rc == 0 ? CLI_DONE : live_failed(NULL, &err);
}

/* --- domfsinfo --- */

static char *targets(const struct map *m, struct json_object *disks)
{
	struct buf b = BUF_INIT;
	size_t n = disks ? json_object_array_length(disks) : 0;
	for (size_t i = 0; i < n; i++) {
		const char *t = target_of(m, json_object_array_get_idx(disks, i));
		if (t)
			buf_addf(&b, "%s%s", b.len ? "," : "", t);
	}
	return buf_take(&b);
}

static void print_fsinfo(const struct cli *c, const struct map *m, struct json_object *list)
{
	static const char *const heads[] = {"Mountpoint", "Name", "Type", "Target"};
	static const char *const members[] = {"mountpoint", "name", "type"};
	size_t n = json_object_array_length(list);
	if (n == 0) {
		out_message(c, "No filesystems are mounted in the domain");
		return;
	}
	struct out_table *t = out_table_new(4, heads);
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *cells[4];
		CLEANUP_FREE char *target = targets(m, json_get_arr(o, "disk"));
		for (size_t k = 0; k < 3; k++) {
			cells[k] = json_get_str(o, members[k]);
			cells[k] = cells[k] ? cells[k] : "-";
		}
		cells[3] = target;
		out_table_row(t, cells);
	}
	CLEANUP_BUF struct buf b = BUF_INIT;
	out_table_format(t, !c->quiet, &b);
	fputs(b.data, stdout);
	out_table_free(t);
}

int verb_domfsinfo(struct cli *c)
{
	struct err err = {0};
	struct live l;
	struct map m;
	struct json_object *list = NULL;
	int rc = map_open(c, &l, &m, &err);
	if (rc == 0 && !(list = ask_fact(&l, FACT_FILESYSTEMS, &err)))
		rc = -1;
	if (rc == 0 && c->json)
		out_json(json_object_get(list));
	else if (rc == 0)
		print_fsinfo(c, &m, list);
	json_object_put(list);
	map_close(&l, &m);
	return rc == 0 ? CLI_DONE : live_failed("Unable to get filesystem information", &err);
}
