#include "disk/bases.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "disk/chain.h"

#define FILE_MAX (16u << 20) /* bytes */

/* Another path of the same sum is told apart by what the file says. */
static char *note_path(const struct home *h, const char *base)
{
	char name[32];
	snprintf(name, sizeof(name), "%016llx.json", (unsigned long long)str_hash(base));
	return home_data_file(h, "bases", name);
}

/* NULL: nothing is noted of it. */
static struct json_object *read_note(const struct home *h, const char *base)
{
	CLEANUP_FREE char *path = note_path(h, base);
	CLEANUP_BUF struct buf b = BUF_INIT;
	if (access(path, F_OK) < 0 || file_read(path, FILE_MAX, &b, NULL) < 0)
		return NULL;
	buf_addc(&b, '\0');
	struct json_object *o = json_tokener_parse(b.data);
	if (str_eq(json_get_str(o, "base"), base))
		return o;
	json_object_put(o);
	return NULL;
}

static bool is_below(const char *base, const char *path)
{
	struct stat st;
	struct chain c;
	bool found = false;
	if (stat(base, &st) < 0)
		return false;
	chain_read(path, "qcow2", &c);
	for (size_t i = 1; i < c.n && !found; i++)
		found = c.links[i].dev == st.st_dev && c.links[i].ino == st.st_ino;
	chain_fini(&c);
	return found;
}

int bases_note(const struct home *h, const char *base, const char *path, struct err *err)
{
	CLEANUP_FREE char *file = note_path(h, base);
	CLEANUP_FREE char *dir = home_data_file(h, "bases", ".");
	CLEANUP_CLOSE int lock = store_lock(h, err);
	if (lock < 0 || home_mkdir(h, dir, err) < 0)
		return -1;
	struct json_object *old = read_note(h, base), *o = json_object_new_object();
	struct json_object *was = json_get_arr(old, "images"), *list = json_object_new_array();
	for (size_t i = 0; was && i < json_object_array_length(was); i++) {
		const char *image = json_object_get_string(json_object_array_get_idx(was, i));
		/* What has gone, or was given another base, is forgotten here. */
		if (image && strcmp(image, path) != 0 && is_below(base, image))
			json_object_array_add(list, json_object_new_string(image));
	}
	json_object_array_add(list, json_object_new_string(path));
	json_object_object_add(o, "base", json_object_new_string(base));
	json_object_object_add(o, "images", list);
	const char *text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY);
	int rc = file_write_atomic(file, text, strlen(text), 0600, err);
	json_object_put(o);
	json_object_put(old);
	return rc;
}

static bool is_among(const char *path, const char *const *list)
{
	while (*list != NULL && strcmp(*list, path) != 0)
		list++;
	return *list != NULL;
}

char *bases_find_other(const struct home *h, const char *base, const char *const *own)
{
	struct json_object *o = read_note(h, base), *list = json_get_arr(o, "images");
	char *found = NULL;
	for (size_t i = 0; list && !found && i < json_object_array_length(list); i++) {
		const char *image = json_object_get_string(json_object_array_get_idx(list, i));
		if (image && !is_among(image, own) && is_below(base, image))
			found = xstrdup(image);
	}
	json_object_put(o);
	return found;
}

char *bases_find(const struct home *h, const char *base)
{
	return bases_find_other(h, base, (const char *const[]){NULL});
}
