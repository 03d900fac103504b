#include "serial/conlog_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/str.h"

#define FOLDER_MAX 4096u /* rotated files looked at: far more than all consoles of a VM may have */

static const char *const suffixes[] = {"", ".gz", ".idx"};

char *conlog_file_path(const char *path, unsigned slot, const char *suffix)
{
	return slot ? xasprintf("%s.%u%s", path, slot, suffix) : xasprintf("%s%s", path, suffix);
}

void conlog_files_shift(const char *path, unsigned files)
{
	for (unsigned slot = files - 1; slot > 0; slot--) {
		for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
			CLEANUP_FREE char *from = conlog_file_path(path, slot, suffixes[i]);
			CLEANUP_FREE char *to = conlog_file_path(path, slot + 1, suffixes[i]);

			if (slot == files - 1)
				unlink(from);
			else
				rename(from, to);
		}
	}
}

void conlog_files_trim(const char *path, unsigned files)
{
	for (unsigned slot = files; slot < CONLOG_FILES_MAX; slot++) {
		for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
			CLEANUP_FREE char *file = conlog_file_path(path, slot, suffixes[i]);

			unlink(file);
		}
	}
}

unsigned conlog_files_plain(const char *path, unsigned files)
{
	for (unsigned slot = files - 1; slot > 0; slot--) {
		CLEANUP_FREE char *file = conlog_file_path(path, slot, "");

		if (access(file, F_OK) == 0)
			return slot;
	}
	return 0;
}

/* --- the limit over all consoles of a VM --- */

struct old_file {
	char *name;
	uint64_t slot;
	struct timespec mtime;
	uint64_t bytes; /* of the index: those of the log it belongs to go with it */
};

/* "console3.log.12.gz": its slot; 0 no rotated log (.idx: its log brings it). live: a log or index that stays. */
static uint64_t name_slot(const char *name, bool *live)
{
	unsigned console, slot;
	int n = 0, end = 0;

	*live = false;
	if (sscanf(name, "console%3u.log%n", &console, &n) != 1 || n == 0)
		return 0;
	*live = str_eq(name + n, "") || str_eq(name + n, ".idx");
	if (*live || sscanf(name + n, ".%3u%n", &slot, &end) != 1)
		return 0;
	name += n + end;
	return str_eq(name, "") || str_eq(name, ".gz") ? slot : 0;
}

static uint64_t index_bytes(int dir, const char *name, char **index)
{
	size_t n = strlen(name);
	struct stat st;

	if (n > 3 && str_eq(name + n - 3, ".gz"))
		n -= 3;
	*index = xasprintf("%.*s.idx", (int)n, name);
	return fstatat(dir, *index, &st, AT_SYMLINK_NOFOLLOW) == 0 ? (uint64_t)st.st_size : 0;
}

static int by_age(const void *pa, const void *pb)
{
	const struct old_file *a = pa, *b = pb;

	if (a->mtime.tv_sec != b->mtime.tv_sec)
		return a->mtime.tv_sec < b->mtime.tv_sec ? -1 : 1;
	if (a->mtime.tv_nsec != b->mtime.tv_nsec)
		return a->mtime.tv_nsec < b->mtime.tv_nsec ? -1 : 1;
	return a->slot > b->slot ? -1 : a->slot < b->slot;
}

static size_t folder_read(DIR *d, uint64_t live_bytes, struct old_file *files, uint64_t *sum)
{
	size_t n = 0;

	for (struct dirent *e; n < FOLDER_MAX && (e = readdir(d));) {
		struct stat st;
		bool live;
		uint64_t slot = name_slot(e->d_name, &live);

		if ((!slot && !live) || fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (live && (uint64_t)st.st_size < live_bytes && !strstr(e->d_name, ".idx"))
			st.st_size = (off_t)live_bytes;
		*sum += (uint64_t)st.st_size;
		if (slot) {
			CLEANUP_FREE char *index = NULL;
			uint64_t more = index_bytes(dirfd(d), e->d_name, &index);

			*sum += more;
			files[n++] = (struct old_file){.name = xstrdup(e->d_name),
			    .slot = slot,
			    .mtime = st.st_mtim,
			    .bytes = (uint64_t)st.st_size + more};
		}
	}
	return n;
}

void conlog_files_limit(const char *path, uint64_t total, uint64_t live)
{
	const char *slash = strrchr(path, '/');
	CLEANUP_FREE char *folder = xstrndup(path, slash ? (size_t)(slash - path) : 0);
	DIR *d = opendir(slash == path ? "/" : slash ? folder : ".");
	struct old_file *files;
	uint64_t sum = 0;
	size_t n;

	if (!d)
		return;
	files = xcalloc(FOLDER_MAX, sizeof(*files));
	n = folder_read(d, live, files, &sum);
	if (n > 0)
		qsort(files, n, sizeof(*files), by_age);
	for (size_t i = 0; i < n; i++) {
		CLEANUP_FREE char *index = NULL;

		if (sum > total) {
			index_bytes(dirfd(d), files[i].name, &index);
			unlinkat(dirfd(d), files[i].name, 0);
			unlinkat(dirfd(d), index, 0);
			sum -= files[i].bytes;
		}
		free(files[i].name);
	}
	free(files);
	closedir(d);
}
