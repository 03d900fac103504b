/* domblkstat, domblkerror: what QEMU counted and met on a running domain's disks. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/live.h"
#include "cli/out.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"

/* QEMU's member of BlockDeviceStats, virsh's two names, our JSON's. */
static const struct counter {
	const char *member, *name, *human, *key;
} counters[] = {
    {"rd_operations", "rd_req", "number of read operations:", "rd_reqs"},
    {"rd_bytes", "rd_bytes", "number of bytes read:", "rd_bytes"},
    {"wr_operations", "wr_req", "number of write operations:", "wr_reqs"},
    {"wr_bytes", "wr_bytes", "number of bytes written:", "wr_bytes"},
    {"flush_operations", "flush_operations", "number of flush operations:", "fl_reqs"},
    {"rd_total_time_ns", "rd_total_times", "total duration of reads (ns):", "rd_time_ns"},
    {"wr_total_time_ns", "wr_total_times", "total duration of writes (ns):", "wr_time_ns"},
    {"flush_total_time_ns", "flush_total_times", "total duration of flushes (ns):", "fl_time_ns"},
};

/* Adds one disk's figures. */
static void add_counters(struct json_object *block, uint64_t sum[ARRAY_LEN(counters)])
{
	struct json_object *stats = json_get_obj(block, "stats");
	for (size_t i = 0; i < ARRAY_LEN(counters); i++) {
		int64_t v = json_get_int(stats, counters[i].member, 0);
		sum[i] += v > 0 ? (uint64_t)v : 0;
	}
}

static void print_counters(
    const struct cli *c, const char *device, const uint64_t sum[ARRAY_LEN(counters)])
{
	struct json_object *o = c->json ? json_object_new_object() : NULL;
	if (o)
		out_add_str(o, "target", device[0] ? device : NULL);
	else if (cli_flag(c, "human"))
		printf("Device: %s\n", device);
	for (size_t i = 0; i < ARRAY_LEN(counters); i++) {
		if (o)
			out_add_u64(o, counters[i].key, sum[i]);
		else if (cli_flag(c, "human"))
			printf(" %-31s %" PRIu64 "\n", counters[i].human, sum[i]);
		else
			printf("%s %s %" PRIu64 "\n", device, counters[i].name, sum[i]);
	}
	if (o)
		out_json(o);
}

static int block_stats(struct live *l, const struct domain *d, struct err *err)
{
	const char *device = cli_value(l->c, "device");
	struct json_object *list = NULL;
	uint64_t sum[ARRAY_LEN(counters)] = {0};
	size_t only = 0;
	if (device && live_find_disk(d, device, &only, err) < 0)
		return -1;
	if (live_qmp(l, "query-blockstats", NULL, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < d->n_disks; i++)
		if (!device || i == only)
			add_counters(live_disk(list, d, i), sum);
	json_object_put(list);
	print_counters(l->c, device ? device : "", sum);
	return 0;
}

int verb_domblkstat(struct cli *c)
{
	struct err err = {0};
	struct live l;
	struct domain d;
	int rc = live_open_domain(c, &l, &d, &err);
	if (rc == 0)
		rc = block_stats(&l, &d, &err);
	CLEANUP_FREE char *what = xasprintf("Failed to get block stats for domain '%s' device '%s'",
	    l.name ? l.name : cli_value(c, "domain"),
	    cli_value(c, "device") ? cli_value(c, "device") : "");
	live_fini(&l);
	domain_fini(&d);
	return rc == 0 ? CLI_DONE : live_failed(what, &err);
}

/* --- domblkerror --- */

/* QEMU's BlockDeviceIoStatus to libvirt's words; NULL: no error. */
static const char *error_word(struct json_object *block)
{
	const char *status = json_get_str(block, "io-status");
	if (!status || str_eq(status, "ok"))
		return NULL;
	return str_eq(status, "nospace") ? "no space" : "unspecified error";
}

static int block_errors(struct live *l, const struct domain *d, struct err *err)
{
	struct json_object *list = NULL, *all = l->c->json ? json_object_new_array() : NULL;
	unsigned found = 0;
	if (live_qmp(l, "query-block", NULL, &list, err) < 0) {
		json_object_put(all);
		return -1;
	}
	for (size_t i = 0; i < d->n_disks; i++) {
		const char *word = error_word(live_disk(list, d, i));
		if (!word)
			continue;
		found++;
		if (all) {
			struct json_object *o = json_object_new_object();
			out_add_str(o, "target", d->disks[i].target);
			out_add_str(o, "error", word);
			json_object_array_add(all, o);
		} else {
			printf("%s: %s\n", d->disks[i].target, word);
		}
	}
	json_object_put(list);
	if (all)
		out_json(all);
	else if (!found)
		puts("No errors found");
	return 0;
}

int verb_domblkerror(struct cli *c)
{
	struct err err = {0};
	struct live l;
	struct domain d;
	int rc = live_open_domain(c, &l, &d, &err);
	if (rc == 0)
		rc = block_errors(&l, &d, &err);
	live_fini(&l);
	domain_fini(&d);
	return rc == 0 ? CLI_DONE : live_failed(NULL, &err);
}
