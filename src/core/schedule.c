#include "core/schedule.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <json-c/json.h>

#include "core/file.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/timestamp.h"

#define FILE_MAX (256u << 10)

/* --- the file --- */
char *schedules_path(const struct home *h, const char *domain)
{
	return xasprintf("%s/schedules/%s.json", h->conf, domain);
}

void schedules_fini(struct schedules *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].name);
		free(s->v[i].trouble);
	}
	free(s->v);
	*s = (struct schedules){0};
}

struct schedule *schedules_find(const struct schedules *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (str_eq(s->v[i].name, name))
			return &s->v[i];
	return NULL;
}

struct schedule *schedules_add(struct schedules *s, const char *name)
{
	s->v = xreallocarray(s->v, s->n + 1, sizeof *s->v);
	s->v[s->n] = (struct schedule){.name = xstrdup(name)};
	return &s->v[s->n++];
}

void schedules_remove(struct schedules *s, const char *name)
{
	struct schedule *one = schedules_find(s, name);
	if (one == NULL)
		return;
	free(one->name);
	free(one->trouble);
	memmove(one, one + 1, (size_t)(s->v + s->n - one - 1) * sizeof *one);
	s->n--;
}

static uint64_t number(struct json_object *o, const char *key, uint64_t max)
{
	int64_t v = json_get_int(o, key, 0);
	return v < 0 ? 0 : (uint64_t)v > max ? max : (uint64_t)v;
}

static void read_one(struct schedules *s, struct json_object *o)
{
	const char *name = json_get_str(o, "name");
	if (name == NULL || schedule_name_check(name, NULL) < 0 || s->n == SCHEDULES_MAX ||
	    schedules_find(s, name) != NULL)
		return;
	struct schedule *one = schedules_add(s, name);
	one->every = number(o, "every", SCHEDULE_TIME_MAX);
	one->keep = number(o, "keep", SCHEDULE_TIME_MAX);
	one->count = number(o, "count", SCHEDULE_COUNT_MAX);
	one->disk_only = json_get_bool(o, "disk_only", 0) != 0;
	one->quiesce = json_get_bool(o, "quiesce", 0) != 0;
	one->tried = number(o, "tried", INT64_MAX);
	one->trouble = xstrdup0(json_get_str(o, "trouble"));
	if (one->every < SCHEDULE_EVERY_MIN)
		one->every = SCHEDULE_EVERY_MIN;
}

int schedules_read(const struct home *h, const char *domain, struct schedules *s, struct err *err)
{
	CLEANUP_FREE char *path = schedules_path(h, domain);
	CLEANUP_BUF struct buf text = BUF_INIT;
	*s = (struct schedules){0};
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	if (file_read(path, FILE_MAX, &text, err) < 0)
		return -1;
	struct json_object *o = json_tokener_parse(text.data != NULL ? text.data : "");
	struct json_object *list = json_get_arr(o, "schedules");
	size_t n = list != NULL ? json_object_array_length(list) : 0;
	for (size_t i = 0; i < n; i++)
		read_one(s, json_object_array_get_idx(list, i));
	json_object_put(o);
	return list != NULL ? 0 : err_set(err, ERR_INVALID, "'%s' holds no schedules", path);
}

static struct json_object *one_json(const struct schedule *s)
{
	struct json_object *o = json_object_new_object();
	json_object_object_add(o, "name", json_object_new_string(s->name));
	json_object_object_add(o, "every", json_object_new_int64((int64_t)s->every));
	json_object_object_add(o, "keep", json_object_new_int64((int64_t)s->keep));
	json_object_object_add(o, "count", json_object_new_int64((int64_t)s->count));
	json_object_object_add(o, "disk_only", json_object_new_boolean(s->disk_only));
	json_object_object_add(o, "quiesce", json_object_new_boolean(s->quiesce));
	json_object_object_add(o, "tried", json_object_new_int64((int64_t)s->tried));
	if (s->trouble != NULL)
		json_object_object_add(o, "trouble", json_object_new_string(s->trouble));
	return o;
}

int schedules_write(
    const struct home *h, const char *domain, const struct schedules *s, struct err *err)
{
	CLEANUP_FREE char *path = schedules_path(h, domain);
	CLEANUP_FREE char *dir = xasprintf("%s/schedules", h->conf);
	if (s->n == 0) {
		if (unlink(path) < 0 && errno != ENOENT)
			return err_errno(err, errno, "cannot remove '%s'", path);
		return 0;
	}
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();
	json_object_object_add(o, "version", json_object_new_int(1));
	json_object_object_add(o, "schedules", list);
	for (size_t i = 0; i < s->n; i++)
		json_object_array_add(list, one_json(&s->v[i]));
	const char *text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY);
	int rc = home_mkdir(h, dir, err);
	if (rc == 0)
		rc = file_write_atomic(path, text, strlen(text), 0600, err);
	json_object_put(o);
	return rc;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int schedules_domains(const struct home *h, char ***names, size_t *n, struct err *err)
{
	CLEANUP_FREE char *dir = xasprintf("%s/schedules", h->conf);
	*names = xcalloc(1, sizeof **names);
	*n = 0;
	DIR *d = opendir(dir);
	if (d == NULL && errno != ENOENT)
		return err_errno(err, errno, "cannot read the folder '%s'", dir);
	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		size_t len = strlen(e->d_name);
		if (len <= 5 || strcmp(e->d_name + len - 5, ".json") != 0)
			continue;
		CLEANUP_FREE char *name = xstrndup(e->d_name, len - 5);
		if (name_check("domain", name, NULL) < 0)
			continue;
		*names = xreallocarray(*names, *n + 2, sizeof **names);
		(*names)[(*n)++] = TAKE_PTR(name);
		(*names)[*n] = NULL;
	}
	if (d != NULL)
		closedir(d);
	qsort(*names, *n, sizeof **names, by_name);
	return 0;
}

/* --- words --- */
static const struct {
	char letter;
	uint64_t seconds;
} units[] = {{'w', 604800}, {'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};

int schedule_parse_span(const char *text, uint64_t *value, bool *is_time, struct err *err)
{
	size_t n = strspn(text, "0123456789");
	CLEANUP_FREE char *digits = xstrndup(text, n);
	uint64_t v, unit = 0;
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (text[n] == units[i].letter && text[n + 1] == '\0')
			unit = units[i].seconds;
	if (text[n] == '\0' && is_time != NULL && str_u64(digits, SCHEDULE_COUNT_MAX, &v) == 0 &&
	    v > 0) {
		*is_time = false;
		*value = v;
		return 0;
	}
	if (unit == 0 || str_u64(digits, SCHEDULE_TIME_MAX / unit, &v) < 0 || v == 0)
		return err_set(err, ERR_USAGE,
		    "'%s' is no space of time: a number and s, m, h, d or w, as in 6h, are wanted%s",
		    text, is_time != NULL ? ", or how many, as in 30" : "");
	if (is_time != NULL)
		*is_time = true;
	*value = v * unit;
	return 0;
}

void schedule_format_span(uint64_t seconds, char out[24])
{
	size_t i = 0;
	while (seconds % units[i].seconds != 0)
		i++;
	snprintf(out, 24, "%" PRIu64 "%c", seconds / units[i].seconds, units[i].letter);
}

int schedule_name_check(const char *name, struct err *err)
{
	if (snapshot_name_check(name, err) < 0)
		return -1;
	if (strlen(name) > SCHEDULE_NAME_MAX)
		return err_set(err, ERR_INVALID, "the name of a schedule has %u bytes at most",
		    SCHEDULE_NAME_MAX);
	return 0;
}

/* --- the rules --- */
uint64_t schedule_last(const struct schedule *s, const struct snapshots *all)
{
	uint64_t last = 0;
	for (size_t i = 0; i < all->n; i++)
		if (str_eq(all->v[i].schedule, s->name) && all->v[i].created > last)
			last = all->v[i].created;
	return last;
}

uint64_t schedule_next(const struct schedule *s, uint64_t last)
{
	uint64_t next = 0;
	if (last > 0) {
		next = (last / s->every + 1) * s->every;
		if (next < last + s->every / 2)
			next += s->every;
	}
	if (s->tried > last && next < s->tried + SCHEDULE_AGAIN_S)
		next = s->tried + SCHEDULE_AGAIN_S;
	return next;
}

static const struct snapshots *sorted; /* of qsort's comparison: one thread */

static int by_age(const void *a, const void *b)
{
	const struct snapshot *x = &sorted->v[*(const size_t *)a],
	                      *y = &sorted->v[*(const size_t *)b];
	return x->created != y->created ? (x->created < y->created ? -1 : 1)
	                                : strcmp(x->name, y->name);
}

size_t *schedule_prune(
    const struct schedule *s, const struct snapshots *all, uint64_t now, size_t *n)
{
	size_t *own = xcalloc(all->n + 1, sizeof *own), have = 0, gone = 0;
	for (size_t i = 0; i < all->n; i++)
		if (str_eq(all->v[i].schedule, s->name))
			own[have++] = i;
	sorted = all;
	qsort(own, have, sizeof *own, by_age);
	while (gone + 1 < have) {
		uint64_t created = all->v[own[gone]].created;
		bool old = s->keep > 0 && created < now && now - created > s->keep;
		bool many = s->count > 0 && have - gone > s->count;
		if (!old && !many)
			break;
		gone++;
	}
	*n = gone;
	return own;
}

char *schedule_snapshot_name(const struct schedule *s, const struct snapshots *all, uint64_t now)
{
	char when[TIMESTAMP_MAX];
	timestamp_local(now, "%Y%m%d-%H%M", when, sizeof when);
	char *name = xasprintf("%s-%s", s->name, when);
	if (snapshots_find(all, name) == SNAPSHOTS_NONE)
		return name;
	free(name);
	timestamp_local(now, "%Y%m%d-%H%M%S%z", when, sizeof when);
	return xasprintf("%s-%s", s->name, when);
}
