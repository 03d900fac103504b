#include "core/snapshots.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"

#define CURRENT ".current"
#define NO_CURRENT ".none" /* what .current points to when none is */

/* --- places --- */
char *snapshots_dir(const struct home *h, const char *domain)
{
	return home_data_file(h, "snapshots", domain);
}

char *snapshots_path(const struct home *h, const char *domain, const char *name)
{
	CLEANUP_FREE char *dir = snapshots_dir(h, domain);
	return xasprintf("%s/%s.xml", dir, name);
}

char *snapshots_nvram_path(const struct home *h, const char *domain, const struct snapshot *s)
{
	CLEANUP_FREE char *dir = snapshots_dir(h, domain);
	return s->nvram != NULL ? xasprintf("%s/%s", dir, s->nvram)
	                        : xasprintf("%s/%s.nvram", dir, s->name);
}

/* NAME of "NAME.xml", when a snapshot may be called so; on the heap. */
static char *name_of_file(const char *file)
{
	size_t n = strlen(file);
	if (n <= 4 || strcmp(file + n - 4, ".xml") != 0)
		return NULL;
	char *name = xstrndup(file, n - 4);
	if (snapshot_name_check(name, NULL) == 0)
		return name;
	free(name);
	return NULL;
}

static int sync_folder(const char *dir, struct err *err)
{
	CLEANUP_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return err_errno(err, errno, "cannot sync '%s'", dir);
	return 0;
}

/* --- the current one --- */
/* 1 with its name in *name, which is NULL where none is; 0: nobody has said so yet. */
static int read_current(const char *dir, char **name)
{
	CLEANUP_FREE char *link = xasprintf("%s/" CURRENT, dir);
	char target[PATH_MAX];
	ssize_t n = readlink(link, target, sizeof target - 1);
	*name = NULL;
	if (n < 0)
		return 0;
	target[n] = '\0';
	*name = name_of_file(target);
	return 1;
}

/* Renamed into its place: the old one or the new one. The folder is the caller's to sync. */
static int write_current(const char *dir, const char *name, struct err *err)
{
	CLEANUP_FREE char *link = xasprintf("%s/" CURRENT, dir);
	CLEANUP_FREE char *tmp = xasprintf("%s/.tmp-current-%ld", dir, (long)getpid());
	CLEANUP_FREE char *target = name != NULL ? xasprintf("%s.xml", name) : xstrdup(NO_CURRENT);
	unlink(tmp);
	if (symlink(target, tmp) < 0 || rename(tmp, link) < 0) {
		int e = errno;
		unlink(tmp);
		return err_errno(err, e, "cannot make the link '%s'", link);
	}
	return 0;
}

int snapshots_set_current(
    const struct home *h, const char *domain, const char *name, struct err *err)
{
	CLEANUP_FREE char *dir = snapshots_dir(h, domain);
	return write_current(dir, name, err) < 0 ? -1 : sync_folder(dir, err);
}

/* --- all of them --- */
static int compare(const void *a, const void *b)
{
	return strcmp(((const struct snapshot *)a)->name, ((const struct snapshot *)b)->name);
}

size_t snapshots_find(const struct snapshots *s, const char *name)
{
	if (s->n == 0)
		return SNAPSHOTS_NONE;
	const struct snapshot key = {.name = (char *)name};
	const struct snapshot *at = bsearch(&key, s->v, s->n, sizeof *s->v, compare);
	return at != NULL ? (size_t)(at - s->v) : SNAPSHOTS_NONE;
}

int snapshots_need(const struct snapshots *s, const char *name, size_t *i, struct err *err)
{
	*i = snapshots_find(s, name);
	if (*i != SNAPSHOTS_NONE)
		return 0;
	return err_set(err, ERR_NOT_FOUND,
	    "Domain snapshot not found: no domain snapshot with matching name '%s'", name);
}

static int read_file(
    const char *path, const char *name, bool brief, struct snapshot *s, struct err *err)
{
	CLEANUP_BUF struct buf text = BUF_INIT;
	snapshot_init(s);
	if (file_read(path, STORE_XML_MAX, &text, err) < 0 ||
	    (brief ? snapshot_parse_brief : snapshot_parse)(
	        text.data != NULL ? text.data : "", text.len, path, s, err) < 0)
		return -1;
	/* The file's name decides: there is one snapshot by each. */
	if (str_eq(s->name, name))
		return 0;
	err_set(err, ERR_INVALID, "%s: <name>: it says '%s', the file says '%s'", path,
	    s->name != NULL ? s->name : "", name);
	snapshot_fini(s);
	return -1;
}

int snapshots_read(
    const struct home *h, const char *domain, const char *name, struct snapshot *s, struct err *err)
{
	CLEANUP_FREE char *path =
	    snapshot_name_check(name, NULL) == 0 ? snapshots_path(h, domain, name) : NULL;
	snapshot_init(s);
	if (path == NULL || (access(path, F_OK) < 0 && errno == ENOENT))
		return err_set(err, ERR_NOT_FOUND,
		    "Domain snapshot not found: no domain snapshot with matching name '%s'", name);
	return read_file(path, name, false, s, err);
}

static void add_file(struct snapshots *s, const char *dir, const char *file, size_t *cap)
{
	struct err err = {0};
	CLEANUP_FREE char *name = name_of_file(file);
	CLEANUP_FREE char *path = xasprintf("%s/%s", dir, file);
	if (name == NULL || s->n == SNAPSHOTS_MAX)
		return;
	if (s->n == *cap) {
		*cap = *cap > 0 ? *cap * 2 : 8;
		s->v = xreallocarray(s->v, *cap, sizeof *s->v);
	}
	if (read_file(path, name, true, &s->v[s->n], &err) == 0)
		s->n++;
	else if (err.code != ERR_NOT_FOUND) /* deleted in between */
		buf_addf(&s->trouble, "%s\n", err.msg);
}

/* Parents by index; a circle is cut where it is noticed. */
static void join(struct snapshots *s)
{
	s->parent = xreallocarray(NULL, s->n + 1, sizeof *s->parent);
	for (size_t i = 0; i < s->n; i++)
		s->parent[i] =
		    s->v[i].parent != NULL ? snapshots_find(s, s->v[i].parent) : SNAPSHOTS_NONE;
	for (size_t i = 0; i < s->n; i++) {
		size_t at = s->parent[i];
		/* One that only leads into a circle goes round for ever, too. */
		for (size_t steps = 0; at != SNAPSHOTS_NONE && at != i && steps < s->n; steps++)
			at = s->parent[at];
		if (at != i)
			continue;
		buf_addf(
		    &s->trouble, "snapshot '%s': its parents go round in a circle\n", s->v[i].name);
		s->parent[i] = SNAPSHOTS_NONE;
	}
}

static void find_current(struct snapshots *s, const char *dir)
{
	CLEANUP_FREE char *name = NULL;
	s->current = SNAPSHOTS_NONE;
	if (read_current(dir, &name) == 1) {
		s->current = name != NULL ? snapshots_find(s, name) : SNAPSHOTS_NONE;
		return;
	}
	/* As libvirt left them; where several claim it the newest is believed. */
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].active &&
		    (s->current == SNAPSHOTS_NONE || s->v[i].created > s->v[s->current].created))
			s->current = i;
}

int snapshots_load(const struct home *h, const char *domain, struct snapshots *s, struct err *err)
{
	CLEANUP_FREE char *dir = snapshots_dir(h, domain);
	size_t cap = 0;
	*s = (struct snapshots){.current = SNAPSHOTS_NONE};
	DIR *d = opendir(dir);
	if (d == NULL && errno != ENOENT)
		return err_errno(err, errno, "cannot read the folder '%s'", dir);
	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;)
		add_file(s, dir, e->d_name, &cap);
	if (d != NULL)
		closedir(d);
	if (s->n > 0)
		qsort(s->v, s->n, sizeof *s->v, compare);
	join(s);
	find_current(s, dir);
	return 0;
}

void snapshots_fini(struct snapshots *s)
{
	for (size_t i = 0; i < s->n; i++)
		snapshot_fini(&s->v[i]);
	free(s->v);
	free(s->parent);
	buf_fini(&s->trouble);
	*s = (struct snapshots){.current = SNAPSHOTS_NONE};
}

size_t snapshots_count(const struct home *h, const char *domain)
{
	CLEANUP_FREE char *dir = snapshots_dir(h, domain);
	size_t n = 0;
	DIR *d = opendir(dir);
	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		CLEANUP_FREE char *name = name_of_file(e->d_name);
		n += name != NULL;
	}
	if (d != NULL)
		closedir(d);
	return n;
}

/* --- the tree --- */
size_t snapshots_children(const struct snapshots *s, size_t i)
{
	size_t n = 0;
	for (size_t k = 0; k < s->n; k++)
		n += s->parent[k] == i;
	return n;
}

bool snapshots_is_below(const struct snapshots *s, size_t i, size_t above)
{
	for (size_t at = s->parent[i]; at != SNAPSHOTS_NONE; at = s->parent[at])
		if (at == above)
			return true;
	return false;
}

/* First child of each and next of its parent's, so that a walk costs a step per snapshot. */
size_t *snapshots_topological(const struct snapshots *s)
{
	size_t *out = xreallocarray(NULL, s->n + 1, sizeof *out), done = 0;
	CLEANUP_FREE size_t *links = xreallocarray(NULL, s->n * 2 + 2, sizeof *links);
	size_t *child = links, *next = links + s->n + 1; /* child[s->n]: of no parent */
	for (size_t i = 0; i <= s->n; i++)
		child[i] = next[i] = SNAPSHOTS_NONE;
	for (size_t i = s->n; i-- > 0;) {
		size_t p = s->parent[i] != SNAPSHOTS_NONE ? s->parent[i] : s->n;
		next[i] = child[p];
		child[p] = i;
	}
	for (size_t at = child[s->n]; at != SNAPSHOTS_NONE;) {
		out[done++] = at;
		if (child[at] != SNAPSHOTS_NONE) {
			at = child[at];
			continue;
		}
		while (at != SNAPSHOTS_NONE && next[at] == SNAPSHOTS_NONE)
			at = s->parent[at];
		if (at != SNAPSHOTS_NONE)
			at = next[at];
	}
	return out;
}

/* --- writing --- */
/* Whole and on the disk before it has its name. The folder is the caller's to sync. */
static int write_document(const char *path, const char *text, size_t n, bool fresh, struct err *err)
{
	struct file_staged f;
	if (file_stage(path, text, n, 0600, &f, err) < 0)
		return -1;
	int rc = fsync(f.fd);
	if (rc == 0)
		rc = fresh ? link(f.tmp, path) : rename(f.tmp, path);
	int e = errno;
	if (rc < 0 || fresh)
		unlink(f.tmp);
	close(f.fd);
	free(f.tmp);
	free(f.path);
	return rc == 0 ? 0 : err_errno(err, e, "cannot write '%s'", path);
}

int snapshots_write(const struct home *h, const char *domain, const struct snapshot *s, bool fresh,
    bool current, struct err *err)
{
	size_t n;
	CLEANUP_FREE char *text = NULL, *path = NULL, *dir = snapshots_dir(h, domain);
	if (snapshot_name_check(s->name != NULL ? s->name : "", err) < 0 ||
	    home_mkdir(h, dir, err) < 0)
		return -1;
	text = snapshot_format(s, &n, err);
	path = snapshots_path(h, domain, s->name);
	if (text == NULL)
		return -1;
	if (write_document(path, text, n, fresh, err) < 0)
		return fresh && err != NULL && err->code == ERR_EXISTS
		           ? err_set(err, ERR_EXISTS,
		                 "operation failed: domain snapshot '%s' already exists", s->name)
		           : -1;
	if (current && write_current(dir, s->name, err) < 0)
		return -1;
	return sync_folder(dir, err);
}

/* Its children to its parent; each is a whole tree after every step. */
static int hand_over_children(
    const struct home *h, const char *domain, struct snapshots *s, size_t i, struct err *err)
{
	for (size_t k = 0; k < s->n; k++) {
		if (s->parent[k] != i)
			continue;
		free(s->v[k].parent);
		s->v[k].parent = xstrdup0(s->v[i].parent);
		if (snapshots_write(h, domain, &s->v[k], false, false, err) < 0)
			return -1;
	}
	return s->current == i ? snapshots_set_current(h, domain, s->v[i].parent, err) : 0;
}

static int remove_files(
    const struct home *h, const char *domain, const struct snapshot *s, bool last, struct err *err)
{
	CLEANUP_FREE char *dir = snapshots_dir(h, domain);
	CLEANUP_FREE char *path = snapshots_path(h, domain, s->name);
	CLEANUP_FREE char *nvram = s->nvram != NULL ? snapshots_nvram_path(h, domain, s) : NULL;
	CLEANUP_FREE char *link = xasprintf("%s/" CURRENT, dir);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_errno(err, errno, "cannot remove '%s'", path);
	if (nvram != NULL)
		unlink(nvram);
	if (last) {
		unlink(link);
		/* Fails, and shall fail, where there is something else. */
		if (rmdir(dir) == 0)
			return 0;
	}
	return sync_folder(dir, err);
}

int snapshots_remove(const struct home *h, const char *domain, const char *name, struct err *err)
{
	struct snapshots s;
	int rc = snapshots_load(h, domain, &s, err);
	size_t i = rc == 0 ? snapshots_find(&s, name) : SNAPSHOTS_NONE;
	if (i != SNAPSHOTS_NONE) {
		rc = hand_over_children(h, domain, &s, i, err);
		if (rc == 0)
			rc = remove_files(h, domain, &s.v[i], s.n == 1 && s.trouble.len == 0, err);
	}
	snapshots_fini(&s);
	return rc;
}
