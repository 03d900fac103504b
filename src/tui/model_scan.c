/* The names: definitions and run directories. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/domain_meta.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "tui/model_impl.h"

#define FOLDER_SETTLE_NS \
	100000000ll /* a folder changed this recently may change again within one clock tick */

/* Has the folder's list of names changed since it was last read? */
static bool folder_changed(struct folder *f)
{
	struct stat st;
	struct timespec now;
	bool changed;
	if (stat(f->path, &st) < 0)
		memset(&st, 0, sizeof(st));
	changed = f->unsure || st.st_mtim.tv_sec != f->mtime.tv_sec ||
	          st.st_mtim.tv_nsec != f->mtime.tv_nsec;
	f->mtime = st.st_mtim;
	clock_gettime(CLOCK_REALTIME, &now);
	f->unsure =
	    (now.tv_sec - st.st_mtim.tv_sec) * 1000000000ll + (now.tv_nsec - st.st_mtim.tv_nsec) <
	    FOLDER_SETTLE_NS;
	return changed;
}

/* Tags and group, when the definition is another than the one they were read from. What cannot be read has none. */
static void read_meta(struct model *m, struct vm_entry *e)
{
	CLEANUP_FREE char *path = home_domain_xml(m->home, e->name);
	CLEANUP_BUF struct buf xml = BUF_INIT, tags = BUF_INIT;
	struct domain_meta meta = {0};
	struct stat st;
	if (stat(path, &st) < 0 || (st.st_mtim.tv_sec == e->defined_at.tv_sec &&
	                               st.st_mtim.tv_nsec == e->defined_at.tv_nsec))
		return;
	e->defined_at = st.st_mtim;
	if (file_read(path, STORE_XML_MAX, &xml, NULL) == 0)
		domain_meta_parse(xml.data ? xml.data : "", xml.len, e->name, &meta, NULL);
	for (size_t i = 0; i < meta.n_tags; i++)
		buf_addf(&tags, "%s#%s", i ? " " : "", meta.tags[i]);
	model_text_set(&e->tags, tags.len ? tags.data : "");
	model_text_set(&e->group, meta.group ? meta.group : "");
	e->protect = meta.protect;
	domain_meta_fini(&meta);
}

static int scan_definitions(struct model *m, struct err *err)
{
	char **names;
	size_t n;
	if (store_names(m->home, &names, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < m->n_all; i++)
		m->all[i]->defined = false;
	for (size_t i = 0; i < n; i++) {
		struct vm_entry *e = model_entry(m, names[i]);
		e->defined = true;
		read_meta(m, e);
	}
	store_names_free(names);
	return 0;
}

static int scan_runs(struct model *m, struct err *err)
{
	DIR *d = opendir(m->home->run);
	for (size_t i = 0; i < m->n_all; i++)
		m->all[i]->run_dir = false;
	if (!d)
		return errno == ENOENT
		           ? 0
		           : err_errno(err, errno, "cannot read the folder '%s'", m->home->run);
	for (struct dirent *e; (e = readdir(d));)
		if (e->d_type != DT_REG && name_check("domain", e->d_name, NULL) == 0)
			model_entry(m, e->d_name)->run_dir = true;
	if (m->run_fd >= 0)
		close(m->run_fd);
	m->run_fd = fcntl(dirfd(d), F_DUPFD_CLOEXEC, 3);
	closedir(d);
	return 0;
}

static void drop_gone(struct model *m)
{
	size_t k = 0;
	for (size_t i = 0; i < m->n_all; i++) {
		struct vm_entry *e = m->all[i];
		if (e->defined || e->run_dir) {
			m->all[k++] = e;
			continue;
		}
		vm_entry_free(e);
		m->rows_stale = true;
	}
	m->n_all = k;
}
int model_scan(struct model *m, struct err *err)
{
	int rc = 0;
	bool d = folder_changed(&m->definitions), r = folder_changed(&m->runs);
	if (d)
		rc |= scan_definitions(m, err);
	if (r)
		rc |= scan_runs(m, err);
	if (d || r)
		drop_gone(m);
	return rc;
}
