/* Objects that disks and controllers use: iothreads, throttle groups. They stand before the devices. */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "kvm/argv_image.h"

/* --- iothreads --- */
static void add_pool(struct buf *value, int min, int max)
{
	/* In this order: at no moment may the minimum be above the maximum. */
	if (max >= 0)
		buf_addf(value, ",thread-pool-max=%d", max);
	if (min >= 0)
		buf_addf(value, ",thread-pool-min=%d", min);
}

#define POOL_QEMU 70100 /* 7.1 has thread-pool-min and -max */

static int check_pools(struct builder *b)
{
	const struct domain *d = b->d;
	bool given = d->emulator_pool_min >= 0 || d->emulator_pool_max >= 0;
	for (size_t i = 0; i < d->n_iothreads; i++)
		given = given || d->iothreads[i].pool_min >= 0 || d->iothreads[i].pool_max >= 0;
	if (given && b->c->version < POOL_QEMU)
		return build_unsupported(
		    b, "iothreadids", 0, "thread_pool_min and thread_pool_max need QEMU 7.1");
	return 0;
}

static void build_iothreads(struct builder *b)
{
	const struct domain *d = b->d;
	struct buf value = BUF_INIT;
	for (size_t i = 0; i < d->n_iothreads; i++) {
		buf_addf(&value, "iothread,id=iothread%u", d->iothreads[i].id);
		add_pool(&value, d->iothreads[i].pool_min, d->iothreads[i].pool_max);
		build_take(b, "-object", &value);
	}
	if (d->emulator_pool_min < 0 && d->emulator_pool_max < 0)
		return;
	buf_adds(&value, "main-loop,id=main-loop");
	add_pool(&value, d->emulator_pool_min, d->emulator_pool_max);
	build_take(b, "-object", &value);
}

/* --- throttle groups --- */
void build_iotune_group(const struct domain *d, size_t i, char id[NODE_NAME_MAX])
{
	const char *group = d->disks[i].iotune.group;
	size_t first = i;
	/* By the first disk of its name: the name itself may hold anything. */
	for (size_t k = i; group != NULL && k-- > 0;)
		if (d->disks[k].with_iotune && str_eq(d->disks[k].iotune.group, group))
			first = k;
	snprintf(id, NODE_NAME_MAX, "throttle-%s", d->disks[first].target);
}

/* JSON: the limits are a structure, and the plain form of this option has none. */
static void build_group(struct builder *b, const char *id, const struct disk_iotune *t)
{
	static const char *const names[IOTUNE_KINDS] = {
	    [IOTUNE_BPS_TOTAL] = "bps-total",
	    [IOTUNE_BPS_READ] = "bps-read",
	    [IOTUNE_BPS_WRITE] = "bps-write",
	    [IOTUNE_IOPS_TOTAL] = "iops-total",
	    [IOTUNE_IOPS_READ] = "iops-read",
	    [IOTUNE_IOPS_WRITE] = "iops-write",
	};
	struct buf value = BUF_INIT;
	buf_addf(&value, "{\"qom-type\":\"throttle-group\",\"id\":\"%s\",\"limits\":{", id);
	const char *comma = "";
	for (size_t i = 0; i < IOTUNE_KINDS; i++) {
		const struct {
			const char *suffix;
			uint64_t n;
		} parts[] = {
		    {"", t->limit[i]}, {"-max", t->max[i]}, {"-max-length", t->max_length[i]}};
		for (size_t k = 0; k < ARRAY_LEN(parts); k++) {
			if (parts[k].n == 0)
				continue;
			buf_addf(&value, "%s\"%s%s\":%llu", comma, names[i], parts[k].suffix,
			    (unsigned long long)parts[k].n);
			comma = ",";
		}
	}
	if (t->iops_size != 0)
		buf_addf(&value, "%s\"iops-size\":%llu", comma, (unsigned long long)t->iops_size);
	buf_adds(&value, "}}");
	build_take(b, "-object", &value);
}

int build_disk_objects(struct builder *b, size_t i)
{
	const struct domain_disk *disk = &b->d->disks[i];
	char id[NODE_NAME_MAX], own[NODE_NAME_MAX];
	if (!disk->with_iotune)
		return 0;
	build_iotune_group(b->d, i, id);
	snprintf(own, sizeof own, "throttle-%s", disk->target);
	if (strcmp(id, own) == 0)
		build_group(b, id, &disk->iotune);
	return 0;
}

static void build_groups(struct builder *b)
{
	const struct domain *d = b->d;
	for (size_t i = 0; i < d->n_disks; i++)
		build_disk_objects(b, i);
	for (size_t i = 0; i < d->n_throttle_groups; i++) {
		CLEANUP_FREE char *id = xasprintf("throttlegroup%zu", i);
		build_group(b, id, &d->throttle_groups[i]);
	}
}

int build_storage_objects(struct builder *b)
{
	if (check_pools(b) < 0)
		return -1;
	build_iothreads(b);
	build_groups(b);
	return 0;
}
