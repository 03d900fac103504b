#include "kvm/adopt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include "core/file.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/vm.h"
#include "core/vm_process.h"
#include "core/xml.h"
#include "kvm/adopt_sockets.h"
#include "kvm/native_impl.h"
#include "kvm/spawn.h"

void adopt_fini(struct adopt *a)
{
	for (size_t i = 0; i < a->n_links; i++) {
		free(a->links[i].file);
		free(a->links[i].target);
	}
	free(a->name);
	free(a->definition);
	free(a->live);
	buf_fini(&a->notes);
	*a = (struct adopt){0};
}

static void add_link(struct adopt *a, char *file, const char *target)
{
	if (a->n_links == ADOPT_LINKS_MAX) {
		free(file);
		return;
	}
	a->links[a->n_links++] = (struct adopt_link){file, xstrdup(target)};
}

/* --- whose process it is --- */
static bool same_namespace(pid_t pid, const char *which)
{
	struct stat ours, theirs;
	CLEANUP_FREE char *mine = xasprintf("/proc/self/ns/%s", which);
	CLEANUP_FREE char *its = xasprintf("/proc/%d/ns/%s", (int)pid, which);
	return stat(mine, &ours) == 0 && stat(its, &theirs) == 0 && ours.st_ino == theirs.st_ino;
}

static int check_process(pid_t pid, struct err *err)
{
	CLEANUP_FREE char *ns = xasprintf("/proc/%d/ns/mnt", (int)pid);
	struct stat st;
	if (stat(ns, &st) < 0 && errno == EACCES)
		return err_set(err, ERR_DENIED,
		    geteuid() == 0
		        ? "the kernel lets not even this root look at process %d: is this a container, or is the process confined?"
		        : "process %d is another user's: only root may look at its sockets",
		    (int)pid);
	if (!same_namespace(pid, "mnt") || !same_namespace(pid, "pid"))
		return err_set(err, ERR_UNSUPPORTED,
		    "process %d runs in a container (another namespace): its files and sockets are not the ones of "
		    "this host; adopt it with a hvmux inside of that container",
		    (int)pid);
	return 0;
}

/* --- sockets that came as descriptors --- */
/* "-chardev socket,fd=5" → "-chardev socket,path=/run/x.sock": who made the socket knows its name, and
 * so does the kernel. */
static void name_descriptors(pid_t pid, struct native_cmd *cmd)
{
	for (size_t i = 1; i + 1 < cmd->n; i++) {
		struct nat_opt o;
		if (strcmp(cmd->words[i], "-chardev") != 0)
			continue;
		nat_opt_init(&o, "chardev", cmd->words[i + 1]);
		const char *fd = nat_get(&o, "fd"), *id = nat_get(&o, "id");
		char *path =
		    fd != NULL && id != NULL ? adopt_socket_of_fd(pid, cmd->cwd, fd) : NULL;
		if (path != NULL) {
			struct buf word = BUF_INIT;
			buf_addf(&word, "socket,id=%s,server=on,wait=off,path=", id);
			for (const char *s = path; *s != '\0'; s++)
				buf_adds(&word, *s == ',' ? ",," : (const char[]){*s, '\0'});
			free(cmd->words[i + 1]);
			cmd->words[i + 1] = buf_take(&word);
		}
		free(path);
		nat_opt_fini(&o);
	}
}

/* --- the monitor --- */
struct monitors {
	const struct native_cmd *cmd;
	struct adopt *a;
	struct err *err; /* of the last one that was tried */
	bool seen, taken;
};

static void try_monitor(struct monitors *m, const char *path)
{
	if (m->taken)
		return;
	m->seen = true;
	if (path[0] == '@' || path[0] == '\0') {
		err_set(m->err, ERR_UNSUPPORTED,
		    "its monitor is on the abstract socket '%s', which has no file", path);
		return;
	}
	CLEANUP_FREE char *whole = adopt_absolute(m->cmd->cwd, path);
	if (!adopt_listens(m->a->pid, m->cmd->cwd, whole)) {
		err_set(m->err, ERR_NOT_FOUND,
		    "process %d does not listen on its monitor's socket '%s' (any more)",
		    (int)m->a->pid, whole);
		return;
	}
	if (adopt_try_qmp(whole, m->err) < 0)
		return;
	m->taken = true;
	add_link(m->a, xstrdup("qmp.sock"), whole);
}

/* -qmp unix:PATH,server=on,wait=off */
static void try_qmp_option(struct monitors *m, const char *value)
{
	if (str_prefix(value, "unix:")) {
		CLEANUP_FREE char *path = xstrndup(value + 5, strcspn(value + 5, ","));
		try_monitor(m, path);
	} else if (!m->taken) {
		m->seen = true;
		err_set(m->err, ERR_UNSUPPORTED,
		    "its monitor is '%s'; only one on a Unix socket can be adopted", value);
	}
}

static void try_chardev(struct monitors *m, struct nat_opts *l, const char *id)
{
	for (size_t i = 0; id != NULL && i < l->n; i++) {
		struct nat_opt *c = &l->o[i];
		if (strcmp(c->name, "chardev") != 0 || !str_eq(nat_get(c, "id"), id))
			continue;
		const char *path = nat_get(c, "path");
		if (str_eq(nat_get(c, "backend"), "socket") && path != NULL)
			try_monitor(m, path);
	}
}

static int find_monitor(const struct native_cmd *cmd, struct adopt *a, struct err *err)
{
	struct nat_opts l;
	struct monitors m = {.cmd = cmd, .a = a, .err = err};
	nat_opts_read(&l, cmd->words + 1, cmd->n - 1);
	for (size_t i = 0; i < l.n; i++) {
		struct nat_opt *o = &l.o[i];
		bool qmp = strcmp(o->name, "qmp") == 0 || strcmp(o->name, "qmp-pretty") == 0;
		if (qmp && o->value != NULL && str_prefix(o->value, "chardev:"))
			try_chardev(&m, &l, o->value + strlen("chardev:"));
		else if (qmp && o->value != NULL)
			try_qmp_option(&m, o->value);
		else if (strcmp(o->name, "mon") == 0 && str_eq(nat_get(o, "mode"), "control"))
			try_chardev(&m, &l, nat_get(o, "chardev"));
	}
	nat_opts_fini(&l);
	if (m.taken)
		return 0;
	if (!m.seen)
		return err_set(err, ERR_UNSUPPORTED,
		    "process %d has no QMP monitor on a Unix socket (-qmp unix:PATH,server=on,wait=off): it "
		    "cannot be supervised",
		    (int)a->pid);
	return -1;
}

/* --- the documents --- */
static bool is_socket(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* The path of <source mode='bind'> of a type='unix' device; NULL another kind. */
static char *bound_path(const xmlNode *device)
{
	CLEANUP_FREE char *type = xml_attr(device, "type");
	CLEANUP_FREE char *mode = xml_child_attr(device, "source", "mode");
	char *path = xml_child_attr(device, "source", "path");
	if (str_eq(type, "unix") && str_eq(mode, "bind") && path != NULL && is_socket(path))
		return path;
	free(path);
	return NULL;
}

static void drop_sources(xmlNode *device)
{
	for (xmlNode *s; (s = xml_child(device, "source")) != NULL;)
		xml_remove(s);
}

/* A console that is reached becomes one of ours, any other is out of reach for this run. */
static void link_console(struct adopt *a, xmlNode *device)
{
	CLEANUP_FREE char *path = bound_path(device), *type = xml_attr(device, "type");
	drop_sources(device);
	xml_set_attr(device, "type", path != NULL ? "pty" : "null");
	if (path != NULL) {
		add_link(a, xasprintf("serial%u.sock", a->consoles++), path);
		return;
	}
	buf_addf(&a->notes,
	    "its %s (%s) is not on a Unix socket that QEMU listens on: it cannot be reached from here\n",
	    (const char *)device->name,
	    str_eq(type, "pty") ? "on the terminal, window or pty of whoever started it" : type);
}

static void link_agent(struct adopt *a, xmlNode *channel)
{
	CLEANUP_FREE char *name = xml_child_attr(channel, "target", "name");
	CLEANUP_FREE char *path = bound_path(channel);
	if (!str_eq(name, "org.qemu.guest_agent.0"))
		return;
	drop_sources(channel);
	if (path != NULL)
		add_link(a, xasprintf("%s.sock", name), path);
}

/* The console that stands for the first serial port goes: it would be a second one. */
static void link_devices(struct adopt *a, xmlNode *devices)
{
	for (xmlNode *d = xml_first(devices), *next; d != NULL; d = next) {
		CLEANUP_FREE char *target = xml_child_attr(d, "target", "type");
		next = xml_next(d);
		if (xml_is(d, "console") && !str_eq(target, "virtio"))
			xml_remove(d);
		else if (xml_is(d, "serial") || xml_is(d, "console"))
			link_console(a, d);
		else if (xml_is(d, "channel"))
			link_agent(a, d);
	}
}

static bool has_name(const struct native_cmd *cmd)
{
	for (size_t i = 1; i < cmd->n; i++)
		if (strcmp(cmd->words[i], "-name") == 0 || strcmp(cmd->words[i], "--name") == 0)
			return true;
	return false;
}

static void set_name(xmlNode *root, const char *name)
{
	xmlNode *node = xml_child(root, "name");
	if (node != NULL && name != NULL)
		xml_set_text(node, name);
}

/* The same in both documents. */
static void need_uuid(xmlNode *root)
{
	char text[37];
	uuid_t uuid;
	if (xml_child(root, "uuid") != NULL)
		return;
	uuid_generate(uuid);
	uuid_unparse_lower(uuid, text);
	xml_set_text(xml_add_after(root, xml_child(root, "name"), "uuid"), text);
}

static int make_documents(
    const struct native_cmd *cmd, const char *name, struct adopt *a, struct err *err)
{
	size_t n;
	CLEANUP_FREE char *xml = native_to_xml(cmd, &a->notes, err);
	CLEANUP_XML xmlDoc *doc =
	    xml != NULL ? xml_read(xml, strlen(xml), "the command line", "domain", err) : NULL;
	if (doc == NULL)
		return -1;
	xmlNode *root = xmlDocGetRootElement(doc);
	CLEANUP_FREE char *unnamed = has_name(cmd) ? NULL : xasprintf("qemu-%d", (int)a->pid);
	set_name(root, name != NULL ? name : unnamed);
	need_uuid(root);
	a->name = xml_child_text(root, "name");
	if (name_check("domain", a->name, err) < 0)
		return -1;
	a->definition = xml_format(doc, &n);
	link_devices(a, xml_child(root, "devices"));
	a->live = xml_format(doc, &n);
	return 0;
}

int adopt_look(pid_t pid, const char *name, struct adopt *a, struct err *err)
{
	struct native_cmd cmd;
	*a = (struct adopt){.pid = pid, .start = vm_process_start(pid)};
	if (a->start == 0)
		return err_set(err, ERR_NOT_FOUND, "there is no process %d", (int)pid);
	if (check_process(pid, err) < 0 || native_process(pid, &cmd, err) < 0)
		return -1;
	cmd.adopting = true;
	name_descriptors(pid, &cmd);
	int rc = find_monitor(&cmd, a, err);
	if (rc == 0)
		rc = make_documents(&cmd, name, a, err);
	native_cmd_fini(&cmd);
	if (rc == 0 && !vm_process_exists(pid, a->start))
		rc = err_set(err, ERR_STATE, "process %d ended meanwhile", (int)pid);
	return rc;
}

/* --- the run directory --- */
static int make_link(
    const struct home *h, const struct adopt *a, const struct adopt_link *l, struct err *err)
{
	CLEANUP_FREE char *path = home_run_file(h, a->name, l->file);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_errno(err, errno, "cannot remove '%s'", path);
	if (symlink(l->target, path) < 0)
		return err_errno(err, errno, "cannot make the link '%s'", path);
	return 0;
}

/* What an earlier run of that name left says nothing of this one. */
static int forget(const struct home *h, const char *name, struct err *err)
{
	static const char *const files[] = {"status", "process", "live.xml", "companions"};
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		CLEANUP_FREE char *path = home_run_file(h, name, files[i]);
		if (unlink(path) < 0 && errno != ENOENT)
			return err_errno(err, errno, "cannot remove '%s'", path);
	}
	return 0;
}

int adopt_take(const struct home *h, const struct adopt *a, struct err *err)
{
	CLEANUP_FREE char *live = home_run_file(h, a->name, "live.xml");
	struct vm_process process = {.qemu = a->pid, .qemu_start = a->start};
	if (forget(h, a->name, err) < 0 ||
	    file_write_atomic(live, a->live, strlen(a->live), 0600, err) < 0)
		return -1;
	for (size_t i = 0; i < a->n_links; i++)
		if (make_link(h, a, &a->links[i], err) < 0)
			return -1;
	process.id = vm_next_id(h);
	vm_process_boot_id(process.boot_id);
	CLEANUP_CLOSE int fd = vm_process_open(h, a->name, err);
	if (fd < 0)
		return -1;
	if (!vm_process_exists(a->pid, a->start))
		return err_set(err, ERR_STATE, "process %d ended meanwhile", (int)a->pid);
	if (vm_process_write(fd, &process) < 0)
		return err_errno(err, errno, "cannot write which process runs '%s'", a->name);
	return 0;
}
