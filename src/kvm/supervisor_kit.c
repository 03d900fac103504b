#include "kvm/supervisor_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/secrets.h"
#include "core/sock.h"
#include "core/str.h"
#include "core/vm.h"
#include "kvm/confine_nodes.h"
#include "kvm/secret.h"
#include "kvm/spawn.h"
#include "kvm/supervisor_devices.h"

#define RUN_DIR_MAX 80  /* bytes; a socket's name in it still fits into sun_path's 108 */
#define QEMU_DIR "qemu" /* run/NAME/qemu: the one folder that belongs to QEMU's user */

/* --- the folder --- */

/* run/NAME stays closed to QEMU's user: it gets a folder of its own in there, and knows it by a descriptor alone. What is
 * left in it by an earlier QEMU is not trusted. */
static int make_dir(const struct sup_kit *k, const char *run, struct err *err)
{
	CLEANUP_FREE char *path = xasprintf("%s/" QEMU_DIR, run);
	if (file_remove_tree(path, err) < 0)
		return -1;
	if (mkdir(path, 0700) < 0 || chown(path, k->confine.uid, k->confine.gid) < 0)
		return err_errno(err, errno, "cannot make QEMU's folder '%s'", path);
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? err_errno(err, errno, "cannot open '%s'", path) : fd;
}

/* Who looks for a display finds it where it is without a user of its own. */
static void link_display(const char *run, const char *type)
{
	CLEANUP_FREE char *path = xasprintf("%s/%s.sock", run, type);
	CLEANUP_FREE char *to = xasprintf(QEMU_DIR "/%s.sock", type);
	unlink(path);
	if (symlink(to, path) < 0)
		log_warn("cannot make '%s': %s", path, strerror(errno));
}

static void link_displays(const char *run, const struct domain *d)
{
	for (size_t i = 0; i < d->n_devs; i++) {
		const struct domain_attrs *a = &d->devs[i].attrs;
		const char *type = attrs_get(a, "@type");
		if (d->devs[i].kind == DEV_GRAPHICS && attrs_is(a, "listen@type", "socket") &&
		    (str_eq(type, "vnc") || str_eq(type, "spice")))
			link_display(run, type);
	}
}

static int open_dir(
    struct sup_kit *k, const struct supervisor *s, const struct domain *d, struct err *err)
{
	CLEANUP_FREE char *run = home_run_dir(s->home, s->name);
	if (k->confine.other_user) {
		k->dir = make_dir(k, run, err);
		if (k->dir >= 0)
			link_displays(run, d);
		return k->dir < 0 ? -1 : 0;
	}
	if (strlen(run) <= RUN_DIR_MAX)
		return 0;
	k->dir = open(run, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return k->dir < 0 ? err_errno(err, errno, "cannot open '%s'", run) : 0;
}

void sup_kit_clear(const struct supervisor *s)
{
	CLEANUP_FREE char *path = home_run_file(s->home, s->name, QEMU_DIR);
	CLEANUP_FREE char *notes = home_run_file(s->home, s->name, "notes");
	struct err err;
	unlink(notes);
	cgroup_remove(s->home, s->name);
	confine_nodes_take_back(s->home, s->name);
	if (file_remove_tree(path, &err) < 0)
		log_warn("%s", err.msg);
}

/* --- the user --- */

static int check_user(const struct sup_kit *k, const struct domain *d, struct err *err)
{
	if (!k->confine.other_user || d->type != DOMAIN_KVM ||
	    confine_may(&k->confine, "/dev/kvm", R_OK | W_OK))
		return 0;
	return err_set(err, ERR_DENIED,
	    "QEMU runs as user '%s', who may not open /dev/kvm: chgrp kvm /dev/kvm and chmod 660 let the group 'kvm' "
	    "do so, which QEMU is given",
	    k->confine.user);
}

/* --- notes --- */

void sup_kit_tell(const struct sup_kit *k, const struct supervisor *s)
{
	CLEANUP_FREE char *path = home_run_file(s->home, s->name, "notes");
	if (k->notes.len == 0)
		return;
	for (const char *p = k->notes.data; *p != '\0';) {
		size_t n = strcspn(p, "\n");
		log_info("%.*s", (int)n, p);
		p += n + (p[n] == '\n');
	}
	CLEANUP_CLOSE int fd =
	    open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || fd_write_all(fd, k->notes.data, k->notes.len) < 0)
		log_warn("cannot write '%s': %s", path, strerror(errno));
	home_share(s->home, path, 0640);
}

/* --- the beginning --- */

int sup_kit_init(
    struct sup_kit *k, const struct supervisor *s, const struct domain *d, struct err *err)
{
	*k = (struct sup_kit){.dir = -1, .lock = -1};
	CLEANUP_FREE char *notes = home_run_file(s->home, s->name, "notes");
	if (hostconf_load(s->home, &k->conf, err) < 0)
		return -1;
	unlink(notes);
	k->lock = vm_lock_qemu(s->home, s->name, err);
	if (k->lock >= 0) {
		confine_nodes_take_back(s->home, s->name);
		/* Of an earlier QEMU, whoever started them. */
		companion_adopt(s->companions);
		companion_end_all(s->companions);
	}
	if (k->lock >= 0 && confine_init(&k->confine, s->home, &k->conf, err) == 0 &&
	    check_user(k, d, err) == 0 && open_dir(k, s, d, err) == 0 &&
	    sup_kit_cgroup(k, s, d, err) == 0)
		return 0;
	sup_kit_fini(k);
	return -1;
}

/* arg: the supervisor. */
static char *find_secret(
    void *arg, const char *type, const char *uuid, const char *usage, struct err *err)
{
	const struct supervisor *s = arg;
	return secrets_find(s->home, type, uuid, usage, err);
}

void sup_kit_argv(const struct sup_kit *k, struct supervisor *s, struct argv_in *in)
{
	in->fd_first = SPAWN_FD_FIRST + (k->dir >= 0);
	in->run_dir_fd = k->dir >= 0 ? SPAWN_FD_FIRST : 0;
	in->no_sandbox = !k->conf.sandbox;
	in->find_secret = find_secret;
	in->find_secret_arg = s;
}

int sup_kit_own(const struct sup_kit *k, const char *dir, struct err *err)
{
	if (!k->confine.other_user || dir == NULL ||
	    chown(dir, k->confine.uid, k->confine.gid) == 0 || errno == ENOENT)
		return 0;
	return err_errno(err, errno, "cannot give '%s' to user %s", dir, k->confine.user);
}

/* --- the descriptors --- */

static void add_fd(struct sup_kit *k, int fd)
{
	k->fds = xreallocarray(k->fds, k->n_fds + 1, sizeof(*k->fds));
	k->fds[k->n_fds++] = fd;
}

static int hand_over(struct sup_kit *kit, const struct supervisor *s, struct domain *d,
    const struct argv_socket *k, struct err *err)
{
	if (k->kind == ARGV_TAP || k->kind == ARGV_VHOST_NET)
		return sup_devices_open(d, k, err);
	if (k->kind == ARGV_SOCKET_TPM || k->kind == ARGV_SOCKET_VIRTIOFS)
		return sup_companion_open(kit, s, d, k, err);
	if (k->secret != NULL)
		return secret_memfd(k->file, k->secret, strlen(k->secret), err);
	CLEANUP_FREE char *path = home_run_file(s->home, s->name, k->file);
	return sock_listen(path, 0600, err);
}

/* A shell's usual 1024 are few for a VM with many disks, and they are only a default: what the kernel lets us have is
 * more. */
static void raise_files(void)
{
	struct rlimit r;
	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

int sup_kit_fill(struct sup_kit *k, const struct supervisor *s, struct domain *d,
    struct argv_out *a, struct err *err)
{
	raise_files();
	if (confine_nodes_give(&k->confine, "/sys", "/dev", s->home, d, err) < 0)
		return -1;
	if (k->dir >= 0)
		add_fd(k, TAKE_FD(k->dir));
	for (size_t i = 0; i < a->n_sockets; i++) {
		int fd = hand_over(k, s, d, &a->sockets[i], err);
		if (fd < 0)
			return -1;
		add_fd(k, fd);
	}
	add_fd(k, TAKE_FD(k->lock));
	struct confine_fds files;
	int first = SPAWN_FD_FIRST + (int)k->n_fds;
	if (confine_files(&k->confine, a, first, &files, err) < 0)
		return -1;
	for (size_t i = 0; i < files.n; i++)
		add_fd(k, files.fd[i]);
	files.n = 0;
	confine_fds_close(&files);
	return 0;
}

void sup_kit_fini(struct sup_kit *k)
{
	for (size_t i = 0; i < k->n_fds; i++)
		close(k->fds[i]);
	free(k->fds);
	if (k->dir >= 0)
		close(k->dir);
	if (k->lock >= 0)
		close(k->lock);
	for (size_t i = 0; i < k->n_doors; i++)
		close(k->doors[i]);
	cgroup_fini(&k->cgroup);
	buf_fini(&k->notes);
	hostconf_fini(&k->conf);
	*k = (struct sup_kit){.dir = -1, .lock = -1};
}
