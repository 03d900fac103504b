/* Images that plans make for QEMU to open, and what documents and the memory of chains say of disks (kvm/plan_disk_xml.h).
 *
 *	image-new   path, format ("raw", "qcow2"), size; backing, backing_format
 *	            an empty image; what backs it is not opened, QEMU may be writing to it. Never over a file that is there. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "disk/chain_memory.h"
#include "disk/img_create.h"
#include "kvm/plan_disk_xml.h"
#include "kvm/plan_host.h"

static int image_new(const struct plan_host_ctx *ctx, struct json_object *args, struct err *err)
{
	(void)ctx;
	const char *path = json_get_str(args, "path");
	int64_t size = json_get_int(args, "size", -1);
	struct img_create c = {.format = json_get_str(args, "format"),
	    .with_size = true,
	    .fresh = true,
	    .backing_as_told = true};
	c.qcow2.size = (uint64_t)size;
	c.qcow2.backing = json_get_str(args, "backing");
	c.qcow2.backing_format = json_get_str(args, "backing_format");
	if (path == NULL || path[0] != '/' || c.format == NULL || size < 0)
		return err_set(err, ERR_INVALID, "a step that makes an image lacks what it needs");
	return img_create_now(path, &c, err);
}

/* --- documents --- */

/* A machine that has ended has no such document: there is nothing to write then. */
static int disk_live(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	CLEANUP_FREE char *path = home_run_file(c->home, c->name, "live.xml");
	CLEANUP_BUF struct buf xml = BUF_INIT;
	struct err why = {0};
	size_t n;
	if (access(path, F_OK) < 0)
		return 0;
	CLEANUP_CLOSE int lock = store_lock(c->home, err);
	if (lock < 0 || file_read(path, STORE_XML_MAX, &xml, err) < 0)
		return -1;
	CLEANUP_FREE char *now =
	    plan_disk_change_text(xml.data, xml.len, path, args, true, &n, &why);
	if (now == NULL && why.code != ERR_NONE)
		return err_set(err, why.code, "%s", why.msg);
	return now == NULL ? 0 : plan_host_write_live(c, now, n, err);
}

static int disk_define(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	CLEANUP_BUF struct buf xml = BUF_INIT;
	struct err why = {0};
	size_t n;
	CLEANUP_CLOSE int lock = store_lock(c->home, err);
	if (lock < 0 || store_read(c->home, c->name, &xml, err) < 0)
		return -1;
	CLEANUP_FREE char *now =
	    plan_disk_change_text(xml.data, xml.len, c->name, args, false, &n, &why);
	if (now == NULL && why.code != ERR_NONE)
		return err_set(err, why.code, "%s", why.msg);
	return now == NULL ? 0 : store_write(c->home, c->name, now, n, err);
}

/* --- what headers name --- */

/* As chain_read would find it. */
static int remember(const struct plan_host_ctx *c, struct json_object *list, struct err *err)
{
	struct chain chain = {0};
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	if (n == 0 || n > CHAIN_MAX)
		return err_set(err, ERR_INVALID, "a chain of %zu images", n);
	chain.links = xcalloc(n, sizeof(*chain.links));
	for (; chain.n < n; chain.n++) {
		struct json_object *o = json_object_array_get_idx(list, chain.n);
		struct chain_link *l = &chain.links[chain.n];
		struct stat st;
		const char *path = json_get_str(o, "path");
		l->kind = chain.n == 0 ? CHAIN_IMAGE : CHAIN_BACKING;
		l->path = xstrdup(path == NULL ? "" : path);
		l->format = xstrdup0(json_get_str(o, "format"));
		l->depth = (unsigned)chain.n;
		if (stat(l->path, &st) == 0) {
			l->dev = st.st_dev;
			l->ino = st.st_ino;
		}
	}
	int rc = chain_remember(c->home, c->name, &chain, err);
	chain_fini(&chain);
	return rc;
}

static int chain_set(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	struct json_object *set = json_get_arr(args, "set"), *forget = json_get_arr(args, "forget");
	size_t n = set == NULL ? 0 : json_object_array_length(set);
	for (size_t i = 0; i < n; i++)
		if (remember(c, json_object_array_get_idx(set, i), err) < 0)
			return -1;
	n = forget == NULL ? 0 : json_object_array_length(forget);
	for (size_t i = 0; i < n; i++) {
		const char *path = json_object_get_string(json_object_array_get_idx(forget, i));
		if (path != NULL)
			chain_forget(c->home, path);
	}
	return 0;
}

const struct plan_host_op plan_host_ops_block[] = {
    {"image-new", true, image_new},
    {"disk-live", true, disk_live},
    {"disk-define", true, disk_define},
    {"chain-set", true, chain_set},
    {0},
};
