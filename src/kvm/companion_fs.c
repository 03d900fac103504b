#include "kvm/companion_fs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/sock.h"

#define FILES_MAX \
	1000000 /* what virtiofsd would ask for itself: a descriptor for each file that the guest knows */

/* QEMU's own (to version 7.2) lies beside its libraries; the one written in Rust has come after it. */
static char *find_program(const char *wanted, struct err *err)
{
	static const char *const places[] = {
	    "/usr/libexec/virtiofsd", "/usr/lib/qemu/virtiofsd", "/usr/lib/virtiofsd"};
	if (wanted != NULL && access(wanted, X_OK) == 0)
		return xstrdup(wanted);
	if (wanted != NULL) {
		err_errno(err, errno, "<filesystem>: cannot run its <binary> '%s'", wanted);
		return NULL;
	}
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (access(places[i], X_OK) == 0)
			return xstrdup(places[i]);
	char *found = file_find_program("virtiofsd");
	if (found == NULL)
		err_set(err, ERR_NOT_FOUND,
		    "<filesystem>: no virtiofsd here: install it (Debian 12: qemu-system-common, later and Fedora: "
		    "virtiofsd), or name it in <binary path=…>");
	return found;
}

/* Both programs take the options of QEMU's. */
static void add_switch(struct buf *b, const char *name, enum domain_switch s)
{
	if (s != SWITCH_ABSENT)
		buf_addf(b, ",%s%s", s == SWITCH_ON ? "" : "no_", name);
}

static char *make_options(const struct companion_fs *f)
{
	struct buf b = BUF_INIT;
	/* virtiofsd knows no escape for a comma. */
	buf_addf(&b, "source=%s", f->source);
	if (f->cache != NULL)
		buf_addf(&b, ",cache=%s", f->cache);
	if (f->sandbox != NULL)
		buf_addf(&b, ",sandbox=%s", f->sandbox);
	add_switch(&b, "xattr", f->xattr);
	add_switch(&b, "flock", f->flock);
	add_switch(&b, "posix_lock", f->posix_lock);
	return buf_take(&b);
}

static int check_source(const struct companion_fs *f, struct err *err)
{
	struct stat st;
	if (stat(f->source, &st) < 0)
		return err_errno(err, errno, "<filesystem>: cannot use '%s'", f->source);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_INVALID, "<filesystem>: '%s' is not a folder", f->source);
	if (strchr(f->source, ',') != NULL)
		return err_set(err, ERR_UNSUPPORTED,
		    "<filesystem>: virtiofsd cannot take a folder whose name has a comma: '%s'",
		    f->source);
	return 0;
}

static int start(struct companion_set *s, const struct companion_fs *f, int listener,
    const struct companion_spec *as, struct err *err)
{
	char label[24], threads[40];
	CLEANUP_FREE char *program = find_program(f->program, err);
	CLEANUP_FREE char *options = make_options(f);
	CLEANUP_FREE char *what = xasprintf("virtiofsd (folder '%s')", f->source);
	if (program == NULL)
		return -1;
	snprintf(label, sizeof(label), "fs%u", f->index);
	snprintf(threads, sizeof(threads), "--thread-pool-size=%u", f->threads);
	char *argv[] = {program, (char *)"--fd=3", (char *)"-o", options,
	    f->threads > 0 ? threads : NULL, NULL};
	/* It serves the guest's users as root of its own small world, and confines itself. */
	const struct confine own = {.max_files = FILES_MAX};
	struct companion_spec spec = *as;
	spec.label = label;
	spec.what = what;
	spec.argv = argv;
	spec.fd = listener;
	spec.confine = &own;
	return companion_start(s, &spec, err);
}

/* Connected before it is started: should all of us be killed now, it finds its peer gone and ends. */
int companion_fs_start(struct companion_set *s, const struct companion_fs *f, const char *path,
    const struct companion_spec *as, struct err *err)
{
	if (check_source(f, err) < 0)
		return -1;
	CLEANUP_CLOSE int listener = sock_listen(path, 0600, err);
	CLEANUP_CLOSE int fd = listener < 0 ? -1 : sock_connect(path, err);
	unlink(path);
	if (fd < 0)
		return -1;
	return start(s, f, listener, as, err) < 0 ? -1 : TAKE_FD(fd);
}
