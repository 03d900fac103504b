/* Files of saved machines: begun, marked as whole, removed. Until it is whole such a file has the name PATH.part. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/save_image.h"
#include "core/status.h"
#include "core/str.h"
#include "kvm/plan_host.h"

/* What somebody has put there meanwhile is not followed, and not written into. */
static int open_new(const char *part, struct err *err)
{
	if (unlink(part) < 0 && errno != ENOENT)
		return err_errno(err, errno, "cannot remove '%s'", part);
	int fd = open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? err_errno(err, errno, "cannot make '%s'", part) : fd;
}

static int make_folder(const struct plan_host_ctx *c, const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	size_t n = strlen(c->home->data);
	if (slash == NULL || strncmp(path, c->home->data, n) != 0 || path[n] != '/')
		return 0; /* an operator's folder is the operator's to make */
	CLEANUP_FREE char *dir = xstrndup(path, (size_t)(slash - path));
	return home_mkdir(c->home, dir, err);
}

static int op_begin(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	const char *part = json_get_str(args, "part"), *name = json_get_str(args, "name");
	CLEANUP_FREE char *xml = xstrdup0(json_get_str(args, "xml"));
	if (part == NULL || name == NULL || xml == NULL || c->keep_fd == NULL)
		return err_set(err, ERR_INVALID, "a saved machine without a file or a document");
	if (make_folder(c, part, err) < 0)
		return -1;
	CLEANUP_CLOSE int fd = open_new(part, err);
	const struct save_image s = {
	    .xml = xml, .was_running = json_get_bool(args, "running", 0) != 0};
	if (fd < 0 || save_image_begin(fd, part, &s, err) < 0)
		return -1;
	c->keep_fd(c->arg, name, TAKE_FD(fd));
	return 0;
}

static int sync_folder(const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	CLEANUP_FREE char *dir =
	    xstrndup(path, slash == NULL || slash == path ? 1 : (size_t)(slash - path));
	CLEANUP_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return err_errno(err, errno, "cannot sync '%s'", dir);
	return 0;
}

/* Synced before it is marked, and once more with its name. */
static int op_finish(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	const char *part = json_get_str(args, "part"), *path = json_get_str(args, "path");
	(void)c;
	if (part == NULL || path == NULL)
		return err_set(err, ERR_INVALID, "a saved machine without a file");
	CLEANUP_CLOSE int fd = open(part, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT && access(path, F_OK) == 0)
		return 0; /* carried out before */
	if (fd < 0)
		return err_errno(err, errno, "cannot open '%s'", part);
	/* The kernel tells of what it could not write once: the sync behind a failed one would be content. */
	if (fsync(fd) < 0)
		return err_errno(err, errno, "cannot write '%s'", part);
	if (save_image_finish(fd, part, err) < 0)
		return -1;
	if (fsync(fd) < 0 || rename(part, path) < 0)
		return err_errno(err, errno, "cannot finish '%s'", path);
	return sync_folder(path, err);
}

static int op_drop(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	const char *part = json_get_str(args, "part");
	if (c->drop_fd != NULL)
		c->drop_fd(c->arg, "save");
	if (part == NULL || unlink(part) == 0 || errno == ENOENT)
		return 0;
	return err_errno(err, errno, "cannot remove '%s'", part);
}

/* Asked for again by the next supervisor: of a QEMU that is being ended nothing more is wanted. */
static int op_end(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	static const enum vm_reason reasons[] = {VM_REASON_SAVED, VM_REASON_FROM_SNAPSHOT};
	const char *word = json_get_str(args, "reason");
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (str_eq(vm_reason_name(reasons[i]), word) && c->end != NULL) {
			c->end(c->arg, reasons[i]);
			return 0;
		}
	return err_set(
	    err, ERR_INVALID, "a machine does not end for '%s'", word == NULL ? "" : word);
}

const struct plan_host_op plan_host_ops_save[] = {
    {"save-begin", false, op_begin},
    {"save-finish", true, op_finish},
    {"save-drop", false, op_drop},
    {"machine-end", false, op_end},
    {0},
};
