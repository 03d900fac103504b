/* Networks, pools and snapshots: copied whole into our folders, for the parts that use them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/import.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "core/xml.h"

static const struct {
	const char *root;   /* element */
	const char *folder; /* below conf; NULL: a snapshot */
} kinds[IMPORT_KIND_COUNT] = {
    [IMPORT_NETWORK] = {"network", "networks"},
    [IMPORT_POOL] = {"pool", "pools"},
    [IMPORT_SNAPSHOT] = {"domainsnapshot", NULL},
};

/* Where it goes; the name in the document is the thing's name, a snapshot's file keeps its own. */
static char *place(
    const struct home *h, const struct import_file *f, const xmlDoc *doc, struct err *err)
{
	if (f->kind == IMPORT_SNAPSHOT) {
		CLEANUP_FREE char *dir = xasprintf("%s/snapshots/%s", h->data, f->domain);
		if (name_check("domain", f->domain, err) < 0 ||
		    name_check("snapshot", f->stem, err) < 0)
			return NULL;
		return xasprintf("%s/%s.xml", dir, f->stem);
	}
	CLEANUP_FREE char *name = xml_child_text(xmlDocGetRootElement(doc), "name");
	if (name_check(import_kind_name(f->kind), name != NULL ? name : "", err) < 0) {
		err_wrap(err, "%s", f->path);
		return NULL;
	}
	return xasprintf("%s/%s/%s.xml", h->conf, kinds[f->kind].folder, name);
}

/* The folder of a path, made. */
static int make_folder(const struct home *h, const char *path, struct err *err)
{
	CLEANUP_FREE char *dir = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	return home_mkdir(h, dir, err);
}

/* autostart/NAME.xml beside it, a link as libvirt makes it. */
static int keep_autostart(const struct home *h, const char *path, struct err *err)
{
	const char *file = strrchr(path, '/') + 1;
	CLEANUP_FREE char *dir = xstrndup(path, (size_t)(file - path));
	CLEANUP_FREE char *link = xasprintf("%sautostart/%s", dir, file);
	CLEANUP_FREE char *target = xasprintf("../%s", file);
	if (make_folder(h, link, err) < 0)
		return -1;
	if (symlink(target, link) < 0 && errno != EEXIST)
		return err_errno(err, errno, "cannot make the link '%s'", link);
	return 0;
}

static int compare(const char *path, const struct buf *text, bool overwrite, enum import_kept *kept,
    struct err *err)
{
	CLEANUP_BUF struct buf old = BUF_INIT;
	*kept = IMPORT_KEPT_NEW;
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	if (file_read(path, STORE_XML_MAX, &old, err) < 0)
		return -1;
	bool same = old.len == text->len && memcmp(old.data, text->data, old.len) == 0;
	*kept = same ? IMPORT_KEPT_SAME : overwrite ? IMPORT_KEPT_REPLACED : IMPORT_KEPT_OTHER;
	return 0;
}

int import_keep(const struct home *h, const struct import_file *f, bool overwrite, bool dry,
    enum import_kept *kept, struct err *err)
{
	CLEANUP_BUF struct buf text = BUF_INIT;
	if (file_read(f->path, STORE_XML_MAX, &text, err) < 0)
		return -1;
	CLEANUP_XML xmlDoc *doc =
	    xml_read(text.len > 0 ? text.data : "", text.len, f->path, kinds[f->kind].root, err);
	CLEANUP_FREE char *path = doc != NULL ? place(h, f, doc, err) : NULL;
	if (path == NULL || compare(path, &text, overwrite, kept, err) < 0)
		return -1;
	bool write = *kept == IMPORT_KEPT_NEW || *kept == IMPORT_KEPT_REPLACED;
	if (dry || *kept == IMPORT_KEPT_OTHER)
		return 0;
	if (write && (make_folder(h, path, err) < 0 ||
	                 file_write_atomic(path, text.data, text.len, 0600, err) < 0))
		return -1;
	return f->autostart ? keep_autostart(h, path, err) : 0;
}
