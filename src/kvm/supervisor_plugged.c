/* What was plugged while the guest ran, and what the guest makes of it, in the status page: QEMU knows what there is; whether the guest
 * uses it, its agent says; without one, a processor's registers do, and of memory nobody. Asked after each plan, and slowly while
 * something is plugged. */
#include <stdlib.h>
#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/agent.h"
#include "kvm/plugged.h"
#include "kvm/supervisor_impl.h"
#include "kvm/supervisor_kit.h"

#define PACE_WATCHED_NS 5000000000ull
#define PACE_WAITING_NS 10000000000ull /* something is plugged that the guest does not use */
#define PACE_NS 60000000000ull
#define CPUS_MAX 64u /* plugged ones whose registers are read */

struct sup_plugged {
	struct supervisor *s;
	bool busy, again;
	bool due;           /* at the next tick */
	uint64_t looked_ns; /* CLOCK_MONOTONIC */
	unsigned vcpus,
	    plugged; /* there are (0: not looked at yet), and of these with an id of their own */
	unsigned unused, next;
	unsigned index[CPUS_MAX]; /* QEMU's numbers of the plugged ones */
	struct plugged_memory memory;
	struct json_object *blocks;
};

/* An error may come from a connection that is being freed: nothing is sent on it any more. */
static void done(struct sup_plugged *g)
{
	json_object_put(g->blocks);
	g->blocks = NULL;
	g->busy = false;
	g->looked_ns = loop_now_ns();
	g->due = g->due || g->again;
	g->again = false;
}

static void publish_online(struct sup_plugged *g, unsigned vcpus_online, bool told, uint64_t kib)
{
	if (g->s->page.page == NULL)
		return;
	struct status_page *p = status_begin(&g->s->page);
	p->vcpus_online = vcpus_online;
	p->dimm_told = told;
	p->dimm_online_kib = kib;
	status_end(&g->s->page);
}

/* --- the agent --- */
static void got_block_size(void *arg, struct json_object *result, const struct err *err)
{
	struct sup_plugged *g = arg;
	int64_t size = err == NULL ? json_get_int(result, "size", 0) : 0;
	uint64_t bytes = size > 0 ? (uint64_t)size : 0;
	publish_online(g, g->vcpus - g->unused, bytes > 0,
	    plugged_memory_online_kib(&g->memory, g->blocks, bytes));
	done(g);
}

static void got_blocks(void *arg, struct json_object *result, const struct err *err)
{
	struct sup_plugged *g = arg;
	if (err != NULL) {
		publish_online(g, g->vcpus - g->unused, false, 0);
		done(g);
		return;
	}
	g->blocks = json_object_get(result);
	agent_send(g->s->guest.agent, "guest-get-memory-block-info", NULL, 0, 0, got_block_size, g);
}

static void ask_memory(struct sup_plugged *g)
{
	struct agent *a = g->s->guest.agent;
	if (g->memory.n == 0 || a == NULL || !agent_ready(a) || g->s->guest.frozen ||
	    !agent_supports(a, "guest-get-memory-blocks")) {
		publish_online(g, g->vcpus - g->unused, false, 0);
		done(g);
		return;
	}
	agent_send(a, "guest-get-memory-blocks", NULL, 0, 0, got_blocks, g);
}

static void got_guest_cpus(void *arg, struct json_object *result, const struct err *err)
{
	struct sup_plugged *g = arg;
	if (err != NULL) {
		publish_online(g, 0, false, 0);
		done(g);
		return;
	}
	struct json_object *list = agent_fact_clean(FACT_VCPUS, result);
	size_t n = list != NULL ? json_object_array_length(list) : 0;
	unsigned online = 0;
	for (size_t i = 0; i < n; i++)
		online += json_get_bool(json_object_array_get_idx(list, i), "online", 0) != 0;
	json_object_put(list);
	/* It cannot have more than there are. */
	g->unused = n > 0 && online < g->vcpus ? g->vcpus - online : 0;
	ask_memory(g);
}

/* --- without one --- */
static void next_cpu(struct sup_plugged *g);

static void got_registers(void *arg, struct json_object *result, const struct err *err)
{
	struct sup_plugged *g = arg;
	if (err != NULL) {
		publish_online(g, 0, false, 0);
		done(g);
		return;
	}
	if (json_object_is_type(result, json_type_string))
		g->unused += plugged_cpu_unused(json_object_get_string(result));
	g->next++;
	next_cpu(g);
}

static void next_cpu(struct sup_plugged *g)
{
	struct supervisor *s = g->s;
	if (g->next >= g->plugged || !s->qmp_ready) {
		ask_memory(g);
		return;
	}
	struct json_object *args = json_object_new_object();
	json_object_object_add(args, "command-line", json_object_new_string("info registers"));
	json_object_object_add(
	    args, "cpu-index", json_object_new_int64((int64_t)g->index[g->next]));
	qmp_send(s->qmp, "human-monitor-command", args, 0, got_registers, g);
}

static void ask_guest(struct sup_plugged *g)
{
	struct agent *a = g->s->guest.agent;
	g->unused = g->next = 0;
	if (g->plugged == 0 && g->memory.n == 0) {
		publish_online(g, 0, false, 0);
		done(g);
	} else if (a != NULL && agent_ready(a) && !g->s->guest.frozen &&
	           agent_supports(a, "guest-get-vcpus")) {
		agent_send(a, "guest-get-vcpus", NULL, 0, 0, got_guest_cpus, g);
	} else {
		next_cpu(g);
	}
}

/* --- QEMU --- */
/* What the balloon counts changes with the devices, and QEMU does not tell. */
static void got_balloon(void *arg, struct json_object *result, const struct err *err)
{
	struct supervisor *s = arg;
	(void)err;
	if (result != NULL && s->page.page != NULL)
		sampler_balloon(&s->sampler, result);
}

static void got_memory(void *arg, struct json_object *result, const struct err *err)
{
	struct sup_plugged *g = arg;
	if (err != NULL) {
		done(g);
		return;
	}
	uint64_t was = plugged_memory_kib(&g->memory);
	plugged_memory_read(result, &g->memory);
	if (plugged_memory_kib(&g->memory) != was && g->s->qmp_ready)
		qmp_send(g->s->qmp, "query-balloon", NULL, 0, got_balloon, g->s);
	if (g->s->page.page != NULL) {
		struct status_page *p = status_begin(&g->s->page);
		p->dimms = g->memory.n;
		p->dimm_kib = plugged_memory_kib(&g->memory);
		status_end(&g->s->page);
	}
	ask_guest(g);
}

static void read_cpus(struct sup_plugged *g, struct json_object *list)
{
	struct supervisor *s = g->s;
	size_t n = json_object_array_length(list);
	bool first = g->vcpus == 0; /* the start has placed them */
	bool news = n != g->vcpus && s->page.page != NULL;
	g->vcpus = (unsigned)n;
	g->plugged = 0;
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		int64_t index = json_get_int(o, "cpu-index", -1);
		if (!plugged_cpu(o) || index < 0 || g->plugged >= CPUS_MAX)
			continue;
		g->index[g->plugged++] = (unsigned)index;
	}
	if (!news)
		return;
	sampler_cpus(&s->sampler, list);
	if (!first)
		sup_place_cpus(s, list);
	struct status_page *p = status_begin(&s->page);
	p->vcpus = g->vcpus;
	status_end(&s->page);
}

static void got_cpus(void *arg, struct json_object *result, const struct err *err)
{
	struct sup_plugged *g = arg;
	if (err != NULL || !json_object_is_type(result, json_type_array)) {
		done(g);
		return;
	}
	read_cpus(g, result);
	qmp_send(g->s->qmp, "query-memory-devices", NULL, 0, got_memory, g);
}

static void look(struct sup_plugged *g)
{
	g->again = g->due = false;
	if (!g->s->qmp_ready)
		return;
	g->busy = true;
	qmp_send(g->s->qmp, "query-cpus-fast", NULL, 0, got_cpus, g);
}

/* --- when --- */
void sup_plugged_look(struct supervisor *s)
{
	if (s->plugged == NULL) {
		s->plugged = xcalloc(1, sizeof(*s->plugged));
		s->plugged->s = s;
	}
	if (s->plugged->busy)
		s->plugged->again = true;
	else
		look(s->plugged);
}

void sup_plugged_tick(struct supervisor *s)
{
	const struct sup_plugged *g = s->plugged;
	const struct status_page *p = s->page.page;
	uint64_t now = loop_now_ns();
	if (g == NULL || p == NULL || g->busy || !s->qmp_ready ||
	    s->machine.state != MACHINE_RUNNING || (!g->due && g->plugged == 0 && g->memory.n == 0))
		return;
	bool waiting =
	    p->vcpus_online < p->vcpus || (p->dimm_told && p->dimm_online_kib < p->dimm_kib);
	uint64_t pace = waiting ? PACE_WAITING_NS : PACE_NS;
	if (sampler_watched(&s->sampler, now))
		pace = PACE_WATCHED_NS;
	if (g->due || now - g->looked_ns >= pace)
		sup_plugged_look(s);
}

void sup_plugged_event(struct supervisor *s, const char *event)
{
	static const char *const events[] = {
	    "MEMORY_DEVICE_SIZE_CHANGE", "ACPI_DEVICE_OST", "DEVICE_DELETED", "guest-set"};
	/* A guest causes as many as it likes: they are looked at by the tick. */
	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		if (s->plugged != NULL && str_eq(events[i], event))
			s->plugged->due = true;
}

/* Nothing of it is on its way: the monitor and the agent have gone before, and called everything back. */
void sup_plugged_free(struct supervisor *s)
{
	if (s->plugged != NULL)
		json_object_put(s->plugged->blocks);
	free(s->plugged);
	s->plugged = NULL;
}
