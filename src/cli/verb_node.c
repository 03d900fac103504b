/* The host in virsh's words: hostname, nodeinfo, nodecpumap, nodecpustats, nodememstats, freecell. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/dispatch.h"
#include "cli/out.h"
#include "core/mem.h"
#include "core/node.h"

static int failed(const struct err *err)
{
	out_error("%s", err->msg);
	return out_status(err);
}

int verb_hostname(struct cli *c)
{
	char name[256] = "";
	if (gethostname(name, sizeof(name) - 1) < 0) {
		out_error("failed to get hostname");
		return CLI_FAILED;
	}
	if (c->json) {
		struct json_object *o = json_object_new_object();
		out_add_str(o, "hostname", name);
		out_json(o);
	} else
		puts(name);
	return CLI_DONE;
}

int verb_nodeinfo(struct cli *c)
{
	struct err err = {0};
	struct node n;
	if (node_read("", &n, &err) < 0)
		return failed(&err);
	struct node_topology t = node_topology(&n);
	if (c->json) {
		struct json_object *o = json_object_new_object();
		out_add_str(o, "model", n.arch);
		out_add_str(o, "processor", n.model);
		out_add_u64(o, "cpus", t.cpus);
		out_add_u64(o, "mhz", n.mhz);
		out_add_u64(o, "sockets", t.sockets);
		out_add_u64(o, "cores", t.cores);
		out_add_u64(o, "threads", t.threads);
		out_add_u64(o, "cells", t.cells);
		out_add_u64(o, "memory_kib", n.memory_kib);
		out_json(o);
	} else {
		printf("%-20s %s\n", "CPU model:", n.arch);
		printf("%-20s %u\n", "CPU(s):", t.cpus);
		if (n.mhz)
			printf("%-20s %u MHz\n", "CPU frequency:", n.mhz);
		printf("%-20s %u\n", "CPU socket(s):", t.sockets);
		printf("%-20s %u\n", "Core(s) per socket:", t.cores);
		printf("%-20s %u\n", "Thread(s) per core:", t.threads);
		printf("%-20s %u\n", "NUMA cell(s):", t.cells);
		printf("%-20s %" PRIu64 " KiB\n", "Memory size:", n.memory_kib);
	}
	node_fini(&n);
	return CLI_DONE;
}

/* --- nodecpumap --- */
/* "0-3,5" */
static void add_ranges(const struct node *n, struct buf *out)
{
	for (size_t i = 0; i < n->n_cpus; i++) {
		size_t to = i;
		if (!n->cpus[i].online)
			continue;
		while (to + 1 < n->n_cpus && n->cpus[to + 1].online)
			to++;
		buf_addf(out, "%s%zu", out->len ? "," : "", i);
		if (to > i)
			buf_addf(out, "-%zu", to);
		i = to;
	}
}

static void print_cpumap_json(const struct node *n, unsigned online)
{
	struct json_object *o = json_object_new_object(), *cpus = json_object_new_array();
	out_add_u64(o, "present", n->n_cpus);
	out_add_u64(o, "online", online);
	for (size_t i = 0; i < n->n_cpus; i++)
		if (n->cpus[i].online)
			json_object_array_add(cpus, json_object_new_uint64(i));
	json_object_object_add(o, "cpus", cpus);
	out_json(o);
}

int verb_nodecpumap(struct cli *c)
{
	struct err err = {0};
	struct node n;
	unsigned online = 0;
	CLEANUP_BUF struct buf map = BUF_INIT;
	if (node_read("", &n, &err) < 0)
		return failed(&err);
	for (size_t i = 0; i < n.n_cpus; i++) {
		online += n.cpus[i].online;
		if (!cli_flag(c, "pretty"))
			buf_addc(&map, n.cpus[i].online ? 'y' : '-');
	}
	if (cli_flag(c, "pretty"))
		add_ranges(&n, &map);
	if (c->json)
		print_cpumap_json(&n, online);
	else {
		printf("%-15s %zu\n", "CPUs present:", n.n_cpus);
		printf("%-15s %u\n", "CPUs online:", online);
		printf("%-15s %s\n", "CPU map:", map.data ? map.data : "");
	}
	node_fini(&n);
	return CLI_DONE;
}

/* --- nodecpustats --- */
static const char *const time_names[] = {"user", "system", "idle", "iowait"};

static void list_times(const struct node_times *t, uint64_t out[4])
{
	out[0] = t->user_ns;
	out[1] = t->system_ns;
	out[2] = t->idle_ns;
	out[3] = t->iowait_ns;
}

static void print_times(struct cli *c, const struct node_times *t)
{
	uint64_t v[4];
	struct json_object *o = c->json ? json_object_new_object() : NULL;
	list_times(t, v);
	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		CLEANUP_FREE char *key = xasprintf("%s%s", time_names[i], o ? "_ns" : ":");
		if (o)
			out_add_u64(o, key, v[i]);
		else
			printf("%-15s %20" PRIu64 "\n", key, v[i]);
	}
	if (o)
		out_json(o);
}

/* Tenths, never a locale's decimal comma. */
static void print_percent(const char *name, uint64_t part, uint64_t whole)
{
	uint64_t tenths = whole ? (part * 1000 + whole / 2) / whole : 0;
	char text[24];
	snprintf(text, sizeof(text), "%" PRIu64 ".%" PRIu64, tenths / 10, tenths % 10);
	printf("%-15s %5s%%\n", name, text);
}

/* Over one second, as virsh measures it. */
static int print_percents(int cpu, struct err *err)
{
	struct node_times before, after;
	uint64_t a[4], b[4], total = 0;
	if (node_times("", cpu, &before, err) < 0)
		return -1;
	nanosleep(&(struct timespec){1, 0}, NULL);
	if (node_times("", cpu, &after, err) < 0)
		return -1;
	list_times(&before, a);
	list_times(&after, b);
	for (size_t i = 0; i < 4; i++) {
		/* iowait may run backwards: proc(5). */
		b[i] = b[i] > a[i] ? b[i] - a[i] : 0;
		total += b[i];
	}
	print_percent("usage:", b[0] + b[1], total);
	for (size_t i = 0; i < 4; i++) {
		CLEANUP_FREE char *key = xasprintf("%s:", time_names[i]);
		print_percent(key, b[i], total);
	}
	return 0;
}

int verb_nodecpustats(struct cli *c)
{
	struct err err = {0};
	struct node_times t;
	int cpu = cli_value(c, "cpu") ? (int)cli_number(c, "cpu", 0) : -1;
	if (cli_flag(c, "percent") && !c->json)
		return print_percents(cpu, &err) < 0 ? failed(&err) : CLI_DONE;
	if (node_times("", cpu, &t, &err) < 0)
		return failed(&err);
	print_times(c, &t);
	return CLI_DONE;
}

/* --- memory --- */
static const struct node_cell *find_cell(const struct node *n, uint64_t id, struct err *err)
{
	for (size_t i = 0; i < n->n_cells; i++)
		if (n->cells[i].id == id)
			return &n->cells[i];
	err_set(err, ERR_INVALID, "there is no NUMA cell %" PRIu64, id);
	return NULL;
}

static void print_memory(
    struct cli *c, const char *const *names, const uint64_t *kib, size_t n_values)
{
	struct json_object *o = c->json ? json_object_new_object() : NULL;
	for (size_t i = 0; i < n_values; i++) {
		CLEANUP_FREE char *key = xasprintf("%s_kib", names[i]);
		if (o)
			out_add_u64(o, key, kib[i]);
		else
			printf("%-7s: %20" PRIu64 " KiB\n", names[i], kib[i]);
	}
	if (o)
		out_json(o);
}

int verb_nodememstats(struct cli *c)
{
	static const char *const names[] = {"total", "free", "buffers", "cached"};
	struct err err = {0};
	struct node n;
	if (node_read("", &n, &err) < 0)
		return failed(&err);
	const struct node_cell *cell =
	    cli_value(c, "cell") ? find_cell(&n, cli_number(c, "cell", 0), &err) : NULL;
	if (err.code == ERR_NONE && cell)
		print_memory(c, names, (const uint64_t[]){cell->memory_kib, cell->free_kib}, 2);
	else if (err.code == ERR_NONE)
		print_memory(c, names,
		    (const uint64_t[]){n.memory_kib, n.free_kib, n.buffers_kib, n.cached_kib}, 4);
	node_fini(&n);
	return err.code == ERR_NONE ? CLI_DONE : failed(&err);
}

static void print_cells(struct cli *c, const struct node *n)
{
	struct json_object *all = c->json ? json_object_new_array() : NULL;
	uint64_t total = 0;
	for (size_t i = 0; i < n->n_cells; i++) {
		const struct node_cell *cell = &n->cells[i];
		total += cell->free_kib;
		if (!all) {
			printf("%5u: %10" PRIu64 " KiB\n", cell->id, cell->free_kib);
			continue;
		}
		struct json_object *o = json_object_new_object();
		out_add_u64(o, "cell", cell->id);
		out_add_u64(o, "memory_kib", cell->memory_kib);
		out_add_u64(o, "free_kib", cell->free_kib);
		json_object_array_add(all, o);
	}
	if (all)
		out_json(all);
	else
		printf("--------------------\n%5s: %10" PRIu64 " KiB\n", "Total", total);
}

int verb_freecell(struct cli *c)
{
	struct err err = {0};
	struct node n;
	if (cli_flag(c, "all") && cli_value(c, "cellno")) {
		out_error("Options --all and --cellno are mutually exclusive");
		return CLI_USAGE;
	}
	if (node_read("", &n, &err) < 0)
		return failed(&err);
	if (cli_value(c, "cellno")) {
		const struct node_cell *cell = find_cell(&n, cli_number(c, "cellno", 0), &err);
		if (cell)
			printf("%u: %" PRIu64 " KiB\n", cell->id, cell->free_kib);
	} else if (cli_flag(c, "all") || c->json)
		print_cells(c, &n);
	else
		printf("Total: %" PRIu64 " KiB\n", n.free_kib);
	node_fini(&n);
	return err.code == ERR_NONE ? CLI_DONE : failed(&err);
}
