#include "kvm/plan_host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <libxml/tree.h>

#include "core/file.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "core/whole_file.h"
#include "core/xml.h"
#include "kvm/chain_guard.h"
#include "kvm/disk_volumes.h"

#define COPY_BLOCK (1u << 20)

/* --- arguments --- */

static const char *need(struct json_object *args, const char *key, struct err *err)
{
	const char *s = json_get_str(args, key);
	if (s == NULL)
		err_set(err, ERR_INVALID, "a step on the host lacks its '%s'", key);
	return s;
}

static const char *need_path(struct json_object *args, const char *key, struct err *err)
{
	const char *s = need(args, key, err);
	if (s != NULL && s[0] != '/') {
		err_set(err, ERR_INVALID, "'%s' is not an absolute path", s);
		return NULL;
	}
	return s;
}

/* --- descriptors --- */

static int op_open(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	const char *name = need(args, "name", err);
	const char *path = name == NULL ? NULL : need_path(args, "path", err);
	bool write = json_get_bool(args, "write", 0) != 0;
	if (path == NULL)
		return -1;
	int flags = write ? O_RDWR : O_RDONLY;
	/* O_NONBLOCK: a fifo of that name must not stop us. */
	int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	if (fd < 0)
		return err_errno(err, errno, "cannot open '%s' for QEMU", path);
	if (fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)))
		fcntl(fd, F_SETFL, 0);
	c->keep_fd(c->arg, name, fd);
	return 0;
}

static int op_close(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	const char *name = need(args, "name", err);
	if (name == NULL)
		return -1;
	c->drop_fd(c->arg, name);
	return 0;
}

/* --- files --- */

static int copy_bytes(int from, int to)
{
	CLEANUP_FREE char *block = xmalloc(COPY_BLOCK);
	for (ssize_t n; (n = read(from, block, COPY_BLOCK)) != 0;)
		if ((n < 0 && errno != EINTR) || (n > 0 && fd_write_all(to, block, (size_t)n) < 0))
			return -1;
	return 0;
}

static int op_copy(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	(void)c;
	struct whole_file f;
	struct stat st;
	const char *from = need_path(args, "from", err);
	const char *to = from == NULL ? NULL : need_path(args, "to", err);
	if (to == NULL)
		return -1;
	CLEANUP_CLOSE int fd = open(from, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, errno, "cannot read '%s'", from);
	if (whole_file_open(&f, to, 0600, err) < 0)
		return -1;
	f.fresh = true;
	int rc = copy_bytes(fd, f.fd);
	if (rc < 0)
		err_errno(err, errno, "cannot copy '%s' to '%s'", from, to);
	else if (geteuid() == 0 && fchown(f.fd, st.st_uid, st.st_gid) < 0)
		rc = err_errno(err, errno, "cannot give '%s' its owner", to);
	else
		rc = whole_file_keep(&f, err);
	whole_file_close(&f);
	return rc;
}

/* The time of a file's birth, where the file system has one; else of its last change, which is never before. */
bool plan_host_is_new(const struct plan_host_ctx *c, const char *path)
{
	struct statx x;
	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BTIME | STATX_CTIME, &x) < 0)
		return false;
	const struct statx_timestamp *t =
	    (x.stx_mask & STATX_BTIME) != 0 ? &x.stx_btime : &x.stx_ctime;
	/* The kernel's clock of files is coarse: a tick behind. */
	return (uint64_t)t->tv_sec * 1000000000u + t->tv_nsec + 20000000u >= c->began_ns;
}

static int op_remove(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	const char *path = need_path(args, "path", err);
	if (path == NULL)
		return -1;
	if (json_get_bool(args, "only_new", 0) && !plan_host_is_new(c, path))
		return 0;
	if (unlink(path) < 0 && errno != ENOENT)
		return err_errno(err, errno, "cannot remove '%s'", path);
	return 0;
}

/* Never over another file. */
static int op_rename(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	(void)c;
	const char *from = need_path(args, "from", err);
	const char *to = from == NULL ? NULL : need_path(args, "to", err);
	if (to == NULL)
		return -1;
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno == EINVAL && link(from, to) == 0) /* file systems without that flag */
		return unlink(from);
	if (errno == ENOENT && access(to, F_OK) == 0)
		return 0; /* it was done before */
	return err_errno(err, errno, "cannot rename '%s' to '%s'", from, to);
}

/* --- documents --- */

/* What tag, desc and metadata write belongs to them, whatever the plan knew of it. */
static bool is_others(const char *name)
{
	return str_eq(name, "title") || str_eq(name, "description") || str_eq(name, "metadata");
}

static void take_element(xmlDoc *to, xmlDoc *from, const char *name)
{
	xmlNode *root = xmlDocGetRootElement(to);
	xmlNode *there = xml_child(root, name), *now = xml_child(xmlDocGetRootElement(from), name);
	xmlNode *copy = now == NULL ? NULL : xmlDocCopyNode(now, to, 1);
	if (there != NULL && copy != NULL) {
		xmlReplaceNode(there, copy);
		xmlFreeNode(there);
	} else if (there != NULL) {
		xml_remove(there);
	} else if (copy != NULL) {
		xmlNode *place = xml_need_behind(
		    root, name, (const char *const[]){"title", "uuid", "name", NULL});
		xmlReplaceNode(place, copy);
		xmlFreeNode(place);
	}
}

static bool same_element(xmlDoc *a, xmlDoc *b, const char *name)
{
	xmlNode *x = xml_child(xmlDocGetRootElement(a), name);
	xmlNode *y = xml_child(xmlDocGetRootElement(b), name);
	if (x == NULL || y == NULL)
		return x == y;
	xmlBuffer *p = xmlBufferCreate(), *q = xmlBufferCreate();
	bool same = xmlNodeDump(p, a, x, 0, 0) >= 0 && xmlNodeDump(q, b, y, 0, 0) >= 0 &&
	            xmlStrEqual(xmlBufferContent(p), xmlBufferContent(q));
	xmlBufferFree(p);
	xmlBufferFree(q);
	return same;
}

/* Of the elements of <domain> those that others have changed since `was`, or made, or removed, and that the plan has left alone. */
static void take_changed(xmlDoc *to, xmlDoc *was, xmlDoc *from, xmlDoc *names)
{
	for (xmlNode *e = xml_first(xmlDocGetRootElement(names)); e != NULL; e = xml_next(e)) {
		const char *name = (const char *)e->name;
		if (is_others(name) ||
		    (!same_element(was, from, name) && same_element(was, to, name)))
			take_element(to, from, name);
	}
}

static char *merge(const char *xml, const char *was_text, const struct buf *present,
    const char *path, size_t *n, struct err *err)
{
	CLEANUP_XML xmlDoc *to = xml_read(xml, strlen(xml), path, "domain", err);
	CLEANUP_XML xmlDoc *from =
	    to == NULL ? NULL : xml_read(present->data, present->len, path, "domain", err);
	if (from == NULL)
		return NULL;
	CLEANUP_XML xmlDoc *was = xml_read(was_text, strlen(was_text), path, "domain", err);
	if (was == NULL)
		return NULL;
	take_changed(to, was, from, from);
	take_changed(to, was, from, was);
	return xml_format(to, n);
}

static bool same_text(const struct buf *b, const char *text)
{
	return b->len == strlen(text) && (b->len == 0 || memcmp(b->data, text, b->len) == 0);
}

int plan_host_write_live(const struct plan_host_ctx *c, const char *xml, size_t n, struct err *err)
{
	/* Not synced: the run directory does not outlive the host's boot. */
	CLEANUP_FREE char *path = home_run_file(c->home, c->name, "live.xml");
	CLEANUP_FREE char *fresh = home_run_file(c->home, c->name, "live.xml.new");
	CLEANUP_CLOSE int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || fd_write_all(fd, xml, n) < 0 || rename(fresh, path) < 0)
		return err_errno(err, errno, "cannot write '%s'", path);
	return 0;
}

/* A machine that has ended has no such document: there is nothing to write then. */
static int op_live(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	CLEANUP_FREE char *path = home_run_file(c->home, c->name, "live.xml");
	CLEANUP_BUF struct buf present = BUF_INIT;
	const char *xml = need(args, "xml", err), *was = json_get_str(args, "was");
	if (xml == NULL)
		return -1;
	/* Commands that write tuning and metadata into it hold this lock from their reading to their writing. */
	CLEANUP_CLOSE int lock = store_lock(c->home, err);
	if (lock < 0)
		return -1;
	if (file_read(path, STORE_XML_MAX, &present, err) < 0)
		return access(path, F_OK) < 0 && errno == ENOENT ? 0 : -1;
	size_t n = strlen(xml);
	CLEANUP_FREE char *merged = NULL;
	if (present.len > 0 && !(was != NULL && same_text(&present, was))) {
		merged = merge(xml, was == NULL ? xml : was, &present, path, &n, err);
		if (merged == NULL)
			return -1;
	}
	return plan_host_write_live(c, merged != NULL ? merged : xml, n, err);
}

static int op_define(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	CLEANUP_BUF struct buf present = BUF_INIT;
	const char *xml = need(args, "xml", err), *was = json_get_str(args, "was");
	if (xml == NULL)
		return -1;
	CLEANUP_CLOSE int lock = store_lock(c->home, err);
	if (lock < 0 || store_read(c->home, c->name, &present, err) < 0)
		return -1;
	if (same_text(&present, xml))
		return 0;
	if (was != NULL && !same_text(&present, was))
		return err_set(err, ERR_BUSY,
		    "somebody else has changed the definition of '%s' meanwhile: look at it and try again",
		    c->name);
	return store_write(c->home, c->name, xml, strlen(xml), err);
}

static int op_chains(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	struct domain d;
	CLEANUP_BUF struct buf xml = BUF_INIT;
	CLEANUP_FREE char *path = home_run_file(c->home, c->name, "live.xml");
	const char *target = json_get_str(args, "target");
	if (target == NULL)
		return err_set(err, ERR_INVALID, "'chains' needs a target");
	if (access(path, F_OK) < 0)
		return 0; /* it has ended */
	if (file_read(path, STORE_XML_MAX, &xml, err) < 0 ||
	    domain_parse(xml.data == NULL ? "" : xml.data, xml.len, path, DOMAIN_PARSE_LENIENT, &d,
	        NULL, err) < 0)
		return -1;
	int rc = disk_volumes_resolve(c->home, &d, err);
	for (size_t i = 0; rc == 0 && i < d.n_disks; i++) {
		struct domain one = {.name = d.name, .disks = &d.disks[i], .n_disks = 1};
		if (str_eq(d.disks[i].target, target))
			rc = chain_guard_begin(c->home, &one, err);
	}
	domain_fini(&d);
	return rc;
}

const struct plan_host_op plan_host_ops_basic[] = {
    {"open", false, op_open},
    {"close", false, op_close},
    {"copy", true, op_copy},
    {"remove", false, op_remove},
    {"rename", false, op_rename},
    {"live", true, op_live},
    {"define", true, op_define},
    {"chains", true, op_chains},
    {0},
};

static const struct plan_host_op *const families[] = {plan_host_ops_basic, plan_host_ops_image,
    plan_host_ops_net, plan_host_ops_block, plan_host_ops_snapshot, plan_host_ops_save,
    plan_host_ops_device};

const struct plan_host_op *plan_host_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		for (const struct plan_host_op *o = families[i]; o->name != NULL; o++)
			if (str_eq(o->name, name))
				return o;
	return NULL;
}
