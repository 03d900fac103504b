#include "kvm/restore.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <json-c/json.h>

#include "core/file.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/save_image.h"

#define FILE_NAME "restore.json"

void restore_fini(struct restore *r)
{
	for (size_t i = 0; r->disks != NULL && r->disks[i] != NULL; i++)
		free(r->disks[i]);
	free(r->disks);
	free(r->path);
	free(r->tag);
	free(r->xml);
	*r = (struct restore){.running = -1};
}

static void add(struct json_object *o, const char *key, const char *value)
{
	if (value != NULL)
		json_object_object_add(o, key, json_object_new_string(value));
}

int restore_write(const struct home *h, const char *name, const struct restore *r, struct err *err)
{
	CLEANUP_FREE char *dir = home_run_dir(h, name), *path = home_run_file(h, name, FILE_NAME);
	struct json_object *o = json_object_new_object(), *disks = json_object_new_array();
	add(o, "path", r->path);
	add(o, "tag", r->tag);
	add(o, "xml", r->xml);
	json_object_object_add(o, "managed", json_object_new_boolean(r->managed));
	json_object_object_add(o, "from_snapshot", json_object_new_boolean(r->from_snapshot));
	json_object_object_add(o, "running", json_object_new_int(r->running));
	for (size_t i = 0; r->disks != NULL && r->disks[i] != NULL; i++)
		json_object_array_add(disks, json_object_new_string(r->disks[i]));
	json_object_object_add(o, "disks", disks);
	const char *text = json_object_to_json_string(o);
	int rc = home_mkdir(h, dir, err);
	if (rc == 0)
		rc = file_write_atomic(path, text, strlen(text), 0600, err);
	json_object_put(o);
	return rc;
}

static char *get(struct json_object *o, const char *key)
{
	return xstrdup0(json_get_str(o, key));
}

static void take(struct json_object *o, struct restore *r)
{
	struct json_object *disks = json_get_arr(o, "disks");
	size_t n = disks == NULL ? 0 : json_object_array_length(disks);
	r->path = get(o, "path");
	r->tag = get(o, "tag");
	r->xml = get(o, "xml");
	r->managed = json_get_bool(o, "managed", 0) != 0;
	r->from_snapshot = json_get_bool(o, "from_snapshot", 0) != 0;
	r->running = (int)json_get_int(o, "running", -1);
	r->disks = xcalloc(n + 1, sizeof(*r->disks));
	for (size_t i = 0; i < n; i++) {
		const char *one = json_object_get_string(json_object_array_get_idx(disks, i));
		r->disks[i] = xstrdup(one == NULL ? "" : one);
	}
}

int restore_read(const struct home *h, const char *name, struct restore *r, struct err *err)
{
	CLEANUP_BUF struct buf text = BUF_INIT;
	CLEANUP_FREE char *path = home_run_file(h, name, FILE_NAME);
	*r = (struct restore){.running = -1};
	if (file_read(path, SAVE_IMAGE_DATA_MAX, &text, err) < 0)
		return -1;
	buf_addc(&text, '\0');
	struct json_object *o = json_tokener_parse(text.data);
	if (json_object_is_type(o, json_type_object))
		take(o, r);
	json_object_put(o);
	if (r->path != NULL || (r->tag != NULL && r->xml != NULL && r->disks[0] != NULL))
		return 0;
	restore_fini(r);
	return err_set(err, ERR_INVALID, "'%s' does not say what to restore", path);
}

uint64_t restore_age_s(const struct home *h, const char *name)
{
	struct stat st;
	CLEANUP_FREE char *path = home_run_file(h, name, FILE_NAME);
	time_t now = time(NULL);
	return stat(path, &st) == 0 && now > st.st_mtime ? (uint64_t)(now - st.st_mtime) : 0;
}

void restore_forget(const struct home *h, const char *name)
{
	CLEANUP_FREE char *path = home_run_file(h, name, FILE_NAME);
	unlink(path);
}

char *restore_managed_path(const struct home *h, const char *name)
{
	CLEANUP_FREE char *file = xasprintf("%s.save", name);
	return home_data_file(h, "save", file);
}

bool restore_is_managed(const struct home *h, const char *name)
{
	CLEANUP_FREE char *path = restore_managed_path(h, name);
	return access(path, F_OK) == 0;
}
