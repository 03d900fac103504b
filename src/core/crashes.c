#include "core/crashes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <json-c/json.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/timestamp.h"

#define ID_TIME 20       /* "2026-11-21T10:48:00Z" */
#define STALE_S 3600     /* a temporary folder that nobody works on any more */
#define DETAIL_MAX 4000u /* bytes shown of what happened */

/* --- names --- */

/* "2026-11-21T10:48:00Z-panic", perhaps with "-2" behind it. */
static bool id_parse(const char *id, uint64_t *time_s)
{
	char when[ID_TIME + 1];
	if (strlen(id) < ID_TIME + 2 || strlen(id) > 100 || id[ID_TIME] != '-')
		return false;
	memcpy(when, id, ID_TIME);
	when[ID_TIME] = '\0';
	return timestamp_from_xml(when, time_s) == 0;
}

static void crash_fini(struct crash *c)
{
	free(c->domain);
	free(c->id);
	free(c->path);
	free(c->reason);
	free(c->detail);
}

void crashes_fini(struct crashes *c)
{
	for (size_t i = 0; i < c->n; i++)
		crash_fini(&c->all[i]);
	free(c->all);
	*c = (struct crashes){0};
}

/* --- reading --- */

static uint64_t folder_bytes(const char *path)
{
	uint64_t bytes = 0;
	struct stat st;
	DIR *d = opendir(path);
	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;)
		if (e->d_name[0] != '.' &&
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode))
			bytes += (uint64_t)st.st_size;
	if (d != NULL)
		closedir(d);
	return bytes;
}

static char *printable(const char *text, size_t max)
{
	return str_printable(text != NULL ? text : "", text != NULL ? strlen(text) : 0, max);
}

/* One whose summary cannot be read is listed nevertheless: its other files may be good. */
static void read_summary(struct crash *c)
{
	CLEANUP_FREE char *path = xasprintf("%s/%s", c->path, CRASHES_SUMMARY);
	CLEANUP_BUF struct buf b = BUF_INIT;
	struct json_object *o = NULL;
	if (file_read(path, CRASHES_SUMMARY_MAX, &b, NULL) == 0 && b.data != NULL)
		o = json_tokener_parse(b.data);
	const char *reason = json_get_str(o, "reason");
	c->reason = printable(reason != NULL ? reason : c->id + ID_TIME + 1, 40);
	c->detail = printable(json_get_str(o, "detail"), DETAIL_MAX);
	json_object_put(o);
}

static void add_crash(struct crashes *out, const char *domain, const char *folder, const char *id)
{
	struct crash c = {.domain = xstrdup(domain), .id = xstrdup(id)};
	id_parse(id, &c.time_s);
	c.path = xasprintf("%s/%s", folder, id);
	c.bytes = folder_bytes(c.path);
	read_summary(&c);
	out->all = xreallocarray(out->all, out->n + 1, sizeof(*out->all));
	out->all[out->n++] = c;
}

static int newest_first(const void *a, const void *b)
{
	const struct crash *x = a, *y = b;
	if (x->time_s != y->time_s)
		return x->time_s < y->time_s ? 1 : -1;
	return -strcmp(x->id, y->id);
}

static int list_one(const struct home *h, const char *name, struct crashes *out, struct err *err)
{
	CLEANUP_FREE char *folder = home_log_file(h, name, CRASHES_DIR);
	size_t before = out->n;
	uint64_t time_s;
	DIR *d = opendir(folder);
	if (d == NULL)
		return errno == ENOENT ? 0 : err_errno(err, errno, "cannot read '%s'", folder);
	for (struct dirent *e; (e = readdir(d)) != NULL && out->n - before < CRASHES_MAX;)
		if (id_parse(e->d_name, &time_s))
			add_crash(out, name, folder, e->d_name);
	closedir(d);
	if (out->n > before)
		qsort(out->all + before, out->n - before, sizeof(*out->all), newest_first);
	return 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_name(const struct dirent *e)
{
	return name_check("domain", e->d_name, NULL) == 0;
}

int crashes_list(const struct home *h, const char *name, struct crashes *out, struct err *err)
{
	struct dirent **names;
	int rc = 0;
	*out = (struct crashes){0};
	if (name != NULL)
		return list_one(h, name, out, err);
	int n = scandir(h->log, &names, is_name, by_name);
	if (n < 0)
		return errno == ENOENT ? 0 : err_errno(err, errno, "cannot read '%s'", h->log);
	/* One folder that may not be read hides no other. */
	for (int i = 0; i < n; i++) {
		rc |= list_one(h, names[i]->d_name, out, err);
		free(names[i]);
	}
	free(names);
	return rc;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int crash_files(const struct crash *c, char ***names, size_t *n, struct err *err)
{
	DIR *d = opendir(c->path);
	*names = NULL;
	*n = 0;
	if (d == NULL)
		return err_errno(err, errno, "cannot read '%s'", c->path);
	for (struct dirent *e; (e = readdir(d)) != NULL && *n < CRASHES_MAX;) {
		if (e->d_name[0] == '.')
			continue;
		*names = xreallocarray(*names, *n + 1, sizeof(**names));
		(*names)[(*n)++] = xstrdup(e->d_name);
	}
	closedir(d);
	if (*n > 0)
		qsort(*names, *n, sizeof(**names), by_text);
	return 0;
}

/* --- removing --- */

/* Under another name first: half of one is never listed. */
static int remove_folder(const char *folder, const char *id, struct err *err)
{
	CLEANUP_FREE char *path = xasprintf("%s/%s", folder, id);
	CLEANUP_FREE char *gone = xasprintf("%s/.%s.gone", folder, id);
	if (rename(path, gone) < 0)
		return err_errno(err, errno, "cannot remove '%s'", path);
	return file_remove_tree(gone, err);
}

int crash_remove(const struct crash *c, struct err *err)
{
	CLEANUP_FREE char *folder = xstrndup(c->path, strlen(c->path) - strlen(c->id) - 1);
	return remove_folder(folder, c->id, err);
}

static void remove_stale(const char *folder, const char *name)
{
	struct stat st;
	CLEANUP_FREE char *path = xasprintf("%s/%s", folder, name);
	if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && time(NULL) - st.st_mtime > STALE_S)
		file_remove_tree(path, NULL);
}

static int by_entry_backwards(const struct dirent **a, const struct dirent **b)
{
	return -strcmp((*a)->d_name, (*b)->d_name);
}

void crashes_prune(const char *folder, unsigned keep, uint64_t bytes)
{
	struct dirent **names;
	uint64_t time_s, used = 0;
	unsigned kept = 0;
	/* Names begin with the time, in one length: their order is that of time. */
	int n = scandir(folder, &names, NULL, by_entry_backwards);
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;
		if (name[0] == '.' && name[1] != '\0' && !str_eq(name, "..")) {
			remove_stale(folder, name);
		} else if (id_parse(name, &time_s)) {
			CLEANUP_FREE char *path = xasprintf("%s/%s", folder, name);
			used += folder_bytes(path);
			if (kept++ > 0 && (kept > keep || used > bytes))
				remove_folder(folder, name, NULL);
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}
