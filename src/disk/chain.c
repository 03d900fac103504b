#include "disk/chain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/str.h"
#include "disk/img.h"
#include "disk/img_info.h"

#define SHOWN_MAX 600 /* bytes of a name in a message */

static struct chain_link *add_link(
    struct chain *c, enum chain_kind kind, const char *path, const char *format, unsigned depth)
{
	c->links = xreallocarray(c->links, c->n + 1, sizeof(*c->links));
	struct chain_link *l = &c->links[c->n++];
	*l = (struct chain_link){
	    .kind = kind, .path = xstrdup(path), .format = xstrdup0(format), .depth = depth};
	return l;
}

/* Is it something that may be opened? Sets who it is. */
static bool look(struct chain *c, struct chain_link *l)
{
	struct stat st;
	if (l->path[0] != '/' && strchr(l->path, ':') != NULL)
		return false;
	if (stat(l->path, &st) < 0) {
		c->trouble = xasprintf("'%s': %s", l->path, strerror(errno));
		return false;
	}
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode))
		return true;
	c->trouble = xasprintf("'%s' is neither a file nor a block device", l->path);
	return false;
}

static bool is_ring(const struct chain *c)
{
	const struct chain_link *last = &c->links[c->n - 1];
	for (size_t i = 0; i + 1 < c->n; i++)
		if (c->links[i].kind != CHAIN_DATA && c->links[i].dev == last->dev &&
		    c->links[i].ino == last->ino)
			return true;
	return false;
}

static bool may_refer(const char *format)
{
	return strcmp(format, "qcow2") == 0 || strcmp(format, "qcow") == 0;
}

/* Which of our formats the contents look like; NULL with an error. */
static const char *look_at_contents(const char *path, struct err *err)
{
	struct err why = {0};
	struct disk_io *io = disk_io_open(path, 0, err);
	if (!io)
		return NULL;
	const char *format = disk_format_name(img_probe(io, path, &why)->format);
	disk_io_close(io);
	if (why.code == ERR_NONE)
		return format;
	err_set(err, why.code, "%s", why.msg);
	return NULL;
}

int chain_names_read(
    const char *path, const char *format, struct chain_names *names, struct err *err)
{
	struct img_info info;
	*names = (struct chain_names){0};
	if (!format && !(format = look_at_contents(path, err)))
		return -1;
	if (!may_refer(format))
		return 0;
	CLEANUP(img_drop)
	struct img *im = img_look(path, format, err);
	if (!im || img_info(im, &info, err) < 0)
		return -1;
	names->backing = info.backing_full ? TAKE_PTR(info.backing_full) : TAKE_PTR(info.backing);
	names->backing_format = TAKE_PTR(info.backing_format);
	if (info.data_file)
		names->data_file = img_resolve(path, info.data_file);
	if (info.data_file && !names->data_file)
		names->data_file = TAKE_PTR(info.data_file);
	img_info_fini(&info);
	return 0;
}

void chain_names_fini(struct chain_names *names)
{
	free(names->backing);
	free(names->backing_format);
	free(names->data_file);
	*names = (struct chain_names){0};
}

/* What the last image names, added; false: nothing backs it, or nothing more is to be known. */
static bool step(struct chain *c, unsigned depth)
{
	struct err err = {0};
	struct chain_names names;
	struct chain_link *last = &c->links[c->n - 1];
	if ((last->format && !may_refer(last->format)) || !look(c, last))
		return false;
	if (is_ring(c)) {
		c->trouble = xasprintf("'%s' is in its own chain of backing files", last->path);
		return false;
	}
	if (chain_names_read(last->path, last->format, &names, &err) < 0) {
		c->trouble = xstrdup(err.msg);
		return false;
	}
	if (names.data_file != NULL) {
		struct chain trial = {0};
		look(&trial, add_link(c, CHAIN_DATA, names.data_file, "raw", depth));
		chain_fini(&trial);
	}
	bool more = names.backing != NULL;
	if (more)
		add_link(c, CHAIN_BACKING, names.backing, names.backing_format, depth + 1);
	chain_names_fini(&names);
	return more;
}

void chain_read(const char *path, const char *format, struct chain *c)
{
	*c = (struct chain){0};
	add_link(c, CHAIN_IMAGE, path, format, 0);
	for (unsigned depth = 0; step(c, depth); depth++) {
		if (depth + 1 < CHAIN_MAX)
			continue;
		c->trouble = xasprintf("'%s': its chain is longer than %d images", path, CHAIN_MAX);
		return;
	}
	/* The last one is raw, or was left before it was looked at. */
	struct chain_link *last = &c->links[c->n - 1];
	if (last->ino == 0 && c->trouble == NULL)
		look(c, last);
}

void chain_fini(struct chain *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->links[i].path);
		free(c->links[i].format);
	}
	free(c->links);
	free(c->trouble);
	*c = (struct chain){0};
}

int chain_has(const char *path, const char *format, const char *file, struct err *err)
{
	struct stat want;
	struct chain c;
	int rc = 0;
	if (stat(file, &want) < 0)
		return errno == ENOENT ? 0 : err_errno(err, errno, "cannot look at '%s'", file);
	chain_read(path, format, &c);
	for (size_t i = 0; i < c.n && rc == 0; i++)
		rc = c.links[i].dev == want.st_dev && c.links[i].ino == want.st_ino;
	const char *last = c.links[c.n - 1].path;
	if (rc == 0 && c.trouble && (access(last, F_OK) == 0 || errno != ENOENT))
		rc = err_set(err, ERR_INVALID, "%s", c.trouble);
	chain_fini(&c);
	return rc;
}

bool chain_equal(const struct chain *a, const struct chain *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct chain_link *x = &a->links[i], *y = &b->links[i];
		/* The top image's format is the definition's. */
		if (x->kind != y->kind || strcmp(x->path, y->path) != 0 ||
		    (i > 0 && !str_eq(x->format, y->format)))
			return false;
	}
	return true;
}

void chain_words(const struct chain *c, struct buf *out)
{
	if (c->n < 2)
		buf_adds(out, "no other file");
	for (size_t i = 1; i < c->n; i++) {
		const struct chain_link *l = &c->links[i];
		CLEANUP_FREE char *path = str_printable(l->path, strlen(l->path), SHOWN_MAX);
		CLEANUP_FREE char *format =
		    l->format ? str_printable(l->format, strlen(l->format), 40) : NULL;
		buf_adds(out, i > 1 ? ", " : "");
		if (l->kind == CHAIN_DATA)
			buf_addf(out, "data in '%s'", path);
		else
			buf_addf(out, "'%s' (%s)", path, format ? format : "of no told format");
	}
}
