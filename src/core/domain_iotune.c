/* What limits and carries out the disks' work: <iotune>, <throttlegroups>, <iothreads>. */
#include "core/domain_impl.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

#define LIMIT_MAX 1000000000000000ull /* QEMU's THROTTLE_VALUE_MAX */
#define POOL_MAX 1024
#define POOL_DEFAULT_MAX 64 /* QEMU's thread-pool-max where none is said */

static int parse_u64(
    struct parse *p, const xmlNode *node, const char *name, uint64_t max, uint64_t *out)
{
	CLEANUP_FREE char *text = xml_child_text(node, name);
	if (text == NULL)
		return 0;
	char *s = text + strspn(text, " \t\r\n");
	s[strcspn(s, " \t\r\n")] = '\0';
	if (str_u64(s, max, out) < 0)
		return parse_invalid(p, xml_child(node, name), "is not a number from 0 to %llu",
		    (unsigned long long)max);
	return 0;
}

/* The words of libvirt and of QEMU's limits are the same in another order. */
static int parse_limits(struct parse *p, const xmlNode *node, struct disk_iotune *out)
{
	static const char *const names[IOTUNE_KINDS] = {
	    [IOTUNE_BPS_TOTAL] = "total_bytes_sec",
	    [IOTUNE_BPS_READ] = "read_bytes_sec",
	    [IOTUNE_BPS_WRITE] = "write_bytes_sec",
	    [IOTUNE_IOPS_TOTAL] = "total_iops_sec",
	    [IOTUNE_IOPS_READ] = "read_iops_sec",
	    [IOTUNE_IOPS_WRITE] = "write_iops_sec",
	};
	for (size_t i = 0; i < IOTUNE_KINDS; i++) {
		CLEANUP_FREE char *max = xasprintf("%s_max", names[i]);
		CLEANUP_FREE char *length = xasprintf("%s_max_length", names[i]);
		if (parse_u64(p, node, names[i], LIMIT_MAX, &out->limit[i]) < 0 ||
		    parse_u64(p, node, max, LIMIT_MAX, &out->max[i]) < 0 ||
		    parse_u64(p, node, length, UINT32_MAX, &out->max_length[i]) < 0)
			return -1;
		if (out->max[i] != 0 && out->limit[i] == 0)
			return parse_invalid(p, node, "%s needs %s", max, names[i]);
		if (out->max[i] != 0 && out->max[i] < out->limit[i])
			return parse_invalid(p, node, "%s is less than %s", max, names[i]);
		if (out->max_length[i] != 0 && out->max[i] == 0)
			return parse_invalid(p, node, "%s needs %s", length, max);
	}
	return parse_u64(p, node, "size_iops_sec", LIMIT_MAX, &out->iops_size);
}

int iotune_parse(struct parse *p, const xmlNode *node, struct disk_iotune *out)
{
	if (parse_limits(p, node, out) < 0)
		return -1;
	const uint64_t *arrays[] = {out->limit, out->max};
	for (size_t i = 0; i < ARRAY_LEN(arrays); i++)
		for (size_t total = 0; total < IOTUNE_KINDS; total += IOTUNE_IOPS_TOTAL)
			if (arrays[i][total] != 0 &&
			    (arrays[i][total + 1] != 0 || arrays[i][total + 2] != 0))
				return parse_invalid(p, node,
				    "the total and the read or write value of %s%s exclude each other",
				    total == IOTUNE_BPS_TOTAL ? "bytes_sec" : "iops_sec",
				    i == 0 ? "" : "_max");
	out->group = xml_child_text(node, "group_name");
	if (out->group != NULL && (out->group[0] == '\0' || !parse_text_ok(out->group)))
		return parse_invalid(p, xml_child(node, "group_name"), "is not a name");
	return 0;
}

int throttle_groups_parse(struct parse *p, const xmlNode *root)
{
	struct domain *d = p->d;
	const xmlNode *groups = xml_child(root, "throttlegroups");
	for (const xmlNode *n = xml_first(groups); n != NULL; n = xml_next(n)) {
		if (!xml_is(n, "throttlegroup"))
			continue;
		struct disk_iotune *g = DOMAIN_ADD(d->throttle_groups, d->n_throttle_groups);
		if (iotune_parse(p, n, g) < 0)
			return -1;
		free(g->group);
		g->group = xml_child_text(n, "group_name");
		if (g->group == NULL || g->group[0] == '\0')
			return parse_invalid(p, n, "has no <group_name>");
		for (size_t i = 0; i + 1 < d->n_throttle_groups; i++)
			if (strcmp(d->throttle_groups[i].group, g->group) == 0)
				return parse_invalid(p, n, "'%s' is there twice", g->group);
	}
	return 0;
}

/* --- iothreads --- */
static int parse_pool(struct parse *p, const xmlNode *node, int *min, int *max)
{
	unsigned low = UINT32_MAX, high = UINT32_MAX;
	if (parse_number(p, node, "thread_pool_min", POOL_MAX, &low) < 0 ||
	    parse_number(p, node, "thread_pool_max", POOL_MAX, &high) < 0)
		return -1;
	*min = low == UINT32_MAX ? -1 : (int)low;
	*max = high == UINT32_MAX ? -1 : (int)high;
	if (*max == 0 || (*max > 0 && *min > *max) || (*max < 0 && *min > POOL_DEFAULT_MAX))
		return parse_invalid(p, node,
		    "thread_pool_min has to be at most thread_pool_max (%d when absent)",
		    POOL_DEFAULT_MAX);
	return 0;
}

static struct domain_iothread *find_iothread(struct domain *d, unsigned id)
{
	for (size_t i = 0; i < d->n_iothreads; i++)
		if (d->iothreads[i].id == id)
			return &d->iothreads[i];
	return NULL;
}

static int parse_iothread(struct parse *p, const xmlNode *node)
{
	struct domain_iothread it = {.line = node_line(node)};
	if (parse_number(p, node, "id", DOMAIN_IOTHREAD_MAX, &it.id) < 0 ||
	    parse_pool(p, node, &it.pool_min, &it.pool_max) < 0)
		return -1;
	if (it.id == 0)
		return parse_invalid(p, node, "id is a number from 1");
	if (find_iothread(p->d, it.id) != NULL)
		return parse_invalid(p, node, "id='%u' is there twice", it.id);
	if (xml_child(node, "poll") != NULL)
		parse_warn(p, xml_child(node, "poll"), "has no effect here");
	*DOMAIN_ADD(p->d->iothreads, p->d->n_iothreads) = it;
	return 0;
}

static int compare_iothreads(const void *a, const void *b)
{
	const struct domain_iothread *x = a, *y = b;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* <iothreads>N</iothreads> of them, with the ids of <iothreadids> first and then the lowest that are free. */
int iothreads_parse(struct parse *p, const xmlNode *root)
{
	struct domain *d = p->d;
	const xmlNode *count = xml_child(root, "iothreads"), *ids = xml_child(root, "iothreadids");
	uint64_t n = 0;
	if (parse_u64(p, root, "iothreads", DOMAIN_IOTHREADS_MAX, &n) < 0)
		return -1;
	for (const xmlNode *k = xml_first(ids); k != NULL; k = xml_next(k))
		if (xml_is(k, "iothread") && parse_iothread(p, k) < 0)
			return -1;
	if (d->n_iothreads > DOMAIN_IOTHREADS_MAX)
		return parse_invalid(p, ids, "more than %u iothreads", DOMAIN_IOTHREADS_MAX);
	for (unsigned id = 1; d->n_iothreads < n; id++)
		if (find_iothread(d, id) == NULL)
			*DOMAIN_ADD(d->iothreads, d->n_iothreads) =
			    (struct domain_iothread){id, -1, -1, node_line(count)};
	if (d->n_iothreads > 0)
		qsort(d->iothreads, d->n_iothreads, sizeof *d->iothreads, compare_iothreads);
	d->emulator_pool_min = d->emulator_pool_max = -1;
	const xmlNode *main_thread = xml_child(root, "defaultiothread");
	return main_thread == NULL
	           ? 0
	           : parse_pool(p, main_thread, &d->emulator_pool_min, &d->emulator_pool_max);
}
