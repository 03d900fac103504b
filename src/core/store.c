#include "core/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "core/file.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/pending.h"
#include "core/str.h"

#define LOCK_WAIT_MS 10000
#define LOCK_STEP_NS 10000000

int store_lock(const struct home *h, struct err *err)
{
	CLEANUP_FREE char *path = xasprintf("%s/.lock", h->conf);
	if (home_mkdir(h, h->conf, err) < 0)
		return -1;
	CLEANUP_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, errno, "cannot open '%s'", path);
	/* Holders keep it for milliseconds; a stopped one must not stop us for ever. */
	for (uint64_t end = loop_now_ms() + LOCK_WAIT_MS; flock(fd, LOCK_EX | LOCK_NB) < 0;) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_errno(err, errno, "cannot lock '%s'", path);
		if (loop_now_ms() > end)
			return err_set(err, ERR_TIMEOUT,
			    "'%s' is locked by another process for more than %d s", path,
			    LOCK_WAIT_MS / 1000);
		nanosleep(&(struct timespec){0, LOCK_STEP_NS}, NULL);
	}
	pending_settle_locked(h);
	return TAKE_FD(fd);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* NAME of "NAME.xml", when it is the name of a domain. */
static char *name_of_file(const char *file)
{
	size_t n = strlen(file);
	if (n <= 4 || strcmp(file + n - 4, ".xml") != 0)
		return NULL;
	char *name = xstrndup(file, n - 4);
	if (name_check("domain", name, NULL) == 0)
		return name;
	free(name);
	return NULL;
}

int store_names(const struct home *h, char ***names, size_t *n, struct err *err)
{
	CLEANUP_FREE char *dir = home_domains_dir(h);
	size_t cap = 16;
	*n = 0;
	*names = xcalloc(cap, sizeof(**names));
	DIR *d = opendir(dir);
	if (!d && errno == ENOENT)
		return 0;
	if (!d) {
		free(*names);
		*names = NULL;
		return err_errno(err, errno, "cannot read the folder '%s'", dir);
	}
	for (struct dirent *e; (e = readdir(d));) {
		char *name = name_of_file(e->d_name);
		if (!name)
			continue;
		if (*n + 1 == cap)
			*names = xreallocarray(*names, cap *= 2, sizeof(**names));
		(*names)[(*n)++] = name;
	}
	closedir(d);
	(*names)[*n] = NULL;
	qsort(*names, *n, sizeof(**names), compare);
	return 0;
}

void store_names_free(char **names)
{
	for (char **p = names; p && *p; p++)
		free(*p);
	free(names);
}

int store_read(const struct home *h, const char *name, struct buf *out, struct err *err)
{
	CLEANUP_FREE char *path = home_domain_xml(h, name);
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return err_set(err, ERR_NOT_FOUND, "failed to get domain '%s'", name);
	return file_read(path, STORE_XML_MAX, out, err);
}

int store_write(const struct home *h, const char *name, const char *xml, size_t n, struct err *err)
{
	CLEANUP_FREE char *dir = home_domains_dir(h), *path = home_domain_xml(h, name);
	if (home_mkdir(h, dir, err) < 0)
		return -1;
	return file_write_atomic(path, xml, n, 0600, err);
}

int store_stage(const struct home *h, const char *name, const char *xml, size_t n,
    struct file_staged *s, struct err *err)
{
	CLEANUP_FREE char *dir = home_domains_dir(h), *path = home_domain_xml(h, name);
	if (home_mkdir(h, dir, err) < 0)
		return -1;
	return file_stage(path, xml, n, 0600, s, err);
}

int store_remove(const struct home *h, const char *name, struct err *err)
{
	CLEANUP_FREE char *path = home_domain_xml(h, name), *dir = home_domains_dir(h);
	if (unlink(path) < 0)
		return errno == ENOENT
		           ? err_set(err, ERR_NOT_FOUND, "failed to get domain '%s'", name)
		           : err_errno(err, errno, "cannot remove '%s'", path);
	CLEANUP_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return err_errno(err, errno, "cannot sync '%s'", dir);
	return 0;
}
