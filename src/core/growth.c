#include "core/growth.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/str.h"

#define HEADING "hvmux growth 1\n"
#define HEAD_BYTES 1024u
#define SLOT_BYTES 32u
#define FILE_BYTES (HEAD_BYTES + GROWTH_SAMPLES * SLOT_BYTES)
#define CHECK 0x6772776831303031ull
#define SAMPLES_MIN 4u /* of a space of time that says something */
#define REACH 10u      /* … about a time so many times as long */
#define PATHS_MAX 100000u

static const uint64_t spaces[] = {3600, 6 * 3600, 86400, 7 * 86400, 30 * 86400};

static char *file_path(const struct home *h, const char *path)
{
	char name[24];
	snprintf(name, sizeof(name), "%016llx", (unsigned long long)str_hash(path));
	return home_data_file(h, "growth", name);
}

/* --- slots --- */

static size_t fine_slot(uint64_t time_s)
{
	return (size_t)(time_s / GROWTH_FINE_S % GROWTH_FINE);
}

static size_t coarse_slot(uint64_t time_s)
{
	return GROWTH_FINE + (size_t)(time_s / GROWTH_COARSE_S % GROWTH_COARSE);
}

static void slot_put(uint8_t out[SLOT_BYTES], const struct growth_sample *s)
{
	uint64_t words[4] = {
	    s->time_s, s->used, s->capacity, s->time_s ^ s->used ^ s->capacity ^ CHECK};
	for (size_t i = 0; i < 4; i++)
		words[i] = htole64(words[i]);
	memcpy(out, words, SLOT_BYTES);
}

static bool slot_get(const uint8_t in[SLOT_BYTES], struct growth_sample *s)
{
	uint64_t words[4];
	memcpy(words, in, SLOT_BYTES);
	*s = (struct growth_sample){le64toh(words[0]), le64toh(words[1]), le64toh(words[2])};
	return s->time_s != 0 && (s->time_s ^ s->used ^ s->capacity ^ CHECK) == le64toh(words[3]);
}

/* Is the slot's sample of the space of time that now belongs to? */
static bool slot_taken(int fd, size_t slot, uint64_t step, uint64_t now_s)
{
	uint8_t data[SLOT_BYTES];
	struct growth_sample s;
	return pread(fd, data, SLOT_BYTES, (off_t)(HEAD_BYTES + slot * SLOT_BYTES)) == SLOT_BYTES &&
	       slot_get(data, &s) && s.time_s / step == now_s / step;
}

/* --- files --- */

static bool head_is(int fd, const char *path)
{
	char head[HEAD_BYTES + 1];
	ssize_t n = pread(fd, head, HEAD_BYTES, 0);
	if (n != (ssize_t)HEAD_BYTES)
		return false;
	head[HEAD_BYTES] = '\0';
	CLEANUP_FREE char *want = xasprintf(HEADING "%s\n", path);
	return strcmp(head, want) == 0;
}

static int open_known(const struct home *h, const char *path, int flags)
{
	CLEANUP_FREE char *file = file_path(h, path);
	int fd = open(file, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd >= 0 && !head_is(fd, path)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Made anew, also over one that is damaged or another's of the same sum. */
static int make_file(const struct home *h, const char *path, struct err *err)
{
	char head[HEAD_BYTES] = "";
	CLEANUP_FREE char *file = file_path(h, path), *dir = home_data_file(h, "growth", ".");
	if (home_mkdir(h, dir, err) < 0)
		return -1;
	int fd = open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	snprintf(head, sizeof(head), HEADING "%s\n", path);
	if (fd < 0 || pwrite(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
	    ftruncate(fd, FILE_BYTES) < 0) {
		err_errno(err, errno, "cannot make '%s'", file);
		cleanup_close(&fd);
		return -1;
	}
	return fd;
}

bool growth_due(const struct home *h, const char *path, uint64_t now_s)
{
	CLEANUP_CLOSE int fd = open_known(h, path, O_RDONLY);
	return fd < 0 || !slot_taken(fd, fine_slot(now_s), GROWTH_FINE_S, now_s);
}

int growth_record(
    const struct home *h, const char *path, const struct growth_sample *s, struct err *err)
{
	uint8_t data[SLOT_BYTES];
	const struct {
		size_t slot;
		uint64_t step;
	} to[] = {{fine_slot(s->time_s), GROWTH_FINE_S}, {coarse_slot(s->time_s), GROWTH_COARSE_S}};
	if (strlen(path) > GROWTH_PATH_MAX)
		return 0;
	CLEANUP_CLOSE int fd = open_known(h, path, O_RDWR);
	if (fd < 0 && (fd = make_file(h, path, err)) < 0)
		return -1;
	slot_put(data, s);
	for (size_t i = 0; i < ARRAY_LEN(to); i++)
		if (!slot_taken(fd, to[i].slot, to[i].step, s->time_s) &&
		    pwrite(fd, data, SLOT_BYTES, (off_t)(HEAD_BYTES + to[i].slot * SLOT_BYTES)) !=
		        SLOT_BYTES)
			return err_errno(err, errno, "cannot note how full '%s' is", path);
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct growth_sample *x = a, *y = b;
	return x->time_s < y->time_s ? -1 : x->time_s > y->time_s;
}

size_t growth_read(
    const struct home *h, const char *path, uint64_t now_s, struct growth_sample *out)
{
	uint8_t data[GROWTH_SAMPLES * SLOT_BYTES];
	size_t n = 0, kept = 0;
	CLEANUP_CLOSE int fd = open_known(h, path, O_RDONLY);
	if (fd < 0 || pread(fd, data, sizeof(data), HEAD_BYTES) != (ssize_t)sizeof(data))
		return 0;
	for (size_t i = 0; i < GROWTH_SAMPLES; i++) {
		uint64_t age = i < GROWTH_FINE ? (uint64_t)GROWTH_FINE_S * GROWTH_FINE
		                               : (uint64_t)GROWTH_COARSE_S * GROWTH_COARSE;
		if (slot_get(data + i * SLOT_BYTES, &out[n]) && out[n].time_s <= now_s &&
		    now_s - out[n].time_s < age)
			n++;
	}
	if (n)
		qsort(out, n, sizeof(*out), by_time);
	/* The newest of the coarse ones are among the fine ones, too. */
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || out[kept - 1].time_s != out[i].time_s)
			out[kept++] = out[i];
	return kept;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *path_in(const char *dir, const char *name)
{
	char head[HEAD_BYTES + 1] = "";
	CLEANUP_FREE char *file = xasprintf("%s/%s", dir, name);
	CLEANUP_CLOSE int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || pread(fd, head, HEAD_BYTES, 0) != (ssize_t)HEAD_BYTES ||
	    !str_prefix(head, HEADING))
		return NULL;
	size_t n = strlen(head);
	return n > strlen(HEADING) && head[n - 1] == '\n'
	           ? xstrndup(head + strlen(HEADING), n - strlen(HEADING) - 1)
	           : NULL;
}

char **growth_paths(const struct home *h, size_t *n)
{
	CLEANUP_FREE char *dir = home_data_file(h, "growth", ".");
	char **paths = xcalloc(1, sizeof(*paths));
	DIR *d = opendir(dir);
	*n = 0;
	for (struct dirent *e; d && *n < PATHS_MAX && (e = readdir(d));) {
		char *path = e->d_name[0] == '.' ? NULL : path_in(dir, e->d_name);
		if (!path)
			continue;
		paths = xreallocarray(paths, *n + 2, sizeof(*paths));
		paths[(*n)++] = path;
		paths[*n] = NULL;
	}
	if (d)
		closedir(d);
	if (*n)
		qsort(paths, *n, sizeof(*paths), by_name);
	return paths;
}

void growth_paths_free(char **paths)
{
	for (size_t i = 0; paths && paths[i]; i++)
		free(paths[i]);
	free(paths);
}

/* --- forecast --- */

static double slope(const struct growth_sample *a, const struct growth_sample *b)
{
	if (b->time_s <= a->time_s || b->used <= a->used)
		return 0;
	return (double)(b->used - a->used) / (double)(b->time_s - a->time_s);
}

/* Bytes per second of the samples' slower half; 0 they are too few, or do not grow. */
static double pace(const struct growth_sample *s, size_t n)
{
	if (n < SAMPLES_MIN)
		return 0;
	uint64_t middle = s[0].time_s + (s[n - 1].time_s - s[0].time_s) / 2;
	size_t m = 1;
	while (m + 1 < n - 1 && s[m].time_s < middle)
		m++;
	double first = slope(&s[0], &s[m]), second = slope(&s[m], &s[n - 1]);
	return first < second ? first : second;
}

void growth_forecast(
    const struct growth_sample *s, size_t n, uint64_t now_s, struct growth_forecast *f)
{
	*f = (struct growth_forecast){.full_in_s = -1};
	for (size_t i = 0; n > 0 && i < ARRAY_LEN(spaces); i++) {
		size_t from = n;
		while (from > 0 && s[from - 1].time_s + spaces[i] >= now_s)
			from--;
		const struct growth_sample *last = &s[n - 1];
		double by = pace(s + from, n - from);
		if (by <= 0 || last->used >= last->capacity)
			continue;
		uint64_t space = last->time_s - s[from].time_s;
		double left = (double)(last->capacity - last->used) / by;
		double since = now_s > last->time_s ? (double)(now_s - last->time_s) : 0;
		left = left > since ? left - since : 0;
		if (left > (double)(space * REACH) ||
		    (f->full_in_s >= 0 && (double)f->full_in_s <= left))
			continue;
		*f = (struct growth_forecast){(int64_t)left, by, space};
	}
	if (n > 0 && s[n - 1].capacity > 0 && s[n - 1].used >= s[n - 1].capacity)
		f->full_in_s = 0;
}
