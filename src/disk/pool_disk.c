/* Pools that are the partitions of a block device, by util-linux's sfdisk(8): its JSON report and its script language. */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/program.h"
#include "core/str.h"
#include "disk/blank.h"
#include "disk/pool_backend.h"

#define SFDISK_MS 60000
#define PARTITIONS_MAX 1024u

static int start_disk(const struct pool_def *def, struct err *err)
{
	struct pool_facts facts;
	return pool_backend_disk.look(def, &facts, err);
}

static int build_disk(const struct pool_def *def, unsigned flags, struct err *err)
{
	const char *label = def->format;
	if (str_eq(label, "unknown"))
		label = "dos";
	if (!str_eq(label, "dos") && !str_eq(label, "gpt") && !str_eq(label, "sun"))
		return err_set(err, ERR_UNSUPPORTED,
		    "partition tables of kind '%s' are not made here; dos, gpt and sun are", label);
	if (!(flags & POOL_OVERWRITE) && blank_check(def->devices[0], err) < 0)
		return -1;
	CLEANUP_FREE char *script = xasprintf("label: %s\n", label);
	return program_run_input(
	    (const char *const[]){"sfdisk", "-q", "--wipe", "always", def->devices[0], NULL},
	    script, SFDISK_MS, NULL, err);
}

static int remove_disk(const struct pool_def *def, struct err *err)
{
	return err_set(err, ERR_UNSUPPORTED,
	    "the disk '%s' cannot be deleted; a new, empty partition table: hvmux pool-build '%s' "
	    "--overwrite",
	    def->devices[0], def->name);
}

/* --- the report --- */
struct table {
	struct json_object *doc; /* owns the others */
	struct json_object *table, *partitions;
	uint64_t sector; /* bytes */
};

static void table_fini(struct table *t)
{
	json_object_put(t->doc);
}

static uint64_t number(struct json_object *o, const char *key, uint64_t absent)
{
	struct json_object *v;
	if (!json_object_object_get_ex(o, key, &v))
		return absent;
	int64_t n = json_object_get_int64(v);
	return n < 0 ? absent : (uint64_t)n;
}

static int read_table(const struct pool_def *def, struct table *t, struct err *err)
{
	CLEANUP_BUF struct buf out = BUF_INIT;
	*t = (struct table){0};
	if (program_run((const char *const[]){"sfdisk", "--json", def->devices[0], NULL},
	        POOL_WAIT_MS, &out, err) < 0)
		return -1;
	t->doc = out.len > 0 ? json_tokener_parse(out.data) : NULL;
	if (!json_object_object_get_ex(t->doc, "partitiontable", &t->table))
		return err_set(err, ERR_INVALID, "sfdisk says nothing of '%s'", def->devices[0]);
	t->sector = number(t->table, "sectorsize", 512);
	if (t->sector < 512 || t->sector > 65536)
		return err_set(err, ERR_INVALID, "'%s': sectors of %llu bytes", def->devices[0],
		    (unsigned long long)t->sector);
	if (json_object_object_get_ex(t->table, "partitions", &t->partitions) &&
	    (!json_object_is_type(t->partitions, json_type_array) ||
	        json_object_array_length(t->partitions) > PARTITIONS_MAX))
		return err_set(err, ERR_INVALID, "'%s': more than %u partitions", def->devices[0],
		    PARTITIONS_MAX);
	return 0;
}

static size_t count(const struct table *t)
{
	return t->partitions != NULL ? json_object_array_length(t->partitions) : 0;
}

static uint64_t bytes_of(const struct table *t, size_t i)
{
	uint64_t sectors = number(json_object_array_get_idx(t->partitions, i), "size", 0);
	return sectors < UINT64_MAX / t->sector ? sectors * t->sector : 0;
}

static const char *node_of(const struct table *t, size_t i)
{
	struct json_object *node = NULL;
	json_object_object_get_ex(json_object_array_get_idx(t->partitions, i), "node", &node);
	const char *path = node != NULL ? json_object_get_string(node) : NULL;
	return path != NULL && path[0] == '/' ? path : NULL;
}

static int device_bytes(const char *device, uint64_t *bytes, struct err *err)
{
	CLEANUP_BUF struct buf out = BUF_INIT;
	if (program_run((const char *const[]){"blockdev", "--getsize64", device, NULL},
	        POOL_WAIT_MS, &out, err) < 0)
		return -1;
	if (out.len > 0)
		out.data[strcspn(out.data, "\n")] = '\0';
	if (out.len == 0 || str_u64(out.data, INT64_MAX, bytes) < 0)
		return err_set(err, ERR_INVALID, "the size of '%s' is not known", device);
	return 0;
}

static int look_disk(const struct pool_def *def, struct pool_facts *facts, struct err *err)
{
	CLEANUP(table_fini) struct table t = {0};
	if (device_bytes(def->devices[0], &facts->capacity, err) < 0 ||
	    read_table(def, &t, err) < 0)
		return -1;
	for (size_t i = 0; i < count(&t); i++)
		facts->allocation += bytes_of(&t, i);
	facts->available =
	    facts->capacity > facts->allocation ? facts->capacity - facts->allocation : 0;
	return 0;
}

/* The table says that it is there, even if the kernel has made no node for it yet. */
static int add_partition(const char *node, uint64_t bytes, struct volume_set *set, struct err *err)
{
	struct volume vol;
	struct err why = {0};
	if (volume_look(node, set->facts, &vol, &why) < 0)
		vol = (struct volume){.name = xstrdup(strrchr(node, '/') + 1),
		    .path = xstrdup(node),
		    .key = xstrdup(node),
		    .type = VOLUME_BLOCK,
		    .access = STORAGE_ACCESS_NONE,
		    .trouble = xstrdup(why.msg)};
	vol.capacity = vol.allocation = vol.physical = bytes;
	return volume_set_add(set, &vol, err);
}

static int scan_disk(const struct pool_def *def, struct volume_set *set, struct err *err)
{
	CLEANUP(table_fini) struct table t = {0};
	int rc = read_table(def, &t, err);
	for (size_t i = 0; rc == 0 && i < count(&t); i++) {
		const char *node = node_of(&t, i);
		if (node != NULL)
			rc = add_partition(node, bytes_of(&t, i), set, err);
	}
	return rc;
}

/* --- changing --- */
/* "sdb1", "loop0p3": the kernel puts a p behind a digit. */
static char *partition_name(const struct pool_def *def, unsigned n)
{
	const char *device = def->devices[0], *slash = strrchr(device, '/');
	const char *base = slash != NULL ? slash + 1 : device;
	size_t len = strlen(base);
	bool digit = len > 0 && base[len - 1] >= '0' && base[len - 1] <= '9';
	return xasprintf("%s%s%u", base, digit ? "p" : "", n);
}

static bool is_taken(const struct table *t, const char *name)
{
	for (size_t i = 0; i < count(t); i++) {
		const char *node = node_of(t, i), *slash = node != NULL ? strrchr(node, '/') : NULL;
		if (slash != NULL && str_eq(slash + 1, name))
			return true;
	}
	return false;
}

static int create_partition(
    const struct pool_def *def, const struct volume_wish *wish, struct err *err)
{
	CLEANUP(table_fini) struct table t = {0};
	CLEANUP_FREE char *name = NULL;
	if (read_table(def, &t, err) < 0)
		return -1;
	for (unsigned n = 1; name == NULL; n++) {
		name = partition_name(def, n);
		if (is_taken(&t, name))
			free(TAKE_PTR(name));
	}
	if (!str_eq(name, wish->name))
		return err_set(err, ERR_INVALID,
		    "the next partition of '%s' is called '%s', not '%s'", def->devices[0], name,
		    wish->name);
	CLEANUP_FREE char *script =
	    xasprintf("size=%lluKiB\n", (unsigned long long)((wish->capacity + 1023) / 1024));
	return program_run_input(
	    (const char *const[]){"sfdisk", "-q", "--append", def->devices[0], NULL}, script,
	    SFDISK_MS, NULL, err);
}

static int drop_partition(const struct pool_def *def, const struct volume *vol, struct err *err)
{
	size_t digits = strlen(vol->name);
	while (digits > 0 && vol->name[digits - 1] >= '0' && vol->name[digits - 1] <= '9')
		digits--;
	return program_run((const char *const[]){"sfdisk", "-q", "--delete", def->devices[0],
	                       vol->name + digits, NULL},
	    SFDISK_MS, NULL, err);
}

const struct pool_backend pool_backend_disk = {
    .start = start_disk,
    .build = build_disk,
    .remove = remove_disk,
    .look = look_disk,
    .scan = scan_disk,
    .create = create_partition,
    .drop = drop_partition,
};
