/* Where libvirt keeps what, found from any folder of it that a user may name. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/import.h"
#include "core/mem.h"
#include "core/str.h"

#define ETC "/etc/libvirt"

static bool is_dir(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool ends_in(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);
	return n >= m && strcmp(s + n - m, end) == 0;
}

/* --- which folder is which --- */
/* path without its last part, "" for "/x". */
static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return xstrndup(path, slash == NULL ? 0 : (size_t)(slash - path));
}

static void find_config(struct import_tree *t, const char *dir)
{
	CLEANUP_FREE char *below = xasprintf("%s/qemu", dir);
	if (is_dir(below)) {
		t->config = xstrdup(dir);
		t->qemu = TAKE_PTR(below);
		return;
	}
	t->qemu = xstrdup(dir);
	if (ends_in(dir, "/qemu"))
		t->config = parent_of(dir);
}

/* A session has its state beside its definitions, a system's is below /var of the same root. */
static void find_state(struct import_tree *t)
{
	CLEANUP_FREE char *beside = xasprintf("%s/snapshot", t->qemu);
	if (t->config != NULL && ends_in(t->config, ETC)) {
		t->root = xstrndup(t->config, strlen(t->config) - strlen(ETC));
		t->state = xasprintf("%s/var/lib/libvirt/qemu", t->root);
	} else if (is_dir(beside)) {
		t->state = xstrdup(t->qemu);
	}
}

/* --- what is in them --- */
struct walk {
	struct import_tree *t;
	enum import_kind kind;
	const char *ending;
	const char *domain;
};

static void add_file(const struct walk *w, const char *dir, const char *file, size_t stem)
{
	struct import_tree *t = w->t;
	if (t->n == IMPORT_FILES_MAX)
		return;
	if ((t->n & (t->n - 1)) == 0)
		t->files = xreallocarray(t->files, t->n == 0 ? 1 : t->n * 2, sizeof *t->files);
	t->files[t->n++] = (struct import_file){.kind = w->kind,
	    .path = xasprintf("%s/%s", dir, file),
	    .stem = xstrndup(file, stem),
	    .domain = xstrdup0(w->domain)};
	if (t->n < IMPORT_FILES_MAX)
		return;
	t->incomplete = true;
	buf_addf(&t->notes, "%s: more than %u files, the rest was not looked at\n", dir,
	    IMPORT_FILES_MAX);
}

static DIR *open_dir(struct import_tree *t, const char *dir)
{
	DIR *d = opendir(dir);
	if (d == NULL && errno != ENOENT) {
		buf_addf(&t->notes, "cannot read the folder '%s': %s\n", dir, strerror(errno));
		t->incomplete = true;
	}
	return d;
}

/* Every entry of that ending, whatever it is: one that is no file is reported when it is read. */
static void take_dir(const struct walk *w, const char *dir)
{
	DIR *d = open_dir(w->t, dir);
	size_t end = strlen(w->ending);
	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		size_t n = strlen(e->d_name);
		if (e->d_name[0] != '.' && n > end && strcmp(e->d_name + n - end, w->ending) == 0)
			add_file(w, dir, e->d_name, n - end);
	}
	if (d != NULL)
		closedir(d);
}

static void take(struct import_tree *t, enum import_kind kind, const char *base, const char *sub,
    const char *ending)
{
	const struct walk w = {t, kind, ending, NULL};
	if (base == NULL)
		return;
	CLEANUP_FREE char *dir = xasprintf("%s%s", base, sub);
	take_dir(&w, dir);
}

/* snapshot/NAME/ and the like: one folder for each domain. */
static void take_per_domain(struct import_tree *t, enum import_kind kind, const char *sub)
{
	if (t->state == NULL)
		return;
	CLEANUP_FREE char *dir = xasprintf("%s/%s", t->state, sub);
	DIR *d = open_dir(t, dir);
	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		CLEANUP_FREE char *below = xasprintf("%s/%s", dir, e->d_name);
		const struct walk w = {t, kind, ".xml", e->d_name};
		if (e->d_name[0] != '.' && is_dir(below))
			take_dir(&w, below);
	}
	if (d != NULL)
		closedir(d);
}

static struct import_file *find_file(struct import_tree *t, enum import_kind kind, const char *stem)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->files[i].kind == kind && strcmp(t->files[i].stem, stem) == 0)
			return &t->files[i];
	return NULL;
}

/* A link's own name counts, as it does for libvirt: where it points is often another host's path. */
static void mark_autostart(
    struct import_tree *t, enum import_kind kind, const char *base, const char *sub)
{
	if (base == NULL)
		return;
	CLEANUP_FREE char *dir = xasprintf("%s%s", base, sub);
	DIR *d = open_dir(t, dir);
	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		if (!ends_in(e->d_name, ".xml"))
			continue;
		CLEANUP_FREE char *stem = xstrndup(e->d_name, strlen(e->d_name) - 4);
		struct import_file *f = find_file(t, kind, stem);
		if (f != NULL)
			f->autostart = true;
		else
			buf_addf(&t->notes, "%s/%s: a link to a %s that is not defined\n", dir,
			    e->d_name, import_kind_name(kind));
	}
	if (d != NULL)
		closedir(d);
}

static int compare(const void *a, const void *b)
{
	const struct import_file *x = a, *y = b;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	int by_domain =
	    strcmp(x->domain != NULL ? x->domain : "", y->domain != NULL ? y->domain : "");
	return by_domain != 0 ? by_domain : strcmp(x->stem, y->stem);
}

static void take_all(struct import_tree *t)
{
	take(t, IMPORT_DOMAIN, t->qemu, "", ".xml");
	take(t, IMPORT_NETWORK, t->qemu, "/networks", ".xml");
	take(t, IMPORT_POOL, t->config, "/storage", ".xml");
	take(t, IMPORT_SECRET, t->config, "/secrets", ".xml");
	take(t, IMPORT_NWFILTER, t->config, "/nwfilter", ".xml");
	take(t, IMPORT_SAVE, t->state, "/save", ".save");
	take_per_domain(t, IMPORT_SNAPSHOT, "snapshot");
	take_per_domain(t, IMPORT_CHECKPOINT, "checkpoint");
	qsort(t->files, t->n, sizeof *t->files, compare);
	mark_autostart(t, IMPORT_DOMAIN, t->qemu, "/autostart");
	mark_autostart(t, IMPORT_NETWORK, t->qemu, "/networks/autostart");
	mark_autostart(t, IMPORT_POOL, t->config, "/storage/autostart");
}

int import_tree_read(const char *dir, struct import_tree *t, struct err *err)
{
	*t = (struct import_tree){0};
	CLEANUP_FREE char *real = realpath(dir, NULL);
	if (real == NULL)
		return err_errno(err, errno, "cannot read the folder '%s'", dir);
	if (!is_dir(real))
		return err_set(err, ERR_INVALID,
		    "'%s' is not a folder: libvirt's /etc/libvirt or a copy of it is wanted", dir);
	find_config(t, real);
	find_state(t);
	take_all(t);
	/* Nothing at all may be the wrong folder, or one that may not be read. */
	if (t->n == 0) {
		err_set(err, ERR_NOT_FOUND, "no definitions of libvirt in '%s'%s%s", dir,
		    t->notes.len > 0 ? ": " : "", t->notes.len > 0 ? t->notes.data : "");
		import_tree_fini(t);
		return -1;
	}
	import_find_qemus(t);
	return 0;
}

void import_tree_fini(struct import_tree *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->files[i].path);
		free(t->files[i].stem);
		free(t->files[i].domain);
	}
	for (size_t i = 0; i < t->n_qemus; i++)
		free(t->qemus[i].uuid);
	free(t->qemus);
	free(t->files);
	free(t->qemu);
	free(t->config);
	free(t->state);
	free(t->root);
	buf_fini(&t->notes);
	*t = (struct import_tree){0};
}

/* --- words --- */
const char *import_kind_name(enum import_kind kind)
{
	static const char *const names[IMPORT_KIND_COUNT] = {
	    [IMPORT_DOMAIN] = "domain",
	    [IMPORT_NETWORK] = "network",
	    [IMPORT_POOL] = "storage pool",
	    [IMPORT_SNAPSHOT] = "snapshot",
	    [IMPORT_CHECKPOINT] = "checkpoint",
	    [IMPORT_SAVE] = "saved state",
	    [IMPORT_SECRET] = "secret",
	    [IMPORT_NWFILTER] = "network filter",
	};
	return names[kind];
}

void import_note(struct import_notes *n, enum import_level level, const char *fmt, ...)
{
	va_list ap;
	n->notes = xreallocarray(n->notes, n->n + 1, sizeof *n->notes);
	va_start(ap, fmt);
	n->notes[n->n++] = (struct import_note){level, xvasprintf(fmt, ap)};
	va_end(ap);
	if (level > n->worst)
		n->worst = level;
}

void import_note_lines(struct import_notes *n, enum import_level level, const char *lines)
{
	for (size_t len; lines != NULL && *lines != '\0'; lines += len + (lines[len] == '\n')) {
		len = strcspn(lines, "\n");
		if (len > 0)
			import_note(n, level, "%.*s", (int)len, lines);
	}
}

void import_notes_fini(struct import_notes *n)
{
	for (size_t i = 0; i < n->n; i++)
		free(n->notes[i].text);
	free(n->notes);
	*n = (struct import_notes){0};
}
