#include "core/vm.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uuid.h>

#include "core/buf.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"

/* A beat of the future is one from before the host's last boot. */
static bool older_than(uint64_t then, uint64_t now, uint64_t limit)
{
	return then > now || now - then > limit;
}

static bool qemu_exists(int run_fd, const char *name)
{
	struct vm_process p;
	return vm_process_read_at(run_fd, name, &p) && vm_process_qemu_exists(&p);
}

static void judge(int run_fd, const char *name, struct vm *vm)
{
	const struct status_page *p = vm->head;
	enum vm_state s = p->state < VM_STATE_COUNT ? (enum vm_state)p->state : VM_OFF;
	uint64_t now = loop_now_ns();
	bool stale = older_than(p->beat_ns, now, VM_SILENT_NS);
	bool claimed = vm_state_live(s) || (s == VM_CRASHED && p->qemu_pid > 0);
	/* A fresh beat of a supervisor that holds its lock is enough; /proc is asked only in doubt.
	 */
	bool exists = claimed && ((vm->supervised && !stale) || qemu_exists(run_fd, name));
	vm->live = exists || (vm->supervised && claimed);
	vm->orphan = exists && !vm->supervised;
	vm->unsettled = claimed && !exists && !vm->supervised;
	vm->silent = vm->live && !vm->orphan &&
	             (stale || (p->qmp_wait_ns && older_than(p->qmp_wait_ns, now, VM_SILENT_NS)));
	vm->state = vm->unsettled ? VM_OFF : s;
}

/* No page, or one of another version's layout: a supervisor of this instant, or a VM that another
 * version of this program has started. */
static void judge_unpublished(int run_fd, const char *name, struct vm *vm)
{
	bool exists = qemu_exists(run_fd, name);
	vm->live = vm->supervised || exists;
	vm->orphan = exists && !vm->supervised;
	vm->state = exists ? VM_RUNNING : vm->supervised ? VM_STARTING : VM_OFF;
}

/* The folder of the run directories, -1 when there is none: nothing is found in it then. */
static int open_run(const struct home *h)
{
	return open(h->run, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void look_running(int run_fd, const char *name, struct vm *vm)
{
	char path[STATUS_NAME_MAX + sizeof("/status")];
	snprintf(path, sizeof(path), "%s/status", name);
	CLEANUP_CLOSE int fd = openat(run_fd, path, O_RDONLY | O_CLOEXEC);
	/* The lock before the page: what a supervisor says that died in between is judged as an orphan's. */
	vm->supervised = vm_locked_at(run_fd, name, fd);
	if (fd >= 0) {
		vm->head = xmalloc(vm->brief ? STATUS_BRIEF_SIZE : STATUS_HEAD_SIZE);
		vm->has_page = status_fd_read(fd, path, vm->brief, vm->head, NULL) == 0;
	}
	if (vm->has_page) {
		judge(run_fd, name, vm);
	} else {
		free(TAKE_PTR(vm->head));
		judge_unpublished(run_fd, name, vm);
	}
}

/* Fills *vm from what is on disk; false when there is nothing of that name. run_fd -1: it has no run directory. */
static bool look(int run_fd, const char *name, bool defined, bool brief, struct vm *vm)
{
	memset(vm, 0, sizeof(*vm));
	vm->defined = defined;
	vm->brief = brief;
	if (run_fd >= 0)
		look_running(run_fd, name, vm);
	if (!defined && !vm->live && !vm->unsettled) {
		vm_fini(vm);
		return false;
	}
	vm->name = xstrdup(name);
	return true;
}

int vm_probe(const struct home *h, const char *name, struct vm *vm, struct err *err)
{
	memset(vm, 0, sizeof(*vm));
	if (name_check("domain", name, err) < 0)
		return -1;
	CLEANUP_FREE char *xml = home_domain_xml(h, name);
	CLEANUP_CLOSE int run_fd = open_run(h);
	int why = access(xml, F_OK) == 0 ? 0 : errno;
	if (look(run_fd, name, why == 0, false, vm))
		return 0;
	if (why != ENOENT) /* it may be there, for all we know */
		return err_errno(
		    err, why, "failed to get domain '%s': cannot look at '%s'", name, xml);
	return err_set(err, ERR_NOT_FOUND, "failed to get domain '%s'", name);
}

void vm_fini(struct vm *vm)
{
	free(vm->name);
	free(vm->head);
	memset(vm, 0, sizeof(*vm));
}

/* Names of the run directory's folders, appended to *names. */
static int add_run_names(const struct home *h, char ***names, size_t *n, struct err *err)
{
	DIR *d = opendir(h->run);
	if (!d)
		return errno == ENOENT
		           ? 0
		           : err_errno(err, errno, "cannot read the folder '%s'", h->run);
	for (struct dirent *e; (e = readdir(d));) {
		if (e->d_type == DT_REG || name_check("domain", e->d_name, NULL) < 0)
			continue;
		*names = xreallocarray(*names, *n + 2, sizeof(**names));
		(*names)[(*n)++] = xstrdup(e->d_name);
		(*names)[*n] = NULL;
	}
	closedir(d);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_all(const struct home *h, bool brief, struct vm **vms, size_t *n, struct err *err)
{
	char **defined = NULL, **running = xcalloc(1, sizeof(*running));
	size_t nd = 0, nr = 0, at = 0, i = 0, k = 0;
	CLEANUP_CLOSE int run_fd = open_run(h);
	int rc = store_names(h, &defined, &nd, err);
	if (rc == 0)
		rc = add_run_names(h, &running, &nr, err);
	*vms = NULL;
	*n = 0;
	if (rc == 0) {
		qsort(running, nr, sizeof(*running), by_name);
		*vms = xcalloc(nd + nr + 1, sizeof(**vms));
	}
	while (rc == 0 && (i < nd || k < nr)) {
		int cmp = i == nd ? 1 : k == nr ? -1 : strcmp(defined[i], running[k]);
		const char *name = cmp <= 0 ? defined[i] : running[k];
		at += look(cmp >= 0 ? run_fd : -1, name, cmp <= 0, brief, &(*vms)[at]);
		i += cmp <= 0;
		k += cmp >= 0;
	}
	*n = at;
	store_names_free(defined);
	store_names_free(running);
	return rc;
}

int vm_list(const struct home *h, struct vm **vms, size_t *n, struct err *err)
{
	return list_all(h, false, vms, n, err);
}

int vm_list_brief(const struct home *h, struct vm **vms, size_t *n, struct err *err)
{
	return list_all(h, true, vms, n, err);
}

void vm_list_free(struct vm *vms, size_t n)
{
	for (size_t i = 0; vms && i < n; i++)
		vm_fini(&vms[i]);
	free(vms);
}

const char *vm_state_word(const struct vm *vm)
{
	const struct status_page *p = vm->head;
	if (vm->silent)
		return "not answering";
	/* A guest that nobody paused is what one looks at the list for. */
	if (vm->state == VM_PAUSED && p && p->reason == VM_REASON_IOERROR)
		return "paused (I/O error)";
	if (vm->state == VM_PAUSED && p && p->reason == VM_REASON_WATCHDOG)
		return "paused (watchdog)";
	if (vm->state == VM_PAUSED && p && p->reason == VM_REASON_INTERNAL)
		return "paused (internal error)";
	return vm_state_name(vm->state);
}

/* Does the definition of that name hold this uuid? A look for the text, not a parse: quick over
 * many files. */
static bool defined_as(const struct home *h, const char *name, const char *uuid)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	if (store_read(h, name, &b, NULL) < 0 || !b.data)
		return false;
	const char *p = strstr(b.data, "<uuid>");
	if (!p)
		return false;
	p += strlen("<uuid>");
	p += strspn(p, " \t\r\n");
	return strncasecmp(p, uuid, 36) == 0;
}

static bool matches(const struct home *h, const struct vm *vm, const char *uuid_text, uint64_t id)
{
	uuid_t uuid;
	if (id)
		return vm->live && vm->head && vm->head->id == id;
	if (vm->head && uuid_parse(uuid_text, uuid) == 0 &&
	    memcmp(uuid, vm->head->uuid, sizeof(uuid)) == 0)
		return true;
	return vm->defined && defined_as(h, vm->name, uuid_text);
}

char *vm_resolve(const struct home *h, const char *word, struct err *err)
{
	struct vm vm, *all = NULL;
	struct err first = {0};
	if (vm_probe(h, word, &vm, &first) == 0) {
		vm_fini(&vm);
		return xstrdup(word);
	}
	uuid_t uuid;
	uint64_t id = 0;
	bool by_uuid = uuid_parse(word, uuid) == 0;
	char *found = NULL;
	size_t n = 0;
	if (by_uuid || (str_u64(word, UINT32_MAX, &id) == 0 && id)) {
		if (vm_list_brief(h, &all, &n, err) < 0)
			return NULL;
		for (size_t i = 0; i < n && !found; i++)
			if (matches(h, &all[i], word, by_uuid ? 0 : id))
				found = xstrdup(all[i].name);
		vm_list_free(all, n);
	}
	if (!found)
		err_set(err, first.code, "%s", first.msg);
	return found;
}
