#include "cli/guest_online.h"

#include <inttypes.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/agent_facts.h"

#define ONLINE_MS 60000 /* a busy guest starts each processor in turn */
#define TRIES \
	16 /* the agent stops at the first one that it cannot change: what is left is asked for again */

/* --- processors --- */
static int compare_cpus(const void *a, const void *b)
{
	int64_t x = json_get_int(*(struct json_object *const *)a, "logical-id", 0);
	int64_t y = json_get_int(*(struct json_object *const *)b, "logical-id", 0);
	return x < y ? -1 : x > y;
}

static struct json_object *get_cpus(struct live *l, struct err *err)
{
	struct json_object *answer = NULL;
	if (live_agent(l, "guest-get-vcpus", NULL, 0, false, &answer, err) < 0)
		return NULL;
	struct json_object *list = agent_fact_clean(FACT_VCPUS, answer);
	json_object_put(answer);
	if (list == NULL)
		err_set(err, ERR_FAIL, "the guest agent's answer is no list of CPUs");
	else
		json_object_array_sort(list, compare_cpus); /* it comes in no order */
	return list;
}

static unsigned count_online(struct json_object *list)
{
	unsigned n = 0;
	for (size_t i = 0; i < json_object_array_length(list); i++)
		n += json_get_bool(json_object_array_get_idx(list, i), "online", 0) != 0;
	return n;
}

static void add_change(struct json_object *changes, struct json_object *cpu, bool online)
{
	struct json_object *o = json_object_new_object();
	json_object_object_add(
	    o, "logical-id", json_object_new_int64(json_get_int(cpu, "logical-id", 0)));
	json_object_object_add(o, "online", json_object_new_boolean(online));
	json_object_array_add(changes, o);
}

/* Those to change so that `count` are online. */
static struct json_object *choose_cpus(struct json_object *list, unsigned count)
{
	struct json_object *changes = json_object_new_array();
	size_t n = json_object_array_length(list);
	unsigned online = count_online(list);
	for (size_t i = 0; i < n && online < count; i++) {
		struct json_object *cpu = json_object_array_get_idx(list, i);
		if (!json_get_bool(cpu, "online", 0)) {
			add_change(changes, cpu, true);
			online++;
		}
	}
	for (size_t i = n; i-- > 0 && online > count;) {
		struct json_object *cpu = json_object_array_get_idx(list, i);
		if (json_get_bool(cpu, "online", 0) && json_get_bool(cpu, "can-offline", 0)) {
			add_change(changes, cpu, false);
			online--;
		}
	}
	return changes;
}

/* changes: taken. How many it did, -1. */
static int64_t set_cpus(struct live *l, struct json_object *changes, struct err *err)
{
	struct json_object *result = NULL, *args = json_object_new_object();
	int64_t asked = (int64_t)json_object_array_length(changes);
	json_object_object_add(args, "vcpus", changes);
	if (live_agent(l, "guest-set-vcpus", args, ONLINE_MS, false, &result, err) < 0)
		return -1;
	int64_t did =
	    json_object_is_type(result, json_type_int) ? json_object_get_int64(result) : asked;
	json_object_put(result);
	return did;
}

int guest_online_cpus(struct live *l, unsigned count, struct err *err)
{
	for (unsigned i = 0; i < TRIES; i++) {
		struct json_object *list = get_cpus(l, err);
		if (list == NULL)
			return -1;
		unsigned online = count_online(list),
		         all = (unsigned)json_object_array_length(list);
		struct json_object *changes = choose_cpus(list, count);
		json_object_put(list);
		if (count > all) {
			json_object_put(changes);
			return err_set(err, ERR_INVALID,
			    "invalid argument: requested vcpu count is greater than the count of enabled vcpus in the domain: %u > %u",
			    count, all);
		}
		if (online == count) {
			json_object_put(changes);
			return 0;
		}
		if (json_object_array_length(changes) == 0) {
			json_object_put(changes);
			break;
		}
		int64_t did = set_cpus(l, changes, err);
		if (did < 0)
			return -1;
		if (did == 0)
			break;
	}
	return err_set(err, ERR_FAIL,
	    "the guest's agent could not bring the number of its CPUs that are online to %u; 'hvmux guestvcpus %s' shows them",
	    count, l->name);
}

/* --- memory --- */
/* NULL: it does not tell; that is no error. */
static struct json_object *get_blocks(struct live *l, uint64_t *size)
{
	struct json_object *blocks = NULL, *info = NULL;
	if (live_agent(l, "guest-get-memory-blocks", NULL, 0, false, &blocks, NULL) < 0 ||
	    live_agent(l, "guest-get-memory-block-info", NULL, 0, false, &info, NULL) < 0 ||
	    !json_object_is_type(blocks, json_type_array)) {
		json_object_put(blocks);
		return NULL;
	}
	int64_t n = json_get_int(info, "size", 0);
	*size = n > 0 ? (uint64_t)n / 1024 : 0;
	json_object_put(info);
	return blocks;
}

/* Of those that it was asked for; it says of each how it went. */
static unsigned count_done(struct json_object *answers)
{
	unsigned n = 0;
	for (size_t i = 0;
	     json_object_is_type(answers, json_type_array) && i < json_object_array_length(answers);
	     i++)
		n += str_eq(
		    json_get_str(json_object_array_get_idx(answers, i), "response"), "success");
	return n;
}

static int online_blocks(struct live *l, unsigned *done, struct err *err)
{
	uint64_t size;
	struct json_object *blocks = get_blocks(l, &size), *answer = NULL;
	struct json_object *changes = json_object_new_array(), *args = json_object_new_object();
	for (size_t i = 0; blocks != NULL && i < json_object_array_length(blocks); i++) {
		struct json_object *b = json_object_array_get_idx(blocks, i);
		if (json_get_bool(b, "online", 1))
			continue;
		struct json_object *o = json_object_new_object();
		json_object_object_add(
		    o, "phys-index", json_object_new_int64(json_get_int(b, "phys-index", 0)));
		json_object_object_add(o, "online", json_object_new_boolean(true));
		json_object_array_add(changes, o);
	}
	json_object_put(blocks);
	size_t asked = json_object_array_length(changes);
	json_object_object_add(args, "mem-blks", changes);
	if (asked == 0) {
		json_object_put(args);
		return 0;
	}
	if (live_agent(l, "guest-set-memory-blocks", args, ONLINE_MS, false, &answer, err) < 0)
		return -1;
	*done = count_done(answer);
	json_object_put(answer);
	return *done == asked
	           ? 0
	           : err_set(err, ERR_FAIL, "the guest brought %u of %zu memory blocks online",
	                 *done, asked);
}

/* --- together --- */
int guest_plugged_read(struct live *l, struct guest_plugged *g, struct err *err)
{
	struct json_object *list = get_cpus(l, err);
	if (list == NULL)
		return -1;
	*g = (struct guest_plugged){
	    .cpus = (unsigned)json_object_array_length(list), .cpus_online = count_online(list)};
	json_object_put(list);
	struct json_object *blocks = get_blocks(l, &g->block_kib);
	g->blocks = blocks != NULL ? (unsigned)json_object_array_length(blocks) : 0;
	g->blocks_online = blocks != NULL ? count_online(blocks) : 0;
	json_object_put(blocks);
	return 0;
}

int guest_online_all(struct live *l, unsigned *cpus, unsigned *blocks, struct err *err)
{
	struct guest_plugged g;
	*cpus = *blocks = 0;
	if (guest_plugged_read(l, &g, err) < 0)
		return -1;
	*cpus = g.cpus - g.cpus_online;
	if (*cpus > 0 && guest_online_cpus(l, g.cpus, err) < 0)
		return -1;
	return online_blocks(l, blocks, err);
}
