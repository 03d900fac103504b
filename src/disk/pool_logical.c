/* Pools that are LVM volume groups, by LVM's own programs: their words and exit status are lvm(8)'s. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/program.h"
#include "core/str.h"
#include "disk/blank.h"
#include "disk/pool_backend.h"

#define LVM_MS 60000 /* zeroing, wiping and a busy lock of LVM's may take their time */

static int start_group(const struct pool_def *def, struct err *err)
{
	return program_run(
	    (const char *const[]){"vgchange", "-aly", def->source_name, NULL}, LVM_MS, NULL, err);
}

static int stop_group(const struct pool_def *def, struct err *err)
{
	return program_run(
	    (const char *const[]){"vgchange", "-aln", def->source_name, NULL}, LVM_MS, NULL, err);
}

static int build_group(const struct pool_def *def, unsigned flags, struct err *err)
{
	if (def->n_devices == 0)
		return err_set(err, ERR_INVALID,
		    "pool '%s' names no devices to make the volume group '%s' of: <device path='…'/> in its "
		    "<source>",
		    def->name, def->source_name);
	for (size_t i = 0; i < def->n_devices; i++)
		if (!(flags & POOL_OVERWRITE) && blank_check(def->devices[i], err) < 0)
			return -1;
	const char **argv = xcalloc(def->n_devices + 4, sizeof *argv);
	size_t n = 0;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < def->n_devices; i++)
		rc = program_run(
		    (const char *const[]){"pvcreate", "-ff", "-y", def->devices[i], NULL}, LVM_MS,
		    NULL, err);
	argv[n++] = "vgcreate";
	argv[n++] = def->source_name;
	for (size_t i = 0; i < def->n_devices; i++)
		argv[n++] = def->devices[i];
	if (rc == 0)
		rc = program_run(argv, LVM_MS, NULL, err);
	free(argv);
	return rc;
}

/* Without -f: a group that has volumes stays. */
static int remove_group(const struct pool_def *def, struct err *err)
{
	return program_run(
	    (const char *const[]){"vgremove", def->source_name, NULL}, LVM_MS, NULL, err);
}

/* --- LVM's reports: a line each, fields between '|' --- */
#define FIELDS_MAX 8

static size_t split(char *line, char *fields[FIELDS_MAX])
{
	size_t n = 0;
	char *word;
	line += strspn(line, " \t");
	while (n < FIELDS_MAX && (word = strsep(&line, "|")) != NULL)
		fields[n++] = word;
	return n;
}

static int read_bytes(const char *text, uint64_t *out, struct err *err)
{
	if (str_u64(text, INT64_MAX, out) == 0)
		return 0;
	return err_set(err, ERR_INVALID, "LVM says '%s' where a number of bytes is wanted", text);
}

static int look_group(const struct pool_def *def, struct pool_facts *facts, struct err *err)
{
	CLEANUP_BUF struct buf out = BUF_INIT;
	char *fields[FIELDS_MAX];
	if (program_run((const char *const[]){"vgs", "--noheadings", "--nosuffix", "--units", "b",
	                    "--separator", "|", "-o", "vg_size,vg_free", def->source_name, NULL},
	        POOL_WAIT_MS, &out, err) < 0)
		return -1;
	if (out.len > 0)
		out.data[strcspn(out.data, "\n")] = '\0';
	if (out.len == 0 || split(out.data, fields) != 2)
		return err_set(err, ERR_INVALID, "LVM says nothing of the volume group '%s'",
		    def->source_name);
	if (read_bytes(fields[0], &facts->capacity, err) < 0 ||
	    read_bytes(fields[1], &facts->available, err) < 0)
		return -1;
	facts->allocation =
	    facts->capacity > facts->available ? facts->capacity - facts->available : 0;
	return 0;
}

/* What a volume is made of, LVM's lv_attr: 't' a thin pool, 'V' a thin volume, 's' a snapshot. */
static bool holds_data(const char *attr)
{
	return strchr("-oOsSVmMrRcw", attr[0]) != NULL;
}

/* percent: "12.34"; no locale's comma. */
static uint64_t part_of(uint64_t bytes, const char *percent)
{
	unsigned whole = 0, hundredths = 0;
	(void)sscanf(percent, "%3u.%2u", &whole, &hundredths);
	return bytes / 10000 * (whole * 100u + hundredths);
}

/* lv_name|origin|lv_uuid|lv_size|lv_attr|data_percent */
static int take_volume(
    const struct pool_def *def, char **fields, struct volume_set *set, struct err *err)
{
	struct stat st;
	struct volume vol = {
	    .type = VOLUME_BLOCK, .format = DISK_RAW, .access = STORAGE_ACCESS_NONE};
	if (read_bytes(fields[3], &vol.capacity, err) < 0)
		return -1;
	vol.allocation = vol.physical = vol.capacity;
	/* Of a thin one and of a snapshot only a part is there. */
	if (fields[4][0] == 'V' && fields[5][0] != '\0')
		vol.allocation = part_of(vol.capacity, fields[5]);
	vol.name = xstrdup(fields[0]);
	vol.key = xstrdup(fields[2]);
	vol.path = xasprintf("%s/%s", def->target, fields[0]);
	if (fields[1][0] != '\0') {
		vol.origin = xstrdup(fields[1]);
		vol.backing = xasprintf("%s/%s", def->target, fields[1]);
	}
	if (stat(vol.path, &st) == 0) {
		vol.access = (struct storage_access){
		    (long)(st.st_mode & 07777), (long)st.st_uid, (long)st.st_gid, NULL};
		vol.atime = st.st_atim;
		vol.mtime = st.st_mtim;
		vol.ctime = st.st_ctim;
		vol.dev = st.st_rdev;
		vol.ino = 0;
	} else {
		vol.trouble = xasprintf("'%s' is not there: %s", vol.path, strerror(errno));
	}
	return volume_set_add(set, &vol, err);
}

static int list_volumes(const struct pool_def *def, struct buf *out, struct err *err)
{
	return program_run(
	    (const char *const[]){"lvs", "--noheadings", "--nosuffix", "--units", "b",
	        "--separator", "|", "-o", "lv_name,origin,lv_uuid,lv_size,lv_attr,data_percent",
	        def->source_name, NULL},
	    POOL_WAIT_MS, out, err);
}

static int scan_group(const struct pool_def *def, struct volume_set *set, struct err *err)
{
	CLEANUP_BUF struct buf out = BUF_INIT;
	char *rest, *fields[FIELDS_MAX];
	int rc = list_volumes(def, &out, err);
	for (char *line = out.len > 0 ? strtok_r(out.data, "\n", &rest) : NULL;
	     rc == 0 && line != NULL; line = strtok_r(NULL, "\n", &rest))
		if (split(line, fields) == 6 && holds_data(fields[4]))
			rc = take_volume(def, fields, set, err);
	return rc;
}

/* --- changing --- */
/* The group's only thin pool, on the heap. */
static char *thin_pool(const struct pool_def *def, struct err *err)
{
	CLEANUP_BUF struct buf out = BUF_INIT;
	char *rest, *fields[FIELDS_MAX], *found = NULL;
	size_t n = 0;
	if (list_volumes(def, &out, err) < 0)
		return NULL;
	for (char *line = out.len > 0 ? strtok_r(out.data, "\n", &rest) : NULL; line != NULL;
	     line = strtok_r(NULL, "\n", &rest))
		if (split(line, fields) == 6 && fields[4][0] == 't' && n++ == 0)
			found = xstrdup(fields[0]);
	if (n == 1)
		return found;
	err_set(err, ERR_UNSUPPORTED,
	    n == 0
	        ? "the volume group '%s' has no thin pool for a volume that takes its space when it is "
	          "written to; make one: lvcreate --type thin-pool -L SIZE -n NAME %s; or leave "
	          "--allocation away"
	        : "the volume group '%s' has several thin pools; make the volume with lvcreate -V in "
	          "the right one of '%s'",
	    def->source_name, def->source_name);
	free(found);
	return NULL;
}

static int create_volume(
    const struct pool_def *def, const struct volume_wish *wish, struct err *err)
{
	bool thin = wish->allocation < wish->capacity;
	CLEANUP_FREE char *size = xasprintf("%llub", (unsigned long long)wish->capacity);
	CLEANUP_FREE char *group = xstrdup(def->source_name);
	if (wish->origin != NULL) {
		CLEANUP_FREE char *origin = xasprintf("%s/%s", group, wish->origin);
		return program_run((const char *const[]){"lvcreate", "-y", "-n", wish->name, "-L",
		                       size, "-s", origin, NULL},
		    LVM_MS, NULL, err);
	}
	if (!thin)
		return program_run((const char *const[]){"lvcreate", "-y", "-Wy", "-n", wish->name,
		                       "-L", size, group, NULL},
		    LVM_MS, NULL, err);
	CLEANUP_FREE char *pool = thin_pool(def, err);
	if (pool == NULL)
		return -1;
	return program_run((const char *const[]){"lvcreate", "-y", "-n", wish->name, "-V", size,
	                       "--thinpool", pool, group, NULL},
	    LVM_MS, NULL, err);
}

static int resize_volume(const struct pool_def *def, const struct volume *vol, uint64_t capacity,
    bool shrink, struct err *err)
{
	CLEANUP_FREE char *size = xasprintf("%llub", (unsigned long long)capacity);
	CLEANUP_FREE char *name = xasprintf("%s/%s", def->source_name, vol->name);
	return program_run(
	    (const char *const[]){shrink ? "lvreduce" : "lvextend", "-y", shrink ? "-f" : "-L",
	        shrink ? "-L" : size, shrink ? size : name, shrink ? name : NULL, NULL},
	    LVM_MS, NULL, err);
}

static int drop_volume(const struct pool_def *def, const struct volume *vol, struct err *err)
{
	CLEANUP_FREE char *name = xasprintf("%s/%s", def->source_name, vol->name);
	return program_run((const char *const[]){"lvremove", "-f", name, NULL}, LVM_MS, NULL, err);
}

const struct pool_backend pool_backend_logical = {
    .start = start_group,
    .stop = stop_group,
    .build = build_group,
    .remove = remove_group,
    .look = look_group,
    .scan = scan_group,
    .create = create_volume,
    .resize = resize_volume,
    .drop = drop_volume,
};
