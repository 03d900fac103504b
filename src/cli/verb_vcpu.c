/* vcpuinfo, vcpucount, iothreadinfo, cpu-stats: a running domain's threads on the host. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/facts.h"
#include "cli/live.h"
#include "cli/out.h"
#include "cli/threads.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/numset.h"
#include "core/str.h"
#include "kvm/agent_facts.h"

/* --- vcpuinfo --- */

/* "yyny", or with --pretty "0-1,3 (out of 4)". */
static char *affinity_text(const struct cli *c, const struct numset *cpus)
{
	unsigned host = threads_host_cpus();
	if (cli_flag(c, "pretty")) {
		CLEANUP_FREE char *list = numset_format(cpus, ",");
		return xasprintf("%s (out of %u)", list, host);
	}
	char *text = xcalloc(host + 1, 1);
	for (unsigned i = 0; i < host; i++)
		text[i] = numset_has(cpus, i) ? 'y' : '-';
	return text;
}

static void print_seconds(const char *name, uint64_t ns)
{
	printf(
	    "%-15s %" PRIu64 ".%us\n", name, ns / 1000000000u, (unsigned)(ns / 100000000u % 10u));
}

static void print_vcpu(const struct cli *c, unsigned i, const struct thread *t)
{
	CLEANUP_FREE char *affinity = affinity_text(c, &t->cpus);
	printf("%-15s %u\n", "VCPU:", i);
	printf("%-15s %u\n", "CPU:", t->cpu);
	printf("%-15s %s\n", "State:", "running");
	print_seconds("CPU time:", t->time_ns);
	printf("%-15s %s\n", "CPU Affinity:", affinity);
}

static struct json_object *vcpu_json(unsigned i, const struct thread *t)
{
	struct json_object *o = json_object_new_object();
	CLEANUP_FREE char *cpus = numset_format(&t->cpus, ",");
	out_add_u64(o, "vcpu", i);
	out_add_u64(o, "cpu", t->cpu);
	out_add_u64(o, "time_ns", t->time_ns);
	out_add_str(o, "affinity", cpus);
	return o;
}

static void print_vcpus(const struct cli *c, const struct threads *t)
{
	struct json_object *all = c->json ? json_object_new_array() : NULL;
	for (unsigned i = 0; i < t->n; i++) {
		if (all)
			json_object_array_add(all, vcpu_json(i, &t->thread[i]));
		else
			print_vcpu(c, i, &t->thread[i]);
		if (!all && i + 1 < t->n)
			putchar('\n');
	}
	if (all)
		out_json(all);
}

/* A domain that is off has CPUs, but no threads. */
static int print_defined(struct cli *c, const char *name, struct err *err)
{
	struct domain d;
	if (facts_definition(&c->home, name, &d, err) < 0)
		return -1;
	struct json_object *all = c->json ? json_object_new_array() : NULL;
	for (unsigned i = 0; i < d.vcpus && !all; i++)
		printf("%s%-15s %u\n%-15s %s\n%-15s %s\n%-15s %s\n%-15s %s\n", i ? "\n" : "",
		    "VCPU:", i, "CPU:", "N/A", "State:", "N/A", "CPU time", "N/A",
		    "CPU Affinity:", "N/A");
	if (all)
		out_json(all);
	domain_fini(&d);
	return 0;
}

int verb_vcpuinfo(struct cli *c)
{
	struct err err = {0};
	struct live l;
	struct threads t = {0};
	int rc = live_open(c, &l, &err);
	if (rc == 0 && (rc = threads_vcpus(&l, &t, &err)) == 0)
		print_vcpus(c, &t);
	else if (err.code == ERR_STATE && l.name && !l.rpc)
		rc = print_defined(c, l.name, &err);
	threads_fini(&t);
	live_fini(&l);
	return rc == 0 ? CLI_DONE : live_failed(NULL, &err);
}

/* --- vcpucount --- */

struct count {
	bool maximum, live;
	int64_t n; /* -1: there is none, the domain is off or has no definition */
};

static int guest_count(struct live *l, int64_t *n, struct err *err)
{
	struct json_object *answer = NULL;
	if (live_agent(l, "guest-get-vcpus", NULL, 0, false, &answer, err) < 0)
		return -1;
	struct json_object *list = agent_fact_clean(FACT_VCPUS, answer);
	json_object_put(answer);
	if (!list)
		return err_set(err, ERR_FAIL, "the guest agent's answer is no list of CPUs");
	*n = 0;
	for (size_t i = 0; i < json_object_array_length(list); i++)
		*n += cli_flag(l->c, "maximum") ||
		      json_get_bool(json_object_array_get_idx(list, i), "online", 0);
	json_object_put(list);
	return 0;
}

static int print_guest_count(struct cli *c, struct err *err)
{
	struct live l;
	int64_t n = 0;
	int rc = live_open(c, &l, err);
	if (rc == 0)
		rc = guest_count(&l, &n, err);
	live_fini(&l);
	if (rc == 0)
		printf("%" PRId64 "\n", n);
	return rc;
}

static int read_counts(struct cli *c, struct count counts[4], bool *active, struct err *err)
{
	struct vm vm;
	struct domain d;
	CLEANUP_FREE char *name = vm_resolve(&c->home, cli_value(c, "domain"), err);
	if (!name || vm_probe(&c->home, name, &vm, err) < 0)
		return -1;
	*active = vm.live;
	if (vm.live && vm.head) {
		counts[1].n = vm.head->vcpus_max;
		counts[3].n = vm.head->vcpus;
	}
	bool defined = vm.defined;
	vm_fini(&vm);
	if (!defined)
		return 0;
	if (facts_definition(&c->home, name, &d, err) < 0)
		return -1;
	counts[0].n = d.vcpus_max;
	counts[2].n = d.vcpus;
	domain_fini(&d);
	return 0;
}

static int print_counts(
    const struct cli *c, const struct count counts[4], bool active, struct err *err)
{
	bool maximum = cli_flag(c, "maximum"), live = cli_flag(c, "live");
	bool one = maximum || cli_flag(c, "active");
	if (cli_flag(c, "current"))
		live = active;
	for (unsigned i = 0; i < 4; i++) {
		if (!one && counts[i].n >= 0)
			printf("%-12s %-12s %3" PRId64 "\n",
			    counts[i].maximum ? "maximum" : "current",
			    counts[i].live ? "live" : "config", counts[i].n);
		if (!one || counts[i].maximum != maximum || counts[i].live != live)
			continue;
		if (counts[i].n < 0)
			return err_set(err, ERR_STATE,
			    live
			        ? "Requested operation is not valid: domain is not running"
			        : "Requested operation is not valid: the domain has no definition");
		printf("%" PRId64 "\n", counts[i].n);
	}
	return 0;
}

static void print_counts_json(const struct count counts[4])
{
	static const char *const keys[] = {
	    "maximum_config", "maximum_live", "current_config", "current_live"};
	struct json_object *o = json_object_new_object();
	for (unsigned i = 0; i < 4; i++)
		json_object_object_add(
		    o, keys[i], counts[i].n < 0 ? NULL : json_object_new_int64(counts[i].n));
	out_json(o);
}

int verb_vcpucount(struct cli *c)
{
	struct count counts[4] = {
	    {true, false, -1}, {true, true, -1}, {false, false, -1}, {false, true, -1}};
	struct err err = {0};
	bool active = false;
	unsigned where =
	    (unsigned)cli_flag(c, "live") + cli_flag(c, "config") + cli_flag(c, "current");
	bool one = cli_flag(c, "maximum") || cli_flag(c, "active");
	if (cli_flag(c, "maximum") && cli_flag(c, "active")) {
		out_error("Options --maximum and --active are mutually exclusive");
		return CLI_FAILED;
	}
	if (!cli_flag(c, "guest") && (where > 1 || (one != (where == 1)))) {
		out_error("--maximum or --active go with one of --live, --config and --current");
		return CLI_FAILED;
	}
	if (cli_flag(c, "guest"))
		return print_guest_count(c, &err) < 0 ? live_failed(NULL, &err) : CLI_DONE;
	int rc = read_counts(c, counts, &active, &err);
	if (rc == 0 && c->json)
		print_counts_json(counts);
	else if (rc == 0)
		rc = print_counts(c, counts, active, &err);
	return rc == 0 ? CLI_DONE : live_failed(NULL, &err);
}

/* --- iothreadinfo --- */

static void print_iothreads(const struct cli *c, const struct threads *t)
{
	static const char *const heads[] = {"IOThread ID", "CPU Affinity"};
	if (t->n == 0) {
		out_message(c, "No IOThreads found for the domain");
		return;
	}
	struct out_table *table = out_table_new(2, heads);
	for (unsigned i = 0; i < t->n; i++) {
		char id[16];
		CLEANUP_FREE char *cpus = numset_format(&t->thread[i].cpus, ",");
		snprintf(id, sizeof(id), "%u", t->thread[i].id);
		out_table_row(table, (const char *const[]){id, cpus});
	}
	CLEANUP_BUF struct buf b = BUF_INIT;
	out_table_format(table, !c->quiet, &b);
	fputs(b.data ? b.data : "", stdout);
	out_table_free(table);
}

static void print_iothreads_json(const struct threads *t)
{
	struct json_object *all = json_object_new_array();
	for (unsigned i = 0; i < t->n; i++) {
		struct json_object *o = json_object_new_object();
		CLEANUP_FREE char *cpus = numset_format(&t->thread[i].cpus, ",");
		out_add_u64(o, "iothread", t->thread[i].id);
		out_add_str(o, "affinity", cpus);
		json_object_array_add(all, o);
	}
	out_json(all);
}

int verb_iothreadinfo(struct cli *c)
{
	struct err err = {0};
	struct live l;
	struct threads t = {0};
	if (cli_flag(c, "config")) {
		out_error(
		    "--config: an IOThread of a definition has no affinity yet; see the <cputune> of dumpxml");
		return CLI_FAILED;
	}
	int rc = live_open(c, &l, &err);
	if (rc == 0)
		rc = threads_iothreads(&l, &t, &err);
	if (rc == 0 && c->json)
		print_iothreads_json(&t);
	else if (rc == 0)
		print_iothreads(c, &t);
	threads_fini(&t);
	live_fini(&l);
	return rc == 0 ? CLI_DONE : live_failed("Unable to get domain IOThreads information", &err);
}

/* --- cpu-stats --- */

static void print_cpu_line(const char *name, uint64_t ns)
{
	printf("\t%-12s %10" PRIu64 ".%09u seconds\n", name, ns / 1000000000u,
	    (unsigned)(ns % 1000000000u));
}

static int print_total(struct live *l, struct err *err)
{
	struct vm vm;
	if (vm_probe(&l->c->home, l->name, &vm, err) < 0)
		return -1;
	const struct status_page *p = vm.head;
	int rc = p ? 0 : err_set(err, ERR_STATE, "no figures of domain '%s' yet", l->name);
	if (p && l->c->json) {
		struct json_object *o = json_object_new_object();
		out_add_u64(o, "cpu_time_ns", p->cpu_ns);
		out_add_u64(o, "cpu_user_ns", p->user_ns);
		out_add_u64(o, "cpu_system_ns", p->system_ns);
		out_json(o);
	} else if (p) {
		puts("Total:");
		print_cpu_line("cpu_time", p->cpu_ns);
		print_cpu_line("user_time", p->user_ns);
		print_cpu_line("system_time", p->system_ns);
	}
	vm_fini(&vm);
	return rc;
}

int verb_cpu_stats(struct cli *c)
{
	struct err err = {0};
	struct live l;
	if (cli_value(c, "start") || cli_value(c, "count")) {
		out_error(
		    "the kernel keeps no figures of a process for each CPU of the host; --total tells their sum");
		return CLI_FAILED;
	}
	int rc = live_open(c, &l, &err);
	if (rc == 0)
		rc = print_total(&l, &err);
	live_fini(&l);
	return rc == 0 ? CLI_DONE : live_failed(NULL, &err);
}
