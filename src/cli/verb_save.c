/* save, restore, managedsave and their kin: machines in files, and back. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/document.h"
#include "cli/out.h"
#include "cli/plan_verb.h"
#include "cli/restore.h"
#include "cli/saved.h"
#include "core/audit.h"
#include "core/mem.h"
#include "core/save_image.h"
#include "core/str.h"
#include "core/vm.h"
#include "kvm/restore.h"

#define END_WAIT_MS 15000 /* of a QEMU that was told to end: quit, SIGTERM, SIGKILL */

/* --- words --- */

/* A path is the same for the supervisor, whose folder is another. NULL: err. */
static char *absolute(const char *path, struct err *err)
{
	char cwd[PATH_MAX];
	if (path[0] == '/')
		return xstrdup(path);
	if (getcwd(cwd, sizeof(cwd)) == NULL) {
		err_errno(err, errno, "cannot tell the present folder");
		return NULL;
	}
	return xasprintf("%s/%s", cwd, path);
}

int saved_running(const struct cli *c, int *running, struct err *err)
{
	bool on = cli_flag(c, "running"), off = cli_flag(c, "paused");
	*running = on ? 1 : off ? 0 : -1;
	if (on && off)
		return err_set(
		    err, ERR_USAGE, "Options --running and --paused are mutually exclusive");
	return 0;
}

static char *read_document(const char *path, struct err *err)
{
	struct buf xml = BUF_INIT;
	if (document_read(path, &xml, err) < 0) {
		buf_fini(&xml);
		return NULL;
	}
	return buf_take(&xml);
}

/* --- save, managedsave --- */

/* Who hears "saved" may start the domain at once. */
static void await_end(const struct home *h, const char *name)
{
	for (unsigned ms = 0; vm_locked(h, name) && ms < END_WAIT_MS; ms += 20)
		poll(NULL, 0, 20);
}

/* args of a plan; NULL: err. */
static struct json_object *save_args(
    struct cli *c, const char *path, const char *xml_file, struct err *err)
{
	int running;
	CLEANUP_FREE char *xml = NULL;
	if (saved_running(c, &running, err) < 0)
		return NULL;
	if (xml_file != NULL && (xml = read_document(xml_file, err)) == NULL)
		return NULL;
	struct json_object *o = json_object_new_object();
	json_object_object_add(o, "path", json_object_new_string(path));
	if (running >= 0)
		json_object_object_add(o, "running", json_object_new_boolean(running));
	if (xml != NULL)
		json_object_object_add(o, "xml", json_object_new_string(xml));
	return o;
}

/* what: the first line of an error. */
static int save(struct cli *c, const char *name, const char *path, const char *xml_file,
    const char *done, const char *what)
{
	struct err err = {0};
	struct json_object *args = save_args(c, path, xml_file, &err);
	if (args == NULL)
		return out_refusal(what, &err);
	const struct plan_request r = {
	    .args = args, .done = done, .failed = what, .flags = PLAN_REQUEST_LIVE_ONLY};
	int status = plan_verb_run(c, &r);
	if (status == CLI_DONE && !cli_flag(c, "dry-run"))
		await_end(&c->home, name);
	return status;
}

int verb_save(struct cli *c)
{
	struct err err = {0};
	const char *file = cli_value(c, "file");
	CLEANUP_FREE char *name = vm_resolve(&c->home, cli_value(c, "domain"), &err);
	CLEANUP_FREE char *path = name == NULL ? NULL : absolute(file, &err);
	if (path == NULL)
		return out_refusal(NULL, &err);
	CLEANUP_FREE char *done = xasprintf("Domain '%s' saved to %s", name, file);
	CLEANUP_FREE char *what = xasprintf("Failed to save domain '%s' to %s", name, file);
	return save(c, name, path, cli_value(c, "xml"), done, what);
}

int verb_managedsave(struct cli *c)
{
	struct err err = {0};
	CLEANUP_FREE char *name = vm_resolve(&c->home, cli_value(c, "domain"), &err);
	if (name == NULL)
		return out_refusal(NULL, &err);
	CLEANUP_FREE char *path = restore_managed_path(&c->home, name);
	CLEANUP_FREE char *done = xasprintf("Domain '%s' state saved by hvmux", name);
	CLEANUP_FREE char *what = xasprintf("Failed to save domain '%s' state", name);
	return save(c, name, path, NULL, done, what);
}

/* --- restore --- */

static int restore(struct cli *c, const char *path, struct err *err)
{
	int running;
	CLEANUP_FREE char *xml = NULL;
	if (saved_running(c, &running, err) < 0)
		return -1;
	if (cli_value(c, "xml") != NULL && (xml = read_document(cli_value(c, "xml"), err)) == NULL)
		return -1;
	return restore_file(c, path, xml, running, err);
}

int verb_restore(struct cli *c)
{
	struct err err = {0};
	const char *shown = cli_value(c, "file");
	CLEANUP_FREE char *path = absolute(shown, &err);
	if (path == NULL || restore(c, path, &err) < 0) {
		CLEANUP_FREE char *what = xasprintf("Failed to restore domain from %s", shown);
		return out_refusal(what, &err);
	}
	out_message(c, "Domain restored from %s", shown);
	return CLI_DONE;
}

/* --- managedsave-remove --- */

int verb_managedsave_remove(struct cli *c)
{
	struct err err = {0};
	CLEANUP_FREE char *name = vm_resolve(&c->home, cli_value(c, "domain"), &err);
	if (name == NULL)
		return out_refusal(NULL, &err);
	CLEANUP_FREE char *path = restore_managed_path(&c->home, name);
	if (unlink(path) == 0) {
		audit_write(&c->home, name, "uid=%u pid=%d what=managedsave-remove result=ok",
		    (unsigned)getuid(), (int)getpid());
		out_message(c, "Removed managedsave image for domain '%s'", name);
		return CLI_DONE;
	}
	if (errno == ENOENT) {
		out_message(c, "Domain '%s' has no manage save image; removal skipped", name);
		return CLI_DONE;
	}
	CLEANUP_FREE char *what =
	    xasprintf("Failed to remove managed save image for domain '%s'", name);
	err_errno(&err, errno, "cannot remove '%s'", path);
	return out_refusal(what, &err);
}
