/* What a plan about snapshots has to know of the host: the documents, room on the disks, files that are in the way. */
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/snapshots.h"
#include "core/status.h"
#include "core/str.h"
#include "kvm/firmware.h"
#include "kvm/plan_chain.h"
#include "kvm/plan_snapshot.h"

/* Beside the guest's pages: devices, and what the file needs to find them. */
#define STATE_EXTRA (16ull << 20)

/* --- the documents --- */

static void add_snapshot(const struct snapshots *s, size_t i, bool whole, struct json_object *list)
{
	const struct snapshot *one = &s->v[i];
	size_t len;
	struct json_object *o = plan_args("name", one->name, "parent",
	    s->parent[i] == SNAPSHOTS_NONE ? NULL : s->v[s->parent[i]].name, NULL);
	CLEANUP_FREE char *xml = whole ? snapshot_format(one, &len, NULL) : NULL;
	if (xml != NULL)
		json_object_object_add(o, "xml", json_object_new_string(xml));
	json_object_array_add(list, o);
}

static int look_documents(const struct plan_in *in, struct json_object *facts, struct err *err)
{
	struct snapshots s;
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();
	const char *name = json_get_str(in->args, "name");
	json_object_object_add(facts, "snapshots", o);
	json_object_object_add(o, "list", list);
	int rc = snapshots_load(in->home, in->name, &s, err);
	if (rc == 0 && s.current != SNAPSHOTS_NONE)
		json_object_object_add(o, "current", json_object_new_string(s.v[s.current].name));
	for (size_t i = 0; rc == 0 && i < s.n; i++)
		add_snapshot(&s, i, name != NULL, list);
	snapshots_fini(&s);
	return rc;
}

/* --- files --- */

/* Room in the folder of a path, or in the file system of a file that is there. */
static void add_free(struct json_object *free_bytes, const char *path)
{
	struct statvfs v;
	CLEANUP_FREE char *at = xstrdup(path);
	/* A folder of ours may be missing still. */
	while (statvfs(at, &v) < 0) {
		char *slash = strrchr(at, '/');
		if (slash == NULL || slash == at)
			return;
		*slash = '\0';
	}
	json_object_object_add(
	    free_bytes, path, json_object_new_int64((int64_t)((uint64_t)v.f_bavail * v.f_frsize)));
}

static void add_file(struct json_object *host, const char *path)
{
	add_free(json_get_obj(host, "free"), path);
	if (access(path, F_OK) == 0)
		json_object_object_add(
		    json_get_obj(host, "there"), path, json_object_new_boolean(1));
}

static void add_rss(const struct plan_in *in, struct json_object *host)
{
	static struct status_page page; /* large; one look at a time */
	CLEANUP_FREE char *path = home_run_file(in->home, in->name, "status");
	if (status_pread_brief(-1, path, &page, NULL) == 0)
		json_object_object_add(
		    host, "rss_kib", json_object_new_int64((int64_t)page.rss_kib));
}

/* The variables of UEFI: where they are, and where this snapshot's copy goes. */
static void add_nvram(const struct plan_in *in, const char *snapshot, struct json_object *host)
{
	struct json_object *list = plan_fact(in, "query-named-block-nodes");
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	const char *format = NULL;
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		if (str_eq(json_get_str(o, "node-name"), "pflash1-format"))
			format = json_get_str(o, "drv");
	}
	if (format == NULL || in->live->os.nvram.type == NVRAM_NBD)
		return;
	struct firmware_env env;
	firmware_env_init(&env, in->home);
	CLEANUP_FREE char *vars = in->live->os.nvram.path != NULL
	                              ? xstrdup(in->live->os.nvram.path)
	                              : firmware_nvram_path(&env, in->name);
	firmware_env_fini(&env);
	json_object_object_add(host, "nvram", json_object_new_string(vars));
	json_object_object_add(host, "nvram_format", json_object_new_string(format));
	if (snapshot == NULL)
		return;
	CLEANUP_FREE char *dir = snapshots_dir(in->home, in->name);
	CLEANUP_FREE char *copy = xasprintf("%s/%s.nvram", dir, snapshot);
	json_object_object_add(host, "nvram_copy", json_object_new_string(copy));
}

static void look_files(const struct plan_in *in, struct json_object *host)
{
	struct snapshot s;
	/* What is wrong with the request, the builder says. */
	if (json_get_str(in->args, "xml") == NULL || plan_snapshot_fill(in, &s, NULL) < 0) {
		add_nvram(in, NULL, host);
		return;
	}
	add_nvram(in, s.name, host);
	for (size_t i = 0; i < in->live->n_disks; i++)
		if (in->live->disks[i].image.path != NULL)
			add_free(json_get_obj(host, "free"), in->live->disks[i].image.path);
	for (size_t i = 0; i < s.n_disks; i++)
		if (s.disks[i].kind == SNAPSHOT_EXTERNAL)
			add_file(host, s.disks[i].file);
	if (s.memory_file != NULL)
		add_file(host, s.memory_file);
	snapshot_fini(&s);
}

static struct json_object *new_host(const struct plan_in *in, struct json_object *facts)
{
	struct json_object *host = json_object_new_object();
	json_object_object_add(host, "free", json_object_new_object());
	json_object_object_add(host, "there", json_object_new_object());
	json_object_object_add(facts, "host", host);
	add_rss(in, host);
	return host;
}

void plan_snapshot_look_room(const struct plan_in *in, const char *path, struct json_object *facts)
{
	add_free(json_get_obj(new_host(in, facts), "free"), path);
}

/* The guest's pages that are not zero: at most all of them, and not more than QEMU has in memory. */
int plan_snapshot_check_room(
    const struct plan_in *in, const char *path, const char *instead, struct err *err)
{
	struct json_object *host = plan_fact(in, "host");
	uint64_t rss = (uint64_t)json_get_int(host, "rss_kib", 0) << 10;
	uint64_t need = in->live->memory_kib << 10;
	int64_t there = json_get_int(json_get_obj(host, "free"), path, -1);
	char want[STR_HUMAN_MAX], have[STR_HUMAN_MAX];
	if (rss > 0 && rss < need)
		need = rss;
	need += STATE_EXTRA;
	if (there < 0 || (uint64_t)there >= need)
		return 0;
	str_human(need, want);
	str_human((uint64_t)there, have);
	return err_set(err, ERR_IO,
	    "no space for the guest's memory: it may take %s in the file system of '%s', where %s are free: make room, or %s",
	    want, path, have, instead);
}

int plan_snapshot_look(const struct plan_in *in, struct json_object *facts, struct err *err)
{
	if (look_documents(in, facts, err) < 0)
		return -1;
	struct json_object *host = new_host(in, facts);
	if (in->live == NULL)
		return 0;
	look_files(in, host);
	return plan_chain_look(in, facts, err);
}
