#include "kvm/confine.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/str.h"

#define KVM_GROUP "kvm" /* may open /dev/kvm, in every distribution */

/* --- who it is --- */

static void add_group(struct confine *c, gid_t gid)
{
	for (size_t i = 0; i < c->n_groups; i++)
		if (c->groups[i] == gid)
			return;
	if (c->n_groups < CONFINE_GROUPS_MAX)
		c->groups[c->n_groups++] = gid;
}

/* /etc/group alone: to ask all the sources for a user's groups takes seconds where a directory service is slow, and a
 * supervisor must not wait. Who runs virtual machines is a user of this host. */
static void find_groups(struct confine *c)
{
	FILE *f = fopen("/etc/group", "re");
	struct group *g;
	add_group(c, c->gid);
	while (f != NULL && (g = fgetgrent(f)) != NULL) {
		bool member = strcmp(g->gr_name, KVM_GROUP) == 0;
		for (char **m = g->gr_mem; !member && *m != NULL; m++)
			member = strcmp(*m, c->user) == 0;
		if (member && g->gr_gid != 0)
			add_group(c, g->gr_gid);
	}
	if (f != NULL)
		fclose(f);
}

static int find_user(struct confine *c, const char *name, const char *group, struct err *err)
{
	const struct passwd *p = getpwnam(name);
	if (p == NULL)
		return err_set(err, ERR_NOT_FOUND,
		    "qemu_user in " HOSTCONF_FILE
		    " is '%s', and there is no such user: useradd --system %s makes one",
		    name, name);
	c->uid = p->pw_uid;
	c->gid = p->pw_gid;
	const struct group *g = group == NULL ? NULL : getgrnam(group);
	if (group != NULL && g == NULL)
		return err_set(err, ERR_NOT_FOUND,
		    "qemu_group in " HOSTCONF_FILE " is '%s', and there is no such group", group);
	if (g != NULL)
		c->gid = g->gr_gid;
	snprintf(c->user, sizeof(c->user), "%s", name);
	c->other_user = c->uid != geteuid();
	if (c->other_user && c->gid == 0)
		return err_set(err, ERR_INVALID,
		    "QEMU is to run as '%s', whose group is root's: set qemu_group in " HOSTCONF_FILE,
		    name);
	find_groups(c);
	return 0;
}

int confine_init(
    struct confine *c, const struct home *h, const struct hostconf *conf, struct err *err)
{
	const char *name = conf->qemu_user;
	*c = (struct confine){.no_new_privs = conf->sandbox,
	    .max_files = conf->max_files,
	    .max_core = conf->max_core};
	if (name == NULL && h->mode == HOME_SYSTEM && getpwnam(CONFINE_DEFAULT_USER) != NULL)
		name = CONFINE_DEFAULT_USER;
	if (geteuid() != 0 || name == NULL)
		return 0;
	return find_user(c, name, conf->qemu_group, err);
}

char *confine_words(const struct confine *c, const struct home *h)
{
	if (c->other_user)
		return xasprintf("as user %s (%u)", c->user, (unsigned)c->uid);
	if (geteuid() != 0)
		return xasprintf("as this user (%u)", (unsigned)geteuid());
	return xasprintf("as root: useradd --system " CONFINE_DEFAULT_USER
	                 ", or qemu_user in %s/" HOSTCONF_FILE ", takes that from it",
	    h->conf);
}

/* --- becoming it --- */

static int set_limit(__rlimit_resource_t what, rlim_t soft, rlim_t hard)
{
	return setrlimit(what, &(struct rlimit){.rlim_cur = soft, .rlim_max = hard});
}

/* As high as wished, or as we may. */
static int set_files(uint64_t want)
{
	struct rlimit now;
	rlim_t n = (rlim_t)want;
	if (getrlimit(RLIMIT_NOFILE, &now) < 0)
		return -1;
	if (set_limit(RLIMIT_NOFILE, n, n) == 0)
		return 0;
	return n <= now.rlim_max ? -1 : set_limit(RLIMIT_NOFILE, now.rlim_max, now.rlim_max);
}

static int become_user(const struct confine *c)
{
	if (setgroups(c->n_groups, c->groups) < 0 || setresgid(c->gid, c->gid, c->gid) < 0 ||
	    setresuid(c->uid, c->uid, c->uid) < 0)
		return -1;
	/* There must be no way back. */
	if (setuid(0) == 0 || geteuid() != c->uid || getegid() != c->gid) {
		errno = EPERM;
		return -1;
	}
	return 0;
}

static void set_environment(const struct confine *c)
{
	static const char *const ours[] = {"XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME",
	    "XDG_STATE_HOME", "XDG_CACHE_HOME", "DBUS_SESSION_BUS_ADDRESS", "XAUTHORITY", "MAIL"};
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		unsetenv(ours[i]);
	setenv("HOME", "/", 1);
	setenv("USER", c->user, 1);
	setenv("LOGNAME", c->user, 1);
}

int confine_enter(const struct confine *c)
{
	if (set_files(c->max_files) < 0)
		return -1;
	if (set_limit(RLIMIT_CORE, (rlim_t)c->max_core, (rlim_t)c->max_core) < 0 &&
	    set_limit(RLIMIT_CORE, 0, 0) < 0)
		return -1;
	if (c->lock_memory && geteuid() == 0 &&
	    set_limit(RLIMIT_MEMLOCK, RLIM_INFINITY, RLIM_INFINITY) < 0)
		return -1;
	umask(077);
	if (c->other_user) {
		set_environment(c);
		if (become_user(c) < 0)
			return -1;
	}
	if ((c->no_new_privs || c->other_user) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return 0;
}

bool confine_may(const struct confine *c, const char *path, int mode)
{
	if (!c->other_user)
		return access(path, mode) == 0;
	pid_t pid = fork();
	if (pid == 0)
		_exit(become_user(c) == 0 && access(path, mode) == 0 ? 0 : 1);
	int status = -1;
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
