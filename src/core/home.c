#include "core/home.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "core/access.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/str.h"

/* An absolute path without a trailing slash: "." and ".." are left to the kernel. NULL: there is
 * no present folder (it was removed). */
static char *absolute(const char *dir)
{
	char *path;
	if (dir[0] == '/') {
		path = xstrdup(dir);
	} else {
		CLEANUP_FREE char *cwd = getcwd(NULL, 0);
		if (!cwd || cwd[0] != '/')
			return NULL;
		path = xasprintf("%s/%s", cwd, dir);
	}
	for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
		path[n - 1] = '\0';
	return path;
}

static int init_private(struct home *h, const char *dir, struct err *err)
{
	CLEANUP_FREE char *root = absolute(dir);
	if (!root)
		return err_errno(err, errno,
		    "HVMUX_HOME is '%s', but the present folder is not there; name it from / on",
		    dir);
	h->mode = HOME_PRIVATE;
	h->conf = xasprintf("%s/etc", root);
	h->data = xasprintf("%s/data", root);
	h->log = xasprintf("%s/log", root);
	h->run = xasprintf("%s/run", root);
	return 0;
}

static void init_system(struct home *h)
{
	h->mode = HOME_SYSTEM;
	h->conf = xstrdup(HVMUX_SYSCONFDIR "/hvmux");
	h->data = xstrdup(HVMUX_LOCALSTATEDIR "/lib/hvmux");
	h->log = xstrdup(HVMUX_LOCALSTATEDIR "/log/hvmux");
	h->run = xstrdup(HVMUX_RUNSTATEDIR "/hvmux");
}

/* $VAR/hvmux, or ~/FALLBACK/hvmux: the XDG base directory specification ignores relative values. */
static char *xdg(const char *var, const char *user, const char *fallback)
{
	const char *v = getenv(var);
	return v && v[0] == '/' ? xasprintf("%s/hvmux", v)
	                        : xasprintf("%s/%s/hvmux", user, fallback);
}

static int init_session(struct home *h, struct err *err)
{
	const char *user = getenv("HOME");
	if (!user || user[0] != '/') {
		struct passwd *pw = getpwuid(getuid());
		user = pw ? pw->pw_dir : NULL;
	}
	if (!user || user[0] != '/')
		return err_set(err, ERR_NOT_FOUND, "no home directory: set HOME or HVMUX_HOME");
	h->mode = HOME_SESSION;
	h->conf = xdg("XDG_CONFIG_HOME", user, ".config");
	h->data = xdg("XDG_DATA_HOME", user, ".local/share");
	CLEANUP_FREE char *state = xdg("XDG_STATE_HOME", user, ".local/state");
	h->log = xasprintf("%s/log", state);
	const char *rt = getenv("XDG_RUNTIME_DIR");
	CLEANUP_FREE char *mine = xasprintf("/run/user/%u", (unsigned)getuid());
	struct stat st;
	if (rt && rt[0] == '/')
		h->run = xasprintf("%s/hvmux", rt);
	else if (stat(mine, &st) == 0 && st.st_uid == getuid())
		h->run = xasprintf("%s/hvmux", mine);
	else
		h->run = xasprintf("%s/run", state);
	return 0;
}

int home_init(struct home *h, const char *uri, struct err *err)
{
	memset(h, 0, sizeof(*h));
	bool system = uri ? strcmp(uri, "qemu:///system") == 0 : getuid() == 0;
	if (uri && !system && strcmp(uri, "qemu:///session") != 0) {
		CLEANUP_FREE char *shown = str_printable(uri, strlen(uri), 120);
		return err_set(err, ERR_USAGE,
		    "cannot connect to '%s': only qemu:///system and qemu:///session are known",
		    shown);
	}
	const char *dir = getenv("HVMUX_HOME");
	if (dir && *dir)
		return init_private(h, dir, err);
	if (!system)
		return init_session(h, err);
	init_system(h);
	return 0;
}

void home_fini(struct home *h)
{
	free(h->conf);
	free(h->data);
	free(h->log);
	free(h->run);
	memset(h, 0, sizeof(*h));
}

const char *home_uri(const struct home *h)
{
	bool system = h->mode == HOME_SYSTEM || (h->mode == HOME_PRIVATE && getuid() == 0);
	return system ? "qemu:///system" : "qemu:///session";
}

char *home_domains_dir(const struct home *h)
{
	return xasprintf("%s/domains", h->conf);
}

char *home_domain_xml(const struct home *h, const char *name)
{
	return xasprintf("%s/domains/%s.xml", h->conf, name);
}

char *home_run_dir(const struct home *h, const char *name)
{
	return xasprintf("%s/%s", h->run, name);
}

char *home_run_file(const struct home *h, const char *name, const char *file)
{
	return xasprintf("%s/%s/%s", h->run, name, file);
}

char *home_log_dir(const struct home *h, const char *name)
{
	return xasprintf("%s/%s", h->log, name);
}

char *home_log_file(const struct home *h, const char *name, const char *file)
{
	return xasprintf("%s/%s/%s", h->log, name, file);
}

char *home_data_file(const struct home *h, const char *sub, const char *file)
{
	return xasprintf("%s/%s/%s", h->data, sub, file);
}

static int make_level(const struct home *h, const char *path, struct err *err)
{
	if (mkdir(path, 0700) < 0)
		return errno == EEXIST ? 0
		                       : err_errno(err, errno, "cannot make the folder '%s'", path);
	home_share_dir(h, path);
	return 0;
}

/* Only of root's VMs: an ordinary user's are his own. */
static bool is_shared(const struct home *h, const struct access *a)
{
	return h->mode == HOME_SYSTEM || a->operators || a->readers;
}

void home_share_dir(const struct home *h, const char *path)
{
	const struct access *a = access_get(h);
	/* Taken back as well, where there is no group any more. */
	if (h->mode == HOME_SESSION || geteuid() != 0)
		return;
	if (chown(path, (uid_t)-1, a->operators ? a->operator_gid : 0) < 0 ||
	    chmod(path, a->operators ? 0750 : 0700) < 0)
		log_warn("the group cannot be given access to '%s': %s", path, strerror(errno));
	access_let_readers(a, path, 5);
}

int home_mkdir(const struct home *h, const char *dir, struct err *err)
{
	struct stat st;
	if (stat(dir, &st) == 0) {
		if (!S_ISDIR(st.st_mode))
			return err_set(err, ERR_INVALID, "'%s' is not a folder", dir);
		return 0;
	}
	CLEANUP_FREE char *path = xstrdup(dir);
	for (char *p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		/* Levels that are there already are not ours to judge, even unreadable ones. */
		int rc = stat(path, &st) == 0 ? 0 : make_level(h, path, err);
		*p = '/';
		if (rc < 0)
			return -1;
	}
	return make_level(h, path, err);
}

void home_share(const struct home *h, const char *path, mode_t mode)
{
	struct stat st;
	const char *slash = strrchr(path, '/');
	CLEANUP_FREE char *dir = xstrndup(path, slash ? (size_t)(slash - path) : 0);
	const struct access *a = access_get(h);
	if (!is_shared(h, a) || stat(dir, &st) < 0 || !(st.st_mode & S_IXGRP))
		return;
	if (lchown(path, (uid_t)-1, st.st_gid) < 0 || chmod(path, mode) < 0)
		log_warn("the group cannot be given access to '%s': %s", path, strerror(errno));
	access_let_readers(a, path, mode >> 3 & 7);
}
