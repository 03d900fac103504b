#include "kvm/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/str.h"

#define OURS "hvmux"
#define PARTITION_DEFAULT "/machine" /* libvirt's own, in every document that it has run: no wish */
#define PROC_MAX (1u << 20)          /* bytes of mountinfo; containers' hosts have long ones */

static const char *const names[CGROUP_CONTROLLERS][2] = {
    [CGROUP_CPU] = {"cpu", "cpu"},
    [CGROUP_CPUSET] = {"cpuset", "cpuset"},
    [CGROUP_MEMORY] = {"memory", "memory"},
    [CGROUP_IO] = {"blkio", "io"},
};

const char *cgroup_controller_name(enum cgroup_controller c, bool v2)
{
	return names[c][v2];
}

/* --- looking --- */

/* Is the word in a list with these separators? */
static bool has_word(const char *list, const char *separators, const char *word)
{
	size_t n = strlen(word);
	while (*list != '\0') {
		size_t len = strcspn(list, separators);
		if (len == n && strncmp(list, word, n) == 0)
			return true;
		list += len;
		list += strspn(list, separators);
	}
	return false;
}

static char *read_text(const char *path)
{
	struct buf b = BUF_INIT;
	if (file_read(path, PROC_MAX, &b, NULL) < 0)
		buf_fini(&b);
	return buf_take(&b);
}

/* Which of its controllers a cgroup2 mount has. */
static bool v2_has(const char *mount, const char *controller)
{
	CLEANUP_FREE char *path = xasprintf("%s/cgroup.controllers", mount);
	CLEANUP_FREE char *list = read_text(path);
	return has_word(list, " \n", controller);
}

/* One line of mountinfo, proc(5): "36 35 98:0 ROOT POINT OPTIONS … - TYPE SOURCE SUPER". */
static void take_mount(struct cgroup *g, const char *root, char *line)
{
	char *field[5], *save = NULL, *tail = strstr(line, " - ");
	char *p = tail == NULL ? NULL : strtok_r(line, " ", &save);
	size_t n = 0;
	for (; p != NULL && n < ARRAY_LEN(field); p = strtok_r(NULL, " ", &save))
		field[n++] = p;
	if (n < ARRAY_LEN(field))
		return;
	char type[16] = "", super[512] = "";
	if (sscanf(tail + 3, "%15s %*s %511s", type, super) != 2)
		return;
	bool v2 = strcmp(type, "cgroup2") == 0;
	if (!v2 && strcmp(type, "cgroup") != 0)
		return;
	CLEANUP_FREE char *mount = xasprintf("%s%s", root, field[4]);
	for (size_t c = 0; c < CGROUP_CONTROLLERS; c++) {
		bool here = v2 ? v2_has(mount, names[c][1]) : has_word(super, ",", names[c][0]);
		if (!here || g->at[c].mount != NULL)
			continue;
		g->at[c].mount = xstrdup(mount);
		g->at[c].v2 = v2;
	}
}

/* Our own group for the controller, "/a/b"; on the heap. proc/self/cgroup has lines "ID:CONTROLLERS:PATH", version 2's with
 * no controllers. */
static char *own_group(const char *text, enum cgroup_controller c, bool v2)
{
	for (const char *line = text; *line != '\0';) {
		size_t len = strcspn(line, "\n");
		CLEANUP_FREE char *copy = xstrndup(line, len);
		char *list = strchr(copy, ':'), *path = list == NULL ? NULL : strchr(list + 1, ':');
		line += len + (line[len] == '\n');
		if (path == NULL)
			continue;
		*path++ = '\0';
		if (v2 ? list[1] == '\0' : has_word(list + 1, ",", names[c][0]))
			return xstrdup(path);
	}
	return xstrdup("/");
}

/* The unit that runs us, "hvmux@web1.service": the last part of our group. */
static char *own_unit(const char *group)
{
	const char *last = strrchr(group, '/');
	size_t n = last == NULL ? 0 : strlen(last + 1);
	if (n < 9 || !str_prefix(last + 1, "hvmux@") || strcmp(last + 1 + n - 8, ".service") != 0)
		return NULL;
	return xstrdup(last + 1);
}

/* A group that systemd manages ends with what it was made for: a VM must not be in an operator's session. Any other is a
 * container's, and bounds us too. */
static const char *bound(const char *group)
{
	static const char *const kinds[] = {".slice", ".scope", ".service"};
	if (strcmp(group, "/") == 0)
		return "";
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strstr(group, kinds[i]) != NULL)
			return "";
	return group;
}

/* Homes of the same host may have VMs of the same name. The ending keeps a VM called "tasks" apart from a file. */
static char *group_name(const struct home *h, const char *name)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	if (h->mode == HOME_SYSTEM)
		return xasprintf("%s.vm", name);
	for (const char *p = h->run; *p != '\0'; p++)
		hash = (hash ^ (unsigned char)*p) * 16777619u;
	return xasprintf("%s-%08x.vm", name, hash);
}

static int find_dir(struct cgroup *g, enum cgroup_controller c, const char *own,
    const char *partition, const char *name, struct err *err)
{
	struct cgroup_place *at = &g->at[c];
	if (g->unit != NULL) {
		at->dir = xasprintf("%s%s", at->mount, own);
		return 0;
	}
	at->foreign = strcmp(own, "/") != 0 && bound(own)[0] == '\0';
	bool given = partition != NULL && strcmp(partition, PARTITION_DEFAULT) != 0;
	at->dir = xasprintf(
	    "%s%s%s%s/%s", at->mount, bound(own), given ? "" : "/", given ? partition : OURS, name);
	if (!given)
		return 0;
	CLEANUP_FREE char *parent = xstrndup(at->dir, (size_t)(strrchr(at->dir, '/') - at->dir));
	if (access(parent, F_OK) == 0)
		return 0;
	return err_errno(err, errno, "<resource>: cannot use the partition '%s' of controller '%s'",
	    parent, names[c][at->v2]);
}

int cgroup_find(struct cgroup *g, const char *root, const struct home *h, const char *name,
    const char *partition, struct err *err)
{
	CLEANUP_FREE char *mounts_path = xasprintf("%s/proc/self/mountinfo", root);
	CLEANUP_FREE char *own_path = xasprintf("%s/proc/self/cgroup", root);
	CLEANUP_FREE char *mounts = read_text(mounts_path), *own = read_text(own_path);
	CLEANUP_FREE char *group = group_name(h, name);
	char *save = NULL;
	*g = (struct cgroup){0};
	for (char *l = strtok_r(mounts, "\n", &save); l != NULL; l = strtok_r(NULL, "\n", &save))
		take_mount(g, root, l);
	for (unsigned c = 0; c < CGROUP_CONTROLLERS; c++) {
		if (g->at[c].mount == NULL)
			continue;
		CLEANUP_FREE char *mine = own_group(own, c, g->at[c].v2);
		if (g->unit == NULL && h->mode == HOME_SYSTEM)
			g->unit = own_unit(mine);
		if (find_dir(g, c, mine, partition, group, err) < 0) {
			cgroup_fini(g);
			return -1;
		}
	}
	return 0;
}

void cgroup_fini(struct cgroup *g)
{
	for (size_t c = 0; c < CGROUP_CONTROLLERS; c++) {
		free(g->at[c].mount);
		free(g->at[c].dir);
	}
	free(g->unit);
	*g = (struct cgroup){0};
}

/* --- making --- */

static int write_file(const char *dir, const char *file, const char *value, struct err *err)
{
	CLEANUP_FREE char *path = xasprintf("%s/%s", dir, file);
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW);
	size_t n = strlen(value);
	if (fd < 0 || write(fd, value, n) != (ssize_t)n)
		return err_errno(err, errno, "cannot write '%s' into '%s'", value, path);
	return 0;
}

/* A new group of version 1's cpuset is empty, and takes nobody in. */
static int fill_cpuset(const char *dir, struct err *err)
{
	static const char *const files[] = {"cpuset.cpus", "cpuset.mems"};
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		CLEANUP_FREE char *mine = xasprintf("%s/%s", dir, files[i]);
		CLEANUP_FREE char *parents = xasprintf("%s/../%s", dir, files[i]);
		CLEANUP_FREE char *now = read_text(mine), *value = read_text(parents);
		if (now[strspn(now, " \n")] == '\0' && write_file(dir, files[i], value, err) < 0)
			return -1;
	}
	return 0;
}

/* mkdir of each level below the mount; a parent gives the controller to its children first (version 2), a child takes
 * its parent's CPUs (version 1). */
static int make_levels(const struct cgroup_place *at, enum cgroup_controller c, struct err *err)
{
	CLEANUP_FREE char *give = xasprintf("+%s", names[c][1]);
	CLEANUP_FREE char *path = xstrdup(at->dir);
	for (char *p = path + strlen(at->mount); *p == '/';) {
		*p = '\0';
		if (at->v2 && write_file(path, "cgroup.subtree_control", give, err) < 0)
			return -1;
		*p = '/';
		p += 1 + strcspn(p + 1, "/");
		char kept = *p;
		*p = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return err_errno(err, errno, "cannot make the control group '%s'", path);
		if (!at->v2 && c == CGROUP_CPUSET && fill_cpuset(path, err) < 0)
			return -1;
		*p = kept;
	}
	return 0;
}

void cgroup_without_limits(struct cgroup *g)
{
	for (unsigned c = 0; c < CGROUP_CONTROLLERS; c++) {
		struct cgroup_place *at = &g->at[c];
		if (at->v2 || at->foreign || g->unit != NULL)
			continue;
		free(at->dir);
		at->dir = NULL;
	}
}

void cgroup_make(struct cgroup *g, struct buf *notes)
{
	for (unsigned c = 0; c < CGROUP_CONTROLLERS; c++) {
		struct err err;
		struct cgroup_place *at = &g->at[c];
		if (at->dir == NULL || g->unit != NULL || make_levels(at, c, &err) == 0)
			continue;
		if (notes != NULL)
			buf_addf(
			    notes, "no control group for '%s': %s\n", names[c][at->v2], err.msg);
		free(at->dir);
		at->dir = NULL;
	}
}

/* Version 2's one group has all controllers. */
static bool is_double(const struct cgroup *g, unsigned c)
{
	for (unsigned i = 0; i < c; i++)
		if (str_eq(g->at[i].dir, g->at[c].dir))
			return true;
	return false;
}

size_t cgroup_doors(const struct cgroup *g, int fds[CGROUP_CONTROLLERS])
{
	size_t n = 0;
	for (unsigned c = 0; c < CGROUP_CONTROLLERS; c++) {
		if (g->at[c].dir == NULL || g->unit != NULL || is_double(g, c))
			continue;
		CLEANUP_FREE char *path = xasprintf("%s/cgroup.procs", g->at[c].dir);
		int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd >= 0)
			fds[n++] = fd;
	}
	return n;
}

int cgroup_write(const struct cgroup *g, enum cgroup_controller c, const char *below,
    const char *file, const char *value, struct err *err)
{
	if (g->at[c].dir == NULL)
		return err_set(
		    err, ERR_UNSUPPORTED, "this host has no controller '%s' for us", names[c][1]);
	CLEANUP_FREE char *dir =
	    below == NULL ? xstrdup(g->at[c].dir) : xasprintf("%s/%s", g->at[c].dir, below);
	return write_file(dir, file, value, err);
}

int cgroup_make_below(
    const struct cgroup *g, enum cgroup_controller c, const char *below, struct err *err)
{
	const struct cgroup_place *at = &g->at[c];
	if (at->dir == NULL)
		return err_set(
		    err, ERR_UNSUPPORTED, "this host has no controller '%s' for us", names[c][1]);
	CLEANUP_FREE char *path = xasprintf("%s/%s", at->dir, below);
	CLEANUP_FREE char *give = xasprintf("+%s", names[c][1]);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return err_errno(err, errno, "cannot make the control group '%s'", path);
	if (!at->v2)
		return 0;
	/* Threads of one process in several groups: the order is the kernel's, "Threads". */
	if (write_file(path, "cgroup.type", "threaded", err) < 0)
		return -1;
	return write_file(at->dir, "cgroup.subtree_control", give, err);
}

/* --- the end --- */

int cgroup_note(const struct cgroup *g, const struct home *h, const char *name, struct err *err)
{
	CLEANUP_FREE char *path = home_run_file(h, name, "cgroups");
	CLEANUP_BUF struct buf b = BUF_INIT;
	for (unsigned c = 0; c < CGROUP_CONTROLLERS; c++)
		if (g->at[c].dir != NULL && !is_double(g, c))
			buf_addf(&b, "%s %s\n", g->unit == NULL ? "ours" : "unit", g->at[c].dir);
	if (b.len == 0)
		return 0;
	CLEANUP_CLOSE int fd =
	    open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || fd_write_all(fd, b.data, b.len) < 0)
		return err_errno(err, errno, "cannot write '%s'", path);
	return 0;
}

static void remove_group(const char *dir, bool itself)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	while (d != NULL && (e = readdir(d)) != NULL)
		if (e->d_type == DT_DIR && e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR);
	if (d != NULL)
		closedir(d);
	if (itself && rmdir(dir) < 0 && errno != ENOENT)
		log_warn("cannot remove the control group '%s': %s", dir, strerror(errno));
}

void cgroup_remove(const struct home *h, const char *name)
{
	CLEANUP_FREE char *path = home_run_file(h, name, "cgroups");
	CLEANUP_FREE char *text = read_text(path);
	char *save = NULL;
	for (char *l = strtok_r(text, "\n", &save); l != NULL; l = strtok_r(NULL, "\n", &save))
		if (str_prefix(l, "ours /") || str_prefix(l, "unit /"))
			remove_group(l + 5, str_prefix(l, "ours"));
	unlink(path);
}
