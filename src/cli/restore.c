#include "cli/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/live.h"
#include "core/audit.h"
#include "core/definitions.h"
#include "core/domain.h"
#include "core/mem.h"
#include "core/save_image.h"
#include "core/store.h"
#include "core/str.h"
#include "core/vm.h"
#include "kvm/restore.h"
#include "kvm/supervisor.h"

#define DESTROY_TIMEOUT_MS 10000
#define END_STEP_MS 10

/* --- the definition --- */

static int define_it(struct cli *c, const char *xml, const char *path, struct err *err)
{
	CLEANUP(domain_fini) struct domain d = {0};
	CLEANUP(definitions_fini) struct definitions others = {0};
	if (domain_parse(xml, strlen(xml), path, DOMAIN_PARSE_LENIENT, &d, NULL, err) < 0)
		return -1;
	CLEANUP_CLOSE int lock = store_lock(&c->home, err);
	if (lock < 0 || definitions_read(&c->home, &others, err) < 0)
		return -1;
	return definitions_store(&c->home, &others, &d, err);
}

/* The domain that the document is one of must be the one of that name here. */
static int check_identity(
    struct cli *c, const struct domain *d, const char *xml, const char *path, struct err *err)
{
	CLEANUP_BUF struct buf now = BUF_INIT;
	CLEANUP(domain_fini) struct domain old = {0};
	if (name_check("domain", d->name, err) < 0)
		return -1;
	if (store_read(&c->home, d->name, &now, err) < 0)
		return err->code == ERR_NOT_FOUND ? define_it(c, xml, path, err) : -1;
	if (domain_parse(now.data, now.len, d->name, DOMAIN_PARSE_LENIENT, &old, NULL, err) < 0)
		return -1;
	if (old.has_uuid && d->has_uuid && memcmp(old.uuid, d->uuid, sizeof(d->uuid)) != 0)
		return err_set(err, ERR_EXISTS,
		    "'%s' is the saved state of another domain that was named '%s', too: its uuid differs",
		    path, d->name);
	return 0;
}

/* --- the start --- */

static int start(struct cli *c, const char *name, const struct restore *how, struct err *err)
{
	struct vm vm;
	if (live_settled(&c->home, name, &vm, err) < 0)
		return -1;
	bool live = vm.live, unsettled = vm.unsettled;
	vm_fini(&vm);
	if (live)
		return err_set(err, ERR_BUSY, "domain '%s' is already active", name);
	/* What became of the last run is recorded before its status page is used anew. */
	if (unsettled)
		(void)vm_spawn_supervisor(&c->home, name, VM_SPAWN_ADOPT, NULL);
	if (restore_write(&c->home, name, how, err) < 0)
		return -1;
	vm_spawn_by_fork(supervisor_main);
	int rc = vm_spawn_supervisor(&c->home, name, 0, err);
	vm_spawn_by_fork(NULL);
	if (rc < 0 && !vm_locked(&c->home, name))
		restore_forget(&c->home, name);
	return rc;
}

int restore_file(struct cli *c, const char *path, const char *xml, int running, struct err *err)
{
	struct save_image image;
	CLEANUP(domain_fini) struct domain d = {0};
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return err_errno(err, errno, "cannot open '%s'", path);
	if (save_image_read(fd, path, &image, err) < 0)
		return -1;
	const char *document = xml != NULL ? xml : image.xml;
	int rc = domain_parse(document, strlen(document), path,
	    DOMAIN_PARSE_LENIENT | DOMAIN_PARSE_LIVE, &d, NULL, err);
	if (rc == 0)
		rc = check_identity(c, &d, document, path, err);
	const struct restore how = {.path = (char *)path, .xml = (char *)xml, .running = running};
	if (rc == 0)
		rc = start(c, d.name, &how, err);
	if (rc == 0)
		audit_write(&c->home, d.name, "uid=%u pid=%d what=restore result=ok file=%s",
		    (unsigned)getuid(), (int)getpid(), path);
	save_image_fini(&image);
	return rc;
}

/* --- a snapshot --- */

static int destroy(struct cli *c, const char *name, struct err *err)
{
	if (live_supervised(&c->home, name, err) < 0)
		return err->code == ERR_STATE ? 0 : -1;
	struct rpc_client *r = live_connect(&c->home, name, err);
	if (r == NULL)
		return -1;
	int rc = rpc_call(r, "destroy", NULL, DESTROY_TIMEOUT_MS, NULL, err);
	rpc_free(r);
	return rc;
}

int restore_end(struct cli *c, const char *name, struct err *err)
{
	struct vm vm;
	if (vm_probe(&c->home, name, &vm, err) < 0)
		return -1;
	bool live = vm.live;
	vm_fini(&vm);
	if (live && destroy(c, name, err) < 0)
		return -1;
	for (unsigned ms = 0; vm_locked(&c->home, name); ms += END_STEP_MS) {
		if (ms > DESTROY_TIMEOUT_MS)
			return err_set(err, ERR_TIMEOUT, "domain '%s' has not ended within %d s",
			    name, DESTROY_TIMEOUT_MS / 1000);
		poll(NULL, 0, END_STEP_MS);
	}
	return 0;
}

/* Targets, the one whose image has the memory first: QEMU puts it into the first, and so do we. */
static char **list_disks(const struct snapshot *s)
{
	char **disks = xcalloc(s->n_disks + 1, sizeof(*disks));
	size_t n = 0;
	for (size_t i = 0; i < s->n_disks; i++)
		if (s->disks[i].kind == SNAPSHOT_INTERNAL)
			disks[n++] = s->disks[i].name;
	return disks;
}

int restore_snapshot(
    struct cli *c, const char *name, const struct snapshot *s, int running, struct err *err)
{
	CLEANUP_FREE char **disks = list_disks(s);
	bool file = s->memory_file != NULL;
	if (s->domain == NULL || (!file && disks[0] == NULL))
		return err_set(err, ERR_INVALID,
		    "snapshot '%s' does not say what hardware and disks the guest had", s->name);
	const struct restore how = {.path = s->memory_file,
	    .tag = file ? NULL : (char *)snapshot_tag(s),
	    .disks = file ? NULL : disks,
	    .xml = s->domain,
	    .running = running >= 0 ? running : s->state != SNAPSHOT_PAUSED,
	    .from_snapshot = true};
	return start(c, name, &how, err);
}
